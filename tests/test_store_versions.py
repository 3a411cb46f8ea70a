"""Versions of a key as signed rows."""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path

import pytest

from features.calendar import day_of
from features.store.opening import open_store

Write = Callable[..., Path]
Row = dict[str, object]


def reasons(folder: Path, table: str) -> list[tuple[str, str]]:
    place = open_store(folder).folder / "refused" / f"{table}.csv"
    return [
        (row["row"], row["reason"]) for row in csv.DictReader(place.read_text("utf-8").splitlines())
    ]


def test_a_row_id_that_is_there_twice_keeps_its_first_row(write_source: Write) -> None:
    rows: list[Row] = [
        {"worker": f"w{number}", "died_on": "2014-01-01", "row_id": row_id}
        for number, row_id in enumerate(("b", "a", "b", "c", "b"), 1)
    ]
    folder = write_source({"deaths": rows})
    assert reasons(folder, "deaths") == [
        ("3", "row_id is there twice; the first row was kept"),
        ("5", "row_id is there twice; the first row was kept"),
    ]
    assert sorted(open_store(folder).all_rows("deaths", ("row_id",))["row_id"]) == ["a", "b", "c"]


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0), (1, 2, 0)])
def test_of_a_row_id_told_again_the_row_recorded_first_is_kept_in_any_order(
    write_source: Write, order: tuple[int, ...]
) -> None:
    told: list[Row] = [
        {"worker": f"w{place}", "died_on": "2014-01-01", "row_id": "b", "recorded_on": day}
        for place, day in enumerate(("2015-01-01", "2015-02-01", "2015-03-01"))
    ]
    folder = write_source({"deaths": [told[place] for place in order]})
    assert open_store(folder).texts("worker") == ["w0"]
    kept = order.index(0) + 1
    assert [row for row, _ in reasons(folder, "deaths")] == [
        str(row) for row in (1, 2, 3) if row != kept
    ]


def version(staff: int, day: str, row_id: object, retracted: int = 0) -> Row:
    return {
        "enterprise": "e1",
        "month": "2014-01",
        "employees": staff,
        "recorded_on": day,
        "row_id": row_id,
        "retracted": retracted,
    }


def signed(folder: Path) -> list[tuple[int, int, int]]:
    rows = open_store(folder).all_rows("tax_payroll", ("employees", "known", "sign"))
    return [tuple(map(int, row)) for row in zip(*rows.values(), strict=True)]  # type: ignore[misc]


def test_a_correction_takes_back_what_it_corrects_on_its_day(write_source: Write) -> None:
    folder = write_source(
        {"tax_payroll": [version(5, "2014-02-02", "b"), version(3, "2014-02-01", "a")]}
    )
    first = day_of("2014-02-01")
    assert signed(folder) == [(3, first, 1), (3, first + 1, -1), (5, first + 1, 1)]


def test_a_correction_on_the_same_day_leaves_nothing_of_the_earlier_row(
    write_source: Write,
) -> None:
    folder = write_source(
        {"tax_payroll": [version(5, "2014-02-01", 10), version(3, "2014-02-01", 9)]}
    )
    assert signed(folder) == [(5, day_of("2014-02-01"), 1)]


def test_a_refused_correction_supersedes_nothing(write_source: Write) -> None:
    folder = write_source(
        {"tax_payroll": [version(3, "2014-02-01", "a"), version(-1, "2014-02-02", "b")]}
    )
    assert signed(folder) == [(3, day_of("2014-02-01"), 1)]


def test_a_retraction_takes_back_and_a_later_row_revives(write_source: Write) -> None:
    folder = write_source(
        {
            "tax_payroll": [
                version(3, "2014-02-01", "a"),
                version(3, "2014-02-03", "b", 1),
                version(3, "2014-02-04", "c", 1),
                version(4, "2014-02-05", "d"),
            ]
        }
    )
    first = day_of("2014-02-01")
    assert signed(folder) == [(3, first, 1), (3, first + 2, -1), (4, first + 4, 1)]


def test_a_retraction_of_a_key_never_seen_is_refused_by_name(write_source: Write) -> None:
    folder = write_source(
        {"tax_payroll": [version(3, "2014-02-01", "a", 1), version(4, "2014-02-05", "b")]}
    )
    assert reasons(folder, "tax_payroll") == [
        ("1", "retracts a key that was never recorded before")
    ]
    assert signed(folder) == [(4, day_of("2014-02-05"), 1)]


def test_a_correction_that_moves_a_row_to_another_enterprise_leaves_the_first(
    write_source: Write,
) -> None:
    folder = write_source(
        {
            "complaints": [
                {
                    "complaint": "k",
                    "enterprise": "e1",
                    "lodged": "2014-01-01",
                    "recorded_on": "2014-01-02",
                },
                {
                    "complaint": "k",
                    "enterprise": "e2",
                    "lodged": "2014-01-01",
                    "recorded_on": "2014-01-05",
                },
            ]
        }
    )
    rows = open_store(folder).all_rows("complaints", ("enterprise", "known", "sign"))
    assert [*zip(*rows.values(), strict=True)] == [(0, 16072, 1), (0, 16075, -1), (1, 16075, 1)]
