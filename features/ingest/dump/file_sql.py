"""The SQL that reads a table of a dump from its files, and that makes its texts clean."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

from features.connection import named, quoted
from features.errors import SourceError
from features.ingest.dump.files import DumpFile, TableFiles, folder_columns, part_columns
from features.ingest.dump.names import TOLD, copied_delimiter, first_line, header_delimiter, unique
from features.ingest.dump.units import BLANKS
from features.ingest.scan import csv_sql, parquet_sql

_WIDE_CODES = [*range(0xFF10, 0xFF1A), *range(0xFF21, 0xFF3B), *range(0xFF41, 0xFF5B)]
WIDE = "".join(map(chr, _WIDE_CODES)) + "．，－＋／："
"""Full-width digits, letters and signs, as Chinese input methods write them."""
# Unicode keeps the full-width forms of ASCII in its order, 0xFEE0 above it.
NARROW = "".join(chr(ord(letter) - 0xFEE0) for letter in WIDE)
NOTHING_SAID = ("", "NULL", "(NULL)", "\\N", "NAN", "NAT", "NONE", "<NA>", "#N/A")
LONGEST_LINE = 1 << 21
"""Bytes of a line that DuckDB should be ready for; a copy of a record of 32 KB, quoted and told, is much shorter."""


def dump_file_sql(held: TableFiles) -> str:
    """Return the SQL that reads a file or folder of a dump; records of text say why they are no row."""
    if held.is_text:
        selects = [f"SELECT * {_keys_sql(part)}FROM {_text_sql(part)}" for part in held.parts]
        rows_of_all = " UNION ALL BY NAME ".join(selects)
        return f"({rows_of_all})"
    paths = [part.path for part in held.parts]
    rows = parquet_sql(paths, "union_by_name=true", "binary_as_string=true")
    lies_in_named_folders = any(part.keys for part in held.parts)
    if not lies_in_named_folders:
        return rows
    keys = _keyed_sql(held)
    return f"(SELECT *{keys} FROM {rows})"


def _keys_sql(part: DumpFile) -> str:
    """Return the columns that folders give a part of text, to be read beside its own."""
    columns = ""
    for key, value in folder_columns(part).items():
        value_sql = _value_sql(value)
        columns += f", {value_sql} AS {named(key)} "
    return columns


def _value_sql(value: str | None) -> str:
    return "CAST(NULL AS VARCHAR)" if value is None else quoted(value)


def _keyed_sql(held: TableFiles) -> str:
    """Return the columns that folders give the Parquet parts of a table: of each a list, in the order of the parts.

    A list is looked into by the number of the file that DuckDB reads: as fast with thousands of folders as with one.
    """
    values_by_part = [folder_columns(part) for part in held.parts]
    keys: set[str] = set()
    columns: set[str] = set()
    for part, values in zip(held.parts, values_by_part, strict=True):
        keys |= values.keys()
        columns |= {name.upper() for name in part_columns(part)}
    if "FILE_INDEX" in columns:
        raise SourceError(
            f"{held.place.name} lies in folders named KEY=VALUE and has a column file_index, a name "
            "that is reserved for the number of a file; rename the column"
        )
    added = ""
    replaced: list[str] = []
    for key in sorted(keys):
        value_of_each = ", ".join(_value_sql(values.get(key)) for values in values_by_part)
        value = f"[{value_of_each}][CAST(file_index AS BIGINT) + 1]"
        column = named(key)
        # Some parts have the column themselves: there their own value stands.
        if key in columns:
            replaced.append(f"coalesce(CAST({column} AS VARCHAR), {value}) AS {column}")
        else:
            added += f", {value} AS {column}"
    if not replaced:
        return added
    replacements = ", ".join(replaced)
    return f" REPLACE ({replacements}){added}"


def _text_sql(part: DumpFile) -> str:
    """Return the SELECT of the records of a part of text, in their order, each with why it is no row."""
    columns = [*unique(part_columns(part))]
    delimiter = header_delimiter(first_line(part.read))
    settings = (
        "quote='\"', escape='\"', comment='', nullstr='', strict_mode=true, "
        f"parallel=false, max_line_size={LONGEST_LINE}"
    )
    if part.records is None:
        rows = csv_sql(part.read, columns, f"delim={quoted(delimiter)}", settings)
        return f"(SELECT *, CAST(NULL AS VARCHAR) AS {named(TOLD)} FROM {rows})"
    sign = copied_delimiter(delimiter)
    return csv_sql(part.records, [TOLD, *columns], f"delim={quoted(sign)}", settings)


def checked_sql(value: str, header: Iterable[str]) -> str:
    """Return a column of text, or why its line is no row: its record is broken, or repeats the header."""
    header_texts = ", ".join(quoted(name.upper()) for name in header)
    blanks = quoted(BLANKS)
    trimmed = f"trim({value}, {blanks})"
    reason = named(TOLD)
    return (
        f"CASE WHEN {reason} IS NOT NULL THEN '! ' || {reason} "
        f"WHEN upper({trimmed}) IN ({header_texts}) THEN '! the line repeats the header' "
        f"ELSE {value} END"
    )


def clean_sql(column: str) -> str:
    """Return a column of text without blanks around it, full-width letters and signs made plain, NULL where it says nothing."""
    # As many bytes as letters: plain ASCII, which most values are, needs no translation, and that is slow.
    is_ascii = f"strlen({column}) = length({column})"
    wide, narrow, blanks = quoted(WIDE), quoted(NARROW), quoted(BLANKS)
    translated = f"translate({column}, {wide}, {narrow})"
    plain = (
        f"CASE WHEN {is_ascii} AND NOT contains({column}, chr(9)) THEN trim({column}) "
        f"ELSE trim({translated}, {blanks}) END"
    )
    empty_texts = ", ".join(map(quoted, NOTHING_SAID))
    return f"CASE WHEN upper({plain}) NOT IN ({empty_texts}) THEN {plain} END"


def read_in(error: Exception) -> str:
    """Return the name of the text file in an error of DuckDB's reader; empty if the error names none."""
    line = re.search(r"^ *file = (.+)$", str(error), re.MULTILINE)
    if line is None:
        return ""
    return Path(line[1]).name
