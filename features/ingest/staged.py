"""Staged rows: what of one table of a source was accepted, in files, and what was refused, with its reasons."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import polars as pl
import pyarrow as pa

from features.calendar import day_of
from features.connection import Connection, quoted
from features.contract.millionths import as_decimals
from features.contract.tables import COMMON, Column
from features.contract.unique_within import Scope, without_scope
from features.ingest.scan import files_in, parquet_sql

TRACE = {"raw_table": "VARCHAR", "raw_row": "BIGINT"}
"""Columns by which a view of a dump may tell from which row of which raw table its row is."""
REPEATED = "row_id is there twice; the first row was kept"
WRITTEN = (day_of("0001-01-01"), day_of("9999-12-31"))
"""Days that have a date of four digits; any other is told as its number."""
BATCH = 1 << 20
"""Rows that are validated together: enough that the cost of a batch is shared, few enough for the memory."""
GROUP = 1 << 17
"""Rows that the reader hands over at once, a choice: eight of these make a batch."""


@dataclass(frozen=True, slots=True)
class Staged:
    """The folder in which the accepted rows of a table lie (typed, ids still text, with `row`); why others do not.

    Numbers of the accepted rows are joined with their `scopes`; in the refused rows they stand as the source gave them.
    """

    table: str
    columns: tuple[Column, ...]
    scopes: tuple[Scope, ...]
    folder: Path
    accepted: int
    refused: pl.DataFrame
    ascending: bool

    @property
    def rows(self) -> str:
        """The accepted rows, in SQL."""
        return parquet_sql(files_in(self.folder, "*.parquet"))

    def told(self, rows: pl.DataFrame) -> pl.DataFrame:
        """Return accepted rows that are refused after all, with their `reason`, as text that the source gave."""
        return refused_as_text(without_scope(rows, self.scopes), self.columns)


def refused_as_text(rows: pl.DataFrame, columns: tuple[Column, ...]) -> pl.DataFrame:
    """Return refused rows as text, values as the source gave them as far as they could be read."""
    trace = [name for name in TRACE if name in rows.columns]
    texts = [_text(column, rows.columns) for column in COMMON + columns]
    return rows.select("row", *trace, "reason", *texts)


def _text(column: Column, present: list[str]) -> pl.Expr:
    """Return a column's values as texts; the text that the source gave where a value could not be read."""
    text = _value_text(column)
    raw_name = f"raw {column.name}"
    if raw_name in present:
        text = pl.coalesce(text, pl.col(raw_name))
    return text.alias(column.name)


def _value_text(column: Column) -> pl.Expr:
    value = pl.col(column.name)
    match column.kind:
        case "day":
            return _day_text(value)
        case "month":
            month = (value % 12 + 1).cast(pl.String).str.zfill(2)
            return pl.format("{}-{}", value // 12, month)
        case "probability":
            return as_decimals(value).cast(pl.String)
        case "choice":
            choices = dict(enumerate(column.choices))
            return value.replace_strict(choices, default=None, return_dtype=pl.String)
        case _:
            return value.cast(pl.String)


def _day_text(value: pl.Expr) -> pl.Expr:
    # Both branches are computed for every row: the clip keeps the cast to a date from failing.
    days = value.clip(*WRITTEN).cast(pl.Int32)
    date = pl.from_epoch(days, time_unit="d").cast(pl.String)
    is_written = value.is_between(*WRITTEN)
    return pl.when(is_written).then(date).otherwise(pl.format("day {}", value))


def as_written(refused: pl.DataFrame) -> pl.DataFrame:
    """Return refused rows with the number that each has in its raw table, where its view tells that, else in the table read."""
    if "raw_row" not in refused.columns:
        return refused
    row = pl.col("raw_row").alias("row")
    others = pl.exclude("raw_table", "raw_row")
    rows = refused.drop("row").select("raw_table", row, others)
    return rows.sort("raw_table", "row", maintain_order=True)


def raw_rows(refused: pl.DataFrame) -> int:
    """Return how many rows were refused: of a dump the rows of its raw tables, each once however many rows it gave."""
    if "raw_row" not in refused.columns:
        return refused.height
    return refused.n_unique(("raw_table", "raw_row"))


def refuse(connection: Connection, staged: Staged, row_ids: list[str], *, reason: str) -> Staged:
    """Return a staged table in which further rows, named by row id, count as refused."""
    if not row_ids:
        return staged
    connection.register("late", pa.table({"row_id": row_ids}))
    rows = connection.sql(f"SELECT * FROM {staged.rows} SEMI JOIN late USING (row_id) ORDER BY row")
    late = pl.DataFrame(rows.to_arrow_table())
    late_with_reason = late.with_columns(reason=pl.lit(reason))
    return _also(staged, staged.told(late_with_reason))


def set_aside(connection: Connection, staged: Staged, reasons: Mapping[str, str]) -> Staged:
    """Return a staged table without the rows, named by row id, that are refused for a reason."""
    if not reasons:
        return staged
    aside = pa.table({"row_id": list(reasons), "reason": list(reasons.values())})
    connection.register("aside", aside)
    rows = connection.sql(f"SELECT * FROM {staged.rows} JOIN aside USING (row_id) ORDER BY row")
    refused = staged.told(pl.DataFrame(rows.to_arrow_table()))
    folder = _without(connection, staged, "aside", "row_id")
    return replace(_also(staged, refused), folder=folder)


def _without(connection: Connection, staged: Staged, refused: str, by: str) -> Path:
    """Return the folder of a staged table's rows that a relation of refused ones does not hold; that of all is removed."""
    folder = staged.folder.with_name(f"{staged.folder.name}.{by}")
    folder.mkdir()
    remaining = f"SELECT * FROM {staged.rows} ANTI JOIN {refused} USING ({by})"
    file = quoted(folder / "1.parquet")
    connection.execute(f"COPY ({remaining}) TO {file} (FORMAT parquet)")
    # The rows are removed only once the smaller folder is whole.
    shutil.rmtree(staged.folder)
    return folder


def _also(staged: Staged, refused: pl.DataFrame) -> Staged:
    """Return a staged table in which further rows count as refused."""
    return replace(
        staged,
        accepted=staged.accepted - refused.height,
        refused=with_refusals(staged.refused, refused).sort("row"),
    )


def with_refusals(refused: pl.DataFrame, more: pl.DataFrame) -> pl.DataFrame:
    """Return refused rows and further ones of the same table."""
    return pl.concat([refused, more]) if refused.height else more


def without_repeats(connection: Connection, staged: Staged) -> Staged:
    """Return a staged table of which every row id stands once: the row recorded first is kept, of one day the first.

    So a row that is sent again later changes nothing that was known before, whatever the order of the view's rows.
    """
    if staged.ascending:
        return staged
    connection.execute(
        "CREATE OR REPLACE TEMP TABLE repeated AS "
        f"SELECT row_id FROM {staged.rows} GROUP BY row_id HAVING count(*) > 1"
    )
    later = connection.sql(
        f"SELECT * FROM {staged.rows} SEMI JOIN repeated USING (row_id) "
        "QUALIFY row_number() OVER (PARTITION BY row_id ORDER BY recorded_on, row) > 1 "
        "ORDER BY row"
    )
    repeats = pl.DataFrame(later.to_arrow_table()).with_columns(reason=pl.lit(REPEATED))
    if repeats.is_empty():
        return staged
    connection.register("later", repeats.select("row").to_arrow())
    refused = staged.told(repeats)
    folder = _without(connection, staged, "later", "row")
    return replace(_also(staged, refused), folder=folder)
