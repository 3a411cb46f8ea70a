"""Aggregates of signed rows: what each unit's history, a signed multiset, says as of its day. A unit is a key on a day."""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from features.aggregates.kernels import add_month_sums, add_sums
from features.aggregates.order_statistics import ITEM_HALF, dated_item, of_members
from features.aggregates.plan import AggregationPlan, Windows, aggregation_plan
from features.aggregates.row_expressions import all_hold, filter_steps, value_steps
from features.aggregates.row_ranges import RowRanges
from features.aggregates.shared_steps import Place, Steps
from features.arrays import NULL, Column, Literal, Mask, Values
from features.catalogue import Measure
from features.catalogue.language import Atom
from features.errors import CatalogueError


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
        return (
            self.keep
            if self.valid is None
            else self.valid
            if self.keep is None
            else self.keep & self.valid
        )


class Tallies:
    """The filters and values of measures placed by one column, laid out so that what they share is worked out once."""

    def __init__(self, measures: Sequence[Measure], literal: Literal) -> None:
        """Lay the measures out; texts in their filters are read through `literal`."""
        self._steps = Steps()
        self._sign = self._steps.leaf("sign")
        self._measures = [(measure.name, *self._laid(measure, literal)) for measure in measures]

    def _laid(
        self, measure: Measure, literal: Literal
    ) -> tuple[Place | None, Place, Place, Place | None]:
        steps = self._steps
        value, valid = value_steps(steps, measure.value)
        placed = (
            steps.step(np.not_equal, steps.leaf(measure.when), steps.constant(NULL))
            if measure.when
            else None
        )
        passes = None if measure.filter is None else filter_steps(steps, measure.filter, literal)
        signed = (
            self._sign if value == steps.constant(1) else steps.step(np.multiply, self._sign, value)
        )
        if isinstance(measure.value, ast.Constant):
            value = steps.step(np.full_like, self._sign, value)
        return all_hold(steps, placed, passes), signed, value, valid

    def of(self, columns: Mapping[str, Column]) -> dict[str, Tally]:
        """Return what each measure makes of rows, by its name; `columns` hold their `sign` too."""
        found = self._steps.run(columns)
        found.append(None)
        return {
            name: Tally(
                found[-1 if keep is None else keep],
                columns["sign"],
                found[signed],
                found[value],
                found[-1 if valid is None else valid],
            )
            for name, keep, signed, value, valid in self._measures
        }


def tally(columns: Mapping[str, Column], measure: Measure, literal: Literal) -> Tally:
    """Return what a measure makes of rows; `keep` says which pass its filter, `valid` where its value is known."""
    return Tallies([measure], literal).of(columns)[measure.name]


@dataclass(frozen=True, slots=True)
class Placement:
    """Aggregates of measures placed by one column, laid out to be asked of rows."""

    when: str
    tallies: Tallies
    asked: AggregationPlan

    def of(self, rows: RowRanges) -> dict[Atom, Values]:
        """Return float64 (units,) for each aggregate, NaN where undefined."""
        return of_tallies(rows, self.when, self.tallies.of(rows.columns), self.asked)


def placed_by(
    measures: Sequence[Measure], atoms: Sequence[Atom], windows: Windows, literal: Literal
) -> Placement:
    """Lay out aggregates of measures that are placed by one column."""
    return Placement(measures[0].when, Tallies(measures, literal), aggregation_plan(atoms, windows))


def of_tallies(
    rows: RowRanges, when: str, tallies: Mapping[str, Tally], asked: AggregationPlan
) -> dict[Atom, Values]:
    """Return float64 (units,) for each aggregate, NaN where undefined, from tallies of rows placed by the column `when`."""
    found: dict[Atom, Values] = {}
    if asked.sums:
        amounts = np.array([amounts_of(tallies[name], kind) for kind, name in asked.sums])
        found |= zip(asked.summed, amount_sums(rows, when, amounts, asked), strict=True)
    for members in asked.members:
        own = tallies[members.measure]
        keep = own.keep if members.kind == "dated" else own.sound
        sign = own.sign if keep is None else own.sign * keep
        found |= of_members(rows, when, _items(rows, when, own, members.kind), sign, members)
    return found


def amount_sums(rows: RowRanges, when: str, amounts: Column, asked: AggregationPlan) -> Values:
    """Return what is asked of sums of amounts (k, rows), float64 (summed, units).

    A row without the day that places it lies in no window. Raises CatalogueError where a sum is too large to be exact.
    """
    buckets, found = asked.buckets, np.empty((len(asked.summed), len(rows)))
    places = (
        rows.begin,
        rows.end,
        rows.day,
        rows.reference(when),
        rows.columns["known"],
        rows.placed(when),
    )
    begin, end, day, reference, known, placed = (np.ascontiguousarray(place) for place in places)
    width, asks = buckets.width, (asked.windows, asked.series)
    if buckets.single and when in rows.months:
        cells = np.empty(
            (len(amounts), width + (min(width, int(np.ptp(reference))) if len(rows) > 1 else 0)),
            np.int64,
        )
        sound = add_month_sums(
            begin, end, day, reference, known, placed, width, amounts, *asks, cells, found
        )
    else:
        cells, lies = np.empty((len(amounts), width), np.int64), np.empty(len(known), np.int64)
        sound = add_sums(
            begin,
            end,
            day,
            reference,
            known,
            placed,
            buckets.table,
            amounts,
            *asks,
            cells,
            lies,
            found,
        )
    if not sound:
        raise CatalogueError(
            "a sum, a trend or a variance reached 2^53; use a smaller unit for this measure"
        )
    return found


def amounts_of(own: Tally, kind: str) -> Column:
    """Return what each row adds to a count or a sum, 0 where it does not pass."""
    amounts = own.sign if kind == "count" else own.signed
    return amounts if own.sound is None else amounts * own.sound


def _items(rows: RowRanges, when: str, own: Tally, kind: str) -> Column:
    if kind == "placed":
        return rows.placed(when)
    if kind == "dated":
        return dated_item(
            rows.placed(when),
            own.value if own.valid is None else np.where(own.valid, own.value, -ITEM_HALF),
        )
    return own.value
