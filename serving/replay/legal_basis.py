"""The law behind each feature of a model: that of its family, or the one that a source states for its own attribute."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from features.catalogue.document import families
from features.engine.engine import engine_of
from features.store.store import Store
from models.bundle.manifest import FrozenFeature


@dataclass(frozen=True, slots=True)
class LegalBasis:
    """Which law makes the data of a feature worth a look, in both languages."""

    zh: str
    en: str


def legal_bases(features: Iterable[FrozenFeature], stated: dict[str, str]) -> dict[str, LegalBasis]:
    """Return the legal basis of each feature by name; none for one whose family is declared no more.

    `stated` holds the bases that a source states, which `stated_bases` reads.
    """
    declared = families()
    bases: dict[str, LegalBasis] = {}
    for feature in features:
        family = declared.get(feature.family)
        if feature.name in stated:
            bases[feature.name] = LegalBasis(stated[feature.name], stated[feature.name])
        elif family is not None:
            bases[feature.name] = LegalBasis(family.law_zh, family.law_en)
    return bases


def stated_bases(store: Store | None, entity: str) -> dict[str, str]:
    """Return by feature the bases that a source states for its attributes; none where the history is not at hand."""
    if store is None:
        return {}
    declared = engine_of(store).catalogue.features(entity)
    return {feature.name: feature.basis for feature in declared if feature.basis}
