"""The store's column files beside mapped Arrow IPC: processor time to read a range of rows, as ratios.

One column of 4 million 32-bit integers with gaps, written both ways. A range is read as the evaluator
needs it: int64 with NULL in place of a gap. Same rows, same values; the two take turns in one run.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from features.arrays import NULL
from features.store.column_files import Flat, column_name
from features.store.memory_map import Mapped

ROWS = 4_000_000
BATCH = 1 << 17
"""Rows of a record batch of the Arrow file, as many as a row group of the store."""
RANGES = {20: 20_000, 1_000: 5_000, 16_384: 500, 1_000_000: 20}
"""Lengths of a range, and how many are read in a turn: one unit, a large one, a batch of units, a scan."""
TURNS = 7

Values = NDArray[Any]
Read = Callable[[int, int], Values]


def write_both(folder: Path) -> tuple[Read, Read]:
    """Write one column in both forms and return how a range of each is read."""
    rng = np.random.default_rng(1)
    values = rng.integers(0, 1 << 30, ROWS, dtype=np.int32)
    is_gap = rng.random(ROWS) < 0.1
    gap = np.iinfo(np.int32).min
    flat_path = folder / column_name("value", values.dtype, "gaps")
    np.where(is_gap, gap, values).astype(np.int32).tofile(flat_path)
    mapped = Mapped(flat_path, values.dtype)
    flat = Flat(flat_path, values.dtype, gaps=True, mapped=mapped.values)
    arrow_path = folder / "value.arrow"
    table = pa.table({"value": pa.array(values, mask=is_gap)})
    with pa.ipc.new_file(arrow_path, table.schema) as out:
        out.write_table(table, max_chunksize=BATCH)
    column = pa.ipc.open_file(pa.memory_map(str(arrow_path))).read_all()["value"]

    def arrow(start: int, stop: int) -> Values:
        return as_evaluated(column.slice(start, stop - start))

    return flat.between, arrow


def as_evaluated(column: pa.ChunkedArray) -> Values:
    """Return a column as the evaluator reads it: int64, NULL where there is a gap."""
    filled = column.cast(pa.int64()).fill_null(NULL)
    return np.asarray(filled.to_numpy())


def seconds(read: Read, starts: NDArray[np.int64], length: int) -> float:
    """Return the processor time of reading ranges of a length."""
    begin = time.process_time()
    for start in starts.tolist():
        read(start, start + length)
    return time.process_time() - begin


def main() -> None:
    """Print Arrow's time over the column file's by length of a range: the median of turns."""
    rng = np.random.default_rng(2)
    with tempfile.TemporaryDirectory() as folder:
        flat, arrow = write_both(Path(folder))
        for length, number in RANGES.items():
            starts = rng.integers(0, ROWS - length, number)
            first = int(starts[0])
            if not np.array_equal(flat(first, first + length), arrow(first, first + length)):
                raise SystemExit(f"the two forms differ in rows {first} to {first + length}")
            ratios = []
            for _ in range(TURNS):
                own_time = seconds(flat, starts, length)
                ratios.append(seconds(arrow, starts, length) / own_time)
            print(f"{length:>9} rows: Arrow takes {median(ratios):.2f} of the column file's time")


if __name__ == "__main__":
    main()
