"""From a feature back to its rows: the facts that a case's value rests on, with table, rows and days."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from features.aggregates.aggregate import placed_by, tally
from features.aggregates.reader import Rows, store_rows
from features.aggregates.row_ranges import RowRanges, row_ranges
from features.aggregates.table_plan import read_by
from features.arrays import Column, Literal, Values
from features.calendar import first_day
from features.cases import Cases, aggregation_units
from features.catalogue.differences import WindowDifference, differences_among
from features.catalogue.joins import left_of
from features.catalogue.language import LIMIT, MANY, Atom
from features.catalogue.model import Catalogue, Measure, Window
from features.catalogue.told_atoms import told_atoms
from features.engine.engine import Engine
from features.online.fact import Fact
from features.store.column_codes import literal_of, month_columns

NAMED_ROWS = 5
"""Rows that a fact names, the newest ones; a choice: enough to look one up."""
SAID = {
    "count": ("count", "条数", ", rows"),
    "distinct": ("count", "个数", ", distinct"),
    "months": ("months", "月数", ", months with any"),
    "since": ("days", "距今天数", ", days since the last"),
    "first_since": ("days", "距首次天数", ", days since the first"),
    "variance": ("squares", "方差", ", variance"),
    "slope": ("", "每月变化", ", change a month"),
}
"""What an aggregate adds to a measure's name, and the unit of its value where that is not the measure's."""
MONTHS_ADDED = ("各月合计", ", months added up")
"""What is added to the name of persons that were counted anew each month: their sum is no number of persons."""
NEWEST = ("since", "newest", "last")
"""Aggregates that only the rows of the newest day or month make."""


FactOf = Atom | WindowDifference
"""What a fact is of: an aggregate, or one less another."""


def feature_facts(
    engine: Engine, case: Cases, feature: str, rows: Rows | None = None
) -> list[Fact]:
    """Return the facts behind one feature of one case, those the formula names first; `rows` replaces the store."""
    return Lineage(engine, case, rows or store_rows(engine.store), {}).facts(feature)


class Lineage:
    """The facts of one case, each made once for all features that rest on it."""

    def __init__(
        self, engine: Engine, case: Cases, rows: Rows, known: Mapping[Atom, Values]
    ) -> None:
        """Take a case, the place where its rows come from, and those of its aggregates that are computed already."""
        self._engine, self._case, self._rows, self._known = engine, case, rows, known
        self._facts: dict[FactOf, list[Fact]] = {}

    def facts(self, feature: str) -> list[Fact]:
        """Return the facts behind one feature, those the formula names first."""
        catalogue = self._engine.catalogue
        facts: list[Fact] = []
        for part in parts_of(catalogue, feature):
            if part not in self._facts:
                self._facts[part] = self._made(part)
            facts += self._facts[part]
        return facts

    def _made(self, part: FactOf) -> list[Fact]:
        if not isinstance(part, Atom):
            return _facts_left(self._engine, self._case, part, self._rows)
        value = None
        if part in self._known:
            value = float(self._known[part][0])
        return _facts(self._engine, self._case, part, self._rows, value)


@lru_cache(MANY)
def parts_of(catalogue: Catalogue, feature: str) -> tuple[FactOf, ...]:
    """Return what the facts of a feature are of, each once: a sum and what is taken from it are one."""
    atoms = told_atoms(catalogue, feature)
    difference_of: dict[Atom, WindowDifference] = {}
    for difference in differences_among(atoms):
        if _of_same_rows(catalogue, difference):
            difference_of |= dict.fromkeys(difference.sums, difference)
    # A feature and one that it names may share an aggregate: its fact stands where it comes first.
    return tuple(dict.fromkeys(difference_of.get(atom, atom) for atom in atoms))


def _of_same_rows(catalogue: Catalogue, difference: WindowDifference) -> bool:
    """Tell whether both sums of a difference count the same rows: placed alike, or over all days."""
    plus, minus = (catalogue.measure(atom.measure) for atom in difference.sums)
    return plus.when == minus.when or not catalogue.windows[difference.window].first


def _facts(engine: Engine, case: Cases, atom: Atom, rows: Rows, value: float | None) -> list[Fact]:
    """Return the fact of the rows that alone make an aggregate's number, then that of all it looks at if they are more.

    `value` is the aggregate where it is computed already.
    """
    catalogue = engine.catalogue
    measure = catalogue.measure(atom.measure)
    here = _rows_of_case(engine, case, [measure], rows)
    if here is None:
        return []
    literal = literal_of(engine.store, measure.table)
    if value is None:
        placement = placed_by([measure], [atom], catalogue.windows, literal)
        value = float(placement.of(here)[atom][0])
    unit, zh, en = SAID.get(atom.aggregate, ("", "", ""))
    if atom.aggregate == "sum" and measure.unit == "persons" and measure.when in here.months:
        zh, en = MONTHS_ADDED
    words = Words(
        measure=atom.measure,
        zh=measure.zh + zh,
        en=measure.en + en,
        value=None if np.isnan(value) else int(value),
        unit=unit or measure.unit,
    )
    counted = lineage_rows(here, measure, catalogue.windows[atom.window], literal)
    making = rows_that_make(counted, atom.aggregate)
    facts = [words.fact_of(measure, making, here)]
    if len(making.row_ids) < len(counted.row_ids):
        facts.append(words.fact_of(measure, counted, here))
    return facts


def _facts_left(engine: Engine, case: Cases, part: WindowDifference, rows: Rows) -> list[Fact]:
    """Return the fact of the rows of which a difference leaves something."""
    catalogue, difference = engine.catalogue, part.difference
    plus, minus = (catalogue.measure(atom.measure) for atom in part.sums)
    here = _rows_of_case(engine, case, [plus, minus], rows)
    if here is None:
        return []
    literal = literal_of(engine.store, plus.table)
    window = catalogue.windows[part.window]
    begun = lineage_rows(here, plus, window, literal)
    ended = lineage_rows(here, minus, window, literal)
    value_taken = dict(zip(ended.row_ids, ended.values.tolist(), strict=True))
    away = np.array([value_taken.get(row_id, 0) for row_id in begun.row_ids], np.int64)
    total = int(begun.values.sum() - ended.values.sum())
    words = Words(
        measure=difference.name,
        zh=difference.zh,
        en=difference.en,
        value=total if difference.unit else None,
        unit=difference.unit,
    )
    return [words.fact_of(plus, begun.where(begun.values != away), here)]


@dataclass(frozen=True, slots=True)
class Words:
    """What facts of one aggregate say, whichever of its rows they name."""

    measure: str
    zh: str
    en: str
    value: int | None
    unit: str

    def fact_of(self, measure: Measure, named: LineageRows, rows: RowRanges) -> Fact:
        """Return the fact that rests on some rows of a measure's table."""
        first, last = days_spanned(named.when, rows, monthly=measure.when in rows.months)
        return Fact(
            measure=self.measure,
            # a derived table has the row numbers of its left side, which is the one that people know
            table=left_of(measure.table),
            zh=self.zh,
            en=self.en,
            value=self.value,
            unit=self.unit,
            first=first,
            last=last,
            row_ids=tuple(named.row_ids[-NAMED_ROWS:]),
            n_rows=len(named.row_ids),
        )


def _rows_of_case(
    engine: Engine, case: Cases, measures: Sequence[Measure], rows: Rows
) -> RowRanges | None:
    """Return the rows that some measures of one table may count for a case; None where it has no such key."""
    measure, *_ = measures
    units = aggregation_units(case, measure.by)
    if not len(units):
        return None
    columns_read = frozenset[str]().union(*map(read_by, measures))
    months = month_columns(engine.store, measure.table, columns_read)
    key = int(units.key[0])
    columns = (*sorted(columns_read - {measure.by}), "known", "sign", measure.by, "row_id")
    read = rows(measure.table, measure.by, key, key + 1, columns)
    return row_ranges(units, read[measure.by], read, months)


@dataclass(frozen=True, slots=True)
class LineageRows:
    """The rows that a measure counts and that hold on the day, oldest first, with what the measure makes of each."""

    row_ids: list[str]
    when: Column
    values: Column

    def where(self, keep: NDArray[np.bool_]) -> LineageRows:
        """Return some of the rows."""
        row_ids = [row_id for row_id, is_in in zip(self.row_ids, keep, strict=True) if is_in]
        return LineageRows(row_ids, self.when[keep], self.values[keep])


def lineage_rows(
    rows: RowRanges, measure: Measure, window: Window, literal: Literal
) -> LineageRows:
    """Return the rows of one unit in a window whose signs sum above zero, by the day that places them."""
    measure_tally = tally(rows.columns, measure, literal)
    placed = rows.placed(measure.when)
    offset = rows.reference(measure.when) - placed
    keep = rows.columns["known"] <= rows.day
    keep &= offset >= window.last
    keep &= offset < (window.first or LIMIT)
    if measure_tally.keep is not None:
        keep &= measure_tally.keep
    if measure_tally.valid is not None:
        keep &= measure_tally.valid
    row_ids = np.asarray(rows.columns["row_id"], np.object_)[keep].tolist()
    signs = measure_tally.sign[keep].tolist()
    days = placed[keep].tolist()
    values = measure_tally.value[keep].tolist()
    times: dict[str, int] = defaultdict(int)
    placed_values: dict[str, tuple[int, int]] = {}
    for row_id, sign, day, value in zip(row_ids, signs, days, values, strict=True):
        times[row_id] += sign
        placed_values[row_id] = (day, value)
    live = [row_id for row_id in times if times[row_id] > 0]
    live.sort(key=lambda row_id: (placed_values[row_id][0], row_id))
    of_live = np.array([placed_values[row_id] for row_id in live], np.int64).reshape(-1, 2)
    return LineageRows(row_ids=live, when=of_live[:, 0], values=of_live[:, 1])


def rows_that_make(counted: LineageRows, aggregate: str) -> LineageRows:
    """Return those of the rows counted that alone make an aggregate's number: the newest, the first, the peak month's."""
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


def days_spanned(when: Column, rows: RowRanges, *, monthly: bool) -> tuple[int, int]:
    """Return the first and last day that some rows speak of; the as-of day of a case where there is no row."""
    if not len(when):
        as_of = int(rows.day[0])
        return as_of, as_of
    first = int(when[0])
    last = int(when[-1])
    if monthly:
        return first_day(first), first_day(last + 1) - 1
    return first, last
