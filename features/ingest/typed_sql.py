"""Raw columns of a source as SQL: each becomes a typed value, and a text `raw NAME` where it could not be one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pyarrow as pa

from features.calendar import date_of
from features.connection import (
    Connection,
    ConnectionLimits,
    DuckError,
    ForbiddenError,
    Relation,
    is_one_select,
    locked_connection,
    named,
    quoted,
    why_failed,
)
from features.contract.tables import COMMON, Column
from features.errors import SourceError
from features.ingest.csv_file import CsvFile
from features.ingest.csv_table import CARRIER, copies_of, csv_table_sql
from features.ingest.dump.file_sql import read_in
from features.ingest.macros import Expanded, Ground, expanded
from features.ingest.scan import alike_parquet_sql, files_in
from features.ingest.source import Source
from features.ingest.staged import TRACE
from features.ingest.typed_values import INTEGERS, WIDTHS, can_fail, text_sql, value_sql
from features.ingest.views import check_parts, check_places, without_patterns_in
from features.text_files import text_of


def view_text(source: Source, place: Path) -> str:
    """Return the text of a view, ${DATA} and ${SOURCE} put in; SourceError if it is no single SELECT."""
    query = text_of(place).strip().rstrip(";")
    if "${DATA}" in query and not source.data.is_dir():
        raise SourceError(
            f"{place.name} reads ${{DATA}}, and {source.data} is no folder; give --data or set LSSI_DATA"
        )
    for name, folder in (("${DATA}", source.data), ("${SOURCE}", source.folder)):
        # the folder is put inside a text of SQL, in which a quote mark is written twice
        query = query.replace(name, str(folder).replace("'", "''"))
    with in_one_line(place):
        single = is_one_select(query)
    if not single:
        raise SourceError(f"{place.name} should be one SELECT and nothing else")
    return query


def relation_sql(source: Source, table: str) -> Expanded:
    """Return the SELECT that reads one table of a source, and the files beneath a view that hold broken records."""
    place = source.tables[table]
    if place.suffix == ".sql":
        query = view_text(source, place)
        with _naming(place):
            check_places(query)
            ground = Ground(source.places, copies_of(source))
            check_parts(query, ground)
            view = expanded(query, ground)
            plain_query = without_patterns_in(view.query, (source.data, source.folder))
            return replace(view, query=plain_query)
    return Expanded(_file_sql(source, table, place))


@contextmanager
def _naming(place: Path) -> Iterator[None]:
    """Begin an error of a view, or of a folder of parts, with its name."""
    try:
        yield
    except SourceError as error:
        joined = " " if str(error).startswith(("reads ", "names ")) else ": "
        raise SourceError(f"{place.name}{joined}{error}") from None


def _file_sql(source: Source, table: str, place: Path) -> str:
    if place.name.lower().endswith((".csv", ".csv.gz")):
        return csv_table_sql(source, table)
    if not place.is_dir():
        return f"SELECT * FROM {alike_parquet_sql([place])}"
    parts = parquet_parts(place)
    ground = Ground(source.places, copies_of(source))
    with _naming(place):
        for part in parts:
            if part.is_symlink():
                # Parts are compared before the walls of the connection stand.
                ground.check(part)
        return f"SELECT * FROM {alike_parquet_sql(parts)}"


def parquet_parts(folder: Path) -> list[Path]:
    """Return the Parquet parts of a table that is a folder, sorted by name; SourceError where anything else lies in it.

    Names that begin with a dot or an underscore are left alone: engines leave marks such as `_SUCCESS`.
    """
    parts = files_in(folder, "[!._]*.parquet")
    visible = [path for path in sorted(folder.iterdir()) if path.name[0] not in "._"]
    others = [path.name for path in visible if path not in parts]
    if others:
        raise SourceError(
            f"{folder.name}/ holds {others[0]!r}, which is not read: a table's folder should hold parts "
            f"named *.parquet and nothing else; move them into {folder.name}/ or write a view"
        )
    if not parts:
        raise SourceError(
            f"{folder.name}/ holds no *.parquet; put the table's parts there, or declare it absent"
        )
    return parts


@contextmanager
def in_one_line(place: Path) -> Iterator[None]:
    """Turn any error while a table is read into one line that names its file."""
    try:
        yield
    except ForbiddenError as error:
        raise SourceError(
            f"{place.name} reads outside the data of its source: {_first_line(error)}; "
            "name it as ${DATA}/… or, beside source.toml, as ${SOURCE}/…"
        ) from None
    except (DuckError, pa.ArrowException, OSError) as error:
        raise SourceError(f"{read_in(error) or place.name}: {_first_line(error)}") from None


def _first_line(error: Exception) -> str:
    if isinstance(error, DuckError):
        return why_failed(error)
    return str(error).strip().splitlines()[0]


def reading_connection(source: Source, limits: ConnectionLimits) -> Connection:
    """Return a locked connection that reads a source and knows the tables of its dump and the macros of its views."""
    places = [*source.places, *source.dump.copies, copies_of(source)]
    connection = locked_connection(places, clock=source.declaration.clock, limits=limits)
    closed_day = date_of(source.complete_to).isoformat()
    connection.execute(f"CREATE MACRO complete_to() AS DATE {quoted(closed_day)}")
    with in_one_line(source.folder / "dump.sql"):
        for statement in source.dump.statements:
            connection.execute(statement)
    return connection


def relation(connection: Connection, source: Source, table: str) -> Relation:
    """Return one table of a source as a relation, not yet read; broken records beneath it are rows that say why."""
    with in_one_line(source.tables[table]):
        select = relation_sql(source, table)
        # on lines of its own, as a comment at the end of a view would swallow the bracket
        query = f"SELECT * FROM (\n{select.query}\n) AS source_rows"
        rows = connection.sql(query)
        if select.broken and CARRIER in rows.columns:
            return connection.sql(with_broken_sql(query, rows, select.broken))
        return rows


def with_broken_sql(query: str, rows: Relation, broken: Sequence[CsvFile]) -> str:
    """Return the SELECT of a view's rows, and after them one for each broken record of the files that it reads."""
    kinds = dict(zip(rows.columns, map(str, rows.types), strict=True))
    text_columns = [CARRIER]
    if kinds.get("row_id") in ("VARCHAR", *INTEGERS):
        text_columns.append("row_id")
    cast = ", ".join(f"CAST({name} AS VARCHAR) AS {name}" for name in text_columns)
    parts = [f"SELECT * REPLACE ({cast}) FROM ({query})"]
    for file in broken:
        name = quoted(file.path.name)
        values = {
            CARRIER: f"'! ' || {name} || ': ' || told",
            "row_id": f"{name} || ' ' || place",
        }
        columns = ", ".join(f"{values[column]} AS {column}" for column in text_columns)
        parts.append(f"SELECT {columns} FROM ({file.bad_sql()})")
    return " UNION ALL BY NAME ".join(parts)


def check_columns(table: str, present: list[str], columns: tuple[Column, ...]) -> None:
    """Refuse a table that lacks a column or has one that nobody declared."""
    expected = [column.name for column in columns]
    missing = [name for name in expected if name not in present]
    unknown = [name for name in present if name not in expected]
    if missing:
        # A column under a name of its own, or with a blank in it, is the likeliest to be one that lacks.
        others = f", and has {', '.join(map(repr, unknown))}" if unknown else ""
        raise SourceError(
            f"table {table!r} lacks column {', '.join(missing)}{others}; name the columns as `lssi contract` does, "
            "and leave without a value what it marks with ? and nobody knows"
        )
    if unknown:
        raise SourceError(
            f"table {table!r} has columns that are not in the contract: {', '.join(unknown)}; drop them "
            "or declare them as [[attribute]]"
        )


def typed_sql(rows: Relation, columns: tuple[Column, ...]) -> str:
    """Return the select list that gives every column its value and, where it may fail, `raw NAME` when it did."""
    types = dict(zip(rows.columns, map(str, rows.types), strict=True))
    parts: list[str] = []
    for column in columns + COMMON:
        kind = types[column.name]
        value = value_sql(column, kind)
        parts.append(f"CAST({value} AS {WIDTHS[column.kind]}) AS {named(column.name)}")
        if can_fail(column, kind):
            text = text_sql(column.name, kind)
            raw_name = named(f"raw {column.name}")
            parts.append(f"CASE WHEN ({value}) IS NULL THEN {text} END AS {raw_name}")
    parts += [f"CAST({name} AS {kind}) AS {name}" for name, kind in TRACE.items() if name in types]
    return ", ".join(parts)
