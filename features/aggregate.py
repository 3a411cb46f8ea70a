"""Aggregates of signed rows in numpy: what each unit's history, a signed multiset, says as of its day.

Rows reach this module already matched to units and known by the unit's day. A unit is a key on a day.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from features.catalogue import Measure, Window
from features.grid import Grid, Values, grid_of, of_series
from features.language import ADDITIVE, SERIES, Atom
from features.multiset import ITEM_HALF, dated_item, ends, net_of, of_net
from features.rowwise import NULL, Column, Literal, Mask, row_filter, row_values

Windows = Mapping[str, Window]


@dataclass(frozen=True, slots=True)
class Matched:
    """Rows matched to units: `unit` (m,) positions, non-decreasing; `day` and `month` the unit's as-of of each row."""

    unit: Column
    day: Column
    month: Column
    sign: Column
    columns: Mapping[str, Column]
    units: int
    month_columns: frozenset[str]

    def __len__(self) -> int:
        return len(self.unit)

    def when(self, name: str) -> Column:
        """Return the day or month that places each row; the unit's own day for a measure without one."""
        return self.columns[name] if name else self.day

    def reference(self, name: str) -> Column:
        """Return the day or month from which a row's distance is counted."""
        return self.month if name in self.month_columns else self.day


@dataclass(frozen=True, slots=True)
class Tally:
    """What one measure makes of the rows: which it keeps (None: all), what each adds to a count and to a sum."""

    keep: Mask | None
    sign: Column
    signed: Column
    value: Column
    valid: Mask | None


def counted(rows: Matched, measure: Measure, literal: Literal) -> Mask:
    """Return which rows pass a measure's filter and have a place in time."""
    keep: Mask = rows.when(measure.when) != NULL
    if measure.filter is not None:
        keep &= row_filter(measure.filter, rows.columns, len(rows), literal)
    return keep


def tally(rows: Matched, measure: Measure, literal: Literal) -> Tally:
    """Return what a measure makes of the rows; `keep` says which pass its filter, `valid` where its value is known."""
    value = row_values(measure.value, rows.columns, len(rows))
    return Tally(counted(rows, measure, literal), rows.sign, rows.sign * value.values, value.values, value.valid)


def aggregates(rows: Matched, measures: Sequence[Measure], atoms: Iterable[Atom], windows: Windows,
               literal: Literal) -> dict[Atom, Values]:
    """Return float64 (units,) for each aggregate of measures placed by one column; NaN where undefined."""
    tallies = {measure.name: tally(rows, measure, literal) for measure in measures}
    return of_tallies(rows, measures[0].when, tallies, list(atoms), windows)


def of_tallies(rows: Matched, when: str, tallies: Mapping[str, Tally], atoms: Sequence[Atom],
               windows: Windows) -> dict[Atom, Values]:
    """Return float64 (units,) for each aggregate, from tallies of rows placed by the column `when`."""
    placed = rows.when(when)
    offset = rows.reference(when) - placed
    gridded = [atom for atom in atoms if atom.aggregate in ADDITIVE + SERIES]
    found = _of_grid(rows, offset, tallies, gridded, windows) if gridded else {}
    for atom in atoms:
        if atom not in found:
            found[atom] = _of_multiset(rows, (placed, offset), tallies[atom.measure], atom, windows[atom.window])
    return found


def _of_grid(rows: Matched, offset: Column, tallies: Mapping[str, Tally], atoms: Sequence[Atom],
             windows: Windows) -> dict[Atom, Values]:
    spans = [windows[atom.window] for atom in atoms]
    months = max((windows[atom.window].first for atom in atoms if atom.aggregate in SERIES), default=0)
    spans += [Window("", "month", month + 1, month, "", "") for month in range(months)]
    grid = grid_of(rows.unit, offset, rows.units, spans)
    found: dict[Atom, Values] = {}
    for name in dict.fromkeys(atom.measure for atom in atoms):
        found |= _of_measure(grid, tallies[name], [atom for atom in atoms if atom.measure == name], windows)
    return found


def _of_measure(grid: Grid, own: Tally, atoms: Sequence[Atom], windows: Windows) -> dict[Atom, Values]:
    keep = own.keep if own.valid is None else own.valid if own.keep is None else own.keep & own.valid
    asked = {atom.aggregate for atom in atoms}
    count = grid.sums(keep, own.sign) if asked - {"sum"} else None
    total = count if own.signed is own.sign else grid.sums(keep, own.signed) if asked - {"count"} else None
    if total is None and asked - {"count"}:
        total = grid.sums(keep, own.signed)
    found: dict[Atom, Values] = {}
    for atom in atoms:
        buckets = grid.buckets(windows[atom.window])
        if atom.aggregate in ADDITIVE:
            dense = total if atom.aggregate == "sum" else count
            assert dense is not None
            found[atom] = dense[:, buckets].sum(axis=1)
        else:
            assert total is not None
            assert count is not None
            found[atom] = of_series(atom.aggregate, total[:, buckets], count[:, buckets])
    return found


def _of_multiset(rows: Matched, place: tuple[Column, Column], own: Tally, atom: Atom, window: Window) -> Values:
    when, offset = place
    keep = (offset >= window.last) if own.keep is None else own.keep & (offset >= window.last)
    if window.first:
        keep &= offset < window.first
    if atom.aggregate != "newest" and own.valid is not None:
        keep &= own.valid
    if atom.aggregate in ("since", "first_since"):
        found = ends(net_of(rows.unit[keep], when[keep], own.sign[keep], rows.units), last=atom.aggregate == "since")
        return _before(rows, offset + when, found)
    value = own.value[keep]
    if atom.aggregate == "newest":
        empty = value if own.valid is None else np.where(own.valid[keep], value, -ITEM_HALF)
        value = dated_item(when[keep], empty)
    return of_net(atom.aggregate, net_of(rows.unit[keep], value, own.sign[keep], rows.units))


def _before(rows: Matched, reference: Column, when: Column) -> Values:
    """Return the days (or months) between each unit's as-of and `when`, NaN where `when` is NULL."""
    of_unit = np.zeros(rows.units, np.int64)
    of_unit[rows.unit] = reference
    return np.where(when == NULL, np.nan, (of_unit - when).astype(np.float64))
