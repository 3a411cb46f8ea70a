"""Evidence: the facts whose removal lowers a score, found by taking each away and scoring again."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from features.matrix import Matrix
from features.trace import Fact
from models.booster import Floats, margins
from models.bundle import Bundle
from models.reasons import Lead, leads, tellable

MOST = 5
TRIED = 12
MEMBERS = 3
MITIGATING = 2


class History(Protocol):
    """The history of one case, from which rows can be taken away."""

    def facts(self, feature: str) -> Sequence[Fact]:
        """Return the facts that a feature rests on."""

    def without(self, fact: Fact) -> Matrix:
        """Return the case's features, a matrix of one row, as they would be had the fact's rows never been known."""


def evidence(bundle: Bundle, row: Matrix, contributions: Floats, history: History) -> dict[str, tuple[Fact, ...]]:
    """Return by feature what the reasons of one case rest on: at most MOST facts whose removal lowers the raw score.

    Features come from the strongest leads; up to MITIGATING facts of leads that lower the score follow, unchecked.
    """
    by_name = {feature.name: feature for feature in bundle.features}

    def told(lead: Lead) -> list[str]:
        return [name for name in lead.members if tellable(by_name[name], row)][:MEMBERS]

    found: dict[str, tuple[Fact, ...]] = {}
    ordered = leads(bundle, contributions)
    raising = [lead for lead in ordered if lead.contribution > 0]
    raw = float(margins(bundle.any_model, bundle.matrix(row))[0])
    for lead in raising[:TRIED]:
        held = (_held(bundle, raw, history, name) for name in told(lead))
        found |= next((one for one in held if one), {})
        if len(found) == MOST:
            break
    lowering = [lead for lead in reversed(ordered) if lead.contribution < 0]
    for lead in lowering[:MITIGATING]:
        stated = ((name, tuple(history.facts(name))) for name in told(lead))
        found |= next(({name: facts} for name, facts in stated if facts), {})
    return found


def _held(bundle: Bundle, raw: float, history: History, name: str) -> dict[str, tuple[Fact, ...]]:
    """Return the one fact of a feature without which the score is lowest, if it is lower than with it."""
    lowest, best = raw, None
    for fact in history.facts(name):
        lessened = counterfactual(bundle, history, fact)
        if lessened < lowest:
            lowest, best = lessened, fact
    return {} if best is None else {name: (best,)}


def counterfactual(bundle: Bundle, history: History, fact: Fact) -> float:
    """Return the raw score that a case would have without the rows of a fact."""
    return float(margins(bundle.any_model, bundle.matrix(history.without(fact)))[0])
