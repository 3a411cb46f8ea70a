"""What an alert says: the suspected violation, the number expected with its interval, what it rests on, what to check."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from features.calendar import date_of
from features.engine.engine import Engine
from features.engine.evaluation import evaluation
from features.matches.find import match_as_json
from models.bundle.bundle import Bundle
from models.bundle.interval import plain_interval
from models.explain.case_reasons import case_reasons
from models.explain.explain import explain
from models.policy.plan_unit import ENTERPRISE, KINDS
from serving.alerts.alert_rules import AlertRule
from serving.alerts.crossing import Crossing
from serving.alerts.watched import WORKERS, YUAN, watched_numbers
from serving.answers import PRIORITY_ONLY
from serving.ledger.reasons import plain_reason
from serving.loop.alert_unit import unit_of_alert

VIOLATIONS = {
    1: ("未全员参保", "not all workers are registered"),
    2: ("未足额缴费", "contributions are not paid in full"),
    3: ("医药机构骗保", "a provider deceives the funds"),
    4: ("个人骗领", "a fraudulent claim"),
    5: ("其他违法行为", "another fraudulent act"),
}
"""The violation types of the city's regulation, zh and en."""
TOLD = {"enterprise": 1, "claim": 4, "provider": 3}
"""By kind of unit the violation of which the model of its usual target tells the number."""
Plain = dict[str, Any]


def alert_texts(
    engine: Engine, crossed: Sequence[Crossing], bundles: Mapping[str, Bundle]
) -> Iterator[Plain]:
    """Yield what each alert says as plain values, in the order given; the team is None where no team answers for the unit."""
    scored = _scored(engine, crossed, bundles)
    for one in crossed:
        of_score = scored.get((_target(one.rule), one.unit), {})
        yield {
            **_heading(one),
            "cell": one.answerable.cell,
            "team": one.answerable.team,
            "expected": _expected(one, of_score),
            "matches": [match_as_json(one.match)] if one.match else [],
            "reasons": of_score.get("reasons", []),
            "check": _to_check(one),
            "priority_only": PRIORITY_ONLY,
        }


def _target(rule: AlertRule) -> str:
    """Return the target whose model tells the number of a rule's alerts, empty where none is of its violation."""
    if rule.score is not None:
        return rule.score.target
    kind = KINDS[rule.unit]
    return kind.target if rule.violation == TOLD[kind.name] else ""


def _heading(one: Crossing) -> Plain:
    zh, en = VIOLATIONS[one.rule.violation]
    return {
        "alert": one.number,
        "rule": {"name": one.rule.name, "zh": one.rule.zh, "en": one.rule.en},
        one.rule.unit: one.unit,
        "violation": one.rule.violation,
        "suspected": {"zh": f"疑似{zh}", "en": f"suspected: {en}"},
        "as_of": date_of(one.as_of).isoformat(),
    }


def _expected(one: Crossing, of_score: Plain) -> Plain | None:
    """Return the number expected: of workers the difference of the databases where a match tells one, else the model's."""
    number, interval = of_score.get("number"), of_score.get("interval")
    if one.match is not None and one.rule.unit == ENTERPRISE.name:
        difference = abs(one.match.measured - one.match.expected)
        figure = {"number": difference, "basis": "match", "unit": WORKERS}
    elif number is not None:
        figure = {"number": number, "basis": "score", "unit": of_score["unit"]}
    else:
        return None
    return {**figure, "model": number, "interval": interval}


def _to_check(one: Crossing) -> Plain:
    if one.match is not None:
        verify: Plain = match_as_json(one.match)["verify"]
        return verify
    score_rule = one.rule.score
    return {"zh": score_rule.check_zh, "en": score_rule.check_en} if score_rule else {}


def _scored(
    engine: Engine, crossed: Sequence[Crossing], bundles: Mapping[str, Bundle]
) -> dict[tuple[str, str], Plain]:
    """Return by target and unit the number expected, what it counts, its interval, and the reasons."""
    units_of: dict[str, set[str]] = {}
    for one in crossed:
        units_of.setdefault(_target(one.rule), set()).add(one.unit)
    scored: dict[tuple[str, str], Plain] = {}
    for target, units in units_of.items():
        if target in bundles:
            of_target = _scored_units(engine, bundles[target], crossed[0].as_of, sorted(units))
            scored |= {(target, unit): figures for unit, figures in of_target.items()}
    return scored


def _scored_units(engine: Engine, bundle: Bundle, as_of: int, units: list[str]) -> dict[str, Plain]:
    evaluated = evaluation(engine, bundle.entity, as_of, units)
    inputs = evaluated.matrix
    numbers = watched_numbers(bundle, inputs, as_of)
    contributions = explain(bundle, inputs).contributions
    why = case_reasons(engine, bundle, evaluated, contributions)
    scored: dict[str, Plain] = {}
    for row, unit in enumerate(units):
        scored[unit] = {
            "number": numbers.number_of(row),
            "unit": numbers.unit,
            "interval": plain_interval(numbers.interval_of(row)),
            "reasons": [plain_reason(reason) for reason in why[row].reasons],
        }
    return scored


def alert_lines(alert: Plain) -> list[str]:
    """Return an alert in lines for a reader."""
    _, unit = unit_of_alert(alert)
    team = alert["team"] or "无责任队伍 no team"
    texts = [alert["suspected"], alert["rule"], *alert["matches"], *alert["reasons"]]
    head = f"{alert['alert']} | {team} | {unit}{_number_words(alert['expected'])}"
    body = [f"  {one[language]}" for one in texts for language in ("zh", "en")]
    check = alert["check"]
    return [head, *body, f"  核查 check: {check['zh']}", f"  {check['en']}"]


def _number_words(expected: Plain | None) -> str:
    """Return the number of an alert in words: what it counts, what it rests on, and the model's interval.

    The interval is of the model's number: beside the difference of a match both stand.
    """
    if expected is None:
        return ""
    model, counts = expected["model"], expected.get("unit", WORKERS)
    interval = _interval_words(expected["interval"], counts)
    if expected["basis"] == "score":
        return f" | {TITLES[counts]} {_counted(expected['number'], counts)}{interval}"
    words = f" | 比对差额 difference of a match {_counted(expected['number'], counts)}"
    if model is None:
        return words
    return f"{words}, 模型预计 expected by the model {_counted(model, counts)}{interval}"


TITLES = {
    WORKERS: "预计新增参保 expected newly covered",
    YUAN: "预计追回 expected to be recovered",
}
"""What the number of a model is, by what it counts."""


def _counted(number: float, counts: str) -> str:
    """Return a number with what it counts: yuan whole, workers to one place where they are no whole number."""
    if counts == YUAN:
        return f"¥{number:,.0f}"
    return f"{f'{number:,.1f}'.removesuffix('.0')} 人 workers"


def _interval_words(interval: Plain | None, counts: str) -> str:
    """Return the interval of a model's number, nothing without one."""
    if interval is None:
        return ""
    sign = "¥" if counts == YUAN else ""
    upper = "∞" if interval["upper"] is None else f"{sign}{interval['upper']:,.0f}"
    return f" ({100 * interval['coverage']:.0f} %: {sign}{interval['lower']:,.0f}–{upper})"
