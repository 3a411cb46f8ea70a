"""Matches by hand: each kind finds its discrepancy, lets its legal look-alike pass, and sees no row before its day."""

from __future__ import annotations

import csv
import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner

from features.calendar import day_of
from features.errors import HistoryError, RequestError
from features.ingest.scan import read_table
from features.matches.declared import kinds
from features.matches.find import Match, match_as_json, match_counts, matches, uncounted
from features.matches.write import match_lines, matches_as_json, write_matches
from features.store.opening import open_store
from tests.random_history import LAST, write_history

Row = dict[str, object]
Tables = dict[str, list[Row]]
D = "2015-06-30"
ELSE = {"recorded_on": "2014-12-01"}


def spell(
    worker: str,
    enterprise: str,
    started: str,
    ended: str = "",
    kind: str = "regular",
    **more: object,
) -> Row:
    return (
        {
            "worker": worker,
            "enterprise": enterprise,
            "started": started,
            "ended": ended,
            "kind": kind,
        }
        | ELSE
        | more
    )


def cover(
    worker: str,
    enterprise: str,
    started: str,
    ended: str = "",
    scheme: str = "pension",
    **more: object,
) -> Row:
    return (
        {
            "worker": worker,
            "enterprise": enterprise,
            "scheme": scheme,
            "started": started,
            "ended": ended,
        }
        | ELSE
        | more
    )


def claim(number: str, worker: str, filed_on: str, scheme: str = "medical", **more: object) -> Row:
    return {
        "claim": number,
        "worker": worker,
        "scheme": scheme,
        "filed_on": filed_on,
        "recorded_on": filed_on,
    } | more


def stay(number: str, worker: str, provider: str, admitted: str, discharged: str) -> Row:
    return claim(
        number,
        worker,
        discharged,
        provider=provider,
        inpatient=1,
        admitted=admitted,
        discharged=discharged,
    )


def payment(number: str, worker: str, month: str, paid_on: str = "", **more: object) -> Row:
    return {
        "claim": number,
        "worker": worker,
        "month": month,
        "amount": 100,
        "paid_on": paid_on,
        "recorded_on": paid_on or f"{month}-28",
    } | more


def filed(enterprise: str, month: str, employees: int, payroll: int = 0) -> Row:
    return {
        "enterprise": enterprise,
        "month": month,
        "employees": employees,
        "payroll": payroll or "",
        "recorded_on": f"{month[:5]}{int(month[5:]) + 1:02d}-15",
    }


@pytest.fixture
def found(write_source: Callable[..., Path]) -> Callable[..., list[Match]]:
    """`found(tables, kind, as_of=D)`: the matches of one kind."""

    def find(tables: Tables, kind: str, as_of: str = D) -> list[Match]:
        return list(matches(open_store(write_source(tables)), day_of(as_of), kind))

    return find


Found = Callable[..., list[Match]]


def payroll() -> Tables:
    """Ten filed for April: five enrolled, one of them by a late enrolment within the grace."""
    rows = [cover(f"W{n}", "E1", "2014-01-01") for n in range(4)] + [
        cover("W4", "E1", "2015-05-20", recorded_on="2015-05-20")
    ]
    return {
        "tax_payroll": [filed("E1", "2015-04", 10)],
        "enrolments": rows,
        "dispatch": [],
        "employment": [],
    }


def test_more_filed_with_tax_than_enrolled(found: Found) -> None:
    (match,) = found(payroll(), "enrolled_against_tax")
    assert (match.subjects, match.measured, match.expected) == ({"enterprise": "E1"}, 10, 5)
    assert (match.first, match.last) == (day_of("2015-04-01"), day_of("2015-04-30"))
    assert match.rows == (
        ("tax_payroll", "tax_payroll-1"),
        *(("enrolments", f"enrolments-{n}") for n in range(1, 6)),
    )
    assert match.n_rows == 6
    assert match.known == day_of("2015-05-20")


def test_agency_and_part_time_workers_are_no_mismatch(found: Found) -> None:
    agency: Row = {
        "enterprise": "E1",
        "agency": "A",
        "workers": 5,
        "started": "2014-06-01",
        "ended": "2015-04-02",
    } | ELSE
    assert found(payroll() | {"dispatch": [agency]}, "enrolled_against_tax") == []
    over: Row = agency | {"ended": "2015-03-31"}
    assert len(found(payroll() | {"dispatch": [over]}, "enrolled_against_tax")) == 1
    part = [spell(f"P{n}", "E1", "2014-06-01", kind="part_time") for n in range(3)]
    assert found(payroll() | {"employment": part}, "enrolled_against_tax") == []


def test_a_part_time_worker_who_is_enrolled_is_counted_once(found: Found) -> None:
    part = [spell(f"W{n}", "E1", "2014-06-01", kind="part_time") for n in range(5)]
    (match,) = found(payroll() | {"employment": part}, "enrolled_against_tax")
    assert (match.measured, match.expected) == (10, 5)


def test_staff_are_compared_with_tax_where_no_dispatch_agreements_are_held(
    write_source: Callable[..., Path],
) -> None:
    store = open_store(
        write_source({name: rows for name, rows in payroll().items() if name != "dispatch"})
    )
    (match,) = matches(store, day_of(D), "enrolled_against_tax")
    assert (match.measured, match.expected) == (10, 5)
    assert (
        uncounted(store)
        == matches_as_json(store, [match])["uncounted"]
        == {"enrolled_against_tax": "dispatch"}
    )
    assert "enrolled_against_tax: 缺表，未计入 not counted, absent: dispatch" in list(
        match_lines(store, [match])
    )


def test_a_few_or_a_small_share_or_a_month_within_its_grace_pass(found: Found) -> None:
    assert (
        found(payroll() | {"tax_payroll": [filed("E1", "2015-04", 7)]}, "enrolled_against_tax")
        == []
    )
    many = payroll() | {"enrolments": [cover(f"W{n}", "E1", "2014-01-01") for n in range(20)]}
    assert found(many | {"tax_payroll": [filed("E1", "2015-04", 24)]}, "enrolled_against_tax") == []
    assert (
        len(found(many | {"tax_payroll": [filed("E1", "2015-04", 25)]}, "enrolled_against_tax"))
        == 1
    )
    assert found(payroll(), "enrolled_against_tax", as_of="2015-05-29") == []
    assert len(found(payroll(), "enrolled_against_tax", as_of="2015-05-30")) == 1


def dead() -> Tables:
    return {
        "deaths": [{"worker": "W1", "died_on": "2014-10-20", "recorded_on": "2014-11-05"}],
        "benefit_payments": [
            payment("K1", "W1", f"2014-{month}") for month in ("09", "10", "11", "12")
        ],
    }


def test_dead_but_paid(found: Found) -> None:
    (match,) = found(dead(), "paid_after_death")
    assert match.subjects == {"worker": "W1", "claim": "K1"}
    assert (match.measured, match.first, match.last) == (
        2,
        day_of("2014-11-01"),
        day_of("2014-12-31"),
    )
    assert match.rows == (
        ("deaths", "deaths-1"),
        ("benefit_payments", "benefit_payments-3"),
        ("benefit_payments", "benefit_payments-4"),
    )


def test_what_is_due_up_to_the_month_of_death_may_be_paid_later(found: Found) -> None:
    late = dead() | {"benefit_payments": [payment("K1", "W1", "2014-10", paid_on="2015-01-10")]}
    assert found(late, "paid_after_death") == []
    survivor = dead() | {"benefit_payments": [payment("K2", "W2", "2014-12")]}
    assert found(survivor, "paid_after_death") == []


def test_a_death_is_not_seen_before_it_is_recorded_nor_after_it_is_taken_back(found: Found) -> None:
    assert found(dead(), "paid_after_death", as_of="2014-11-30")[0].measured == 1
    early = dead()
    early["deaths"][0]["recorded_on"] = "2015-02-01"
    assert found(early, "paid_after_death", as_of="2015-01-31") == []
    assert len(found(early, "paid_after_death", as_of="2015-02-01")) == 1
    early["deaths"].append(
        {"worker": "W1", "died_on": "2014-10-20", "recorded_on": "2015-03-01", "retracted": 1}
    )
    assert found(early, "paid_after_death") == []


def test_a_correction_moves_a_match_from_its_own_day(found: Found) -> None:
    tables = dead()
    tables["deaths"].append({"worker": "W1", "died_on": "2014-11-20", "recorded_on": "2015-03-01"})
    assert found(tables, "paid_after_death", as_of="2015-02-28")[0].measured == 2
    (match,) = found(tables, "paid_after_death")
    assert (match.measured, match.rows[0], match.known) == (
        1,
        ("deaths", "deaths-2"),
        day_of("2015-03-01"),
    )


def test_care_after_death(found: Found) -> None:
    tables = {
        "deaths": dead()["deaths"],
        "claims": [
            stay("K1", "W1", "H1", "2014-10-21", "2014-10-25"),
            claim("K2", "W1", "2014-11-20"),
        ],
    }
    assert [(m.subjects["claim"], m.measured) for m in found(tables, "claimed_after_death")] == [
        ("K2", 31),
        ("K1", 1),
    ]


def test_what_heirs_claim_and_stays_begun_before_are_due(found: Found) -> None:
    tables = {
        "deaths": dead()["deaths"],
        "claims": [
            stay("K1", "W1", "H1", "2014-10-20", "2014-10-25"),
            claim("K2", "W1", "2014-11-19"),
            claim("K3", "W1", "2015-01-20", scheme="pension"),
            claim("K4", "W1", "2015-01-20", scheme="injury"),
        ],
    }
    assert found(tables, "claimed_after_death") == []


def jobless(ended: str = "2015-03-31") -> Tables:
    return {
        "unemployment_spells": [
            {"claim": "K1", "worker": "W1", "started": "2014-10-01", "ended": ended} | ELSE
        ]
    }


def test_employed_and_on_unemployment_benefit(found: Found) -> None:
    (match,) = found(
        jobless() | {"employment": [spell("W1", "E2", "2015-02-01")]}, "employed_on_benefit"
    )
    assert match.subjects == {"enterprise": "E2", "worker": "W1", "claim": "K1"}
    assert match.measured == 28 + 31
    assert match.rows == (
        ("unemployment_spells", "unemployment_spells-1"),
        ("employment", "employment-1"),
    )


def test_the_month_of_a_new_job_and_part_time_work_pass(found: Found) -> None:
    for work in (
        spell("W1", "E2", "2015-03-01"),
        spell("W1", "E2", "2015-01-01", kind="part_time"),
        spell("W1", "E1", "2012-01-01", "2014-09-30"),
        spell("W2", "E2", "2015-01-01"),
    ):
        assert found(jobless() | {"employment": [work]}, "employed_on_benefit") == []
    assert (
        len(
            found(
                jobless() | {"employment": [spell("W1", "E2", "2015-02-28")]}, "employed_on_benefit"
            )
        )
        == 1
    )


def test_a_benefit_that_still_runs_is_compared_up_to_the_day(found: Found) -> None:
    tables = jobless("") | {"employment": [spell("W1", "E2", "2015-05-30")]}
    assert found(tables, "employed_on_benefit")[0].measured == 32
    assert found(tables, "employed_on_benefit", as_of="2015-06-29") == []


def houses(**more: str) -> list[Row]:
    return [
        {"enterprise": name, "since": "2010-01-01", "head_office": more.get(name, "")} | ELSE
        for name in ("E1", "E2", "E3")
    ]


def test_two_full_time_employers(found: Found) -> None:
    tables: Tables = {
        "enterprises": houses(),
        "employment": [spell("W1", "E1", "2014-01-01"), spell("W1", "E2", "2015-05-01")],
    }
    (match,) = found(tables, "two_full_time")
    assert (match.subjects, match.measured) == ({"enterprise": "E2", "worker": "W1"}, 61)
    assert match.rows == (("employment", "employment-1"), ("employment", "employment-2"))


@pytest.mark.parametrize(
    "second",
    [
        spell("W1", "E2", "2015-05-01", kind="part_time"),
        spell("W1", "E2", "2015-05-01", "2015-05-31"),
        spell("W1", "E2", "2015-05-31"),
        spell("W1", "E1", "2015-01-01"),
        spell("W1", "E2", "2014-02-01", "2014-06-30"),
    ],
)
def test_a_part_time_job_a_change_of_jobs_and_what_is_long_past_pass(
    found: Found, second: Row
) -> None:
    assert (
        found(
            {"enterprises": houses(), "employment": [spell("W1", "E1", "2014-01-01"), second]},
            "two_full_time",
        )
        == []
    )


def test_branches_of_one_head_office_are_one_employer(found: Found) -> None:
    both = [spell("W1", "E1", "2014-01-01"), spell("W1", "E2", "2015-01-01")]
    assert found({"enterprises": houses(E2="E1"), "employment": both}, "two_full_time") == []
    assert (
        found({"enterprises": houses(E1="E3", E2="E3"), "employment": both}, "two_full_time") == []
    )
    assert len(found({"enterprises": houses(E1="E3"), "employment": both}, "two_full_time")) == 1


def hospital(beds: int, **more: object) -> Row:
    return {"provider": "H1", "since": "2012-01-01", "kind": "hospital", "beds": beds} | ELSE | more


def test_billing_beyond_beds(found: Found) -> None:
    stays = [stay(f"K{n}", f"W{n}", "H1", "2015-03-01", "2015-04-11") for n in range(3)]
    (match,) = found({"providers": [hospital(2)], "claims": stays}, "beyond_beds")
    assert match.subjects == {"provider": "H1"}
    assert (match.measured, match.expected, match.n_rows) == (3 * 31, 2 * 31, 4)
    assert (match.first, match.last) == (day_of("2015-03-01"), day_of("2015-03-31"))
    assert match.rows == (
        ("providers", "providers-1"),
        ("claims", "claims-1"),
        ("claims", "claims-2"),
        ("claims", "claims-3"),
    )


def test_full_beds_extra_beds_and_beds_approved_within_the_month_pass(found: Found) -> None:
    stays = [stay(f"K{n}", f"W{n}", "H1", "2015-03-01", "2015-04-01") for n in range(3)]
    assert found({"providers": [hospital(3)], "claims": stays}, "beyond_beds") == []
    grown = [hospital(2), hospital(3, since="2015-03-20", recorded_on="2015-03-20")]
    assert found({"providers": grown, "claims": stays}, "beyond_beds") == []
    extra = [stay("K9", "W9", "H1", "2015-03-01", "2015-03-07")]
    assert found({"providers": [hospital(3)], "claims": stays + extra}, "beyond_beds") == []
    over = [stay("K9", "W9", "H1", "2015-03-01", "2015-03-12")]
    assert len(found({"providers": [hospital(3)], "claims": stays + over}, "beyond_beds")) == 1


def based(base: int) -> list[Row]:
    return [
        {
            "worker": f"W{n}",
            "enterprise": "E1",
            "scheme": "pension",
            "month": month,
            "booked": month,
            "kind": "normal",
            "base": base,
            "recorded_on": f"{month[:5]}{int(month[5:]) + 1:02d}-10",
        }
        for month in ("2015-04", "2015-05")
        for n in range(2)
    ]


def wages(payroll: int) -> list[Row]:
    return [filed("E1", month, 2, payroll) for month in ("2015-04", "2015-05")]


def test_a_base_under_the_wage_filed(found: Found) -> None:
    (match,) = found(
        {"contributions": based(300_000), "tax_payroll": wages(1_000_000)}, "base_under_wage"
    )
    assert (match.measured, match.expected, match.n_rows) == (300_000, 500_000, 6)
    assert (match.first, match.last) == (day_of("2015-04-01"), day_of("2015-05-31"))
    assert [table for table, _ in match.rows] == ["tax_payroll"] * 2 + ["contributions"] * 4
    assert (
        "3,000.00元" in match_as_json(match)["zh"] and "CNY 5,000.00" in match_as_json(match)["en"]
    )


def test_last_years_wage_a_capped_base_and_back_payments_pass(found: Found) -> None:
    assert (
        found({"contributions": based(350_000), "tax_payroll": wages(1_000_000)}, "base_under_wage")
        == []
    )
    assert (
        found(
            {"contributions": based(1_400_000), "tax_payroll": wages(9_000_000)}, "base_under_wage"
        )
        == []
    )
    back: list[Row] = [row | {"kind": "back"} for row in based(100_000)]
    assert (
        found(
            {"contributions": based(500_000) + back, "tax_payroll": wages(1_000_000)},
            "base_under_wage",
        )
        == []
    )


def birth() -> Tables:
    return {
        "claims": [claim("K1", "W1", "2015-05-01", scheme="maternity")],
        "employment": [],
        "enrolments": [
            cover("W1", "E1", "2015-03-01", scheme="maternity", recorded_on="2015-03-01")
        ],
    }


def test_enrolled_shortly_before_a_claim_without_employment(found: Found) -> None:
    (match,) = found(birth(), "enrolled_before_claim")
    assert (match.subjects, match.measured) == (
        {"enterprise": "E1", "worker": "W1", "claim": "K1"},
        61,
    )
    assert match.rows == (("enrolments", "enrolments-1"), ("claims", "claims-1"))


def test_real_work_a_change_of_employer_and_long_cover_pass(found: Found) -> None:
    assert (
        found(birth() | {"employment": [spell("W1", "E1", "2015-02-20")]}, "enrolled_before_claim")
        == []
    )
    before = [
        *birth()["enrolments"],
        cover("W1", "E0", "2013-01-01", "2015-01-31", scheme="maternity"),
    ]
    assert found(birth() | {"enrolments": before}, "enrolled_before_claim") == []
    assert (
        found(
            birth() | {"enrolments": [cover("W1", "E1", "2014-12-01", scheme="maternity")]},
            "enrolled_before_claim",
        )
        == []
    )
    elsewhere = birth() | {"employment": [spell("W1", "E9", "2015-02-20")]}
    assert len(found(elsewhere, "enrolled_before_claim")) == 1


def retired() -> Tables:
    return {
        "pensions": [{"claim": "K1", "worker": "W1", "started": "2014-10-15"} | ELSE],
        "benefit_payments": [
            payment("K1", "W1", month) for month in ("2014-10", "2014-11", "2014-12", "2015-01")
        ],
        "enrolments": [cover("W1", "E1", "2010-01-01", "2014-12-31")],
    }


def test_a_pension_paid_while_enrolled_as_an_active_worker(found: Found) -> None:
    (match,) = found(retired(), "pension_while_enrolled")
    assert (match.subjects, match.measured) == (
        {"enterprise": "E1", "worker": "W1", "claim": "K1"},
        2,
    )
    assert match.rows[:2] == (("pensions", "pensions-1"), ("enrolments", "enrolments-1"))
    assert match.n_rows == 4


def test_rehired_retired_staff_and_the_month_of_retirement_pass(found: Found) -> None:
    injury = retired() | {"enrolments": [cover("W1", "E1", "2010-01-01", scheme="injury")]}
    assert found(injury, "pension_while_enrolled") == []
    left = retired() | {"enrolments": [cover("W1", "E1", "2010-01-01", "2014-11-30")]}
    assert found(left, "pension_while_enrolled") == []


def test_stays_that_overlap_at_two_providers(found: Found) -> None:
    stays = [
        stay("K1", "W1", "H1", "2015-03-01", "2015-03-10"),
        stay("K2", "W1", "H2", "2015-03-08", "2015-03-12"),
    ]
    (match,) = found({"claims": stays}, "overlapping_stays")
    assert (match.subjects, match.measured) == (
        {"worker": "W1", "provider": "H2", "claim": "K2"},
        2,
    )
    assert match.rows == (("claims", "claims-1"), ("claims", "claims-2"))


def test_a_transfer_and_one_provider_twice_pass(found: Found) -> None:
    for second in (
        stay("K2", "W1", "H2", "2015-03-09", "2015-03-12"),
        stay("K2", "W1", "H1", "2015-03-05", "2015-03-12"),
        stay("K2", "W2", "H2", "2015-03-05", "2015-03-12"),
    ):
        assert (
            found(
                {"claims": [stay("K1", "W1", "H1", "2015-03-01", "2015-03-10"), second]},
                "overlapping_stays",
            )
            == []
        )


def test_rows_recorded_after_the_day_change_no_match(tmp_path: Path) -> None:
    store = open_store(write_history(tmp_path / "history", seed=5, size=600))
    day = LAST - 200
    before = {kind: list(matches(store, day, kind)) for kind in kinds()}
    assert sum(map(len, before.values())) > 200
    for name in (
        "deaths",
        "employment",
        "claims",
        "enrolments",
        "unemployment_spells",
        "benefit_payments",
    ):
        path = tmp_path / "history" / f"{name}.csv"
        rows = list(csv.DictReader(path.read_text("utf-8").splitlines()))
        later = [row for row in rows if day_of(row["recorded_on"]) <= day]
        with path.open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, list(rows[0]))
            writer.writeheader()
            writer.writerows(reversed(later))
    again = open_store(tmp_path / "history")
    assert again.fingerprint != store.fingerprint
    for kind, listed in before.items():
        assert list(matches(again, day, kind)) == listed, kind


def test_kinds_of_absent_tables_are_left_out_or_named(
    found: Found, write_source: Callable[..., Path]
) -> None:
    store = open_store(write_source(dead()))
    assert {match.kind for match in matches(store, day_of(D))} == {"paid_after_death"}
    with pytest.raises(HistoryError, match="holds no table 'claims'"):
        list(matches(store, day_of(D), "claimed_after_death"))
    with pytest.raises(RequestError, match="got 'guess'"):
        list(matches(store, day_of(D), "guess"))
    with pytest.raises(HistoryError, match="complete to 2015-06-30"):
        list(matches(store, day_of("2015-07-01")))


def test_every_kind_says_in_both_languages_what_to_verify_and_is_no_verdict() -> None:
    assert len(kinds()) == 10
    for kind in kinds().values():
        assert all((kind.zh, kind.en, kind.verify_zh, kind.verify_en, kind.rule))
        assert not any(
            word in (kind.zh + kind.en).lower()
            for word in ("fraud", "骗", "违法", "illegal", "violation")
        )


def test_files_hold_every_match_and_its_rows(found: Found, tmp_path: Path) -> None:
    listed = found(dead(), "paid_after_death")
    assert (
        write_matches(listed, tmp_path / "m.parquet")
        == write_matches(listed, tmp_path / "m.csv")
        == 1
    )
    (row,) = read_table(tmp_path / "m.parquet").to_pylist()
    assert (
        row["rows"]
        == "deaths:deaths-1 benefit_payments:benefit_payments-3 benefit_payments:benefit_payments-4"
    )
    (line,) = csv.DictReader((tmp_path / "m.csv").read_text("utf-8").splitlines())
    assert (line["worker"], line["first"], line["enterprise"]) == ("W1", "2014-11-01", "")
    with pytest.raises(RequestError, match=r"\.parquet or \.csv"):
        write_matches(listed, tmp_path / "m.xlsx")


def test_the_command_tells_matches_as_json_and_in_lines(write_source: Callable[..., Path]) -> None:
    from lssi import app

    source = str(write_source(dead()))
    told = json.loads(CliRunner().invoke(app, ["matches", source, "--as-of", D, "--json"]).stdout)
    assert told["counts"] == {"paid_after_death": 1}
    assert told["left_out"]["overlapping_stays"] == "claims"
    assert told["matches"][0]["rows"][0] == {"table": "deaths", "row_id": "deaths-1"}
    assert "no verdict" in told["note"]["en"]
    lines = (
        CliRunner()
        .invoke(app, ["matches", source, "--as-of", D, "--kind", "paid_after_death"])
        .stdout
    )
    assert "死亡后仍发放2个月待遇" in lines and "deaths:deaths-1" in lines and "不是结论" in lines


def test_the_counts_of_a_day_are_those_of_its_matches(tmp_path: Path) -> None:
    store = open_store(write_history(tmp_path / "town", seed=5, size=60))
    day = store.complete_to
    listed = list(matches(store, day))
    for subject in ("enterprise", "worker", "provider", "claim"):
        named = [match.subjects[subject] for match in listed if subject in match.subjects]
        assert match_counts(store, subject, day) == Counter(named)
    assert any("claim" in match.subjects for match in listed)
    with pytest.raises(HistoryError, match="complete to"):
        match_counts(store, "enterprise", day + 1)
