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
from models.bundle.score import score
from models.explain.case_reasons import case_reasons
from models.explain.explain import explain
from models.policy.policy_facts import teams_of_cells
from serving.alerts.crossings import Crossing
from serving.answers import PRIORITY_ONLY
from serving.ledger.reasons import plain_reason
from serving.loop.responsible_team import cell_of_enterprise

VIOLATIONS = {
    1: ("未全员参保", "not all workers are registered"),
    2: ("未足额缴费", "contributions are not paid in full"),
    3: ("医药机构骗保", "a provider deceives the funds"),
    4: ("个人骗领", "a fraudulent claim"),
    5: ("其他违法行为", "another fraudulent act"),
}
"""The violation types of the city's regulation, zh and en."""
Plain = dict[str, Any]


def alert_texts(
    engine: Engine, crossed: Sequence[Crossing], bundles: Mapping[str, Bundle]
) -> Iterator[Plain]:
    """Yield what each alert says as plain values, in the order given; the team is None where no team answers for the cell."""
    if not crossed:
        return
    store = engine.store
    as_of = crossed[0].as_of
    teams = teams_of_cells(store, as_of, as_of)
    bundle = bundles.get("undeclared_workers")
    enterprises = sorted({one.enterprise for one in crossed})
    scored = _scored(engine, bundle, as_of, enterprises) if bundle else {}
    for one in crossed:
        cell = cell_of_enterprise(store, one.enterprise, as_of)
        of_score = scored.get(one.enterprise, {}) if one.rule.violation == 1 else {}
        yield {
            **_heading(one),
            "cell": cell,
            "team": teams.get(cell or ""),
            "expected": _expected(one, of_score),
            "matches": [match_as_json(one.match)] if one.match else [],
            "reasons": of_score.get("reasons", []),
            "check": _to_check(one),
            "priority_only": PRIORITY_ONLY,
        }


def _heading(one: Crossing) -> Plain:
    zh, en = VIOLATIONS[one.rule.violation]
    return {
        "alert": one.number,
        "rule": {"name": one.rule.name, "zh": one.rule.zh, "en": one.rule.en},
        "enterprise": one.enterprise,
        "violation": one.rule.violation,
        "suspected": {"zh": f"疑似{zh}", "en": f"suspected: {en}"},
        "as_of": date_of(one.as_of).isoformat(),
    }


def _expected(one: Crossing, of_score: Plain) -> Plain | None:
    """Return the number expected: the difference of the databases where a match tells one, else the model's."""
    if one.match is not None:
        return {
            "number": abs(one.match.measured - one.match.expected),
            "basis": "match",
            "model": of_score.get("expected"),
            "interval": of_score.get("interval"),
        }
    if of_score.get("expected") is None:
        return None
    return {
        "number": of_score["expected"],
        "basis": "score",
        "model": of_score["expected"],
        "interval": of_score["interval"],
    }


def _to_check(one: Crossing) -> Plain:
    if one.match is not None:
        verify: Plain = match_as_json(one.match)["verify"]
        return verify
    asked = one.rule.score
    return {"zh": asked.check_zh, "en": asked.check_en} if asked else {}


def _scored(engine: Engine, bundle: Bundle, as_of: int, enterprises: list[str]) -> dict[str, Plain]:
    """Return by enterprise its expected number with interval, and its reasons."""
    evaluated = evaluation(engine, "enterprise", as_of, enterprises)
    inputs = evaluated.matrix
    scores = score(bundle, inputs)
    contributions = explain(bundle, inputs).contributions
    why = case_reasons(engine, bundle, evaluated, contributions)
    scored: dict[str, Plain] = {}
    for row, enterprise in enumerate(enterprises):
        scored[enterprise] = {
            "expected": scores.expected_of(row),
            "interval": plain_interval(scores.interval_of(row)),
            "reasons": [plain_reason(reason) for reason in why[row].reasons],
        }
    return scored


def alert_lines(alert: Plain) -> list[str]:
    """Return an alert in lines for a reader."""
    expected = alert["expected"]
    number = "" if expected is None else f" | 预计 expected {expected['number']:g}"
    team = alert["team"] or "无责任队伍 no team"
    said = [alert["suspected"], alert["rule"], *alert["matches"], *alert["reasons"]]
    head = f"{alert['alert']} | {team} | {alert['enterprise']}{number}"
    body = [f"  {one[language]}" for one in said for language in ("zh", "en")]
    check = alert["check"]
    return [head, *body, f"  核查 check: {check['zh']}", f"  {check['en']}"]
