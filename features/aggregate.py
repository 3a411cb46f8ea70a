"""Aggregates of signed rows in numpy: what each unit's history, a signed multiset, says as of its day.

Rows reach this module already matched to units and known by the unit's day. A unit is a key on a day.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from features.catalogue import Measure, Window
from features.errors import CatalogueError
from features.language import ADDITIVE, LIMIT, SERIES, Atom
from features.rowwise import NULL, Column, Literal, Mask, row_filter, row_values

Values = NDArray[np.float64]
ITEM_VALUES = 2**38
ITEM_HALF = 2**37
ITEM_DAYS = 2**17


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


@dataclass(frozen=True, slots=True)
class Placed:
    """The rows of one measure that pass its filter, `offset` before the unit's day.

    `sign` is what a row adds to a count, `signed` what it adds to a sum, `value` the value itself.
    """

    unit: Column
    offset: Column
    when: Column
    sign: Column
    signed: Column
    value: Column
    valid: Mask
    units: int


def days_placed(rows: Matched, measure: Measure) -> Column:
    """Return the day or month that places each row, the unit's own day for a measure without one."""
    return rows.columns[measure.when] if measure.when else rows.day


def counted(rows: Matched, measure: Measure, literal: Literal) -> Mask:
    """Return which rows pass a measure's filter and have a place in time."""
    keep: Mask = days_placed(rows, measure) != NULL
    if measure.filter is not None:
        keep &= row_filter(measure.filter, rows.columns, len(rows), literal)
    return keep


def placed(rows: Matched, measure: Measure, literal: Literal) -> Placed:
    """Return the rows that a measure counts, with their distance in days or months before the as-of day."""
    keep, when = counted(rows, measure, literal), days_placed(rows, measure)
    value = row_values(measure.value, rows.columns, len(rows))
    reference = rows.month if measure.when in rows.month_columns else rows.day
    if keep.all():
        return Placed(rows.unit, reference - when, when, rows.sign, rows.sign * value.values, value.values, value.valid,
                      rows.units)
    sign, values, days = rows.sign[keep], value.values[keep], when[keep]
    return Placed(rows.unit[keep], reference[keep] - days, days, sign, sign * values, values, value.valid[keep], rows.units)


def within(rows: Placed, window: Window) -> Mask:
    """Return which rows lie in a window: last <= offset < first, a `first` of 0 meaning without a beginning."""
    mask = rows.offset >= window.last
    return mask & (rows.offset < window.first) if window.first else mask


def aggregates(rows: Matched, measure: Measure, atoms: Iterable[Atom], windows: Mapping[str, Window],
               literal: Literal) -> dict[Atom, Values]:
    """Return float64 (units,) for each aggregate of one measure: integers, or one last float64 step; NaN where undefined."""
    return of_placed(placed(rows, measure, literal), atoms, windows)


def of_placed(here: Placed, atoms: Iterable[Atom], windows: Mapping[str, Window]) -> dict[Atom, Values]:
    """Return float64 (units,) for each aggregate of rows already placed."""
    wanted = list(atoms)
    found: dict[Atom, Values] = {}
    additive = [atom for atom in wanted if atom.aggregate in ADDITIVE]
    found |= _additive(here, additive, windows)
    series = [atom for atom in wanted if atom.aggregate in SERIES]
    if series:
        found |= _series(here, series, windows)
    for atom in wanted:
        if atom not in found:
            found[atom] = _multiset(here, atom, windows[atom.window])
    return found


def _sum_by(cell: Column, weights: Column, size: int) -> Values:
    if len(weights) and float(np.abs(weights).astype(np.float64).sum()) >= LIMIT:
        exact = np.zeros(size, np.int64)
        np.add.at(exact, cell, weights)
        if np.abs(exact).max() >= LIMIT:
            raise CatalogueError("an integer sum reached 2^53; use a smaller unit for this measure")
        return exact.astype(np.float64)
    return np.asarray(np.bincount(cell, weights=weights, minlength=size), np.float64)


def _additive(rows: Placed, atoms: list[Atom], windows: Mapping[str, Window]) -> dict[Atom, Values]:
    if not atoms:
        return {}
    spans = [windows[atom.window] for atom in atoms]
    cuts = np.unique([edge for span in spans for edge in (span.last, span.first or LIMIT)])
    bucket = np.searchsorted(cuts, rows.offset, side="right") - 1
    keep = (bucket >= 0) & (bucket < len(cuts) - 1) & rows.valid
    width = len(cuts) - 1
    cell = rows.unit[keep] * width + bucket[keep]
    weights = {"sum": rows.signed, "count": rows.sign}
    dense = {name: _sum_by(cell, weights[name][keep], rows.units * width).reshape(rows.units, width)
             for name in {atom.aggregate for atom in atoms}}
    found = {}
    for atom, span in zip(atoms, spans, strict=True):
        low, high = np.searchsorted(cuts, [span.last, span.first or LIMIT])
        found[atom] = dense[atom.aggregate][:, low:high].sum(axis=1)
    return found


def _series(rows: Placed, atoms: list[Atom], windows: Mapping[str, Window]) -> dict[Atom, Values]:
    span = max(windows[atom.window].first for atom in atoms)
    keep = (rows.offset >= 0) & (rows.offset < span) & rows.valid
    cell = rows.unit[keep] * span + rows.offset[keep]
    shape = (rows.units, span)
    count = _sum_by(cell, rows.sign[keep], rows.units * span).reshape(shape)
    total = _sum_by(cell, rows.signed[keep], rows.units * span).reshape(shape)
    return {atom: _of_series(atom.aggregate, total[:, windows[atom.window].last:windows[atom.window].first],
                             count[:, windows[atom.window].last:windows[atom.window].first]) for atom in atoms}


def _exact(numerator: Values) -> Values:
    """Return integers held in float64; raise CatalogueError where they are too large to be exact."""
    if len(numerator) and np.abs(numerator).max() >= LIMIT:
        raise CatalogueError("a trend or variance reached 2^53; use a smaller unit for this measure")
    return numerator


def _of_series(aggregate: str, total: Values, count: Values) -> Values:
    """Reduce monthly totals (units, months), newest month first, to one value a unit."""
    present, months = count > 0, total.shape[1]
    if aggregate == "months":
        return np.asarray(present.sum(axis=1), np.float64)
    if aggregate in ("slope", "variance"):
        filled = np.where(present, total, 0.0)
        if aggregate == "slope":
            steps = np.arange(months - 1, -months, -2, dtype=np.float64)
            tilt: Values = _exact((filled * (6 * steps)).sum(axis=1) + 0.0) / float(months * (months * months - 1))
            return tilt
        squares = _exact(months * (filled * filled).sum(axis=1))
        spread: Values = (squares - filled.sum(axis=1) ** 2) / float(months * (months - 1))
        return spread
    anywhere = present.any(axis=1)
    if aggregate == "last":
        newest = present.argmax(axis=1)
        return np.where(anywhere, total[np.arange(len(total)), newest], np.nan)
    reduced = (np.where(present, total, -np.inf).max(axis=1) if aggregate == "peak"
               else np.where(present, total, np.inf).min(axis=1))
    return np.where(anywhere, reduced, np.nan)


@dataclass(frozen=True, slots=True)
class Net:
    """The live members of each unit's multiset: sorted by (unit, item), with their multiplicity."""

    unit: Column
    item: Column
    times: Column
    units: int


def net_of(unit: Column, item: Column, sign: Column, units: int) -> Net:
    """Return the members whose signs sum above zero."""
    order = np.lexsort((item, unit))
    unit, item, sign = unit[order], item[order], sign[order]
    if not len(unit):
        return Net(unit, item, sign, units)
    begins = np.flatnonzero(np.concatenate(([True], (unit[1:] != unit[:-1]) | (item[1:] != item[:-1]))))
    times = np.add.reduceat(sign, begins)
    live = times > 0
    return Net(unit[begins][live], item[begins][live], times[live], units)


def _multiset(rows: Placed, atom: Atom, window: Window) -> Values:
    keep = within(rows, window)
    if atom.aggregate != "newest":
        keep &= rows.valid
    if atom.aggregate in ("since", "first_since"):
        item = rows.when[keep]
    elif atom.aggregate == "newest":
        item = dated_item(rows.when[keep], np.where(rows.valid, rows.value, -ITEM_HALF)[keep])
    else:
        item = rows.value[keep]
    net = net_of(rows.unit[keep], item, rows.sign[keep], rows.units)
    if atom.aggregate == "since":
        return _day_before(rows, _ends(net, last=True))
    if atom.aggregate == "first_since":
        return _day_before(rows, _ends(net, last=False))
    return _of_net(atom.aggregate, net)


def dated_item(when: Column, value: Column) -> Column:
    """Return one integer that orders by day, then by value; the least value of a day stands for an empty one."""
    return (when + ITEM_DAYS) * ITEM_VALUES + value + ITEM_HALF


def _of_net(aggregate: str, net: Net) -> Values:
    if aggregate == "distinct":
        return np.bincount(net.unit, minlength=net.units).astype(np.float64)
    if aggregate == "median":
        return _lower_median(net)
    found = _ends(net, last=aggregate in ("largest", "newest"))
    if aggregate == "newest":
        value = found % ITEM_VALUES
        return np.where((found == NULL) | (value == 0), np.nan, (value - ITEM_HALF).astype(np.float64))
    return np.where(found == NULL, np.nan, found.astype(np.float64))


def _ends(net: Net, *, last: bool) -> Column:
    """Return the greatest (last) or least item of each unit, NULL where it has none."""
    found = np.full(net.units, NULL, np.int64)
    if last:
        found[net.unit] = net.item
    else:
        found[net.unit[::-1]] = net.item[::-1]
    return found


def _day_before(rows: Placed, when: Column) -> Values:
    """Return the days (or months) between each unit's as-of and `when`."""
    reference = np.zeros(rows.units, np.int64)
    reference[rows.unit] = rows.offset + rows.when
    return np.where(when == NULL, np.nan, (reference - when).astype(np.float64))


def _lower_median(net: Net) -> Values:
    """Return the member at position (total - 1) // 2 of each unit's sorted multiset."""
    found = np.full(net.units, np.nan)
    if not len(net.unit):
        return found
    total = np.bincount(net.unit, weights=net.times, minlength=net.units).astype(np.int64)
    before = np.cumsum(total) - total
    reached = np.cumsum(net.times)
    asked = before + (total - 1) // 2
    here = np.flatnonzero(total > 0)
    found[here] = net.item[np.searchsorted(reached, asked[here], side="right")]
    return found
