"""Public exposure: candidates by sanctions that were not obeyed, publications, and who paid by the next day."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from features.calendar import day_of
from features.store.store import Store
from models.campaign.exposure_sheet import exposure_sheet
from models.campaign.exposures import exposures
from models.campaign.sheet import sheet_as_json
from models.policy.policy import policy_on
from tests.campaign_rows import City, Tables, act, firm, later_day, tables, visit
from tests.said import Say
from tests.test_house import ROOT

Write = Callable[..., Path]
DAY = "2014-06-30"
YUAN = 100


def exposures_of(store: Store, as_of: str = DAY) -> Any:
    """Return the sheet of public exposure as plain values."""
    day = day_of(as_of)
    return sheet_as_json(exposure_sheet(store, exposures(store, policy_on(day), day)))


def owed(sheet: Any) -> dict[str, tuple[int, int]]:
    """Return contribution and wage arrears of each candidate, in fen, in their order."""
    return {
        row["enterprise"]: (row["contribution_arrears"], row["wage_arrears"])
        for row in sheet["to_be_named"]
    }


def finding(number: str, visited: str, yuan: int, violation: int = 2) -> dict[str, Any]:
    row = {"row_id": number, "inspection": visited, "violation": violation}
    return row | {"amount": yuan * YUAN, "recorded_on": "2014-01-20"}


def remedy(number: str, visited: str, yuan: int, day: str) -> dict[str, Any]:
    row = {"row_id": number, "inspection": visited, "violation": 2, "remedied_on": day}
    return row | {"amount_repaid": yuan * YUAN, "recorded_on": day}


def wages(number: str, name: str, yuan: int, since: str, **changed: object) -> dict[str, Any]:
    row = {"row_id": number, "enterprise": name, "amount": yuan * YUAN, "started": since}
    return row | {"recorded_on": since} | changed


def named(number: int, **changed: object) -> dict[str, Any]:
    """Return one of the 21 enterprises that the seed names on 23 January 2014, with its arrears."""
    row = {"row_id": f"named-{number:02d}", "enterprise": f"n{number:02d}"}
    row |= {"published_on": SEED_DAY, "recorded_on": SEED_DAY, "intensified_until": "2016-01-22"}
    row |= {"wage_arrears": 1_000 * YUAN, "contribution_arrears": number * 100 * YUAN}
    return row | changed


SEED_DAY = "2014-01-23"
NEXT_DAY = {"repaid_on": "2014-01-24", "recorded_on": "2014-01-24"}


def debts() -> Tables:
    """Return a city in which e00, e02 and e06 have not obeyed sanctions, e04 is within its term, e05 has obeyed.

    On 23 January 2014 it named 21 enterprises, of whom four paid the next day.
    """
    held = tables()
    held["enterprises"] += [firm(f"n{number:02d}") for number in range(21)]
    held["exposures"] = [named(number, **NEXT_DAY) for number in range(4)]
    held["exposures"] += [named(number) for number in range(4, 21)]
    held["inspections"] += [visit("w6", "e06", "2014-01-10"), visit("w0", "e00", "2014-01-10")]
    held["findings"] = [
        finding("f6", "w6", 30_000),
        finding("f6-other", "w6", 70_000, violation=1),
        finding("f0", "w0", 50_000),
        finding("f2", "v2", 9_000),
        finding("f2-other", "v2", 1_500, violation=1),
        finding("f3", "v3", 90_000),
        finding("f4", "v4", 90_000),
        finding("f5", "v5", 90_000),
    ]
    held["sanctions"] = [
        act("o6", "w6", "2014-02-01"),
        act("o6-fine", "w6", "2014-03-01", act="fine"),
        act("o0", "w0", "2014-02-01"),
        act("o2", "v2", "2014-02-01", violation=""),
        act("o4", "v4", "2014-06-01"),
        act("o5", "v5", "2014-02-01", complied_on="2014-02-20", recorded_on="2014-02-20"),
    ]
    held["remedies"] = [remedy("r0", "w0", 35_000, "2014-05-01")]
    held["wage_arrears"] = [
        wages("w-before", "e02", 1_000, "2014-01-01"),
        wages("w-after", "e02", 2_000, "2014-04-01"),
        wages("w-typed", "e06", 80_000, "2014-01-01"),
        wages("w-nobody", "e07", 500_000, "2014-01-01"),
        wages("w-settled", "e00", 9_000, "2014-01-01")
        | {"settled_on": "2014-04-01", "recorded_on": "2014-04-01"},
    ]
    return held


@pytest.fixture(scope="module")
def city(hand_source: Write, tmp_path_factory: pytest.TempPathFactory) -> City:
    return City(tmp_path_factory.mktemp("exposures"), hand_source)


@pytest.fixture
def source(city: City) -> Store:
    return city.store("source", debts())


@pytest.fixture
def later(city: City) -> Store:
    """The same city in another order of rows, with rows that were recorded in July."""
    paid_in_march = {"repaid_on": "2014-03-01", "recorded_on": "2014-07-01", "row_id": "new-00"}
    held = later_day(
        debts(),
        remedies=[remedy("r6", "w6", 30_000, "2014-06-29") | {"recorded_on": "2014-07-01"}],
        sanctions=[act("o5-late", "v5", "2014-02-03") | {"recorded_on": "2014-07-02"}],
        exposures=[
            named(0, **paid_in_march),
            named(20, row_id="new-20", recorded_on="2014-07-01", retracted=1),
        ],
    )
    return city.store("later", held)


def test_a_candidate_owes_what_a_sanction_asked_for_past_its_term_less_what_was_repaid(
    source: Store,
) -> None:
    sheet = exposures_of(source)
    assert owed(sheet) == {
        "e06": (30_000 * YUAN, 0),  # a sanction that names a type says nothing of wages
        "e00": (15_000 * YUAN, 0),
        "e02": (10_500 * YUAN, 1_000 * YUAN),
    }
    facts = [{fact["row_id"] for fact in row["facts"]} for row in sheet["to_be_named"]]
    assert facts == [
        {"f6", "o6", "o6-fine"},
        {"f0", "o0"},
        {"f2", "f2-other", "w-before", "o2"},  # one that names none answers all, and wages too
    ]
    assert [row["within_quota"] for row in sheet["to_be_named"]] == [True, False, False]


def test_neither_a_finding_nor_arrears_name_anybody_without_a_sanction(source: Store) -> None:
    assert not owed(exposures_of(source)).keys() & {"e03", "e07"}


def test_a_sanction_within_its_term_names_nobody_and_past_it_does(source: Store) -> None:
    assert "e04" not in owed(exposures_of(source, "2014-07-31"))
    assert owed(exposures_of(source, "2014-08-01"))["e04"] == (90_000 * YUAN, 0)


def test_a_repayment_counts_from_the_day_on_which_it_is_known(source: Store) -> None:
    assert owed(exposures_of(source, "2014-04-30"))["e00"] == (50_000 * YUAN, 0)
    assert owed(exposures_of(source, "2014-05-01"))["e00"] == (15_000 * YUAN, 0)


def test_small_debts_closed_firms_and_those_named_already_are_no_candidates(city: City) -> None:
    held = debts()
    held["remedies"] = [
        remedy("r0", "w0", 41_000, "2014-05-01"),
        remedy("r2", "v2", 9_000, "2014-05-01"),
    ]
    closing = {"row_id": "closing-e06", "recorded_on": "2014-06-01"}
    held["enterprises"].append(firm("e06", since="2014-06-01", closed="2014-06-01") | closing)
    held["inspections"].append(visit("w8", "n08", "2014-01-10"))
    held["findings"].append(finding("f8", "w8", 80_000))
    held["sanctions"].append(act("o8", "w8", "2014-02-01"))
    sheet = exposures_of(city.store("small", held))
    assert (owed(sheet), sheet["below_least"], sheet["already_named"]) == ({}, 2, 1)


def test_what_is_recorded_after_the_day_and_the_order_of_rows_change_nothing(
    source: Store, later: Store
) -> None:
    assert exposures_of(later) == exposures_of(source)
    assert owed(exposures_of(later, "2014-07-31")) == {
        "e05": (90_000 * YUAN, 0),
        "e00": (15_000 * YUAN, 0),
        "e02": (10_500 * YUAN, 1_000 * YUAN),
    }


def test_the_seed_21_are_exposed_and_4_pay_the_next_day(source: Store) -> None:
    (publication,) = exposures_of(source)["publications"]
    assert publication == {
        "published_on": SEED_DAY,
        "exposed": 21,
        "wage_arrears": 21 * 1_000 * YUAN,
        "contribution_arrears": 210 * 100 * YUAN,
        "paid_by_next_day": 4,
        "repaid": 4,
        "unpaid": 17,
        "intensified": 21,
    }


def test_a_row_that_is_changed_and_one_that_is_taken_back_change_the_figures(
    later: Store,
) -> None:
    (publication,) = exposures_of(later, "2014-07-31")["publications"]
    names = ("exposed", "paid_by_next_day", "repaid", "unpaid")
    assert [publication[name] for name in names] == [20, 3, 4, 16]


def test_the_exposed_are_inspected_more_for_two_years(source: Store) -> None:
    def intensified(day: str) -> int:
        (publication,) = exposures_of(source, day)["publications"]
        return int(publication["intensified"])

    assert intensified("2014-01-24") == intensified("2015-06-30") == 21
    assert policy_on(day_of(DAY)).exposure.days == 730


def test_the_command_prints_lines(
    say: Say, source: Store, city: City, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LSSI_HOME", str(city.home))
    lines = say("exposures", city.source("source"), "--as-of", DAY).out
    (line,) = (line for line in lines.splitlines() if line.startswith(SEED_DAY))
    assert line == (
        "2014-01-23: 公布 exposed 21, 次日前缴清 paid by the next day 4, 已缴清 repaid 4, "
        "未缴 unpaid 17, 加强检查中 intensified 21"
    )
    assert line in (ROOT / "docs" / "policy.md").read_text("utf-8")
