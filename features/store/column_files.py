"""Flat columns: a sorted table once more, each column a plain array on disk, so that a range is a slice."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from features.arrays import NULL
from features.errors import CatalogueError
from features.ingest.scan import files_in
from features.seal import Seal, check_whole, with_seal
from features.store.memory_map import Mapped

LARGE = 1 << 13
"""Rows from which on a range is read, not mapped: a scan of the whole city should not stay in memory."""
MOST = 1 << 28
"""The greatest code of a sorting column; the place of every code up to the greatest is written, eight bytes each: 2 GiB here."""
WIDTHS = (np.int8, np.int16, np.int32)
"""The types in which a column of integers may be stored, the narrowest first; int64 where none is wide enough."""


@dataclass(frozen=True, slots=True)
class Flat:
    """One column on disk: its narrowest type, and whether its least value stands for an empty one."""

    path: Path
    dtype: np.dtype[Any]
    gaps: bool
    mapped: NDArray[Any]
    seal: Seal

    def between(self, start: int, stop: int) -> NDArray[Any]:
        """Return rows start to below stop: int64 with NULL, or float64 with NaN; HistoryError where they were changed."""
        self.seal.check(start * self.dtype.itemsize, stop * self.dtype.itemsize)
        if stop - start > LARGE:
            offset = start * self.dtype.itemsize
            stored = np.fromfile(self.path, self.dtype, stop - start, offset=offset)
        else:
            stored = self.mapped[start:stop]
        if self.dtype.kind == "f":
            return np.array(stored)
        values = stored.astype(np.int64)
        if self.gaps and len(stored):
            empty = np.iinfo(self.dtype).min
            values[stored == empty] = NULL
        return values


class FlatColumns:
    """Columns laid out in a folder, sorted by one column of codes."""

    def __init__(self, folder: Path, by: str) -> None:
        self.folder = folder
        self.by = by
        self._columns: dict[str, Flat] = {}

    @cached_property
    def starts(self) -> Mapped:
        """The place of the first row of each code, and the number of rows last; rows without a code stand before."""
        return self._sealed_starts[0]

    @property
    def starts_path(self) -> Path:
        """The file of the places."""
        return self.folder / f"{self.by}.starts"

    @cached_property
    def _starts_seal(self) -> Seal:
        return self._sealed_starts[1]

    @cached_property
    def _sealed_starts(self) -> tuple[Mapped, Seal]:
        return mapped_sealed(self.starts_path, np.dtype(np.int64))

    @property
    def size(self) -> int:
        """How many rows there are."""
        return self._start_at(len(self.starts.values) - 1)

    def span(self, low: int, high: int) -> tuple[int, int]:
        """Return the places of the first row with a code >= low and of the first with one >= high."""
        first = self._start_of(low)
        beyond = self._start_of(high)
        if high - low > LARGE:
            self.starts.give_back()
        return first, max(first, beyond)

    def _start_of(self, code: int) -> int:
        """Return the place of the first row with at least a code; below 0 the first coded row, past all codes the end."""
        starts = self.starts.values
        return self._start_at(min(max(code, 0), len(starts) - 1))

    def _start_at(self, place: int) -> int:
        starts = self.starts.values
        self._starts_seal.check(place * starts.itemsize, (place + 1) * starts.itemsize)
        return int(starts[place])

    def column(self, name: str) -> Flat:
        """Return a column; it stays mapped."""
        if name not in self._columns:
            files = files_in(self.folder, f"{name}.*.column")
            path = files[0] if files else self._lay_out(name)
            kind, gaps = path.name.split(".")[1:3]
            dtype = np.dtype(kind)
            mapped, seal = mapped_sealed(path, dtype)
            self._columns[name] = Flat(path, dtype, gaps == "gaps", mapped.values, seal)
        return self._columns[name]

    def _lay_out(self, name: str) -> Path:
        if not self.size:  # older versions wrote no columns where there was no row
            empty = self.folder / column_name(name, np.dtype(np.int8), "full")
            with with_seal(empty) as unfinished:
                unfinished.touch()
            return empty
        raise CatalogueError(
            f"{self.folder} lacks column {name!r}; remove the folder, and the next command makes it again"
        )

    def between(self, low: int, high: int, columns: Iterable[str]) -> dict[str, NDArray[Any]]:
        """Return the rows with low <= sorting column < high, in order."""
        start, stop = self.span(low, high)
        return {name: self.column(name).between(start, stop) for name in columns}

    def every(self, columns: Iterable[str]) -> dict[str, NDArray[Any]]:
        """Return all rows in order."""
        return {name: self.column(name).between(0, self.size) for name in columns}


class FlatTable(FlatColumns):
    """The columns of a Parquet file sorted by one column of codes; a column is laid out when it is first asked for."""

    def __init__(self, file: pq.ParquetFile, path: Path, by: str) -> None:
        super().__init__(path.with_suffix(".flat"), by)
        self.file = file
        self.file_path = path

    @cached_property
    def starts(self) -> Mapped:
        """The place of the first row of each code, and the number of rows last; rows without a code stand before."""
        if not self.starts_path.exists():
            check_whole(self.file_path)
            low, high, _ = column_range(self.file, self.by)
            if low < 0 or high > MOST:
                raise CatalogueError(
                    f"rows can be looked up by a column of identifiers only; got {self.by!r}"
                )
            counts = self._rows_of_codes(high + 1)
            without_code = self.file.metadata.num_rows - counts.sum()
            starts = np.append(without_code, counts).cumsum()
            self._write(self.starts_path, [starts])
        return self._sealed_starts[0]

    def _rows_of_codes(self, size: int) -> NDArray[np.int64]:
        """Return how many rows each of the codes 0 .. size - 1 has."""
        counts = np.zeros(size, np.int64)
        for number in range(self.file.num_row_groups):
            codes = self._read(number, self.by).drop_null()
            counts += np.bincount(codes.to_numpy(), minlength=size)
        return counts

    def _read(self, number: int, name: str) -> pa.ChunkedArray:
        rows = self.file.read_row_group(number, columns=[name])
        return rows[name]

    def _lay_out(self, name: str) -> Path:
        check_whole(self.file_path)
        low, high, gaps = column_range(self.file, name)
        floating = pa.types.is_floating(self.file.schema_arrow.field(name).type)
        dtype = np.dtype(np.float64 if floating else narrowest(low, high))
        path = self.folder / column_name(name, dtype, "gaps" if gaps else "full")
        groups = range(self.file.num_row_groups)
        # One row group at a time is in memory.
        self._write(path, (self._plain(number, name, dtype) for number in groups))
        return path

    def _plain(self, number: int, name: str, dtype: np.dtype[Any]) -> NDArray[Any]:
        column = self._read(number, name)
        if dtype.kind == "f":
            filled = column.fill_null(np.nan)
            return np.asarray(filled.to_numpy(), dtype)
        empty = int(np.iinfo(dtype).min)
        filled = column.cast(pa.int64()).fill_null(empty)
        return np.asarray(filled.to_numpy()).astype(dtype)

    def _write(self, path: Path, parts: Iterable[NDArray[Any]]) -> None:
        self.folder.mkdir(exist_ok=True)
        with with_seal(path) as unfinished, unfinished.open("wb") as out:
            for part in parts:
                part.tofile(out)


def column_name(name: str, dtype: np.dtype[Any], gaps: str) -> str:
    """Return the name of a column's file."""
    return f"{name}.{dtype.name}.{gaps}.column"


def column_range(file: pq.ParquetFile, name: str) -> tuple[int, int, bool]:
    """Return the least and largest value of a column and whether it has empty ones, from the file's statistics."""
    place = file.schema_arrow.get_field_index(name)
    groups = [file.metadata.row_group(number) for number in range(file.num_row_groups)]
    statistics = [group.column(place).statistics for group in groups]
    ranges = [one for one in statistics if one is not None and one.has_min_max]
    low = min((one.min for one in ranges), default=0)
    high = max((one.max for one in ranges), default=-1)
    # Where a group says nothing of its empty values it may have some.
    gaps = any(one is None or one.null_count for one in statistics)
    return low, high, gaps


def narrowest(low: int, high: int) -> type[np.signedinteger[Any]]:
    """Return the narrowest integer type that holds low to high and keeps its own least value free.

    >>> narrowest(0, 127).__name__, narrowest(-128, 0).__name__
    ('int8', 'int16')
    """
    for width in WIDTHS:
        limits = np.iinfo(width)
        if limits.min < low and high <= limits.max:
            return width
    return np.int64


def mapped_sealed(path: Path, dtype: np.dtype[Any]) -> tuple[Mapped, Seal]:
    """Return what a sealed file holds, and its seal; HistoryError where its length is not what was written.

    The seal is read first, since a file that was cut need not hold a whole number of values, and cannot be mapped then.
    """
    seal = Seal(path)
    return Mapped(path, dtype), seal
