"""Evidence: the facts whose removal lowers a score, found by taking each away and scoring again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Protocol

import numpy as np

from features.matrix import Matrix
from features.online.fact import Fact
from features.parameters import Count, Share, parameter_values, parameters_in
from features.text_files import declaration_text
from models.bundle.booster import Floats, margins
from models.bundle.bundle import Bundle
from models.bundle.manifest import FrozenFeature
from models.explain.leads import Lead, leads

FILE = "limits.txt"
RowsTold = tuple[str, int, int, tuple[str, ...], int]
SQUARES = ("persons2",)
"""Units that say nothing to a reader."""


@dataclass(frozen=True, slots=True)
class EvidenceLimits:
    """The value of each limit of evidence; limits.txt says what each means."""

    reasons: Count
    undirected: Count
    leads_tried: Count
    least_share: Share
    members: Count
    mitigating: Count
    outweighs: Count
    enough: Share


@cache
def evidence_limits() -> EvidenceLimits:
    """Return what limits.txt declares."""
    text = declaration_text(FILE, "models.explain")
    return parameter_values(EvidenceLimits, parameters_in(text, EvidenceLimits, FILE))


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

    Features come from the strongest leads, as many and as strong as the limits say, no fact twice: those whose direction is
    declared first, others only until there are `undirected`. Where none of them is what mainly lifts a score above its base,
    that lead stands among them without a fact. Facts of leads that lower the score follow, unchecked.
    """
    limits = evidence_limits()
    trial = Trial(bundle, row, history)
    fact_of: dict[str, tuple[Fact, ...]] = {}
    ordered = leads(bundle, contributions)
    strongest = max([lead.contribution for lead in ordered], default=0.0)
    worth_telling = max(limits.least_share * strongest, 0.0)
    raising = [lead for lead in ordered if lead.contribution > worth_telling]
    for directed, most in ((True, limits.reasons), (False, limits.undirected)):
        for lead in raising[: limits.leads_tried]:
            if len(fact_of) >= most:
                break
            if fact_of.keys().isdisjoint(lead.members):
                fact_of |= _raising_fact(trial, lead, directed=directed)
    if raising and contributions.sum() > 0:
        fact_of |= _main_source(trial, raising, fact_of)
    lowering = [lead for lead in reversed(ordered) if lead.contribution < 0]
    for lead in lowering[: limits.mitigating]:
        fact_of |= _lowering_fact(trial, lead, history)
    return fact_of


def _raising_fact(trial: Trial, lead: Lead, *, directed: bool) -> dict[str, tuple[Fact, ...]]:
    """Return the first feature of a lead that has a fact whose removal lowers the score, with that fact."""
    for name in trial.told(lead, directed=directed):
        fact = trial.held(name)
        if fact:
            return fact
    return {}


def _main_source(
    trial: Trial, raising: Sequence[Lead], fact_of: Mapping[str, tuple[Fact, ...]]
) -> dict[str, tuple[Fact, ...]]:
    """Return the strongest lead that can be named, without a fact, if it outweighs every lead that has one."""
    with_facts = [
        lead.contribution for lead in raising if not fact_of.keys().isdisjoint(lead.members)
    ]
    lead, name = trial.worth_naming(raising)
    if lead.contribution >= evidence_limits().outweighs * max(with_facts, default=0.0):
        return {name: ()}
    return {}


def _lowering_fact(trial: Trial, lead: Lead, history: History) -> dict[str, tuple[Fact, ...]]:
    """Return the first feature of a lead that rests on a fact, with that fact, unchecked."""
    for name in trial.told(lead, directed=True):
        facts = history.facts(name)
        if facts:
            return {name: (facts[0],)}
    return {}


class Trial:
    """Takes facts away from one case, each once, and remembers what the score became and which were told."""

    def __init__(self, bundle: Bundle, row: Matrix, history: History) -> None:
        self._bundle, self._row, self._history = bundle, row, history
        self._declared = {feature.name: feature for feature in bundle.features}
        self._usual = usual(bundle)
        self._raw = float(margins(bundle.any_model, bundle.matrix(row))[0])
        self._drops: dict[RowsTold, float] = {}
        self._told: set[RowsTold] = set()

    def told(self, lead: Lead, *, directed: bool) -> list[str]:
        """Return the strongest `members` of a lead that can be told, of those whose direction is declared or of the others."""
        raises = lead.contribution > 0
        names = []
        for name in lead.members:
            has_direction = self._declared[name].direction != "none"
            if has_direction == directed and self._makes_sense(name, raises=raises):
                names.append(name)
        return names[: evidence_limits().members]

    def worth_naming(self, raising: Sequence[Lead]) -> tuple[Lead, str]:
        """Return the strongest lead that reads as a reason, or else the strongest of all, with the feature that says it."""
        for lead in raising:
            for directed in (True, False):
                names = self.told(lead, directed=directed)
                if names:
                    return lead, names[0]
        strongest, *_ = raising
        return strongest, strongest.members[0]

    def _makes_sense(self, name: str, *, raises: bool) -> bool:
        value = float(self._row.column(name)[0])
        return makes_sense(self._declared[name], value, self._usual[name], raises=raises)

    def held(self, name: str) -> dict[str, tuple[Fact, ...]]:
        """Return a feature with the narrowest fact that matters for the score, if one that was not told yet does."""
        facts = [fact for fact in self._history.facts(name) if _identity(fact) not in self._told]
        drops = {fact: self._drop(fact) for fact in facts}
        largest = max(drops.values(), default=0.0)
        if largest <= 0:
            return {}
        least = evidence_limits().enough * largest
        matters = [fact for fact in facts if drops[fact] >= least]
        chosen = min(matters, key=lambda fact: (fact.n_rows, -drops[fact]))
        self._told.add(_identity(chosen))
        return {name: (chosen,)}

    def _drop(self, fact: Fact) -> float:
        """Return by how much the raw score falls without a fact, computed once for each."""
        identity = _identity(fact)
        if identity not in self._drops:
            without_fact = counterfactual(self._bundle, self._history, fact)
            self._drops[identity] = self._raw - without_fact
        return self._drops[identity]


def usual(bundle: Bundle) -> dict[str, float]:
    """Return the lower median of each feature over the bundle's probe rows, NaN where all miss it."""
    ordered = np.sort(bundle.probe.inputs, axis=0)
    # numpy sorts NaN last, so the values of a feature are the first of its column
    values = (~np.isnan(ordered)).sum(axis=0)
    middle = np.maximum(values - 1, 0) // 2
    columns = np.arange(ordered.shape[1])
    medians = ordered[middle, columns].tolist()
    return dict(zip(bundle.manifest.names, medians, strict=True))


def makes_sense(feature: FrozenFeature, value: float, median: float, *, raises: bool) -> bool:
    """Tell whether a value reads as a reason: known, not a square, and on the side that its direction says.

    More is worse (`up`): what raises is above zero and not below the median, what lowers is not above it.
    """
    if np.isnan(value) or feature.unit in SQUARES:
        return False
    if feature.direction == "none" or np.isnan(median):
        return True
    more_is_worse = feature.direction == "up"
    if more_is_worse and raises and value <= 0:
        return False
    if more_is_worse == raises:
        return value >= median
    return value <= median


def _identity(fact: Fact) -> RowsTold:
    """Return what tells the rows of a fact apart from others, whichever measure counts them."""
    return fact.table, fact.first, fact.last, fact.row_ids, fact.n_rows


def counterfactual(bundle: Bundle, history: History, fact: Fact) -> float:
    """Return the raw score that a case would have without the rows of a fact."""
    inputs = bundle.matrix(history.without(fact))
    return float(margins(bundle.any_model, inputs)[0])
