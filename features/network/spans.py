"""Small steps over signed rows and days that every network value takes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from features.rowwise import NULL, Column, Mask

HALF_LIFE = 365
HALVINGS = 12
WHOLE = 2 * HALF_LIFE << HALVINGS
"""The weight of what happened on the day itself."""


def holds(rows: Mapping[str, NDArray[Any]], day: int) -> Mask:
    """Return which signed rows are live on a day; a row's negative stands right after it."""
    known, plus = rows["known"] <= day, rows["sign"] > 0
    ended = np.append((known & ~plus)[1:], np.zeros(min(1, len(known)), np.bool_))
    live: Mask = known & plus & ~ended
    return live


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


def summed(place: NDArray[np.signedinteger[Any]], amounts: Column, size: int) -> Column:
    """Return exact integer sums by place, int64 (size,); amounts stay below 2^53 in all."""
    return np.bincount(place, amounts, size).astype(np.int64)
