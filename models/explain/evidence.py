"""Evidence: the facts whose removal lowers a score, found by taking each away and scoring again."""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from itertools import zip_longest
from typing import Protocol

import numpy as np

from features.arrays import Mask
from features.matrix import Matrix
from features.online.fact import Fact
from features.parameters import Count, Share, parameter_values, parameters_in
from features.text_files import declaration_text
from models.bundle.booster import Floats, margins
from models.bundle.bundle import Bundle
from models.bundle.manifest import FrozenFeature
from models.explain.leads import Lead, leads_of_cases

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


class Histories(Protocol):
    """The histories of cases, each named by its place among them; rows can be taken away from any."""

    def facts(self, wanted: Sequence[tuple[int, str]]) -> Sequence[Sequence[Fact]]:
        """Return the facts that each feature of a case rests on."""

    def without(self, removals: Sequence[tuple[int, Fact]]) -> Matrix:
        """Return the features of cases, one row each, as they would be had the rows of a fact never been known."""


@dataclass(frozen=True, slots=True)
class FactQuestion:
    """A question for the facts of some features; `tried` says for which of them also what the score is without each."""

    names: tuple[str, ...]
    tried: tuple[str, ...] = ()


Search = Generator[FactQuestion, None, dict[str, tuple[Fact, ...]]]
"""Asks until it knows the facts of one case by feature; what was asked stands in the case's trial when it goes on."""


def evidence(
    bundle: Bundle, trials: Sequence[Trial], histories: Histories
) -> list[dict[str, tuple[Fact, ...]]]:
    """Return for each case, by feature, the fact that each reason rests on: its removal lowers the raw score.

    Features come from the strongest leads, as many and as strong as the limits say, no fact twice: those whose direction is
    declared first, others only until there are `undirected`. Where none of them is what mainly lifts a score above its base,
    that lead stands among them without a fact. Facts of leads that lower the score follow, unchecked.

    What the cases ask for is computed for all of them together, round by round.
    """
    searches = {place: _search(trial) for place, trial in enumerate(trials)}
    facts_of_cases: list[dict[str, tuple[Fact, ...]]] = [{} for _ in trials]
    while searches:
        looks: dict[int, FactQuestion] = {}
        for place, search in list(searches.items()):
            try:
                looks[place] = next(search)
            except StopIteration as end:
                facts_of_cases[place] = end.value
                del searches[place]
        _look_up(bundle, trials, looks, histories)
    return facts_of_cases


def _look_up(
    bundle: Bundle, trials: Sequence[Trial], looks: Mapping[int, FactQuestion], histories: Histories
) -> None:
    """Put what is asked of cases into their trials."""
    missing_facts = []
    for place, look in looks.items():
        new = [name for name in look.names if name not in trials[place].facts]
        missing_facts += [(place, name) for name in dict.fromkeys(new)]
    for (place, name), facts in zip(missing_facts, histories.facts(missing_facts), strict=True):
        trials[place].facts[name] = facts
    removals = []
    for place, look in looks.items():
        removals += [(place, fact) for fact in trials[place].untried(look.tried)]
    if not removals:
        return
    inputs = bundle.matrix(histories.without(removals))
    raw = margins(bundle.any_model, inputs).tolist()
    for (place, fact), without_fact in zip(removals, raw, strict=True):
        trials[place].drops[_identity(fact)] = trials[place].raw - without_fact


def _search(trial: Trial) -> Search:
    """FactQuestion for the facts of one case."""
    limits = evidence_limits()
    fact_of: dict[str, tuple[Fact, ...]] = {}
    for directed, most in ((True, limits.reasons), (False, limits.undirected)):
        tried = trial.raising[: limits.leads_tried]
        for place, lead in enumerate(tried):
            if len(fact_of) >= most:
                break
            if fact_of.keys().isdisjoint(lead.members):
                ahead = trial.ahead(tried[place:], most - len(fact_of), directed=directed)
                names = trial.told(lead, directed=directed)
                fact_of |= yield from _raising_fact(trial, names, ahead)
    if trial.raising and trial.above_base:
        fact_of |= _main_source(trial, fact_of)
    for lead in trial.lowering[: limits.mitigating]:
        fact_of |= yield from _lowering_fact(trial, trial.told(lead, directed=True))
    return fact_of


def _raising_fact(trial: Trial, names: Sequence[str], ahead: Sequence[str]) -> Search:
    """Return the first of some features that has a fact whose removal lowers the score, with that fact."""
    for name in names:
        if trial.lacks(name):
            trial.rounds += 1
            yield FactQuestion((name, *ahead), (name, *ahead))
        fact = trial.weighty(name)
        if fact is not None:
            return {name: (fact,)}
    return {}


def _lowering_fact(trial: Trial, names: Sequence[str]) -> Search:
    """Return the first of some features that rests on a fact, with that fact, unchecked."""
    for name in names:
        yield FactQuestion((name,))
        if trial.facts[name]:
            return {name: (trial.facts[name][0],)}
    return {}


def _main_source(
    trial: Trial, fact_of: Mapping[str, tuple[Fact, ...]]
) -> dict[str, tuple[Fact, ...]]:
    """Return the strongest lead that can be named, without a fact, if it outweighs every lead that has one."""
    with_facts = [
        lead.contribution for lead in trial.raising if not fact_of.keys().isdisjoint(lead.members)
    ]
    lead, name = trial.worth_naming()
    if lead.contribution >= evidence_limits().outweighs * max(with_facts, default=0.0):
        return {name: ()}
    return {}


class Sense:
    """Tells which features of some cases read as a reason; the values of one feature are looked at together."""

    def __init__(self, bundle: Bundle, matrix: Matrix) -> None:
        """Take a model and the features of cases."""
        self._matrix = matrix
        self._usual = usual(bundle)
        self.features = {feature.name: feature for feature in bundle.features}
        self._made: dict[tuple[str, bool], list[bool]] = {}

    def made(self, name: str, place: int, *, raises: bool) -> bool:
        """Tell whether a feature of one case reads as what raises or lowers its score."""
        if (name, raises) not in self._made:
            feature, values = self.features[name], self._matrix.column(name)
            sensible = makes_sense(feature, values, self._usual[name], raises=raises)
            self._made[name, raises] = sensible.tolist()
        return self._made[name, raises][place]


@dataclass(slots=True)
class Trial:
    """One case: what moves its score, and which of its facts were looked up, taken away and told already."""

    sense: Sense
    place: int
    raw: float
    above_base: bool
    leads: Sequence[Lead]
    raising: Sequence[Lead]
    lowering: Sequence[Lead]
    rounds: int = 0
    facts: dict[str, Sequence[Fact]] = field(default_factory=dict)
    drops: dict[RowsTold, float] = field(default_factory=dict)
    _told: set[RowsTold] = field(default_factory=set)

    def told(self, lead: Lead, *, directed: bool) -> list[str]:
        """Return the strongest `members` of a lead that can be told, of those whose direction is declared or of the others."""
        raises = lead.contribution > 0
        names = []
        for name in lead.members:
            has_direction = self.sense.features[name].direction != "none"
            if has_direction == directed and self.sense.made(name, self.place, raises=raises):
                names.append(name)
        return names[: evidence_limits().members]

    def ahead(self, leads: Sequence[Lead], most: int, *, directed: bool) -> list[str]:
        """Return names that the next leads will probably ask for: as many as are still sought, each round twice as many.

        To ask for them at once changes no answer and makes fewer rounds.
        """
        names_by_lead = [self.told(lead, directed=directed) for lead in leads]
        by_turn = zip_longest(*names_by_lead)
        names = [name for turn in by_turn for name in turn if name is not None]
        return names[: most << self.rounds]

    def worth_naming(self) -> tuple[Lead, str]:
        """Return the strongest lead that reads as a reason, or else the strongest of all, with the feature that says it."""
        for lead in self.raising:
            for directed in (True, False):
                names = self.told(lead, directed=directed)
                if names:
                    return lead, names[0]
        strongest, *_ = self.raising
        return strongest, strongest.members[0]

    def lacks(self, name: str) -> bool:
        """Tell whether it is not known yet what the score is without some fact of a feature."""
        return name not in self.facts or bool(self.untried((name,)))

    def untried(self, names: Sequence[str]) -> list[Fact]:
        """Return the facts of features of which nobody knows yet what the score is without them, each set of rows once."""
        untried: dict[RowsTold, Fact] = {}
        for name in names:
            for fact in self.facts[name]:
                if _identity(fact) not in self.drops and _identity(fact) not in self._told:
                    untried.setdefault(_identity(fact), fact)
        return list(untried.values())

    def weighty(self, name: str) -> Fact | None:
        """Return the narrowest fact of a feature that matters for the score, if one that was not told yet does."""
        facts = [fact for fact in self.facts[name] if _identity(fact) not in self._told]
        drops = {fact: self.drops[_identity(fact)] for fact in facts}
        largest = max(drops.values(), default=0.0)
        if largest <= 0:
            return None
        least = evidence_limits().enough * largest
        matters = [fact for fact in facts if drops[fact] >= least]
        chosen = min(matters, key=lambda fact: (fact.n_rows, -drops[fact]))
        self._told.add(_identity(chosen))
        return chosen


def case_trials(bundle: Bundle, matrix: Matrix, contributions: Floats) -> list[Trial]:
    """Return cases before anything of them was tried; `contributions` is float64 (n, F)."""
    sense = Sense(bundle, matrix)
    raw = margins(bundle.any_model, bundle.matrix(matrix)).tolist()
    trials = []
    for place, ordered in enumerate(leads_of_cases(bundle.features, contributions)):
        strongest = max([lead.contribution for lead in ordered], default=0.0)
        worth_telling = max(evidence_limits().least_share * strongest, 0.0)
        trial = Trial(
            sense=sense,
            place=place,
            raw=raw[place],
            above_base=bool(contributions[place].sum() > 0),
            leads=ordered,
            raising=[lead for lead in ordered if lead.contribution > worth_telling],
            lowering=[lead for lead in reversed(ordered) if lead.contribution < 0],
        )
        trials.append(trial)
    return trials


def usual(bundle: Bundle) -> dict[str, float]:
    """Return the lower median of each feature over the bundle's probe rows, NaN where all miss it."""
    ordered = np.sort(bundle.probe.inputs, axis=0)
    # numpy sorts NaN last, so the values of a feature are the first of its column
    values = (~np.isnan(ordered)).sum(axis=0)
    middle = np.maximum(values - 1, 0) // 2
    columns = np.arange(ordered.shape[1])
    medians = ordered[middle, columns].tolist()
    return dict(zip(bundle.manifest.names, medians, strict=True))


def makes_sense(feature: FrozenFeature, value: Floats, median: float, *, raises: bool) -> Mask:
    """Tell which values (n,) read as a reason: known, not a square, and on the side that the feature's direction says.

    More is worse (`up`): what raises is above zero and not below the median, what lowers is not above it.
    """
    sensible = ~np.isnan(value)
    if feature.unit in SQUARES:
        return np.zeros_like(sensible)
    if feature.direction == "none" or np.isnan(median):
        return sensible
    more_is_worse = feature.direction == "up"
    if more_is_worse and raises:
        sensible &= value > 0
    if more_is_worse == raises:
        return sensible & (value >= median)
    return sensible & (value <= median)


def _identity(fact: Fact) -> RowsTold:
    """Return what tells the rows of a fact apart from others, whichever measure counts them."""
    return fact.table, fact.first, fact.last, fact.row_ids, fact.n_rows
