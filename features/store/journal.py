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

    `columns` are those of `journal_part`. A part replaces itself.
    """
    rows = journal_part(table, part, columns)
    path = part_file(folder, table, part)
    own_folder(path.parent)
    with durable(path, OWNER) as unfinished:
        pq.write_table(rows, unfinished, compression="zstd")
    return path


def part_file(folder: Path, table: str, part: str) -> Path:
    """Return where a part of a journal table lies."""
    return folder / table / f"{part}.parquet"


def journal_part(table: str, part: str, columns: Mapping[str, Sequence[Any]]) -> pa.Table:
    """Return rows of a journal table as a part of it holds them.

    `columns` holds the contract's columns but `row_id` and `retracted`, days as integers; one that may be empty may be left
    out.
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
    return pa.table({column.name: _array(column, values[column.name]) for column in declared})


def _array(column: Column, values: Sequence[Any]) -> pa.Array:
    if column.kind == "day":
        values = [None if value is None else date_of(value) for value in values]
    return pa.array(values, _TYPES.get(column.kind, pa.int64()))
