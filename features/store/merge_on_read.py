"""A sorted table that grows: a base file that is never rewritten, and the rows of later days beside it."""

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


class DayRows(Protocol):
    """Rows of some days: all of them, by column."""

    def every(self, columns: tuple[str, ...]) -> Rows:
        """Return all rows in order."""


class Base(DayRows, Protocol):
    """Rows sorted by one column of codes, by range."""

    @property
    def size(self) -> int:
        """How many rows there are."""

    def between(self, low: int, high: int, columns: tuple[str, ...]) -> Rows:
        """Return the rows with low <= sorting column < high, in order."""


class NoRows:
    """The one part of a table that lies in no file: columns without a row."""

    def __init__(self, kinds: Kinds) -> None:
        self._kinds = kinds

    def every(self, columns: tuple[str, ...]) -> Rows:
        """Return each column, (0,)."""
        rows: Rows = {}
        for name in columns:
            kind = self._kinds.get(name, np.int64)
            rows[name] = np.empty(0, kind)
        return rows


@dataclass(frozen=True, slots=True)
class Held:
    """Rows of some days in memory, by column."""

    rows: Mapping[str, NDArray[Any]]

    def every(self, columns: tuple[str, ...]) -> Rows:
        """Return all rows in order."""
        return {name: self.rows[name] for name in columns}


class Tail:
    """The rows of later days, held in memory by column as they are asked for, sorted by one column of codes."""

    def __init__(self, parts: Sequence[DayRows], by: str) -> None:
        """Take the rows of the days, in their order."""
        self._parts = parts
        self._columns: dict[str, NDArray[Any]] = {}
        codes = self._read(by)
        self._order = np.argsort(codes, kind="stable")
        self.codes = codes[self._order]

    def _read(self, name: str) -> NDArray[Any]:
        columns: list[NDArray[Any]] = []
        for part in self._parts:
            rows = part.every((name,))
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


class Growing:
    """A base file and a tail read as one table sorted by `by`; of equal codes the base's rows stand first."""

    def __init__(self, base: Base | None, tail: Tail, by: str) -> None:
        self._base = base
        self._tail = tail
        self._by = by

    @property
    def size(self) -> int:
        """How many signed rows there are."""
        late = len(self._tail.codes)
        if self._base:
            return self._base.size + late
        return late

    def between(self, low: int, high: int, columns: tuple[str, ...]) -> Rows:
        """Return the rows with low <= sorting column < high, in order."""
        start, stop = self._tail.span(low, high)
        if self._base is None:
            return {name: self._tail.column(name)[start:stop] for name in columns}
        if start == stop:
            return self._base.between(low, high, columns)
        rows = self._base.between(low, high, self._with_codes(columns))
        return self._merged(rows, slice(start, stop), columns)

    def every(self, columns: tuple[str, ...]) -> Rows:
        """Return all rows in order."""
        if self._base is None:
            return {name: self._tail.column(name) for name in columns}
        rows = self._base.every(self._with_codes(columns))
        return self._merged(rows, slice(None), columns)

    def _with_codes(self, columns: tuple[str, ...]) -> tuple[str, ...]:
        """Return the columns to read of the base: those asked for, and the codes by which both sides are merged."""
        distinct = dict.fromkeys((*columns, self._by))
        return tuple(distinct)

    def _merged(self, rows: Rows, late: slice, columns: tuple[str, ...]) -> Rows:
        late_codes = self._tail.codes[late]
        places = np.searchsorted(rows[self._by], late_codes, side="right")
        merged: Rows = {}
        for name in columns:
            late_values = self._tail.column(name)[late]
            merged[name] = np.insert(rows[name], places, late_values)
        return merged


def growing(
    base: Base | None,
    parts: Sequence[DayRows],
    by: str,
    kinds: Kinds = INTEGERS,
) -> Base:
    """Return one table of a base and the rows of later days; a table without rows where it has neither."""
    if not parts and base is not None:
        return base
    return Growing(base, Tail(parts or [NoRows(kinds)], by), by)
