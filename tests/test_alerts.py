"""Alerts: rows in, alert out, to the team of the cell and no other; the case of July 2015 is the worked example."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import lightgbm
import numpy as np
import pytest

from features.calendar import day_of
from features.engine.engine import engine_of
from features.engine.matrices import catalogue_of, matrix
from features.errors import HistoryError, PolicyError, RequestError
from features.home import home
from features.store.journal import write_journal_part
from features.store.opening import open_store
from models.bundle.bundle import Bundle, Parts, load_bundle, write_bundle
from models.bundle.calibration import Calibration
from models.bundle.manifest import frozen_features
from serving.alerts import issue as issuing
from serving.alerts.alert_rules import alert_rules_of, alert_rules_on
from serving.alerts.alert_text import alert_lines, alert_texts
from serving.alerts.crossings import crossings
from serving.alerts.delivered import alerts_after, answered
from serving.alerts.issue import Issue, issue_alerts
from serving.ledger.ledger import Ledger
from serving.ledger.read import head
from serving.loop.act_once import Loop
from serving.proof.audit import verify
from tests.rows import Row, Tables, firm
from tests.said import Say

Write = Callable[..., Path]
AS_OF = day_of("2015-06-30")
ISSUED = AS_OF + 1
FILED, ENROLLED = 265, 167
"""The enterprise of July 2015: 98 of its 265 workers had no cover."""


def july_2015(filed: int = FILED, enrolled: int = ENROLLED) -> Tables:
    """Return an enterprise of cell c1 that filed so many staff with tax and enrolled so many, and a sound one in c2."""
    sizes = {"E265": (filed, enrolled), "sound": (5, 5)}
    tables: Tables = {
        "enterprises": [firm("E265", cell="c1"), firm("sound", cell="c2")],
        "cells": [cell_row(1), cell_row(2)],
        "tax_payroll": [],
        "enrolments": [],
        "employment": [],
    }
    for name, (number_filed, number_enrolled) in sizes.items():
        tables["tax_payroll"].append(payroll(name, number_filed))
        for number in range(number_enrolled):
            spell = {"worker": f"{name}-{number}", "enterprise": name, "started": "2014-01-01"}
            tables["enrolments"].append(spell | {"scheme": "pension"})
            tables["employment"].append(spell | {"kind": "regular"})
    return tables


def cell_row(number: int) -> Row:
    return {"cell": f"c{number}", "since": "2010-01-01", "district": "d", "team": f"t{number}"}


def payroll(enterprise: str, employees: int) -> Row:
    return {
        "enterprise": enterprise,
        "month": "2015-05",
        "employees": employees,
        "payroll": 10**6,
        "recorded_on": "2015-06-10",
    }


@pytest.fixture(scope="module")
def loaded(hand_source: Write, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the case of July 2015 (`source`) and a home in which it is loaded (`home`)."""
    place = tmp_path_factory.mktemp("july")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LSSI_HOME", str(place / "home"))
        open_store(hand_source(place / "source", july_2015()))
    return place


@pytest.fixture
def july(loaded: Path) -> Path:
    """The folder of the source of July 2015, loaded in this test's home."""
    shutil.copytree(loaded / "home", home(), dirs_exist_ok=True)
    return loaded / "source"


def issued(
    place: Path, bundles: dict[str, Bundle] | None = None, day: int = ISSUED
) -> list[dict[str, Any]]:
    """Issue the alerts of the last closed day and return those that are new; the ledger verifies afterwards."""
    store = open_store(place)
    moment = datetime(2015, 7, 1, 8, tzinfo=UTC)
    with Ledger(home() / "ledger.db") as ledger:
        loop = Loop(store, home() / "journal" / "hand", ledger)
        alerts = issue_alerts(loop, bundles or {}, Issue(AS_OF, day, moment))
    assert verify(home() / "ledger.db", day).whole
    return alerts


def read(team: str, cursor: str | None = None) -> list[dict[str, Any]]:
    """Return what a team reads behind a cursor."""
    return alerts_after(home() / "journal" / "hand", home() / "ledger.db", team, cursor)


WIDE = {"lower": 0.0, "upper": None, "coverage": 0.9}
BOUND = {"lower": 2.0, "upper": 11.0, "coverage": 0.9}


def test_the_case_of_july_2015(july: Path) -> None:
    (alert,) = issued(july)
    assert (alert["enterprise"], alert["cell"], alert["team"]) == ("E265", "c1", "t1")
    assert alert["violation"] == 1
    assert alert["expected"]["number"] == FILED - ENROLLED == 98
    (match,) = alert["matches"]
    assert "265" in match["zh"] and "167" in match["en"]
    assert {row["table"] for row in match["rows"]} == {"tax_payroll", "enrolments"}
    assert "花名册" in alert["check"]["zh"] and "payroll" in alert["check"]["en"]
    assert "neither a finding" in alert["priority_only"]["en"]
    text = "\n".join(alert_lines(alert))
    assert "98" in text and "t1" in text and "sound" not in text
    assert "比对差额 difference of a match 98 人 workers" in alert_lines(alert)[0]


@pytest.mark.parametrize(
    ("expected", "words"),
    [
        (None, ""),
        (
            {"number": 98, "basis": "match", "unit": "workers", "model": None, "interval": None},
            "比对差额 difference of a match 98 人 workers",
        ),
        (
            {"number": 98, "basis": "match", "unit": "workers", "model": 3.44, "interval": WIDE},
            "98 人 workers, 模型预计 expected by the model 3.4 人 workers (90 %: 0–∞)",
        ),
        (
            {
                "number": 1234567.0,
                "basis": "score",
                "unit": "workers",
                "model": 1.0,
                "interval": BOUND,
            },
            "预计新增参保 expected newly covered 1,234,567 人 workers (90 %: 2–11)",
        ),
        (
            {
                "number": 2600.4,
                "basis": "score",
                "unit": "yuan",
                "model": 2600.4,
                "interval": BOUND,
            },
            "预计追回 expected to be recovered ¥2,600 (90 %: ¥2–¥11)",
        ),
    ],
)
def test_the_line_of_an_alert_says_the_number_of_its_json_with_unit_basis_and_interval(
    july: Path, expected: dict[str, Any] | None, words: str
) -> None:
    (alert,) = issued(july)
    assert alert_lines({**alert, "expected": expected})[0].endswith(words or alert["enterprise"])


@pytest.mark.parametrize(
    ("filed", "enrolled", "number"),
    [(265, 160, 105), (240, 167, 73), (176, 167, None)],
)
def test_other_rows_give_another_alert(
    write_source: Write, filed: int, enrolled: int, number: int | None
) -> None:
    alerts = issued(write_source(july_2015(filed, enrolled)))
    expected = [alert["expected"]["number"] for alert in alerts]
    assert expected == ([] if number is None else [number])


def test_an_alert_reaches_the_team_of_the_cell_and_no_other(july: Path) -> None:
    (alert,) = issued(july)
    assert read("t2") == read("") == read("T1") == []
    (delivered,) = read("t1")
    assert delivered["alert"] == alert["alert"] and delivered["expected"] == alert["expected"]
    assert read("t1", delivered["cursor"]) == []
    assert read("t1", None) == [delivered]


def test_an_enterprise_whose_cell_no_team_answers_for_is_told_to_nobody(
    write_source: Write,
) -> None:
    tables = july_2015()
    tables["cells"] = [cell_row(2)]
    (alert,) = issued(write_source(tables))
    assert alert["team"] is None and "no team" in alert_lines(alert)[0]
    assert read("t1") == read("t2") == []


def test_the_same_rows_are_told_once_and_a_rest_follows(july: Path, write_source: Write) -> None:
    issued(july)
    assert issued(july) == issued(july, day=ISSUED + 30) == []
    assert head(home() / "ledger.db").size == 1
    tables = july_2015()
    tables["tax_payroll"] = [payroll("E265", 300) | {"row_id": "later"}, payroll("sound", 5)]
    place = write_source(tables)
    assert issued(place, day=ISSUED + 30) == []
    (later,) = issued(place, day=ISSUED + 90)
    assert later["expected"]["number"] == 300 - ENROLLED
    first, second = read("t1")
    assert first["expected"]["number"] == 98 and second["alert"] == later["alert"]


def test_a_stop_between_ledger_and_journal_is_completed_by_the_next_run(
    july: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stopped(*_: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(issuing, "write_journal_part", stopped)
        with pytest.raises(KeyboardInterrupt):
            issued(july)
    assert read("t1") == []
    (alert,) = issued(july, day=ISSUED + 4)
    assert head(home() / "ledger.db").size == 1 and alert["day"] == ISSUED
    assert [one["alert"] for one in read("t1")] == [alert["alert"]]


def test_a_reader_that_stops_anywhere_misses_none_and_keeps_their_order(
    july: Path,
) -> None:
    (alert,) = issued(july)
    more = [f"a{number:02d}" for number in range(25)]
    for part, numbers in enumerate((more[:12], more[12:]), 1):
        rows = len(numbers)
        write_journal_part(
            home() / "journal" / "hand",
            "alerts",
            f"alerts-{part:08d}",
            {
                "alert": numbers,
                "enterprise": ["E265"] * rows,
                "team": ["t1", "t2"] * (rows // 2) + ["t1"] * (rows % 2),
                "issued_on": [ISSUED + part] * rows,
                "violation": [1] * rows,
                "rule": ["r"] * rows,
                "record": [alert["record_id"]] * rows,
                "recorded_on": [ISSUED + part] * rows,
            },
        )
    whole = [one["alert"] for one in read("t1")]
    assert whole == [alert["alert"], *more[:12:2], *more[12::2]]
    for place_of_stop, one in enumerate(read("t1"), 1):
        assert [later["alert"] for later in read("t1", one["cursor"])] == whole[place_of_stop:]


def test_a_cursor_of_another_form_is_refused() -> None:
    for cursor in ("1", "alerts-1-1", "../x"):
        with pytest.raises(RequestError, match="cursor"):
            read("t1", cursor)


def test_a_day_that_is_not_closed_is_refused(july: Path) -> None:
    issue = Issue(AS_OF + 1, ISSUED + 1, datetime(2015, 7, 2, tzinfo=UTC))
    with Ledger(home() / "ledger.db") as ledger:
        loop = Loop(open_store(july), home() / "journal" / "hand", ledger)
        with pytest.raises(HistoryError, match="complete to"):
            issue_alerts(loop, {}, issue)


@pytest.fixture(scope="module")
def scored(hand_source: Write, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Bundle]:
    """The case among forty firms, and a model of their features in which filed staff matter."""
    place = tmp_path_factory.mktemp("alerts")
    tables = july_2015()
    for number in range(40):
        tables["enterprises"].append(firm(f"f{number:02d}", cell="c2"))
        tables["tax_payroll"].append(payroll(f"f{number:02d}", 1 + number))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LSSI_HOME", str(place / "home"))
        store = open_store(hand_source(place / "source", tables))
        units = matrix(store, "enterprise", AS_OF)
        staff = np.nan_to_num(units.column("declared_last"))
        choices = {"verbosity": -1, "min_data_in_leaf": 2, "num_threads": 1, "min_data_in_bin": 1}
        texts = []
        for objective, y in (("binary", staff > 20), ("poisson", staff)):
            table = lightgbm.Dataset(units.values, y, feature_name=list(units.names))
            learned = lightgbm.train({**choices, "objective": objective}, table, 20)
            texts.append(learned.model_to_string())
        frozen = frozen_features(catalogue_of(store).features("enterprise"), units)
        line = Calibration((-3.0, 3.0), (0.05, 0.95))
        parts = Parts(
            "undeclared_workers", "2015-01-01", frozen, line, *texts, units, {"source": "hand"}, {}
        )
        return place / "source", load_bundle(write_bundle(place / "bundles", parts))


SCORE_RULE = """
[[rule]]
name = "by-score"
first_day = 2012-01-01
zh = "概率高"
en = "likely"
violation = 1
rest_days = 90
[rule.score]
target = "undeclared_workers"
probability = 0.5
expected = 20
check_zh = "清点人数"
check_en = "count the staff"
"""


def test_a_score_that_crosses_alerts_with_its_expected_number_and_reasons(
    scored: tuple[Path, Bundle],
) -> None:
    place, bundle = scored
    engine = engine_of(open_store(place))
    bundles = {"undeclared_workers": bundle}
    crossed = list(crossings(engine, alert_rules_of(SCORE_RULE), bundles, AS_OF))
    assert "E265" in {one.unit for one in crossed}
    assert "sound" not in {one.unit for one in crossed}
    assert list(crossings(engine, alert_rules_of(SCORE_RULE), {}, AS_OF)) == []
    texts = {text["enterprise"]: text for text in alert_texts(engine, crossed, bundles)}
    assert all(text["expected"]["number"] >= 20 for text in texts.values())
    assert texts["E265"]["reasons"] and texts["E265"]["check"]["en"] == "count the staff"
    by_match = [one for one in crossings(engine, alert_rules_on(AS_OF), {}, AS_OF) if one.match]
    of_case = [one for one in by_match if one.unit == "E265"]
    (text,) = alert_texts(engine, of_case, bundles)
    assert text["expected"]["number"] == 98 and text["expected"]["model"] > 0


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (("probability = 0.5", "probability = 1.5"), "probability"),
        (('zh = "概率高"', ""), "zh"),
        (("[rule.score]", "[rule.match]"), "match"),
        (("violation = 1", "violation = 6"), "violation"),
        (("rest_days = 90", "rest_days = 90\nlast_day = 2011-01-01"), "last_day"),
        (("[[rule]]", "[[rule"), "TOML"),
        (("violation = 1", "violation = true"), "violation: should be a whole number"),
        (("first_day = 2012-01-01", "first_day = 15340"), "first_day: should be a day"),
        (("rest_days = 90", "rest_days = 90\nlast_day = 9999-12-31"), "leave last_day out"),
    ],
)
def test_a_rule_that_is_declared_wrongly_is_refused_by_name(
    change: tuple[str, str], says: str
) -> None:
    with pytest.raises(PolicyError, match=says):
        alert_rules_of(SCORE_RULE.replace(*change, 1))
    with pytest.raises(PolicyError, match="twice"):
        alert_rules_of(SCORE_RULE * 2)


def test_a_rule_is_in_force_on_its_days_only() -> None:
    assert alert_rules_on(day_of("2011-12-31")) == []
    rules = alert_rules_on(AS_OF)
    assert len({rule.name for rule in rules}) == len(rules) >= 2


def test_an_alert_is_issued_acknowledged_and_answered_by_command(
    july: Path, say: Say, tmp_path: Path
) -> None:
    place = july
    on = ("--on", "2015-07-01")
    (alert,) = say("alerts", place, "--as-of", "2015-06-30", *on, "--json").json["issued"]
    number = ("--alert", alert["alert"])
    refused = say("acknowledge", place, *number, "--on", "2015-07-03", "--team", "t2")
    assert refused.line.startswith("error: team_refused: ")
    assert say("acknowledge", place, *number, "--on", "2015-07-03", "--team", "t1").code == 0
    sent = tmp_path / "outcome.csv"
    sent.write_text(
        "inspection,enterprise,alert,opened,closed_on,examined_1,found_1,workers_1,workers_total\n"
        f"i1,E265,{alert['alert']},2015-07-04,2015-07-06,1,1,98,265\n",
        "utf-8",
    )
    assert say("outcome", place, "--file", sent, "--on", "2015-07-08").code == 0
    assert answered(home() / "journal" / "hand") == {
        "issued": 1,
        "acknowledged": 1,
        "with_outcome": 1,
        "median_days_to_acknowledgement": 2,
        "median_days_to_outcome": 5,
    }
    assert "0 条新预警 new" in say("alerts", place, "--as-of", "2015-06-30", *on).out
