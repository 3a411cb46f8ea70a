"""What the journal notes, read beside a source's own rows: signed like them, and seen from the day it was known."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from pathlib import Path

import pyarrow as pa

from features.connection import Connection, ConnectionLimits, Relation, named, opened
from features.contract.millionths import CERTAIN, probability_columns
from features.contract.tables import COMMON
from features.files import built
from features.ingest.fingerprint import mark_of
from features.ingest.posted_outcomes import TEACHES, rows_told
from features.ingest.scan import files_in, parquet_sql
from features.ingest.source import DECIDED, JOURNAL, Source
from features.ingest.source_toml import SourceDeclaration, declaration_of
from features.ingest.span import EVER
from features.ingest.staged import Staged
from features.ingest.staging import stage
from features.ingest.typed_sql import in_one_line, reading_connection
from features.seal import check_whole
from features.store.appeals.upheld import decide_appeals
from features.store.layout import (
    FILES,
    Layout,
    check_files,
    layout_of,
    named_files,
    rows_sql,
    seal_rows,
    summary_at,
    write_summary,
)
from features.store.load import counts_of, quiet
from features.store.segment import Making, write_segment


def journal_tables(journal: Path) -> dict[str, Path]:
    """Return the tables that a journal holds rows of."""
    tables: dict[str, Path] = {}
    for table in (*JOURNAL, *DECIDED):
        folder = journal / table
        if files_in(folder, "*.parquet"):
            tables[table] = folder
    return tables


def segment_of(folder: Path, journal: Path) -> Path | None:
    """Return the folder of the segment with a journal's rows beside the store in `folder`, written if it is not there.

    None where the journal has no rows.
    """
    tables = journal_tables(journal)
    if not tables:
        return None
    place = folder / "journal" / _key(layout_of(folder, summary_at(folder)), tables)
    if not (place / "store.json").exists():
        write_segment_of(folder, tables, place)
    return place


def write_segment_of(folder: Path, tables: Mapping[str, Path], place: Path) -> None:
    """Write the segment with the rows of a journal's tables, for the store in `folder`, as `place`."""
    summary = summary_at(folder)
    declaration = declaration_of(summary["source"], "store.json")
    source = Source(
        folder=folder,
        data=folder,
        declaration=_timeless(declaration),
        tables=dict(tables),
    )
    _write(layout_of(folder, summary), source, place)


def outdated(layout: Layout, journal: Path) -> list[Path]:
    """Return the parts of the journal that were made before it, or the store, grew: nothing opens them."""
    parts = layout.folder / "journal"
    newest = _key(layout, journal_tables(journal))
    if not parts.is_dir():
        return []
    return [path for path in parts.iterdir() if path.is_dir() and path.name != newest]


def _timeless(declaration: SourceDeclaration) -> SourceDeclaration:
    return declaration.model_copy(update={"complete_to": date.max, "dump": None})


def _key(layout: Layout, tables: Mapping[str, Path]) -> str:
    """Return 16 hex digits over the journal's files and the identifiers that the store has codes for."""
    # Those of the first load are the store's own for ever; each day may add some.
    tails = "\n".join(tail.name for tail in layout.tails[1:])
    digest = hashlib.sha256(tails.encode())
    for table, folder in tables.items():
        for path in files_in(folder, "*.parquet"):
            line = f"{table}/{path.name}\0{mark_of(path)}\n"
            digest.update(line.encode())
    return digest.hexdigest()[:16]


def _whole(connection: Connection, source: Source, table: str) -> Relation:
    """Return the rows of a journal's table; a column that a part of an earlier version lacks is empty there."""
    parts = parquet_sql(files_in(source.tables[table], "*.parquet"), "union_by_name=true")
    with in_one_line(source.tables[table]):
        rows = connection.sql(f"SELECT * FROM {parts}")
        present = set(rows.columns)
        lacking = [one.name for one in source.columns(table) + COMMON if one.name not in present]
        empty = [f"CAST(NULL AS VARCHAR) AS {named(name)}" for name in lacking]
        return rows.project(", ".join(["*", *empty]))


def _rounded(rows: Relation) -> Relation:
    """Return rows of the journal with their probabilities in whole millionths, at least one.

    Plans are made in millionths; versions before wrote finer ones, and a draw of theirs stays a draw.
    """
    rounded: list[str] = []
    for name in rows.columns:
        if name in probability_columns():
            millionths = f"greatest(round({name} * {CERTAIN}), 1)"
            value = f"CASE WHEN {name} > 0 THEN {millionths} / {CERTAIN} ELSE {name} END"
            rounded.append(f"{value} AS {name}")
    if not rounded:
        return rows
    columns = ", ".join(rounded)
    return rows.project(f"* REPLACE ({columns})")


def _write(layout: Layout, source: Source, place: Path) -> None:
    """Write the journal's signed rows and their new identifiers, whole or not at all."""
    with built(place) as work:
        folder = work / "staged"
        folder.mkdir()
        limits = ConnectionLimits(spill=work / "spill")
        connection = reading_connection(source, limits)
        staged: list[Staged] = []
        for table in source.tables:
            rows = _rounded(_whole(connection, source, table))
            table_source = _numbered_by_itself(source) if table in DECIDED else source
            staged.append(stage(rows, table_source, table, folder=folder, progress=quiet))
        staged += _taught(connection, layout, source, folder)
        check_files(replace(layout, segments=()))
        # The store's own rows are left aside: of the store only the dictionaries count here.
        apart = replace(layout, segments=())
        making = Making(
            connection=opened(limits),
            layout=apart,
            source=source,
            span=EVER,
            folder=work,
        )
        segment = write_segment(making, staged)
        decide_appeals(making, layout, source)
        counts = {table.table: counts_of(table.accepted, table.refused) for table in segment.staged}
        for name in ("staged", "codes", "sides"):
            shutil.rmtree(work / name)
        places = (work / "part", work / "tails")
        seal_rows(*places)
        write_summary(work, {"tables": counts, FILES: named_files(work, places)})


def _taught(connection: Connection, layout: Layout, source: Source, folder: Path) -> list[Staged]:
    """Return what a journal's outcomes tell of visits, findings and reviews, staged as rows of the source's own tables."""
    numbered_source = _numbered_by_itself(source)
    staged: list[Staged] = []
    for journal_table, (tables, told_in) in TEACHES.items():
        place = source.tables.get(journal_table)
        if place is None:
            continue
        outcomes = _rounded(_whole(connection, source, journal_table))
        connection.register("told", _told_by_source(layout, *told_in))
        taught = replace(numbered_source, tables=dict.fromkeys(tables, place))
        for table in tables:
            rows = connection.sql(rows_told(outcomes, table, source.columns(table)))
            staged.append(stage(rows, taught, table, folder=folder, progress=quiet))
    return staged


def _numbered_by_itself(source: Source) -> Source:
    """Return a journal whose numbers are whole already, whatever those of the source itself are unique within."""
    declaration = source.declaration.model_copy(update={"keys": {}})
    return replace(source, declaration=declaration)


def _told_by_source(layout: Layout, table: str, subject: str) -> pa.Table:
    """Return the subjects whose rows a store holds of its source, each with the day on which it was first told."""
    files = layout.files(table)
    codes = layout.dictionaries(subject)
    for path in (*files, *codes):
        check_whole(path)
    if not files or not codes:
        return pa.table({subject: pa.array([], pa.string()), "day": pa.array([], pa.date32())})
    connection = opened()
    first = f"SELECT {subject} AS code, min(known) AS day FROM {rows_sql(files)} GROUP BY ALL"
    days = (
        f"SELECT text AS {subject}, DATE '1970-01-01' + day AS day "
        f"FROM {rows_sql(codes)} JOIN ({first}) USING (code)"
    )
    return connection.sql(days).to_arrow_table()
