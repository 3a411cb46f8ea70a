"""Features written in the order of ids: a store that is fed by days numbers its units in the order in which they came."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from features.connection import ConnectionLimits, named, opened
from features.engine.batches import CASES_AT_ONCE
from features.files import private_folder, replaced
from features.home import home
from features.ingest.scan import parquet_sql
from features.matrix import Matrix, write_matrix_rows


class Watch:
    """Tells whether the rows of the matrices that passed were ordered by id and then by day, each once."""

    def __init__(self) -> None:
        self.ordered = True
        self._last: tuple[str, int] | None = None

    def passing(self, matrices: Iterable[Matrix]) -> Iterator[Matrix]:
        """Yield matrices as they come."""
        for matrix in matrices:
            if len(matrix):
                self._see(matrix)
            yield matrix

    def _see(self, matrix: Matrix) -> None:
        keys, days = matrix.keys, matrix.as_of
        first = str(keys[0]), int(days[0])
        next_key = keys[1:] > keys[:-1]
        same_key = keys[1:] == keys[:-1]
        next_day = days[1:] > days[:-1]
        within = next_key | (same_key & next_day)
        after_the_last = self._last is None or self._last < first
        self.ordered &= bool(np.all(within)) and after_the_last
        self._last = str(keys[-1]), int(days[-1])


def write_ordered(matrices: Iterable[Matrix], path: Path) -> tuple[int, int]:
    """Write matrices with the same columns as one file, ordered by id and then by day; return the rows and features written.

    They are never held all: where they do not come in that order, the file is sorted on disk. A pipe takes them as they come.
    """
    watch = Watch()
    with replaced(path) as unfinished:
        size = write_matrix_rows(watch.passing(matrices), unfinished)
        if not watch.ordered and unfinished.is_file():
            with private_folder(home()) as folder:
                shutil.copyfile(_sorted(unfinished, folder), unfinished)
    return size


def _sorted(path: Path, folder: Path) -> Path:
    """Return a file in `folder` with the rows of another, ordered by its first two columns, and its schema."""
    schema = pq.read_schema(path)
    ordered = folder / "ordered.parquet"
    # The id and the day stand first in every matrix.
    id_and_day = schema.names[:2]
    order = ", ".join(named(name) for name in id_and_day)
    connection = opened(ConnectionLimits(spill=folder / "spill"))
    rows = connection.sql(f"SELECT * FROM {parquet_sql(path)} ORDER BY {order}")
    with pq.ParquetWriter(ordered, schema, compression="zstd") as out:
        for batch in rows.to_arrow_reader(CASES_AT_ONCE):
            table = pa.Table.from_batches([batch])
            out.write_table(table.cast(schema))
    return ordered
