"""A live store of a version before, brought to the form of today: what a feed made cannot be loaded anew."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from features.contract.millionths import CERTAIN, probability_columns
from features.files import UNFINISHED, durable, write_durable_text
from features.ingest.scan import files_below, files_in, read_table
from features.ingest.staging import GROUP

MARK = "millionths"
"""The key in a store's summary, and the file in an older store, that says that its probabilities are whole millionths."""


def brought_up(folder: Path, summary: dict[str, Any]) -> None:
    """Let the probabilities of a live store be whole millionths, which versions before held as floats.

    Each is rounded to the nearest, a finer one to no less than one. A run that was stopped half-way is carried on.
    """
    if MARK in summary or (folder / MARK).exists():
        return
    for path in files_below(folder, "*.parquet"):
        # what another run is writing now is of today's form, or is taken away
        if not any(map(UNFINISHED.fullmatch, path.parts)) and (floats := _floats(path)):
            _rewrite(path, floats)
    write_durable_text(folder / MARK, "")


def _floats(path: Path) -> list[str]:
    schema = pq.read_schema(path)
    stored = [name for name in probability_columns() if name in schema.names]
    return [name for name in stored if pa.types.is_floating(schema.field(name).type)]


def _rewrite(path: Path, names: list[str]) -> None:
    """Write a file of rows with some columns in millionths, what was laid out of these columns taken away first."""
    rows = read_table(path)
    for name in names:
        for flat in files_in(path.with_suffix(".flat"), f"{name}.*.column"):
            flat.unlink()
        place = rows.column_names.index(name)
        rows = rows.set_column(place, name, _in_millionths(rows[name]))
    with durable(path) as unfinished:
        pq.write_table(
            rows, unfinished, compression="zstd", compression_level=1, row_group_size=GROUP
        )


def _in_millionths(column: pa.ChunkedArray) -> pa.ChunkedArray:
    nearest = pc.round(pc.multiply(column, float(CERTAIN)))
    return pc.cast(pc.max_element_wise(nearest, 1.0, skip_nulls=False), pa.int32())
