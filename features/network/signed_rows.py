"""Small steps over signed rows and days that every network value takes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from features.arrays import NULL, Column, Mask

Rows = Mapping[str, NDArray[Any]]

HALF_LIFE = 365
HALVINGS = 12
WHOLE = 2 * HALF_LIFE << HALVINGS
"""The weight of what happened on the day itself."""


def live_rows(rows: Rows, day: int, own: str) -> Mask:
    """Return which signed rows are live on a day, as a multiset: negatives known by then cancel rows of the same values.

    `own` names a column of codes that a row and its negative share; only its codes with negatives are looked at closely.
    """
    known: Mask = rows["known"] <= day
    minus = known & (rows["sign"] < 0)
    beside = behind_their_rows(rows, known, np.flatnonzero(minus))
    minus[beside] = known[beside] = known[beside - 1] = False
    if not minus.any():
        return known
    touched = np.zeros(int(rows[own].max()) + 1, np.bool_)
    touched[rows[own][minus]] = True
    close = np.flatnonzero(known & touched[rows[own]])
    known[close] = cancelled(
        {name: column[close] for name, column in rows.items() if name != "known"}
    )
    return known


def behind_their_rows(rows: Rows, known: Mask, minus: Column) -> Column:
    """Return which of some negatives stand right behind a known row of the same values, as a load leaves most of them."""
    found = minus[minus > 0]
    found = found[known[found - 1] & (rows["sign"][found - 1] > 0)]
    for name, column in rows.items():
        if name not in ("known", "sign"):
            found = found[column[found] == column[found - 1]]
    return found


def cancelled(rows: Rows) -> Mask:
    """Return which rows are left, one by one, when each row of sign -1 has cancelled one of the same values."""
    values = packed_columns({name: column for name, column in rows.items() if name != "sign"})
    order = np.lexsort([-rows["sign"], *values])
    fresh = np.ones(len(order), np.bool_)
    fresh[1:] = np.logical_or.reduce([np.diff(column[order]) != 0 for column in values])
    first = np.flatnonzero(fresh)
    net = np.add.reduceat(rows["sign"][order], first)
    size = np.diff(np.append(first, len(order)))
    left = np.empty(len(order), np.bool_)
    left[order] = np.arange(len(order)) - np.repeat(first, size) < np.repeat(net, size)
    return left


def packed_columns(columns: Rows) -> list[Column]:
    """Return as few columns of integers as tell the same rows apart; an empty value, NULL, is one below all others.

    >>> (one,) = packed_columns({"a": np.array([5, NULL, 5]), "b": np.array([-1, 0, -1])})
    >>> (one == one[0]).tolist()
    [True, False, True]
    """
    found: list[Column] = []
    room = 1
    for column in columns.values():
        low = int(np.where(column == NULL, column.max(initial=0), column).min(initial=0)) - 1
        width = int(column.max(initial=0)) - low + 2
        place = np.where(column == NULL, 0, column - low)
        if found and room * width < 2**62:
            found[-1], room = found[-1] * width + place, room * width
        else:
            found, room = [*found, place], width
    return found


def weight(age: Column) -> Column:
    """Return integer weights that halve with every HALF_LIFE days, linearly in between; 0 after HALVINGS of them.

    >>> (WHOLE // weight(np.array([0, 365, 730]))).tolist()
    [1, 2, 4]
    """
    halvings = np.minimum(age // HALF_LIFE, HALVINGS + 1)
    whole = np.left_shift(2 * HALF_LIFE - age % HALF_LIFE, HALVINGS + 1 - halvings) >> 1
    return np.where(halvings > HALVINGS, 0, whole)


def day_or(days: Column, otherwise: int, *, until: int) -> Column:
    """Return days, `otherwise` in place of those that are empty or lie after `until`."""
    return np.where((days == NULL) | (days > until), otherwise, days)


def newest(own: Column, since: Column, size: int) -> Column:
    """Return for each unit 0 .. size - 1 the place of its newest row."""
    order = np.lexsort((since, own))
    last = np.append(np.diff(own[order]) > 0, np.ones(min(1, len(own)), np.bool_))
    found: Column = order[last]
    assert len(found) == size
    return found


def sums_by_place(place: NDArray[np.signedinteger[Any]], amounts: Column, size: int) -> Column:
    """Return exact integer sums by place, int64 (size,); amounts stay below 2^53 in all."""
    return np.bincount(place, amounts, size).astype(np.int64)
