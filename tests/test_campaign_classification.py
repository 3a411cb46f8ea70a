"""The classification: category and level of every living enterprise by what is known today."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from features.calendar import day_of
from features.errors import HistoryError, PolicyError
from features.store.store import Store
from models.campaign.classification import classified
from models.campaign.classification_sheet import classification_sheet
from models.campaign.sheet import sheet_as_json
from models.policy.policy import policy_on
from models.policy.policy_facts import enterprise_facts
from models.policy.policy_status import Facts, standing_of
from tests.campaign_rows import City, act, later_day, tables
from tests.said import Say

Write = Callable[..., Path]
DAY = "2014-12-31"


def classes_of(store: Store, as_of: str = DAY) -> Any:
    """Return the sheet of a classification as plain values."""
    day = day_of(as_of)
    return sheet_as_json(classification_sheet(store, classified(store, policy_on(day), day)))


def by_name(sheet: Any) -> dict[str, dict[str, Any]]:
    return {row["enterprise"]: row for row in sheet["enterprises"]}


@pytest.fixture(scope="module")
def city(hand_source: Write, tmp_path_factory: pytest.TempPathFactory) -> City:
    return City(tmp_path_factory.mktemp("classification"), hand_source)


@pytest.fixture
def source(city: City) -> Store:
    return city.store("source", tables())


@pytest.fixture
def at_home(source: Store, city: City, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of the source, with the home in which it is loaded."""
    monkeypatch.setenv("LSSI_HOME", str(city.home))
    return city.source("source")


def test_every_living_enterprise_has_a_category_a_level_and_what_sets_it(source: Store) -> None:
    sheet = classes_of(source)
    said = {
        name: (row["category"], row["level"], row["because"])
        for name, row in by_name(sheet).items()
    }
    assert said == {
        "e00": ("full", "reduced", "class"),
        "e01": ("medium", "normal", "class"),
        "e02": ("poor", "intensified", "class"),
        "e03": ("poor", "intensified", "class"),
        "e04": ("medium", "normal", "class"),
        "e05": ("medium", "normal", "class"),
        "e06": ("unexamined", "normal", "unexamined"),
        "e07": ("unexamined", "waived", "medal"),
        "e08": ("unexamined", "intensified", "exposure"),
        "e09": ("unexamined", "normal", "unexamined"),
        "e10": ("unexamined", "normal", "unexamined"),
    }


def test_each_names_the_rows_behind_it(source: Store) -> None:
    rows = by_name(classes_of(source))
    facts = {
        name: [(fact["table"], fact["row_id"]) for fact in rows[name]["facts"]]
        for name in ("e03", "e07", "e08", "e09")
    }
    assert facts == {
        "e03": [("sanctions", "grave-3")],
        "e07": [("medals", "medal-7")],
        "e08": [("medals", "medal-8"), ("exposures", "named-8")],
        "e09": [],
    }


def test_counts_reconcile_to_the_register(source: Store) -> None:
    sheet = classes_of(source)
    rows = sheet["enterprises"]
    assert (sheet["registered"], sheet["closed"], sheet["living"]) == (12, 1, 11)
    assert sum(sheet["categories"].values()) == sum(sheet["levels"].values()) == len(rows) == 11
    levels = Counter(row["level"] for row in rows)
    assert {name: count for name, count in sheet["levels"].items() if count} == levels


def test_a_medal_waives_and_an_exposure_intensifies_exactly_where_the_plan_says_so(
    source: Store,
) -> None:
    for as_of in ("2014-02-28", DAY, "2015-06-30"):
        day = day_of(as_of)
        policy = policy_on(day)
        facts = enterprise_facts(source, policy, day)
        for name, row in by_name(classes_of(source, as_of)).items():
            standing = standing_of(facts.get(source.code("enterprise", name), Facts()), policy, day)
            assert (standing.level, standing.level_by) == (row["level"], row["because"])
            assert standing.waived == (row["level"] == "waived")
            assert standing.intensified == (row["because"] == "exposure")
            if row["category"] != "unexamined":
                assert standing.grade == row["category"]


def test_a_renewal_that_is_known_before_it_begins_hides_no_medal(city: City) -> None:
    renewed = tables()
    medal = {"enterprise": "e06", "recorded_on": "2014-06-01"}
    renewed["medals"] += [
        medal | {"row_id": "first", "started": "2013-01-01", "ended": "2015-01-31"},
        medal | {"row_id": "second", "started": "2015-02-01", "ended": "2017-01-31"},
    ]
    store = city.store("renewed", renewed)
    assert by_name(classes_of(store))["e06"]["level"] == "waived"
    facts = enterprise_facts(store, policy_on(day_of(DAY)), day_of(DAY))
    assert len(facts[store.code("enterprise", "e06")].medals) == 2


def test_the_classification_sees_today_where_the_appraisal_sees_a_closed_period(
    say: Say, source: Store, at_home: Path
) -> None:
    appraised = by_name(say("appraise", at_home, "--as-of", DAY, "--json").json)
    today = by_name(say("classify", at_home, "--as-of", DAY, "--json").json)
    assert (appraised["e04"]["class"], today["e04"]["category"]) == ("full", "medium")
    # two years later the sanctions of 2013 weigh no more, and the class of the closed period stays
    later = by_name(classes_of(source, "2015-06-30"))
    assert (appraised["e02"]["class"], later["e02"]["category"]) == ("poor", "full")


def test_what_is_recorded_after_the_day_and_the_order_of_rows_change_nothing(
    source: Store, city: City
) -> None:
    medal = {"row_id": "m", "enterprise": "e06", "started": "2014-12-01"}
    held = later_day(
        tables(),
        sanctions=[act("new", "v0", "2014-12-01", recorded_on="2015-01-01")],
        medals=[medal | {"recorded_on": "2015-01-01"}],
    )
    later = city.store("later", held)
    assert classes_of(later) == classes_of(source)
    assert classes_of(later, "2015-01-31") != classes_of(source, "2015-01-31")


def test_a_refused_act_counts_under_the_national_rule_alone() -> None:
    grades = {}
    for day in ("2016-06-30", "2017-06-30"):
        appraisal = policy_on(day_of(day)).appraisal
        grades[day] = [appraisal.class_of(sanctions=1, grave=0, refused=n) for n in (0, 1)]
    assert grades == {"2016-06-30": ["medium", "medium"], "2017-06-30": ["B", "C"]}


def test_a_day_that_is_not_closed_or_before_the_rules_is_refused(source: Store) -> None:
    with pytest.raises(HistoryError, match="complete to 2015-06-30"):
        classes_of(source, "2015-07-01")
    with pytest.raises(PolicyError, match="no rule set is in force on 2011-12-31"):
        classes_of(source, "2011-12-31")


def test_the_command_prints_lines(say: Say, at_home: Path) -> None:
    lines = say("classify", at_home, "--as-of", DAY).out
    assert "登记 registered 12 = 存续 living 11 + 注销 closed 1" in lines
    assert "intensified e08: exposure, unexamined | medals:medal-8 exposures:named-8" in lines
