"""Row ranges: for each unit, a key on a day, the rows of its key, of which those known by its day count."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from features.arrays import FEW, Column
from features.cases import Units, complete_months

ReadColumns = Mapping[str, NDArray[np.int64]]
Rows = Callable[[str, str, int, int, tuple[str, ...]], ReadColumns]
"""(table, by, low, high, columns) -> columns of the rows with low <= by < high, sorted by it."""


@dataclass(frozen=True, slots=True)
class RowRanges:
    """Units and the rows of their keys: unit i meets rows begin[i] to below end[i], as far as they are known by its day.

    `day` and `month` are the as-of of each unit (units,), `columns` of the rows hold `known` and `sign` too.
    """

    begin: Column
    end: Column
    day: Column
    month: Column
    columns: Mapping[str, Column]
    months: frozenset[str]

    def __len__(self) -> int:
        return len(self.begin)

    @property
    def pairs(self) -> int:
        """How many (unit, row) pairs there are, known or not."""
        return int((self.end - self.begin).sum())

    def placed(self, name: str) -> Column:
        """Return the day or month that places each row; of a measure without one, no distance from any unit's day."""
        if not name:
            return np.zeros(len(self.columns["known"]), np.int64)
        return self.columns[name]

    def reference(self, name: str) -> Column:
        """Return the day or month of each unit from which a row's distance is counted."""
        if not name:
            return np.zeros(len(self), np.int64)
        return self.month if name in self.months else self.day


def row_ranges(
    units: Units, key: Column, columns: Mapping[str, Column], months: frozenset[str]
) -> RowRanges:
    """Return the rows of units; `key` is the rows' key, sorted, and `months` which of their columns hold months."""
    begin, end = key_ranges(units.key, key)
    # Where no column holds months, nobody asks for a unit's month.
    month = complete_months(units.day) if months else units.day
    return RowRanges(begin, end, units.day, month, columns, months)


def key_ranges(sought: Column, key: Column) -> tuple[Column, Column]:
    """Return for each sought key, sorted, the first of its places in the sorted `key` and the one after its last.

    >>> begin, end = key_ranges(np.array([2, 5]), np.array([1, 2, 2, 7]))
    >>> begin.tolist(), end.tolist()
    ([1, 3], [3, 3])
    """
    low = int(sought[0])
    high = int(sought[-1]) + 1
    # Counting every key between pays only where there are many, and few gaps between them.
    if len(sought) < FEW or high - low > 8 * (len(sought) + len(key)):
        return np.searchsorted(key, sought), np.searchsorted(key, sought, side="right")
    first, last = np.searchsorted(key, [low, high])
    sizes = np.bincount(key[first:last] - low, minlength=high - low)
    ends = np.append(first, first + np.cumsum(sizes))
    return ends[sought - low], ends[sought - low + 1]
