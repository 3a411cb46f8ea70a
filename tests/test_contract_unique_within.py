"""Numbers that are used again: counted where nothing is stated, two things everywhere where the source states their scope."""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from features.calendar import day_of
from features.check.load_report import check, check_lines
from features.contract.tables import contract
from features.contract.unique_within import SIGN, scopes, with_scope, without_scope
from features.errors import RequestError, SourceError
from features.ingest.scan import files_in
from features.ingest.source import JOURNAL, find_source
from features.ingest.staged import REPEATED
from features.online.request_rows import Sent
from features.store.append import Fed, feed
from features.store.day_rows import CLOSED
from features.store.layout import summary_at, write_summary
from features.store.opening import open_store
from features.store.segment import UNSEEN

Write = Callable[..., Path]
Row = dict[str, object]
DAY = day_of("2015-06-30")
FIRST: Row = {
    "claim": "7",
    "worker": "w1",
    "scheme": "medical",
    "filed_on": "2014-03-01",
    "recorded_on": "2014-03-02",
}
SECOND: Row = FIRST | {"worker": "w2", "filed_on": "2015-03-01", "recorded_on": "2015-03-02"}
VISIT: Row = {
    "inspection": "1",
    "enterprise": "e1",
    "kind": "lottery",
    "opened": "2014-05-01",
    "recorded_on": "2014-05-02",
    **{f"examined_{number}": 0 for number in range(1, 6)},
}
WORKERS: list[Row] = [{"worker": "w1"}, {"worker": "w2"}]


def ids(place: Path, table: str) -> list[str]:
    """Return the numbers of a table that live, as a store has them."""
    store = open_store(place)
    column = store.tables[table].key[0]
    texts = store.dictionary(column).texts
    return sorted(str(texts.take([code])[0]) for code in store.live(table, DAY)[column])


def test_numbers_used_again_are_counted_with_what_differs_and_examples(write_source: Write) -> None:
    place = write_source(
        {
            "claims": [
                FIRST,
                SECOND,
                FIRST | {"claim": "8"},
                FIRST | {"claim": "8", "amount": 5, "recorded_on": "2014-04-01"},
            ],
            "inspections": [
                VISIT,
                VISIT | {"enterprise": "e2", "opened": "2014-08-01", "recorded_on": "2014-08-02"},
            ],
            "complaints": [
                {"complaint": "5", "enterprise": "e1", "lodged": "2014-12-30", "topic": topic}
                for topic in ("wages", "hours")
            ],
        }
    )
    summary = check(place)
    assert summary["reused"] == [
        {
            "table": "complaints",
            "column": "complaint",
            "keys": 1,
            "differ": {},
            "same_day": 1,
            "examples": ["5"],
        },
        {
            "table": "inspections",
            "column": "inspection",
            "keys": 1,
            "differ": {"enterprise": 1, "opened": 1},
            "same_day": 0,
            "examples": ["1"],
        },
        {
            "table": "claims",
            "column": "claim",
            "keys": 1,
            "differ": {"worker": 1, "filed_on": 1},
            "same_day": 0,
            "examples": ["7"],
        },
    ]
    told = "\n".join(check_lines(summary))
    assert "reused: claims.claim 1" in told and "w1" not in told and 'claims = "year"' in told


def test_a_correction_and_a_retraction_on_one_day_are_no_number_used_again(
    write_source: Write,
) -> None:
    back = FIRST | {"recorded_on": "2014-03-05", "retracted": 1}
    place = write_source(
        {
            "claims": [
                FIRST,
                FIRST | {"amount": 5, "recorded_on": "2014-03-04"},
                back,
                FIRST | {"recorded_on": "2014-03-05"},
            ]
        }
    )
    assert check(place)["reused"] == []


@pytest.mark.parametrize(
    ("stated", "numbers"),
    [
        ('claims = "year"', ["7@2014", "7@2015"]),
        ('claims = "person"', ["7@w1", "7@w2"]),
        ('claims = "firm"', ["7@e1", "7@e2"]),
        ('claims = "year of admitted"', ["7@2013", "7@2014"]),
    ],
)
def test_a_number_that_is_unique_only_within_its_scope_is_two_things(
    write_source: Write, stated: str, numbers: list[str]
) -> None:
    rows = [
        FIRST | {"enterprise": "e1", "admitted": "2013-12-31"},
        SECOND | {"enterprise": "e2", "admitted": "2014-01-01"},
    ]
    place = write_source({"claims": rows, "workers": WORKERS}, f"[keys]\n{stated}\n")
    assert ids(place, "claims") == numbers
    assert check(place)["reused"] == []


def test_tables_that_name_a_number_name_it_within_its_scope(write_source: Write) -> None:
    paid: list[Row] = [
        {
            "claim": "7",
            "worker": worker,
            "month": "2015-04",
            "amount": amount,
            "recorded_on": "2015-05-01",
        }
        for worker, amount in (("w1", 100), ("w2", 900))
    ]
    place = write_source(
        {"claims": [FIRST, SECOND], "benefit_payments": paid}, '[keys]\nclaims = "person"\n'
    )
    store = open_store(place)
    claims = store.dictionary("claim").texts
    rows = store.live("benefit_payments", DAY)
    assert {
        str(claims.take([code])[0]): int(amount)
        for code, amount in zip(rows["claim"], rows["amount"], strict=True)
    } == {"7@w1": 100, "7@w2": 900}


def test_a_table_that_cannot_tell_the_year_is_refused_with_the_line_that_states_it(
    write_source: Write,
) -> None:
    finding: Row = {"inspection": "1", "violation": 1, "recorded_on": "2014-06-01"}
    tables = {
        "inspections": [VISIT, VISIT | {"opened": "2015-05-01", "recorded_on": "2015-05-02"}],
        "findings": [finding],
    }
    bare = write_source(tables, '[keys]\ninspections = "year"\n', "bare")
    with pytest.raises(
        SourceError,
        match=r'findings .* has no opened; state "findings.inspection" = "year of DAY" under',
    ):
        open_store(bare)
    place = write_source(
        tables, '[keys]\ninspections = "year"\n"findings.inspection" = "year of recorded_on"\n'
    )
    assert ids(place, "inspections") == ["1@2014", "1@2015"]
    assert len(open_store(place).all_rows("found", ("known",))["known"]) == 1


@pytest.mark.parametrize(
    ("stated", "said"),
    [
        ('firms = "year"', "no table of numbers"),
        ('workers = "year"', "no table of numbers"),
        ('claims = "scheme"', "cannot be unique within 'scheme'"),
        ('claims = "claim"', "cannot be unique"),
        ('claims = "year of worker"', "cannot be unique"),
        ('claims = "town"', "has no town"),
        ('"findings.inspection" = "year of recorded_on"', "names no table under"),
    ],
)
def test_a_scope_that_says_nothing_is_refused_in_one_line(
    write_source: Write, stated: str, said: str
) -> None:
    with pytest.raises(SourceError, match=said) as error:
        find_source(write_source({"claims": [FIRST]}, f"[keys]\n{stated}\n"))
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"worker": ""}, "claim is unique only within worker, which is missing"),
        ({"worker": "w@1"}, "worker holds @, which parts a number from what it is unique within"),
        ({"worker": "w" * 255}, "claim and worker are together longer than 256 letters"),
        ({"claim": "7 "}, "claim begins or ends with a blank"),
        ({"claim": "７"}, "claim holds full-width letters or digits; write them plain"),
    ],
)
def test_a_number_without_a_sound_scope_is_refused_in_files_and_requests(
    write_source: Write, change: Row, reason: str
) -> None:
    place = write_source({"claims": [FIRST | change, SECOND]}, '[keys]\nclaims = "person"\n')
    store = open_store(place)
    (path,) = files_in(store.folder / "refused", "claims.csv")
    (row,) = csv.DictReader(path.read_text("utf-8").splitlines())
    assert (row["row"], row["reason"], row["claim"]) == ("1", reason, change.get("claim", "7"))
    with pytest.raises(RequestError, match=f"row 1: {reason}$"):
        Sent(store, {"claims": [FIRST | change]})


def test_a_case_sent_is_the_case_stored_and_a_fed_day_adds_to_it(write_source: Write) -> None:
    stated = '[keys]\nclaims = "person"\n'
    place = write_source({"claims": [FIRST, SECOND], "workers": WORKERS}, stated)
    store = open_store(place)
    texts = store.dictionary("claim").texts
    sent = Sent(store, {"claims": [SECOND, FIRST]})
    for number in ("7@w1", "7@w2"):
        code = sent.code("claim", number)
        assert str(texts.take([code])[0]) == number
        assert len(sent.rows("claims", "claim", code, code + 1, ("claim",))["claim"]) == 1
    source = find_source(write_source({"claims": [FIRST]}, stated, "live"))
    feed(source, day_of("2014-12-31"))
    fed = feed(source, DAY, rows_alone(write_source, SECOND | {"row_id": "day-1"}))
    assert (fed.counted("accepted"), fed.counted("refused")) == (1, 0)
    assert ids(source.folder, "claims") == ["7@w1", "7@w2"]


def rows_alone(write_source: Write, *rows: Row) -> Path:
    """Return a folder with the claims of a day and no declaration."""
    day = write_source({"claims": list(rows)}, folder="day")
    (day / "source.toml").unlink()
    return day


def test_a_row_refused_at_any_step_has_its_number_as_the_source_gave_it(
    write_source: Write,
) -> None:
    own = FIRST | {"claim": "7@x", "row_id": "own"}
    unseen = FIRST | {"claim": "9", "row_id": "unseen", "retracted": 1}
    source = find_source(
        write_source({"claims": [own, own, unseen]}, '[keys]\nclaims = "person"\n')
    )
    first = feed(source, day_of("2014-12-31"))
    assert refused_in(first) == [("7@x", "w1", REPEATED), ("9", "w1", UNSEEN)]
    later = feed(
        source,
        DAY,
        rows_alone(
            write_source,
            SECOND | {"claim": "7@x", "row_id": "own"},
            SECOND | {"claim": "8", "row_id": "new", "retracted": 1},
            FIRST | {"claim": "7", "row_id": "late"},
        ),
    )
    closed = CLOSED.format("2014-03-02", "2014-12-31")
    assert refused_in(later) == sorted(
        [("7@x", "w2", REPEATED), ("8", "w2", UNSEEN), ("7", "w1", closed)]
    )
    assert ids(source.folder, "claims") == ["7@x@w1"]


def refused_in(fed: Fed) -> list[tuple[str, str, str]]:
    """Return number, person and reason of the claims that a day refused."""
    assert fed.refused_rows is not None
    rows = csv.DictReader((fed.refused_rows / "claims.csv").read_text("utf-8").splitlines())
    return sorted((row["claim"], row["worker"], row["reason"]) for row in rows)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("", '[keys]\nclaims = "person"\n'),
        ('[keys]\nclaims = "person"\n', ""),
        ('[keys]\nclaims = "person"\n', '[keys]\nclaims = "year"\n'),
    ],
)
def test_numbers_of_a_fed_source_keep_their_scope(
    write_source: Write, before: str, after: str
) -> None:
    place = write_source({"claims": [FIRST, SECOND]}, before)
    feed(find_source(place), day_of("2014-12-31"))
    write_source({"claims": [FIRST, SECOND]}, after)
    with pytest.raises(
        SourceError,
        match=r"^keys in source.toml changed since 'hand' was first loaded by day; restore it, or load",
    ):
        feed(find_source(place), DAY)
    write_source({"claims": [FIRST, SECOND]}, before)
    assert feed(find_source(place), DAY).counted("accepted") == 1


def test_a_store_fed_before_numbers_had_scopes_goes_on(write_source: Write) -> None:
    source = find_source(write_source({"claims": [FIRST, SECOND]}))
    folder = feed(source, day_of("2014-12-31")).store
    summary = summary_at(folder)
    del summary["source"]["keys"]
    write_summary(folder, summary)
    assert feed(source, DAY).counted("accepted") == 1


TEXTS = st.text(alphabet=st.sampled_from("7@a甲"), min_size=1, max_size=3)


@settings(
    max_examples=150, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck)
)
@given(pairs=st.lists(st.tuples(TEXTS, TEXTS), min_size=2, max_size=20))
def test_numbers_joined_with_their_scopes_never_meet(pairs: list[tuple[str, str]]) -> None:
    (scope,) = scopes({"claims": "person"}, "claims", JOURNAL)
    sound = {(number, within) for number, within in pairs if scope.wrong(number, within) is None}
    assert len({f"{number}{SIGN}{within}" for number, within in sound}) == len(sound)
    assert {pair for pair in pairs if SIGN not in pair[1]} == sound
    given = pl.DataFrame(sorted(sound), {"claim": pl.String, "worker": pl.String}, orient="row")
    assert without_scope(with_scope(given, (scope,)), (scope,)).equals(given)


def test_each_numbered_table_is_one_of_the_contract() -> None:
    from features.check.reused_keys import about, numbered
    from features.contract.unique_within import NUMBERED

    assert {table.name for table in numbered()} >= set(NUMBERED)
    assert all(
        set(about(table)) <= {column.name for column in contract()[table.name].columns}
        for table in numbered()
    )
