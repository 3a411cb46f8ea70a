"""The spill: values under keys that cases have in common, computed once for all batches and taken batch by batch.

Values of few keys and days stay in memory, by code and day. All others go to disk, by case, in whatever order they come.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from features.aggregates.kernels import Places, survey
from features.arrays import NULL, Column, Values
from features.cases import Cases, Units
from features.store.column_files import narrowest
from features.store.memory_map import Mapped


@dataclass(frozen=True, slots=True)
class CodeTable:
    """Values of every code of a key on some days (d,), ascending: float64 (codes * d,), those of a code side by side."""

    by: str
    days: Column
    columns: Mapping[Any, Values]

    def of(self, cases: Cases) -> Iterator[tuple[Hashable, Values]]:
        """Yield each column for each case, float64 (n,), NaN where a case has no such key; all are of the days."""
        key = cases.keys[self.by]
        place = key * len(self.days) + np.searchsorted(self.days, cases.as_of)
        # -1 says that there is no key.
        units = Units(key, cases.as_of, np.where(key == NULL, -1, place))
        for name, values in self.columns.items():
            yield name, units.spread(values)


@dataclass(frozen=True, slots=True)
class SpilledColumns:
    """Columns of one type put on disk together, row by row, `offset` bytes into a block; `gaps` says which have empty values."""

    names: tuple[Hashable, ...]
    gaps: tuple[bool, ...]
    dtype: np.dtype[Any]
    offset: int

    def between(self, file: Mapped, start: int, stop: int) -> NDArray[Any]:
        """Return rows start to below stop, (rows, columns), as they lie in the file."""
        width = len(self.names)
        offset = self.offset + start * width * self.dtype.itemsize
        size = (stop - start) * width
        return np.frombuffer(file.values, self.dtype, size, offset).reshape(-1, width)


@dataclass(frozen=True, slots=True)
class SpilledBlock:
    """What was put on disk at once: the places of its cases first, then its columns; `ends` cut it where batches begin."""

    file: Mapped
    ends: Column
    sheets: tuple[SpilledColumns, ...]


class Spill:
    """Columns of the cases of all batches: tables by code in memory, blocks of cases on disk.

    On disk a column has the narrowest type that keeps its bits.
    """

    def __init__(
        self, folder: Path, edges: Sequence[int], on_disk: Sequence[Hashable] = ()
    ) -> None:
        """Take an empty folder, the first case of each batch with the number of cases last, and the columns put there."""
        self._folder = folder
        self._edges = np.asarray(edges, np.int64)
        self._on_disk = on_disk
        self._blocks: list[SpilledBlock] = []
        self._tables: list[CodeTable] = []

    @property
    def batches(self) -> int:
        """How many batches of cases there are."""
        return len(self._edges) - 1

    def keep(self, table: CodeTable) -> None:
        """Keep the values of every code of a key in memory."""
        self._tables.append(table)

    def put(self, place: Column | Places, columns: Mapping[Hashable, Values]) -> None:
        """Put columns (m,) of the cases at some places (m,) on disk."""
        # numpy sorts 16-bit integers by radix, far faster than wider ones.
        batch = (np.searchsorted(self._edges, place, side="right") - 1).astype(np.uint16)
        order = np.argsort(batch, kind="stable")
        place = place[order].astype(np.int32)
        sizes = np.bincount(batch, minlength=self.batches)
        ends = np.append(0, sizes.cumsum())
        path = self._folder / f"{len(self._blocks)}.block"
        sheets = []
        with path.open("wb") as out:
            place.tofile(out)
            for dtype, columns_of_type in _by_type(columns):
                names = tuple(column.name for column in columns_of_type)
                gaps = tuple(column.gaps for column in columns_of_type)
                sheets.append(
                    SpilledColumns(names=names, gaps=gaps, dtype=dtype, offset=out.tell())
                )
                values = [column.values for column in columns_of_type]
                np.stack(values, axis=1)[order].tofile(out)
        file = Mapped(path, np.dtype(np.uint8))
        self._blocks.append(SpilledBlock(file=file, ends=ends, sheets=tuple(sheets)))

    def take(self, batch: int, cases: Cases) -> dict[Any, Values]:
        """Return all columns of a batch's cases, float64 (n,); NaN for a case without a key or a block."""
        first, last = self._edges[batch : batch + 2].tolist()
        columns: dict[Any, Values] = {}
        for name in self._on_disk:
            columns[name] = np.full(last - first, np.nan)
        for block in self._blocks:
            start, stop = block.ends[batch : batch + 2].tolist()
            if start < stop:
                # The places, 4 bytes each, stand at the beginning of the block.
                place = np.frombuffer(block.file.values, np.int32, stop - start, 4 * start) - first
                for name, values in _columns(block, start, stop):
                    columns[name][place] = values
                # a batch is taken once, so its pages need not stay in memory
                block.file.give_back()
        for table in self._tables:
            columns |= table.of(cases)
        return columns


class _Narrowed(NamedTuple):
    name: Hashable
    values: NDArray[Any]
    gaps: bool


def _by_type(
    columns: Mapping[Hashable, Values],
) -> Iterator[tuple[np.dtype[Any], list[_Narrowed]]]:
    """Yield columns in the narrowest type that keeps each, those of one type together."""
    narrow = [_Narrowed(name, *narrowed(values)) for name, values in columns.items()]
    narrow.sort(key=lambda column: column.values.dtype.str)
    for dtype, columns_of_type in groupby(narrow, key=lambda column: column.values.dtype):
        yield dtype, list(columns_of_type)


def _columns(block: SpilledBlock, start: int, stop: int) -> Iterator[tuple[Hashable, NDArray[Any]]]:
    for sheet in block.sheets:
        rows = sheet.between(block.file, start, stop)
        for name, gaps, values in zip(sheet.names, sheet.gaps, rows.T, strict=True):
            if gaps:
                is_gap = values == np.iinfo(sheet.dtype).min
                yield name, np.where(is_gap, np.nan, values)
            else:
                yield name, values


def narrowed(values: Values) -> tuple[NDArray[Any], bool]:
    """Return values in the narrowest type that keeps them, and whether its least value stands for NaN; float64 keeps NaN itself.

    >>> [held.tolist() for held in narrowed(np.array([1.0, np.nan, 120.0]))[:1]], narrowed(np.array([0.5]))[0].dtype.name
    ([[1, -128, 120]], 'float64')
    """
    summary = np.empty(4)
    survey(values, summary)
    low, high, whole, gaps = summary.tolist()
    # Beyond 31 bits an integer would need 64, as much as the float64 that it is.
    if not whole or max(high, -low) >= 2**31:
        return values, False
    dtype = np.dtype(narrowest(int(low), int(high)))
    if not gaps:
        return values.astype(dtype), False
    gap = np.iinfo(dtype).min
    filled = np.where(np.isnan(values), gap, values)
    return filled.astype(dtype), True
