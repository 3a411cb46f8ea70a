"""A store with a catalogue: what the catalogue's measures take of the store's rows, planned once and kept with the two."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from functools import cache, cached_property, lru_cache

from features.aggregates.aggregate import Tallies, placed_by
from features.aggregates.plan import AggregationPlan, aggregation_plan
from features.aggregates.rollup import Rollup, RollupMeasures, opened_rollup, rollup_measures_of
from features.aggregates.table_plan import Group, read_by
from features.catalogue.language import Atom
from features.catalogue.model import Catalogue
from features.store.column_codes import literal_of, month_columns
from features.store.store import Store

MOST_KEPT = 64
"""Sets of aggregates whose plans are kept; one more, and the set not asked for longest is dropped, so that ever new
requests do not fill the memory."""
MOST_PLANS = 256
"""Plans kept of what rollups answer; a choice: a catalogue has fewer rollups, each with a plan or two."""


@dataclass(frozen=True, eq=False)
class MeasuredStore:
    """A store and the catalogue by which it is read; each cache holds what was made of the two, and goes with them."""

    store: Store
    catalogue: Catalogue

    @cached_property
    def groups(self) -> Callable[[frozenset[Atom]], tuple[Group, ...]]:
        """Give the plans of some aggregates, one for each table and key; a set that was asked for is not planned again."""
        return lru_cache(MOST_KEPT)(self._planned)

    @cached_property
    def plan(self) -> Callable[[tuple[Atom, ...]], AggregationPlan]:
        """Give the plan of aggregates that one rollup answers."""
        return lru_cache(MOST_PLANS)(self._plan)

    @cached_property
    def tallies(self) -> Callable[[str], Tallies]:
        """Give the filter and the value of one measure as steps, made on first use."""
        return cache(self._tallies)

    @cached_property
    def rollup_measures(self) -> Mapping[str, RollupMeasures]:
        """The measures that share a rollup with each measure."""
        return rollup_measures_of(self.catalogue)

    @cached_property
    def rollup(self) -> Callable[[RollupMeasures], Rollup]:
        """Give the rollup of some measures, made on first use; its files never change and stay open from then on."""
        return cache(self._rollup)

    def group(self, atoms: Collection[Atom]) -> Group:
        """Return the plan of aggregates that share table and key, as it is made for them now."""
        in_order = sorted(atoms, key=lambda atom: (atom.measure, atom.aggregate, atom.window))
        by_when: dict[str, list[Atom]] = defaultdict(list)
        columns_read: set[str] = set()
        for atom in in_order:
            measure = self.catalogue.measure(atom.measure)
            by_when[measure.when].append(atom)
            columns_read |= read_by(measure)
        first = self.catalogue.measure(in_order[0].measure)
        columns = (*sorted(columns_read - {first.by}), "known", "sign", first.by)
        literal = literal_of(self.store, first.table)
        placements = []
        for atoms_of_day in by_when.values():
            names = dict.fromkeys(atom.measure for atom in atoms_of_day)
            measures = [self.catalogue.measure(name) for name in names]
            placements.append(placed_by(measures, atoms_of_day, self.catalogue.windows, literal))
        return Group(
            table=first.table,
            by=first.by,
            atoms=tuple(in_order),
            columns=columns,
            months=month_columns(self.store, first.table, columns),
            placements=tuple(placements),
        )

    def by_key(self, atoms: Iterable[Atom]) -> dict[str, list[Group]]:
        """Return aggregates in groups that share table and key, by key."""
        by_key: dict[str, list[Group]] = {}
        for group in self.groups(frozenset(atoms)):
            by_key.setdefault(group.by, []).append(group)
        return by_key

    def _planned(self, atoms: frozenset[Atom]) -> tuple[Group, ...]:
        groups: dict[tuple[str, str], list[Atom]] = defaultdict(list)
        for atom in atoms:
            measure = self.catalogue.measure(atom.measure)
            groups[measure.table, measure.by].append(atom)
        in_order = [groups[table_and_key] for table_and_key in sorted(groups)]
        return tuple(self.group(group) for group in in_order)

    def _tallies(self, name: str) -> Tallies:
        measure = self.catalogue.measure(name)
        return Tallies([measure], literal_of(self.store, measure.table))

    def _plan(self, atoms: tuple[Atom, ...]) -> AggregationPlan:
        return aggregation_plan(atoms, self.catalogue.windows)

    def _rollup(self, measures: RollupMeasures) -> Rollup:
        literal = literal_of(self.store, measures[0].table)
        return opened_rollup(self.store, measures, literal)
