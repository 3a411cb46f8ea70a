"""Upheld appeals: the rows that they correct or take back in the segment of a journal, and the pairs that this changes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from features.catalogue.joins import declared_joins, first_by, joined_table
from features.connection import Connection, named, quoted
from features.ingest.posted_corrections import PostedCorrection, corrected_sql
from features.ingest.scan import files_in, parquet_sql
from features.ingest.source import Source
from features.store.joins import join_sql, nulls_first
from features.store.layout import Layout, check_files, rows_sql
from features.store.segment import Making
from features.store.sorted_table import TEXTS, write_sorted


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


def decide_appeals(making: Making, layout: Layout, source: Source) -> None:
    """Correct and take back the rows against which an appeal was upheld, from the day on which that became known.

    Days before see them as they were. A row that the source sends later under the same key stands in the place of either.
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
    check_files(layout)
    whole = layout.with_segment(making.folder / "part")
    # a corrected row may itself be taken back, so corrections come first; pairs need to know what was taken back
    corrections = _corrections(connection, source)
    for correction in corrections:
        _correct(making, whole, correction)
    for (name,) in connection.sql("SELECT DISTINCT about FROM upheld ORDER BY 1").fetchall():
        for withdrawal in _withdrawals(making, whole, name):
            _write_withdrawn(making, withdrawal)
    if corrections:
        _pair_corrected(making, whole, corrections)


def _corrections(connection: Connection, source: Source) -> list[PostedCorrection]:
    """Return the corrections of upheld appeals, in the order in which they were recorded."""
    place = source.tables.get("corrections")
    if place is None:
        return []
    parts = parquet_sql(files_in(place, "*.parquet"), "union_by_name=true")
    lines = connection.sql(
        f"SELECT posted.about, about_row, day, record, field, value FROM {parts} AS posted "
        "JOIN upheld ON upheld.about = posted.about AND upheld.row_id = about_row "
        "ORDER BY length(posted.row_id), posted.row_id"
    ).fetchall()
    values_of: dict[tuple[str, str, int, str], dict[str, str | None]] = {}
    for *place_of_row, field, value in lines:
        about, about_row, day, record = place_of_row
        values_of.setdefault((about, about_row, day, record), {})[field] = value
    return [PostedCorrection(*row, values) for row, values in values_of.items()]


def _correct(making: Making, layout: Layout, correction: PostedCorrection) -> None:
    """Add a corrected row to the segment that is being written."""
    table = making.table(correction.table)
    files = layout.files(table.name)
    if not files:
        return
    rows = making.connection.sql(f"SELECT * FROM {rows_sql(files)}")
    by = first_by(table.columns, table.key)
    query = corrected_sql(rows, table.key, correction)
    target = making.folder / "part" / f"{table.name}.parquet"
    _append(making, query, target, (by, *table.key))


def _pair_corrected(
    making: Making, layout: Layout, corrections: Sequence[PostedCorrection]
) -> None:
    """Add the pairs of derived tables in which corrected rows stand, each for as long as both its sides hold."""
    connection = making.connection
    row_ids = ", ".join(quoted(one.corrected_row_id) for one in corrections)
    tables = {one.table for one in corrections}
    sides = making.folder / "sides"
    for join in declared_joins():
        left_table, right_table = making.table(join.left), making.table(join.right)
        if tables.isdisjoint((left_table.name, right_table.name)) or not all(
            layout.files(side.name) for side in (left_table, right_table)
        ):
            continue
        on = ", ".join(map(named, join.on))
        touched = [
            f"SELECT {on} FROM {rows_sql(layout.files(side.name))} WHERE row_id IN ({row_ids})"
            for side in (left_table, right_table)
        ]
        connection.execute(f"CREATE OR REPLACE TEMP TABLE touched AS {' UNION '.join(touched)}")
        for side in (left_table, right_table):
            # of a row that was taken back by an appeal and later by its source, the first counts
            rows = (
                f"SELECT * FROM {rows_sql(layout.files(side.name))} SEMI JOIN touched USING ({on}) "
                "QUALIFY row_number() OVER (PARTITION BY row_id, sign ORDER BY known) = 1"
            )
            write_sorted(connection, rows, sides / f"{side.name}.parquet")
        pairs = join_sql(join, left_table, right_table, sides)
        of_corrected = f"row_id IN ({row_ids}) OR right_row_id IN ({row_ids})"
        joined = joined_table(join, left_table, right_table)
        target = making.folder / "part" / f"{join.name}.parquet"
        order = (first_by(joined.columns, left_table.key), *TEXTS)
        _append(making, f"SELECT * FROM ({pairs}) WHERE {of_corrected}", target, order)


def _withdrawals(making: Making, layout: Layout, name: str) -> Iterator[Withdrawal]:
    """Yield what withdrawing rows of a table ends: the rows, and the pairs of derived tables that they stand in."""
    table = making.table(name)
    by = first_by(table.columns, table.key)
    upheld_rows = f"SELECT row_id, day FROM upheld WHERE about = {quoted(name)}"
    target = making.folder / "part" / f"{name}.parquet"
    yield Withdrawal(layout.files(name), ("row_id",), upheld_rows, target, (by, *table.key))
    for join in declared_joins():
        for side, column in ((join.left, "row_id"), (join.right, "right_row_id")):
            if side == name:
                joined = joined_table(join, making.table(join.left), making.table(join.right))
                gone = PAIRS.format(own=upheld_rows, column=column)
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
    query = WITHDRAWN.format(
        rows=rows_sql(withdrawal.files),
        gone=withdrawal.gone,
        ids=", ".join(withdrawal.ids),
    )
    _append(making, query, withdrawal.target, withdrawal.order)


def _append(making: Making, query: str, target: Path, order: tuple[str, ...]) -> None:
    """Add the rows of a SELECT to a file of the segment that is being written, and keep it sorted."""
    connection = making.connection
    connection.execute(f"CREATE OR REPLACE TEMP TABLE added AS {query}")
    everything = "FROM added"
    if target.exists():
        everything += f" UNION ALL BY NAME FROM {parquet_sql(target)}"
    connection.execute(f"CREATE OR REPLACE TEMP TABLE segment_rows AS {everything}")
    sorting = nulls_first(dict.fromkeys((*order, "known", "sign")))
    write_sorted(connection, f"FROM segment_rows ORDER BY {sorting}", target)
