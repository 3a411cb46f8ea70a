"""A delivery: the rows of some days that a source, or a folder with those rows only, gives to a store."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import polars as pl
import pyarrow as pa

from features.calendar import date_of
from features.connection import Connection, Relation, named, quoted
from features.contract.tables import COMMON, contract
from features.errors import SourceError
from features.ingest.csv_file import csv_file
from features.ingest.dialect import StatedDialect
from features.ingest.fingerprint import fingerprint, mark_of
from features.ingest.postgres import SNAPSHOT
from features.ingest.scan import files_in, read_parquet
from features.ingest.source import Source, find_source, table_place
from features.ingest.span import Span, dayless, sql_type_of
from features.ingest.staged import TRACE, Staged, with_refusals
from features.ingest.staging import Progress, contract_relation, stage
from features.ingest.typed_sql import in_one_line
from features.ingest.typed_values import value_sql
from features.store.layout import Layout, rows_sql

CLOSED = "day {} is closed; recorded_on should be after {}, the day the store is complete to"
ROW_ID = next(column for column in COMMON if column.name == "row_id")
OWN = StatedDialect(delimiter=",")
"""What is stated of the files of refused rows, which we write."""
Marks = Mapping[str, Mapping[str, str]]


def delivered(source: Source, rows: Path | None) -> Source:
    """Return the source that a day is read from: the source itself, or its declaration over a folder of the day's rows."""
    if rows is None:
        return source
    if not rows.is_dir():
        raise SourceError(
            f"{rows} is no folder; --rows names a folder with the day's rows, a file or folder a table"
        )
    folder = rows.resolve()
    places = {table: table_place(folder, table) for table in contract()}
    tables = {table: place for table, place in places.items() if place is not None}
    if tables:
        _check_read(folder, tables)
        return replace(source, tables=tables, data=folder, folder=folder)
    if any(place.suffix == ".sql" for place in source.tables.values()):
        return find_source(source.folder, rows)
    raise SourceError(
        f"{rows} holds no table of the contract; name its files as `lssi contract` does, such as claims.parquet"
    )


def _check_read(folder: Path, tables: Mapping[str, Path]) -> None:
    """Raise SourceError for what lies in a folder of a day's rows and would not be read: its day could not be read again."""
    read = [place for place in tables.values() if place.suffix != ".sql"]
    read.append(folder / "source.toml")
    for path in sorted(folder.iterdir()):
        if path not in read and not path.name.startswith("."):
            raise SourceError(
                f"{path} is no table of the contract in a form that is read, and its rows would be lost when the day is closed; "
                "name it as `lssi contract` does, such as claims.parquet, or put it elsewhere"
            )


def marks_of(source: Source) -> dict[str, dict[str, str]]:
    """Return, by table, a mark of each file it is read from; one of the whole source where a view or a database gives it."""
    marks: dict[str, dict[str, str]] = {}
    for table, place in source.tables.items():
        if place.suffix == ".sql" or (place.parent / SNAPSHOT).exists():
            marks[table] = {"": fingerprint(source)}
        else:
            parts = files_in(place, "*.parquet") if place.is_dir() else [place]
            marks[table] = {path.name: mark_of(path) for path in parts}
    return marks


def changed_files(source: Source, table: str, *, before: Marks, now: Marks) -> Iterator[Source]:
    """Yield the source with a table's files that are new or not what they were when it was last read, one at a time."""
    place = source.tables[table]
    marks_before = before.get(table, {})
    for name, mark in now[table].items():
        if marks_before.get(name) == mark:
            continue
        if place.is_dir():
            yield replace(source, tables={table: place / name})
        else:
            yield source


@dataclass(frozen=True, slots=True)
class DayReading:
    """How a delivery is read: over which connection, from which source, of which days, and to where."""

    connection: Connection
    source: Source
    span: Span
    folder: Path
    progress: Progress


def staged_rows(reading: DayReading, table: str) -> Staged:
    """Return the rows of the days, validated as in a load."""
    rows = contract_relation(reading.connection, reading.source, table)
    fresh = rows.filter(reading.span.within(rows))
    return stage(fresh, reading.source, table, folder=reading.folder, progress=reading.progress)


def strays(
    reading: DayReading, table: str, *, own: Connection, layout: Layout
) -> pl.DataFrame | None:
    """Return as refused the rows of days closed before that the store has never seen, and those of no day; None if none.

    A row of no day is none that the store took, whatever its row_id: it was refused before, or is refused now.
    """
    rows = contract_relation(reading.connection, reading.source, table)
    of_a_day = f"({reading.span.before(rows)}) AND NOT ({dayless(rows)})"
    with in_one_line(reading.source.tables[table]):
        unseen = [
            _unseen(rows, of_a_day, own, _rows_known(layout, table)),
            _unseen(rows, dayless(rows), own, _rows_refused(layout, table)),
        ]
    conditions = [condition for condition in unseen if condition]
    if not conditions:
        return None
    return _refused_as_closed(reading, table, rows.filter(" OR ".join(conditions)))


def _unseen(rows: Relation, condition: str, own: Connection, known: Iterable[str]) -> str:
    """Return a condition narrowed to the rows whose row_id is in none of some relations; "" where there is no such row."""
    raw_id = value_sql(ROW_ID, sql_type_of(rows, "row_id"))
    text = f"CAST({raw_id} AS VARCHAR)"
    ids = rows.filter(condition).project(f"{text} AS row_id").to_arrow_table()
    unseen = unseen_ids(own, ids, known) if ids.num_rows else ids
    if not unseen.num_rows:
        return ""
    unseen_texts = unseen["row_id"].drop_null().to_pylist()
    # An empty list is no SQL; no row has the empty text as its id.
    wanted = ", ".join(map(quoted, unseen_texts)) or "''"
    return f"({condition} AND ({text} IS NULL OR {text} IN ({wanted})))"


def _refused_as_closed(reading: DayReading, table: str, late: Relation) -> pl.DataFrame:
    """Return rows as refused: for what is wrong in them, else because their day is closed."""
    place = reading.folder / "strays"
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir()
    staged = stage(late, reading.source, table, folder=place, progress=reading.progress)
    recorded = pl.from_epoch("recorded_on", time_unit="d").cast(pl.String)
    complete_to = pl.lit(date_of(reading.span.after or 0).isoformat())
    closed = pl.format(CLOSED, recorded, complete_to).alias("reason")
    accepted = read_parquet(files_in(place / table, "*.parquet")).with_columns(closed)
    return with_refusals(staged.refused, staged.told(accepted))


def _rows_known(layout: Layout, table: str) -> list[str]:
    """Return, as relations in SQL, the rows that a store holds, absorbed or refused before."""
    stored = (layout.files(table), layout.absorbed(table))
    return [rows_sql(files) for files in stored if files] + _rows_refused(layout, table)


def _rows_refused(layout: Layout, table: str) -> list[str]:
    """Return, as relations in SQL, the rows that a store refused before."""
    files = layout.refused(table)
    return [f"({csv_file(path, path.parent, OWN).rows_sql()})" for path in files]


def unseen_ids(own: Connection, ids: pa.Table, known: Iterable[str]) -> pa.Table:
    """Return those row ids (an empty one too) that are in none of some relations in SQL."""
    own.register("asked", ids)
    query = "SELECT DISTINCT row_id FROM asked"
    for rows in known:
        query = (
            f"SELECT row_id FROM ({query}) AS rest "
            f"ANTI JOIN (SELECT row_id FROM {rows}) AS seen USING (row_id)"
        )
    unseen = own.sql(query).to_arrow_table()
    own.unregister("asked")
    return unseen


def rows_digest(own: Connection, staged: Staged) -> str:
    """Return 64 hex digits over a table's accepted and refused rows, whatever their order."""
    # One control character parts the values, another stands for an empty one.
    names = [named(column.name) for column in staged.columns + COMMON]
    texts = ", ".join(f"coalesce(CAST({name} AS VARCHAR), chr(30))" for name in names)
    row_text = f"concat_ws(chr(31), {texts})"
    # The exclusive or of all digests is the same in every order of the rows.
    digest = f"CAST(bit_xor(md5_number({row_text})) AS VARCHAR)"
    accepted = own.sql(f"SELECT count(*), {digest} FROM {staged.rows}").fetchall()
    rows = staged.refused.drop("row", *TRACE, strict=False).rows()
    refused = sorted(json.dumps(row, ensure_ascii=False, allow_nan=False) for row in rows)
    content = json.dumps([accepted, refused], ensure_ascii=False, allow_nan=False)
    return hashlib.sha256(content.encode()).hexdigest()
