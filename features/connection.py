"""DuckDB connections: a locked one for the SQL of a foreign source, an open one for stores of our own."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import duckdb

from features.errors import RequestError

Connection = duckdb.DuckDBPyConnection
Relation = duckdb.DuckDBPyRelation
DuckError = duckdb.Error
ForbiddenError = duckdb.PermissionException


MEMORY = "LSSI_MEMORY"
"""The setting that says how much memory the queries of one connection may use, such as 500MB or 4GB."""
MEMORY_UNSET = "2GB"
_SIZE = re.compile(r"[1-9][0-9]*(MB|GB)")


def memory_limit() -> str:
    """Return how much memory a connection may use, as LSSI_MEMORY says; RequestError unless that is a size."""
    size = os.environ.get(MEMORY) or MEMORY_UNSET
    if not _SIZE.fullmatch(size):
        raise RequestError(f"{MEMORY} should be a size such as 500MB or 4GB; got {size!r}")
    return size


def why_failed(error: duckdb.Error) -> str:
    """Return in one line why a query failed; where memory did not suffice, the limit and the setting that states it."""
    if isinstance(error, duckdb.OutOfMemoryException):
        return (
            f"it needs more than the {memory_limit()} of memory that {MEMORY} allows; set {MEMORY} to more, or ask "
            "of fewer units or attributes"
        )
    return str(error).strip().splitlines()[0]


@dataclass(frozen=True, slots=True)
class ConnectionLimits:
    """What a connection may use: memory as DuckDB writes it, threads, and where it spills; nowhere if no place is named.

    Where no memory is stated, LSSI_MEMORY says how much.
    """

    memory: str = ""
    threads: int = 2
    spill: Path | None = None


MODEST = ConnectionLimits()
_SPECIAL = re.compile(r"[*?\[]")


def quoted(text: str | Path) -> str:
    """Return a text as an SQL string.

    >>> quoted("it's")
    "'it''s'"
    """
    return "'" + str(text).replace("'", "''") + "'"


def named(name: str) -> str:
    """Return a name as an SQL identifier.

    >>> named("month")
    '"month"'
    """
    return '"' + name.replace('"', '""') + '"'


def opened(limits: ConnectionLimits = MODEST) -> Connection:
    """Return a connection in memory that may read and write any file; a query sees no variable of ours."""
    connection = duckdb.connect()
    connection.execute("SET python_enable_replacements=false")
    _without_bar(connection)
    memory = limits.memory or memory_limit()
    connection.execute(f"SET memory_limit={quoted(memory)}")
    connection.execute(f"SET threads={limits.threads}")
    connection.execute(f"SET temp_directory={quoted(limits.spill or '')}")
    return connection


@cache
def clock_names() -> frozenset[str]:
    """Return the names of all time zones that a connection may have as its clock."""
    with opened() as connection:
        rows = connection.sql("SELECT name FROM pg_timezone_names()").fetchall()
    return frozenset(name for (name,) in rows)


def _without_bar(connection: Connection) -> None:
    """Let no bar of progress be shown: it would be printed among the JSON of a command whose query takes two seconds.

    In a notebook without ipywidgets it is off from the start, and the setting cannot be changed at all.
    """
    row = connection.execute("SELECT current_setting('enable_progress_bar')").fetchone()
    if row == (True,):
        connection.execute("SET enable_progress_bar=false")


def locked_connection(
    places: Sequence[Path], *, clock: str = "UTC", limits: ConnectionLimits = MODEST
) -> Connection:
    """Return a connection that reads `places` only, files and whole folders, and whose settings are fixed for good.

    A place that does not exist yet is a folder.
    """
    connection = opened(limits)
    connection.execute(f"SET TimeZone={quoted(clock)}")
    folders: list[str] = []
    files: list[str] = []
    for place in places:
        for text in _spellings(place):
            if place.is_file():
                files.append(quoted(text))
            else:
                folders.append(quoted(f"{text}/"))
    connection.execute(f"SET allowed_directories=[{', '.join(folders)}]")
    connection.execute(f"SET allowed_paths=[{', '.join(files)}]")
    connection.execute("SET enable_external_access=false")
    connection.execute("SET lock_configuration=true")
    return connection


def _spellings(place: Path) -> set[str]:
    """Return how a place may stand in a query: as it is called, and with its signs of a pattern in brackets."""
    text = str(place.resolve())
    return {text, without_patterns(text)}


def without_patterns(text: str) -> str:
    """Return a path in which no character is a pattern for DuckDB.

    >>> without_patterns("s?/[1]/a.csv")
    's[?]/[[]1]/a.csv'
    """
    return _SPECIAL.sub(r"[\g<0>]", text)


def is_one_select(query: str) -> bool:
    """Tell whether a text is one SELECT statement and nothing else; DuckDB's own error if it is no SQL."""
    statements = duckdb.extract_statements(query)
    return len(statements) == 1 and statements[0].type == duckdb.StatementType.SELECT


@dataclass(frozen=True, slots=True)
class Token:
    """A token of SQL, no comment: its text and where that begins and ends in the query, in characters."""

    text: str
    begin: int
    end: int


def tokens(query: str) -> list[Token]:
    """Return the tokens of a text as DuckDB parts them, comments left out.

    >>> [token.text for token in tokens("FROM csv('a')  -- all")]
    ['FROM', 'csv', '(', "'a'", ')']
    """
    content = query.encode()
    parts = duckdb.tokenize(query)
    if not parts:
        return []
    ends = [begin for begin, _ in parts[1:]]
    ends.append(len(content))
    parsed: list[Token] = []
    # DuckDB counts bytes, a Token characters: what lies between two tokens is decoded to be counted.
    place = 0
    counted = 0
    for (begin, kind), end in zip(parts, ends, strict=True):
        place += len(content[counted:begin].decode())
        counted = begin
        text = content[begin:end].decode().rstrip()
        if kind != duckdb.token_type.comment:
            parsed.append(Token(text, place, place + len(text)))
    return parsed
