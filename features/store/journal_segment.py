"""What the journal notes, read beside a source's own rows: signed like them, and seen from the day it was known."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

import pyarrow as pa

from features.catalogue.joins import declared_joins, first_by, joined_table
from features.connection import Connection, ConnectionLimits, Relation, named, opened, quoted
from features.contract.millionths import CERTAIN, probability_columns
from features.contract.tables import COMMON
from features.files import built
from features.ingest.fingerprint import mark_of
from features.ingest.posted_outcomes import TEACHES, rows_told
from features.ingest.scan import files_in, parquet_sql
from features.ingest.source import JOURNAL, Source
from features.ingest.source_toml import SourceDeclaration, declaration_of
from features.ingest.span import EVER
from features.ingest.staged import Staged
from features.ingest.staging import stage
from features.ingest.typed_sql import in_one_line, reading_connection
from features.seal import check_whole
from features.store.joins import nulls_first
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
from features.store.sorted_table import TEXTS, write_sorted


def journal_tables(journal: Path) -> dict[str, Path]:
    """Return the tables that a journal holds rows of."""
    tables: dict[str, Path] = {}
    for table in JOURNAL:
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
    summary = summary_at(folder)
    layout = layout_of(folder, summary)
    place = folder / "journal" / _key(layout, tables)
    if not (place / "store.json").exists():
        declaration = declaration_of(summary["source"], "store.json")
        source = Source(
            folder=journal,
            data=journal,
            declaration=_timeless(declaration),
            tables=tables,
        )
        _write(layout, source, place)
    return place


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
            staged.append(stage(rows, source, table, folder=folder, progress=quiet))
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
        _withdraw(making, layout, source)
        counts = {table.table: counts_of(table.accepted, table.refused) for table in segment.staged}
        for name in ("staged", "codes", "sides"):
            shutil.rmtree(work / name)
        places = (work / "part", work / "tails")
        seal_rows(*places)
        write_summary(work, {"tables": counts, FILES: named_files(work, places)})


def _taught(connection: Connection, layout: Layout, source: Source, folder: Path) -> list[Staged]:
    """Return what a journal's outcomes tell of visits, findings and reviews, staged as rows of the source's own tables."""
    # numbers of the journal are whole already, whatever the source's own are unique within
    declaration = source.declaration.model_copy(update={"keys": {}})
    staged: list[Staged] = []
    for journal_table, (tables, told_in) in TEACHES.items():
        place = source.tables.get(journal_table)
        if place is None:
            continue
        outcomes = _rounded(_whole(connection, source, journal_table))
        connection.register("told", _told_by_source(layout, *told_in))
        taught = replace(source, declaration=declaration, tables=dict.fromkeys(tables, place))
        for table in tables:
            rows = connection.sql(rows_told(outcomes, table, source.columns(table)))
            staged.append(stage(rows, taught, table, folder=folder, progress=quiet))
    return staged


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


@dataclass(frozen=True, slots=True)
class Withdrawal:
    """Which signed rows an appeal ends: their files, the columns that name a row, and the file and order of what ends them."""

    files: list[Path]
    ids: tuple[str, ...]
    gone: str
    target: Path
    order: tuple[str, ...]


WITHDRAWN = """WITH rows AS (SELECT * FROM {rows}),
gone AS ({gone}),
ends AS (SELECT {ids}, min(known) AS ends FROM rows WHERE sign = -1 GROUP BY {ids}),
lives AS (
    SELECT rows.*, ends.ends, greatest(rows.known, gone.day) AS last
    FROM rows JOIN gone USING ({ids}) LEFT JOIN ends USING ({ids})
    WHERE rows.sign = 1 AND (ends.ends IS NULL OR ends.ends > greatest(rows.known, gone.day))
)
SELECT * EXCLUDE (ends, last, known, sign), last AS known, CAST(-1 AS TINYINT) AS sign FROM lives
UNION ALL
SELECT * EXCLUDE (ends, last, known, sign), ends AS known, CAST(1 AS TINYINT) AS sign FROM lives WHERE ends IS NOT NULL"""
"""The negative of each row that holds on the day it is withdrawn; where the source ends it later, that end counts no more."""


PAIRS = """SELECT DISTINCT rows.row_id, right_row_id, day
FROM rows JOIN ({own}) AS own ON rows.{column} = own.row_id WHERE sign = 1"""
"""The pairs in which withdrawn rows stand on one side."""


def _withdraw(making: Making, layout: Layout, source: Source) -> None:
    """Take back the rows against which an appeal was upheld, from the day on which that became known.

    Days before see them as they were. A corrected row is one that the source sends under the same key.
    """
    if "appeals" not in source.tables:
        return
    connection = making.connection
    parts = parquet_sql(files_in(source.tables["appeals"], "*.parquet"), "union_by_name=true")
    if "about_row" not in connection.sql(f"SELECT * FROM {parts}").columns:
        return
    connection.execute(
        "CREATE TEMP TABLE upheld AS SELECT about, about_row AS row_id, "
        f"CAST(min(recorded_on) - DATE '1970-01-01' AS INTEGER) AS day FROM {parts} "
        "WHERE upheld = 1 AND about_row IS NOT NULL GROUP BY ALL"
    )
    tables = connection.sql("SELECT DISTINCT about FROM upheld").fetchall()
    check_files(layout)
    whole = layout.with_segment(making.folder / "part")
    for (name,) in sorted(tables):
        for withdrawal in _withdrawals(making, whole, name):
            _write_withdrawn(making, withdrawal)


def _withdrawals(making: Making, layout: Layout, name: str) -> Iterator[Withdrawal]:
    """Yield what withdrawing rows of a table ends: the rows, and the pairs of derived tables that they stand in."""
    table = making.table(name)
    by = first_by(table.columns, table.key)
    own = f"SELECT row_id, day FROM upheld WHERE about = {quoted(name)}"
    target = making.folder / "part" / f"{name}.parquet"
    yield Withdrawal(layout.files(name), ("row_id",), own, target, (by, *table.key))
    for join in declared_joins():
        for side, column in ((join.left, "row_id"), (join.right, "right_row_id")):
            if side == name:
                joined = joined_table(join, making.table(join.left), making.table(join.right))
                gone = PAIRS.format(own=own, column=column)
                yield Withdrawal(
                    files=layout.files(join.name),
                    ids=TEXTS,
                    gone=gone,
                    target=making.folder / "part" / f"{join.name}.parquet",
                    order=(first_by(joined.columns, table.key), *TEXTS),
                )


def _write_withdrawn(making: Making, withdrawal: Withdrawal) -> None:
    """Add what ends withdrawn rows to the file of the segment that is being written."""
    if not withdrawal.files:
        return
    connection = making.connection
    query = WITHDRAWN.format(
        rows=rows_sql(withdrawal.files),
        gone=withdrawal.gone,
        ids=", ".join(withdrawal.ids),
    )
    connection.execute(f"CREATE OR REPLACE TEMP TABLE withdrawn AS {query}")
    everything = "FROM withdrawn"
    if withdrawal.target.exists():
        everything += f" UNION ALL BY NAME FROM {parquet_sql(withdrawal.target)}"
    connection.execute(f"CREATE OR REPLACE TEMP TABLE segment_rows AS {everything}")
    order = nulls_first(dict.fromkeys((*withdrawal.order, "known", "sign")))
    write_sorted(connection, f"FROM segment_rows ORDER BY {order}", withdrawal.target)
