"""Which rows are accepted, and the reason of every refusal."""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path

import pytest

from features.store.opening import open_store
from features.store.store import Store

Write = Callable[..., Path]
Row = dict[str, object]
KINDS = "company, household, branch, agency, public, site, other"
LATE = "recorded_on lies after 2015-06-30, the day the source is complete to"
GOOD: dict[str, Row] = {
    "enterprises": {
        "enterprise": "e1",
        "since": "2010-01-01",
        "kind": "company",
        "rural": 0,
        "longitude": 120_000_000,
    },
    "contributions": {
        "worker": "w1",
        "enterprise": "e1",
        "scheme": "pension",
        "month": "2014-05",
        "booked": "2014-06",
        "kind": "normal",
        "base": 300000,
        "paid_on": "2014-06-20",
    },
    "complaints": {"complaint": "k1", "enterprise": "e1", "lodged": "2014-12-30"},
    "inspections": {
        "inspection": "i1",
        "enterprise": "e1",
        "kind": "lottery",
        "opened": "2014-12-01",
        "examined_1": 1,
        "examined_2": 0,
        "examined_3": 0,
        "examined_4": 0,
        "examined_5": 0,
        "inclusion_probability": 0.5,
    },
    "findings": {"inspection": "i1", "violation": 1, "workers_in_violation": 3, "amount": 100},
    "employment": {"worker": "w1", "enterprise": "e1", "started": "2014-01-01"},
    "deaths": {"worker": "w1", "died_on": "2014-01-01"},
}


def refused(store: Store, table: str) -> list[dict[str, str]]:
    place = store.folder / "refused" / f"{table}.csv"
    return list(csv.DictReader(place.read_text("utf-8").splitlines())) if place.exists() else []


@pytest.mark.parametrize(
    ("table", "change", "reason"),
    [
        ("enterprises", {"enterprise": ""}, "enterprise is missing"),
        ("enterprises", {"enterprise": "   "}, "enterprise is missing"),
        ("enterprises", {"since": "yesterday"}, "since should be a day such as 2015-06-30"),
        ("enterprises", {"since": "2015-02-30"}, "since should be a day such as 2015-06-30"),
        ("enterprises", {"since": "0001-01-01"}, "since should lie between 1800 and 9999"),
        ("enterprises", {"kind": "planet"}, f"kind should be one of {KINDS}"),
        ("enterprises", {"rural": 2}, "rural should be 0 or 1"),
        ("enterprises", {"rural": "yes"}, "rural should be 0 or 1"),
        (
            "enterprises",
            {"longitude": "120.5"},
            "longitude should be a whole number of microdegree",
        ),
        ("enterprises", {"longitude": 181_000_000}, "longitude should be -180000000 to 180000000"),
        ("enterprises", {"recorded_on": "2015-07-01"}, LATE),
        ("enterprises", {"recorded_on": ""}, "recorded_on is missing"),
        ("enterprises", {"row_id": ""}, "row_id is missing"),
        ("enterprises", {"retracted": ""}, "retracted is missing"),
        ("contributions", {"month": "2014-13"}, "month should be a month such as 2015-06"),
        ("contributions", {"month": "201400"}, "month should be a month such as 2015-06"),
        ("contributions", {"base": -1}, "base should not be negative"),
        ("contributions", {"base": "12.5"}, "base should be a whole number of fen"),
        ("contributions", {"base": "1e3"}, "base should be a whole number of fen"),
        ("contributions", {"base": "NaN"}, "base should be a whole number of fen"),
        ("contributions", {"base": 10**16}, "base should be -1000000000000000 to 1000000000000000"),
        ("contributions", {"paid_on": "2015-01-02"}, "paid_on lies after recorded_on"),
        ("complaints", {"lodged": "2015-01-02"}, "lodged lies after recorded_on"),
        (
            "inspections",
            {"provider": "p1"},
            "exactly one of enterprise and provider should be given",
        ),
        (
            "inspections",
            {"enterprise": ""},
            "exactly one of enterprise and provider should be given",
        ),
        (
            "inspections",
            {"inclusion_probability": 0},
            "inclusion_probability should be above 0 and at most 1",
        ),
        (
            "inspections",
            {"inclusion_probability": 1.01},
            "inclusion_probability should be above 0 and at most 1",
        ),
        ("inspections", {"examined_1": ""}, "examined_1 is missing"),
        ("findings", {"violation": 0}, "violation should be 1 to 5"),
        ("findings", {"violation": 6}, "violation should be 1 to 5"),
        ("findings", {"amount": -5}, "amount should not be negative"),
        (
            "findings",
            {"workers_in_violation": -1},
            "workers_in_violation should be 0 to 2147483647",
        ),
        ("deaths", {"died_on": "2015-01-02"}, "died_on lies after recorded_on"),
    ],
)
def test_a_row_that_breaks_a_law_is_refused_with_its_reason(
    write_source: Write, table: str, change: Row, reason: str
) -> None:
    store = open_store(write_source({table: [GOOD[table], GOOD[table] | change]}))
    assert (
        store.summary["tables"][table]["accepted"] == 1
        and store.summary["tables"][table]["refused"] == 1
    )
    (row,) = refused(store, table)
    assert (row["row"], row["reason"]) == ("2", reason)
    for name, value in change.items():
        assert row[name] in (str(value).strip(), f"{value}.0")


@pytest.mark.parametrize(
    ("table", "change"),
    [
        ("employment", {"ended": "9999-12-31"}),
        ("employment", {"started": "2015-03-01"}),
        ("contributions", {"kind": "refund", "base": -1}),
        ("contributions", {"base": "300000.0"}),
        ("contributions", {"month": "201405"}),
        ("contributions", {"month": "2014-05-01"}),
        ("inspections", {"inclusion_probability": 1}),
        ("employment", {"ended": "2030-01-01"}),
        ("inspections", {"enterprise": "", "provider": "p1"}),
        ("enterprises", {"rural": "true"}),
        ("enterprises", {"recorded_on": "2015-06-30T15:59:59Z"}),
    ],
)
def test_what_is_sensible_is_accepted(write_source: Write, table: str, change: Row) -> None:
    store = open_store(write_source({table: [GOOD[table] | change]}))
    assert refused(store, table) == [] and store.summary["tables"][table]["accepted"] == 1


def test_a_retraction_needs_only_its_key(write_source: Write) -> None:
    bare = {"inspection": "i1", "recorded_on": "2015-01-02", "retracted": 1}
    store = open_store(
        write_source({"inspections": [GOOD["inspections"], bare, bare | {"inspection": ""}]})
    )
    assert [(row["row"], row["reason"]) for row in refused(store, "inspections")] == [
        ("3", "inspection is missing")
    ]
    assert len(store.live("inspections", 16437)["inspection"]) == 0


def test_a_moment_becomes_a_day_in_the_clock_of_the_source(write_source: Write) -> None:
    late = GOOD["deaths"] | {"recorded_on": "2015-06-30T16:00:00Z", "worker": "w2"}
    store = open_store(write_source({"deaths": [late]}))
    assert [row["reason"] for row in refused(store, "deaths")] == [LATE]
    store = open_store(write_source({"deaths": [late]}, 'clock = "UTC"', "elsewhere"))
    assert store.all_rows("deaths", ("known",))["known"].tolist() == [16616]


def test_a_row_with_two_faults_names_both(write_source: Write) -> None:
    store = open_store(
        write_source({"findings": [GOOD["findings"] | {"violation": 9, "amount": -1}]})
    )
    assert (
        refused(store, "findings")[0]["reason"]
        == "violation should be 1 to 5; amount should not be negative"
    )
    assert store.summary["tables"]["findings"]["reasons"] == [
        {
            "reason": "violation should be 1 to 5; amount should not be negative",
            "rows": 1,
            "first": 1,
        }
    ]


def test_a_reason_never_repeats_the_value_given(write_source: Write) -> None:
    store = open_store(
        write_source({"enterprises": [GOOD["enterprises"] | {"kind": "secret-370283"}]})
    )
    (row,) = refused(store, "enterprises")
    assert "370283" not in row["reason"] and row["kind"] == "secret-370283"


def test_faults_far_apart_keep_their_row_numbers(write_source: Write) -> None:
    rows = [GOOD["deaths"] | {"worker": f"w{number}"} for number in range(1, 3001)]
    rows[1499] = rows[1499] | {"died_on": "never"}
    rows[2999] = rows[2999] | {"died_on": ""}
    store = open_store(write_source({"deaths": rows}))
    found = [(row["row"], row["row_id"]) for row in refused(store, "deaths")]
    assert found == [("1500", "deaths-1500"), ("3000", "deaths-3000")]
