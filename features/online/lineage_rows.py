"""The rows behind a number: those that a measure counts in a window and that hold on the day, for many units at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from features.aggregates.aggregate import Tally
from features.aggregates.measured_store import MeasuredStore
from features.arrays import Column
from features.calendar import first_day
from features.cases import complete_months
from features.catalogue.language import LIMIT
from features.catalogue.model import Measure, Window
from features.online.case_rows import CaseRows, Picked, standing_rows
from features.store.column_codes import month_columns

NEWEST = ("since", "newest", "last")
"""Aggregates that only the rows of the newest day or month make."""
OF_UNIT = 2**32
"""Above every code of a row number: unit * OF_UNIT + code tells the same row of two units apart."""


@dataclass(frozen=True, slots=True)
class LineageRows:
    """The rows that a measure counts and that hold on the day, oldest first, with what the measure makes of each.

    `place` is each row's place in its table, `owner` the unit whose it is, ascending, `code` unit and row number in one.
    """

    owner: Column
    code: Column
    place: Column
    when: Column
    values: Column

    def __len__(self) -> int:
        return len(self.when)

    def where(self, keep: NDArray[np.bool_] | Column | slice) -> LineageRows:
        """Return some of the rows."""
        return LineageRows(
            owner=self.owner[keep],
            code=self.code[keep],
            place=self.place[keep],
            when=self.when[keep],
            values=self.values[keep],
        )

    def by_unit(self, units: int) -> list[LineageRows]:
        """Return the rows of each of so many units."""
        edges = np.searchsorted(self.owner, np.arange(units + 1)).tolist()
        return [self.where(slice(first, beyond)) for first, beyond in pairwise(edges)]


@dataclass(frozen=True, slots=True)
class Viewers:
    """Units that look at the rows of cases: each the place of one of the cases that have its key, and its day."""

    places: Column
    day: Column


def lineage_rows(
    measured: MeasuredStore, rows: CaseRows, viewers: Viewers, measure: Measure, window: Window
) -> LineageRows:
    """Return the rows of units in a window whose signs sum above zero, by unit and then by the day that places them."""
    table = rows.table(measure.table, measure.by)
    picked = table.of_cases(viewers.places)
    keep = table.column("known")[picked.index] <= viewers.day[picked.owner]
    if measure.when:
        monthly = is_monthly(measured, measure)
        reference = complete_months(viewers.day) if monthly else viewers.day
        offset = reference[picked.owner] - table.column(measure.when)[picked.index]
        keep &= (offset >= window.last) & (offset < (window.first or LIMIT))
    else:
        # a row that no day places is at no distance from any
        keep &= window.last <= 0
    picked = picked.where(keep)
    sound = sound_rows(measured, rows, measure, picked)
    numbers = rows.numbers(measure.table, measure.by, "row_id")
    code = sound.picked.owner * OF_UNIT + numbers[sound.picked.index]
    stands = standing_rows(code, table.column("sign")[sound.picked.index])
    # of a row that came several times the last one tells its day and value
    place = sound.picked.index[stands.place]
    when = table.column(measure.when)[place] if measure.when else np.zeros(len(place), np.int64)
    owner = sound.picked.owner[stands.place]
    order = np.lexsort((when, owner))
    unordered = LineageRows(owner, stands.code, place, when, sound.values[stands.place])
    return unordered.where(order)


@dataclass(frozen=True, slots=True)
class SoundRows:
    """Rows that pass a measure's filter and have a value, with what the measure makes of each (m,)."""

    picked: Picked
    values: Column


def sound_rows(
    measured: MeasuredStore, rows: CaseRows, measure: Measure, picked: Picked
) -> SoundRows:
    """Return those of the picked rows that a measure counts."""
    tally = tally_of_rows(measured, rows, measure, picked)
    if tally.sound is None:
        return SoundRows(picked, tally.value)
    return SoundRows(picked.where(tally.sound), tally.value[tally.sound])


def tally_of_rows(
    measured: MeasuredStore, rows: CaseRows, measure: Measure, picked: Picked
) -> Tally:
    """Return what a measure makes of the picked rows."""
    table = rows.table(measure.table, measure.by)
    tallies = measured.tallies(measure.name)
    columns = {name: table.column(name)[picked.index] for name in tallies.columns}
    return tallies.of(columns)[measure.name]


def is_monthly(measured: MeasuredStore, measure: Measure) -> bool:
    """Tell whether months place the rows of a measure."""
    return bool(measure.when and month_columns(measured.store, measure.table, {measure.when}))


def rows_that_make(counted: LineageRows, aggregate: str) -> LineageRows:
    """Return those of one unit's rows that alone make an aggregate's number: the newest, the first, the peak month's."""
    when = counted.when
    if not len(when):
        return counted
    if aggregate in NEWEST:
        return counted.where(when == when[-1])
    if aggregate == "first_since":
        return counted.where(when == when[0])
    if aggregate in ("peak", "low"):
        months, place = np.unique(when, return_inverse=True)
        totals = np.bincount(place, weights=counted.values)
        extreme = totals.max() if aggregate == "peak" else totals.min()
        # of several months with the same total the newest is the easiest to check
        newest = months[totals == extreme][-1]
        return counted.where(when == newest)
    return counted


def days_spanned(when: Column, as_of: int, *, monthly: bool) -> tuple[int, int]:
    """Return the first and last day that some rows speak of; the as-of day of a case where there is no row."""
    if not len(when):
        return as_of, as_of
    first = int(when[0])
    last = int(when[-1])
    if monthly:
        return first_day(first), first_day(last + 1) - 1
    return first, last


def newest_numbers(texts: NDArray[np.object_], rows: LineageRows, most: int) -> Sequence[str]:
    """Return the row numbers of at most so many of the newest rows, those of one day by their text."""
    # only rows as new as the last that is named can be among them, so no others are put in order
    least = rows.when[-most:][:1]
    first = int(np.searchsorted(rows.when, least)[0]) if len(least) else 0
    newest = rows.where(slice(first, None))
    named = zip(newest.when.tolist(), texts[newest.place].tolist(), strict=True)
    return [number for _, number in sorted(named)[-most:]]
