"""Days, moments and months as text: the stated forms are read on the source's clock, and nothing else is read."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta, timezone
from pathlib import Path
from zoneinfo import ZoneInfo

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from features.calendar import day_of, month_of
from features.connection import Connection, opened
from features.contract.tables import Column
from features.contract.written_days import WRITTEN_DAY, WRITTEN_MOMENT, WRITTEN_MONTH
from features.errors import RequestError
from features.ingest.typed_values import value_sql
from features.store.opening import open_store

Write = Callable[..., Path]
CLOCKS = ("Asia/Shanghai", "UTC", "America/Los_Angeles")


@pytest.fixture(scope="module")
def connection() -> Iterator[Connection]:
    with opened() as open_connection:
        yield open_connection


def read(
    connection: Connection, text: str, clock: str = "Asia/Shanghai"
) -> tuple[int | None, int | None]:
    """Return a text as a day and as a month on a clock, as columns of these kinds read it; None where it is neither."""
    connection.execute(f"SET TimeZone='{clock}'")
    values = [
        value_sql(Column("x", kind, (), False, "", ""), "VARCHAR") for kind in ("day", "month")
    ]
    query = f"SELECT {', '.join(values)} FROM (SELECT ? AS x)"
    day, month = connection.execute(query, [text]).fetchall()[0]
    return day, month


OFFSETS = st.sampled_from(
    ["", "Z", " UTC", "+00", "+08", "-08:00", "+0530", "+13:59", "-13", "+14", "+14:00", "-1400"]
)


def offset_of(text: str, clock: str) -> timezone | ZoneInfo:
    """Return the offset that a text means, read by hand."""
    if text == "":
        return ZoneInfo(clock)
    if not text.startswith(("+", "-")):
        return UTC
    digits = text[1:].replace(":", "").ljust(4, "0")
    minutes = int(digits[:2]) * 60 + int(digits[2:])
    return timezone(timedelta(minutes=-minutes if text[0] == "-" else minutes))


@settings(max_examples=250, deadline=None)
@given(
    moment=st.datetimes(datetime.fromisoformat("1995-01-01"), datetime.fromisoformat("2100-01-01")),
    form=st.sampled_from(["%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%S.%f"]),
    offset=OFFSETS,
    clock=st.sampled_from(CLOCKS),
)
def test_a_moment_lies_on_the_day_and_in_the_month_of_the_clock(
    connection: Connection, moment: datetime, form: str, offset: str, clock: str
) -> None:
    text = moment.strftime(form) + offset
    local = moment.replace(tzinfo=offset_of(offset, clock)).astimezone(ZoneInfo(clock))
    # Without an offset the day is the one that is written, also in an hour that the clock leaves out.
    expected = moment.date() if offset == "" else local.date()
    assert read(connection, f" {text} ", clock) == (day_of(expected), month_of(expected))


@settings(max_examples=100, deadline=None)
@given(day=st.dates(), clock=st.sampled_from(CLOCKS))
def test_a_day_and_a_month_are_what_is_written_on_every_clock(
    connection: Connection, day: date, clock: str
) -> None:
    text = day.isoformat()
    assert read(connection, text, clock) == (day_of(day), month_of(day))
    for month in (text[:7], text[:4] + text[5:7]):
        assert read(connection, month, clock) == (None, month_of(day))


@pytest.mark.parametrize(
    "text",
    [
        *("epoch", "infinity", "-infinity", "today", "now", "May 2015", "2015年5月", "05/2015"),
        *("2015/01/02", "2015-1-2", "2015 01 02", "2015\\1\\2", "15-01-02", "20150102", "201505.0"),
        *(
            "2015-02-30",
            "2015-13",
            "201513",
            "2015-00",
            "２０１５-01-02",
            "2015-05\n",
        ),
        *("0044-03-15 (BC)", "2015-01-02 BC", "99999-01-01", "5000000-01-01", "+2015-01-02"),
        *("2015-01-02 24:00:00", "2015-01-02T24:00", "2015-01-02 25:00:00", "2015-01-02T23:60:00"),
        *("2015-01-02 00:00:00+99", "2015-01-02 00:00+14:01", "2015-01-02 00:00-15"),
        *("2015-01-02 08:00 Asia/Tokyo", "2015-01-02junk", "2015-01-02-", "2015-05-15 garbage"),
        *("2015-01-02+08", "2015-01-02 08", "2015-01-02T08:00:00,5", "2015-01-02  08:00"),
    ],
)
def test_a_text_of_another_form_is_neither_a_day_nor_a_month(
    connection: Connection, text: str
) -> None:
    assert read(connection, text) == (None, None)
    assert read(connection, f"{text}x") == (None, None)


@settings(max_examples=300, deadline=None)
@given(text=st.text("0123456789-/:+TZ .eé年", max_size=24))
def test_only_what_fits_a_stated_form_is_read(connection: Connection, text: str) -> None:
    day, month = read(connection, text)
    trimmed = text.strip(" ")
    if day is not None:
        assert re.fullmatch(f"{WRITTEN_DAY}|{WRITTEN_MOMENT}", trimmed)
    if month is not None:
        assert re.fullmatch(f"{WRITTEN_DAY}|{WRITTEN_MOMENT}|{WRITTEN_MONTH}", trimmed)


def test_a_month_of_a_load_is_on_the_clock_and_bound_as_days_are(write_source: Write) -> None:
    months = {
        "a": "2015-05-31T23:30:00Z",
        "b": "2015-06-01 00:30:00+14",
        "c": "1799-12",
        "d": "9999-12",
        "e": "epoch",
        "f": "0000-01-01",
    }
    rows = [
        {"enterprise": unit, "month": month, "kwh": 7, "recorded_on": "2015-06-10"}
        for unit, month in months.items()
    ]
    store = open_store(write_source({"utilities": rows}))
    accepted = sorted(store.all_rows("utilities", ("month",))["month"].tolist())
    assert accepted == [2015 * 12 + 4, 2015 * 12 + 5, 9999 * 12 + 11]
    reasons = {why["reason"] for why in store.summary["tables"]["utilities"]["reasons"]}
    assert reasons == {
        "month should be a month such as 2015-06",
        "month should lie between 1800 and 9999",
    }


def test_an_infinite_date_is_no_month(write_source: Write) -> None:
    folder = write_source({"utilities": []})
    (folder / "utilities.csv").unlink()
    (folder / "utilities.sql").write_text(
        "SELECT 'e1' AS enterprise, 'infinity'::DATE AS month, 7 AS kwh, 1 AS row_id, "
        "DATE '2015-06-10' AS recorded_on, 0 AS retracted",
        "utf-8",
    )
    table = open_store(folder).summary["tables"]["utilities"]
    assert table["reasons"][0]["reason"] == "month should be a month such as 2015-06"


@pytest.mark.parametrize(("dtype", "limit"), [(pl.Float32, 2**24), (pl.Float64, 2**53)])
def test_a_row_with_a_rounded_amount_is_refused_and_told_what_to_export(
    write_source: Write, dtype: pl.DataType, limit: int
) -> None:
    folder = write_source({"utilities": []})
    (folder / "utilities.csv").unlink()
    amounts = [limit - 1, limit, limit * 2**20, 7.5]
    frame = pl.DataFrame(
        {
            "enterprise": ["a", "b", "c", "d"],
            "month": ["2015-05"] * 4,
            "kwh": pl.Series(amounts, dtype=dtype, strict=False),
            "row_id": [1, 2, 3, 4],
            "recorded_on": ["2015-06-10"] * 4,
            "retracted": [0.0] * 4,
        }
    )
    frame.write_parquet(folder / "utilities.parquet")
    store = open_store(folder)
    assert store.all_rows("utilities", ("kwh",))["kwh"].tolist() == [limit - 1]
    assert store.summary["tables"]["utilities"]["reasons"] == [
        {
            "reason": "kwh is a number past what its float holds exactly: export it as an integer or decimal",
            "rows": 2,
            "first": 2,
        },
        {"reason": "kwh should be a whole number of kwh", "rows": 1, "first": 4},
    ]


def test_a_month_of_a_request_is_one_as_a_whole() -> None:
    assert month_of("2015-06-30") == month_of("2015-06") == 2015 * 12 + 5
    for text in ("2015-06-31", "2015-06junk", "2015-06-", "2015-6", "20150630", "2015-W27-2"):
        with pytest.raises(RequestError, match="a day should look like"):
            month_of(text)
        with pytest.raises(RequestError, match="a day should look like"):
            day_of(text)


FLOATS = {"float32": (pl.Float32, 2**24), "float64": (pl.Float64, 2**53)}


@settings(max_examples=60, deadline=None)
@given(
    width=st.sampled_from(sorted(FLOATS)),
    near=st.integers(-3, 3),
    sign=st.sampled_from([1, -1]),
    kind=st.sampled_from(["id", "fen", "count", "kwh", "microdegree", "minutes", "persons"]),
)
def test_a_float_is_a_whole_number_only_where_no_other_was_rounded_to_it(
    connection: Connection, width: str, near: int, sign: int, kind: str
) -> None:
    dtype, limit = FLOATS[width]
    number = sign * (limit + near)
    frame = pl.DataFrame({"x": pl.Series([float(number)], dtype=dtype)})
    rows = connection.from_arrow(frame.to_arrow())
    value = value_sql(Column("x", kind, (), False, "", ""), str(rows.types[0]))
    (stored,) = rows.project(value).fetchall()[0]
    fits = kind in ("id", "fen", "count", "kwh") or abs(number) < 2**31
    assert (stored is not None) == (abs(number) < limit and fits)
    if stored is not None:
        assert int(stored) == number
