"""The engine: a store, the catalogue that describes its units, and what is made once of the two."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path

from features.aggregates.measured_store import MeasuredStore
from features.arrays import Values
from features.cases import Cases
from features.catalogue.parse import read_catalogue
from features.engine.needs import Needs, needs_of
from features.network.stored import stored_values
from features.store.store import Store

MOST_NEEDS = 64
"""Sets of features whose formulas are kept as programs; a choice: the entities and the peers of a catalogue are ten."""


@dataclass(frozen=True, eq=False)
class Engine(MeasuredStore):
    """Computes the features of a catalogue for the units of a store; opened once, and passed to whatever asks for them."""

    @cached_property
    def needs(self) -> Callable[[tuple[str, ...]], Needs]:
        """Give what named features need; their formulas are turned into a program once."""
        return lru_cache(MOST_NEEDS)(self._needs)

    def needs_of_entity(self, entity: str) -> Needs:
        """Return what all features of an entity need."""
        return self.needs(self.catalogue.names(entity))

    def stored_values(self, cases: Cases, names: Iterable[str]) -> dict[str, Values]:
        """Return named stored values of cases, float64 (n,)."""
        return stored_values(self.store, self.catalogue, cases, names)

    def _needs(self, names: tuple[str, ...]) -> Needs:
        return needs_of(self.catalogue, names)


def engine_of(place: Store | Engine, extra: Path | None = None) -> Engine:
    """Return the engine of a store; its catalogue leaves out by name what needs a table that the store lacks.

    Without `extra`, a file of more features, it is made once for a store and goes with it. An engine is its own.
    """
    if isinstance(place, Engine):
        return place
    if extra is not None:
        return Engine(place, read_catalogue(place.has, place.source.attribute, extra))
    engine = place.attached.get(Engine)
    if engine is None:
        catalogue = read_catalogue(place.has, place.source.attribute)
        engine = place.attached[Engine] = Engine(place, catalogue)
    return engine
