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
        return {name: np.empty(0, self._kinds.get(name, np.int64)) for name in columns}


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
        return np.concatenate([part.every((name,))[name] for part in self._parts])

    def column(self, name: str) -> NDArray[Any]:
        """Return a column of all rows, (n,), in order."""
        if name not in self._columns:
            self._columns[name] = self._read(name)[self._order]
        return self._columns[name]

    def span(self, low: int, high: int) -> tuple[int, int]:
        """Return the places of the first row with a code >= low and of the first with one >= high."""
        start, stop = np.searchsorted(self.codes, [max(low, NULL + 1), max(low, high)])
        return int(start), int(stop)


class Growing:
    """A base file and a tail read as one table sorted by `by`; of equal codes the base's rows stand first."""

    def __init__(self, base: Base | None, tail: Tail, by: str) -> None:
        self._base, self._tail, self._by = base, tail, by

    @property
    def size(self) -> int:
        """How many signed rows there are."""
        return len(self._tail.codes) + (self._base.size if self._base else 0)

    def between(self, low: int, high: int, columns: tuple[str, ...]) -> Rows:
        """Return the rows with low <= sorting column < high, in order."""
        start, stop = self._tail.span(low, high)
        if self._base is None:
            return {name: self._tail.column(name)[start:stop] for name in columns}
        if start == stop:
            return self._base.between(low, high, columns)
        wanted = tuple(dict.fromkeys((*columns, self._by)))
        return self._merged(self._base.between(low, high, wanted), slice(start, stop), columns)

    def every(self, columns: tuple[str, ...]) -> Rows:
        """Return all rows in order."""
        if self._base is None:
            return {name: self._tail.column(name) for name in columns}
        return self._merged(
            self._base.every(tuple(dict.fromkeys((*columns, self._by)))), slice(None), columns
        )

    def _merged(self, rows: Rows, late: slice, columns: tuple[str, ...]) -> Rows:
        places = np.searchsorted(rows[self._by], self._tail.codes[late], side="right")
        return {
            name: np.insert(rows[name], places, self._tail.column(name)[late]) for name in columns
        }


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
