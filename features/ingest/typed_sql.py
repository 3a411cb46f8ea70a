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
)
from features.contract.millionths import millionths_sql
from features.contract.tables import COMMON, FLAGS, Column
from features.errors import SourceError
from features.ingest.csv_file import CsvFile
from features.ingest.csv_table import CARRIER, copies_of, csv_table_sql
from features.ingest.dump.files import read_in
from features.ingest.macros import Expanded, Ground, expanded
from features.ingest.scan import files_in, parquet_sql
from features.ingest.source import Source
from features.ingest.views import check_places, without_patterns_in

TRACE = {"raw_table": "VARCHAR", "raw_row": "BIGINT"}
"""Columns by which a view of a dump may tell from which row of which raw table its row is."""
INTEGERS = (
    "TINYINT",
    "SMALLINT",
    "INTEGER",
    "BIGINT",
    "HUGEINT",
    "UTINYINT",
    "USMALLINT",
    "UINTEGER",
    "UBIGINT",
)
WHOLE = (*INTEGERS, "UHUGEINT", "BIGNUM", "UUID")
"""Types whose text is the one way to write a value."""
EXACT = {"DOUBLE": 2**53, "FLOAT": 2**24}
"""The whole numbers below which each is a float of its own; from there on two may have become one."""
WIDTHS = {
    "id": "VARCHAR",
    "choice": "TINYINT",
    "flag": "TINYINT",
    "day": "INTEGER",
    "month": "INTEGER",
    "year": "INTEGER",
    "minutes": "INTEGER",
    "persons": "INTEGER",
    "microdegree": "INTEGER",
    "fen": "BIGINT",
    "count": "BIGINT",
    "kwh": "BIGINT",
    "probability": "INTEGER",
}


def view_text(source: Source, place: Path) -> str:
    """Return the text of a view, ${DATA} and ${SOURCE} put in; SourceError if it is no single SELECT."""
    query = place.read_text("utf-8").strip().rstrip(";")
    if "${DATA}" in query and not source.data.is_dir():
        raise SourceError(
            f"{place.name} reads ${{DATA}}, and {source.data} does not exist; give --data or set LSSI_DATA"
        )
    for name, folder in (("${DATA}", source.data), ("${SOURCE}", source.folder)):
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
        try:
            check_places(query)
            found = expanded(query, Ground(source.places, copies_of(source)))
            return replace(
                found, query=without_patterns_in(found.query, (source.data, source.folder))
            )
        except SourceError as error:
            joined = " " if str(error).startswith("reads ") else ": "
            raise SourceError(f"{place.name}{joined}{error}") from None
    return Expanded(_file_sql(source, table, place))


def _file_sql(source: Source, table: str, place: Path) -> str:
    if place.name.lower().endswith((".csv", ".csv.gz")):
        return csv_table_sql(source, table)
    return f"SELECT * FROM {parquet_sql(parquet_parts(place) if place.is_dir() else place)}"


def parquet_parts(folder: Path) -> list[Path]:
    """Return the Parquet parts of a table that is a folder, sorted by name; SourceError where anything else lies in it.

    Names that begin with a dot or an underscore are left alone: engines leave marks such as `_SUCCESS`.
    """
    parts = files_in(folder, "[!._]*.parquet")
    others = [
        path.name
        for path in sorted(folder.iterdir())
        if path not in parts and path.name[0] not in "._"
    ]
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
    """Turn whatever goes wrong while a table is read into one line that names its file."""
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
    return str(error).strip().splitlines()[0]


def reading_connection(source: Source, limits: ConnectionLimits) -> Connection:
    """Return a locked connection that reads a source and knows the tables of its dump and the macros of its views."""
    places = [*source.places, *source.dump.copies, copies_of(source)]
    connection = locked_connection(places, clock=source.declaration.clock, limits=limits)
    connection.execute(
        f"CREATE MACRO complete_to() AS DATE {quoted(date_of(source.complete_to).isoformat())}"
    )
    with in_one_line(source.folder / "dump.sql"):
        for statement in source.dump.statements:
            connection.execute(statement)
    return connection


def relation(connection: Connection, source: Source, table: str) -> Relation:
    """Return one table of a source as it stands, not yet read; records beneath it that are none are rows that say why."""
    with in_one_line(source.tables[table]):
        found = relation_sql(source, table)
        query = f"SELECT * FROM (\n{found.query}\n) AS source_rows"
        rows = connection.sql(query)
        if found.broken and CARRIER in rows.columns:
            return connection.sql(with_broken_sql(query, rows, found.broken))
        return rows


def with_broken_sql(query: str, rows: Relation, broken: Sequence[CsvFile]) -> str:
    """Return the SELECT of a view's rows, and after them one for each broken record of the files that it reads."""
    kinds = dict(zip(rows.columns, map(str, rows.types), strict=True))
    texts = [CARRIER] + ["row_id"] * (kinds.get("row_id") in ("VARCHAR", *INTEGERS))
    cast = ", ".join(f"CAST({name} AS VARCHAR) AS {name}" for name in texts)
    parts = [f"SELECT * REPLACE ({cast}) FROM ({query})"]
    for file in broken:
        name = quoted(file.path.name)
        values = {CARRIER: f"'! ' || {name} || ': ' || told", "row_id": f"{name} || ' ' || place"}
        told = ", ".join(f"{values[column]} AS {column}" for column in texts)
        parts.append(f"SELECT {told} FROM ({file.bad_sql()})")
    return " UNION ALL BY NAME ".join(parts)


def check_columns(table: str, present: list[str], columns: tuple[Column, ...]) -> None:
    """Refuse a table that lacks a column or has one that nobody declared."""
    expected = [c.name for c in columns]
    missing = [name for name in expected if name not in present]
    unknown = [name for name in present if name not in expected]
    if missing:
        raise SourceError(f"table {table!r} lacks column {', '.join(missing)}; see `lssi contract`")
    if unknown:
        raise SourceError(
            f"table {table!r} has columns that are not in the contract: {', '.join(unknown)}; drop them "
            "or declare them as [[attribute]]"
        )


def typed_sql(rows: Relation, columns: tuple[Column, ...]) -> str:
    """Return the select list that gives every column its value and, where it may fail, `raw NAME` when it did."""
    types = dict(zip(rows.columns, (str(t) for t in rows.types), strict=True))
    parts: list[str] = []
    for column in columns + COMMON:
        value, text = (
            value_sql(column, types[column.name]),
            text_sql(column.name, types[column.name]),
        )
        parts.append(f"CAST({value} AS {WIDTHS[column.kind]}) AS {named(column.name)}")
        if can_fail(column, types[column.name]):
            parts.append(
                f"CASE WHEN ({value}) IS NULL THEN {text} END AS {named('raw ' + column.name)}"
            )
    parts += [f"CAST({name} AS {kind}) AS {name}" for name, kind in TRACE.items() if name in types]
    return ", ".join(parts)


def can_fail(column: Column, kind: str) -> bool:
    """Tell whether a value of this SQL type may turn out to be no value of the column."""
    if column.kind == "id":
        return not _is_text(kind) and kind not in WHOLE
    if column.kind == "day":
        return kind not in ("DATE", "TIMESTAMP", "TIMESTAMP WITH TIME ZONE")
    if column.kind in ("choice", "probability"):
        return True
    if column.kind == "month":
        return kind != "DATE" and not kind.startswith("TIMESTAMP")
    if column.kind == "flag" and kind == "BOOLEAN":
        return False
    return WIDTHS[column.kind] != kind and not (
        WIDTHS[column.kind] == "BIGINT" and kind in INTEGERS[:4]
    )


def text_sql(name: str, kind: str) -> str:
    """Return a raw value as text, NULL where it is empty, blank or NaN."""
    raw = named(name)
    if kind == "VARCHAR":
        return f"NULLIF(trim({raw}), '')"
    if kind in ("DOUBLE", "FLOAT"):
        return f"CASE WHEN isnan({raw}) THEN NULL ELSE CAST({raw} AS VARCHAR) END"
    return f"CAST({raw} AS VARCHAR)"


def value_sql(column: Column, kind: str) -> str:
    """Return the value of a raw column of one SQL type, NULL where it is empty or is no such value."""
    text = text_sql(column.name, kind)
    match column.kind:
        case "id":
            return id_sql(column, kind)
        case "choice":
            cases = " ".join(
                f"WHEN {quoted(value)} THEN {code}" for code, value in enumerate(column.choices)
            )
            return f"CASE {text} {cases} END"
        case "day":
            return day_sql(column.name, kind)
        case "month":
            return month_sql(column.name, kind)
        case "flag" if kind == "VARCHAR":
            words = " ".join(f"WHEN {quoted(word)} THEN {flag}" for word, flag in FLAGS.items())
            return f"CASE regexp_replace(lower({text}), '^([01])[.]0*$', '\\1') {words} END"
        case "flag" if kind == "BOOLEAN":
            return f"CAST({named(column.name)} AS TINYINT)"
        case "probability":
            return millionths_sql(named(column.name), kind, text)
        case _:
            return f"TRY_CAST({whole_sql(column.name, kind)} AS {WIDTHS[column.kind]})"


def id_sql(column: Column, kind: str) -> str:
    """Return a raw column as identifiers, letter by letter; NULL where it is empty, or is no text and may have been rounded.

    Blanks alone are empty where an identifier must stand; elsewhere they stay, to be refused.
    """
    raw = named(column.name)
    if _is_text(kind):
        text = f"CAST({raw} AS VARCHAR)"
        return (
            f"NULLIF({text}, '')"
            if column.optional
            else f"CASE WHEN trim({text}) <> '' THEN {text} END"
        )
    if kind in WHOLE:
        return f"CAST({raw} AS VARCHAR)"
    if kind in EXACT:
        whole = f"CAST({whole_sql(column.name, kind)} AS VARCHAR)"
        return f"CASE WHEN abs({raw}) < {EXACT[kind]} THEN {whole} END"
    if kind.startswith("DECIMAL"):
        return f"CASE WHEN {raw} = floor({raw}) THEN CAST(CAST({raw} AS HUGEINT) AS VARCHAR) END"
    return "CAST(NULL AS VARCHAR)"


def _is_text(kind: str) -> bool:
    return kind == "VARCHAR" or kind.startswith("ENUM(")


def whole_sql(name: str, kind: str) -> str:
    """Return a raw column as a BIGINT, NULL where it is not a whole number."""
    raw = named(name)
    if kind in INTEGERS:
        return f"TRY_CAST({raw} AS BIGINT)"
    if kind == "VARCHAR":
        text = f"trim({raw})"
        return f"CASE WHEN regexp_full_match({text}, '[+-]?[0-9]+([.]0*)?') THEN TRY_CAST({text} AS BIGINT) END"
    if kind in ("DOUBLE", "FLOAT") or kind.startswith("DECIMAL"):
        return f"CASE WHEN {raw} = floor({raw}) THEN TRY_CAST({raw} AS BIGINT) END"
    return "NULL"


def day_sql(name: str, kind: str) -> str:
    """Return a raw column as an integer day, a moment taken in the connection's zone."""
    raw = named(name)
    text = f"trim({raw})"
    if kind == "VARCHAR":
        moment = (
            f"CASE WHEN length({text}) <= 10 THEN TRY_CAST({text} AS DATE) "
            f"ELSE CAST(TRY_CAST({text} AS TIMESTAMPTZ) AS DATE) END"
        )
    elif kind == "DATE":
        moment = raw
    elif kind.startswith("TIMESTAMP"):
        moment = f"CAST({raw} AS DATE)"
    else:
        return "CAST(NULL AS INTEGER)"
    return f"(({moment}) - DATE '1970-01-01')"


def month_sql(name: str, kind: str) -> str:
    """Return a raw column (a DATE, text like 2015-06, 201506 as either) as an integer month."""
    raw = named(name)
    if kind == "DATE" or kind.startswith("TIMESTAMP"):
        return f"(year({raw}) * 12 + month({raw}) - 1)"
    if kind == "VARCHAR":
        text = f"trim({raw})"
        moment = (
            f"TRY_CAST(CASE length({text}) WHEN 6 THEN {text}[:4] || '-' || {text}[5:] || '-01' "
            f"WHEN 7 THEN {text} || '-01' ELSE {text} END AS DATE)"
        )
        return f"(year({moment}) * 12 + month({moment}) - 1)"
    whole = whole_sql(name, kind)
    return (
        f"(CASE WHEN {whole} BETWEEN 100001 AND 999912 AND {whole} % 100 BETWEEN 1 AND 12 "
        f"THEN {whole} // 100 * 12 + {whole} % 100 - 1 END)"
    )
