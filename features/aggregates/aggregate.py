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
from features.catalogue.language import Atom
from features.catalogue.model import Measure
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
        if self.valid is None:
            return self.keep
        if self.keep is None:
            return self.valid
        return self.keep & self.valid


class Tallies:
    """The filters and values of measures placed by one column, as steps of which those that several share are computed once."""

    def __init__(self, measures: Sequence[Measure], literal: Literal) -> None:
        """Turn the measures into steps; texts in their filters are read through `literal`."""
        self._steps = Steps()
        self._sign = self._steps.leaf("sign")
        self._measures = [
            (measure.name, *self._places_of(measure, literal)) for measure in measures
        ]

    def _places_of(
        self, measure: Measure, literal: Literal
    ) -> tuple[Place | None, Place, Place, Place | None]:
        steps = self._steps
        value, valid = value_steps(steps, measure.value)
        placed: Place | None = None
        if measure.when:
            when = steps.leaf(measure.when)
            placed = steps.step(np.not_equal, when, steps.constant(NULL))
        passes: Place | None = None
        if measure.filter is not None:
            passes = filter_steps(steps, measure.filter, literal)
        # Of a measure that counts rows the signed value is the sign itself: no product is needed.
        signed = self._sign
        if value != steps.constant(1):
            signed = steps.step(np.multiply, self._sign, value)
        if isinstance(measure.value, ast.Constant):
            value = steps.step(np.full_like, self._sign, value)
        return all_hold(steps, placed, passes), signed, value, valid

    @property
    def columns(self) -> list[str]:
        """The columns that the measures read."""
        return self._steps.leaves

    def of(self, columns: Mapping[str, Column]) -> dict[str, Tally]:
        """Return what each measure makes of rows, by its name; `columns` hold their `sign` too."""
        outcomes = self._steps.run(columns)
        # Place -1, the last, is what stands for a mask that a measure does not have.
        outcomes.append(None)
        tallies: dict[str, Tally] = {}
        for name, keep, signed, value, valid in self._measures:
            keep_mask = outcomes[-1 if keep is None else keep]
            signed_values = outcomes[signed]
            valid_mask = outcomes[-1 if valid is None else valid]
            tallies[name] = Tally(
                keep_mask, columns["sign"], signed_values, outcomes[value], valid_mask
            )
        return tallies


def tally(columns: Mapping[str, Column], measure: Measure, literal: Literal) -> Tally:
    """Return what a measure makes of rows; `keep` says which pass its filter, `valid` where its value is known."""
    return Tallies([measure], literal).of(columns)[measure.name]


@dataclass(frozen=True, slots=True)
class Placement:
    """The plan of aggregates whose measures share the column that places their rows, ready to be computed from any rows."""

    when: str
    tallies: Tallies
    asked: AggregationPlan

    def of(self, rows: RowRanges) -> dict[Atom, Values]:
        """Return float64 (units,) for each aggregate, NaN where undefined."""
        return of_tallies(rows, self.when, self.tallies.of(rows.columns), self.asked)


def placed_by(
    measures: Sequence[Measure], atoms: Sequence[Atom], windows: Windows, literal: Literal
) -> Placement:
    """Return the plan of aggregates whose measures are placed by one column."""
    when = measures[0].when
    tallies = Tallies(measures, literal)
    return Placement(when=when, tallies=tallies, asked=aggregation_plan(atoms, windows))


def of_tallies(
    rows: RowRanges, when: str, tallies: Mapping[str, Tally], asked: AggregationPlan
) -> dict[Atom, Values]:
    """Return float64 (units,) for each aggregate, NaN where undefined, from tallies of rows placed by the column `when`."""
    aggregates: dict[Atom, Values] = {}
    if asked.sums:
        amounts = np.array([amounts_of(tallies[name], kind) for kind, name in asked.sums])
        sums = amount_sums(rows, when, amounts, asked)
        aggregates |= zip(asked.summed, sums, strict=True)
    for members in asked.members:
        members_tally = tallies[members.measure]
        # A dated item keeps its row even where its value is empty: the newest row may say nothing.
        keep = members_tally.keep if members.kind == "dated" else members_tally.sound
        sign = members_tally.sign if keep is None else members_tally.sign * keep
        aggregates |= of_members(
            rows, when, _items(rows, when, members_tally, members.kind), sign, members
        )
    return aggregates


def amount_sums(rows: RowRanges, when: str, amounts: Column, asked: AggregationPlan) -> Values:
    """Return what is asked of sums of amounts (k, rows), float64 (summed, units).

    A row without the day that places it lies in no window. Raises CatalogueError where a sum is too large to be exact.
    """
    buckets, width = asked.buckets, asked.buckets.width
    sums = np.empty((len(asked.summed), len(rows)))
    columns = (
        rows.begin,
        rows.end,
        rows.day,
        rows.reference(when),
        rows.columns["known"],
        rows.placed(when),
    )
    # The loops are compiled for contiguous columns only; one that is contiguous is not copied.
    contiguous = (np.ascontiguousarray(column) for column in columns)
    begin, end, day, reference, known_day, placed = contiguous
    walk = (begin, end, day, reference, known_day, placed)
    plans = (asked.windows, asked.series)
    if buckets.single and when in rows.months:
        # Room for the later months of a key's next days, so that its cells can stay as they are.
        spare = 0
        if len(rows) > 1:
            spare = min(width, int(np.ptp(reference)))
        cells = np.empty((len(amounts), width + spare), np.int64)
        exact = add_month_sums(*walk, width, amounts, *plans, cells, sums)
    else:
        cells = np.empty((len(amounts), width), np.int64)
        bucket_of_row = np.empty(len(known_day), np.int64)
        exact = add_sums(*walk, buckets.table, amounts, *plans, cells, bucket_of_row, sums)
    if not exact:
        raise CatalogueError(
            "a sum, a trend or a variance reached 2^53; use a smaller unit for this measure"
        )
    return sums


def amounts_of(rows_tally: Tally, kind: str) -> Column:
    """Return what each row adds to a count or a sum, 0 where it does not pass."""
    amounts = rows_tally.sign if kind == "count" else rows_tally.signed
    return amounts if rows_tally.sound is None else amounts * rows_tally.sound


def _items(rows: RowRanges, when: str, rows_tally: Tally, kind: str) -> Column:
    if kind == "placed":
        return rows.placed(when)
    value = rows_tally.value
    if kind == "dated":
        if rows_tally.valid is not None:
            # The least value of a dated item stands for an empty one.
            value = np.where(rows_tally.valid, value, -ITEM_HALF)
        return dated_item(rows.placed(when), value)
    return value
