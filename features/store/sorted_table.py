"""A Parquet file sorted by one column of codes: a range reads only its own rows."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from features.arrays import NULL
from features.connection import Connection, ConnectionLimits, named, opened, quoted
from features.files import private_folder, write_points
from features.ingest.scan import parquet_sql
from features.seal import Seal, check_whole, seal_file
from features.store.column_files import Flat, FlatTable
from features.store.merge_on_read import Rows
from features.store.string_files import FlatTexts

FOOTER_END = 8
"""Bytes at the end of a Parquet file: the length of its footer, and four letters."""
TEXTS = ("row_id", "right_row_id")
SORTED_FORM = "FORMAT parquet, COMPRESSION zstd, COMPRESSION_LEVEL 1, ROW_GROUP_SIZE 131072"


class SortedFile:
    """A Parquet file sorted by one column of codes: a range of codes reads only its own rows."""

    def __init__(self, path: Path, by: str) -> None:
        self.file = sealed_parquet(path)
        self._path = path
        self.flat = FlatTable(self.file, path, by)
        folder = self.flat.folder
        self._texts = {name: FlatTexts(self.file, folder, name) for name in TEXTS}

    @property
    def size(self) -> int:
        """How many rows there are."""
        return int(self.file.metadata.num_rows)

    def between(self, low: int, high: int, columns: tuple[str, ...]) -> Rows:
        """Return the rows with low <= sorting column < high, in order."""
        start, stop = self.flat.span(low, high)
        rows: Rows = {}
        for name in columns:
            column: FlatTexts | Flat
            column = self._texts[name] if name in TEXTS else self.flat.column(name)
            rows[name] = column.between(start, stop)
        return rows

    def every(self, columns: tuple[str, ...]) -> Rows:
        """Return all rows in order."""
        check_whole(self._path)
        read = self.file.read(columns=list(columns))
        return {name: values(read[name]) for name in columns}


class SegmentFile:
    """A Parquet file of the rows of a later segment, read by column."""

    def __init__(self, path: Path) -> None:
        check_whole(path)
        self.file = pq.ParquetFile(path)

    def every(self, columns: tuple[str, ...]) -> Rows:
        """Return all rows in order."""
        read = self.file.read(columns=list(columns))
        return {name: values(read[name]) for name in columns}


def sealed_parquet(path: Path) -> pq.ParquetFile:
    """Open a Parquet file whose footer, which says where what lies, is what was written."""
    seal = Seal(path)
    seal.check(seal.size - FOOTER_END, seal.size)
    with path.open("rb") as file:
        file.seek(seal.size - FOOTER_END)
        length = int.from_bytes(file.read(4), "little")
    seal.check(seal.size - FOOTER_END - length, seal.size)
    return pq.ParquetFile(path)


def integers(column: pa.ChunkedArray) -> NDArray[np.int64]:
    """Return an integer column as int64 with NULL where it is empty."""
    if not column.null_count:
        return np.asarray(column.to_numpy(), np.int64)
    # NULL needs all 64 bits, so the column is widened before it is filled.
    filled = column.cast(pa.int64()).fill_null(NULL)
    return np.asarray(filled.to_numpy(), np.int64)


def values(column: pa.ChunkedArray) -> NDArray[Any]:
    """Return a column of a store as an array: int64 with NULL, float64 with NaN, or text objects."""
    if pa.types.is_floating(column.type):
        filled = column.fill_null(np.nan)
        return np.asarray(filled.to_numpy(), np.float64)
    if pa.types.is_integer(column.type):
        return integers(column)
    return np.asarray(column.to_numpy(), object)


def write_sorted(connection: Connection, query: str, path: Path) -> int:
    """Write what a sorted SELECT gives as Parquet in row groups of 131,072 rows; return the number of rows."""
    place = quoted(path)
    result = connection.execute(f"COPY ({query}) TO {place} ({SORTED_FORM})")
    counted = result.fetchone()
    return int(counted[0]) if counted else 0


def sorted_copy(base: Path, by: str) -> Path:
    """Return the copy of a base file that is sorted by another column, written first if it is not there."""
    path = base.with_name(f"{base.stem}.by_{by}.parquet")
    if not path.exists():
        check_whole(base)
        copy_sorted(base, by, path)
    return path


def copy_sorted(base: Path, by: str, path: Path) -> None:
    """Write a copy of a base file sorted by another column; rows of one code keep their order."""
    rows = parquet_sql(base, "file_row_number=true")
    order = f"{named(by)} NULLS FIRST, file_row_number"
    query = f"SELECT * EXCLUDE (file_row_number) FROM {rows} ORDER BY {order}"
    with private_folder(path.parent) as work:
        limits = ConnectionLimits(spill=work / "spill")
        unfinished = work / path.name
        write_sorted(opened(limits), query, unfinished)
        seal_file(path, unfinished)
        with write_points(f"{path.name} is in place"):
            unfinished.replace(path)
