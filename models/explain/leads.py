"""Leads: what moves one case's score, features that tell of one thing taken together."""

from __future__ import annotations

from collections.abc import Sequence
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
    """Return what moves one case's score, most raising first: features of one family and the same tables are one lead.

    `contributions` is float64 (F,), in the order of the features. A lead below zero has its lowest member first.
    """
    groups: dict[tuple[str, tuple[str, ...]], list[int]] = {}
    for place, feature in enumerate(features):
        groups.setdefault((feature.family, feature.tables), []).append(place)
    all_leads = [_lead(features, contributions, places) for places in groups.values()]
    moving = [lead for lead in all_leads if lead.contribution != 0]
    return sorted(moving, key=lambda lead: -lead.contribution)


def _lead(features: Sequence[FrozenFeature], contributions: Floats, places: list[int]) -> Lead:
    total = float(contributions[places].sum())
    sign = np.sign(total)
    same_way = [place for place in places if contributions[place] * sign > 0]
    strongest_first = sorted(same_way, key=lambda place: -abs(contributions[place]))
    names = tuple(features[place].name for place in strongest_first)
    return Lead(total, names)
