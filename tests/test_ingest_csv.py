"""A CSV file is read as it stands: every text, every record, and what is no record is told as one."""

from __future__ import annotations

import codecs
import csv
import gzip
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from features.connection import Connection, opened
from features.errors import SourceError
from features.ingest.csv_file import csv_file
from features.ingest.dialect import StatedDialect, regular, sound_record_pattern
from tests.sample import full, slow

FILES = [400, slow(1_200), full(2_400)]
"""Files that csv.writer writes in one run."""
SPICE = "\"',;\t#\n\r\\\0 \u00a0NAa市南\u200b\ufeff😀0=-"
"""Signs that a reader may take for something else."""
WORDS = [
    "NULL",
    "nan",
    "\\N",
    "NA",
    "'1",
    "#1",
    '市南"1"',
    "",
    " ",
    '""',
    "1e5",
    "001",
    "2015-06-30",
    "true",
    "\r\n",
    ";,\t",
]
TEXT = (
    st.text(alphabet=st.sampled_from(SPICE), max_size=6)
    | st.sampled_from(WORDS)
    | st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=6)
)
ENDS = ("\n", "\r\n", "\r")


@dataclass(frozen=True, slots=True)
class Written:
    """A file that csv.writer wrote: its bytes, and what csv.reader reads in it."""

    content: bytes
    names: list[str]
    rows: list[list[str]]


@st.composite
def written_files(draw: st.DrawFn) -> Written:
    """Files of any legal quoting, delimiter, line end and mark, with any text in any column."""
    names = [f"c{number}" for number in range(draw(st.integers(2, 4)))]
    rows = draw(st.lists(st.lists(TEXT, min_size=len(names), max_size=len(names)), max_size=6))
    quoting = draw(st.sampled_from((csv.QUOTE_MINIMAL, csv.QUOTE_ALL, csv.QUOTE_NONNUMERIC)))
    end, delimiter = draw(st.sampled_from(ENDS)), draw(st.sampled_from(",\t;"))
    whole = text_of([names, *rows], delimiter, end, quoting)
    if rows_of(whole, delimiter) != rows:  # before Python 3.13 the writer leaves a lone CR bare
        whole = text_of([names, *rows], delimiter, end, csv.QUOTE_ALL)
    assert rows_of(whole, delimiter) == rows
    if draw(st.booleans()):
        whole = whole.removesuffix(end)
    content = whole.encode("utf-8-sig" if draw(st.booleans()) else "utf-8")
    return Written(content, names, rows_of(whole, delimiter))


def text_of(rows: list[list[str]], delimiter: str, end: str, quoting: int) -> str:
    """Return rows as csv.writer writes them."""
    text = io.StringIO()
    csv.writer(text, delimiter=delimiter, lineterminator=end, quoting=quoting).writerows(rows)
    return text.getvalue()


def rows_of(text: str, delimiter: str) -> list[list[str]]:
    """Return the records after the header that csv.reader, which knows nothing of us, reads in a text."""
    return [row for row in csv.reader(io.StringIO(text, newline=""), delimiter=delimiter) if row][
        1:
    ]


@pytest.fixture(scope="module")
def connection() -> Iterator[Connection]:
    with opened() as own:
        yield own


def read(
    connection: Connection, place: Path, stated: StatedDialect | None = None
) -> list[tuple[str | None, ...]]:
    """Return the records of a file with why each is none in the last place."""
    file = csv_file(place, place.parent / "copies", stated or StatedDialect())
    return connection.sql(file.rows_sql("why")).fetchall()


def valued(rows: list[list[str]]) -> list[tuple[str | None, ...]]:
    return [(*(field or None for field in row), None) for row in rows]


@pytest.mark.parametrize("files", FILES)
def test_files_by_csv_writer_are_read_value_by_value(
    connection: Connection, tmp_path: Path, counted: dict[str, int], files: int
) -> None:
    seen = 0

    @settings(
        max_examples=files,
        deadline=None,
        database=None,
        derandomize=True,
        suppress_health_check=list(HealthCheck),
    )
    @given(written_files())
    def read_alike(file: Written) -> None:
        nonlocal seen
        place = tmp_path / f"{seen}.csv"
        place.write_bytes(file.content)
        assert read(connection, place) == valued(file.rows), file
        ready = csv_file(place, tmp_path / "copies", StatedDialect())
        assert ready.records == len(file.rows) and not ready.bad
        place.unlink()
        seen += 1

    read_alike()
    counted["CSV files of csv.writer read and compared value by value"] = seen
    assert seen >= 0.8 * files


@pytest.mark.parametrize("pattern", [sound_record_pattern(","), regular("|")])
def test_no_group_of_a_pattern_of_records_is_possessive(pattern: re.Pattern[str]) -> None:
    # Python before 3.11.5 matches such a group wrongly, later ones rightly: only the text of the pattern tells
    assert re.search(r"\)[*+?]\+", pattern.pattern) is None


RAW = st.text(alphabet=st.sampled_from("\",\n\r a'#1市"), max_size=40)


@settings(
    max_examples=600, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True
)
@given(body=RAW)
@example(body=',"\r1')  # taken for two records by Python before 3.11.5
@example(body=',"\n1')
def test_whatever_a_file_holds_each_of_its_records_is_a_row_or_told_to_be_none(
    connection: Connection, tmp_path_factory: pytest.TempPathFactory, body: str
) -> None:
    place = tmp_path_factory.mktemp("raw") / "raw.csv"
    place.write_bytes(f"c0,c1\n{body}".encode())
    rows, wanted = read(connection, place), rows_of(f"c0,c1\n{body}", ",")
    assert len(rows) == len(wanted)
    for row, fields in zip(rows, wanted, strict=True):
        assert (row[-1] is None and row == valued([fields])[0]) or row[-1] is not None
        assert row[-1] is not None or len(fields) == 2
        if len(fields) == 2 and '"' not in body:
            assert row[-1] is None


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("1,2", "too few fields: 2 of 3"),
        ("1,2,3,4", "too many fields: 4 of 3"),
        ("1,2,3,", "too many fields: 4 of 3"),
        ('"1"x,2,3', "text stands after a closing quote mark"),
        ('"1" ,2,3', "text stands after a closing quote mark"),
        (" ", "too few fields: 1 of 3"),
    ],
)
def test_one_record_that_is_none_refuses_itself_and_no_other(
    connection: Connection, tmp_path: Path, line: str, why: str
) -> None:
    place = tmp_path / "a.csv"
    place.write_text(f"a,b,c\n1,2,3\n{line}\n4,5,6\n", "utf-8")
    rows = read(connection, place)
    assert [row for row in rows if row[-1] is None] == valued([["1", "2", "3"], ["4", "5", "6"]])
    assert [why in str(row[-1]) for row in rows] == [False, True, False]


def test_an_open_quote_mark_is_told_with_its_line(connection: Connection, tmp_path: Path) -> None:
    place = tmp_path / "a.csv"
    place.write_text('a,b\n1,2\n3,"4\n5,6\n7,8\n', "utf-8")
    assert read(connection, place)[0] == ("1", "2", None)
    assert "opened on line 3 is never closed" in str(read(connection, place)[1][-1])


@pytest.mark.parametrize(
    "content", ["a\n1\n\n2\n", "\n\na\n1\n2\n", "a\r1\n2", "a\r\n1\n2\r\n", "\ufeffa\r1\r\r2\r"]
)
def test_blank_lines_and_line_ends_of_several_kinds_part_records_and_are_none(
    connection: Connection, tmp_path: Path, content: str
) -> None:
    place = tmp_path / "a.csv"
    place.write_bytes(content.encode())
    assert read(connection, place) == [("1", None), ("2", None)]


@pytest.mark.parametrize("encoding", ["utf-16", "utf-32", "utf-8-sig", "utf-8"])
def test_an_encoding_that_is_proved_is_read(
    connection: Connection, tmp_path: Path, encoding: str
) -> None:
    for name, packed in (("a.csv", bytes), ("a.csv.gz", gzip.compress)):
        place = tmp_path / name
        place.write_bytes(packed("id,name\n1,青岛😀\n".encode(encoding)))
        assert read(connection, place) == [("1", "青岛😀", None)]


@pytest.mark.parametrize("encoding", ["utf-16", "UTF16", "utf-32"])
def test_an_order_of_bytes_that_no_mark_tells_is_to_be_stated(
    connection: Connection, tmp_path: Path, encoding: str
) -> None:
    place = tmp_path / "a.csv"
    for order in ("le", "be"):
        name = codecs.lookup(encoding).name
        place.write_bytes("id,name\n1,市南\n".encode(f"{name}-{order}"))
        with pytest.raises(SourceError, match=f"state {name}-le or {name}-be"):
            read(connection, place, StatedDialect(encoding=encoding))


@pytest.mark.parametrize("encoding", ["gb18030", "big5", "utf-16-le", "shift_jis"])
def test_an_encoding_that_nothing_proves_is_read_once_it_is_stated(
    connection: Connection, tmp_path: Path, encoding: str
) -> None:
    place = tmp_path / "a.csv"
    place.write_bytes("id,name\n1,市南\n".encode(encoding))
    with pytest.raises(SourceError, match=r"\[csv\] encoding = "):
        read(connection, place)
    assert read(connection, place, StatedDialect(encoding=encoding)) == [("1", "市南", None)]


def test_text_that_is_not_of_its_encoding_is_refused_with_its_line(
    connection: Connection, tmp_path: Path
) -> None:
    place = tmp_path / "a.csv"
    place.write_bytes(b"id,name\n" + b"1,a\n" * 400_000 + b"2,\xff\xff\n")
    with pytest.raises(SourceError, match="line 400002 is not UTF-8"):
        read(connection, place)
    with pytest.raises(SourceError, match=r"line 40000[0-9] cannot be decoded as GB18030"):
        read(connection, place, StatedDialect(encoding="gb18030"))
    place.write_bytes(b"id,name\n1,\xe5\xb8")
    with pytest.raises(SourceError, match="line 2 is not UTF-8"):
        read(connection, place)
    place.write_bytes(b"\xef\xbb\xbfid,name\n1,2\n")
    with pytest.raises(SourceError, match="stated to be gb18030"):
        read(connection, place, StatedDialect(encoding="gb18030"))


def test_a_delimiter_is_the_one_that_makes_most_columns_and_a_tie_is_refused(
    connection: Connection, tmp_path: Path
) -> None:
    place = tmp_path / "a.csv"
    for header in ("a;b,c\n1;2,3\n", "a\n1;2\n", "a\n1\t2\n"):
        place.write_text(header, "utf-8")
        with pytest.raises(
            SourceError, match=r'state the delimiter, such as \[csv\] delimiter = "'
        ):
            read(connection, place)
    place.write_text("a;b,c\n1;2,3\n", "utf-8")
    assert read(connection, place, StatedDialect(delimiter=";")) == [("1", "2,3", None)]
    assert read(connection, place, StatedDialect(delimiter=",")) == [("1;2", "3", None)]
    assert csv_file(place, tmp_path, StatedDialect(), frozenset({"c"})).parted_by == ","
    place.write_text("a，b\n1，2\n", "utf-8")
    assert read(connection, place, StatedDialect(delimiter="，")) == [("1", "2", None)]


@pytest.mark.parametrize("content", [b"", b"\n\n", b"\xef\xbb\xbf"])
def test_a_file_without_a_header_is_refused(
    connection: Connection, tmp_path: Path, content: bytes
) -> None:
    (tmp_path / "a.csv").write_bytes(content)
    with pytest.raises(SourceError, match="has no line of column names"):
        read(connection, tmp_path / "a.csv")


def test_a_header_alone_has_no_records(connection: Connection, tmp_path: Path) -> None:
    for header in (b"a,b", b"a,b\n", b"\xef\xbb\xbfa,b\r\n"):
        (tmp_path / "a.csv").write_bytes(header)
        assert read(connection, tmp_path / "a.csv") == []


def test_long_texts_and_many_columns_are_read(connection: Connection, tmp_path: Path) -> None:
    place, long = tmp_path / "a.csv", "市" * 1_000_000
    place.write_text(f'a,b\n{long},1\n"{long}\n{long}",2\n3\n', "utf-8")
    assert [row[:2] for row in read(connection, place)] == [
        (long, "1"),
        (f"{long}\n{long}", "2"),
        ("3", None),
    ]
    names = [f"n{number}" for number in range(5_000)]
    place.write_text(f"{','.join(names)}\n{','.join(names)}\n1,2\n", "utf-8")
    rows = read(connection, place)
    assert rows[0] == (*names, None) and "too few fields: 2 of 5000" in str(rows[1][-1])


def test_columns_of_one_name_are_told_apart_by_their_number(
    connection: Connection, tmp_path: Path
) -> None:
    place = tmp_path / "a.csv"
    place.write_text("a,note,NOTE,,\n1,2,3,4,5\n", "utf-8")
    file = csv_file(place, tmp_path, StatedDialect())
    assert connection.sql(file.rows_sql()).columns == [
        "a",
        "note 2",
        "NOTE 3",
        "column 4",
        "column 5",
    ]


def test_a_file_changed_since_it_was_read_is_read_again(
    connection: Connection, tmp_path: Path
) -> None:
    place = tmp_path / "a.csv"
    place.write_text("a,b\n1,2\n3\n", "utf-8")
    assert len(read(connection, place)) == 2
    place.write_text("a,b\n1,2\n3,4\n5\n", "utf-8")
    assert [row[-1] is None for row in read(connection, place)] == [True, True, False]
