"""Medals: a quota of candidates in a declared order among the best class, and what a medal waives."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from features.calendar import day_of
from features.errors import PolicyError
from features.ingest.scan import read_parquet
from features.store.store import Store
from models.campaign.criteria import best_first
from models.campaign.medal_sheet import medal_sheet
from models.campaign.medals import medals
from models.campaign.period import asked_period
from models.campaign.sheet import sheet_as_json
from models.policy.campaign_rules import Criterion, Quota
from models.policy.policy import policy_on
from tests.campaign_rows import City, Tables, firm, later_day, tables, visit
from tests.said import Say

Write = Callable[..., Path]
DAY = "2014-12-31"
QUOTA = policy_on(day_of(DAY)).medal.quota


def medals_of(store: Store, as_of: str = DAY, rules: Path | None = None) -> Any:
    """Return the sheet of medals as plain values."""
    period, day = asked_period(store, None, day_of(as_of), rules)
    return sheet_as_json(medal_sheet(store, medals(store, period, day)))


def candidates(sheet: Any) -> list[str]:
    return [row["enterprise"] for row in sheet["to_be_awarded"]]


LONG_AGO = {"recorded_on": "2012-01-02"}


def staffed() -> Tables:
    """Return thirty firms with a visit and ever more staff; e29 has a finding, every third firm one worker not enrolled."""
    held = tables()
    held |= {
        "medals": [],
        "exposures": [],
        "sanctions": [],
        "employment": [],
        "enrolments": [],
        "workers": [],
    }
    old = {"inspection": "v29", "violation": 1, "workers_in_violation": 1, "row_id": "f29"}
    held["findings"] = [old | {"recorded_on": "2013-03-02"}]
    held["enterprises"] = [firm(f"e{number:02d}") for number in range(30)]
    held["inspections"] = [
        visit(f"v{number:02d}", f"e{number:02d}", "2013-03-01") for number in range(30)
    ]
    for number in range(30):
        for place in range(number + 1):
            spell = {"worker": f"w{number}-{place}", "enterprise": f"e{number:02d}"}
            spell |= {"started": "2012-01-01", "recorded_on": "2012-01-02"}
            held["workers"].append(
                {"worker": spell["worker"], "row_id": spell["worker"]} | LONG_AGO
            )
            held["employment"].append(spell | {"row_id": f"job-{number}-{place}"})
            if number % 3 or place:
                cover = {"scheme": "pension", "row_id": f"cover-{number}-{place}"}
                held["enrolments"].append(spell | cover)
    return held


def test_the_quota_is_the_seeds_at_full_size_and_in_proportion_below() -> None:
    assert QUOTA.of(433_193) == 581
    assert [QUOTA.of(size) for size in (0, 745, 1_492, 20_000)] == [1, 1, 2, 26]


@given(st.integers(0, 10**6), st.integers(0, 10**6))
def test_a_larger_register_never_has_fewer_medals(one: int, other: int) -> None:
    small, large = sorted((one, other))
    assert QUOTA.of(small) <= QUOTA.of(large) <= max(1, large)


@pytest.fixture(scope="module")
def city(hand_source: Write, tmp_path_factory: pytest.TempPathFactory) -> City:
    return City(tmp_path_factory.mktemp("medals"), hand_source)


@pytest.fixture
def source(city: City) -> Store:
    """The small city; e07 with a medal and e08 exposed are visited too, and e04 holds a medal and was sanctioned since."""
    held = tables()
    held["inspections"] += [visit("w7", "e07", "2013-05-01"), visit("w8", "e08", "2013-05-01")]
    revoked = {"enterprise": "e00", "started": "2014-04-01", "revoked_on": "2014-09-01"}
    early = {"enterprise": "e04", "started": "2014-01-15", "recorded_on": "2014-01-15"}
    held["medals"] += [
        {"row_id": "medal-0", "recorded_on": "2014-09-01"} | revoked,
        {"row_id": "medal-4"} | early,
    ]
    return city.store("source", held)


@pytest.fixture
def large(city: City) -> Store:
    return city.store("large", staffed())


def test_candidates_have_the_best_class_a_visit_and_nothing_since(source: Store) -> None:
    sheet = medals_of(source)
    assert candidates(sheet) == ["e00"]
    assert sheet["set_aside"] == {
        "class": 5,  # e01, e02, e03, e05 whose sanction is known by now, and e09 who is too young
        "age": 0,
        "kind": 1,
        "visits": 1,
        "later_sanction": 1,
        "exposed": 1,
        "holds_one": 1,
    }
    assert sheet["living"] == sum(sheet["set_aside"].values()) + sheet["candidates"]


def test_candidates_stand_in_the_declared_order(large: Store) -> None:
    sheet = medals_of(large)
    # no finding before one, full cover before less, the larger staff before the smaller
    uncovered = [f"e{number:02d}" for number in range(27, -1, -3)]
    covered = [f"e{number:02d}" for number in range(28, 0, -1) if number % 3]
    assert candidates(sheet) == [*covered, *uncovered, "e29"]
    assert [row["within_quota"] for row in sheet["to_be_awarded"]] == [True] + [False] * 29
    assert sheet["to_be_awarded"][0]["staff"] == 29.0


def test_the_order_of_rows_and_rows_of_the_future_change_nothing(large: Store, city: City) -> None:
    late = {"inspection": "v28", "violation": 1, "workers_in_violation": 1, "row_id": "f28"}
    held = later_day(staffed(), findings=[late | {"recorded_on": "2015-01-01"}])
    other = city.store("other", held)
    assert medals_of(other) == medals_of(large)
    assert candidates(medals_of(other, "2015-01-31")) != candidates(medals_of(large, "2015-01-31"))


def test_holders_are_told_with_the_day_to_which_routine_visits_are_waived(source: Store) -> None:
    holders = {row["enterprise"]: row for row in medals_of(source)["holders"]}
    assert {name: row["waived_until"] for name, row in holders.items()} == {
        "e04": "2016-01-15",
        "e07": "2016-03-31",
        "e08": "2016-03-31",
    }
    assert [fact["row_id"] for fact in holders["e04"]["sanctions_since"]] == ["after-4"]
    assert holders["e07"]["sanctions_since"] == []


def test_a_source_without_staff_orders_by_what_it_can_compute_and_says_so(source: Store) -> None:
    sheet = medals_of(source)
    assert sheet["lacking"] == {
        "share_not_enrolled": "employment, enrolments, workers",
        "staff": "employment, workers",
    }
    assert [criterion["feature"] for criterion in sheet["order"]] == ["days_since_finding"]


def test_a_criterion_that_is_no_feature_is_refused(source: Store, tmp_path: Path) -> None:
    rules = with_rules(tmp_path, 'feature = "staff"', 'feature = "beauty"')
    with pytest.raises(PolicyError, match="'beauty', which is no feature of enterprises"):
        medals_of(source, rules=rules)


def with_rules(place: Path, old: str, new: str) -> Path:
    """Return a folder with the city's rule set, in which one text is replaced."""
    from importlib import resources

    published = resources.files("models.policy").joinpath("rules/qingdao-2012.toml")
    text = published.read_text("utf-8")
    assert old in text
    folder = place / "rules"
    folder.mkdir()
    (folder / "own.toml").write_text(text.replace(old, new), "utf-8")
    return folder


def test_a_source_may_bring_its_own_rules(
    say: Say, large: Store, city: City, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LSSI_HOME", str(city.home))
    source = city.source("large")
    rules = with_rules(
        tmp_path, "at_full_size = 581, full_size = 433193", "at_full_size = 581, full_size = 747"
    )
    out = tmp_path / "medals.parquet"
    assert say("medals", source, "--as-of", DAY, "--rules", rules, "--out", out).code == 0
    # 581 medals to 747 firms are 23 to 30
    assert read_parquet(out)["within_quota"].sum() == 23
    lines = say("medals", source, "--as-of", DAY, "--rules", rules).out
    assert "名额 quota 23，候选 candidates 30，存续 living 30" in lines


CRITERIA = (
    Criterion(feature="a", best="most", step=365.0, unknown="best"),
    Criterion(feature="b", best="least", step=0.01, unknown="worst"),
)


def test_steps_floors_and_unknown_values_order_as_declared() -> None:
    values = np.array([[400.0, 0.0], [800.0, 0.5], [np.nan, 0.0], [700.0, -0.2], [400.0, np.nan]])
    # nothing known of the first is best; whole years decide; below the floor is the floor
    assert best_first(values, CRITERIA, np.array(list("abcde"))).tolist() == [2, 1, 0, 3, 4]


def test_a_share_on_the_edge_of_a_step_is_in_it() -> None:
    values = np.array([[1.0, 0.295], [1.0, 0.29]])
    assert best_first(values, CRITERIA, np.array(["a", "b"])).tolist() == [0, 1]


def test_a_quota_may_be_nobody() -> None:
    assert Quota(at_full_size=1, full_size=1_000, least=0).of(999) == 0
