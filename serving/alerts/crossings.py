"""Crossings: which units a rule of alerts names as of a day, each under a number that its rows give it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict

from features.engine.engine import Engine
from features.engine.matrices import matrix_for
from features.errors import PolicyError
from features.matches.find import available, matches_of
from models.bundle.bundle import Bundle
from serving.alerts.alert_rules import AlertRule, MatchRule, ScoreRule
from serving.alerts.crossing import Crossing
from serving.alerts.watched import WatchedUnits, watched, watched_numbers


def crossings(
    engine: Engine, rules: Sequence[AlertRule], bundles: Mapping[str, Bundle], as_of: int
) -> Iterator[Crossing]:
    """Yield what crosses the rules as of a day, of units that are watched on it; kind by kind, unit by unit, rule by rule.

    A rule whose tables the source lacks, or whose target has no model in use, names nobody. PolicyError for a rule whose
    target is of other units.
    """
    for kind in dict.fromkeys(rule.unit for rule in rules):
        units = watched(engine, kind, as_of)
        crossed: list[Crossing] = []
        for rule in rules:
            if rule.unit == kind:
                crossed += _of_rule(engine, rule, units, bundles, as_of)
        yield from sorted(crossed, key=lambda one: (one.unit, one.rule.name, one.number))


def _of_rule(
    engine: Engine, rule: AlertRule, units: WatchedUnits, bundles: Mapping[str, Bundle], as_of: int
) -> Iterator[Crossing]:
    if rule.match is not None:
        yield from _by_match(engine, rule, rule.match, units, as_of)
    elif rule.score is not None and rule.score.target in bundles:
        bundle = bundles[rule.score.target]
        if bundle.entity != rule.unit:
            raise PolicyError(
                f"rule of alerts {rule.name!r} is of each {rule.unit}, and target {rule.score.target!r} "
                f"of each {bundle.entity}; name a target of its own units"
            )
        yield from _by_score(engine, rule, bundle, units, as_of)


def _by_match(
    engine: Engine, rule: AlertRule, asked: MatchRule, units: WatchedUnits, as_of: int
) -> Iterator[Crossing]:
    complete, _ = available(engine.store)
    for kind in complete:
        if kind.name != asked.kind:
            continue
        for match in matches_of(engine.store, kind, as_of):
            differs = abs(match.measured - match.expected) >= asked.least
            is_new = match.known > as_of - asked.new_days
            unit = match.subjects.get(rule.unit, "")
            if differs and is_new and unit in units.answerable:
                yield Crossing(rule, unit, as_of, asdict(match), units.answerable[unit], match)


def _by_score(
    engine: Engine, rule: AlertRule, bundle: Bundle, units: WatchedUnits, as_of: int
) -> Iterator[Crossing]:
    score_rule = rule.score
    if score_rule is None or not len(units.cases):
        return
    features = matrix_for(engine, units.cases)
    numbers = watched_numbers(bundle, features, as_of)
    rests_on = {"model": bundle.digest, "as_of": as_of}
    for place, unit in enumerate(features.keys.tolist()):
        probability = float(numbers.scores.probability[place])
        if _reaches(score_rule, probability, numbers.number_of(place)):
            yield Crossing(rule, unit, as_of, rests_on, units.answerable[unit])


def _reaches(asked: ScoreRule, probability: float, expected: float | None) -> bool:
    """Tell whether a score reaches a rule; a model that expects no number cannot reach one that asks for it."""
    number = 0.0 if expected is None else expected
    return probability >= asked.probability and number >= asked.expected
