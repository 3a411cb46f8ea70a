"""Raw columns of a source as SQL: each becomes a typed value, and a text `raw NAME` where it could not be one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
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
            ground = Ground(source.places, copies_of(source))
            view = expanded(query, ground)
            plain_query = without_patterns_in(view.query, (source.data, source.folder))
            return replace(view, query=plain_query)
        except SourceError as error:
            joined = " " if str(error).startswith("reads ") else ": "
            raise SourceError(f"{place.name}{joined}{error}") from None
    return Expanded(_file_sql(source, table, place))


def _file_sql(source: Source, table: str, place: Path) -> str:
    if place.name.lower().endswith((".csv", ".csv.gz")):
        return csv_table_sql(source, table)
    parts = parquet_parts(place) if place.is_dir() else [place]
    return f"SELECT * FROM {parquet_sql(parts)}"


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
    closed_day = date_of(source.complete_to).isoformat()
    connection.execute(f"CREATE MACRO complete_to() AS DATE {quoted(closed_day)}")
    with in_one_line(source.folder / "dump.sql"):
        for statement in source.dump.statements:
            connection.execute(statement)
    return connection


def relation(connection: Connection, source: Source, table: str) -> Relation:
    """Return one table of a source as it stands, not yet read; records beneath it that are none are rows that say why."""
    with in_one_line(source.tables[table]):
        select = relation_sql(source, table)
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
        raise SourceError(f"table {table!r} lacks column {', '.join(missing)}; see `lssi contract`")
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
    width = WIDTHS[column.kind]
    # Signed integers of 8 to 64 bits all fit a BIGINT.
    fits = width == "BIGINT" and kind in INTEGERS[:4]
    return width != kind and not fits


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
            codes = {choice: code for code, choice in enumerate(column.choices)}
            return f"CASE {text} {_when_sql(codes)} END"
        case "day":
            return day_sql(column.name, kind)
        case "month":
            return month_sql(column.name, kind)
        case "flag" if kind == "VARCHAR":
            plain = f"regexp_replace(lower({text}), '^([01])[.]0*$', '\\1')"
            return f"CASE {plain} {_when_sql(FLAGS)} END"
        case "flag" if kind == "BOOLEAN":
            return f"CAST({named(column.name)} AS TINYINT)"
        case "probability":
            return millionths_sql(named(column.name), kind, text)
        case _:
            return f"TRY_CAST({whole_sql(column.name, kind)} AS {WIDTHS[column.kind]})"


def _when_sql(codes: Mapping[str, int]) -> str:
    """Return the cases of some words, each with its code."""
    return " ".join(f"WHEN {quoted(word)} THEN {code}" for word, code in codes.items())


def id_sql(column: Column, kind: str) -> str:
    """Return a raw column as identifiers, letter by letter; NULL where it is empty, or is no text and may have been rounded.

    Blanks alone are empty where an identifier must stand; elsewhere they stay, to be refused.
    """
    raw = named(column.name)
    if _is_text(kind):
        text = f"CAST({raw} AS VARCHAR)"
        if column.optional:
            return f"NULLIF({text}, '')"
        return f"CASE WHEN trim({text}) <> '' THEN {text} END"
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
        is_whole = f"regexp_full_match({text}, '[+-]?[0-9]+([.]0*)?')"
        return f"CASE WHEN {is_whole} THEN TRY_CAST({text} AS BIGINT) END"
    if kind in ("DOUBLE", "FLOAT") or kind.startswith("DECIMAL"):
        return f"CASE WHEN {raw} = floor({raw}) THEN TRY_CAST({raw} AS BIGINT) END"
    return "NULL"


def day_sql(name: str, kind: str) -> str:
    """Return a raw column as an integer day, a moment taken in the connection's zone."""
    raw = named(name)
    text = f"trim({raw})"
    if kind == "VARCHAR":
        # Ten letters are a day; a longer text is a moment, taken on the connection's clock.
        date = f"TRY_CAST({text} AS DATE)"
        day_of_moment = f"CAST(TRY_CAST({text} AS TIMESTAMPTZ) AS DATE)"
        moment = f"CASE WHEN length({text}) <= 10 THEN {date} ELSE {day_of_moment} END"
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
    # A number such as 201506: four digits of the year, two of the month.
    year, month = f"{whole} // 100", f"{whole} % 100"
    is_month = f"{whole} BETWEEN 100001 AND 999912 AND {month} BETWEEN 1 AND 12"
    return f"(CASE WHEN {is_month} THEN {year} * 12 + {month} - 1 END)"
