"""What a catalogue declares: windows, measures, features, joins. Values only."""

from __future__ import annotations

import ast
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import lru_cache

from features.catalogue.language import names_of
from features.errors import CatalogueError

ENTITIES = {
    "enterprise": ("enterprises", "since"),
    "claim": ("claims", "filed_on"),
    "provider": ("providers", "since"),
}
KEYS = {
    "enterprise": (
        "enterprise",
        "cell",
        "division",
        "section",
        "representative",
        "address",
        "account",
    ),
    "claim": ("claim", "worker", "provider", "enterprise"),
    "provider": ("provider", "cell", "kind"),
}
ALIASES = {"enterprise": ("agency", "head_office"), "claim": (), "provider": ()}
STORED_BY = {
    "enterprise": ("enterprise",),
    "provider": ("provider",),
    "pair": ("provider", "enterprise"),
    "cover": ("enterprise",),
}
FORBIDDEN = (
    "sex",
    "ethnicity",
    "inspector",
    "sanitarian",
    "member",
    "name",
    "religion",
    "photo",
    "text",
)


@dataclass(frozen=True, slots=True)
class Window:
    """A span before the as-of day: days (D - first, D - last], or complete months likewise."""

    name: str
    unit: str
    first: int
    last: int
    zh: str
    en: str


@dataclass(frozen=True, slots=True)
class Measure:
    """An integer value of each row of a table that passes a filter, grouped by a key column and placed in time."""

    name: str
    table: str
    by: str
    when: str
    filter: ast.expr | None
    value: ast.expr
    unit: str
    zh: str
    en: str

    def spelled(self) -> str:
        """Return all that decides the measure's values, as text."""
        passes = ast.unparse(self.filter) if self.filter is not None else ""
        return f"{self.table}|{self.by}|{self.when}|{passes}|{ast.unparse(self.value)}"


@dataclass(frozen=True, slots=True)
class Feature:
    """One feature: its formula and what people need to read and check it; a source states the `basis` of its attributes."""

    name: str
    entity: str
    expression: str
    unit: str
    direction: str
    family: str
    zh: str
    en: str
    reason_zh: str = ""
    reason_en: str = ""
    check_zh: str = ""
    check_en: str = ""
    category: bool = False
    tables: tuple[str, ...] = ()
    basis: str = ""
    tree: ast.expr = field(default_factory=lambda: ast.Constant(0), compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Join:
    """A derived table: the rows of two tables that agree on the `on` columns."""

    name: str
    left: str
    right: str
    on: tuple[str, ...]
    taken: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class StoredValue:
    """A value that no unit's own rows can say: computed once for a day, kept by the key that `of` names, looked up."""

    name: str
    of: str
    unit: str
    zh: str
    en: str
    tables: tuple[str, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Catalogue:
    """Every declaration, the features in the order in which they can be computed, and those left out with the reason.

    `unread` are the attributes that no feature may read, by `table.name` with the reason.
    """

    windows: dict[str, Window]
    measures: dict[str, Measure]
    declared: dict[str, Feature]
    left_out: dict[str, str] = field(default_factory=dict)
    stored: dict[str, StoredValue] = field(default_factory=dict)
    unread: dict[str, str] = field(default_factory=dict)

    def features(self, entity: str) -> tuple[Feature, ...]:
        """Return the features of an entity, in declared order."""
        return _features(self, entity)

    def names(self, entity: str) -> tuple[str, ...]:
        """Return the names of an entity's features, in declared order."""
        return _names(self, entity)

    def feature(self, name: str) -> Feature:
        """Return a feature by name; raise CatalogueError when it is not declared."""
        if name not in self.declared:
            raise CatalogueError(
                f"feature {name!r} is not declared; `lssi dictionary` lists those that are"
            )
        return self.declared[name]

    def measure(self, name: str) -> Measure:
        """Return a measure by name; raise CatalogueError when it is not declared."""
        if name not in self.measures:
            raise CatalogueError(
                f"measure {name!r} is not declared in features/catalogue/measures.txt"
            )
        return self.measures[name]

    def stored_value(self, name: str) -> StoredValue:
        """Return a stored value by name; raise CatalogueError when it is not declared."""
        if name not in self.stored:
            raise CatalogueError(
                f"stored value {name!r} is not declared in features/catalogue/stored.txt"
            )
        return self.stored[name]

    def chain(self, names: Iterable[str]) -> list[Feature]:
        """Return features with all they rest on (peer values' features aside), each after those it names."""
        return list(_chained(self, tuple(names)))


@lru_cache(256)
def _features(catalogue: Catalogue, entity: str) -> tuple[Feature, ...]:
    return tuple(feature for feature in catalogue.declared.values() if feature.entity == entity)


@lru_cache(256)
def _names(catalogue: Catalogue, entity: str) -> tuple[str, ...]:
    return tuple(feature.name for feature in catalogue.features(entity))


@lru_cache(256)
def _chained(catalogue: Catalogue, names: tuple[str, ...]) -> tuple[Feature, ...]:
    placed: dict[str, Feature] = {}

    def visit(name: str) -> None:
        if name not in placed:
            feature = catalogue.feature(name)
            for other in names_of(feature.tree):
                if other != "as_of":
                    visit(other)
            placed[name] = feature

    for name in names:
        visit(name)
    return tuple(placed.values())
