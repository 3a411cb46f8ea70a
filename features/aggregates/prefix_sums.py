"""Sums of a panel for many days at once: its rows are put in order once for every edge of a window, for all measures.

A row placed on `when` and known on `known` has passed an edge e on every day D >= max(known, when + e). The window
(D - first, D - last] holds what has passed its last edge and not yet its first, so a sum is a difference of two totals.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from features.aggregates.rollup import Panel
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


def worthwhile(rows: RowRanges) -> bool:
    """Tell whether totals are cheaper than letting each unit meet the rows of its key: many days of keys with many rows."""
    if len(rows) <= 1:
        return False
    several_days = (rows.day != rows.day[0]).any()
    if not several_days:
        return False
    row_count = len(rows.columns["known"])
    return rows.pairs > PAIRS_A_ROW * row_count


Signed = list[tuple[Atom, int]]
"""Sums into which the rows past an edge enter, each with 1 or -1."""


def panel_sums(
    panel: Panel,
    read: Mapping[str, Column],
    key: Column,
    units: Units,
    spans: Mapping[Atom, Window],
) -> dict[Atom, Values]:
    """Return float64 (units,) for sums and counts over day windows; `key` is the sorted key of the panel's rows `read`."""
    sums = {atom: np.zeros(len(units), np.int64) for atom in spans}
    begin = np.searchsorted(key, units.key) if spans else key
    for edge, columns in _by_edge(panel, spans).items():
        passed = np.maximum(read["known"], read["placed"] + edge)
        passed = key * _DAY + passed + _SHIFT
        order = np.argsort(passed, kind="stable")
        sought = units.key * _DAY + units.day + _SHIFT
        end = np.searchsorted(passed[order], sought, side="right")
        for column, signed in columns.items():
            totals = running(read[column][order])
            of_key = totals[end] - totals[begin]
            for atom, side in signed:
                sums[atom] += side * of_key
    return {atom: values.astype(np.float64) for atom, values in sums.items()}


def _by_edge(panel: Panel, spans: Mapping[Atom, Window]) -> dict[int, dict[str, Signed]]:
    """Return by edge, and by column of the panel, the sums of which the rows past that edge are a part."""
    by_edge: dict[int, dict[str, Signed]] = {}
    for atom, window in spans.items():
        counts, totals = panel.columns[atom.measure]
        column = totals if atom.aggregate == "sum" else counts
        # What has passed the last edge counts, less what has passed the first; a window without a
        # first edge reaches back without end.
        sides = [(window.last, 1)]
        if window.first:
            sides.append((window.first, -1))
        for edge, side in sides:
            columns = by_edge.setdefault(edge, {})
            columns.setdefault(column, []).append((atom, side))
    return by_edge


def running(values: Column) -> Column:
    """Return the sums of the first 0, 1, ... values; CatalogueError where one could pass 2^62."""
    largest = max(int(values.max(initial=0)), -int(values.min(initial=0)))
    # LIMIT * 2**9 is 2^62: below it no total of int64 can overflow, in whatever order it is taken.
    if largest * len(values) >= LIMIT * 2**9:
        raise CatalogueError("a running total reached 2^62; use a smaller unit for this measure")
    totals = np.cumsum(values)
    return np.concatenate(([0], totals))
