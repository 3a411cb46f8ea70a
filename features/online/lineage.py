"""From features back to their rows: the facts that the values of cases rest on, with table, rows and days."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import chain

import numpy as np
from numpy.typing import NDArray

from features.aggregates.reader import atom_values, store_rows
from features.aggregates.row_ranges import Rows
from features.arrays import NULL, Column, Values, located
from features.cases import Cases
from features.catalogue.differences import WindowDifference, differences_among
from features.catalogue.joins import left_of
from features.catalogue.language import MANY, Atom
from features.catalogue.model import Catalogue, Measure
from features.catalogue.told_atoms import told_atoms
from features.engine.engine import Engine
from features.online.case_rows import CaseRows
from features.online.fact import Fact
from features.online.lineage_rows import (
    LineageRows,
    Viewers,
    days_spanned,
    is_monthly,
    lineage_rows,
    newest_numbers,
    rows_that_make,
)

NAMED_ROWS = 5
"""Rows that a fact names, the newest ones; a choice: enough to look one up."""
AGGREGATE_WORDS = {
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


FactOf = Atom | WindowDifference
"""What a fact is of: an aggregate, or one less another."""
CaseFeatures = Sequence[tuple[int, str]]
"""Pairs of a case, named by its place, and a feature of it."""
Unit = tuple[int, int]
"""A key and a day: cases that share both share the facts of that key's rows."""


def feature_facts(
    engine: Engine, case: Cases, feature: str, rows: Rows | None = None
) -> list[Fact]:
    """Return the facts behind one feature of one case, those the formula names first; `rows` replaces the store."""
    atoms = [part for part in parts_of(engine.catalogue, feature) if isinstance(part, Atom)]
    values = atom_values(engine, case, atoms, rows)
    case_rows = CaseRows(case, rows or store_rows(engine.store))
    [facts] = Lineage(engine, case, case_rows, values).facts([(0, feature)])
    return facts


class Lineage:
    """The facts of cases, each made once for all features, and for all cases of a key, that rest on it."""

    def __init__(
        self, engine: Engine, cases: Cases, rows: CaseRows, values: Mapping[Atom, Values]
    ) -> None:
        """Take cases, their rows, and their aggregates."""
        self._engine, self._cases, self._rows, self._values = engine, cases, rows, values
        self._facts: dict[FactOf, dict[Unit, list[Fact]]] = {}

    def facts(self, wanted: CaseFeatures) -> list[list[Fact]]:
        """Return the facts behind each feature of a case, those the formula names first."""
        catalogue = self._engine.catalogue
        places_of_parts: dict[FactOf, list[int]] = {}
        for place, feature in wanted:
            for part in parts_of(catalogue, feature):
                places_of_parts.setdefault(part, []).append(place)
        for part, places in places_of_parts.items():
            self._make(part, np.array(places, np.int64))
        facts = []
        for place, feature in wanted:
            of_parts = [self._of_part(part, place) for part in parts_of(catalogue, feature)]
            facts.append(list(chain.from_iterable(of_parts)))
        return facts

    def _of_part(self, part: FactOf, place: int) -> list[Fact]:
        """Return the facts of one part, none where the case has no such key."""
        key = int(self._cases.keys[self._measure(part).by][place])
        unit = (key, int(self._cases.as_of[place]))
        return self._facts[part].get(unit, [])

    def _measure(self, part: FactOf) -> Measure:
        """Return the measure whose rows a part names: of a difference the one that is taken from."""
        atom = part if isinstance(part, Atom) else part.sums[0]
        return self._engine.catalogue.measure(atom.measure)

    def _make(self, part: FactOf, places: Column) -> None:
        """Make the facts of one part for those units of some cases that have none yet; one case stands for its unit."""
        facts_of_unit = self._facts.setdefault(part, {})
        measure = self._measure(part)
        key = self._cases.keys[measure.by]
        place_of: dict[Unit, int] = {}
        units = zip(key[places].tolist(), self._cases.as_of[places].tolist(), strict=True)
        for place, unit in zip(places.tolist(), units, strict=True):
            if unit not in facts_of_unit and unit[0] != NULL:
                place_of.setdefault(unit, place)
        if not place_of:
            return
        one_place_a_unit = np.array(list(place_of.values()), np.int64)
        table = self._rows.table(measure.table, measure.by)
        facts: list[list[Fact]] = []
        for some in table.in_parts(one_place_a_unit):
            viewer_places = one_place_a_unit[some]
            viewers = Viewers(viewer_places, self._cases.as_of[viewer_places])
            facts += self._of_units(part, viewers)
        facts_of_unit |= zip(place_of, facts, strict=True)

    def _of_units(self, part: FactOf, viewers: Viewers) -> list[list[Fact]]:
        if isinstance(part, Atom):
            return self._of_aggregate(part, viewers)
        return self._of_difference(part, viewers)

    def _of_aggregate(self, atom: Atom, viewers: Viewers) -> list[list[Fact]]:
        """Return per unit the fact of the rows that alone make an aggregate's number, then that of all it looks at if more."""
        catalogue = self._engine.catalogue
        measure = catalogue.measure(atom.measure)
        window = catalogue.windows[atom.window]
        counted = lineage_rows(self._engine, self._rows, viewers, measure, window)
        units = counted.by_unit(len(viewers.places))
        numbers = self._values[atom][viewers.places].tolist()
        days = viewers.day.tolist()
        maker = self._fact_maker(measure)
        words = _words_of(atom, measure, monthly=maker.monthly)
        facts = []
        for rows, number, day in zip(units, numbers, days, strict=True):
            # only NaN differs from itself
            value = None if number != number else int(number)
            words_of_unit = replace(words, value=value)
            making = rows_that_make(rows, atom.aggregate)
            facts_of_unit = [maker.fact(words_of_unit, making, day)]
            if len(making) < len(rows):
                facts_of_unit.append(maker.fact(words_of_unit, rows, day))
            facts.append(facts_of_unit)
        return facts

    def _of_difference(self, part: WindowDifference, viewers: Viewers) -> list[list[Fact]]:
        """Return per unit the fact of the rows of which a difference leaves something."""
        catalogue, difference = self._engine.catalogue, part.difference
        plus, minus = (catalogue.measure(atom.measure) for atom in part.sums)
        window = catalogue.windows[part.window]
        begun = lineage_rows(self._engine, self._rows, viewers, plus, window)
        ended = lineage_rows(self._engine, self._rows, viewers, minus, window)
        leaves_something = begun.values != _ended_values(begun, ended)
        remaining = begun.where(leaves_something)
        size = len(viewers.places)
        totals = []
        for plus_rows, minus_rows in zip(begun.by_unit(size), ended.by_unit(size), strict=True):
            total = plus_rows.values.sum() - minus_rows.values.sum()
            totals.append(int(total))
        maker = self._fact_maker(plus)
        days = viewers.day.tolist()
        facts = []
        for rows, total, day in zip(remaining.by_unit(size), totals, days, strict=True):
            words = Words(
                measure=difference.name,
                zh=difference.zh,
                en=difference.en,
                value=total if difference.unit else None,
                unit=difference.unit,
            )
            facts.append([maker.fact(words, rows, day)])
        return facts

    def _fact_maker(self, measure: Measure) -> FactMaker:
        table = self._rows.table(measure.table, measure.by)
        return FactMaker(
            # a derived table has the row numbers of its left side, which is the one that people know
            table=left_of(measure.table),
            numbers=table.column("row_id"),
            monthly=is_monthly(self._engine, measure),
        )


def _ended_values(begun: LineageRows, ended: LineageRows) -> Column:
    """Return what is taken from each row by the same row of the other side, 0 where it has none."""
    order = np.argsort(ended.code)
    place, matches = located(ended.code[order], begun.code)
    ended_values = np.zeros(len(begun), np.int64)
    ended_values[matches] = ended.values[order][place[matches]]
    return ended_values


@dataclass(frozen=True, slots=True)
class Words:
    """What facts of one aggregate say, whichever of its rows they name."""

    measure: str
    zh: str
    en: str
    value: int | None
    unit: str


def _words_of(atom: Atom, measure: Measure, *, monthly: bool) -> Words:
    """Return what facts of an aggregate say, without its value."""
    unit, zh, en = AGGREGATE_WORDS.get(atom.aggregate, ("", "", ""))
    if atom.aggregate == "sum" and measure.unit == "persons" and monthly:
        zh, en = MONTHS_ADDED
    return Words(
        measure=atom.measure,
        zh=measure.zh + zh,
        en=measure.en + en,
        value=None,
        unit=unit or measure.unit,
    )


@dataclass(frozen=True, slots=True, eq=False)
class FactMaker:
    """Makes facts of the rows of one table: their numbers (m,) as text, and whether months place them."""

    table: str
    numbers: NDArray[np.object_]
    monthly: bool

    def fact(self, words: Words, named: LineageRows, as_of: int) -> Fact:
        """Return the fact that rests on some rows."""
        first, last = days_spanned(named.when, as_of, monthly=self.monthly)
        return Fact(
            measure=words.measure,
            table=self.table,
            zh=words.zh,
            en=words.en,
            value=words.value,
            unit=words.unit,
            first=first,
            last=last,
            row_ids=tuple(newest_numbers(self.numbers, named, NAMED_ROWS)),
            n_rows=len(named),
        )


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
