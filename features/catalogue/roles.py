"""The roles of a source's attributes: which of them features may read, and the refusal of whatever reads another."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Mapping

from features.catalogue.attributes import DeclaredAttribute
from features.catalogue.model import ENTITIES, Feature, Measure
from features.catalogue.validate import columns_read
from features.errors import CatalogueError

PROTECTED = "protected = true"
WITHOUT_BASIS = "no basis"
"""Why no feature reads an attribute: it serves checks of fairness alone, or nobody says which law lets a feature read it."""


def unread_attributes(attributes: Iterable[DeclaredAttribute]) -> dict[str, str]:
    """Return by `table.name` the attributes that no feature may read, with the reason."""
    reasons: dict[str, str] = {}
    for attribute in attributes:
        place = f"{attribute.table}.{attribute.name}"
        if attribute.protected:
            reasons[place] = PROTECTED
        elif not attribute.basis:
            reasons[place] = WITHOUT_BASIS
    return reasons


def of_scored(unread: Mapping[str, str]) -> dict[str, str]:
    """Return the unread attributes of scored entities, which would be features, with their reasons."""
    scored = {table for table, _ in ENTITIES.values()}
    return {place: reason for place, reason in unread.items() if place.split(".")[0] in scored}


def left_out_features(unread: Mapping[str, str]) -> dict[str, str]:
    """Return the features `attr_NAME` that unread attributes would be, each with its reason."""
    left_out: dict[str, str] = {}
    for place, reason in of_scored(unread).items():
        _, name = place.split(".")
        left_out[f"attr_{name}"] = f"{place}: {reason}"
    return left_out


def check_unread(
    measures: Iterable[Measure], features: Iterable[Feature], unread: Mapping[str, str]
) -> None:
    """Raise CatalogueError where a measure or feature reads an attribute that none may read."""
    for measure in measures:
        for column in sorted(columns_read(measure)):
            place = f"{measure.table}.{column}"
            if place in unread:
                raise CatalogueError(_refusal(f"measure {measure.name!r}", place, unread[place]))
    for feature in features:
        words = _words(feature.tree)
        for place, reason in unread.items():
            if not words.isdisjoint(_names_of(place, feature.entity)):
                raise CatalogueError(_refusal(f"feature {feature.name!r}", place, reason))


def _names_of(place: str, entity: str) -> tuple[str, ...]:
    """Return the names under which a formula of an entity would read an attribute: none where it is another's."""
    table, name = place.split(".")
    register, _ = ENTITIES[entity]
    if table != register:
        return ()
    return f"attr_{name}", f"{entity}_{name}"


def _words(tree: ast.expr) -> set[str]:
    """Return the bare names and the texts of a formula."""
    words: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Name):
            words.add(node.id)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            words.add(node.value)
    return words


def _refusal(where: str, place: str, reason: str) -> str:
    table, name = place.split(".")
    if reason == PROTECTED:
        return (
            f"{where} reads {name!r} of {table}, for which source.toml says {PROTECTED}: it serves checks of "
            "fairness alone, leave it out"
        )
    return (
        f"{where} reads {name!r} of {table}, for which source.toml states no basis: under [[attribute]] "
        f'name = "{name}" say basis = "LAW" by which features may read it, or {PROTECTED}'
    )
