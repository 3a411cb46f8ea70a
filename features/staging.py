"""Staging: one table of a source read in batches and validated, the accepted rows set down, the refused set aside."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from features.contract import COMMON, Column
from features.duck import Connection, quoted
from features.raw import check_columns, in_one_line, relation, typed_sql
from features.source import Source
from features.validation import part, schema_of

REPEATED = "row_id is there twice; the first row was kept"
BATCH = 1 << 20
GROUP = 1 << 17
Progress = Callable[[str, int], None]
"""Called with a table's name and the number of rows done since the last call."""


@dataclass(frozen=True, slots=True)
class Staged:
    """Where the accepted rows of a table lie (typed, ids still text, with `row`), and why the others do not."""

    table: str
    columns: tuple[Column, ...]
    path: Path
    accepted: int
    refused: pl.DataFrame
    ascending: bool


def stage(connection: Connection, source: Source, table: str, *, folder: Path, progress: Progress) -> Staged:
    """Read one table of a source, set its accepted rows down under `folder`, and return them with the refused."""
    columns = source.columns(table)
    rows = relation(connection, source, table)
    check_columns(table, rows.columns, columns + COMMON)
    path = folder / f"{table}.parquet"
    refused: list[pl.DataFrame] = []
    accepted, order = 0, Ascent()
    schema, writer = None, None
    with in_one_line(source.tables[table]):
        reader = rows.project(typed_sql(rows, columns)).to_arrow_reader(GROUP)
    for batch in _batches(reader, source.tables[table]):
        names = [name for name in batch.columns if name != "row"]
        schema = schema or schema_of(table, columns, present=names, complete_to=source.complete_to)
        verdict = part(batch, schema)
        kept = verdict.accepted.select("row", *(c.name for c in columns + COMMON))
        writer = writer or pq.ParquetWriter(path, kept.to_arrow().schema, compression="zstd", compression_level=1)
        writer.write_table(kept.to_arrow(), row_group_size=GROUP)
        if verdict.refused.height:
            refused.append(readable(batch.join(verdict.refused, on="row", maintain_order="left"), columns))
        order.see(kept["row_id"])
        accepted += kept.height
        progress(table, batch.height)
    assert writer is not None
    writer.close()
    return Staged(table, columns, path, accepted, pl.concat(refused) if refused else _none(columns), order.holds)


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
        longer = pl.col("now").str.len_bytes().cast(pl.Int64) - pl.col("before").str.len_bytes().cast(pl.Int64)
        rises = chain.select(((longer > 0) | ((longer == 0) & (pl.col("now") > pl.col("before")))).all())
        self.holds, self.last = bool(rises.item()), str(ids[-1])


def readable(rows: pl.DataFrame, columns: tuple[Column, ...]) -> pl.DataFrame:
    """Return refused rows as text, values as the source gave them as far as they could be read."""
    return rows.select("row", "reason", *(_text(c, rows.columns) for c in COMMON + columns))


def _text(column: Column, present: list[str]) -> pl.Expr:
    value = pl.col(column.name)
    if column.kind == "day":
        text = pl.from_epoch(value.cast(pl.Int32), time_unit="d").cast(pl.String)
    elif column.kind == "month":
        text = pl.format("{}-{}", value // 12, (value % 12 + 1).cast(pl.String).str.zfill(2))
    elif column.kind == "choice":
        text = value.replace_strict(dict(enumerate(column.choices)), default=None, return_dtype=pl.String)
    else:
        text = value.cast(pl.String)
    raw = f"raw {column.name}"
    return (pl.coalesce(text, pl.col(raw)) if raw in present else text).alias(column.name)


def _none(columns: tuple[Column, ...]) -> pl.DataFrame:
    return pl.DataFrame(schema={"row": pl.Int64, "reason": pl.String} | {c.name: pl.String for c in COMMON + columns})


def refuse(connection: Connection, staged: Staged, row_ids: list[str], *, reason: str) -> Staged:
    """Return a staged table in which further rows, named by row id, count as refused."""
    if not row_ids:
        return staged
    connection.register("late", pa.table({"row_id": row_ids}))
    rows = connection.sql(f"SELECT * FROM {_rows(staged)} SEMI JOIN late USING (row_id) ORDER BY row")
    found = readable(pl.DataFrame(rows.to_arrow_table()).with_columns(reason=pl.lit(reason)), staged.columns)
    return _also(staged, found)


def _also(staged: Staged, found: pl.DataFrame) -> Staged:
    return Staged(staged.table, staged.columns, staged.path, staged.accepted - found.height,
                  pl.concat([staged.refused, found]).sort("row"), staged.ascending)


def without_repeats(connection: Connection, staged: Staged) -> Staged:
    """Return a staged table of which every row id stands once: the first row in the source is kept."""
    if staged.ascending:
        return staged
    connection.execute("CREATE OR REPLACE TEMP TABLE repeated AS "
                       f"SELECT row_id FROM {_rows(staged)} GROUP BY row_id HAVING count(*) > 1")
    later = connection.sql(f"SELECT * FROM {_rows(staged)} SEMI JOIN repeated USING (row_id) "
                           "QUALIFY row_number() OVER (PARTITION BY row_id ORDER BY row) > 1 ORDER BY row")
    found = pl.DataFrame(later.to_arrow_table()).with_columns(reason=pl.lit(REPEATED))
    if found.is_empty():
        return staged
    connection.register("later", found.select("row").to_arrow())
    kept = staged.path.with_suffix(".once.parquet")
    once = f"SELECT * FROM {_rows(staged)} ANTI JOIN later USING (row)"
    connection.execute(f"COPY ({once}) TO {quoted(kept)} (FORMAT parquet)")
    kept.replace(staged.path)
    return _also(staged, readable(found, staged.columns))


def _rows(staged: Staged) -> str:
    return f"read_parquet({quoted(staged.path)})"
