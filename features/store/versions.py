"""Versions as signed rows: a superseded row gets its negative, known from the day of its successor."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from features.ingest.staged import BATCH, GROUP

Mask = NDArray[np.bool_]
UNSEEN = "retracts a key that was never recorded before"
RECORDING = ("row_id", "recorded_on", "retracted")
"""The columns that say how a row was recorded: `known` and `sign` stand for the last two."""


@dataclass(slots=True)
class Signed:
    """What came of signing a table: rows written, the row ids of retractions of keys never seen, rows that left no sign."""

    rows: int = 0
    unseen: list[str] = field(default_factory=list)
    absorbed: list[pa.Table] = field(default_factory=list)


def write_signed(reader: pa.RecordBatchReader, key: tuple[str, ...], path: Path) -> Signed:
    """Write rows that come sorted by key, recorded_on and row id as signed rows, in that order.

    A row gets `known` = its recorded_on and `sign` = 1; if its key has a later row, a twin with `sign` = -1 known from
    the later row's day follows it. Both are left out where that is the same day; a retraction is no row itself.
    """
    outcome = Signed()
    schema = signed_schema(reader.schema)
    # Codes and days repeat and pay for a dictionary; amounts and row ids are nearly all different.
    varied = (pa.int64(), pa.float64(), pa.string())
    repeating = [column.name for column in schema if column.type not in varied]
    with pq.ParquetWriter(
        path,
        schema,
        compression="zstd",
        compression_level=1,
        use_dictionary=repeating,
    ) as writer:
        for table in _whole_keys(reader, key):
            signed = _signed(table, key, outcome)
            outcome.rows += signed.num_rows
            writer.write_table(signed, row_group_size=GROUP)
    return outcome


def signed_schema(coded: pa.Schema) -> pa.Schema:
    """Return the schema of a signed table made of a coded one."""
    columns = [column for column in coded if column.name not in RECORDING]
    columns.append(pa.field("row_id", pa.string()))
    columns.append(pa.field("known", pa.int32()))
    columns.append(pa.field("sign", pa.int8()))
    return pa.schema(columns)


def _whole_keys(reader: pa.RecordBatchReader, key: tuple[str, ...]) -> Iterator[pa.Table]:
    """Yield tables of about BATCH rows that never part the versions of one key."""
    batches: list[pa.RecordBatch] = []
    size = 0
    for batch in reader:
        batches.append(batch)
        size += batch.num_rows
        if size >= BATCH:
            table = pa.Table.from_batches(batches)
            key_starts = np.flatnonzero(~_same_as_previous(table, key))
            # More versions of the last key may follow, so it waits for the next batch.
            cut = int(key_starts[-1])
            if cut:
                yield table.slice(0, cut)
            batches = table.slice(cut).to_batches()
            size = table.num_rows - cut
    yield pa.Table.from_batches(batches, reader.schema)


def _same_as_previous(table: pa.Table, key: tuple[str, ...]) -> Mask:
    same = np.ones(table.num_rows, np.bool_)
    same[:1] = False
    for name in key:
        values = table[name].to_numpy()
        same[1:] &= values[1:] == values[:-1]
    return same


def _signed(table: pa.Table, key: tuple[str, ...], outcome: Signed) -> pa.Table:
    """Return the signed rows of a table of whole keys; what leaves no row is added to the outcome."""
    same = _same_as_previous(table, key)
    known_day = table["recorded_on"].to_numpy().astype(np.int32)
    retracts = table["retracted"].to_numpy().astype(np.bool_)
    if not same.any() and not retracts.any():
        ones = np.ones(table.num_rows, np.int8)
        return _put(table, known_day, ones)
    retracts_nothing = pa.array(retracts & ~same)
    outcome.unseen += table["row_id"].filter(retracts_nothing).to_pylist()
    # The last row is superseded by none; a table without rows has no last row.
    last = np.zeros(min(1, len(same)), np.bool_)
    superseded = np.append(same[1:], last)
    until = np.append(known_day[1:], known_day[-1:])
    lives = ~retracts & ~(superseded & (until == known_day))
    absorbed = table.filter(pa.array(~lives))
    outcome.absorbed.append(absorbed.select([*key, *RECORDING]))
    # A row that lives stands once, and once more as its negative where it is superseded.
    copies = lives.astype(np.int64) * (1 + superseded)
    rows = np.arange(table.num_rows)
    places = np.repeat(rows, copies)
    repeats = np.append(False, places[1:] == places[:-1])
    twin = repeats[: len(places)]
    known_from = np.where(twin, until[places], known_day[places])
    sign = np.where(twin, -1, 1)
    return _put(table.take(places), known_from, sign)


def _put(table: pa.Table, known: NDArray[np.integer], sign: NDArray[np.integer]) -> pa.Table:
    row_ids = pc.cast(table["row_id"], pa.string())
    days = pa.array(known.astype(np.int32))
    signs = pa.array(sign.astype(np.int8))
    rows = table.drop_columns(list(RECORDING))
    rows = rows.append_column("row_id", row_ids)
    rows = rows.append_column("known", days)
    return rows.append_column("sign", signs)


def write_absorbed(signed: Signed, path: Path) -> None:
    """Write the keys of rows that left no signed row, to be known when later rows meet them, into `absorbed/`."""
    rows = sum(table.num_rows for table in signed.absorbed)
    if not rows:
        return
    folder = path.with_name("absorbed")
    folder.mkdir(exist_ok=True)
    absorbed = pa.concat_tables(signed.absorbed)
    pq.write_table(absorbed, folder / path.name, compression="zstd", row_group_size=rows)
