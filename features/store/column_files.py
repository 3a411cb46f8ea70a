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
from features.files import replaced
from features.ingest.scan import files_in
from features.store.memory_map import Mapped

LARGE = 1 << 13
"""Rows from which on a range is read, not mapped: a scan of the whole city should not stay in memory."""
MOST = 1 << 28
WIDTHS = (np.int8, np.int16, np.int32)


@dataclass(frozen=True, slots=True)
class Flat:
    """One column on disk: its narrowest type, and whether its least value stands for an empty one."""

    path: Path
    dtype: np.dtype[Any]
    gaps: bool
    mapped: NDArray[Any]

    def between(self, start: int, stop: int) -> NDArray[Any]:
        """Return rows start to below stop: int64 with NULL, or float64 with NaN."""
        if stop - start > LARGE:
            held = np.fromfile(
                self.path, self.dtype, stop - start, offset=start * self.dtype.itemsize
            )
        else:
            held = self.mapped[start:stop]
        if self.dtype.kind == "f":
            return np.array(held)
        values = held.astype(np.int64)
        if self.gaps and len(held):
            values[held == np.iinfo(self.dtype).min] = NULL
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
        return Mapped(self.folder / f"{self.by}.starts", np.dtype(np.int64))

    @property
    def size(self) -> int:
        """How many rows there are."""
        return int(self.starts.values[-1])

    def span(self, low: int, high: int) -> tuple[int, int]:
        """Return the places of the first row with a code >= low and of the first with one >= high."""
        starts = self.starts.values
        first, beyond = (int(starts[min(max(code, 0), len(starts) - 1)]) for code in (low, high))
        if high - low > LARGE:
            self.starts.give_back()
        return first, max(first, beyond)

    def column(self, name: str) -> Flat:
        """Return a column; it stays mapped."""
        if name not in self._columns:
            path = next(iter(files_in(self.folder, f"{name}.*.column")), None) or self._lay_out(
                name
            )
            kind, gaps = path.name.split(".")[1:3]
            dtype = np.dtype(kind)
            self._columns[name] = Flat(path, dtype, gaps == "gaps", Mapped(path, dtype).values)
        return self._columns[name]

    def _lay_out(self, name: str) -> Path:
        if not self.size:  # older versions wrote no columns where there was no row
            (empty := self.folder / column_name(name, np.dtype(np.int8), "full")).touch()
            return empty
        raise CatalogueError(
            f"{self.folder} holds no column {name!r}; take the folder away, and it is made again"
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

    @cached_property
    def starts(self) -> Mapped:
        """The place of the first row of each code, and the number of rows last; rows without a code stand before."""
        path = self.folder / f"{self.by}.starts"
        if not path.exists():
            low, high, _ = column_range(self.file, self.by)
            if low < 0 or high > MOST:
                raise CatalogueError(
                    f"column {self.by!r} holds no codes; rows can be read by an identifier only"
                )
            counts = np.zeros(high + 1, np.int64)
            for number in range(self.file.num_row_groups):
                codes = (
                    self.file.read_row_group(number, columns=[self.by])[self.by]
                    .drop_null()
                    .to_numpy()
                )
                counts += np.bincount(codes, minlength=len(counts))
            total = self.file.metadata.num_rows
            self._write(path, [np.append(total - counts.sum(), counts).cumsum()])
        return Mapped(path, np.dtype(np.int64))

    def _lay_out(self, name: str) -> Path:
        low, high, gaps = column_range(self.file, name)
        floating = pa.types.is_floating(self.file.schema_arrow.field(name).type)
        dtype = np.dtype(np.float64 if floating else narrowest(low, high))
        path = self.folder / column_name(name, dtype, "gaps" if gaps else "full")
        self._write(
            path, (self._plain(number, name, dtype) for number in range(self.file.num_row_groups))
        )
        return path

    def _plain(self, number: int, name: str, dtype: np.dtype[Any]) -> NDArray[Any]:
        column = self.file.read_row_group(number, columns=[name])[name]
        if dtype.kind == "f":
            return np.asarray(column.fill_null(np.nan).to_numpy(), dtype)
        return np.asarray(
            column.cast(pa.int64()).fill_null(int(np.iinfo(dtype).min)).to_numpy()
        ).astype(dtype)

    def _write(self, path: Path, parts: Iterable[NDArray[Any]]) -> None:
        self.folder.mkdir(exist_ok=True)
        with replaced(path) as unfinished, unfinished.open("wb") as out:
            for part in parts:
                part.tofile(out)


def column_name(name: str, dtype: np.dtype[Any], gaps: str) -> str:
    """Return the name of a column's file."""
    return f"{name}.{dtype.name}.{gaps}.column"


def column_range(file: pq.ParquetFile, name: str) -> tuple[int, int, bool]:
    """Return the least and largest value of a column and whether it has empty ones, from the file's statistics."""
    place = file.schema_arrow.get_field_index(name)
    groups = [
        file.metadata.row_group(number).column(place).statistics
        for number in range(file.num_row_groups)
    ]
    known = [group for group in groups if group is not None and group.has_min_max]
    gaps = any(group is None or group.null_count for group in groups)
    return min((g.min for g in known), default=0), max((g.max for g in known), default=-1), gaps


def narrowest(low: int, high: int) -> type[np.signedinteger[Any]]:
    """Return the narrowest integer type that holds low to high and keeps its own least value free.

    >>> narrowest(0, 127).__name__, narrowest(-128, 0).__name__
    ('int8', 'int16')
    """
    return next(
        (width for width in WIDTHS if np.iinfo(width).min < low and high <= np.iinfo(width).max),
        np.int64,
    )
