"""Any text is an identifier kept letter by letter, or refused with a reason; files, rows of a day and requests agree."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from features.contract import LONGEST
from features.errors import SourceError
from features.identifiers import Fault, fault, read_id
from features.store import Store, open_store
from serving.requests import Id

Write = Callable[..., Path]
ODD = ("\t", "\u00a0", "\u3000", "\u200b", "\u200d", "\u200e", "\u202e", "\u2066", "\ufeff", "\u00ad", "\x00", "\x7f")
ROUNDED = ("3.70202E+17", "3.70202e+17", "3,70202E+17", "1E+05", "-3.7E17", ".5e17", "370202199001011200.0")


def deaths(write_source: Write, ids: list[str]) -> Store:
    return open_store(write_source({"deaths": [{"worker": one, "died_on": "2014-01-01"} for one in ids]}))


def told(store: Store) -> tuple[int, list[str]]:
    table = store.summary["tables"]["deaths"]
    return table["accepted"], sorted(why["reason"] for why in table["reasons"])


@pytest.mark.parametrize("text", ["'1", "007", "#1", "A1", "甲 1", "a1", "1e5", "E1", "NULL", "nan", "\\N", "é", "x" * LONGEST])
def test_an_identifier_is_kept_letter_by_letter(write_source: Write, text: str) -> None:
    store = deaths(write_source, [text, "other"])
    assert told(store) == (2, [])
    assert text in store.texts("worker")


@pytest.mark.parametrize("text", [f"A{odd}1" for odd in ODD] + ["Ａ1", "A１", "e\u0301", "x" * (LONGEST + 1), *ROUNDED])
def test_a_text_that_could_be_read_as_another_is_refused_with_its_row(write_source: Write, text: str) -> None:
    store = deaths(write_source, [text, "other"])
    accepted, reasons = told(store)
    assert accepted == 1
    assert len(reasons) == 1 and reasons[0].startswith("worker ")


@pytest.mark.parametrize("blank", [" ", "\t", "\u00a0", "\u3000"])
@pytest.mark.parametrize("place", ["{}A1", "A1{}"])
def test_a_blank_at_an_end_refuses_the_row_and_merges_nothing(write_source: Write, blank: str, place: str) -> None:
    store = deaths(write_source, ["A1", place.format(blank)])
    assert told(store)[0] == 1
    assert list(store.texts("worker")) == ["A1"]


def test_three_workers_in_a_float_column_never_become_one(write_source: Write) -> None:
    folder = write_source({"deaths": [{"worker": "W", "died_on": "2014-01-01"}]})
    (folder / "deaths.csv").unlink()
    workers = [370202199001011201.0, 370202199001011202.0, 370202199001011203.0]
    rows = {"row_id": ["1", "2", "3"], "recorded_on": ["2015-01-01"] * 3, "retracted": [0] * 3, "worker": workers,
            "died_on": ["2014-01-01"] * 3}
    pl.DataFrame(rows).write_parquet(folder / "deaths.parquet")
    accepted, reasons = told(open_store(folder))
    assert accepted == 0
    assert reasons == ["worker is a number past what its float holds exactly: export it as text"]


@pytest.mark.parametrize(("flag", "retracted"), [("0.0", False), ("1.0", True), ("0", False), ("1", True), ("TRUE", True)])
def test_a_flag_with_zeros_behind_its_point_is_a_flag(write_source: Write, flag: str, retracted: bool) -> None:
    rows = [{"worker": "W1", "died_on": "2014-01-01"},
            {"worker": "W1", "died_on": "2014-01-01", "recorded_on": "2015-02-01", "retracted": flag}]
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
        with pytest.raises(Fault):
            read_id(text)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(texts=st.lists(st.text(st.characters(codec="utf-8"), min_size=1, max_size=8), min_size=20, max_size=40, unique=True))
def test_a_file_judges_each_text_as_a_request_does(
        hand_source: Callable[..., Path], tmp_path_factory: pytest.TempPathFactory, texts: list[str]) -> None:
    place = tmp_path_factory.mktemp("ids") / "source"
    rows: list[dict[str, object]] = [{"worker": one, "died_on": "2014-01-01"} for one in texts]
    store = open_store(hand_source(place, {"deaths": rows}))
    sound = sorted(text for text in texts if fault(text) is None)
    assert sorted(store.texts("worker")) == sound
    assert store.summary["tables"]["deaths"]["accepted"] == len(sound)


@pytest.mark.parametrize("value", [True, None, 1.5, 2.0**53, ["A1"]])
def test_a_value_of_json_that_is_no_identifier_is_refused(value: object) -> None:
    with pytest.raises(Fault):
        read_id(value)


def test_one_length_holds_for_files_and_requests() -> None:
    from pydantic import TypeAdapter, ValidationError

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
