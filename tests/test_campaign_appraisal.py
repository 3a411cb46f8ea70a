"""The compliance appraisal: closed periods, classes by facts alone, each with its rows."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from features.calendar import date_of, day_of
from features.errors import HistoryError, PolicyError, RequestError
from features.home import home
from features.ingest.scan import read_parquet
from features.store.store import Store
from models.bundle.bundle import Parts, load_bundle, write_bundle
from models.bundle.champions import ModelKey, Pointer
from models.bundle.generation import promote_model
from models.campaign.appraisal import appraise
from models.campaign.appraisal_sheet import appraisal_sheet
from models.campaign.period import asked_period, last_closed_period, period_of_year
from models.campaign.sheet import sheet_as_json
from tests.campaign_rows import City, Tables, act, firm, later_day, tables, visit
from tests.said import Say

Write = Callable[..., Path]
DECIDED = "2014-03-31"
LATER = "2014-12-31"


def appraisal_of(store: Store, as_of: str | None = None, period: int | None = 2013) -> Any:
    """Return the sheet of an appraisal as plain values."""
    day = None if as_of is None else day_of(as_of)
    closed, known_by = asked_period(store, period, day)
    return sheet_as_json(appraisal_sheet(store, appraise(store, closed, known_by)))


def classes(sheet: Any) -> dict[str, str | None]:
    return {row["enterprise"]: row["class"] for row in sheet["enterprises"]}


def facts(sheet: Any, name: str) -> list[str]:
    (row,) = (row for row in sheet["enterprises"] if row["enterprise"] == name)
    return [fact["row_id"] for fact in row["facts"]]


@pytest.fixture(scope="module")
def city(hand_source: Write, tmp_path_factory: pytest.TempPathFactory) -> City:
    return City(tmp_path_factory.mktemp("appraisal"), hand_source)


def appraised_rows() -> Tables:
    """Return the small city with appraisals of its own, of which one says otherwise than the rule."""
    held = tables()
    usual = {"period": 2013, "rule": "r", "decided_on": "2014-03-03", "recorded_on": "2014-03-04"}
    held["appraisals"] = [
        {"row_id": "a1", "enterprise": "e01", "rating": "poor"} | usual,
        {"row_id": "a2", "enterprise": "e02", "rating": "poor"} | usual,
        {"row_id": "a3", "enterprise": "e03", "rating": "full"} | usual | {"period": 2011},
    ]
    return held


@pytest.fixture
def source(city: City) -> Store:
    return city.store("source", appraised_rows())


def test_a_period_is_decided_on_what_was_known_by_its_day_and_names_its_rows(source: Store) -> None:
    sheet = appraisal_of(source)
    assert (sheet["as_of"], sheet["first"], sheet["last"]) == (DECIDED, "2012-01-01", "2013-12-31")
    given = classes(sheet)
    assert [given[f"e0{number}"] for number in range(6)] == [
        "full",
        "medium",
        "poor",
        "poor",
        "full",
        "full",
    ]
    assert facts(sheet, "e02") == ["order-2", "fine-2a", "fine-2b"]
    assert facts(sheet, "e03") == ["grave-3"]
    assert facts(sheet, "e04") == facts(sheet, "e05") == []
    assert sheet["rule"] == "qingdao-2012" and len(sheet["rule_digest"]) == 64


def test_a_fact_recorded_late_counts_from_the_day_on_which_it_is_known(source: Store) -> None:
    assert classes(appraisal_of(source, "2014-05-31"))["e05"] == "full"
    later = appraisal_of(source, LATER)
    assert classes(later)["e05"] == "medium"
    assert facts(later, "e05") == ["late-5"]


def test_what_is_recorded_after_the_day_and_the_order_of_rows_change_nothing(
    source: Store, city: City
) -> None:
    closing = {"row_id": "closing-e00", "recorded_on": "2014-04-02"}
    held = later_day(
        appraised_rows(),
        inspections=[visit("w6", "e06", "2013-06-01", recorded_on="2014-04-01")],
        sanctions=[
            act("unknown-6", "w6", "2013-07-01", grave=1, recorded_on="2014-04-01"),
            act("unknown-0", "v0", "2013-07-01", recorded_on="2014-04-01"),
        ],
        enterprises=[firm("e00", closed="2014-04-01", since="2014-04-01") | closing],
    )
    fresh = city.store("fresh", held)
    assert appraisal_of(fresh, DECIDED) == appraisal_of(source, DECIDED)
    assert appraisal_of(fresh, LATER) != appraisal_of(source, LATER)


def test_every_living_enterprise_has_one_row_and_the_counts_add_up(source: Store) -> None:
    sheet = appraisal_of(source)
    names = [row["enterprise"] for row in sheet["enterprises"]]
    assert names == [f"e{number:02d}" for number in range(11)]
    assert classes(sheet)["e09"] is None
    counts = {name: entry["enterprises"] for name, entry in sheet["classes"].items()}
    assert counts == {"full": 7, "medium": 1, "poor": 2}
    assert sheet["living"] == sum(counts.values()) + sheet["too_young"] == 11
    assert sheet["classes"]["full"]["never_visited"] == 4


def test_a_class_that_the_source_recorded_otherwise_is_told(source: Store) -> None:
    sheet = appraisal_of(source)
    recorded = {row["enterprise"]: row["recorded"] for row in sheet["enterprises"]}
    assert (recorded["e01"], recorded["e02"], recorded["e03"]) == ("poor", "poor", None)
    assert sheet["recorded_otherwise"] == 1
    assert classes(sheet)["e01"] == "medium"


COMMANDS = (
    ("appraise", "--period", "2013"),
    ("classify", "--as-of", LATER),
    ("medals", "--as-of", LATER),
    ("exposures", "--as-of", LATER),
)


def test_a_score_changes_no_class_no_medal_and_no_exposure(
    say: Say, at_home: Path, model_parts: Parts
) -> None:
    def said() -> list[str]:
        answers = [say(name, at_home, *words, "--json") for name, *words in COMMANDS]
        assert {answer.code for answer in answers} == {0}
        return [answer.out for answer in answers]

    without = said()
    bundles = home() / "bundles"
    bundle = write_bundle(bundles, model_parts)
    pointer = Pointer(bundle=bundle.name, digest=load_bundle(bundle).digest)
    promote_model(bundles, ModelKey("hand", "undeclared_workers"), pointer)
    assert said() == without


@pytest.fixture
def at_home(source: Store, city: City, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of the source, with the home in which it is loaded."""
    monkeypatch.setenv("LSSI_HOME", str(city.home))
    return city.source("source")


def test_periods_end_as_their_rule_set_says_and_the_one_in_force_after_them_decides() -> None:
    assert [period_of_year(year).policy.rule for year in (2011, 2013, 2015, 2016, 2017)] == [
        "qingdao-2012",
        "qingdao-2012",
        "qingdao-2012",
        "national-2017",
        "national-2017",
    ]
    closed = {day: last_closed_period(day_of(day)).year for day in DAYS}
    assert closed == DAYS
    first = period_of_year(2016).first
    assert str(date_of(first)) == "2016-01-01"


DAYS = {
    "2012-01-01": 2011,
    "2013-12-30": 2011,
    "2013-12-31": 2013,
    "2015-06-30": 2013,
    "2016-12-31": 2016,
    "2018-12-30": 2017,
}


@pytest.mark.parametrize(
    ("period", "as_of", "error", "says"),
    [
        (2012, None, PolicyError, "in periods named by their last year: 2011, 2013, 2015"),
        (2009, None, PolicyError, "no rule set is in force on 2010-01-01"),
        (2015, None, HistoryError, "is decided on what is known by 2016-03-30"),
        (2015, "2015-06-30", PolicyError, "ends on 2015-12-31 and is not closed on 2015-06-30"),
        (2013, "2016-06-30", HistoryError, "complete to 2015-06-30"),
        (None, "2010-12-31", PolicyError, "no rule set is in force"),
        (None, None, RequestError, "give --period 2013, --as-of a day, or both"),
    ],
)
def test_a_period_that_cannot_be_appraised_is_refused(
    source: Store, period: int | None, as_of: str | None, error: type[Exception], says: str
) -> None:
    with pytest.raises(error, match=says):
        appraisal_of(source, as_of, period)


def test_the_command_prints_json_lines_or_a_file(
    say: Say, source: Store, at_home: Path, tmp_path: Path
) -> None:
    told = say("appraise", at_home, "--period", 2013, "--json").json
    assert told == json.loads(json.dumps(appraisal_of(source)))
    out = tmp_path / "classes.parquet"
    assert say("appraise", at_home, "--period", 2013, "--out", out).out == f"{out}: 11\n"
    written = {row["enterprise"]: row for row in read_parquet(out).to_dicts()}
    assert written["e02"]["facts"] == "sanctions:order-2 sanctions:fine-2a sanctions:fine-2b"
    assert {row["rule_digest"] for row in written.values()} == {told["rule_digest"]}
    lines = say("appraise", at_home, "--period", 2013).out
    assert "poor e03: 处罚 sanctions 1, 重大 grave 1" in lines and "sanctions:grave-3" in lines
    refused = say("appraise", at_home, "--period", 2013, "--out", tmp_path / "classes.xlsx").line
    assert "--out should end in .parquet or .csv" in refused


def test_a_source_without_visits_and_sanctions_gives_everyone_the_best_class_unvisited(
    city: City,
) -> None:
    sheet = appraisal_of(city.store("bare", {"enterprises": tables()["enterprises"]}))
    assert sheet["classes"]["full"] == {"enterprises": 10, "never_visited": 10}
