"""The records of a dump's text: every row that was written is read, or is one refused row, whatever stands beside it."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from tempfile import TemporaryDirectory

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from features.ingest.dump.file_sql import dump_file_sql
from features.ingest.dump.files import DumpFile, table_files
from features.ingest.dump.names import TOLD
from features.ingest.dump.records import (
    LONGEST_RECORD,
    marked_records,
    text_form,
    with_records,
)

COLUMNS = ["A", "B", "C"]
Row = tuple[str | None, ...]
DELIMITERS = [",", "\t", ";", "|", "\x01", "|@|", "‖"]
WORDS = st.text("aZ9 .'青#-", min_size=1, max_size=4).map(lambda word: f"w{word}w")
"""Words that no reader takes for anything else, whatever parts the fields."""


def read(text: str, name: str = "T.csv") -> list[Row]:
    """Return the records of a file as a dump's views read them: why each is no row, else its fields."""
    with TemporaryDirectory() as folder:
        place = Path(folder) / "dump" / name
        place.parent.mkdir()
        place.write_bytes(text.encode())
        copies = Path(folder) / "copies"
        copies.mkdir()
        table = with_records(table_files(place, copies), copies)
        columns = ", ".join(f'"{name}"' for name in (TOLD, *COLUMNS))
        query = f"SELECT {columns} FROM {dump_file_sql(table)}"
        return duckdb.connect().execute(query).fetchall()


def written(fields: list[str], delimiter: str, end: str) -> str:
    """Return a record in quotes where it needs them."""
    out = io.StringIO()
    csv.writer(out, delimiter="\ufdd0", lineterminator="").writerow(fields)
    plain = out.getvalue()
    quoted = ['"' + field.replace('"', '""') + '"' for field in fields]
    needs = '"' in plain or any(
        sign in field for sign in (delimiter, "\n", "\r") for field in fields
    )
    return (delimiter.join(quoted) if needs else delimiter.join(fields)) + end


SOUND = st.one_of(
    st.tuples(WORDS, WORDS, WORDS),
    # Within quotes anything may stand; a mark right behind the opening one could close that of a broken line before it.
    st.tuples(WORDS, WORDS.map(lambda word: f'{word}"{word}'), WORDS),
    st.tuples(WORDS, WORDS.map(lambda word: f"{word}\n{word}"), WORDS),
)
BROKEN = st.one_of(
    st.tuples(WORDS).map(list),
    st.tuples(WORDS, WORDS).map(list),
    st.tuples(WORDS, WORDS, WORDS, WORDS).map(list),
    st.tuples(WORDS, WORDS, WORDS.map(lambda word: f'"{word}')).map(list),
    st.tuples(WORDS.map(lambda word: f'"{word}'), WORDS, WORDS).map(list),
    st.tuples(WORDS, WORDS.map(lambda word: f'"{word}"{word}'), WORDS).map(list),
    st.tuples(WORDS, WORDS, WORDS.map(lambda word: f'"{word}"{word}"{word}')).map(list),
    st.tuples(WORDS, WORDS.map(lambda word: f'  "{word}"'), WORDS).map(list),
)
"""Lines that are no record: a wrong number of fields, an open quote mark, text after a closed one, blanks before one."""


@settings(max_examples=120, deadline=None)
@given(
    st.lists(st.one_of(SOUND, BROKEN), max_size=6),
    st.sampled_from(DELIMITERS),
    st.sampled_from(["\n", "\r\n", "\r"]),
    st.booleans(),
)
def test_every_sound_record_is_read_and_every_broken_line_is_one_refused_row(
    records: list[tuple[str, ...] | list[str]], delimiter: str, end: str, ends: bool
) -> None:
    text = delimiter.join(COLUMNS) + end
    expected: list[Row | None] = []
    for record in records:
        if isinstance(record, tuple):
            text += written(list(record), delimiter, end)
            expected.append((None, *record))
        else:
            text += delimiter.join(record) + end
            expected.append(None)
    rows = read(text if ends else text.removesuffix(end), "T.txt")
    assert [row if row[0] is None else None for row in rows] == expected


@pytest.mark.parametrize(
    ("text", "rows"),
    [
        ('A,B,C\n1,x,"Zhang\n2,y,Li\n', [("open", 1), None]),
        ('A,B,C\n1,x,"Zhang\n2,y,"Li"\n3,z,W\n', [("open", 1), None, None]),
        ('A,B,C\n1,x,"Zhang\n2,5",w\n3,z,W\n', [("many", 1), None, None]),
        ('A,B,C\n1,x,"a"b"c\n2,y,z\n', [("after", 1), None]),
        ('A,B,C\n1,"P1"x,z\n2,y,z\n', [("after", 1), None]),
        ("A,B,C\n", []),
        ("A,B,C", []),
        ("A,B,C\n1,2,3,,\n1,2,3,,x\n", [None, ("many", 2)]),
        ("A,B,C,\n1,2,3\n1,2,3,\n1,2\n", [None, None, ("few", 3)]),
        ("\ufeffA,B,C\n1,2,3\n1,2\n", [None, ("few", 2)]),
        ('"A", "B",C\n1,2,3\n', [None]),
    ],
)
def test_of_a_broken_record_its_first_line_alone_is_refused(
    text: str, rows: list[tuple[str, int] | None]
) -> None:
    words = {"open": "not closed", "after": "after a closing", "many": "too many", "few": "too few"}
    told = [row[0] for row in read(text)]
    assert len(told) == len(rows)
    for reason, row in zip(told, rows, strict=True):
        assert reason is None if row is None else words[row[0]] in str(reason)


def test_a_record_that_is_too_long_is_one_refused_row_and_ends_no_reading() -> None:
    long = "x" * LONGEST_RECORD
    rows = read(f'A,B,C\n1,{long},3\n4,"{long}\n5,6,7\n')
    assert [row[0] is None for row in rows] == [False, False, True]
    assert rows[-1][1:] == ("5", "6", "7")


def test_an_open_quote_mark_of_a_large_file_does_not_take_the_file_into_memory(
    tmp_path: Path,
) -> None:
    file = tmp_path / "T.csv"
    file.write_text('A,B,C\n0,"x,1\n' + "1,2,3\n" * 50_000, "utf-8")
    part = DumpFile(file, file, ())
    lengths = [len(record.text) for record, _ in marked_records(file, text_form(part))]
    assert len(lengths) == 50_001 and max(lengths) < LONGEST_RECORD
