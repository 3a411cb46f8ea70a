"""Shared keys: aggregates under keys that many units have in common, computed once for all units of some days."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from features.aggregates.reader import atoms_by_key, unit_values
from features.arrays import NULL, Column, Values
from features.cases import Cases, Units
from features.catalogue.language import Atom
from features.catalogue.model import ALIASES, ENTITIES, KEYS, Catalogue
from features.store.store import Store


@dataclass(frozen=True, slots=True)
class Shared:
    """Aggregates of every code of some keys on some days (d,), ascending: by key, float64 (codes * d,) for each."""

    days: Column
    found: Mapping[str, Mapping[Atom, Values]]

    @property
    def atoms(self) -> frozenset[Atom]:
        """The aggregates that are computed here."""
        return frozenset[Atom]().union(*self.found.values())

    def of(self, cases: Cases) -> dict[Atom, Values]:
        """Return each aggregate for each case, float64 (n,), NaN where a case has no such key; all are of the days."""
        day = np.searchsorted(self.days, cases.as_of)
        by_case: dict[Atom, Values] = {}
        for by, values_of_codes in self.found.items():
            key = cases.keys[by]
            # The values of one code lie side by side, one for each day; -1 says that there is no key.
            place = key * len(self.days) + day
            place = np.where(key == NULL, -1, place)
            units = Units(key, cases.as_of, place)
            for atom, values in values_of_codes.items():
                by_case[atom] = units.spread(values)
        return by_case


def shared_aggregates(  # noqa: PLR0913
    store: Store,
    catalogue: Catalogue,
    entity: str,
    days: Iterable[int],
    atoms: frozenset[Atom],
    most: int,
) -> Shared:
    """Return the aggregates under those keys, other than a unit's own code, that have at most `most` units on some days."""
    distinct_days = np.unique(np.array([*days], np.int64))
    own_keys = (KEYS[entity][0], *ALIASES[entity])
    by_key: dict[str, Mapping[Atom, Values]] = {}
    for by, groups in atoms_by_key(store, catalogue, atoms).items():
        if by in own_keys:
            continue
        size = codes_of_key(store, entity, by)
        # With more codes and days than cases, it is cheaper to aggregate for the cases alone.
        if size * len(distinct_days) <= most:
            codes = np.repeat(np.arange(size), len(distinct_days))
            days_of_codes = np.tile(distinct_days, size)
            units = Units(codes, days_of_codes)
            by_key[by] = unit_values(store, catalogue, groups, units)
    return Shared(distinct_days, by_key)


def codes_of_key(store: Store, entity: str, by: str) -> int:
    """Return how many codes a key of an entity has, as the entity's register declares it."""
    register, _ = ENTITIES[entity]
    column = store.column(register, by)
    if column.kind == "choice":
        return len(column.choices)
    return store.dictionary(column.space).size
