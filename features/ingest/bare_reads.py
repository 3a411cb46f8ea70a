"""What DuckDB would guess of the files that a source's views read bare, told so that nobody learns it from the values."""

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
"""Types that a note names; the rest it counts."""


def bare_notes(source: Source, connection: Connection) -> Iterator[str]:
    """Yield a line for each CSV file that a view reads without the macro, with what DuckDB guesses of it."""
    for place in source.tables.values():
        if place.suffix == ".sql":
            query = view_text(source, place)
            for call in [*calls(query, BARE), *_bare_paths(query)]:
                yield from _notes(source, connection, place, call)


def _bare_paths(query: str) -> Iterator[Call]:
    """Yield the CSV files that stand as a text where a table should: FROM 'a.csv'."""
    parted = tokens(query)
    for before, token in pairwise(parted):
        path = token.text[1:-1].replace("''", "'")
        if (
            before.text.upper() in ("FROM", "JOIN")
            and token.text.startswith("'")
            and _is_text(path)
        ):
            yield Call("read_csv", (path,), {}, token.begin, token.end)


def _is_text(path: str) -> bool:
    return path.lower().removesuffix(".gz").endswith((".csv", ".tsv", ".txt"))


def _notes(source: Source, connection: Connection, place: Path, call: Call) -> Iterator[str]:
    unstated = [what for what, options in STATES.items() if not call.options.keys() & set(options)]
    if call.options.get(NO_GUESS) == "false" or not unstated:
        return
    named = Call("csv", call.paths, {}, call.begin, call.end)
    try:
        file = Ground(source.places, copies_of(source)).files(named)[0]
        guesses = guessed(connection, file)
    except (SourceError, DuckError):  # the load says what is wrong with it
        return
    written = (
        call.paths[0].replace(str(source.data), "${DATA}").replace(str(source.folder), "${SOURCE}")
    )
    said = ", ".join(f"{what} {guesses[what]}" for what in unstated)
    yield f"{place.name} reads {Path(written).name} bare, and DuckDB guesses its {said}; write csv({quoted(written)}) instead"


def guessed(connection: Connection, path: Path) -> dict[str, str]:
    """Return what DuckDB's sniffer takes a CSV file for, by what it guesses."""
    columns = "Delimiter, Quote, Escape, HasHeader, Comment, Columns"
    found = connection.sql(f"SELECT {columns} FROM sniff_csv({file_sql(path)})").fetchall()[0]
    delimiter, quote, escape, header, comment, types = found
    kinds = [f"{one['name']} {one['type']}" for one in types if one["type"] != "VARCHAR"]
    more = f" and {len(kinds) - FEW} more" if len(kinds) > FEW else ""
    return {
        "delimiter": repr(delimiter),
        "quote": _sign(quote),
        "escape": _sign(escape),
        "header": str(header).lower(),
        "comment": _sign(comment),
        "types": (", ".join(kinds[:FEW]) + more) or "all text",
    }


def _sign(text: str) -> str:
    return "none" if text == "(empty)" else text
