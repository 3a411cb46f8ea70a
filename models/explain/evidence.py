"""Evidence: the facts whose removal lowers a score, found by taking each away and scoring again."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np

from features.matrix import Matrix
from features.online.lineage import Fact
from models.bundle.booster import Floats, margins
from models.bundle.bundle import Bundle
from models.bundle.manifest import FrozenFeature
from models.explain.reasons import Lead, leads

MOST = 5
FEW = 3
TRIED = 12
LEAST = 0.02
"""A lead is told if it moves the score at least this share of what the strongest does."""
MEMBERS = 3
MITIGATING = 2
SQUARES = ("persons2",)
ENOUGH = 0.5
"""A narrower fact is told rather than the one that matters most if its removal lowers the score this much as far."""


class History(Protocol):
    """The history of one case, from which rows can be taken away."""

    def facts(self, feature: str) -> Sequence[Fact]:
        """Return the facts that a feature rests on."""

    def without(self, fact: Fact) -> Matrix:
        """Return the case's features, a matrix of one row, as they would be had the fact's rows never been known."""


def evidence(
    bundle: Bundle, row: Matrix, contributions: Floats, history: History
) -> dict[str, tuple[Fact, ...]]:
    """Return by feature the fact that each reason of one case rests on: its removal lowers the raw score.

    Features come from the strongest leads, at most MOST of them, none below LEAST, no fact twice: those whose
    direction is declared first, others only until there are FEW. MITIGATING facts of leads that lower the score
    follow, unchecked.
    """
    trial = Trial(bundle, row, history)
    found: dict[str, tuple[Fact, ...]] = {}
    ordered = leads(bundle, contributions)
    worth = LEAST * max([lead.contribution for lead in ordered], default=0.0)
    raising = [lead for lead in ordered if lead.contribution > max(worth, 0.0)][:TRIED]
    for directed, most in ((True, MOST), (False, FEW)):
        for lead in raising:
            if len(found) >= most:
                break
            if found.keys().isdisjoint(lead.members):
                found |= next(
                    (
                        one
                        for name in trial.told(lead, directed=directed)
                        if (one := trial.held(name))
                    ),
                    {},
                )
    for lead in [lead for lead in reversed(ordered) if lead.contribution < 0][:MITIGATING]:
        stated = ((name, history.facts(name)) for name in trial.told(lead, directed=True))
        found |= next(({name: (facts[0],)} for name, facts in stated if facts), {})
    return found


class Trial:
    """Takes facts away from one case, each once, and remembers what the score became and which were told."""

    def __init__(self, bundle: Bundle, row: Matrix, history: History) -> None:
        self._bundle, self._row, self._history = bundle, row, history
        self._declared = {feature.name: feature for feature in bundle.features}
        self._usual = usual(bundle)
        self._raw = float(margins(bundle.any_model, bundle.matrix(row))[0])
        self._drops: dict[tuple[str, int, int], float] = {}
        self._told: set[tuple[str, int, int]] = set()

    def told(self, lead: Lead, *, directed: bool) -> list[str]:
        """Return the strongest MEMBERS of a lead that can be told, of those whose direction is declared or of the others."""
        raises = lead.contribution > 0
        ours = [
            name for name in lead.members if (self._declared[name].direction != "none") == directed
        ]
        return [name for name in ours if self._makes_sense(name, raises=raises)][:MEMBERS]

    def _makes_sense(self, name: str, *, raises: bool) -> bool:
        value = float(self._row.column(name)[0])
        return makes_sense(self._declared[name], value, self._usual[name], raises=raises)

    def held(self, name: str) -> dict[str, tuple[Fact, ...]]:
        """Return a feature with the narrowest fact that matters for the score, if one that was not told yet does."""
        facts = [fact for fact in self._history.facts(name) if _known(fact) not in self._told]
        drops = {fact: self._drop(fact) for fact in facts}
        largest = max(drops.values(), default=0.0)
        if largest <= 0:
            return {}
        chosen = min(
            (fact for fact in facts if drops[fact] >= ENOUGH * largest),
            key=lambda f: (f.n_rows, -drops[f]),
        )
        self._told.add(_known(chosen))
        return {name: (chosen,)}

    def _drop(self, fact: Fact) -> float:
        if _known(fact) not in self._drops:
            self._drops[_known(fact)] = self._raw - counterfactual(
                self._bundle, self._history, fact
            )
        return self._drops[_known(fact)]


def usual(bundle: Bundle) -> dict[str, float]:
    """Return the lower median of each feature over the bundle's probe rows, NaN where all miss it."""
    ordered = np.sort(bundle.probe.inputs, axis=0)
    known = (~np.isnan(ordered)).sum(axis=0)
    middle = ordered[np.maximum(known - 1, 0) // 2, np.arange(ordered.shape[1])]
    return dict(zip(bundle.manifest.names, middle.tolist(), strict=True))


def makes_sense(feature: FrozenFeature, value: float, median: float, *, raises: bool) -> bool:
    """Tell whether a value reads as a reason: known, not a square, and on the side that its direction says.

    More is worse (`up`): what raises is above zero and not below the median, what lowers is not above it.
    """
    if np.isnan(value) or feature.unit in SQUARES:
        return False
    if feature.direction == "none" or np.isnan(median):
        return True
    more = (feature.direction == "up") == raises
    if feature.direction == "up" and raises and value <= 0:
        return False
    return value >= median if more else value <= median


def _known(fact: Fact) -> tuple[str, int, int]:
    return fact.measure, fact.first, fact.last


def counterfactual(bundle: Bundle, history: History, fact: Fact) -> float:
    """Return the raw score that a case would have without the rows of a fact."""
    return float(margins(bundle.any_model, bundle.matrix(history.without(fact)))[0])
