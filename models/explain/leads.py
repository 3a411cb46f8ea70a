"""Leads: what moves one case's score, features that tell of one thing taken together."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from models.bundle.booster import Floats
from models.bundle.bundle import Bundle
from models.bundle.manifest import FrozenFeature


@dataclass(frozen=True, slots=True)
class Lead:
    """Features that tell of one thing: their contributions summed, the one that says it best first."""

    contribution: float
    members: tuple[str, ...]


def leads(bundle: Bundle, contributions: Floats) -> list[Lead]:
    """Return what moves one case's score, most raising first; `contributions` is float64 (F,)."""
    return leads_among(bundle.features, contributions)


def leads_among(features: Sequence[FrozenFeature], contributions: Floats) -> list[Lead]:
    """Return what moves one case's score, most raising first; `contributions` is float64 (F,), in the order of the features."""
    [leads_of_case] = leads_of_cases(features, contributions[np.newaxis])
    return leads_of_case


def leads_of_cases(
    features: Sequence[FrozenFeature], contributions: Floats
) -> Iterator[list[Lead]]:
    """Yield what moves each case's score, most raising first: features of one family and the same tables are one lead.

    `contributions` is float64 (n, F), in the order of the features. A lead below zero has its lowest member first.
    """
    groups: dict[tuple[str, tuple[str, ...]], list[int]] = {}
    for place, feature in enumerate(features):
        groups.setdefault((feature.family, feature.tables), []).append(place)
    names = [feature.name for feature in features]
    places_of_group = list(groups.values())
    sums = np.empty((len(contributions), len(places_of_group)))
    for group, places in enumerate(places_of_group):
        # side by side, so that the numbers of a case are added in the order in which they are alone
        together = np.ascontiguousarray(contributions[:, places])
        sums[:, group] = together.sum(axis=1)
    for shares, totals in zip(contributions.tolist(), sums.tolist(), strict=True):
        moving = [group for group, total in enumerate(totals) if total != 0]
        moving.sort(key=lambda group: -totals[group])
        yield [
            Lead(totals[group], _members(names, shares, totals[group], places_of_group[group]))
            for group in moving
        ]


def _members(
    names: Sequence[str], shares: Sequence[float], total: float, places: Sequence[int]
) -> tuple[str, ...]:
    """Return the features of a lead that move a score the same way as all of it, the strongest first."""
    sign = 1.0 if total > 0 else -1.0
    same_way = [place for place in places if shares[place] * sign > 0]
    same_way.sort(key=lambda place: -abs(shares[place]))
    return tuple([names[place] for place in same_way])
