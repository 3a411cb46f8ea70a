"""The evaluator: aggregates and formulas of the catalogue for cases, from a history's signed rows."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from functools import lru_cache
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from features.aggregates.aggregate import of_tallies, tally
from features.aggregates.plan import AggregationPlan, aggregation_plan
from features.aggregates.prefix_sums import panel_sums, worthwhile
from features.aggregates.rollup import (
    WORTHWHILE,
    Kin,
    answerable,
    panel_of,
    panel_tally,
    read_panel,
)
from features.aggregates.row_ranges import RowRanges, row_ranges
from features.aggregates.running_sums import running_sums
from features.aggregates.table_plan import Group, groups_of
from features.arrays import Column, Values
from features.cases import Cases, Units, aggregation_units
from features.catalogue import Catalogue
from features.catalogue.language import ADDITIVE, Atom
from features.store.column_codes import literal_of, month_columns
from features.store.store import Store

ROWS_AT_ONCE = 16_384
MOST_ROWS = 8_000_000
MANY_UNITS = 2_000
FAR_KEYS = 8
Rows = Callable[[str, str, int, int, tuple[str, ...]], Mapping[str, NDArray[np.int64]]]
"""(table, by, low, high, columns) -> columns of the rows with low <= by < high, sorted by it."""


def atom_values(
    store: Store,
    catalogue: Catalogue,
    cases: Cases,
    atoms: Iterable[Atom],
    rows: Rows | None = None,
) -> dict[Atom, Values]:
    """Return each aggregate for each case, float64 (n,); NaN where the case has no such key or nothing is defined.

    `rows` replaces the store as the place where rows come from.
    """
    found: dict[Atom, Values] = {}
    for by, groups in atoms_by_key(store, catalogue, frozenset(atoms)).items():
        units = aggregation_units(cases, by)
        for atom, values in unit_values(store, catalogue, groups, units, rows).items():
            found[atom] = units.spread(values)
    return found


def atoms_by_key(
    store: Store, catalogue: Catalogue, atoms: frozenset[Atom]
) -> dict[str, list[Group]]:
    """Return aggregates in groups that share table and key, by key."""
    found: dict[str, list[Group]] = {}
    for group in groups_of(store, catalogue, atoms):
        found.setdefault(group.by, []).append(group)
    return found


def unit_values(
    store: Store,
    catalogue: Catalogue,
    groups: Iterable[Group],
    units: Units,
    rows: Rows | None = None,
) -> dict[Atom, Values]:
    """Return each aggregate of some groups for each unit of their key, float64 (units,)."""
    found: dict[Atom, Values] = {}
    for group in groups:
        found |= Reader(store, catalogue, group, rows).aggregates(units)
    return found


def store_rows(store: Store) -> Rows:
    """Return the store as a place where rows come from."""

    def read(
        table: str, by: str, low: int, high: int, columns: tuple[str, ...]
    ) -> Mapping[str, NDArray[np.int64]]:
        return store.rows(table, by=by, low=low, high=high, columns=columns)

    return read


class Reader:
    """Reads one table by one key in stretches, and aggregates each stretch as it passes."""

    def __init__(self, store: Store, catalogue: Catalogue, group: Group, rows: Rows | None) -> None:
        self._store, self._catalogue, self._group, self._rows = (
            store,
            catalogue,
            group,
            rows or store_rows(store),
        )
        self._table, self._by, self._stored = group.table, group.by, rows is None

    def aggregates(self, units: Units) -> dict[Atom, Values]:
        """Return float64 (units,) for each aggregate, from a panel where many units and many rows make it worthwhile."""
        if len(units) < MANY_UNITS or not self._panelled:
            return self._from_rows(units, self._group)
        found: dict[Atom, Values] = {}
        for measures, atoms in answerable(self._catalogue, self._group.atoms).items():
            found |= self._from_panel(units, measures, atoms)
        rest = self._without(self._group, found)
        return found | (self._from_rows(units, rest) if rest else {})

    @property
    def _panelled(self) -> bool:
        return self._stored and self._store.size(self._table) >= WORTHWHILE

    def _without(self, group: Group, found: Collection[Atom]) -> Group | None:
        """Return what is left of a group when some of it is found."""
        if not found:
            return group
        rest = [atom for atom in group.atoms if atom not in found]
        return groups_of(self._store, self._catalogue, frozenset(rest))[0] if rest else None

    def _from_panel(self, units: Units, measures: Kin, atoms: list[Atom]) -> dict[Atom, Values]:
        panel = panel_of(self._store, measures)
        months = frozenset(
            {"placed"} if month_columns(self._store, self._table, {measures[0].when}) else ()
        )
        names = list(dict.fromkeys(atom.measure for atom in atoms))
        sums = {
            atom: self._catalogue.windows[atom.window]
            for atom in atoms
            if atom.aggregate in ADDITIVE and not months
        }
        parts = []
        for stretch in self._stretches(units):
            read = read_panel(
                panel, self._by, (int(stretch.key[0]), int(stretch.key[-1]) + 1), atoms
            )
            rows = row_ranges(stretch, read[self._by], read, months)
            done = panel_sums(
                panel, read, read[self._by], stretch, sums if worthwhile(rows) else {}
            )
            asked = _asked(self._catalogue, tuple(atom for atom in atoms if atom not in done))
            tallies = {name: panel_tally(read, panel, name) for name in names}
            parts.append(done | of_tallies(rows, "placed", tallies, asked))
        return joined_units(atoms, parts)

    def _from_rows(self, units: Units, group: Group) -> dict[Atom, Values]:
        parts = []
        for stretch in self._stretches(units):
            read = self._rows(
                self._table, self._by, int(stretch.key[0]), int(stretch.key[-1]) + 1, group.columns
            )
            if not len(read[self._by]):
                parts.append(group.of_nothing(len(stretch)))
                continue
            rows = row_ranges(stretch, read[self._by], read, group.months)
            done = self._running(stretch, rows, group)
            rest = self._without(group, done)
            parts.append(done | rest.of(rows) if rest else done)
        return joined_units(group.atoms, parts)

    def _running(self, units: Units, rows: RowRanges, group: Group) -> dict[Atom, Values]:
        """Return the sums that are cheaper as running totals: many days, and keys with many rows."""
        if not worthwhile(rows):
            return {}
        read, key = rows.columns, rows.columns[self._by]
        found: dict[Atom, Values] = {}
        for name in dict.fromkeys(
            atom.measure for atom in group.atoms if atom.aggregate in ADDITIVE
        ):
            measure = self._catalogue.measure(name)
            if measure.when and measure.when not in group.months:
                own = [
                    atom
                    for atom in group.atoms
                    if atom.measure == name and atom.aggregate in ADDITIVE
                ]
                literal = literal_of(self._store, self._table)
                found |= running_sums(
                    key,
                    read["known"],
                    read[measure.when],
                    tally(read, measure, literal),
                    units,
                    own,
                    self._catalogue.windows,
                )
        return found

    def _stretches(self, units: Units) -> list[Units]:
        """Return units whose keys span at most ROWS_AT_ONCE codes, fewer where they hold more than MOST_ROWS, in turn.

        Few far keys are read one by one.
        """
        if len(units) < 2:
            return [units] if len(units) else []
        edges = first_edges(units.key, FAR_KEYS)
        if len(edges) == FAR_KEYS:
            each = self._store.size(self._table) // (int(units.key[-1]) + 1) if self._stored else 0
            step = max(1, min(ROWS_AT_ONCE, MOST_ROWS // max(each, 1)))
            bounds = step * np.arange(units.key[0] // step + 1, units.key[-1] // step + 1)
            edges = np.unique(np.searchsorted(units.key, bounds)).tolist()
        return [
            Units(units.key[first:last], units.day[first:last])
            for first, last in pairwise([0, *edges, len(units)])
        ]


@lru_cache(256)
def _asked(catalogue: Catalogue, atoms: tuple[Atom, ...]) -> AggregationPlan:
    return aggregation_plan(atoms, catalogue.windows)


def first_edges(key: Column, most: int) -> list[int]:
    """Return the first places, at most `most`, at which a sorted key is another than before.

    >>> first_edges(np.array([3, 3, 5, 9, 9]), 4), first_edges(np.array([3, 3, 5, 9, 9]), 1)
    ([2, 3], [2])
    """
    edges = [int(np.searchsorted(key, key[0], side="right"))]
    while edges[-1] < len(key) and len(edges) <= most:
        edges.append(int(np.searchsorted(key, key[edges[-1]], side="right")))
    return edges[:-1]


def joined_units(atoms: Iterable[Atom], parts: list[dict[Atom, Values]]) -> dict[Atom, Values]:
    """Return what was found for units in turn as one."""
    if len(parts) == 1:
        return parts[0]
    return {atom: np.concatenate([np.empty(0), *(part[atom] for part in parts)]) for atom in atoms}
