"""Staging: one table of a source is read in batches and validated; accepted rows are written, refused rows are set aside."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import polars as pl
import pyarrow as pa

from features.connection import Connection, Relation
from features.contract.identifiers import faults
from features.contract.tables import COMMON, Column
from features.contract.unique_within import unscoped, with_scope
from features.contract.validation import FAULTS, batch_laws, validated
from features.ingest.source import Source
from features.ingest.staged import BATCH, GROUP, TRACE, Staged, refused_as_text
from features.ingest.typed_sql import check_columns, in_one_line, relation, typed_sql

Progress = Callable[[str, int], None]
"""Called with a table's name and the number of rows done since the last call."""


def contract_relation(connection: Connection, source: Source, table: str) -> Relation:
    """Return one table of a source, not yet read, that has the columns of its contract and no others.

    A view of a dump may tell the raw row of each row beside them.
    """
    rows = relation(connection, source, table)
    present = list(rows.columns)
    if source.declaration.dump is not None and set(present) >= TRACE.keys():
        present = [name for name in present if name not in TRACE]
    check_columns(table, present, source.columns(table) + COMMON)
    return rows


def stage(
    rows: Relation, source: Source, table: str, *, folder: Path, progress: Progress
) -> Staged:
    """Read the rows of one table of a source, write the accepted ones under `folder`, and return them with the refused ones."""
    columns, scopes = source.columns(table), source.scopes(table)
    place = folder / table
    place.mkdir()
    refused: list[pl.DataFrame] = []
    accepted = 0
    order = Ascent()
    laws = None
    with in_one_line(source.tables[table]):
        reader = rows.project(typed_sql(rows, columns)).to_arrow_reader(GROUP)
    for number, batch in enumerate(_batches(reader, source.tables[table])):
        names = [name for name in batch.columns if name != "row"]
        # The columns are the same in every batch: the laws are built from the first.
        laws = laws or batch_laws(table, columns, present=names, complete_to=source.complete_to)
        wrong = pl.concat_list(faults(batch, columns + COMMON), unscoped(scopes))
        judged = batch.with_columns(wrong.alias(FAULTS))
        verdict = validated(judged, laws)
        accepted_rows = with_scope(verdict.accepted, scopes).select(_staged_columns(names, columns))
        # The file is read whole and then removed: statistics would never be used.
        accepted_rows.write_parquet(
            place / f"{number}.parquet", compression="lz4", statistics=False
        )
        if verdict.refused.height:
            refused_rows = batch.join(verdict.refused, on="row", maintain_order="left")
            refused.append(refused_as_text(refused_rows, columns))
        order.see(accepted_rows["row_id"])
        accepted += accepted_rows.height
        progress(table, batch.height)
    return Staged(
        table=table,
        columns=columns,
        scopes=scopes,
        folder=place,
        accepted=accepted,
        refused=_together(refused, columns),
        ascending=order.holds,
    )


def _staged_columns(names: list[str], columns: tuple[Column, ...]) -> list[str]:
    """Return the names of the columns that staged rows have: the row, the raw row if told, then the contract's."""
    trace = [name for name in TRACE if name in names]
    contract_names = [column.name for column in columns + COMMON]
    return ["row", *trace, *contract_names]


def _batches(reader: pa.RecordBatchReader, place: Path) -> Iterator[pl.DataFrame]:
    """Yield frames of about BATCH rows numbered from 1; one empty frame where there is no row."""
    first = 1
    chunks: list[pa.RecordBatch] = []
    size = 0
    while True:
        chunk = _next(reader, place)
        if chunk is not None:
            chunks.append(chunk)
            size += chunk.num_rows
        if chunk is None or size >= BATCH:
            # Without a row there is one empty frame, for its columns and their types.
            if chunks or first == 1:
                yield _numbered(chunks, reader.schema, first)
            first += size
            chunks = []
            size = 0
        if chunk is None:
            return


def _numbered(chunks: list[pa.RecordBatch], schema: pa.Schema, first: int) -> pl.DataFrame:
    """Return chunks as one frame whose column `row` counts from a first number."""
    frame = pl.DataFrame(pa.Table.from_batches(chunks, schema))
    row = pl.col("row").cast(pl.Int64)
    return frame.with_row_index("row", first).with_columns(row)


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
        pairs = pl.DataFrame({"now": ids, "before": ids.shift(1, fill_value=self.last)})
        now, before = pl.col("now"), pl.col("before")
        # Lengths are unsigned: cast, so that their difference can be negative.
        longer = now.str.len_bytes().cast(pl.Int64) - before.str.len_bytes().cast(pl.Int64)
        rises = (longer > 0) | ((longer == 0) & (now > before))
        self.holds = bool(pairs.select(rises.all()).item())
        self.last = str(ids[-1])


def _together(refused: list[pl.DataFrame], columns: tuple[Column, ...]) -> pl.DataFrame:
    return pl.concat(refused) if refused else _none(columns)


def _none(columns: tuple[Column, ...]) -> pl.DataFrame:
    schema: dict[str, type[pl.DataType]] = {"row": pl.Int64, "reason": pl.String}
    for column in COMMON + columns:
        schema[column.name] = pl.String
    return pl.DataFrame(schema=schema)
