"""Staging: one table of a source read in batches and validated, the accepted rows set down, the refused set aside."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import polars as pl
import pyarrow as pa

from features.calendar import day_of
from features.connection import Connection, Relation, quoted
from features.contract.identifiers import faults
from features.contract.millionths import as_decimals
from features.contract.tables import COMMON, Column
from features.contract.unique_within import Scope, unscoped, whole, without_scope
from features.contract.validation import FAULTS, batch_schema, validated
from features.ingest.scan import files_in, parquet_sql
from features.ingest.source import Source
from features.ingest.typed_sql import TRACE, check_columns, in_one_line, relation, typed_sql

REPEATED = "row_id is there twice; the first row was kept"
WRITTEN = (day_of("0001-01-01"), day_of("9999-12-31"))
"""Days that have a date of four digits; any other is told as its number."""
BATCH = 1 << 20
GROUP = 1 << 17
Progress = Callable[[str, int], None]
"""Called with a table's name and the number of rows done since the last call."""


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


def contract_relation(connection: Connection, source: Source, table: str) -> Relation:
    """Return one table of a source, not yet read, that has the columns of its contract and no others.

    A view of a dump may tell the raw row of each row beside them.
    """
    rows = relation(connection, source, table)
    traced = source.declaration.dump is not None and set(rows.columns) >= TRACE.keys()
    present = [name for name in rows.columns if not (traced and name in TRACE)]
    check_columns(table, present, source.columns(table) + COMMON)
    return rows


def stage(
    rows: Relation, source: Source, table: str, *, folder: Path, progress: Progress
) -> Staged:
    """Read rows of one table of a source, set the accepted down under `folder`, and return them with the refused."""
    columns, scopes = source.columns(table), source.scopes(table)
    place = folder / table
    place.mkdir()
    refused: list[pl.DataFrame] = []
    accepted, order = 0, Ascent()
    schema = None
    with in_one_line(source.tables[table]):
        reader = rows.project(typed_sql(rows, columns)).to_arrow_reader(GROUP)
    for number, batch in enumerate(_batches(reader, source.tables[table])):
        names = [name for name in batch.columns if name != "row"]
        schema = schema or batch_schema(
            table, columns, present=names, complete_to=source.complete_to
        )
        wrong = pl.concat_list(faults(batch, columns + COMMON), unscoped(scopes))
        judged = batch.with_columns(wrong.alias(FAULTS))
        verdict = validated(judged, schema)
        trace = [name for name in TRACE if name in names]
        kept = whole(verdict.accepted, scopes).select(
            "row", *trace, *(c.name for c in columns + COMMON)
        )
        kept.write_parquet(place / f"{number}.parquet", compression="lz4", statistics=False)
        if verdict.refused.height:
            refused.append(
                refused_as_text(
                    batch.join(verdict.refused, on="row", maintain_order="left"), columns
                )
            )
        order.see(kept["row_id"])
        accepted += kept.height
        progress(table, batch.height)
    return Staged(table, columns, scopes, place, accepted, _together(refused, columns), order.holds)


def _batches(reader: pa.RecordBatchReader, place: Path) -> Iterator[pl.DataFrame]:
    """Yield frames of about BATCH rows numbered from 1; one empty frame where there is no row."""
    first, held, size = 1, list[pa.RecordBatch](), 0
    while True:
        chunk = _next(reader, place)
        if chunk is not None:
            held.append(chunk)
            size += chunk.num_rows
        if chunk is None or size >= BATCH:
            if held or first == 1:
                frame = pl.DataFrame(pa.Table.from_batches(held, reader.schema))
                yield frame.with_row_index("row", first).with_columns(pl.col("row").cast(pl.Int64))
            first, held, size = first + size, [], 0
        if chunk is None:
            return


def _next(reader: pa.RecordBatchReader, place: Path) -> pa.RecordBatch | None:
    with in_one_line(place):
        return next(reader, None)


@dataclass(slots=True)
class Ascent:
    """Whether the row ids seen so far ascend (shorter first, then by text), which proves them unique."""

    holds: bool = True
    last: str = ""

    def see(self, ids: pl.Series) -> None:
        """Take in further row ids, (n,) texts."""
        if not self.holds or ids.is_empty():
            return
        chain = pl.DataFrame({"now": ids, "before": ids.shift(1, fill_value=self.last)})
        longer = pl.col("now").str.len_bytes().cast(pl.Int64) - pl.col(
            "before"
        ).str.len_bytes().cast(pl.Int64)
        rises = chain.select(
            ((longer > 0) | ((longer == 0) & (pl.col("now") > pl.col("before")))).all()
        )
        self.holds, self.last = bool(rises.item()), str(ids[-1])


def refused_as_text(rows: pl.DataFrame, columns: tuple[Column, ...]) -> pl.DataFrame:
    """Return refused rows as text, values as the source gave them as far as they could be read."""
    trace = [name for name in TRACE if name in rows.columns]
    return rows.select("row", *trace, "reason", *(_text(c, rows.columns) for c in COMMON + columns))


def as_written(refused: pl.DataFrame) -> pl.DataFrame:
    """Return refused rows with the number that each has in its raw table, where its view tells that, else in the table read."""
    if "raw_row" not in refused.columns:
        return refused
    return (
        refused.drop("row")
        .select("raw_table", pl.col("raw_row").alias("row"), pl.exclude("raw_table", "raw_row"))
        .sort("raw_table", "row", maintain_order=True)
    )


def raw_rows(refused: pl.DataFrame) -> int:
    """Return how many rows were refused: of a dump the rows of its raw tables, each once however many rows it gave."""
    return (
        refused.n_unique(("raw_table", "raw_row"))
        if "raw_row" in refused.columns
        else refused.height
    )


def _text(column: Column, present: list[str]) -> pl.Expr:
    value = pl.col(column.name)
    if column.kind == "day":
        written = pl.from_epoch(value.clip(*WRITTEN).cast(pl.Int32), time_unit="d").cast(pl.String)
        text = (
            pl.when(value.is_between(*WRITTEN)).then(written).otherwise(pl.format("day {}", value))
        )
    elif column.kind == "month":
        text = pl.format("{}-{}", value // 12, (value % 12 + 1).cast(pl.String).str.zfill(2))
    elif column.kind == "probability":
        text = as_decimals(value).cast(pl.String)
    elif column.kind == "choice":
        text = value.replace_strict(
            dict(enumerate(column.choices)), default=None, return_dtype=pl.String
        )
    else:
        text = value.cast(pl.String)
    raw = f"raw {column.name}"
    return (pl.coalesce(text, pl.col(raw)) if raw in present else text).alias(column.name)


def _together(refused: list[pl.DataFrame], columns: tuple[Column, ...]) -> pl.DataFrame:
    return pl.concat(refused) if refused else _none(columns)


def _none(columns: tuple[Column, ...]) -> pl.DataFrame:
    return pl.DataFrame(
        schema={"row": pl.Int64, "reason": pl.String}
        | {c.name: pl.String for c in COMMON + columns}
    )


def refuse(connection: Connection, staged: Staged, row_ids: list[str], *, reason: str) -> Staged:
    """Return a staged table in which further rows, named by row id, count as refused."""
    if not row_ids:
        return staged
    connection.register("late", pa.table({"row_id": row_ids}))
    rows = connection.sql(f"SELECT * FROM {staged.rows} SEMI JOIN late USING (row_id) ORDER BY row")
    found = staged.told(pl.DataFrame(rows.to_arrow_table()).with_columns(reason=pl.lit(reason)))
    return _also(staged, found)


def set_aside(connection: Connection, staged: Staged, reasons: Mapping[str, str]) -> Staged:
    """Return a staged table without the rows, named by row id, that are refused for a reason."""
    if not reasons:
        return staged
    connection.register(
        "aside", pa.table({"row_id": list(reasons), "reason": list(reasons.values())})
    )
    rows = connection.sql(f"SELECT * FROM {staged.rows} JOIN aside USING (row_id) ORDER BY row")
    found = staged.told(pl.DataFrame(rows.to_arrow_table()))
    kept = _rest(connection, staged, "aside", "row_id")
    return replace(_also(staged, found), folder=kept)


def _rest(connection: Connection, staged: Staged, refused: str, by: str) -> Path:
    """Return the folder of a staged table's rows that a relation of refused ones does not hold; that of all is removed."""
    kept = staged.folder.with_name(f"{staged.folder.name}.{by}")
    kept.mkdir()
    rest = f"SELECT * FROM {staged.rows} ANTI JOIN {refused} USING ({by})"
    connection.execute(f"COPY ({rest}) TO {quoted(kept / '1.parquet')} (FORMAT parquet)")
    shutil.rmtree(staged.folder)
    return kept


def _also(staged: Staged, found: pl.DataFrame) -> Staged:
    return replace(
        staged,
        accepted=staged.accepted - found.height,
        refused=with_refusals(staged.refused, found).sort("row"),
    )


def with_refusals(refused: pl.DataFrame, more: pl.DataFrame) -> pl.DataFrame:
    """Return refused rows and further ones of the same table."""
    return pl.concat([refused, more]) if refused.height else more


def without_repeats(connection: Connection, staged: Staged) -> Staged:
    """Return a staged table of which every row id stands once: the row recorded first is kept, of one day the first.

    So what is told again later changes nothing that was known before, in whatever order a view gives its rows.
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
    found = pl.DataFrame(later.to_arrow_table()).with_columns(reason=pl.lit(REPEATED))
    if found.is_empty():
        return staged
    connection.register("later", found.select("row").to_arrow())
    return replace(
        _also(staged, staged.told(found)), folder=_rest(connection, staged, "later", "row")
    )
