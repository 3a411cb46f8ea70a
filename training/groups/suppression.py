"""Suppression: which groups are hidden because they are small, and which others, so that no hidden one is had by subtraction.

A number of a group is a sum over its cases. Whoever knows the numbers of other groups and of all cases can therefore compute it
exactly if the group's indicator (1 for its cases, 0 for others) is a linear combination of the other indicators and of
ones. That is tested, over all attributes at once, since a district may hold just the rural units. Of each attribute the hidden
groups together also hold at least `least` units, because their sum is what is left of the whole.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array, hstack

Floats = NDArray[np.float64]
Codes = NDArray[np.int64]
SMALL, BESIDE = "small", "beside a small one"
"""Why a group is hidden."""
NEGLIGIBLE = 1e-6
"""The share of an indicator that may remain where it is said to be a combination of others: sums of counts round far less."""


@dataclass(frozen=True, slots=True, eq=False)
class Columns:
    """All groups of all attributes: the attribute and the units of each, and the products of their indicators.

    The last row and column of `products` are those of the indicator of all cases.
    """

    attribute: Codes
    units: Codes
    products: Floats

    def is_combination(self, place: int, shown: Codes) -> bool:
        """Tell whether a group's indicator is a linear combination of the shown ones and of the indicator of all cases."""
        others = np.append(shown, len(self.units))
        among = self.products[np.ix_(others, others)]
        with_it = self.products[others, place]
        size = self.products[place, place]
        explained = with_it @ np.linalg.lstsq(among, with_it, rcond=None)[0]
        return bool(size - explained < NEGLIGIBLE * size)


def hidden_groups(
    members: Sequence[Codes], sizes: Sequence[int], unit: Codes, least: int
) -> list[dict[int, str]]:
    """Return by attribute the places of the groups to hide, each with why.

    `members` holds the place of each case's group by attribute, `sizes` how many groups it has, `unit` whom a case is about.
    """
    columns = _columns(members, sizes, unit)
    why = {int(place): SMALL for place in np.flatnonzero(_small(columns, least))}
    while True:
        place = _exposed(columns, why, least)
        if place is None:
            break
        why[place] = BESIDE
    starts = np.concatenate(([0], np.cumsum(sizes)))
    hidden: list[dict[int, str]] = [{} for _ in sizes]
    for place, reason in why.items():
        attribute = int(columns.attribute[place])
        hidden[attribute][place - int(starts[attribute])] = reason
    return hidden


def _small(columns: Columns, least: int) -> NDArray[np.bool_]:
    """Return which groups have some units and too few of them; one without any tells nothing of anybody."""
    return (columns.units > 0) & (columns.units < least)


def _columns(members: Sequence[Codes], sizes: Sequence[int], unit: Codes) -> Columns:
    indicators = []
    units = []
    for member, size in zip(members, sizes, strict=True):
        rows = np.arange(len(member))
        ones = np.ones(len(member))
        indicators.append(csr_array((ones, (rows, member)), shape=(len(member), size)))
        cells = np.unique(unit * size + member)
        units.append(np.bincount(cells % size, minlength=size))
    indicators.append(csr_array(np.ones((len(unit), 1))))
    every = hstack(indicators, format="csr")
    products = (every.T @ every).toarray()
    attribute = np.repeat(np.arange(len(sizes)), sizes)
    return Columns(attribute, np.concatenate([np.empty(0, np.int64), *units]), products)


def _exposed(columns: Columns, why: dict[int, str], least: int) -> int | None:
    """Return the next group to hide, beside a small one that could be computed: the smallest that hides it, or the smallest."""
    is_shown = columns.units > 0
    is_shown[list(why)] = False
    shown = np.flatnonzero(is_shown)
    for place in [place for place, reason in sorted(why.items()) if reason == SMALL]:
        if not _is_told(columns, place, why, least):
            continue
        beside = shown[columns.attribute[shown] == columns.attribute[place]]
        # where no other group of the attribute is left to hide, those of other attributes tell it
        candidates = beside if len(beside) else shown
        smallest_first = candidates[np.lexsort((candidates, columns.units[candidates]))].tolist()
        for candidate in smallest_first:
            if not _is_told(columns, place, {**why, candidate: BESIDE}, least):
                return int(candidate)
        if smallest_first:
            return int(smallest_first[0])
    return None


def _is_told(columns: Columns, place: int, why: dict[int, str], least: int) -> bool:
    """Tell whether a small group could be computed from what is shown, or whether its attribute hides too few units in all."""
    is_shown = columns.units > 0
    is_shown[list(why)] = False
    of_attribute = columns.attribute == columns.attribute[place]
    hidden_units = columns.units[of_attribute & ~is_shown].sum()
    if hidden_units < least and (of_attribute & is_shown).any():
        return True
    return columns.is_combination(place, np.flatnonzero(is_shown))
