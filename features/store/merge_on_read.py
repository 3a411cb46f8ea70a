"""Merge-on-read: the segments of a table, none of which is ever rewritten, are read as one sorted table.

The first segment is large and is read by range from its file. The later ones, a day each, are small: they are kept in memory
as a tail, sorted once, and inserted among the rows that a read brings.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from features.arrays import NULL

Rows = dict[str, NDArray[Any]]
Kinds = Mapping[str, type]
"""The types of those columns that are not int64."""
INTEGERS: Kinds = MappingProxyType({})


class SegmentRows(Protocol):
    """A table's rows of one segment: all of them, by column."""

    def every(self, columns: tuple[str, ...]) -> Rows:
        """Return all rows in order."""


class SortedRows(SegmentRows, Protocol):
    """Rows sorted by one column of codes, by range."""

    @property
    def size(self) -> int:
        """How many rows there are."""

    def between(self, low: int, high: int, columns: tuple[str, ...]) -> Rows:
        """Return the rows with low <= sorting column < high, in order."""


class NoRows:
    """The rows of a segment in which a table has no file: columns without a row."""

    size = 0

    def __init__(self, kinds: Kinds = INTEGERS) -> None:
        self._kinds = kinds

    def every(self, columns: tuple[str, ...]) -> Rows:
        """Return each column, (0,)."""
        rows: Rows = {}
        for name in columns:
            kind = self._kinds.get(name, np.int64)
            rows[name] = np.empty(0, kind)
        return rows

    def between(self, _low: int, _high: int, columns: tuple[str, ...]) -> Rows:
        """Return each column, (0,)."""
        return self.every(columns)


@dataclass(frozen=True, slots=True)
class RowsInMemory:
    """Rows of a segment in memory, by column."""

    rows: Mapping[str, NDArray[Any]]

    def every(self, columns: tuple[str, ...]) -> Rows:
        """Return all rows in order."""
        return {name: self.rows[name] for name in columns}


class Tail:
    """The rows of later segments in one order, sorted by one column of codes; a column is read when it is first needed."""

    def __init__(self, segments: Sequence[SegmentRows], by: str) -> None:
        """Take the rows of the segments, in their order."""
        self._segments = segments
        self._columns: dict[str, NDArray[Any]] = {}
        codes = self._read(by)
        # stable, so that of equal codes the rows of earlier segments stand first
        self._order = np.argsort(codes, kind="stable")
        self.codes = codes[self._order]

    def _read(self, name: str) -> NDArray[Any]:
        columns: list[NDArray[Any]] = []
        for segment in self._segments:
            rows = segment.every((name,))
            columns.append(rows[name])
        return np.concatenate(columns)

    def column(self, name: str) -> NDArray[Any]:
        """Return a column of all rows, (n,), in order."""
        if name not in self._columns:
            self._columns[name] = self._read(name)[self._order]
        return self._columns[name]

    def span(self, low: int, high: int) -> tuple[int, int]:
        """Return the places of the first row with a code >= low and of the first with one >= high."""
        # Rows without a code hold NULL and lie in no span, however low it begins.
        least = max(low, NULL + 1)
        start, stop = np.searchsorted(self.codes, [least, max(low, high)])
        return int(start), int(stop)


@dataclass(frozen=True, slots=True)
class Merged:
    """Segment number 0 and a tail read as one table sorted by `by`; of equal codes the first segment's rows stand first."""

    first: SortedRows
    tail: Tail
    by: str

    @property
    def size(self) -> int:
        """How many signed rows there are."""
        return self.first.size + len(self.tail.codes)

    def between(self, low: int, high: int, columns: tuple[str, ...]) -> Rows:
        """Return the rows with low <= sorting column < high, in order."""
        start, stop = self.tail.span(low, high)
        # most ranges have no late row, and then nothing has to be copied
        if start == stop:
            return self.first.between(low, high, columns)
        rows = self.first.between(low, high, self._with_codes(columns))
        return self._with_late(rows, slice(start, stop), columns)

    def every(self, columns: tuple[str, ...]) -> Rows:
        """Return all rows in order."""
        rows = self.first.every(self._with_codes(columns))
        return self._with_late(rows, slice(None), columns)

    def _with_codes(self, columns: tuple[str, ...]) -> tuple[str, ...]:
        """Return the columns to read: those asked for, and the codes by which both sides are merged."""
        distinct = dict.fromkeys((*columns, self.by))
        return tuple(distinct)

    def _with_late(self, rows: Rows, late: slice, columns: tuple[str, ...]) -> Rows:
        """Return rows of the first segment with those of a slice of the tail inserted, each after the rows of equal code."""
        late_codes = self.tail.codes[late]
        places = np.searchsorted(rows[self.by], late_codes, side="right")
        merged_rows: Rows = {}
        for name in columns:
            late_values = self.tail.column(name)[late]
            merged_rows[name] = np.insert(rows[name], places, late_values)
        return merged_rows


def merged(first: SortedRows, later: Sequence[SegmentRows], by: str) -> SortedRows:
    """Return one table of segment number 0, read by range, and the segments of later days, which memory holds.

    The first is large and stays as it is until a compaction; of many days a lookup would open as many files.
    """
    if not later:
        return first
    return Merged(first, Tail(later, by), by)
