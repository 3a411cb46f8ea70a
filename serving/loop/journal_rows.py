"""Rows of the journal as they lie in its files, the newest included: a service need not open its store again for them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date
from hashlib import sha256
from pathlib import Path
from typing import Any

import polars as pl

from features.ingest.scan import files_in, scan_parquet

Row = dict[str, Any]
_SHORT = 16
"""Hex digits of a mark in a file's name; a choice: 64 bits, so that two marks of one journal never meet."""


def mark_digest(mark: str) -> str:
    """Return the digest by which a mark, such as an inspection's number, stands in the names of its files."""
    return sha256(mark.encode()).hexdigest()[:_SHORT]


def is_marked(journal: Path, table: str, mark: str) -> bool:
    """Tell whether an act with a mark has its row in the journal."""
    return bool(_marked(journal, table, mark))


def marked_rows(journal: Path, table: str, mark: str) -> list[Row]:
    """Return the rows of the acts that have a mark, in the order in which they were recorded."""
    return _in_order(_rows_of(_marked(journal, table, mark)))


def rows_where(journal: Path, table: str, **equal: str | int | date) -> list[Row]:
    """Return the rows of a table whose columns equal some values, in the order in which they were recorded."""
    return rows_of_parts(files_in(journal / table, "*.parquet"), **equal)


def rows_of_parts(parts: Iterable[Path], **equal: str | int | date) -> list[Row]:
    """Return the rows of some parts of a table as `rows_where` does."""
    return _in_order(_rows_of(parts, **equal))


def _marked(journal: Path, table: str, mark: str) -> list[Path]:
    return files_in(journal / table, f"*-{mark_digest(mark)}*.parquet")


def _rows_of(parts: Iterable[Path], **equal: str | int | date) -> Iterator[Row]:
    # part by part, since parts of earlier versions may lack columns: then no row of theirs has the value
    for part in parts:
        rows = scan_parquet(part)
        if equal.keys() <= set(rows.collect_schema().names()):
            conditions = [pl.col(name) == value for name, value in equal.items()]
            yield from rows.filter(*conditions).collect().to_dicts()


def _in_order(rows: Iterable[Row]) -> list[Row]:
    """Return rows in the order in which the store takes the versions of one key."""
    return sorted(rows, key=lambda row: (row["recorded_on"], len(row["row_id"]), row["row_id"]))
