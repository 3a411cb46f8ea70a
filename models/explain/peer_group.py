"""A peer group: the other living units of a day that share a unit's sector and size, or a wider group where they are few."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from features.errors import RequestError
from features.matrix import Matrix
from features.text_files import declaration_text

FILE = "peer_groups.toml"
UNKNOWN = "unknown"
"""The class of a unit whose sector or size nobody knows."""


@dataclass(frozen=True, slots=True)
class PeerAttribute:
    """What peers share: the features that tell it, a category or the largest of some numbers in classes up to `below`."""

    name: str
    features: tuple[str, ...]
    below: tuple[int, ...]
    zh: str
    en: str


@dataclass(frozen=True, slots=True)
class PeerGroup:
    """Places of the peers in the matrix of a day, the attributes that they share with the unit, and its class of each.

    `is_wider` tells that the group with all declared attributes has fewer than `least` peers.
    """

    places: NDArray[np.int64]
    shared: tuple[tuple[PeerAttribute, str], ...]
    is_wider: bool
    least: int


@cache
def _declared() -> Mapping[str, Any]:
    return tomllib.loads(declaration_text(FILE, "models.explain"))


def has_peers(entity: str) -> bool:
    """Tell whether peers are declared for an entity."""
    return entity in _declared()


def peer_attributes(entity: str) -> dict[str, PeerAttribute]:
    """Return the attributes of an entity by name; RequestError where no peers are declared for it."""
    declared = _declared()
    if not has_peers(entity):
        entities = ", ".join(name for name in declared if name != "least")
        raise RequestError(
            f"peers are declared for {entities} alone; got a record of a {entity}, see its reasons"
        )
    attributes = {}
    for name, words in declared[entity].items():
        if name == "levels":
            continue
        _, *features = words["read"].split()
        below = tuple(words.get("below", ()))
        attributes[name] = PeerAttribute(name, tuple(features), below, words["zh"], words["en"])
    return attributes


def peer_group(unit: Matrix, living: Matrix) -> PeerGroup:
    """Return the peers of a unit, a matrix of one row, among the living of its day; RequestError where there is no other."""
    attributes = peer_attributes(unit.entity)
    least = int(_declared()["least"])
    is_other = living.keys != unit.keys[0]
    levels = _declared()[unit.entity]["levels"]
    for level in levels:
        shared = [attributes[name] for name in level]
        classes = [peer_classes(unit, attribute)[0] for attribute in shared]
        is_peer = is_other.copy()
        for attribute, of_unit in zip(shared, classes, strict=True):
            is_peer &= peer_classes(living, attribute) == of_unit
        places = np.flatnonzero(is_peer)
        if len(places) >= least:
            break
    if not len(places):
        raise RequestError(f"no other {unit.entity} lives on that day; there are no peers")
    with_classes = tuple(zip(shared, map(str, classes), strict=True))
    return PeerGroup(places, with_classes, level != levels[0], least)


def peer_classes(units: Matrix, attribute: PeerAttribute) -> NDArray[np.str_]:
    """Return the class of each unit, such as `10-49` or a sector's name."""
    features = [name for name in attribute.features if name in units.names]
    if not features:
        return np.full(len(units), UNKNOWN)
    if not attribute.below:
        texts = units.texts(features[0])
        return np.array([text or UNKNOWN for text in texts], dtype=np.str_)
    # without any of the numbers the largest is below every class
    numbers = np.column_stack([np.nan_to_num(units.column(name), nan=-1.0) for name in features])
    largest = numbers.max(axis=1)
    names = [UNKNOWN, *_class_names(attribute.below)]
    classes = np.searchsorted(attribute.below, largest, side="right") + 1
    classes[largest < 0] = 0
    of_units: NDArray[np.str_] = np.array(names, dtype=np.str_)[classes]
    return of_units


def _class_names(below: Sequence[int]) -> list[str]:
    """Return the names of classes up to bounds, as the audit by groups names them: the lowest also holds units of nobody.

    >>> _class_names([10, 50])
    ['1-9', '10-49', '50-']
    """
    starts = (1, *below)
    closed = [f"{start}-{end - 1}" for start, end in zip(starts, below, strict=False)]
    return [*closed, f"{below[-1]}-"]
