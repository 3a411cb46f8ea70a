"""Numbers and days of a dump: a text is read as what it exactly says, rounded once, or its row is refused."""

from __future__ import annotations

import re
from decimal import ROUND_HALF_UP, Context, Decimal

import duckdb
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from features.connection import quoted
from features.ingest.dump.forms import unit_sql
from features.ingest.dump.views import prelude
from tests.test_sources_core_platform import SOURCE

NUMBER = re.compile(r"[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]{1,3})?")
GROUPED = re.compile(r"[+-]?[0-9]{1,3}(,[0-9]{3})+(\.[0-9]*)?")
TEXTS = st.one_of(
    st.from_regex(NUMBER, fullmatch=True),
    st.from_regex(GROUPED, fullmatch=True),
    st.text("0123456789_.,eE+-x ", min_size=1, max_size=12),
    st.decimals(-(10**6), 10**6, allow_nan=False, places=9).map(str),
).filter(lambda text: text.strip() == text and text.isascii())
"""Numbers, and texts that resemble them, as they stand in a dump once blanks around them are gone."""


@pytest.fixture(scope="module")
def connection() -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect()
    for statement in prelude(SOURCE):
        if statement.startswith("CREATE MACRO"):
            connection.execute(statement)
    return connection


def read(connection: duckdb.DuckDBPyConnection, call: str, texts: list[str]) -> list[str]:
    """Return what a macro says of some texts, each of which stands as x in its call."""
    rows = ", ".join(f"({place}, {quoted(text)})" for place, text in enumerate(texts))
    query = f"SELECT CAST({call} AS VARCHAR) FROM (VALUES {rows}) AS t(place, x) ORDER BY place"
    return [row[0] for row in connection.execute(query).fetchall()]


def exact(text: str) -> Decimal | None:
    """Return the number that a text says; None where it says none."""
    if GROUPED.fullmatch(text):
        return Decimal(text.replace(",", ""))
    return Decimal(text) if NUMBER.fullmatch(text) else None


def to_step(number: Decimal, step: str) -> Decimal:
    """Return a number rounded to a step, halves away from nought; the context has room for every DECIMAL of 38 digits."""
    return number.quantize(Decimal(step), ROUND_HALF_UP, Context(prec=80))


def has_few_digits(text: str) -> bool:
    """Tell whether a text is short enough for every decimal that it is cast to, its power of ten too."""
    number = exact(text)
    return number is not None and abs(number) < 10**9 and len(text) <= 16


FEW = settings(max_examples=10, deadline=None, phases=(Phase.generate,))
"""Each example is a list of texts, so few are tried, and none is made smaller: the message names the text."""
ODD = ["1_000", "1_0", "100.4999999999", "1.0049999999E2", "-0.5", "0x10", "12.0000004", "12.005"]


@FEW
@given(st.lists(TEXTS, min_size=20, max_size=60))
def test_a_number_is_rounded_once_from_its_exact_text(
    connection: duckdb.DuckDBPyConnection, texts: list[str]
) -> None:
    texts = texts + ODD
    for text, rounded in zip(texts, read(connection, "as_rounded(x)", texts), strict=True):
        number = exact(text)
        if has_few_digits(text) or (number is not None and rounded != text):
            assert number is not None
            assert Decimal(rounded) == to_step(number, "1"), text
        else:
            assert rounded == text


@FEW
@given(st.lists(TEXTS, min_size=20, max_size=60))
def test_an_amount_is_what_its_text_says_to_the_fen_or_is_refused(
    connection: duckdb.DuckDBPyConnection, texts: list[str]
) -> None:
    texts = texts + ODD
    for text, fen in zip(texts, read(connection, "as_fen('GZ', x)", texts), strict=True):
        if fen.startswith("! GZ should be yuan"):
            assert not has_few_digits(text) or not is_to_the_fen(text), text
        else:
            number = exact(text)
            assert number is not None, text
            assert int(fen) == to_step(number, "0.01") * 100, text
            assert is_to_the_fen(text), text


def is_to_the_fen(text: str) -> bool:
    """Tell whether a number has no more than two decimals, but for the last digits of a float beyond the sixth."""
    number = exact(text)
    assert number is not None
    return abs(number - to_step(number, "0.01")) < Decimal("0.0000005")


@FEW
@given(st.lists(TEXTS, min_size=20, max_size=60))
def test_only_a_number_is_read_in_a_stated_unit(
    connection: duckdb.DuckDBPyConnection, texts: list[str]
) -> None:
    texts = texts + ODD
    worth_sql = unit_sql("x", "万元", "yuan", "GZ", "[unit.T]")
    for text, worth in zip(texts, read(connection, worth_sql, texts), strict=True):
        number = exact(text)
        if worth.startswith("! GZ should be a number"):
            assert not has_few_digits(text), text
        else:
            assert number is not None, text
            if number == round(number, 14):
                assert Decimal(worth) == number * 10_000, text


NO_DAYS = [
    "epoch",
    "infinity",
    "-infinity",
    "14-3-15",
    "-2014-03-15",
    "2014-03-15 (BC)",
    "2014-03-15 08:30 (BC)",
    "12014-03-15",
    "12014-03-15 08:30:00",
    "1_014-03-15",
    "2014年3月1日8:30",
]
DAYS = [
    "20140315",
    "20140315.0",
    "2014-03-15",
    "2014/3/15",
    "2014.3.15",
    "2014年3月15日",
    "2014 3 15",
    "2014/3/15 8:30",
    "2014年3月15日 8:30",
    "20140315T083000",
    "2014-03-15T08:30:00+00",
    "2014-03-15 08:30:00.000000",
]


def test_what_a_cast_would_take_for_a_day_and_is_none_is_refused(
    connection: duckdb.DuckDBPyConnection,
) -> None:
    connection.execute("SET TimeZone='UTC'")
    read_days = read(connection, "as_day('AAE036', x)", NO_DAYS + DAYS)
    refused = ["! AAE036 should be a day such as 20150630"] * len(NO_DAYS)
    assert read_days == refused + ["2014-03-15"] * len(DAYS)
