"""A model in use is watched: one that goes on, one whose feed stopped, what nobody can tell yet, and the ledger's record."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import lightgbm
import numpy as np
import pytest

from features.calendar import date_of, day_of
from features.engine.matrices import catalogue_of, matrix
from features.errors import HistoryError, RequestError
from features.store.journal import write_journal_part
from features.store.opening import open_store
from features.store.store import Store
from models.bundle.bundle import Bundle, Parts, load_bundle, write_bundle
from models.bundle.calibration import Calibration
from models.bundle.champions import ModelKey, Pointer
from models.bundle.generation import promote_model
from models.bundle.manifest import frozen_features
from serving.ledger.act import act_of
from serving.ledger.read import find
from serving.scoring.promoted_models import promoted
from tests.said import Say
from training.monitor.lines import monitor_lines
from training.monitor.report import monitor

TRAINED = day_of("2015-01-31")
TODAY = day_of("2015-06-30")
FIRST_MONDAY = day_of("2015-02-02")
FIRMS, WEEKS, A_WEEK, DRAWN = 200, 17, 10, 3
MONTHS = [f"2014-{month:02d}" for month in range(1, 13)] + [
    f"2015-{month:02d}" for month in range(1, 6)
]
TARGET = """
[target.undeclared_workers]
zh = "未全员参保"
en = "workers without registration"
unit = "inspection"
violation = 1
label = "visit"
[target.undeclared_workers.split]
train_until = 2014-12-31
test_from = 2015-01-01
test_until = 2015-06-30
"""
Write = Callable[..., Path]
OWN_TABLES = {"quantiles", "limits"}


def day(number: int) -> str:
    return date_of(number).isoformat()


def planned() -> list[tuple[int, int, bool]]:
    """Return the firm, the Monday and whether it was drawn, of every planned visit."""
    return [
        (week * A_WEEK + place, FIRST_MONDAY + 7 * week, place < DRAWN)
        for week in range(WEEKS)
        for place in range(A_WEEK)
    ]


def finds(firm: int) -> bool:
    return firm % 3 == 0


def tables(months: list[str]) -> dict[str, list[dict[str, object]]]:
    """Two hundred firms that file taxes month by month, ten of them visited in each week by plan."""
    filed = [
        {
            "enterprise": f"e{firm:03d}",
            "month": month,
            "employees": 3 + firm % 40,
            "payroll": 10**6,
            "recorded_on": f"{month}-28",
        }
        for month in months
        for firm in range(FIRMS)
    ]
    register = [
        {
            "enterprise": f"e{firm:03d}",
            "since": "2012-01-01",
            "registered": "2012-01-01",
            "section": "CF"[firm // 7 % 2],
            "recorded_on": "2012-01-01",
        }
        for firm in range(FIRMS)
    ]
    looks = [
        {
            "inspection": f"v{firm:03d}",
            "enterprise": f"e{firm:03d}",
            "kind": "routine",
            "opened": day(monday + 1),
            "closed_on": day(monday + 3),
            "recorded_on": day(monday + 3),
            **{f"examined_{number}": int(number == 1) for number in range(1, 6)},
        }
        for firm, monday, _ in planned()
    ]
    found = [
        {
            "inspection": f"v{firm:03d}",
            "violation": 1,
            "workers_in_violation": 2,
            "recorded_on": day(monday + 3),
        }
        for firm, monday, _ in planned()
        if finds(firm)
    ]
    return {
        "enterprises": register,
        "tax_payroll": filed,
        "inspections": looks,
        "findings": found,
    }


def write_plans(home: Path) -> None:
    """Write the plans and draws of all weeks into the journal, as `lssi plan` names their parts."""
    for week in range(WEEKS):
        monday = FIRST_MONDAY + 7 * week
        firms = [firm for firm, on, _ in planned() if on == monday]
        names = [f"e{firm:03d}" for firm in firms]
        plan = {
            "plan": ["p"] * A_WEEK,
            "enterprise": names,
            "cell": [None] * A_WEEK,
            "week": [monday] * A_WEEK,
            "position": list(range(1, A_WEEK + 1)),
            "planned_minutes": [60] * A_WEEK,
            "why": ["score"] * A_WEEK,
            "recorded_on": [monday] * A_WEEK,
        }
        draw = {
            "draw": [f"d{week}"] * A_WEEK,
            "enterprise": names,
            "drawn_on": [monday] * A_WEEK,
            "inclusion_probability": [0.3] * A_WEEK,
            "drawn": [int(place < DRAWN) for place in range(A_WEEK)],
            "recorded_on": [monday] * A_WEEK,
        }
        for target in ("undeclared_workers", "unpaid_contributions"):
            journal = home / "journal" / "hand"
            plan_of = {**plan, "plan": [f"p{target}{week}"] * A_WEEK}
            write_journal_part(journal, "plans", f"{target}.p{week}", plan_of)
            draw_of = {**draw, "draw": [f"d{target}{week}"] * A_WEEK}
            write_journal_part(journal, "draws", f"{target}.d{week}", draw_of)


def bundle_of(store: Store, place: Path) -> Bundle:
    """A little model of that store's features, in use for the source `hand`."""
    living = matrix(store, "enterprise", TRAINED)
    label = np.array([finds(firm) for firm in range(FIRMS)])
    choices = {"objective": "binary", "verbosity": -1, "num_threads": 1, "seed": 1}
    data = lightgbm.Dataset(living.values, label, feature_name=list(living.names))
    text = lightgbm.train(choices, data, 5).model_to_string()
    frozen = frozen_features(catalogue_of(store).features("enterprise"), living)
    calibration = Calibration((-3.0, 3.0), (0.3, 0.4))
    parts = Parts(
        target="undeclared_workers",
        as_of=day(TRAINED),
        features=frozen,
        calibration=calibration,
        any_text=text,
        count_text=None,
        probe=living,
        origin={"source": "hand"},
        metrics={},
    )
    path = write_bundle(place, parts)
    bundle = load_bundle(path)
    pointer = Pointer(bundle=path.name, digest=bundle.digest)
    promote_model(place, ModelKey("hand", "undeclared_workers"), pointer)
    return bundle


@pytest.fixture(scope="module")
def at_work(hand_source: Write, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """The source and the home of a model in use that was visited by plan."""
    place = tmp_path_factory.mktemp("monitor")
    source = hand_source(place / "source", tables(MONTHS), TARGET)
    home = place / "home"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LSSI_HOME", str(home))
        bundle_of(open_store(source), home / "bundles")
        write_plans(home)
    return source, home


@pytest.fixture
def in_its_home(at_work: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch) -> Path:
    source, home = at_work
    monkeypatch.setenv("LSSI_HOME", str(home))
    return source


def called_for(report: dict[str, Any]) -> list[tuple[str, str]]:
    """Return what calls for more than to go on, and for what."""
    reasons = report["verdict"]["reasons"]
    return [(each["about"], each["word"]) for each in reasons if each["word"] != "go on"]


def test_a_trial_stands_on_the_journal_and_what_moved_is_told_by_its_table(
    in_its_home: Path, say: Say
) -> None:
    report = say("monitor", "undeclared_workers", in_its_home, "--as-of", day(TODAY), "--json").json
    assert report["verdict"]["word"] == "watch"
    # nobody was visited before the training, so that what rests on visits has moved, and nothing else
    assert called_for(report) == [("table inspections", "watch")]
    assert report["compared_with"] == day(TRAINED)
    lift = report["lift"]
    assert (lift["word"], lift["visits"]) == ("go on", WEEKS * A_WEEK)
    assert (lift["lottery_visits"], lift["drawn_without_outcome"]) == (WEEKS * DRAWN, 0)
    hits = [finds(firm) for firm, _, drawn in planned() if drawn]
    others = [finds(firm) for firm, _, drawn in planned() if not drawn]
    assert lift["lift"]["value"] == pytest.approx(np.mean(others) / np.mean(hits))
    assert report["calibration"]["cases"] == WEEKS * A_WEEK
    assert report["groups"]["basis"] == "visits of the list"
    assert {row["word"] for row in report["feeds"]} == {"comes"}
    expected = report["without_labels"]["by_probability"]
    assert expected["listed"] == 20 and 0.3 <= expected["precision"] <= 0.4
    lines = list(monitor_lines(report))
    assert "留意 WATCH" in lines[0]
    for reason in report["verdict"]["reasons"]:
        assert any(reason["zh"] in line and reason["en"] in line for line in lines)


def test_a_verdict_is_recorded_once_and_is_no_score(in_its_home: Path, say: Say) -> None:
    words = ("monitor", "undeclared_workers", in_its_home, "--as-of", day(TODAY), "--record")
    first = say(*words, "--json").json
    record_id = first["record_id"]
    assert record_id.startswith("0-")
    assert say(*words).out.splitlines() == [
        f"{record_id} 已记入账本 is in the ledger",
        *monitor_lines(first),
    ]
    stored = find(Path(os.environ["LSSI_HOME"]) / "ledger.db", record_id)
    assert stored.payload is not None and stored.entry["kind"] == "act"
    act = act_of(stored.payload)
    assert (act.what, act.content["verdict"]) == ("monitor", first["verdict"])
    assert say("ledger", "verify").code == 0
    assert "is an act (monitor)" in say("replay", record_id).line


def fields_of(part: Any) -> set[str]:
    """Return the names of all fields of a report; quantiles and limits are named by their own tables."""
    if isinstance(part, list):
        return set().union(*map(fields_of, part))
    if not isinstance(part, dict):
        return set()
    inside = [fields_of(value) for name, value in part.items() if name not in OWN_TABLES]
    return set(part).union(*inside)


def test_every_field_is_in_the_document(in_its_home: Path, bundle: Bundle) -> None:
    page = (Path(__file__).parents[1] / "docs" / "monitor.md").read_text("utf-8")
    report = monitor(open_store(in_its_home), bundle, TODAY)
    assert {name for name in fields_of(report) if f"`{name}`" not in page} == set()


def seen_by(source: Path, home: Path, bundle: Bundle) -> dict[str, Any]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LSSI_HOME", str(home))
        return monitor(open_store(source), bundle, TODAY)


@pytest.fixture(scope="module")
def bundle(at_work: tuple[Path, Path]) -> Bundle:
    _, home = at_work
    key = ModelKey("hand", "undeclared_workers")
    return promoted(home / "bundles", key)


def test_a_feed_that_stops_halts_the_model_and_is_one_reason(
    write_source: Write, bundle: Bundle, tmp_path: Path
) -> None:
    until_february = [month for month in MONTHS if month <= "2015-02"]
    source = write_source(tables(until_february), TARGET)
    report = seen_by(source, tmp_path / "home", bundle)
    said = report["verdict"]
    expected = [("table tax_payroll", "halt"), ("table inspections", "watch")]
    of_tables = [each for each in called_for(report) if each[0].startswith("table")]
    assert (said["word"], of_tables) == ("halt", expected)
    [feed] = [row for row in report["feeds"] if row["table"] == "tax_payroll"]
    assert (feed["word"], feed["rows"], feed["last_day"]) == ("stopped", 0, "2015-02-28")
    assert "features rest on it" in said["reasons"][0]["en"]


def test_what_nobody_can_tell_yet_is_said(
    write_source: Write, bundle: Bundle, tmp_path: Path
) -> None:
    rows = tables(MONTHS)
    rows["inspections"] = rows["inspections"][:12]
    rows["findings"] = rows["findings"][:1]
    report = seen_by(write_source(rows, TARGET), tmp_path / "home", bundle)
    unknown = {each["about"]: each["en"] for each in report["verdict"]["not_known"]}
    assert unknown.keys() == {"calibration", "lift"}
    assert (
        "12 outcomes of weeks that are over" in unknown["calibration"]
        and "no plan" in unknown["lift"]
    )
    assert report["calibration"]["excess"].startswith("not estimable: 12 outcomes")
    assert report["without_labels"]["by_weighted_outcomes"]["precision"].startswith("not estimable")
    assert report["lift"] == {"word": None, "drawn_without_outcome": None}


def test_without_any_outcome_the_rest_is_told_all_the_same(
    write_source: Write, bundle: Bundle, tmp_path: Path
) -> None:
    rows = tables(MONTHS)
    rows["inspections"] = [{**rows["inspections"][0], "closed_on": "", "recorded_on": "2014-06-01"}]
    rows["inspections"][0]["opened"] = "2014-05-01"
    rows["findings"] = []
    report = seen_by(write_source(rows, TARGET), tmp_path / "home", bundle)
    assert report["calibration"]["cases"] == 0 and report["calibration"]["bands"] == []
    assert report["without_labels"]["by_probability"]["listed"] == 20
    assert json.loads(json.dumps(report, allow_nan=False)) == report


def test_a_bundle_that_names_no_tables_is_watched_and_says_what_is_not_known(
    in_its_home: Path, bundle: Bundle
) -> None:
    features = tuple(each.model_copy(update={"tables": ()}) for each in bundle.features)
    manifest = bundle.manifest.model_copy(update={"features": features})
    report = monitor(open_store(in_its_home), replace(bundle, manifest=manifest), TODAY)
    assert report["feeds"] == [] and report["features"]["tables"] == []
    assert "feeds" in {each["about"] for each in report["verdict"]["not_known"]}


def test_a_source_without_a_table_of_the_model_is_one_line(
    write_source: Write, bundle: Bundle, tmp_path: Path
) -> None:
    rows = tables(MONTHS)
    del rows["tax_payroll"]
    with pytest.raises(HistoryError, match="holds no table tax_payroll, on which features"):
        seen_by(write_source(rows, TARGET), tmp_path / "home", bundle)


def test_a_day_before_the_training_and_one_that_is_not_closed_are_one_line(
    in_its_home: Path, bundle: Bundle, say: Say
) -> None:
    store = open_store(in_its_home)
    with pytest.raises(RequestError, match="was trained as of 2015-01-31; --as-of should be a"):
        monitor(store, bundle, TRAINED)
    words = ("monitor", "undeclared_workers", in_its_home, "--as-of")
    assert "the history is complete to 2015-06-30" in say(*words, day(TODAY + 1)).line
    assert "a day should look like" in say(*words, "yesterday").line


def test_a_target_without_a_promoted_model_is_one_line(in_its_home: Path, say: Say) -> None:
    line = say("monitor", "no_target", in_its_home, "--as-of", day(TODAY)).line
    assert "no model of 'no_target' is promoted for source 'hand'" in line
