"""Bare reads in a view, such as `read_csv('…')`: a place on their path gives no value and is no pattern.

The macros `csv('…')` and `parquet('…')` need none of this: they name their files exactly.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from features.connection import quoted, tokens, without_patterns
from features.errors import SourceError
from features.ingest.macros import OPTIONS, Call, Ground, calls, scan_of

_VALUED = re.compile(r"(?:^|/)([^/=]+=[^/]*)/")
"""A folder such as `month=201506` on a path, which DuckDB would take for a column."""
BARE_PARQUET = ("read_parquet", "parquet_scan")
_UNION = frozenset(OPTIONS["parquet"])
_FORMS = re.compile(r"[.](parquet|csv|tsv|txt|json|jsonl|ndjson)([.](gz|zst))?$", re.IGNORECASE)


def check_places(query: str) -> None:
    """Refuse a query that reads bare through a folder whose name gives a value.

    Raises SourceError with the macro to write in its place.
    """
    for path in bare_paths(query):
        valued = _VALUED.search(path)
        if valued is not None:
            macro = "parquet" if ".parquet" in path.lower() else "csv"
            raise SourceError(
                f"reads a file in the folder {valued[1]!r}, from which DuckDB would add a column; "
                f"write {macro}({quoted(Path(path).name)}) with the same path instead, which adds none"
            )


def check_parts(query: str, ground: Ground) -> None:
    """Refuse a query that reads bare several Parquet files that `parquet('…')` would refuse: DuckDB converts all to one type.

    Files that the macro cannot name, such as those of a pattern over folders, are left to DuckDB.
    """
    bare_calls = calls(query, BARE_PARQUET)
    in_calls = {path for call in bare_calls for path in call.paths}
    alone = [path for path in bare_paths(query) if path.lower().endswith(".parquet")]
    as_tables = [Call("", (path,), {}, 0, 0) for path in alone if path not in in_calls]
    for call in [*bare_calls, *as_tables]:
        options = {name: value for name, value in call.options.items() if name in _UNION}
        as_macro = Call("parquet", call.paths, options, call.begin, call.end)
        try:
            ground.files(as_macro)
        except SourceError:
            continue
        scan_of(as_macro, ground)


def bare_paths(query: str) -> Iterator[str]:
    """Yield the texts of a query that look like files and stand in no macro.

    >>> list(bare_paths("SELECT '7' FROM read_csv('/a=1/b.csv') JOIN csv('/a=1/c.csv')"))
    ['/a=1/b.csv']
    """
    macros = calls(query, tuple(OPTIONS))
    for token in tokens(query):
        in_macro = any(call.begin <= token.begin < call.end for call in macros)
        if in_macro or not token.text.startswith("'"):
            continue
        text = token.text[1:-1].replace("''", "'")
        if "/" in text and _FORMS.search(text):
            yield text


def without_patterns_in(query: str, folders: Iterable[Path]) -> str:
    """Return a query in which the names of some folders, at the head of a path, are no patterns for DuckDB.

    What a view itself writes after them may still be one.
    """
    # Longest first: a folder may lie in another, and its whole name is then at the head of the path.
    names = sorted(map(str, folders), key=len, reverse=True)
    for folder in names:
        plain = without_patterns(folder)
        if plain != folder:
            query = query.replace(_inside_quotes(folder), _inside_quotes(plain))
    return query


def _inside_quotes(text: str) -> str:
    return quoted(text)[1:-1]
