"""A table of a dump as its files hold it: its name, its parts, their columns, and the SQL that reads them."""

from __future__ import annotations

import codecs
import csv
import gzip
import re
import zlib
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from features.duck import named, quoted
from features.errors import SourceError

PARQUET = ".parquet"
TEXTS = tuple(form + packed for form in (".csv", ".tsv", ".txt") for packed in ("", ".gz"))
DELIMITERS = ",\t;|"
REST = tuple(f"lssi rest {number}" for number in range(1, 10))
"""Columns that take what a line of text has beyond its header."""
WIDE, NARROW = "０１２３４５６７８９．，－＋／：", "0123456789.,-+/:"
BLANKS = " \t\r\n\u00a0\u3000\ufeff"
NOTHING_SAID = ("", "NULL", "(NULL)", "\\N", "NAN", "NAT", "NONE", "<NA>", "#N/A")
LONGEST = 1 << 15
"""Bytes of a line of text: past them a quote mark has not been closed."""


def table_name(place: Path) -> str | None:
    """Return the lower-case name of the table that a file or folder holds; None if it holds none.

    >>> table_name(Path("AB01.CSV.GZ"))
    'ab01'
    """
    lower = place.name.lower()
    if _is_hidden(place):
        return None
    if place.is_dir():
        return lower if any(_form(path) for path in _files(place)) else None
    form = _form(place)
    return lower.removesuffix(form) if form else None


def parts_of(place: Path) -> list[Path]:
    """Return the files of a table: itself, or those in its folder; SourceError where Parquet and text lie together."""
    if not place.is_dir():
        return [place]
    parts = [path for path in _files(place) if _form(path)]
    if len({is_text(path) for path in parts}) > 1:
        raise SourceError(f"{place.name} holds Parquet and CSV files; keep the one or the other")
    return parts


def _files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*")
                  if path.is_file() and not any(map(_is_hidden, path.relative_to(folder).parents[:-1])) and not _is_hidden(path))


def _is_hidden(path: Path) -> bool:
    return path.name.startswith((".", "_"))


def _form(path: Path) -> str:
    lower = path.name.lower()
    return next((form for form in (PARQUET, *TEXTS) if lower.endswith(form)), "")


def is_text(path: Path) -> bool:
    """Tell whether a file is one of parted text, and no Parquet."""
    return _form(path) in TEXTS


def columns_of(place: Path) -> tuple[str, ...]:
    """Return the names of a table's columns as its files have them, folders like AAE003=201501 included."""
    parts = parts_of(place)
    found = [name for part in parts for name in (_unique(header_names(part)) if is_text(part) else _parquet_names(part))]
    return tuple(dict.fromkeys([*found, *_partitions(place, parts)]))


def twice_in(place: Path, declared: Iterable[str]) -> tuple[str, str] | None:
    """Return a file of a table and a declared column that it holds twice, whatever the case; None if there is none."""
    wanted = {name.upper() for name in declared}
    for part in parts_of(place):
        held = Counter(name.strip().upper() for name in (header_names(part) if is_text(part) else _parquet_names(part)))
        if more := [name for name, number in held.items() if number > 1 and name in wanted]:
            return part.name, more[0]
    return None


def _partitions(place: Path, parts: list[Path]) -> list[str]:
    folders = [folder.name for folder in parts[0].relative_to(place).parents[:-1]] if place.is_dir() and parts else []
    return [name.split("=", 1)[0] for name in folders if "=" in name]


def _parquet_names(part: Path) -> list[str]:
    try:
        return list(pq.read_schema(part).names)
    except (pa.ArrowException, OSError):
        raise SourceError(f"{part.name} cannot be read as Parquet; write it again") from None


def header_names(part: Path) -> list[str]:
    """Return the names in the first line of a file of text, as they stand there."""
    header = header_of(part)
    return [name.strip() for name in next(csv.reader([header], delimiter=delimiter_of(header), skipinitialspace=True), [])]


def _unique(names: Iterable[str]) -> tuple[str, ...]:
    found: list[str] = []
    for number, name in enumerate(names):
        column = name or f"column {number}"
        found.append(f"{column} {number}" if column.upper() in map(str.upper, found) else column)
    return tuple(found)


def header_of(part: Path) -> str:
    """Return the first line of a file of text; SourceError if the file does not begin as UTF-8."""
    try:
        with gzip.open(part) if part.suffix.lower() == ".gz" else part.open("rb") as file:
            start = file.read(1 << 20)
        text = codecs.getincrementaldecoder("utf-8-sig")().decode(start)
    except (EOFError, zlib.error, gzip.BadGzipFile):
        raise SourceError(f"{part.name} cannot be read as gzip; write it again") from None
    except UnicodeDecodeError:
        given = "UTF-16" if start[:2] in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE) else "GB18030"
        raise SourceError(f"{part.name} is not UTF-8 text ({given}, it seems); convert it with "
                          f"`iconv -f {given} -t UTF-8 {part.name}` and put the result in its place") from None
    lines = text.splitlines()
    if not lines or "\0" in lines[0]:
        raise SourceError(f"{part.name} has no line of column names; write it again with a header")
    return lines[0]


def delimiter_of(header: str) -> str:
    """Return what parts the names of a header.

    >>> delimiter_of("AAB001|AAE036")
    '|'
    """
    return max(DELIMITERS, key=header.count)


def file_sql(place: Path) -> str:
    """Return the SQL that reads a file or folder of a dump, lines of text with what lies beyond their header."""
    parts = parts_of(place)
    if is_text(parts[0]):
        return " UNION ALL BY NAME ".join(f"SELECT * FROM {_text_sql(part)}" for part in parts).join("()")
    keys = _partitions(place, parts)
    return (f"read_parquet([{', '.join(map(quoted, parts))}], union_by_name=true, hive_types_autocast=false, "
            f"hive_partitioning={'true' if keys else 'false'})")


def _text_sql(part: Path) -> str:
    columns = ", ".join(f"{quoted(name)}: 'VARCHAR'" for name in (*_unique(header_names(part)), *REST))
    return (f"read_csv({quoted(part)}, auto_detect=false, header=true, columns={{{columns}}}, strict_mode=false, "
            f"null_padding=true, parallel=false, max_line_size={LONGEST}, delim={quoted(delimiter_of(header_of(part)))}, "
            "quote='\"', escape='\"')")


def told_sql(value: str, columns: Sequence[str]) -> str:
    """Return a column of text, or why its line is no row: it has more fields than its header, or a quote mark is open."""
    rest, line = ", ".join(map(named, REST)), ", ".join(map(named, columns))
    return (f"CASE WHEN coalesce({rest}) IS NOT NULL THEN '! the line has more fields than the header' "
            f"WHEN {value} IS NULL AND contains(concat({line}), chr(10)) THEN '! a quote mark of the line is not closed' "
            f"ELSE {value} END")


def clean_sql(column: str) -> str:
    """Return a column of text without blanks around it, full-width digits and signs made plain, NULL where it says nothing."""
    plain = (f"CASE WHEN strlen({column}) = length({column}) AND NOT contains({column}, chr(9)) THEN trim({column}) "
             f"ELSE trim(translate({column}, {quoted(WIDE)}, {quoted(NARROW)}), {quoted(BLANKS)}) END")
    return f"CASE WHEN upper({plain}) NOT IN ({', '.join(map(quoted, NOTHING_SAID))}) THEN {plain} END"


def read_in(error: Exception) -> str:
    """Return the name of the file of text that an error of the reader is about, empty where it names none."""
    told = re.search(r"^ *file = (.+)$", str(error), re.MULTILINE)
    return Path(told[1]).name if told else ""
