"""Crossings: which enterprises a rule of alerts names as of a day, each under a number that its rows give it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from features.engine.engine import Engine
from features.engine.matrices import matrix
from features.engine.population import living
from features.matches.find import Match, available, matches_of
from models.bundle.bundle import Bundle
from models.bundle.score import score
from serving.alerts.alert_rules import AlertRule, MatchRule, ScoreRule
from serving.ledger.entries import canonical, sha256_of

_NUMBER = 20
"""Hex digits of an alert's number; a choice: 80 bits, so that two alerts never share one."""


@dataclass(frozen=True, slots=True)
class Crossing:
    """An enterprise that crosses a rule as of a day, and the match by which it does; None where its score does."""

    rule: AlertRule
    enterprise: str
    as_of: int
    rests_on: Mapping[str, Any]
    match: Match | None = None

    @property
    def number(self) -> str:
        """The number of the alert: the same rule, enterprise and rows always have the same."""
        content = [self.rule.name, self.enterprise, self.rests_on]
        return sha256_of(canonical(content))[:_NUMBER]


def crossings(
    engine: Engine, rules: Sequence[AlertRule], bundles: Mapping[str, Bundle], as_of: int
) -> Iterator[Crossing]:
    """Yield what crosses the rules as of a day, of enterprises that live on it; by enterprise, rule by rule.

    A rule whose tables the source lacks, or whose target has no model in use, names nobody.
    """
    texts = engine.store.texts("enterprise")
    alive = {texts[code] for code in living(engine, "enterprise", as_of).code.tolist()}
    crossed: list[Crossing] = []
    for rule in rules:
        if rule.match is not None:
            crossed += _by_match(engine, rule, rule.match, as_of)
        elif rule.score is not None and rule.score.target in bundles:
            crossed += _by_score(engine, rule, bundles[rule.score.target], as_of)
    of_living = [one for one in crossed if one.enterprise in alive]
    yield from sorted(of_living, key=lambda one: (one.enterprise, one.rule.name, one.number))


def _by_match(engine: Engine, rule: AlertRule, asked: MatchRule, as_of: int) -> Iterator[Crossing]:
    complete, _ = available(engine.store)
    for kind in complete:
        if kind.name != asked.kind:
            continue
        for match in matches_of(engine.store, kind, as_of):
            differs = abs(match.measured - match.expected) >= asked.least
            is_new = match.known > as_of - asked.new_days
            if differs and is_new and "enterprise" in match.subjects:
                enterprise = match.subjects["enterprise"]
                yield Crossing(rule, enterprise, as_of, asdict(match), match)


def _by_score(engine: Engine, rule: AlertRule, bundle: Bundle, as_of: int) -> Iterator[Crossing]:
    asked = rule.score
    if asked is None:
        return
    units = matrix(engine, "enterprise", as_of)
    scores = score(bundle, units)
    for place, enterprise in enumerate(units.keys.tolist()):
        if _reaches(asked, float(scores.probability[place]), scores.expected_of(place)):
            yield Crossing(rule, enterprise, as_of, {"model": bundle.digest, "as_of": as_of})


def _reaches(asked: ScoreRule, probability: float, expected: float | None) -> bool:
    """Tell whether a score reaches a rule; a model that expects no number cannot reach one that asks for it."""
    number = 0.0 if expected is None else expected
    return probability >= asked.probability and number >= asked.expected
