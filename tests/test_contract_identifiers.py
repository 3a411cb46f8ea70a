"""Any text is an identifier kept letter by letter, or refused with a reason; files, rows of a day and requests agree."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from features.calendar import day_of
from features.contract.identifiers import IdentifierFault, fault, read_id
from features.contract.tables import LONGEST, contract
from features.errors import RequestError, SourceError
from features.ingest.source import find_source
from features.online.request_rows import Sent
from features.store.append import feed
from features.store.opening import open_store
from features.store.store import Store
from serving.requests import EnterpriseHistory, EnterpriseIds, Id

Write = Callable[..., Path]
ODD = (
    "\t",
    "\u00a0",
    "\u3000",
    "\u200b",
    "\u200d",
    "\u200e",
    "\u202e",
    "\u2066",
    "\ufeff",
    "\u00ad",
    "\x00",
    "\x7f",
)
ROUNDED = (
    "3.70202E+17",
    "3.70202e+17",
    "3,70202E+17",
    "1E+05",
    "-3.7E17",
    ".5e17",
    "370202199001011200.0",
)


def deaths(write_source: Write, ids: list[str]) -> Store:
    return open_store(
        write_source({"deaths": [{"worker": one, "died_on": "2014-01-01"} for one in ids]})
    )


def told(store: Store) -> tuple[int, list[str]]:
    table = store.summary["tables"]["deaths"]
    return table["accepted"], sorted(why["reason"] for why in table["reasons"])


@pytest.mark.parametrize(
    "text",
    ["'1", "007", "#1", "A1", "甲 1", "a1", "1e5", "E1", "NULL", "nan", "\\N", "é", "x" * LONGEST],
)
def test_an_identifier_is_kept_letter_by_letter(write_source: Write, text: str) -> None:
    store = deaths(write_source, [text, "other"])
    assert told(store) == (2, [])
    assert text in store.texts("worker")


@pytest.mark.parametrize(
    "text", [f"A{odd}1" for odd in ODD] + ["Ａ1", "A１", "e\u0301", "x" * (LONGEST + 1), *ROUNDED]
)
def test_a_text_that_could_be_read_as_another_is_refused_with_its_row(
    write_source: Write, text: str
) -> None:
    store = deaths(write_source, [text, "other"])
    accepted, reasons = told(store)
    assert accepted == 1
    assert len(reasons) == 1 and reasons[0].startswith("worker ")


@pytest.mark.parametrize("blank", [" ", "\t", "\u00a0", "\u3000"])
@pytest.mark.parametrize("place", ["{}A1", "A1{}"])
def test_a_blank_at_an_end_refuses_the_row_and_merges_nothing(
    write_source: Write, blank: str, place: str
) -> None:
    store = deaths(write_source, ["A1", place.format(blank)])
    assert told(store)[0] == 1
    assert list(store.texts("worker")) == ["A1"]


def test_three_workers_in_a_float_column_never_become_one(write_source: Write) -> None:
    folder = write_source({"deaths": [{"worker": "W", "died_on": "2014-01-01"}]})
    (folder / "deaths.csv").unlink()
    workers = [370202199001011201.0, 370202199001011202.0, 370202199001011203.0]
    rows = {
        "row_id": ["1", "2", "3"],
        "recorded_on": ["2015-01-01"] * 3,
        "retracted": [0] * 3,
        "worker": workers,
        "died_on": ["2014-01-01"] * 3,
    }
    pl.DataFrame(rows).write_parquet(folder / "deaths.parquet")
    accepted, reasons = told(open_store(folder))
    assert accepted == 0
    assert reasons == ["worker is a number past what its float holds exactly: export it as text"]


@pytest.mark.parametrize(
    ("flag", "retracted"),
    [("0.0", False), ("1.0", True), ("0", False), ("1", True), ("TRUE", True)],
)
def test_a_flag_with_zeros_behind_its_point_is_a_flag(
    write_source: Write, flag: str, retracted: bool
) -> None:
    rows = [
        {"worker": "W1", "died_on": "2014-01-01"},
        {"worker": "W1", "died_on": "2014-01-01", "recorded_on": "2015-02-01", "retracted": flag},
    ]
    store = open_store(write_source({"deaths": rows}))
    assert told(store) == (2, [])
    (days,) = store.live("deaths", store.complete_to, ("died_on",)).values()
    assert len(days) == (0 if retracted else 1)


@settings(max_examples=300, deadline=None)
@given(st.text(min_size=1, max_size=12))
def test_a_request_reads_a_text_as_it_stands_or_says_what_is_wrong(text: str) -> None:
    if fault(text) is None:
        assert read_id(text) == text
    else:
        with pytest.raises(IdentifierFault):
            read_id(text)


# Few files of many texts: each text is judged for itself, and to load a file takes longer than to judge 100 texts.
@settings(
    max_examples=8,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.large_base_example],
)
@given(
    texts=st.lists(
        st.text(st.characters(codec="utf-8"), min_size=1, max_size=8),
        min_size=70,
        max_size=130,
        unique=True,
    )
)
def test_a_file_judges_each_text_as_a_request_does(
    hand_source: Callable[..., Path], tmp_path_factory: pytest.TempPathFactory, texts: list[str]
) -> None:
    place = tmp_path_factory.mktemp("ids") / "source"
    rows: list[dict[str, object]] = [{"worker": one, "died_on": "2014-01-01"} for one in texts]
    store = open_store(hand_source(place, {"deaths": rows}))
    sound = sorted(text for text in texts if fault(text) is None)
    assert sorted(store.texts("worker")) == sound
    assert store.summary["tables"]["deaths"]["accepted"] == len(sound)


@pytest.mark.parametrize("value", [True, None, 1.5, 2.0**53, ["A1"]])
def test_a_value_of_json_that_is_no_identifier_is_refused(value: object) -> None:
    with pytest.raises(IdentifierFault):
        read_id(value)


def test_one_length_holds_for_files_and_requests() -> None:
    adapter = TypeAdapter(Id)
    assert adapter.validate_python("x" * LONGEST) == "x" * LONGEST
    with pytest.raises(ValidationError):
        adapter.validate_python("x" * (LONGEST + 1))


def test_a_source_with_no_sound_identifier_still_says_why(write_source: Write) -> None:
    try:
        accepted, reasons = told(deaths(write_source, ["A\u200b1"]))
    except SourceError as error:
        pytest.fail(str(error))
    assert (accepted, reasons) == (0, ["worker holds the invisible letter U+200B"])


# One pair through every door: an enterprise `A1`, and beside it one that reads like it.

PAIRS = ("Ａ１", "A１", "A\u200b1", "\u2066A1", "A\u00ad1")
WIDE = ("Ａ１", "A１")
CORE = Path(__file__).parents[1] / "sources" / "core_platform"
Told = tuple[list[str], list[str]]
"""The enterprises that a store then has, and why rows were refused."""


def firms(*ids: str) -> list[dict[str, object]]:
    """Return the register's row of each of some enterprises."""
    return [{"enterprise": one, "since": "2010-01-01", "kind": "company"} for one in ids]


def judged(store: Store) -> Told:
    """Return the enterprises of a store, and each reason for which rows of its register were refused."""
    return list(store.texts("enterprise")), [
        why["reason"] for why in store.summary["tables"]["enterprises"]["reasons"]
    ]


def by_csv(write: Write, odd: str) -> Told:
    return judged(open_store(write({"enterprises": firms("A1", odd)})))


def by_parquet(write: Write, odd: str) -> Told:
    folder = write({"enterprises": []})
    (folder / "enterprises.csv").unlink()
    blank = {column.name: None for column in contract()["enterprises"].columns}
    common = {"recorded_on": "2015-01-01", "retracted": 0}
    rows = [
        blank | row | common | {"row_id": str(place)} for place, row in enumerate(firms("A1", odd))
    ]
    pl.DataFrame(rows).write_parquet(folder / "enterprises.parquet")
    return judged(open_store(folder))


def by_view(write: Write, odd: str) -> Told:
    folder = write({"enterprises": firms("A1", odd)})
    (folder / "enterprises.csv").rename(folder / "firms.csv")
    (folder / "enterprises.sql").write_text(
        "SELECT * FROM csv('${SOURCE}/firms.csv') ORDER BY row_id", "utf-8"
    )
    return judged(open_store(folder))


def by_feed(write: Write, odd: str) -> Told:
    source = find_source(write({"enterprises": firms("A1")}))
    feed(source, day_of("2015-03-31"))
    late = {"recorded_on": "2015-04-01", "row_id": "late"}
    rows = write({"enterprises": [row | late for row in firms(odd)]}, folder="rows")
    (rows / "source.toml").unlink()
    fed = feed(source, day_of("2015-04-30"), rows)
    return list(open_store(source).texts("enterprise")), [
        why["reason"] for why in fed.tables["enterprises"]["reasons"]
    ]


@pytest.mark.parametrize("odd", PAIRS)
@pytest.mark.parametrize("door", [by_csv, by_parquet, by_view, by_feed])
def test_what_reads_like_an_enterprise_is_refused_at_every_door_of_rows_in_one_way(
    write_source: Write, door: Callable[[Write, str], Told], odd: str
) -> None:
    assert door(write_source, odd) == (["A1"], [f"enterprise {fault(odd)}"])


@pytest.mark.parametrize("odd", PAIRS)
def test_what_reads_like_an_enterprise_is_refused_in_a_request_by_number_and_by_history(
    write_source: Write, odd: str
) -> None:
    for form, body in (
        (EnterpriseIds, {"enterprises": ["A1", odd]}),
        (EnterpriseHistory, {"id": odd, "rows": {"enterprises": firms("A1")}}),
    ):
        with pytest.raises(ValidationError, match=re.escape(f"this number {fault(odd)}")):
            form.model_validate(body)
    store = open_store(write_source({"enterprises": firms("A1")}))
    sent = [row | {"recorded_on": "2015-01-01"} for row in firms("A1", odd)]
    with pytest.raises(
        RequestError, match=re.escape(f"history table 'enterprises' row 2: enterprise {fault(odd)}")
    ):
        Sent(store, {"enterprises": sent})


@pytest.mark.parametrize("odd", PAIRS)
def test_a_dump_reads_full_width_letters_plain_and_refuses_what_nobody_sees(
    tmp_path: Path, odd: str
) -> None:
    (tmp_path / "dump.toml").write_text("complete_to = 2015-06-30\n", "utf-8")
    # A Chinese address proves the encoding: letters of two bytes alone would be read as GB18030.
    lines = ["AAB001,AAB019,AAB020,AAB022,AAE006,AAE047,AAE036"]
    lines += [
        f"{one},10,170,F52,香港中路,20100105,201{place}0110"
        for place, one in enumerate(("A1", odd))
    ]
    (tmp_path / "AB01.csv").write_text("\n".join(lines) + "\n", "utf-8")
    enterprises, reasons = judged(open_store(CORE, tmp_path))
    assert enterprises == ["A1"]
    assert [f"enterprise {fault(odd)}" in reason for reason in reasons] == (
        [] if odd in WIDE else [True]
    )
