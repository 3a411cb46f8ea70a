"""Shared keys: aggregates under keys that many units have in common, computed once for all units of some days."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from features.aggregates.reader import unit_values
from features.cases import Units
from features.catalogue.language import Atom
from features.catalogue.model import ENTITIES
from features.engine.engine import Engine
from features.engine.key_order import NarrowCases
from features.engine.spill import CodeTable
from features.store.store import Store


def code_tables(engine: Engine, cases: NarrowCases, atoms: frozenset[Atom]) -> Iterator[CodeTable]:
    """Yield those of some aggregates whose key has, on all days of the cases, no more codes than there are cases."""
    days = np.unique(cases.as_of).astype(np.int64)
    for by, groups in engine.by_key(atoms).items():
        size = codes_of_key(engine.store, cases.entity, by)
        # With more codes and days than cases, it is cheaper to aggregate for the cases alone.
        if size * len(days) <= len(cases):
            units = Units(np.repeat(np.arange(size), len(days)), np.tile(days, size))
            values = unit_values(engine, groups, units)
            yield CodeTable(by, days, values)


def codes_of_key(store: Store, entity: str, by: str) -> int:
    """Return how many codes a key of an entity has, as the entity's register declares it."""
    register, _ = ENTITIES[entity]
    column = store.column(register, by)
    if column.kind == "choice":
        return len(column.choices)
    return store.dictionary(column.space).size
