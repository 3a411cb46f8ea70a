"""DuckDB connections: a locked one for the SQL of a foreign source, an open one for stores of our own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb

Connection = duckdb.DuckDBPyConnection
Relation = duckdb.DuckDBPyRelation
DuckError = duckdb.Error
ForbiddenError = duckdb.PermissionException


@dataclass(frozen=True, slots=True)
class Limits:
    """What a connection may use: memory as DuckDB writes it, threads, and where it spills."""

    memory: str = "2GB"
    threads: int = 2
    spill: Path | None = None


MODEST = Limits()


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


def opened(limits: Limits = MODEST) -> Connection:
    """Return a connection in memory that may read and write any file; a query sees no variable of ours."""
    connection = duckdb.connect()
    connection.execute("SET python_enable_replacements=false")
    connection.execute(f"SET memory_limit={quoted(limits.memory)}")
    connection.execute(f"SET threads={limits.threads}")
    if limits.spill is not None:
        connection.execute(f"SET temp_directory={quoted(limits.spill)}")
    return connection


def locked(places: Sequence[Path], *, clock: str = "UTC", limits: Limits = MODEST) -> Connection:
    """Return a connection that reads `places` only, files and whole folders, and whose settings are fixed for good.

    A place that does not exist yet is a folder.
    """
    connection = opened(limits)
    connection.execute(f"SET TimeZone={quoted(clock)}")
    folders = ", ".join(quoted(f"{place.resolve()}/") for place in places if not place.is_file())
    files = ", ".join(quoted(place.resolve()) for place in places if place.is_file())
    connection.execute(f"SET allowed_directories=[{folders}]")
    connection.execute(f"SET allowed_paths=[{files}]")
    connection.execute("SET enable_external_access=false")
    connection.execute("SET lock_configuration=true")
    return connection


def is_one_select(query: str) -> bool:
    """Tell whether a text is one SELECT statement and nothing else; DuckDB's own error if it is no SQL."""
    statements = duckdb.extract_statements(query)
    return len(statements) == 1 and statements[0].type == duckdb.StatementType.SELECT
