"""The journal: contract tables that this system writes itself, beside a source that it only reads."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from features.calendar import date_of
from features.contract.tables import COMMON, Column, contract
from features.errors import HistoryError
from features.files import OWNER, durable, own_folder
from features.ingest.source import DECIDED, JOURNAL

_TYPES = {
    "day": pa.date32(),
    "probability": pa.float64(),
    "flag": pa.int8(),
    "id": pa.string(),
    "choice": pa.string(),
}
_PART = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9_.-]{0,199}")


def write_journal_part(
    folder: Path, table: str, part: str, columns: Mapping[str, Sequence[Any]]
) -> Path:
    """Write rows of a journal table as `folder/table/part.parquet`, whole or not at all, and return its path.

    `columns` holds the contract's columns but `row_id` and `retracted`, days as integers; one that may be empty may be left
    out. A part replaces itself.
    """
    tables = (*JOURNAL, *DECIDED)
    if table not in tables or not _PART.fullmatch(part):
        raise HistoryError(
            f"the journal has the tables {', '.join(tables)} and parts named {_PART.pattern}; "
            f"got {table!r}, {part!r}"
        )
    declared = contract()[table].columns + COMMON
    size = len(next(iter(columns.values())))
    row_ids = [f"{part}-{number}" for number in range(size)]
    empty: dict[str, Sequence[Any]] = {
        column.name: [None] * size for column in declared if column.optional
    }
    recording: dict[str, Sequence[Any]] = {"row_id": row_ids, "retracted": [0] * size}
    values: dict[str, Sequence[Any]] = {**empty, **columns, **recording}
    arrays = {column.name: _array(column, values[column.name]) for column in declared}
    path = folder / table / f"{part}.parquet"
    own_folder(path.parent)
    with durable(path, OWNER) as unfinished:
        pq.write_table(pa.table(arrays), unfinished, compression="zstd")
    return path


def _array(column: Column, values: Sequence[Any]) -> pa.Array:
    if column.kind == "day":
        values = [None if value is None else date_of(value) for value in values]
    return pa.array(values, _TYPES.get(column.kind, pa.int64()))
