"""Shared keys: aggregates under keys that many units have in common, found once for all units of some days."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from features.aggregates.reader import atoms_by_key, unit_values
from features.arrays import NULL, Column, Values
from features.cases import Cases, Units
from features.catalogue import Catalogue
from features.catalogue.language import Atom
from features.catalogue.model import ALIASES, ENTITIES, KEYS
from features.store.store import Store


@dataclass(frozen=True, slots=True)
class Shared:
    """Aggregates of every code of some keys on some days (d,), ascending: by key, float64 (codes * d,) for each."""

    days: Column
    found: Mapping[str, Mapping[Atom, Values]]

    @property
    def atoms(self) -> frozenset[Atom]:
        """The aggregates that are found."""
        return frozenset(atom for values in self.found.values() for atom in values)

    def of(self, cases: Cases) -> dict[Atom, Values]:
        """Return each aggregate for each case, float64 (n,), NaN where a case has no such key; all are of the days."""
        day, found = np.searchsorted(self.days, cases.as_of), dict[Atom, Values]()
        for by, values in self.found.items():
            key = cases.keys[by]
            units = Units(key, cases.as_of, np.where(key == NULL, -1, key * len(self.days) + day))
            found |= {atom: units.spread(held) for atom, held in values.items()}
        return found


def shared_aggregates(  # noqa: PLR0913
    store: Store,
    catalogue: Catalogue,
    entity: str,
    days: Iterable[int],
    atoms: frozenset[Atom],
    most: int,
) -> Shared:
    """Return the aggregates under those keys, other than a unit's own code, that have at most `most` units on some days."""
    each = np.unique(np.array([*days], np.int64))
    found: dict[str, Mapping[Atom, Values]] = {}
    for by, groups in atoms_by_key(store, catalogue, atoms).items():
        if by in (KEYS[entity][0], *ALIASES[entity]):
            continue
        size = codes_of_key(store, entity, by)
        if size * len(each) <= most:
            units = Units(np.repeat(np.arange(size), len(each)), np.tile(each, size))
            found[by] = unit_values(store, catalogue, groups, units)
    return Shared(each, found)


def codes_of_key(store: Store, entity: str, by: str) -> int:
    """Return how many codes a key of an entity has, as the entity's register declares it."""
    column = store.column(ENTITIES[entity][0], by)
    return len(column.choices) if column.kind == "choice" else store.dictionary(column.space).size
