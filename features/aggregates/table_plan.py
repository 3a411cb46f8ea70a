"""Groups: the aggregates asked of one table by one key, laid out once for a store and a catalogue."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass
from functools import cached_property
from weakref import WeakKeyDictionary

import numpy as np

from features.aggregates.aggregate import Placement, placed_by
from features.aggregates.row_ranges import RowRanges
from features.arrays import Values
from features.catalogue import Catalogue, Measure
from features.catalogue.language import Atom, row_columns
from features.store.column_codes import literal_of, month_columns
from features.store.store import Store

MOST_KEPT = 64


@dataclass(frozen=True, eq=False)
class Group:
    """Aggregates of one table by one key: the columns that they read, those of them that hold months, and how they are found."""

    table: str
    by: str
    atoms: tuple[Atom, ...]
    columns: tuple[str, ...]
    months: frozenset[str]
    placements: tuple[Placement, ...]

    def of(self, rows: RowRanges) -> dict[Atom, Values]:
        """Return float64 (units,) for each aggregate, NaN where undefined."""
        return self._of_rows(rows) if len(rows.columns["known"]) else self.of_nothing(len(rows))

    def of_nothing(self, units: int) -> dict[Atom, Values]:
        """Return float64 (units,) for each aggregate of units that have no row."""
        if units == 1:
            return dict(self._nothing)
        return {atom: np.repeat(value, units) for atom, value in self._nothing.items()}

    def _of_rows(self, rows: RowRanges) -> dict[Atom, Values]:
        found: dict[Atom, Values] = {}
        for placement in self.placements:
            found |= placement.of(rows)
        return found

    @cached_property
    def _nothing(self) -> dict[Atom, Values]:
        none = np.empty(0, np.int64)
        one = np.zeros(1, np.int64)
        return self._of_rows(
            RowRanges(one, one, one, one, dict.fromkeys(self.columns, none), self.months)
        )


def group_of(store: Store, catalogue: Catalogue, atoms: Collection[Atom]) -> Group:
    """Lay out aggregates that share table and key."""
    asked = sorted(atoms, key=lambda atom: (atom.measure, atom.aggregate, atom.window))
    by_when: dict[str, list[Atom]] = defaultdict(list)
    for atom in asked:
        by_when[catalogue.measure(atom.measure).when].append(atom)
    first = catalogue.measure(asked[0].measure)
    needed = set().union(*(read_by(catalogue.measure(atom.measure)) for atom in asked)) - {first.by}
    columns = (*sorted(needed), "known", "sign", first.by)
    literal = literal_of(store, first.table)
    placements = []
    for placed in by_when.values():
        measures = [
            catalogue.measure(name) for name in dict.fromkeys(atom.measure for atom in placed)
        ]
        placements.append(placed_by(measures, placed, catalogue.windows, literal))
    return Group(
        first.table,
        first.by,
        tuple(asked),
        columns,
        month_columns(store, first.table, columns),
        tuple(placements),
    )


def read_by(measure: Measure) -> frozenset[str]:
    """Return the columns that place, filter and value the rows of a measure."""
    passes = row_columns(measure.filter) if measure.filter is not None else frozenset()
    return row_columns(measure.value) | passes | ({measure.when} if measure.when else frozenset())


_KEPT: WeakKeyDictionary[Store, dict[tuple[Catalogue, frozenset[Atom]], tuple[Group, ...]]] = (
    WeakKeyDictionary()
)


def groups_of(store: Store, catalogue: Catalogue, atoms: frozenset[Atom]) -> tuple[Group, ...]:
    """Return aggregates by table and key; laid out once for a store and a catalogue as long as they are in use."""
    kept = _KEPT.setdefault(store, {})
    found = kept.get((catalogue, atoms))
    if found is None:
        if len(kept) >= MOST_KEPT:
            kept.clear()
        found = kept[catalogue, atoms] = _laid_out(store, catalogue, atoms)
    return found


def _laid_out(store: Store, catalogue: Catalogue, atoms: frozenset[Atom]) -> tuple[Group, ...]:
    groups: dict[tuple[str, str], list[Atom]] = defaultdict(list)
    for atom in atoms:
        measure = catalogue.measure(atom.measure)
        groups[measure.table, measure.by].append(atom)
    return tuple(group_of(store, catalogue, group) for _, group in sorted(groups.items()))
