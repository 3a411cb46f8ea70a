"""A Parquet file sorted by one column: a range reads only the row groups that it touches."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from features.duck import Limits, named, opened, quoted
from features.join import write_sorted
from features.rowwise import NULL

Rows = dict[str, NDArray[Any]]


class SortedFile:
    """A Parquet file sorted by one column, of which a range reads only the row groups that it touches."""

    def __init__(self, path: Path, by: str) -> None:
        self.file = pq.ParquetFile(path)
        self.by = by
        place = self.file.schema_arrow.get_field_index(by)
        metadata = self.file.metadata
        ends = [metadata.row_group(i).column(place).statistics for i in range(metadata.num_row_groups)]
        self.low = np.array([s.min if s is not None and s.has_min_max else NULL for s in ends], np.int64)
        self.high = np.array([s.max if s is not None and s.has_min_max else NULL for s in ends], np.int64)

    def groups(self, low: int, high: int) -> list[int]:
        """Return the numbers of the row groups in which a value from low to below high may stand."""
        return [int(number) for number in np.flatnonzero((self.high >= low) & (self.low < high))]

    def between(self, low: int, high: int, columns: tuple[str, ...]) -> Rows:
        """Return the rows with low <= sorting column < high, in order."""
        read = self.file.read_row_groups(self.groups(low, high), columns=list(dict.fromkeys((*columns, self.by))))
        keys = integers(read[self.by])
        first, last = np.searchsorted(keys, [low, high])
        return {name: values(read[name].slice(first, last - first)) for name in columns}

    def every(self, columns: tuple[str, ...]) -> Rows:
        """Return all rows in order."""
        read = self.file.read(columns=list(columns))
        return {name: values(read[name]) for name in columns}


def integers(column: pa.ChunkedArray) -> NDArray[np.int64]:
    """Return an integer column as int64 with NULL where it is empty."""
    return np.asarray(column.cast(pa.int64()).fill_null(NULL).to_numpy(), np.int64)


def values(column: pa.ChunkedArray) -> NDArray[Any]:
    """Return a column of a store as an array: int64 with NULL, float64 with NaN, or text objects."""
    if pa.types.is_floating(column.type):
        return np.asarray(column.fill_null(np.nan).to_numpy(), np.float64)
    if pa.types.is_integer(column.type):
        return integers(column)
    return np.asarray(column.to_numpy(), object)


def copy_sorted(base: Path, by: str, path: Path) -> None:
    """Write a copy of a base file sorted by another column, its order kept within."""
    unfinished = path.with_name(f".{path.name}.{os.getpid()}")
    rows = f"read_parquet({quoted(base)}, file_row_number=true)"
    order = f"{named(by)} NULLS FIRST, file_row_number"
    connection = opened(Limits(spill=path.with_name(f".{path.name}.{os.getpid()}.spill")))
    write_sorted(connection, f"SELECT * EXCLUDE (file_row_number) FROM {rows} ORDER BY {order}", unfinished)
    unfinished.replace(path)
