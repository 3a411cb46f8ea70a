"""Alerts, decisions and outcomes of claims and providers: by the laws of those of enterprises, for the teams that review them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import lightgbm
import numpy as np
import pytest

from features.engine.engine import engine_of
from features.engine.matrices import catalogue_of, matrix
from features.errors import PolicyError, UnknownId
from features.home import home
from features.store.opening import open_store
from models.bundle.bundle import Bundle, Parts, load_bundle, write_bundle
from models.bundle.calibration import Calibration
from models.bundle.manifest import frozen_features
from serving.alerts.alert_rules import alert_rules_of
from serving.alerts.alert_text import alert_lines, alert_texts
from serving.alerts.crossings import crossings
from serving.alerts.delivered import alerts_after, answered
from serving.alerts.watched import watched
from serving.errors import ActRefused, TeamRefused
from serving.loop.decided_lines import decided_groups
from serving.loop.decisions import acknowledge_alert, decide_line
from serving.loop.outcomes import post_outcome
from serving.loop.responsible_team import team_of_unit
from serving.loop.reviews import post_review
from serving.proof.audit import verify
from serving.requests import AcknowledgedAlert, DecidedLine, PostedOutcome, PostedReview
from tests.office_town import (
    AS_OF,
    POSTED,
    TEAM_OF,
    begin_office,
    claim,
    issued_by_unit,
    loaded_office,
    office_loop,
    office_tables,
    who_acts,
)
from tests.said import Say


@pytest.fixture(scope="module")
def loaded(hand_source: Callable[..., Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    return loaded_office(tmp_path_factory.mktemp("office"), hand_source)


@pytest.fixture
def office(loaded: Path) -> Path:
    return begin_office(loaded)


def read(team: str, **kinds: Any) -> list[str]:
    """Return the units of the alerts that a team reads."""
    alerts = alerts_after(home() / "journal" / "hand", home() / "ledger.db", team, None, **kinds)
    return [alert.get("claim") or alert["provider"] for alert in alerts]


def test_claims_in_hand_and_providers_alert_the_team_that_reviews_them_and_no_other(
    office: Path,
) -> None:
    alerts = issued_by_unit(office)
    assert {unit: alert["team"] for unit, alert in alerts.items()} == {**TEAM_OF, "h2": "t2"}
    assert {alert["violation"] for alert in alerts.values()} == {3, 4}
    assert read("t1") == ["k2", "k3"] and read("t2") == ["k1", "h2"] and read("") == []
    assert read("t2", kinds=("enterprise",)) == [] and read("t2", kinds=("provider",)) == ["h2"]
    text = "\n".join(alert_lines(alerts["k1"]))
    assert "k1" in text and "疑似个人骗领" in text and "死亡" in text
    assert issued_by_unit(office) == {}
    assert verify(home() / "ledger.db", POSTED).whole


def test_the_team_of_an_alert_is_the_one_whose_acts_are_taken(office: Path) -> None:
    store = open_store(office)
    engine = engine_of(store)
    for kind in ("enterprise", "claim", "provider"):
        answerable = watched(engine, kind, AS_OF).answerable
        assert answerable
        for unit, who in answerable.items():
            assert team_of_unit(store, kind, unit, AS_OF) == who.team, unit
    with pytest.raises(UnknownId):
        team_of_unit(store, "claim", "none", AS_OF)


def review(alert: str | None, **more: Any) -> PostedReview:
    usual = {"claim": "k1", "alert": alert, "closed_on": "2015-07-09", "verdict": "fraud"}
    return PostedReview.model_validate(usual | more)


def test_a_review_after_an_alert_is_a_label_once_and_answers_the_alert(office: Path) -> None:
    alert = issued_by_unit(office)["k1"]["alert"]
    with office_loop(office) as loop:
        for team in ("t1", "t3"):
            with pytest.raises(TeamRefused):
                acknowledge_alert(loop, AcknowledgedAlert(alert=alert), who_acts("a", team))
            with pytest.raises(TeamRefused):
                post_review(loop, review(alert), who_acts("o", team))
        acknowledge_alert(loop, AcknowledgedAlert(alert=alert), who_acts("a", "t2"))
        first = post_review(loop, review(alert), who_acts("o", "t2"))
        assert post_review(loop, review(alert), who_acts("o", "t2")).record_id == first.record_id
        with pytest.raises(ActRefused, match="supersedes"):
            post_review(loop, review(alert, verdict="clean"), who_acts("p", "t2"))
        with pytest.raises(ActRefused, match="not of this claim"):
            post_review(loop, review(alert, claim="k2"), who_acts("q"))
    counts = answered(home() / "journal" / "hand")
    assert (counts["acknowledged"], counts["with_outcome"]) == (1, 1)
    store = open_store(office)
    chosen = store.column("claim_reviews", "chosen").choices
    rows = store.live("claim_reviews", POSTED, ("chosen", "closed_on"))
    assert chosen.index("alert") in rows["chosen"].tolist() and len(rows["chosen"]) == 2


def test_a_visit_of_a_provider_is_a_label_by_its_plan_or_its_alert(office: Path) -> None:
    alert = issued_by_unit(office)["h2"]["alert"]
    usual = {
        "inspection": "i1",
        "provider": "h2",
        "opened": "2015-07-07",
        "closed_on": "2015-07-09",
        "examined": [3],
        "found": [{"violation": 3, "amount": 9_000}],
    }
    with office_loop(office) as loop:
        by_plan = PostedOutcome.model_validate(usual | {"plan": "P"})
        with pytest.raises(TeamRefused):
            post_outcome(loop, by_plan, who_acts("a", "t1"))
        with pytest.raises(ActRefused, match="does not list this provider"):
            post_outcome(loop, by_plan.model_copy(update={"provider": "h0"}), who_acts("a"))
        post_outcome(loop, by_plan, who_acts("a", "t2"))
        by_alert = usual | {"alert": alert, "inspection": "i2", "found": []}
        post_outcome(loop, PostedOutcome.model_validate(by_alert), who_acts("b", "t2"))
    store = open_store(office)
    rows = store.live("inspections", POSTED, ("provider", "kind", "examined_3"))
    kinds = store.column("inspections", "kind").choices
    assert sorted(kinds[kind] for kind in rows["kind"].tolist()) == ["alert", "routine", "routine"]
    assert sorted(rows["examined_3"].tolist()) == [0, 1, 1]
    [group] = [one for one in decided_groups(store, "deception", POSTED) if one.lines]
    assert (group.group, group.visited, group.found) == ("undecided", 1, 1)


@pytest.mark.parametrize(
    ("kind", "unit", "target"), [("claim", "k1", "fraud"), ("provider", "h2", "deception")]
)
def test_a_line_of_reviews_is_overridden_by_its_team_and_the_last_decision_counts(
    office: Path, kind: str, unit: str, target: str
) -> None:
    asked = {"plan": "P", kind: unit, "decision": "override", "reason": "known_to_team"}
    with office_loop(office) as loop:
        with pytest.raises(TeamRefused):
            decide_line(loop, DecidedLine.model_validate(asked), who_acts("a", "t1"))
        with pytest.raises(ActRefused, match="does not list"):
            decide_line(loop, DecidedLine.model_validate(asked | {kind: "k2"}), who_acts("a"))
        decide_line(loop, DecidedLine.model_validate(asked), who_acts("a", "t2"))
        accepted = asked | {"decision": "accept", "reason": "agrees"}
        decide_line(loop, DecidedLine.model_validate(accepted), who_acts("b", "t2"))
    groups = {one.group: one.lines for one in decided_groups(open_store(office), target, POSTED)}
    assert groups == {"overridden": 0, "accepted": 1, "undecided": 0}


SCORE_RULE = """
[[rule]]
name = "by-score"
unit = "UNIT"
first_day = 2012-01-01
zh = "概率高"
en = "likely"
violation = 4
rest_days = 90
[rule.score]
target = "fraudulent_claim"
probability = 0.5
expected = 1000
check_zh = "核对票据"
check_en = "compare the bills"
"""


def large_claims(place: Path, folder: Path) -> Bundle:
    """Return a model by which the claims above 3,000 yuan are likely to be frauds."""
    store = open_store(place)
    units = matrix(store, "claim", AS_OF)
    amount = np.nan_to_num(units.column("claim_amount"))
    choices = {"verbosity": -1, "min_data_in_leaf": 1, "num_threads": 1, "min_data_in_bin": 1}
    table = lightgbm.Dataset(units.values, amount > 300_000, feature_name=list(units.names))
    learned = lightgbm.train({**choices, "objective": "binary"}, table, 10).model_to_string()
    frozen = frozen_features(catalogue_of(store).features("claim"), units)
    line = Calibration((-3.0, 3.0), (0.05, 0.95))
    parts = Parts(
        "fraudulent_claim", "2015-01-01", frozen, line, learned, None, units, {"source": "hand"}, {}
    )
    return load_bundle(write_bundle(folder, parts))


def test_a_claim_that_crosses_by_score_is_told_with_the_yuan_that_its_review_may_recover(
    hand_source: Callable[..., Path], tmp_path: Path
) -> None:
    tables = office_tables()
    small = [claim(f"q{number}", "alive", amount=1_000) for number in range(20)]
    place = hand_source(tmp_path / "scored", {**tables, "claims": [*tables["claims"], *small]})
    bundle = large_claims(place, tmp_path / "bundles")
    engine = engine_of(open_store(place))
    bundles = {"fraudulent_claim": bundle}
    rules = alert_rules_of(SCORE_RULE.replace("UNIT", "claim"))
    crossed = list(crossings(engine, rules, bundles, AS_OF))
    named = {one.unit for one in crossed}
    assert (
        {"k1", "k5"} <= named
        and "k4" not in named
        and not any(unit.startswith("q") for unit in named)
    )
    text = next(one for one in alert_texts(engine, crossed, bundles) if one["claim"] == "k1")
    assert text["expected"]["unit"] == "yuan" and 2_500 < text["expected"]["number"] < 5_000
    assert "¥" in alert_lines(text)[0] and text["check"]["en"] == "compare the bills"
    with pytest.raises(PolicyError, match="name a target of its own units"):
        list(
            crossings(
                engine, alert_rules_of(SCORE_RULE.replace("UNIT", "provider")), bundles, AS_OF
            )
        )


def test_alerts_decisions_and_reviews_of_claims_by_command(
    office: Path, say: Say, tmp_path: Path
) -> None:
    on = ("--on", "2015-07-10")
    issued = say("alerts", office, "--as-of", "2015-06-30", "--on", "2015-07-01", "--json")
    alert = next(one["alert"] for one in issued.json["issued"] if one.get("claim") == "k2")
    decision = ("--plan", "P", "--claim", "k1", "--decision", "accept", "--reason", "agrees")
    assert say("override", office, *decision, "--team", "t2", *on).code == 0
    both = say("override", office, *decision, "--enterprise", "e1", *on)
    assert "name one of them" in both.line
    sent = tmp_path / "review.csv"
    sent.write_text(f"claim,alert,closed_on,verdict\nk2,{alert},2015-07-08,clean\n", "utf-8")
    assert say("outcome", office, "--file", sent, "--team", "t1", *on).code == 0
    assert "accepted" in say("overrides", office, "--as-of", "2015-06-30", "--target", "fraud").out
