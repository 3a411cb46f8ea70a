"""Tables as Parquet parts: the contract's columns in its order, ids as short text, the same bytes every time."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from features.contract.tables import COMMON, Column, Table, contract
from features.files import asked_folder, replaced
from simulation.ground.pieces import Piece, Rows, Values, joined_pieces, kept
from simulation.ground.sectors import DIVISIONS, SECTORS
from simulation.ground.setting import NULL, day_of_months

SPACES = {
    "enterprise": "E%07d",
    "worker": "W%08d",
    "cell": "C%03d",
    "district": "D%02d",
    "team": "T%03d",
    "member": "M%04d",
    "address": "A%08d",
    "person": "P%08d",
    "account": "B%08d",
    "complaint": "Z%09d",
    "inspection": "J%09d",
    "draw": "L%06d",
    "provider": "H%05d",
    "claim": "K%010d",
    "line": "X%011d",
}
LISTS = {
    "section": SECTORS.letters,
    "division": DIVISIONS,
    "rule": ("Q2012", "Y2013"),
    "ethnicity": ("01", "02", "03", "05", "06", "10", "11", "15"),
    "item": ("drug", "exam", "bed", "surgery", "material", "nursing", "herbs", "test"),
}
ROWS_A_PART = 20_000_000
"""Row numbers set aside for each part of a table; a choice: far more than a block's rows."""
ARROW = {
    "day": pa.date32(),
    "month": pa.date32(),
    "fen": pa.int64(),
    "kwh": pa.int64(),
    "flag": pa.int8(),
    "probability": pa.float64(),
}
WIDTHS = {
    pa.date32(): np.int32,
    pa.int32(): np.int32,
    pa.int64(): np.int64,
    pa.int8(): np.int8,
}
"""The numbers of which an Arrow type is made; a date is a number of days."""


def texts(pattern: str, numbers: Values) -> pa.Array:
    """Return numbers as text of one width, such as E0000123, without a loop."""
    prefix, width = pattern[0], int(pattern[3:-1])
    count = len(numbers)
    # all texts as one block of bytes, filled digit by digit from the last
    letters = np.empty((count, width + 1), dtype=np.uint8)
    letters[:, 0] = ord(prefix)
    remainder = np.asarray(numbers, dtype=np.int64)
    for place in range(width, 0, -1):
        remainder, digit = np.divmod(remainder, 10)
        letters[:, place] = digit + ord("0")
    offsets = np.arange(count + 1, dtype=np.int32) * (width + 1)
    buffers = [None, pa.py_buffer(offsets), pa.py_buffer(letters)]
    return pa.Array.from_buffers(pa.string(), count, buffers)


def coded(index: Values, empty: Values, dictionary: pa.Array) -> pa.Array:
    """Return dictionary text of an index, null where `empty` holds."""
    codes = np.where(empty, 0, index).astype(np.int32)
    indices = pa.array(codes, mask=empty)
    return pa.DictionaryArray.from_arrays(indices, dictionary)


def id_array(space: str, values: Values) -> pa.Array:
    """Return codes of a name space as text."""
    empty = values == NULL
    if space in LISTS:
        return coded(values, empty, pa.array(LISTS[space]))
    numbers = values[~empty]
    if not len(numbers):
        return pa.nulls(len(values), pa.string())
    low, high = int(numbers.min()), int(numbers.max())
    # a dictionary pays while its entries are not many more than the rows
    if high - low < 2 * len(values) + 5000:
        dictionary = texts(SPACES[space], np.arange(low, high + 1))
        return coded(values - low, empty, dictionary)
    plain = texts(SPACES[space], np.where(empty, 0, values))
    if not empty.any():
        return plain
    nothing = pa.scalar(None, pa.string())
    return pa.compute.if_else(pa.array(~empty), plain, nothing)


def column_array(column: Column, values: Values) -> pa.Array:
    """Return one column as the contract types it; NULL and NaN are empty."""
    if column.name == "row_id":
        return pa.array(values.astype(np.int64))
    if column.kind == "id":
        return id_array(column.space, values)
    if column.kind == "probability":
        return _probabilities(values.astype(float))
    empty = values == NULL
    if column.kind == "choice":
        return coded(values, empty, pa.array(column.choices))
    if column.kind == "month":
        months = np.where(empty, 0, values)
        values = day_of_months(months.astype(np.int64))
    kind = ARROW.get(column.kind, pa.int32())
    numbers = np.where(empty, 0, values).astype(WIDTHS[kind])
    array = pa.array(numbers, mask=empty if empty.any() else None)
    return array.cast(kind) if array.type != kind else array


def _probabilities(numbers: Values) -> pa.Array:
    is_empty = np.isnan(numbers) | (numbers == NULL)
    return pa.array(numbers, mask=is_empty)


def frame(table: Table, rows: Piece, *, start: int) -> pa.Table:
    """Return the rows of one part as an Arrow table; row numbers run from `start`."""
    size = len(rows["recorded_on"])
    full = {**rows, "row_id": start + np.arange(size)}
    columns = table.columns + COMMON
    arrays = {column.name: column_array(column, full[column.name]) for column in columns}
    return pa.table(arrays)


def write_frame(frame_: pa.Table, path: Path) -> str:
    """Write a table with fixed settings and return the SHA-256 of its bytes."""
    asked_folder(path.parent)
    coded_columns, encodings = [], {}
    for field in frame_.schema:
        if pa.types.is_dictionary(field.type):
            coded_columns.append(field.name)
        # neighbouring rows have near numbers and days, so that differences take few bits
        if field.type in (pa.int64(), pa.int32(), pa.date32()):
            encodings[field.name] = "DELTA_BINARY_PACKED"
    with replaced(path) as unfinished:
        pq.write_table(
            frame_,
            unfinished,
            compression="zstd",
            compression_level=1,
            use_dictionary=coded_columns,
            column_encoding=encodings,
            row_group_size=500_000,
            dictionary_pagesize_limit=8 << 20,
            store_schema=False,
        )
        with unfinished.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()


def write_tables(folder: Path, part: int, rows: Rows, *, until: int) -> dict[str, str]:
    """Write one part of each table: the rows recorded by `until`; return the digests by file."""
    tables, digests = contract(), {}
    grouped: dict[str, list[Piece]] = {}
    for name, rows_of in rows:
        grouped.setdefault(name, []).append(rows_of)
    for name in sorted(grouped):
        names = [column.name for column in tables[name].columns]
        names += ["recorded_on", "retracted"]
        # popped, so that the pieces of a table are freed before the next is joined
        recorded = (kept_until(rows_of, until) for rows_of in grouped.pop(name))
        full = joined_pieces(recorded, names)
        # parts 0 and 1 hold a table even where it has no rows; later parts leave it out
        if len(full["recorded_on"]) == 0 and part > 1:
            continue
        if name == "contributions":
            full = by_enterprise(full)
        where = f"{name}/part-{part:05d}.parquet"
        start = part * ROWS_A_PART
        # the frame has no name here: it would stay in memory while the next table is joined
        digests[where] = write_frame(frame(tables[name], full, start=start), folder / where)
    return digests


def by_enterprise(rows: Piece) -> Piece:
    """Return the rows of contributions by enterprise, worker and month, as a loader likes to find them."""
    enterprise = rows["enterprise"] - rows["enterprise"].min()
    worker = rows["worker"] - rows["worker"].min()
    month = rows["month"] & 4095
    # one integer a row in place of three keys: 12 bits for the month, 28 for the worker, the others for the enterprise
    key = (enterprise << 40) | (worker << 12) | month
    order = np.argsort(key, kind="stable")
    return {name: values[order] for name, values in rows.items()}


def kept_until(rows: Piece, until: int) -> Piece:
    """Return the rows that the database knows by the last day."""
    is_recorded = rows["recorded_on"] <= until
    if is_recorded.all():
        return rows
    return kept(rows, is_recorded)


def write_truth(folder: Path, name: str, part: int, columns: dict[str, Any]) -> dict[str, str]:
    """Write one part of a table of the truth and return its digest."""
    where = f"truth/{name}/part-{part:05d}.parquet"
    return {where: write_frame(pa.table(columns), folder / where)}
