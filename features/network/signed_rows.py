"""Small steps over signed rows and days that every network value takes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from features.arrays import NULL, Column, Mask
from features.catalogue.parameters import network_parameters

Rows = Mapping[str, NDArray[Any]]

HALVINGS = 12
"""How often a weight halves before it counts as 0; a choice: by then it is below a four-thousandth of the full weight."""


def live_rows(rows: Rows, day: int, own: str) -> Mask:
    """Return which signed rows are live on a day, as a multiset: negatives known by then cancel rows of the same values.

    `own` names a column of codes that a row and its negative share; only its codes with negatives are looked at closely.
    """
    is_known: Mask = rows["known"] <= day
    minus = is_known & (rows["sign"] < 0)
    # Sorting many rows is dear, so the pairs that stand side by side are cancelled first.
    beside = behind_their_rows(rows, is_known, np.flatnonzero(minus))
    minus[beside] = False
    is_known[beside] = False
    is_known[beside - 1] = False
    if not minus.any():
        return is_known
    touched = np.zeros(int(rows[own].max()) + 1, np.bool_)
    touched[rows[own][minus]] = True
    close = np.flatnonzero(is_known & touched[rows[own]])
    compared = {name: column[close] for name, column in rows.items() if name != "known"}
    is_known[close] = cancelled(compared)
    return is_known


def behind_their_rows(rows: Rows, known: Mask, minus: Column) -> Column:
    """Return which of some negatives stand right behind a known row of the same values, as a load leaves most of them."""
    # The first row of all stands behind none.
    behind = minus[minus > 0]
    before = behind - 1
    behind = behind[known[before] & (rows["sign"][before] > 0)]
    for name, column in rows.items():
        if name not in ("known", "sign"):
            behind = behind[column[behind] == column[behind - 1]]
    return behind


def cancelled(rows: Rows) -> Mask:
    """Return which rows are left, one by one, when each row of sign -1 has cancelled one of the same values."""
    sign = rows["sign"]
    columns = {name: column for name, column in rows.items() if name != "sign"}
    packed = packed_columns(columns)
    # Rows of the same values stand together, those of sign 1 before those of sign -1.
    order = np.lexsort([-sign, *packed])
    differs = [np.diff(column[order]) != 0 for column in packed]
    is_first = np.ones(len(order), np.bool_)
    is_first[1:] = np.logical_or.reduce(differs)
    first = np.flatnonzero(is_first)
    size = np.diff(np.append(first, len(order)))
    # Of each group as many rows remain as its signs sum up to: the first ones.
    net = np.add.reduceat(sign[order], first)
    place_in_group = np.arange(len(order)) - np.repeat(first, size)
    remains = np.empty(len(order), np.bool_)
    remains[order] = place_in_group < np.repeat(net, size)
    return remains


def packed_columns(columns: Rows) -> list[Column]:
    """Return as few columns of integers as tell the same rows apart; an empty value, NULL, is one below all others.

    >>> (one,) = packed_columns({"a": np.array([5, NULL, 5]), "b": np.array([-1, 0, -1])})
    >>> (one == one[0]).tolist()
    [True, False, True]
    """
    packed: list[Column] = []
    room = 1
    for column in columns.values():
        empty = column == NULL
        high = column.max(initial=0)
        filled = np.where(empty, high, column)
        low = int(filled.min(initial=0)) - 1
        width = int(high) - low + 2
        place = np.where(empty, 0, column - low)
        # Two columns share an int64 as long as all their values together stay below 2^62.
        if packed and room * width < 2**62:
            packed[-1] = packed[-1] * width + place
            room *= width
        else:
            packed.append(place)
            room = width
    return packed


def full_weight() -> int:
    """Return the weight of what happened on the day itself: a whole number that can be halved HALVINGS times."""
    return 2 * network_parameters().weight_half_life << HALVINGS


def weight(age: Column) -> Column:
    """Return weights that halve with every `weight_half_life` days, linearly in between; 0 after HALVINGS of them.

    They are integers, so that their sums are exact.

    >>> (full_weight() // weight(np.array([0, 365, 730]))).tolist()
    [1, 2, 4]
    """
    half_life = network_parameters().weight_half_life
    halvings = np.minimum(age // half_life, HALVINGS + 1)
    within_half_life = 2 * half_life - age % half_life
    # One bit more and one back, so that no shift is below zero where the weight is 0.
    weights = np.left_shift(within_half_life, HALVINGS + 1 - halvings) >> 1
    return np.where(halvings > HALVINGS, 0, weights)


def day_or(days: Column, otherwise: int, *, until: int) -> Column:
    """Return days, `otherwise` in place of those that are empty or lie after `until`."""
    not_yet = (days == NULL) | (days > until)
    return np.where(not_yet, otherwise, days)


def newest(own: Column, since: Column, size: int) -> Column:
    """Return for each unit 0 .. size - 1 the place of its newest row."""
    order = np.lexsort((since, own))
    last: Column = order[ends_runs(own[order])]
    assert len(last) == size
    return last


def ends_runs(ascending: Column) -> Mask:
    """Return which values of an ascending column are the last of their kind."""
    # A column without values has no last one.
    last = np.ones(min(1, len(ascending)), np.bool_)
    ends: Mask = np.append(np.diff(ascending) > 0, last)
    return ends


def begins_runs(ascending: Column) -> Mask:
    """Return which values of an ascending column are the first of their kind."""
    first = np.ones(min(1, len(ascending)), np.bool_)
    begins: Mask = np.append(first, np.diff(ascending) != 0)
    return begins


def sums_by_place(place: NDArray[np.signedinteger[Any]], amounts: Column, size: int) -> Column:
    """Return exact integer sums by place, int64 (size,); amounts stay below 2^53 in all."""
    sums = np.bincount(place, amounts, size)
    return sums.astype(np.int64)
