"""Window sums for many days at once: rows are put in order once for every edge of a window, for all that they add.

A row placed on `placed` and known on `known` has passed an edge e on every day D >= max(known, placed + e). The window
(D - first, D - last] holds what has passed its last edge and not yet its first, so a sum is a difference of two totals.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from features.aggregates.row_ranges import RowRanges
from features.arrays import Column, Values
from features.cases import Units
from features.catalogue.language import LIMIT, Atom
from features.catalogue.model import Window
from features.errors import CatalogueError

PAIRS_A_ROW = 64
"""How many units a row must meet on average before putting the rows in order is cheaper."""
# A key and a day make one sortable integer: key * 2^20 + day + 2^18, where the shift keeps every day,
# those before 1970 too, at or above 0 and so within its key's 2^20 numbers.
_DAY = 2**20
_SHIFT = 2**18
# LIMIT * 2**9 is 2^62: below it no total of int64 can overflow, in whatever order it is taken.
_MOST_TOTAL = LIMIT * 2**9


def worthwhile(rows: RowRanges) -> bool:
    """Tell whether totals are cheaper than letting each unit meet the rows of its key: many days of keys with many rows."""
    if len(rows) <= 1:
        return False
    several_days = (rows.day != rows.day[0]).any()
    if not several_days:
        return False
    row_count = len(rows.columns["known"])
    return rows.pairs > PAIRS_A_ROW * row_count


@dataclass(frozen=True, slots=True)
class PlacedRows:
    """Rows (n,) in the order of their key, with the days on which each is placed and known.

    `amounts` are, by name, what each row adds to a sum.
    """

    key: Column
    placed: Column
    known: Column
    amounts: Mapping[str, Column]


@dataclass(frozen=True, slots=True)
class WindowSum:
    """A sum of the amounts of one name over a window of days."""

    amount: str
    window: Window


Signed = list[tuple[Atom, int]]
"""Sums into which the rows past an edge enter, each with 1 or -1."""


def prefix_sums(
    rows: PlacedRows, units: Units, sums: Mapping[Atom, WindowSum]
) -> dict[Atom, Values]:
    """Return float64 (units,) for each sum; CatalogueError where a total could pass 2^62."""
    if not sums:
        return {}
    by_atom = {atom: np.zeros(len(units), np.int64) for atom in sums}
    sought = units.key * _DAY + units.day + _SHIFT
    # The rows of a key stand at the same places in the order of the key and in that of every edge.
    begin = np.searchsorted(rows.key, units.key)
    for edge, signed_by_amount in _by_edge(sums).items():
        passed = np.maximum(rows.known, rows.placed + edge)
        passed = rows.key * _DAY + passed + _SHIFT
        order = np.argsort(passed, kind="stable")
        end = np.searchsorted(passed[order], sought, side="right")
        for amount, signed in signed_by_amount.items():
            totals = running(rows.amounts[amount][order])
            of_key = totals[end] - totals[begin]
            for atom, side in signed:
                by_atom[atom] += side * of_key
    return {atom: values.astype(np.float64) for atom, values in by_atom.items()}


def _by_edge(sums: Mapping[Atom, WindowSum]) -> dict[int, dict[str, Signed]]:
    """Return by edge, and by amount, the sums of which the rows past that edge are a part."""
    by_edge: dict[int, dict[str, Signed]] = {}
    for atom, window_sum in sums.items():
        window = window_sum.window
        # What has passed the last edge counts, less what has passed the first; a window without a
        # first edge reaches back without end.
        sides = [(window.last, 1)]
        if window.first:
            sides.append((window.first, -1))
        for edge, side in sides:
            by_amount = by_edge.setdefault(edge, {})
            by_amount.setdefault(window_sum.amount, []).append((atom, side))
    return by_edge


def running(values: Column) -> Column:
    """Return the sums of the first 0, 1, ... values; CatalogueError where one could pass 2^62."""
    largest = max(int(values.max(initial=0)), -int(values.min(initial=0)))
    # The product is a bound that costs nothing; only past it are the values themselves added up.
    if largest * len(values) >= _MOST_TOTAL and _magnitude(values) >= _MOST_TOTAL:
        raise CatalogueError("a running total reached 2^62; use a smaller unit for this measure")
    totals = np.cumsum(values)
    return np.concatenate(([0], totals))


def _magnitude(values: Column) -> float:
    """Return the sum of absolute values, in float64, which does not overflow."""
    return float(np.abs(values.astype(np.float64)).sum())
