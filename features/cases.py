"""Cases: the units to be described, each with its as-of day and the keys under which its rows are found."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from features.arrays import NULL, Column, Values
from features.calendar import date_of, first_day, month_of_day

DAYS = 2**20
"""Above every as-of day: key * DAYS + day packs the two into one integer, so that sorting it sorts both."""


@dataclass(frozen=True, slots=True)
class Cases:
    """Codes of the entity (n,), as-of days (n,), and by key column the codes (n,) under which rows belong to each case."""

    entity: str
    code: Column
    as_of: Column
    keys: Mapping[str, Column]

    def __len__(self) -> int:
        return len(self.code)

    def take(self, rows: NDArray[np.int64]) -> Cases:
        """Return the chosen cases, in the order given."""
        return Cases(
            entity=self.entity,
            code=self.code[rows],
            as_of=self.as_of[rows],
            keys={by: key[rows] for by, key in self.keys.items()},
        )


@dataclass(frozen=True, slots=True)
class Units:
    """The distinct (key, day) pairs of cases, sorted; `of_case` (n,) is each case's unit, -1 where its key is empty.

    Without `of_case` the cases are the units, in their order.
    """

    key: Column
    day: Column
    of_case: Column | None = None

    def __len__(self) -> int:
        return len(self.key)

    def spread(self, values: Values) -> Values:
        """Return unit values as case values, NaN where a case has no such key."""
        if self.of_case is None:
            return values
        if not len(values):
            return np.full(len(self.of_case), np.nan)
        # A case without a key takes the first value, for NaN to replace.
        of_units = values[np.maximum(self.of_case, 0)]
        return np.where(self.of_case >= 0, of_units, np.nan)


def aggregation_units(cases: Cases, by: str) -> Units:
    """Return the units under which rows keyed by `by` are aggregated for these cases."""
    key = cases.keys[by]
    present = key != NULL
    pairs = key * DAYS + cases.as_of
    # Cases that come as sorted distinct units, as a batch does, need no sorting.
    ascending = pairs[1:] > pairs[:-1]
    if present.all() and ascending.all():
        return Units(key, cases.as_of)
    if len(key) == 1:
        return Units(key[present], cases.as_of[present], np.full(1, -1))
    distinct, inverse = np.unique(pairs[present], return_inverse=True)
    of_case = np.full(len(cases), -1, np.int64)
    of_case[present] = inverse
    return Units(distinct // DAYS, distinct % DAYS, of_case)


def complete_months(days: Column) -> Column:
    """Return for each as-of day the last month that is complete on it.

    >>> from features.calendar import day_of, month_of
    >>> complete_months(np.array([day_of("2015-06-30"), day_of("2015-06-29")])) - month_of("2015-06")
    array([ 0, -1])
    """
    if not len(days):
        return days
    if (days == days[0]).all():
        return np.full(len(days), complete_month(int(days[0])), np.int64)
    first = int(days.min())
    last = int(days.max())
    # Cases share days: the month of each day is found once and then looked up.
    of_days = [complete_month(day) for day in range(first, last + 1)]
    return np.array(of_days, np.int64)[days - first]


@lru_cache(1 << 16)
def complete_month(day: int) -> int:
    """Return the last month that is complete on a day."""
    month = month_of_day(day)
    is_month_end = date_of(day + 1).day == 1
    return month if is_month_end else month - 1


def month_ends(as_of: Column) -> Column:
    """Return the month end, not later than each day, at which values of others are taken."""
    months = complete_months(as_of)
    if not len(months):
        return months
    first = int(months.min())
    last = int(months.max())
    of_months = [first_day(month + 1) - 1 for month in range(first, last + 1)]
    return np.array(of_months, np.int64)[months - first]


def by_month_end(as_of: Column) -> Iterator[tuple[int, Column]]:
    """Yield each month end at which values of others are taken, ascending, and the places of the days that take them then.

    >>> from features.calendar import day_of, date_of
    >>> days = np.array([day_of("2015-07-02"), day_of("2015-06-29"), day_of("2015-06-30")])
    >>> [(str(date_of(end)), places.tolist()) for end, places in by_month_end(days)]
    [('2015-05-31', [1]), ('2015-06-30', [0, 2])]
    """
    months = complete_months(as_of)
    first = int(months.min()) if len(months) else 0
    cases_of_months = np.bincount(months - first)
    for month in (first + np.flatnonzero(cases_of_months)).tolist():
        month_end = first_day(month + 1) - 1
        yield month_end, np.flatnonzero(months == month)
