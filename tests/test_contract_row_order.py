"""What cannot be, as the contract declares it: days out of order, numbers out of bounds, rows that contradict others."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from features.calendar import day_of
from features.check.load_report import check
from features.connection import Connection
from features.contract.row_order import Laws, laws
from features.contract.tables import (
    COMMON,
    Column,
    Table,
    contract,
    contract_as_json,
    declared_tables,
)
from features.contract.validation import FAULTS, batch_laws, validated
from features.errors import CatalogueError, RequestError
from features.ingest.contradictions import Rows, without_contradictions
from features.ingest.register_order import DatedVersion, laws_across, refused
from features.ingest.scan import files_in
from features.ingest.source import JOURNAL, find_source
from features.ingest.staged import Staged
from features.online.request_rows import Sent
from features.store.append import feed
from features.store.opening import open_store

Write = Callable[..., Path]
Row = dict[str, object]
COMPLETE = day_of("2015-06-30")
CLAIM: Row = {"claim": "c1", "scheme": "medical", "filed_on": "2014-12-01"}
IMPOSSIBLE: dict[str, tuple[str, Row, str]] = {
    "a discharge before the admission": (
        "claims",
        CLAIM | {"admitted": "2014-11-20", "discharged": "2014-11-10"},
        "discharged lies before admitted",
    ),
    "a job that ends before it begins": (
        "employment",
        {"worker": "w1", "enterprise": "e1", "started": "2014-03-01", "ended": "2014-02-28"},
        "ended lies before started",
    ),
    "cover that ends before it begins": (
        "enrolments",
        {
            "worker": "w1",
            "enterprise": "e1",
            "scheme": "pension",
            "started": "2014-03-01",
            "ended": "2014-02-28",
        },
        "ended lies before started",
    ),
    "an injury grade 11": (
        "work_injuries",
        {"claim": "c1", "happened_on": "2014-01-01", "grade": 11},
        "grade should be 1 to 10",
    ),
    "an injury grade 0": (
        "work_injuries",
        {"claim": "c1", "happened_on": "2014-01-01", "grade": 0},
        "grade should be 1 to 10",
    ),
    "an accident recognised before it happened": (
        "work_injuries",
        {"claim": "c1", "happened_on": "2014-02-01", "recognised_on": "2014-01-01"},
        "recognised_on lies before happened_on",
    ),
    "a birth after the record": (
        "workers",
        {"worker": "w1", "birth_year": 2016},
        "birth_year lies after the year of recorded_on",
    ),
    "a firm closed before it was registered": (
        "enterprises",
        {
            "enterprise": "e1",
            "since": "2010-01-01",
            "registered": "2010-01-01",
            "closed": "2009-12-31",
        },
        "closed lies before registered",
    ),
    "a visit closed before it was opened": (
        "inspections",
        {
            "inspection": "i1",
            "enterprise": "e1",
            "kind": "lottery",
            "opened": "2014-12-01",
            "closed_on": "2014-11-30",
            **{f"examined_{number}": 0 for number in range(1, 6)},
        },
        "closed_on lies before opened",
    ),
    "a contribution booked in a month to come": (
        "contributions",
        {
            "worker": "w1",
            "enterprise": "e1",
            "scheme": "pension",
            "month": "2014-12",
            "booked": "2015-02",
            "kind": "normal",
        },
        "booked lies after the month of recorded_on",
    ),
    "a week of more minutes than it has": (
        "members",
        {
            "member": "m1",
            "team": "t1",
            "role": "full_time",
            "weekly_minutes": 10_081,
            "started": "2010-01-01",
        },
        "weekly_minutes should be 0 to 10080",
    ),
    "a year appraised before it came": (
        "appraisals",
        {
            "enterprise": "e1",
            "period": 2015,
            "rating": "full",
            "rule": "r1",
            "decided_on": "2014-12-31",
        },
        "period lies after the year of decided_on",
    ),
    "a negative number of beds": (
        "providers",
        {"provider": "p1", "since": "2010-01-01", "kind": "hospital", "beds": -1},
        "beds should be at least 0",
    ),
    "a latitude past the pole": (
        "enterprises",
        {"enterprise": "e1", "since": "2010-01-01", "latitude": 90_000_001},
        "latitude should be -90000000 to 90000000",
    ),
    "a sum below nothing": ("claims", CLAIM | {"amount": -1}, "amount should not be negative"),
    "arrears settled before they began": (
        "wage_arrears",
        {"enterprise": "e1", "started": "2014-12-01", "amount": 5, "settled_on": "2014-11-01"},
        "settled_on lies before started",
    ),
}


def refusals(folder: Path) -> dict[str, list[tuple[str, str]]]:
    """Return the refused rows by table: number and reason."""
    return {
        path.stem: [
            (row["row"], row["reason"])
            for row in csv.DictReader(path.read_text("utf-8").splitlines())
        ]
        for path in sorted(files_in(folder, "*.csv"))
    }


def by_table() -> tuple[dict[str, list[Row]], dict[str, list[tuple[str, str]]]]:
    """Return the impossible rows by table, and how each should be refused."""
    rows: dict[str, list[Row]] = {}
    reasons: dict[str, list[tuple[str, str]]] = {}
    for table, row, reason in IMPOSSIBLE.values():
        rows.setdefault(table, []).append(row)
        reasons.setdefault(table, []).append((str(len(rows[table])), reason))
    return rows, dict(sorted(reasons.items()))


def test_what_cannot_be_is_refused_with_its_row_in_files_and_requests(write_source: Write) -> None:
    rows, reasons = by_table()
    place = write_source(rows)
    store = open_store(place)
    assert refusals(store.folder / "refused") == reasons
    for name, told in check(place)["tables"].items():
        assert told["accepted"] == 0 and told["refused"] == len(reasons[name])
        assert {why["reason"] for why in told["reasons"]} == {reason for _, reason in reasons[name]}
    for table, row, reason in IMPOSSIBLE.values():
        with pytest.raises(RequestError, match=f"^history table '{table}' row 1: {reason}$"):
            Sent(store, {table: [row | {"recorded_on": "2015-01-01"}]})


def test_a_day_file_is_judged_like_the_source(write_source: Write) -> None:
    rows, reasons = by_table()
    source = find_source(write_source({table: [] for table in rows}))
    feed(source, day_of("2014-12-31"))
    fed = feed(source, COMPLETE, day_file(write_source, rows))
    assert fed.refused_rows is not None and refusals(fed.refused_rows) == reasons


def day_file(write_source: Write, rows: dict[str, list[Row]]) -> Path:
    """Return a folder with the rows of a day."""
    day = write_source(rows, folder="day")
    (day / "source.toml").unlink()
    return day


def lawful_columns(table: Table) -> list[Column]:
    """Return the columns of a table of which the contract says what cannot be, and those they are compared with."""
    named = {name for column in table.columns for name in column.not_before + column.not_after}
    return [
        column
        for column in table.columns
        if column.kind not in ("id", "choice") or column.name in named or column.name == "kind"
    ]


def numbers(column: Column) -> st.SearchStrategy[int | None]:
    """Return values of a column around all that its laws look at, the empty one too where it may be."""
    recorded = COMPLETE - 100
    around = {
        "day": st.integers(recorded - 40, recorded + 40),
        "month": st.integers(24180, 24187),
        "flag": st.integers(0, 1),
        "year": st.integers(2013, 2017),
        "probability": st.just(1),
        "fen": st.integers(-1, 1),
        "choice": st.integers(0, max(len(column.detail) - 1, 0)),
        "microdegree": st.just(0),
    }
    edges = column.bounds or (0, 10)
    chosen = around.get(column.kind, st.integers(edges[0] - 2, (edges[1] or 10) + 2))
    return st.none() | chosen if column.optional else chosen


def rows_of(table: Table) -> st.SearchStrategy[list[dict[str, int | None]]]:
    """Return batches of rows of a table whose identifiers are sound and whose days and numbers are any."""
    recorded = st.integers(COMPLETE - 140, COMPLETE - 60)
    drawn = {column.name: numbers(column) for column in lawful_columns(table)}
    whole = st.fixed_dictionaries(drawn | {"recorded_on": recorded, "retracted": st.integers(0, 1)})
    return st.lists(whole, min_size=1, max_size=8)


def frame_of(table: Table, rows: list[dict[str, int | None]]) -> pl.DataFrame:
    """Return rows as a batch that a load would judge."""
    subject = {"provider": None} if table.name == "inspections" else {}
    columns: dict[str, pl.Series] = {"row": pl.Series(range(1, len(rows) + 1), dtype=pl.Int64)}
    for column in table.columns + COMMON:
        kind = pl.String if column.kind == "id" else pl.Int64
        values = [
            row.get(column.name, subject.get(column.name, "x") if column.kind == "id" else 0)
            for row in rows
        ]
        columns[column.name] = pl.Series(values, dtype=kind)
    faultless = pl.Series([[] for _ in rows], dtype=pl.List(pl.String))
    return pl.DataFrame(columns).with_columns(
        pl.col("recorded_on").cast(pl.Int32), faultless.alias(FAULTS)
    )


def own_reasons(judged: Laws, table: Table, row: dict[str, int | None]) -> set[str]:
    """Return the reasons by which a request with this row is refused."""
    present = {column.name: 0 for column in table.columns + COMMON} | {"provider": None} | row
    return set(judged.broken(present))


LAWFUL = [table for table in contract().values() if lawful_columns(table)]


@settings(
    max_examples=120, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck)
)
@given(data=st.data())
def test_files_and_requests_are_judged_by_one_list_whatever_the_days_and_numbers(
    data: st.DataObject,
) -> None:
    table = data.draw(st.sampled_from(LAWFUL))
    rows = data.draw(rows_of(table))
    batch = frame_of(table, rows)
    names = [name for name in batch.columns if name not in ("row", FAULTS)]
    verdict = validated(
        batch, batch_laws(table.name, table.columns, present=names, complete_to=COMPLETE)
    )
    by_file = {
        row: set(reason.split("; "))
        for row, reason in verdict.refused.select("row", "reason").iter_rows()
    }
    judged = laws(table.name, table.columns)
    by_request = {
        number: found
        for number, row in enumerate(rows, 1)
        if (found := own_reasons(judged, table, row))
    }
    assert by_file == by_request


def broken_row(column: Column, other: Column, before: bool) -> dict[str, int | None]:
    """Return a row that breaks the order between two of its columns by the least that it can, and is lawful beside."""
    day = day_of("2014-06-15")
    least = {"day": day, "month": 2014 * 12 + 5, "year": 2014}[column.kind] + (-1 if before else 1)
    return {other.name: day, column.name: least}


def test_each_order_that_the_contract_declares_refuses_the_day_before_and_takes_the_day_itself() -> (
    None
):
    seen = 0
    for table in contract().values():
        for column in table.columns:
            pairs = [(name, True) for name in column.not_before] + [
                (name, False) for name in column.not_after
            ]
            for name, before in [pair for pair in pairs if "." not in pair[0]]:
                row = broken_row(column, table.column(name), before)
                blank: dict[str, int | None] = {c.name: None for c in table.columns}
                blank |= {"retracted": 0, "recorded_on": COMPLETE, "kind": 0, "enterprise": 1}
                judged = replace(laws(table.name, table.columns), one_subject=False)
                (reason,) = judged.broken(blank | row)
                assert reason.startswith(f"{column.name} lies {'before' if before else 'after'} ")
                kept = {column.name: (row[column.name] or 0) + (1 if before else -1)}
                assert list(judged.broken(blank | row | kept)) == []
                seen += 1
    assert seen >= 40


def test_the_contract_page_tells_each_law_in_both_languages() -> None:
    import lssi

    page = CliRunner().invoke(lssi.app, ["contract"]).stdout
    for table in contract_as_json():
        for column in table["columns"]:
            lawful = bool(
                column["not_before"] or column["not_after"] or column["least"] is not None
            )
            assert lawful == bool(column["law_zh"]) == bool(column["law_en"])
            assert column["law_zh"] in page and column["law_en"] in page
    assert "不早于入院日期 | day discharged; never before admitted (day admitted)" in page
    assert "1 至 10 | grade, 1 the gravest to 10; 1 to 10" in page
    assert "never before claims.filed_on (day filed)" in page


@pytest.mark.parametrize(
    "mark",
    [
        "from nowhere",
        "until",
        "from amount",
        "until visits.left",
        "from other.day",
        "1-10",
        "recent",
    ],
)
def test_a_law_that_compares_with_no_day_is_no_contract(mark: str) -> None:
    text = (
        f"stays | z | e | stay\n  stay | id stay | z | e\n  amount | fen | z | e\n  left | day {mark} | z | e\n\n"
        "other | z | e | key\n  key | id key | z | e\n  day | day | z | e\n"
    )
    with pytest.raises(CatalogueError):
        declared_tables(text)


# Rows that contradict the row of another table which they name.

PAID: Row = {"claim": "c1", "month": "2014-11", "amount": 5, "paid_on": "2014-11-30"}
BEFORE = "paid_on lies before filed_on of its row in claims"
AFTER = "filed_on lies after paid_on of a row in benefit_payments that was recorded before it"


def test_a_benefit_paid_before_it_was_filed_is_refused(write_source: Write) -> None:
    store = open_store(
        write_source({"claims": [CLAIM], "benefit_payments": [PAID, PAID | {"claim": "c2"}]})
    )
    assert refusals(store.folder / "refused") == {"benefit_payments": [("1", BEFORE)]}
    assert store.summary["tables"]["benefit_payments"]["accepted"] == 1


def test_of_two_rows_that_cannot_both_be_true_the_one_known_later_is_refused(
    write_source: Write,
) -> None:
    store = open_store(
        write_source(
            {"claims": [CLAIM | {"recorded_on": "2015-01-02"}], "benefit_payments": [PAID]}
        )
    )
    assert refusals(store.folder / "refused") == {"claims": [("1", AFTER)]}


def test_a_payment_is_held_against_the_claim_as_it_was_known_then(write_source: Write) -> None:
    claims = [CLAIM, CLAIM | {"filed_on": "2014-11-01", "recorded_on": "2015-02-01"}]
    paid = [
        PAID | {"recorded_on": "2015-01-15"},
        PAID | {"month": "2014-12", "recorded_on": "2015-02-01"},
    ]
    store = open_store(write_source({"claims": claims, "benefit_payments": paid}))
    assert refusals(store.folder / "refused") == {"benefit_payments": [("1", BEFORE)]}


def test_a_payment_taken_back_contradicts_no_claim(write_source: Write) -> None:
    back = PAID | {"recorded_on": "2015-01-02", "retracted": 1}
    claim = CLAIM | {"recorded_on": "2015-01-03"}
    assert (
        refusals(
            open_store(write_source({"claims": [claim], "benefit_payments": [PAID, back]})).folder
            / "refused"
        )
        == {}
    )


@pytest.mark.parametrize(
    ("table", "row", "reason"),
    [
        (
            "claim_reviews",
            {"claim": "c1", "closed_on": "2014-11-30"},
            "closed_on lies before filed_on of its row in claims",
        ),
        (
            "work_injuries",
            {"claim": "c1", "happened_on": "2014-12-02"},
            "happened_on lies after filed_on of its row in claims",
        ),
        ("benefit_payments", PAID, BEFORE),
    ],
)
def test_each_row_is_held_against_the_claim_it_names_in_files_days_and_requests(
    write_source: Write, table: str, row: Row, reason: str
) -> None:
    place = write_source({"claims": [CLAIM], table: [row]})
    store = open_store(place)
    assert refusals(store.folder / "refused") == {table: [("1", reason)]}
    with pytest.raises(RequestError, match=f"^history table '{table}' row 1: {reason}$"):
        Sent(
            store,
            {
                name: [one | {"recorded_on": "2015-01-01"}]
                for name, one in (("claims", CLAIM), (table, row))
            },
        )
    source = find_source(
        write_source({"claims": [CLAIM | {"recorded_on": "2014-12-20"}], table: []}, folder="live")
    )
    feed(source, day_of("2014-12-31"))
    fed = feed(source, COMPLETE, day_file(write_source, {table: [row]}))
    assert fed.refused_rows is not None and refusals(fed.refused_rows) == {table: [("1", reason)]}


def test_a_day_is_held_against_those_rows_of_the_store_alone_that_it_names(
    write_source: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: dict[str, list[str]] = {}

    def seen(connection: Connection, staged: list[Staged], settled: Rows) -> list[Staged]:
        read.update(
            {
                name: connection.sql(query).to_arrow_table()["claim"].to_pylist()
                for name, query in settled.items()
            }
        )
        return without_contradictions(connection, staged, settled)

    claims = [CLAIM | {"claim": f"c{number}", "recorded_on": "2014-12-20"} for number in range(9)]
    paid = [
        PAID | {"claim": f"c{number}", "paid_on": "2014-12-20", "recorded_on": "2014-12-21"}
        for number in (1, 2)
    ]
    source = find_source(write_source({"claims": claims, "benefit_payments": paid}, folder="live"))
    feed(source, day_of("2014-12-31"))
    monkeypatch.setattr("features.store.segment.without_contradictions", seen)
    rows = [
        PAID | {"claim": claim, "month": "2014-12", "row_id": f"day {claim}"}
        for claim in ("c2", "c7", "never")
    ]
    feed(source, COMPLETE, day_file(write_source, {"benefit_payments": rows}))
    assert {name: sorted(named) for name, named in read.items()} == {
        "claims": ["c2", "c7"],
        "benefit_payments": ["c2"],
    }


def told(drawn: tuple[int, bool, int, int | None, bool], number: int) -> DatedVersion:
    """Return a version of a claim, or of one of three payments of it."""
    _, register, key, day, retracted = drawn
    law = next(law for laws in laws_across() for law in laws if law.table == "benefit_payments")
    return DatedVersion(
        f"r{number}",
        None if register else law,
        ("c1",) if register else ("c1", str(key)),
        day,
        retracted,
        False,
    )


VERSIONS = st.lists(
    st.tuples(
        st.integers(0, 5),
        st.booleans(),
        st.integers(0, 2),
        st.none() | st.integers(0, 9),
        st.booleans(),
    ),
    max_size=12,
)


@settings(max_examples=200, deadline=None, derandomize=True)
@given(drawn=VERSIONS, until=st.integers(0, 5))
def test_what_is_accepted_by_a_day_depends_on_no_later_row(
    drawn: list[tuple[int, bool, int, int | None, bool]], until: int
) -> None:
    ordered = sorted(drawn, key=lambda one: (one[0], not one[1]))
    versions = [told(one, number) for number, one in enumerate(ordered)]
    early = [version for version, one in zip(versions, ordered, strict=True) if one[0] <= until]
    of_all = [version.row_id for version, _ in refused(versions)]
    of_early = [version.row_id for version, _ in refused(early)]
    assert of_all[: len(of_early)] == of_early and not set(of_all[len(of_early) :]) & {
        one.row_id for one in early
    }
    wrong = set(of_all)
    day: int | None = None
    paid: dict[Any, int | None] = {}
    for version in versions:
        if version.row_id in wrong:
            continue
        if version.law is None:
            day = None if version.retracted else version.day
        elif version.retracted:
            paid.pop(version.key, None)
        else:
            paid[version.key] = version.day
        assert not any(day is not None and one is not None and one < day for one in paid.values())


def test_days_fed_one_by_one_refuse_what_one_load_refuses(tmp_path: Path) -> None:
    from tests.random_history import write_history

    tables = ("claims", "benefit_payments", "work_injuries", "claim_reviews")
    absent = tuple(name for name in contract() if name not in (*tables, *JOURNAL))
    source = find_source(write_history(tmp_path / "whole", seed=3, absent=absent, apart=True))
    fed = find_source(write_history(tmp_path / "fed", seed=3, absent=absent, apart=True))
    at_once = check(source.folder)["tables"]
    assert sum(at_once[name]["refused"] for name in tables) > 10
    counted = dict.fromkeys(at_once, 0)
    for day in (date(2014, 3, 1), date(2014, 8, 1), date(2015, 6, 30)):
        for name, table in feed(fed, day_of(day)).tables.items():
            counted[name] += table["refused"]
    assert counted == {name: table["refused"] for name, table in at_once.items()}


def test_the_list_of_laws_is_in_the_contract_as_plain_values() -> None:
    columns = {
        (table["table"], column["name"]): column
        for table in contract_as_json()
        for column in table["columns"]
    }
    assert (
        columns["work_injuries", "grade"]["least"] == 1
        and columns["work_injuries", "grade"]["most"] == 10
    )
    assert columns["benefit_payments", "paid_on"]["not_before"] == ["claims.filed_on"]
    assert json.loads(json.dumps(contract_as_json())) == contract_as_json()
