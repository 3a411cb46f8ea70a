"""Reports what DuckDB guesses about files that views read without a macro, before the guess shows in the values."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

from features.connection import Connection, DuckError, quoted, tokens
from features.errors import SourceError
from features.ingest.csv_table import copies_of
from features.ingest.macros import BARE, Call, Ground, calls
from features.ingest.scan import file_sql
from features.ingest.source import Source
from features.ingest.typed_sql import view_text

STATES = {
    "delimiter": ("delim", "sep"),
    "quote": ("quote",),
    "escape": ("escape",),
    "header": ("header",),
    "comment": ("comment",),
    "types": ("all_varchar", "columns", "types", "dtypes"),
}
"""What DuckDB guesses of a CSV file, and the options of `read_csv` that state it."""
NO_GUESS = "auto_detect"
FEW = 6
"""Types that a note names, the rest it counts; a choice, so that the note stays one line."""


def bare_notes(source: Source, connection: Connection) -> Iterator[str]:
    """Yield a line for each CSV file that a view reads without the macro, with what DuckDB guesses of it."""
    for place in source.tables.values():
        if place.suffix == ".sql":
            query = view_text(source, place)
            for call in [*calls(query, BARE), *_bare_paths(query)]:
                yield from _notes(source, connection, place, call)


def _bare_paths(query: str) -> Iterator[Call]:
    """Yield the CSV files that stand as a text where a table should: FROM 'a.csv'."""
    for before, token in pairwise(tokens(query)):
        stands_as_table = before.text.upper() in ("FROM", "JOIN")
        if not stands_as_table or not token.text.startswith("'"):
            continue
        path = token.text[1:-1].replace("''", "'")
        if _is_text(path):
            yield Call("read_csv", (path,), {}, token.begin, token.end)


def _is_text(path: str) -> bool:
    return path.lower().removesuffix(".gz").endswith((".csv", ".tsv", ".txt"))


def _notes(source: Source, connection: Connection, place: Path, call: Call) -> Iterator[str]:
    stated = call.options.keys()
    unstated = [what for what, options in STATES.items() if not stated & set(options)]
    if call.options.get(NO_GUESS) == "false" or not unstated:
        return
    as_macro = Call("csv", call.paths, {}, call.begin, call.end)
    ground = Ground(source.places, copies_of(source))
    try:
        file = ground.files(as_macro)[0]
        guesses = guessed(connection, file)
    except (SourceError, DuckError):  # the load says what is wrong with it
        return
    path = call.paths[0].replace(str(source.data), "${DATA}")
    path = path.replace(str(source.folder), "${SOURCE}")
    guessed_values = ", ".join(f"{what} {guesses[what]}" for what in unstated)
    yield (
        f"{place.name} reads {Path(path).name} bare, and DuckDB guesses its {guessed_values}; "
        f"write csv({quoted(path)}) instead"
    )


def guessed(connection: Connection, path: Path) -> dict[str, str]:
    """Return what DuckDB's sniffer takes a CSV file for, by what it guesses."""
    columns = "Delimiter, Quote, Escape, HasHeader, Comment, Columns"
    query = f"SELECT {columns} FROM sniff_csv({file_sql(path)})"
    row = connection.sql(query).fetchall()[0]
    delimiter, quote, escape, header, comment, sniffed = row
    odd_columns = [column for column in sniffed if column["type"] != "VARCHAR"]
    names = [f"{column['name']} {column['type']}" for column in odd_columns]
    types = ", ".join(names[:FEW])
    if len(names) > FEW:
        types += f" and {len(names) - FEW} more"
    return {
        "delimiter": repr(delimiter),
        "quote": _sign(quote),
        "escape": _sign(escape),
        "header": str(header).lower(),
        "comment": _sign(comment),
        "types": types or "all text",
    }


def _sign(text: str) -> str:
    return "none" if text == "(empty)" else text
