"""The evaluator: aggregates and formulas of the catalogue for cases, from a history's signed rows."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from features.aggregate import Matched, aggregates, of_tallies, tally
from features.cases import Cases, Units, units_of
from features.catalogue import Catalogue, Feature
from features.columns import literal_of, months_of
from features.formula import Environment, evaluate
from features.grid import Values
from features.language import ADDITIVE, Atom, columns_of
from features.matching import PAIRS_AT_ONCE, matched, pairs_of
from features.panel import WORTHWHILE, answerable, panel_of, panel_tally, read_panel
from features.rowwise import Column
from features.running import running_sums
from features.store import Store
from features.totals import panel_sums, worthwhile

ROWS_AT_ONCE = 16_384
MOST_ROWS = 8_000_000
MANY_UNITS = 2_000
Rows = Callable[[str, str, int, int, tuple[str, ...]], Mapping[str, NDArray[np.int64]]]
"""(table, by, low, high, columns) -> columns of the rows with low <= by < high, sorted by it."""


def atom_values(store: Store, catalogue: Catalogue, cases: Cases, atoms: Iterable[Atom],
                rows: Rows | None = None) -> dict[Atom, Values]:
    """Return each aggregate for each case, float64 (n,); NaN where the case has no such key or nothing is defined.

    `rows` replaces the store as the place where rows come from.
    """
    groups: dict[tuple[str, str], list[Atom]] = defaultdict(list)
    for atom in sorted(atoms, key=lambda a: (a.measure, a.aggregate, a.window)):
        measure = catalogue.measure(atom.measure)
        groups[measure.table, measure.by].append(atom)
    found: dict[Atom, Values] = {}
    units = {by: units_of(cases, by) for by in dict.fromkeys(by for _, by in groups)}
    for (table, by), group in groups.items():
        here = Reader(store, catalogue, table, by, rows)
        for atom, values in here.aggregates(units[by], group).items():
            found[atom] = units[by].spread(values)
    return found


def store_rows(store: Store) -> Rows:
    """Return the store as a place where rows come from."""

    def read(table: str, by: str, low: int, high: int, columns: tuple[str, ...]) -> Mapping[str, NDArray[np.int64]]:
        return store.rows(table, by=by, low=low, high=high, columns=columns)

    return read


class Reader:
    """Reads one table by one key in stretches, and aggregates each stretch as it passes."""

    def __init__(self, store: Store, catalogue: Catalogue, table: str, by: str, rows: Rows | None) -> None:
        self._catalogue, self._table, self._by, self._rows = catalogue, table, by, rows or store_rows(store)
        self._stored = rows is None
        self._store, self._literal = store, literal_of(store, table)

    def aggregates(self, units: Units, atoms: list[Atom]) -> dict[Atom, Values]:
        """Return float64 (units,) for each aggregate, from a panel where many units and many rows make it worthwhile."""
        found = {atom: np.full(len(units), np.nan) for atom in atoms}
        if self._panelled and len(units) >= MANY_UNITS:
            for when, group in answerable(self._catalogue, atoms).items():
                self._from_panel(units, when, group, found)
                atoms = [atom for atom in atoms if atom not in group]
        return self._from_rows(units, atoms, found) if atoms else found

    @property
    def _panelled(self) -> bool:
        return self._stored and self._store.size(self._table) >= WORTHWHILE

    def _from_panel(self, units: Units, when: str, atoms: list[Atom], found: dict[Atom, Values]) -> None:
        panel = panel_of(self._store, self._catalogue, table=self._table, by=self._by, when=when)
        months = frozenset({"placed"} if months_of(self._store, self._table, {when}) else ())
        names = list(dict.fromkeys(atom.measure for atom in atoms))
        sums = {atom: self._catalogue.windows[atom.window] for atom in atoms if atom.aggregate in ADDITIVE and not months}
        for stretch in self._stretches(units):
            part = Units(units.key[stretch], units.day[stretch], units.of_case[:0])
            read = read_panel(panel, self._by, (int(part.key[0]), int(part.key[-1]) + 1), atoms)
            summed = sums if worthwhile(part, read[self._by]) else {}
            done = panel_sums(panel, read, read[self._by], part, summed)
            for atom, values in done.items():
                found[atom][stretch] = values
            rest = [atom for atom in atoms if atom not in done]
            for first, rows in matched(part, read[self._by], read, months) if rest else ():
                span = slice(stretch.start + first, stretch.start + first + rows.units)
                tallies = {name: panel_tally(rows, panel, name) for name in names}
                for atom, values in of_tallies(rows, "placed", tallies, rest, self._catalogue.windows).items():
                    found[atom][span] = values

    def _from_rows(self, units: Units, atoms: list[Atom], found: dict[Atom, Values]) -> dict[Atom, Values]:
        columns = self._columns(atoms)
        months = months_of(self._store, self._table, columns)
        for stretch in self._stretches(units):
            part = Units(units.key[stretch], units.day[stretch], units.of_case[:0])
            read = self._read(part.key, columns)
            done = self._running(part, read, atoms, months)
            for atom, values in done.items():
                found[atom][stretch] = values
            rest = [atom for atom in atoms if atom not in done]
            for first, rows in matched(part, read[self._by], read, months) if rest else ():
                span = slice(stretch.start + first, stretch.start + first + rows.units)
                for atom, values in self._of_rows(rows, rest).items():
                    found[atom][span] = values
        return found

    def _of_rows(self, rows: Matched, atoms: list[Atom]) -> dict[Atom, Values]:
        found: dict[Atom, Values] = {}
        for group in self._by_when(atoms).values():
            measures = [self._catalogue.measure(name) for name in dict.fromkeys(atom.measure for atom in group)]
            found |= aggregates(rows, measures, group, self._catalogue.windows, self._literal)
        return found

    def _by_when(self, atoms: list[Atom]) -> dict[str, list[Atom]]:
        groups: dict[str, list[Atom]] = defaultdict(list)
        for atom in atoms:
            groups[self._catalogue.measure(atom.measure).when].append(atom)
        return groups

    def _running(self, units: Units, read: Mapping[str, NDArray[np.int64]], atoms: list[Atom],
                 months: frozenset[str]) -> dict[Atom, Values]:
        """Return the sums that are cheaper as running totals: many days, and keys with many rows."""
        key = read[self._by]
        if len(units) < 2 or (units.day == units.day[0]).all() or pairs_of(units, key) <= PAIRS_AT_ONCE // 4:
            return {}
        every = Matched(key, read["known"], read["known"], read["sign"], read, len(key), months)
        found: dict[Atom, Values] = {}
        for name in dict.fromkeys(atom.measure for atom in atoms if atom.aggregate in ADDITIVE):
            measure = self._catalogue.measure(name)
            if measure.when and measure.when not in months:
                own = [atom for atom in atoms if atom.measure == name and atom.aggregate in ADDITIVE]
                found |= running_sums(key, read["known"], read[measure.when], tally(every, measure, self._literal), units,
                                      own, self._catalogue.windows)
        return found

    def _columns(self, atoms: list[Atom]) -> set[str]:
        needed = {"known", "sign", self._by}
        for atom in atoms:
            measure = self._catalogue.measure(atom.measure)
            needed |= columns_of(measure.value) | ({measure.when} if measure.when else set())
            needed |= columns_of(measure.filter) if measure.filter is not None else set()
        return needed

    def _stretches(self, units: Units) -> list[slice]:
        """Return slices of units whose keys span at most ROWS_AT_ONCE codes, fewer where they hold more than MOST_ROWS.

        Few far keys are read one by one.
        """
        if not len(units):
            return []
        if np.count_nonzero(np.diff(units.key)) < 8:
            edges = np.flatnonzero(np.diff(units.key)) + 1
        else:
            each = self._store.size(self._table) // (int(units.key[-1]) + 1) if self._stored else 0
            edges = np.flatnonzero(np.diff(units.key // max(1, min(ROWS_AT_ONCE, MOST_ROWS // max(each, 1))))) + 1
        return [slice(first, last) for first, last in pairwise([0, *edges.tolist(), len(units)])]

    def _read(self, keys: Column, columns: set[str]) -> Mapping[str, NDArray[np.int64]]:
        wanted = (*sorted(columns - {"known", "sign", self._by}), "known", "sign", self._by)
        return self._rows(self._table, self._by, int(keys[0]), int(keys[-1]) + 1, wanted)


def feature_values(features: Iterable[Feature], known: Environment) -> dict[str, Values]:
    """Return each feature's values by name; features stand in an order in which each can be computed."""
    values: dict[str, Values] = dict(known.features)
    for feature in features:
        here = Environment(known.size, known.as_of, known.atoms, known.peers, known.stored, values)
        values[feature.name] = evaluate(feature.tree, here) + 0.0
    return values
