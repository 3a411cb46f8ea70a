"""A table of a dump as its files hold it: its name, its parts, their columns, and the SQL that reads them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote

import pyarrow as pa
import pyarrow.parquet as pq

from features.connection import named, quoted
from features.errors import SourceError
from features.ingest.dump.encoding import utf8_file
from features.ingest.dump.names import BLANKS, first_line, header_delimiter, header_names, unique
from features.ingest.scan import csv_sql, files_below, parquet_sql

PARQUET = ".parquet"
TEXTS = tuple(form + packed for form in (".csv", ".tsv", ".txt", ".dat") for packed in ("", ".gz"))
UNREAD = (
    ".xlsx",
    ".xls",
    ".dbf",
    ".dmp",
    ".mdb",
    ".zip",
    ".rar",
    ".7z",
    ".bz2",
    ".zst",
    ".orc",
    ".avro",
    ".json",
    ".jsonl",
    ".del",
    ".unl",
)
"""Forms in which a table may come that nothing here reads."""
REST = tuple(f"lssi rest {number}" for number in range(1, 10))
"""Columns that take what a line of text has beyond its header."""
WIDE = (
    "".join(map(chr, [*range(0xFF10, 0xFF1A), *range(0xFF21, 0xFF3B), *range(0xFF41, 0xFF5B)]))
    + "．，－＋／："
)
NARROW = "".join(chr(ord(letter) - 0xFEE0) for letter in WIDE)
NOTHING_SAID = ("", "NULL", "(NULL)", "\\N", "NAN", "NAT", "NONE", "<NA>", "#N/A")
NO_VALUE = "__HIVE_DEFAULT_PARTITION__"
"""What Hive and Spark write in a folder's name for a value that is not there."""
LONGEST = 1 << 15
"""Bytes of a line of text: past them a quote mark has not been closed."""


@dataclass(frozen=True, slots=True)
class DumpFile:
    """A file of a table: where it lies, what is read in its place, and the values that folders like AAE003=201501 give it.

    Only folders below the table's own give values. A value is None where Hive or Spark wrote that there is none.
    """

    path: Path
    read: Path
    keys: tuple[tuple[str, str | None], ...]

    @property
    def name(self) -> str:
        return self.path.name


@dataclass(frozen=True, slots=True)
class TableFiles:
    """A table of a dump: the file or folder that it is, and its parts, Parquet or text in UTF-8."""

    place: Path
    parts: tuple[DumpFile, ...]

    @property
    def is_text(self) -> bool:
        return is_text(self.parts[0].path)


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


def held_in(place: Path, copies: Path) -> TableFiles:
    """Return the table that a file or folder is, its text in UTF-8; SourceError where Parquet and text lie together."""
    paths = [path for path in _files(place) if _form(path)] if place.is_dir() else [place]
    if len({is_text(path) for path in paths}) > 1:
        raise SourceError(f"{place.name} holds Parquet and CSV files; keep the one or the other")
    paths = [path for path in paths if path.stat().st_size] or paths
    return TableFiles(
        place,
        tuple(
            DumpFile(path, utf8_file(path, copies) if is_text(path) else path, _keys(place, path))
            for path in paths
        ),
    )


def _files(folder: Path) -> list[Path]:
    return [
        path
        for path in files_below(folder)
        if not any(map(_is_hidden, path.relative_to(folder).parents[:-1])) and not _is_hidden(path)
    ]


def _is_hidden(path: Path) -> bool:
    return path.name.startswith((".", "_"))


def _form(path: Path) -> str:
    lower = path.name.lower()
    return next((form for form in (PARQUET, *TEXTS) if lower.endswith(form)), "")


def is_text(path: Path) -> bool:
    """Tell whether a file is one of parted text, and no Parquet."""
    return _form(path) in TEXTS


def _keys(place: Path, path: Path) -> tuple[tuple[str, str | None], ...]:
    """Return what the folders between a table's own and a file of it say; SourceError where two say the same key."""
    folders = (
        [folder.name for folder in path.relative_to(place).parents[:-1]] if place.is_dir() else []
    )
    pairs = [name.split("=", 1) for name in folders if "=" in name]
    if len({key.upper() for key, _ in pairs}) < len(pairs):
        raise SourceError(
            f"{path.relative_to(place.parent)} lies in two folders of one key; keep one of them"
        )
    return tuple(
        (unquote(key), None if value == NO_VALUE else unquote(value)) for key, value in pairs
    )


def part_columns(part: DumpFile) -> tuple[str, ...]:
    """Return the names of a part's own columns, as it has them."""
    return tuple(header_names(part.read)) if is_text(part.path) else tuple(_schema(part).names)


def dump_columns(held: TableFiles) -> tuple[str, ...]:
    """Return the names of a table's columns as its files have them, folders like AAE003=201501 included."""
    found = [name for part in held.parts for name in unique(part_columns(part))]
    return tuple(dict.fromkeys([*found, *(key for part in held.parts for key, _ in part.keys)]))


def _schema(part: DumpFile) -> pa.Schema:
    try:
        return pq.read_schema(part.path)
    except (pa.ArrowException, OSError):
        raise SourceError(f"{part.name} cannot be read as Parquet; write it again") from None


def instants_of(held: TableFiles) -> frozenset[str]:
    """Return the columns of Parquet in the old form INT96 that Hive or Spark wrote: moments of UTC, not of the local clock."""
    found: set[str] = set()
    for part in held.parts if not held.is_text else ():
        file = pq.read_metadata(part.path)
        if (file.created_by or "").startswith("parquet-mr") or b"org.apache.spark.version" in (
            file.metadata or {}
        ):
            columns = [file.schema.column(number) for number in range(file.num_columns)]
            found |= {column.name for column in columns if column.physical_type == "INT96"}
    return frozenset(found)


def dump_file_sql(held: TableFiles) -> str:
    """Return the SQL that reads a file or folder of a dump, lines of text with what lies beyond their header."""
    if held.is_text:
        return " UNION ALL BY NAME ".join(
            f"SELECT * {_keys_sql(part)}FROM {_text_sql(part)}" for part in held.parts
        ).join("()")
    rows = parquet_sql(
        [part.path for part in held.parts], "union_by_name=true", "binary_as_string=true"
    )
    return (
        f"(SELECT *{_keyed_sql(held)} FROM {rows})"
        if any(part.keys for part in held.parts)
        else rows
    )


def _keys_sql(part: DumpFile) -> str:
    return "".join(
        f", {_value_sql(value)} AS {named(key)} " for key, value in given_by_folders(part).items()
    )


def given_by_folders(part: DumpFile) -> dict[str, str | None]:
    """Return the values that folders give a part, by column in capitals, for the columns that the part itself has not."""
    own = {name.upper() for name in part_columns(part)} if part.keys else set()
    return {key.upper(): value for key, value in part.keys if key.upper() not in own}


def _value_sql(value: str | None) -> str:
    return "CAST(NULL AS VARCHAR)" if value is None else quoted(value)


def _keyed_sql(held: TableFiles) -> str:
    """Return the columns that folders give the Parquet parts of a table: of each a list, in the order of the parts.

    A list is looked into by the number of the file that DuckDB reads: as fast with thousands of folders as with one.
    """
    given = [given_by_folders(part) for part in held.parts]
    own = {name.upper() for part in held.parts for name in part_columns(part)}
    if "FILE_INDEX" in own:
        raise SourceError(
            f"{held.place.name} lies in folders that give values and holds a column file_index, which "
            "stands for the number of a file; rename it"
        )
    added, mended = "", list[str]()
    for key in sorted({key for values in given for key in values}):
        value = f"[{', '.join(_value_sql(values.get(key)) for values in given)}][CAST(file_index AS BIGINT) + 1]"
        if key in own:
            mended.append(f"coalesce(CAST({named(key)} AS VARCHAR), {value}) AS {named(key)}")
        else:
            added += f", {value} AS {named(key)}"
    return (f" REPLACE ({', '.join(mended)})" if mended else "") + added


def _text_sql(part: DumpFile) -> str:
    return csv_sql(
        part.read,
        (*unique(part_columns(part)), *REST),
        f"delim={quoted(header_delimiter(first_line(part.read)))}, quote='\"', escape='\"'",
        f"strict_mode=false, null_padding=true, parallel=false, max_line_size={LONGEST}",
    )


def told_sql(value: str, header: Iterable[str], columns: Sequence[str]) -> str:
    """Return a column of text, or why its line is no row: it has more fields than its header, is it, or leaves a quote open."""
    rest, line = ", ".join(map(named, REST)), ", ".join(map(named, columns))
    names = ", ".join(quoted(name.upper()) for name in header)
    return (
        f"CASE WHEN coalesce({rest}) IS NOT NULL THEN '! the line has more fields than the header' "
        f"WHEN {value} IS NULL AND contains(concat({line}), chr(10)) THEN '! a quote mark of the line is not closed' "
        f"WHEN upper(trim({value}, {quoted(BLANKS)})) IN ({names}) THEN '! the line repeats the header' "
        f"ELSE {value} END"
    )


def clean_sql(column: str) -> str:
    """Return a column of text without blanks around it, full-width letters and signs made plain, NULL where it says nothing."""
    plain = (
        f"CASE WHEN strlen({column}) = length({column}) AND NOT contains({column}, chr(9)) THEN trim({column}) "
        f"ELSE trim(translate({column}, {quoted(WIDE)}, {quoted(NARROW)}), {quoted(BLANKS)}) END"
    )
    return (
        f"CASE WHEN upper({plain}) NOT IN ({', '.join(map(quoted, NOTHING_SAID))}) THEN {plain} END"
    )


def read_in(error: Exception) -> str:
    """Return the name of the file of text that an error of the reader is about, empty where it names none."""
    told = re.search(r"^ *file = (.+)$", str(error), re.MULTILINE)
    return Path(told[1]).name if told else ""
