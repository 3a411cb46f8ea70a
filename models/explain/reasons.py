"""A reason: what raises a score, told once, in words that name the table, the rows and the days it rests on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from features.matrix import Matrix
from features.online.fact import Fact
from models.bundle.booster import Floats
from models.bundle.bundle import Bundle
from models.bundle.manifest import FrozenFeature
from models.explain.sentence import sentence
from models.explain.wording import LANGUAGES


@dataclass(frozen=True, slots=True)
class Lead:
    """Features that tell of one thing: their contributions summed, the one that says it best first."""

    contribution: float
    members: tuple[str, ...]


FORM = 2
"""The form of reasons and of the words of a number: another number says that the same case was told otherwise."""


@dataclass(frozen=True, slots=True)
class Reason:
    """One thing that moves a score: its feature, its contribution in log-odds, its words, and the facts it rests on.

    `check_zh` and `check_en` say what to check on site, "" where the model was trained before it was declared.
    """

    feature: str
    contribution: float
    zh: str
    en: str
    facts: tuple[Fact, ...]
    check_zh: str = ""
    check_en: str = ""


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


def reasons_of(
    bundle: Bundle, row: Matrix, contributions: Floats, facts: Mapping[str, Sequence[Fact]]
) -> list[Reason]:
    """Return the reasons that raise one case's score, strongest first: the leads of which a feature stands among the facts.

    `row` is a matrix of one row, `contributions` its float64 (F,), `facts` what `models.explain.evidence` found to hold.
    """
    all_reasons = _all_reasons(bundle, row, contributions, facts)
    return [reason for reason in all_reasons if reason.contribution > 0]


def mitigations_of(
    bundle: Bundle, row: Matrix, contributions: Floats, facts: Mapping[str, Sequence[Fact]]
) -> list[Reason]:
    """Return what lowers one case's score, strongest first, under the same rules as reasons."""
    all_reasons = _all_reasons(bundle, row, contributions, facts)
    return [reason for reason in reversed(all_reasons) if reason.contribution < 0]


def _all_reasons(
    bundle: Bundle, row: Matrix, contributions: Floats, facts: Mapping[str, Sequence[Fact]]
) -> list[Reason]:
    by_name = {feature.name: feature for feature in bundle.features}
    reasons = []
    for lead in leads(bundle, contributions):
        name = next((name for name in lead.members if name in facts), None)
        if name is None:
            continue
        feature = by_name[name]
        its_facts = tuple(facts[name])
        zh, en = (sentence(feature, by_name, row, its_facts, language) for language in LANGUAGES)
        reason = Reason(
            feature=name,
            contribution=lead.contribution,
            zh=zh,
            en=en,
            facts=its_facts,
            check_zh=feature.check_zh,
            check_en=feature.check_en,
        )
        reasons.append(reason)
    return reasons
