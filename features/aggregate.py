"""Aggregates of signed rows in numpy: what each unit's history, a signed multiset, says as of its day.

Rows reach this module already matched to units and known by the unit's day. A unit is a key on a day.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from features.asked import Asked, Windows, asked_of
from features.catalogue import Measure, Window
from features.grid import Grid, Values, grid_of, of_series, windowed
from features.language import Atom
from features.multiset import ITEM_HALF, dated_item, extremes, of_items
from features.rowwise import NULL, Column, Literal, Mask, both, filter_steps, value_steps
from features.steps import Place, Steps


@dataclass(frozen=True, slots=True)
class Matched:
    """Rows matched to units: `unit` (m,) positions, non-decreasing; `day` and `month` the as-of of each row's unit, or of all."""

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
        return self.columns[name] if name else np.broadcast_to(self.day, len(self))

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

    @property
    def sound(self) -> Mask | None:
        """Which rows are kept and have a known value."""
        return self.keep if self.valid is None else self.valid if self.keep is None else self.keep & self.valid


class Tallies:
    """The filters and values of measures placed by one column, laid out so that what they share is worked out once."""

    def __init__(self, measures: Sequence[Measure], literal: Literal) -> None:
        """Lay the measures out; texts in their filters are read through `literal`."""
        self._steps = Steps()
        self._sign = self._steps.leaf("sign")
        self._measures = [(measure.name, *self._laid(measure, literal)) for measure in measures]

    def _laid(self, measure: Measure, literal: Literal) -> tuple[Place | None, Place, Place, Place | None]:
        steps = self._steps
        value, valid = value_steps(steps, measure.value)
        placed = steps.step(np.not_equal, steps.leaf(measure.when), steps.constant(NULL)) if measure.when else None
        passes = None if measure.filter is None else filter_steps(steps, measure.filter, literal)
        signed = self._sign if value == steps.constant(1) else steps.step(np.multiply, self._sign, value)
        if isinstance(measure.value, ast.Constant):
            value = steps.step(np.full_like, self._sign, value)
        return both(steps, placed, passes), signed, value, valid

    def of(self, rows: Matched) -> dict[str, Tally]:
        """Return what each measure makes of the rows, by its name."""
        found = self._steps.run({**rows.columns, "sign": rows.sign})
        found.append(None)
        return {name: Tally(found[-1 if keep is None else keep], rows.sign, found[signed], found[value],
                            found[-1 if valid is None else valid])
                for name, keep, signed, value, valid in self._measures}


def tally(rows: Matched, measure: Measure, literal: Literal) -> Tally:
    """Return what a measure makes of the rows; `keep` says which pass its filter, `valid` where its value is known."""
    return Tallies([measure], literal).of(rows)[measure.name]


@dataclass(frozen=True, slots=True)
class Placement:
    """Aggregates of measures placed by one column, laid out to be asked of rows."""

    when: str
    tallies: Tallies
    asked: Asked

    def of(self, rows: Matched) -> dict[Atom, Values]:
        """Return float64 (units,) for each aggregate, NaN where undefined."""
        return of_tallies(rows, self.when, self.tallies.of(rows), self.asked)


def placed_by(measures: Sequence[Measure], atoms: Sequence[Atom], windows: Windows, literal: Literal) -> Placement:
    """Lay out aggregates of measures that are placed by one column."""
    return Placement(measures[0].when, Tallies(measures, literal), asked_of(atoms, windows))


def of_tallies(rows: Matched, when: str, tallies: Mapping[str, Tally], asked: Asked) -> dict[Atom, Values]:
    """Return float64 (units,) for each aggregate, NaN where undefined, from tallies of rows placed by the column `when`."""
    placed = rows.when(when)
    offset = rows.reference(when) - placed
    found = _of_grid(grid_of(rows.unit, offset, rows.units, asked.buckets), tallies, asked) if asked.sums else {}
    for atom, window in asked.multiset:
        found[atom] = _of_multiset(rows, (placed, offset), tallies[atom.measure], atom, window)
    return found


def _of_grid(grid: Grid, tallies: Mapping[str, Tally], asked: Asked) -> dict[Atom, Values]:
    stacked = np.array([_sums(grid, tallies[name], kind) for kind, name in asked.sums])
    found = dict(zip(asked.additive, windowed(stacked, asked.place, asked.low, asked.high), strict=True))
    for series in asked.series:
        total, count = (stacked[places, :, series.buckets].reshape(-1, series.buckets.stop - series.buckets.start)
                        for places in (series.totals, series.counts))
        values = of_series(series.aggregate, total, count).reshape(len(series.atoms), grid.units)
        found |= zip(series.atoms, values, strict=True)
    return found


def _sums(grid: Grid, own: Tally, kind: str) -> Values:
    if kind == "count" or own.signed is own.sign:
        return grid.counts(own.sound, own.sign)
    return grid.sums(own.sound, own.signed)


def _of_multiset(rows: Matched, place: tuple[Column, Column], own: Tally, atom: Atom, window: Window) -> Values:
    when, offset = place
    keep = (offset >= window.last) if own.keep is None else own.keep & (offset >= window.last)
    if window.first:
        keep &= offset < window.first
    if atom.aggregate != "newest" and own.valid is not None:
        keep &= own.valid
    unit, sign = rows.unit[keep], own.sign[keep]
    if atom.aggregate in ("since", "first_since"):
        found = extremes(unit, when[keep], sign, rows.units, last=atom.aggregate == "since")
        return _before(rows, offset + when, found)
    value = own.value[keep]
    if atom.aggregate == "newest":
        empty = value if own.valid is None else np.where(own.valid[keep], value, -ITEM_HALF)
        value = dated_item(when[keep], empty)
    return of_items(atom.aggregate, unit, value, sign, rows.units)


def _before(rows: Matched, reference: Column, when: Column) -> Values:
    """Return the days (or months) between each unit's as-of and `when`, NaN where `when` is NULL."""
    of_unit = np.zeros(rows.units, np.int64)
    of_unit[rows.unit] = reference
    return np.where(when == NULL, np.nan, (of_unit - when).astype(np.float64))
