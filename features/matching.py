"""Matches a table's rows to units: which rows does each (key, day) know?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np
from numpy.typing import NDArray

from features.aggregate import Matched
from features.cases import Units, complete_month, complete_months
from features.rowwise import Column

PAIRS_AT_ONCE = 20_000_000


def matched(units: Units, key: Column, columns: Mapping[str, Column], months: frozenset[str]) -> Iterator[Matched]:
    """Yield the rows of units, stretch by stretch; `key` is sorted, `columns` hold `known` and `sign` too.

    Where all units share one day every row meets one unit at most and one stretch does. Otherwise each unit
    meets all rows of its key, at most PAIRS_AT_ONCE a stretch.
    """
    if not len(units):
        return
    if (units.day == units.day[0]).all():
        yield _one_day(units, key, columns, months)
        return
    begin, end = np.searchsorted(key, units.key), np.searchsorted(key, units.key, side="right")
    pairs = np.cumsum(end - begin)
    first = 0
    while first < len(units):
        done = pairs[first - 1] if first else 0
        last = max(first + 1, int(np.searchsorted(pairs, done + PAIRS_AT_ONCE, side="right")))
        yield _many_days(units, slice(first, last), (begin, end), columns, months)
        first = last


def pairs_of(units: Units, key: Column) -> int:
    """Return how many (unit, row) pairs matching would visit."""
    return int((np.searchsorted(key, units.key, side="right") - np.searchsorted(key, units.key)).sum())


def _one_day(units: Units, key: Column, columns: Mapping[str, Column], months: frozenset[str]) -> Matched:
    day = int(units.day[0])
    month = complete_month(day)
    unit = position(units.key, key)
    keep = (columns["known"] <= day) & (unit >= 0)
    sign = columns["sign"]
    if not keep.all():
        unit, sign, columns = unit[keep], sign[keep], taken(columns, keep)
    return Matched(unit, np.array([day]), np.array([month]), sign, columns, len(units), months)


def _many_days(units: Units, stretch: slice, span: tuple[Column, Column], columns: Mapping[str, Column],
               months: frozenset[str]) -> Matched:
    begin, end = span[0][stretch], span[1][stretch]
    size = end - begin
    unit = np.repeat(np.arange(len(size)), size)
    rows = np.arange(len(unit)) - np.repeat(np.cumsum(size) - size, size) + np.repeat(begin, size)
    day = units.day[stretch][unit]
    keep = columns["known"][rows] <= day
    unit, rows, day = unit[keep], rows[keep], day[keep]
    month = complete_months(units.day[stretch])[unit]
    return Matched(unit, day, month, columns["sign"][rows], taken(columns, rows), len(size), months)


def position(sought: Column, key: Column) -> Column:
    """Return the place of each key among `sought`, which is sorted and distinct; -1 where it is not there."""
    if len(sought) == 1:
        return np.where(key == sought[0], 0, -1)
    low, high = int(sought[0]), int(sought[-1])
    if high - low > 8 * (len(sought) + len(key)):
        place = np.minimum(np.searchsorted(sought, key), len(sought) - 1)
        return np.where(sought[place] == key, place, -1)
    table = np.full(high - low + 3, -1, np.int64)
    table[sought - low + 1] = np.arange(len(sought))
    return table[np.clip(key, low - 1, high + 1) - low + 1]


def taken(columns: Mapping[str, Column], rows: NDArray[np.int64] | NDArray[np.bool_]) -> dict[str, Column]:
    """Return the chosen rows of the columns that measures read."""
    return {name: column[rows] for name, column in columns.items() if name not in ("known", "sign")}
