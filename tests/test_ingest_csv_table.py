"""A contract table that lies as CSV: accepted and refused rows are its records, whatever its dialect."""

from __future__ import annotations

import csv
import gzip
import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from features.check.load_report import check
from features.errors import SourceError
from features.ingest.csv_file import csv_file
from features.ingest.dialect import StatedDialect
from features.store.opening import open_store
from features.store.store import Store

Write = Callable[..., Path]
NAMES = ("row_id", "recorded_on", "retracted", "worker", "died_on")


def deaths(
    write_source: Write, content: str | bytes, toml: str = "", name: str = "deaths.csv"
) -> Path:
    """Write a source whose one table is a file of deaths with this content."""
    folder = write_source({"deaths": []}, toml)
    (folder / "deaths.csv").unlink()
    (folder / name).write_bytes(content.encode() if isinstance(content, str) else content)
    return folder


def written(ids: list[str], *, delimiter: str = ",", end: str = "\n") -> str:
    text = io.StringIO()
    out = csv.writer(text, delimiter=delimiter, lineterminator=end)
    out.writerow(NAMES)
    out.writerows(
        [f"d{number}", "2015-01-02", "0", one, "2015-01-01"] for number, one in enumerate(ids)
    )
    return text.getvalue()


def counts(store: Store) -> tuple[int, int]:
    table = store.summary["tables"]["deaths"]
    return table["accepted"], table["refused"]


@pytest.mark.parametrize(
    "ids",
    [
        ["'1", "'2"],
        [f"'{n}" for n in range(3_000)],
        ["#1", "2"],
        ['市南"1"', "NULL"],
        ["nan", "\\N", "NA"],
        ["a,b", "a;b"],
        ["--1", "//2"],
        ["1e5", "007"],
    ],
)
def test_every_record_is_accepted_with_its_identifier(write_source: Write, ids: list[str]) -> None:
    store = open_store(deaths(write_source, written(ids)))
    assert counts(store) == (len(ids), 0)


@pytest.mark.parametrize("line_break", ["\n", "\r\n"])
def test_an_identifier_with_a_line_break_is_one_refused_row(
    write_source: Write, line_break: str
) -> None:
    store = open_store(deaths(write_source, written([f"x{line_break}y", "z"])))
    assert counts(store) == (1, 1)


@pytest.mark.parametrize("delimiter", [",", "\t", ";"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_delimiter_and_line_end_are_those_of_the_file(
    write_source: Write, delimiter: str, end: str
) -> None:
    store = open_store(
        deaths(write_source, "\ufeff" + written(["1", "2"], delimiter=delimiter, end=end))
    )
    assert counts(store) == (2, 0)


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("d9,2015-01-02,0,w", "the record has too few fields: 4 of 5"),
        ("d9", "the record has too few fields: 1 of 5"),
        ("d9,2015-01-02,0,w,2015-01-01,", "the record has too many fields: 6 of 5"),
        ('d9,2015-01-02,0,"w"x,2015-01-01', "text stands after a closing quote mark"),
    ],
)
def test_a_record_that_is_none_is_one_refused_row_with_its_number(
    write_source: Write, line: str, why: str
) -> None:
    lines = written(["1", "2"]).splitlines()
    folder = deaths(write_source, "\n".join([*lines[:2], "", line, *lines[2:]]) + "\n")
    summary = check(folder)
    assert (summary["accepted"], summary["refused"]) == (2, 1)
    assert summary["tables"]["deaths"]["reasons"] == [{"reason": why, "rows": 1, "first": 2}]
    with (Path(summary["refused_rows"]) / "deaths.csv").open(encoding="utf-8", newline="") as file:
        assert [(row["row"], row["reason"], row["row_id"]) for row in csv.DictReader(file)] == [
            ("2", why, "d9")
        ]


def test_an_open_quote_mark_refuses_what_it_takes_in_and_says_where(write_source: Write) -> None:
    folder = deaths(
        write_source, written(["1", "2"]) + 'd8,2015-01-02,0,"w\nd9,2015-01-02,0,x,2015-01-01\n'
    )
    summary = check(folder)
    assert (summary["accepted"], summary["refused"]) == (2, 1)
    assert (
        "the quote mark opened on line 4 is never closed"
        in summary["tables"]["deaths"]["reasons"][0]["reason"]
    )


PIECE = st.sampled_from(
    [
        "d1",
        "w",
        ",",
        ",",
        ",",
        "2015-01-02",
        "0",
        '"',
        '""',
        "\n",
        "\n",
        "\r\n",
        "'",
        "#",
        " ",
        "市",
    ]
)


@settings(max_examples=40, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(body=st.lists(PIECE, max_size=60).map("".join))
def test_accepted_and_refused_are_all_records(
    hand_source: Write, tmp_path_factory: pytest.TempPathFactory, body: str
) -> None:
    content = written(["1"]) + body
    folder = hand_source(tmp_path_factory.mktemp("any") / "source", {"deaths": []})
    (folder / "deaths.csv").write_bytes(content.encode())
    records = [row for row in csv.reader(io.StringIO(content, newline="")) if row][1:]
    assert sum(counts(open_store(folder))) == len(records)


def test_what_is_stated_of_a_table_stands_before_what_is_stated_of_all(write_source: Write) -> None:
    content = written(["市南"], delimiter="|").encode("gb18030")
    refused: list[Any] = []
    for toml in ("", '[csv]\ndelimiter = "|"\n'):
        with pytest.raises(SourceError) as caught:
            open_store(deaths(write_source, content, toml))
        refused.append(str(caught.value))
    assert '[csv.tables.deaths] encoding = "gb18030" in source.toml' in refused[-1]
    toml = '[csv]\ndelimiter = ";"\nencoding = "gb18030"\n[csv.tables.deaths]\ndelimiter = "|"\n'
    assert counts(open_store(deaths(write_source, content, toml))) == (1, 0)


@pytest.mark.parametrize(
    ("toml", "says"),
    [
        ('[csv]\ndelimiter = ";;"', "should be one character"),
        ('[csv]\ndelimiter = "\\""', "should be one character"),
        ('[csv]\nencoding = "gb"', "should be an encoding of text"),
        ('[csv]\nencoding = "base64"', "should be an encoding of text"),
        ('[csv.tables.dead]\ndelimiter = ";"', "'dead' is no table of the contract"),
        ('[csv]\nquote = "x"', "csv.quote"),
    ],
)
def test_a_dialect_that_cannot_be_is_refused(write_source: Write, toml: str, says: str) -> None:
    with pytest.raises(SourceError, match=says):
        open_store(deaths(write_source, written(["1"]), toml))


def test_a_packed_table_is_read_too_and_a_broken_one_refused(write_source: Write) -> None:
    rows = write_source({"deaths": []}, folder="daily")
    packed = gzip.compress(written(["1", "2"]).encode())
    (rows / "deaths.csv.gz").write_bytes(packed)
    assert csv_file(rows / "deaths.csv.gz", rows / "copies", StatedDialect()).records == 2
    (rows / "deaths.csv.gz").write_bytes(packed[:-12])
    with pytest.raises(SourceError, match="cannot be read as gzip"):
        csv_file(rows / "deaths.csv.gz", rows / "copies", StatedDialect())


@pytest.mark.parametrize(
    ("header", "says"),
    [
        (
            "row_id,recorded_on,retracted,worker,died_on,Worker",
            "deaths.csv holds column worker twice",
        ),
        (
            "row_id,recorded_on,retracted,worker,died_on,",
            "deaths.csv: column 6 of its header has no name",
        ),
        (
            "row_id,recorded_on,retracted,worker,died on",
            "'deaths' lacks column died_on, and has 'died on'; name the columns as `lssi contract` does",
        ),
        (
            "row_id|recorded_on|retracted|worker|died_on",
            r"state \[csv.tables.deaths\] delimiter = ",
        ),
        (
            "ROW_ID,RECORDED_ON,RETRACTED,WORKER,DIED_ON",
            "split at ',', has none of the column names",
        ),
    ],
)
def test_a_header_that_is_not_the_contracts_is_refused(
    write_source: Write, header: str, says: str
) -> None:
    with pytest.raises(SourceError, match=says) as caught:
        open_store(deaths(write_source, header + "\n"))
    assert "\n" not in str(caught.value)


def test_a_first_line_that_is_a_row_is_not_repeated(write_source: Write) -> None:
    with pytest.raises(SourceError, match=r"has none of the column names") as caught:
        open_store(deaths(write_source, "D1,2015-01-02,0,W-SECRET,2015-01-01\n"))
    assert "SECRET" not in str(caught.value)
