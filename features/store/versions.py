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

from features.ingest.staging import BATCH, GROUP

Mask = NDArray[np.bool_]


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
    done = Signed()
    schema = signed_schema(reader.schema)
    coded = [
        field.name for field in schema if field.type not in (pa.int64(), pa.float64(), pa.string())
    ]
    with pq.ParquetWriter(
        path, schema, compression="zstd", compression_level=1, use_dictionary=coded
    ) as writer:
        for table in _whole_keys(reader, key):
            signed = _signed(table, key, done)
            done.rows += signed.num_rows
            writer.write_table(signed, row_group_size=GROUP)
    return done


def signed_schema(coded: pa.Schema) -> pa.Schema:
    """Return the schema of a signed table made of a coded one."""
    kept = [f for f in coded if f.name not in ("row_id", "recorded_on", "retracted")]
    return pa.schema([*kept, ("row_id", pa.string()), ("known", pa.int32()), ("sign", pa.int8())])


def _whole_keys(reader: pa.RecordBatchReader, key: tuple[str, ...]) -> Iterator[pa.Table]:
    """Yield tables of about BATCH rows that never part the versions of one key."""
    held, size = list[pa.RecordBatch](), 0
    for batch in reader:
        held.append(batch)
        size += batch.num_rows
        if size >= BATCH:
            table = pa.Table.from_batches(held)
            starts = np.flatnonzero(~_same_as_previous(table, key))
            cut = int(starts[-1])
            if cut:
                yield table.slice(0, cut)
            held = table.slice(cut).to_batches()
            size = table.num_rows - cut
    yield pa.Table.from_batches(held, reader.schema)


def _same_as_previous(table: pa.Table, key: tuple[str, ...]) -> Mask:
    same = np.ones(table.num_rows, np.bool_)
    same[:1] = False
    for name in key:
        values = table[name].to_numpy()
        same[1:] &= values[1:] == values[:-1]
    return same


def _signed(table: pa.Table, key: tuple[str, ...], done: Signed) -> pa.Table:
    same = _same_as_previous(table, key)
    known = table["recorded_on"].to_numpy().astype(np.int32)
    retracts = table["retracted"].to_numpy().astype(np.bool_)
    if not same.any() and not retracts.any():
        return _put(table, known, np.ones(table.num_rows, np.int8))
    done.unseen += table["row_id"].filter(pa.array(retracts & ~same)).to_pylist()
    superseded = np.append(same[1:], np.zeros(min(1, len(same)), np.bool_))
    until = np.append(known[1:], known[-1:])
    lives = ~retracts & ~(superseded & (until == known))
    done.absorbed.append(
        table.filter(pa.array(~lives)).select([*key, "row_id", "recorded_on", "retracted"])
    )
    copies = lives.astype(np.int64) * (1 + superseded)
    places = np.repeat(np.arange(table.num_rows), copies)
    twin = np.append(False, places[1:] == places[:-1])[: len(places)]
    return _put(
        table.take(places), np.where(twin, until[places], known[places]), np.where(twin, -1, 1)
    )


def _put(table: pa.Table, known: NDArray[np.integer], sign: NDArray[np.integer]) -> pa.Table:
    rows = table.drop_columns(["row_id", "recorded_on", "retracted"])
    rows = rows.append_column("row_id", pc.cast(table["row_id"], pa.string()))
    rows = rows.append_column("known", pa.array(known.astype(np.int32)))
    return rows.append_column("sign", pa.array(sign.astype(np.int8)))
