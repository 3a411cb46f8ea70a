"""A reason: what raises a score, told once, in words that name the table, the rows and the days it rests on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from features.matrix import Matrix
from features.online.fact import Fact
from models.bundle.booster import Floats
from models.bundle.bundle import Bundle
from models.explain.leads import Lead, leads
from models.explain.sentence import sentence
from models.explain.wording import LANGUAGES

FORM = 3
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


def reasons_of(
    bundle: Bundle, row: Matrix, contributions: Floats, facts: Mapping[str, Sequence[Fact]]
) -> list[Reason]:
    """Return the reasons that raise one case's score, strongest first: the leads of which a feature stands among the facts.

    `row` is a matrix of one row, `contributions` its float64 (F,), `facts` what `models.explain.evidence` found to hold.
    """
    return raising_reasons(bundle, row, leads(bundle, contributions), facts)


def raising_reasons(
    bundle: Bundle, row: Matrix, ordered: Sequence[Lead], facts: Mapping[str, Sequence[Fact]]
) -> list[Reason]:
    """Return the reasons that raise one case's score, among its leads in their order."""
    all_reasons = _all_reasons(bundle, row, ordered, facts)
    return [reason for reason in all_reasons if reason.contribution > 0]


def mitigations_of(
    bundle: Bundle, row: Matrix, contributions: Floats, facts: Mapping[str, Sequence[Fact]]
) -> list[Reason]:
    """Return what lowers one case's score, strongest first, under the same rules as reasons."""
    all_reasons = _all_reasons(bundle, row, leads(bundle, contributions), facts)
    return [reason for reason in reversed(all_reasons) if reason.contribution < 0]


def _all_reasons(
    bundle: Bundle, row: Matrix, ordered: Sequence[Lead], facts: Mapping[str, Sequence[Fact]]
) -> list[Reason]:
    by_name = {feature.name: feature for feature in bundle.features}
    reasons = []
    for lead in ordered:
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
