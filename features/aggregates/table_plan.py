"""Groups: the aggregates of one table by one key, planned once for a store and a catalogue."""

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
from features.catalogue.language import Atom, row_columns
from features.catalogue.model import Catalogue, Measure
from features.store.column_codes import literal_of, month_columns
from features.store.store import Store

MOST_KEPT = 64
"""Plans kept for one store; one more, and they are dropped, so that ever new requests do not fill the memory."""


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
        if not len(rows.columns["known"]):
            return self.of_nothing(len(rows))
        return self._of_rows(rows)

    def of_nothing(self, units: int) -> dict[Atom, Values]:
        """Return float64 (units,) for each aggregate of units that have no row."""
        if units == 1:
            return dict(self._nothing)
        return {atom: np.repeat(value, units) for atom, value in self._nothing.items()}

    def _of_rows(self, rows: RowRanges) -> dict[Atom, Values]:
        aggregates: dict[Atom, Values] = {}
        for placement in self.placements:
            aggregates |= placement.of(rows)
        return aggregates

    @cached_property
    def _nothing(self) -> dict[Atom, Values]:
        columns = dict.fromkeys(self.columns, np.empty(0, np.int64))
        zero = np.zeros(1, np.int64)
        one_unit = RowRanges(zero, zero, zero, zero, columns, self.months)
        return self._of_rows(one_unit)


def group_of(store: Store, catalogue: Catalogue, atoms: Collection[Atom]) -> Group:
    """Return the plan of aggregates that share table and key."""
    in_order = sorted(atoms, key=lambda atom: (atom.measure, atom.aggregate, atom.window))
    by_when: dict[str, list[Atom]] = defaultdict(list)
    columns_read: set[str] = set()
    for atom in in_order:
        measure = catalogue.measure(atom.measure)
        by_when[measure.when].append(atom)
        columns_read |= read_by(measure)
    first = catalogue.measure(in_order[0].measure)
    columns = (*sorted(columns_read - {first.by}), "known", "sign", first.by)
    literal = literal_of(store, first.table)
    placements = []
    for atoms_of_day in by_when.values():
        names = dict.fromkeys(atom.measure for atom in atoms_of_day)
        measures = [catalogue.measure(name) for name in names]
        placements.append(placed_by(measures, atoms_of_day, catalogue.windows, literal))
    return Group(
        table=first.table,
        by=first.by,
        atoms=tuple(in_order),
        columns=columns,
        months=month_columns(store, first.table, columns),
        placements=tuple(placements),
    )


def read_by(measure: Measure) -> frozenset[str]:
    """Return the columns that place, filter and value the rows of a measure."""
    columns = row_columns(measure.value)
    if measure.filter is not None:
        columns |= row_columns(measure.filter)
    if measure.when:
        columns |= {measure.when}
    return columns


GroupsByAtoms = dict[tuple[Catalogue, frozenset[Atom]], tuple[Group, ...]]
# The keys are weak: when nobody uses a store any more, its plans go with it.
_PLANS: WeakKeyDictionary[Store, GroupsByAtoms] = WeakKeyDictionary()


def groups_of(store: Store, catalogue: Catalogue, atoms: frozenset[Atom]) -> tuple[Group, ...]:
    """Return the plans of aggregates, one for each table and key; made once for a store and a catalogue in use."""
    of_store = _PLANS.setdefault(store, {})
    groups = of_store.get((catalogue, atoms))
    if groups is None:
        if len(of_store) >= MOST_KEPT:
            of_store.clear()
        groups = of_store[catalogue, atoms] = _planned(store, catalogue, atoms)
    return groups


def _planned(store: Store, catalogue: Catalogue, atoms: frozenset[Atom]) -> tuple[Group, ...]:
    groups: dict[tuple[str, str], list[Atom]] = defaultdict(list)
    for atom in atoms:
        measure = catalogue.measure(atom.measure)
        groups[measure.table, measure.by].append(atom)
    in_order = [groups[table_and_key] for table_and_key in sorted(groups)]
    return tuple(group_of(store, catalogue, group) for group in in_order)
