"""Makes rollups: rows read once in their order, grouped, summed measure by measure, and written as flat columns."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from features.aggregates.aggregate import amounts_of, tally
from features.aggregates.buckets import exact_sums
from features.arrays import NULL, Column, Literal, Mask
from features.catalogue.language import row_columns
from features.catalogue.model import Measure
from features.ingest.scan import read_table
from features.seal import check_whole, with_seal
from features.store.column_writer import write_flat
from features.store.sorted_table import values

GROUPS = 8
"""Row groups of a file that are read and summed at once; a choice: memory holds these rows, and no more of the file."""
WIDE = 16
"""Places for a row up to which a table of all values is cheaper than sorting."""


@dataclass(frozen=True, slots=True)
class RollupPlan:
    """What a rollup sums: measures that share table, key and day placed; texts in their filters are read through `literal`.

    The rollups of the base lie in `folder`, the store's own.
    """

    folder: Path
    literal: Literal
    measures: tuple[Measure, ...]

    @property
    def written(self) -> tuple[str, ...]:
        """The columns of the rollup: the key, by which it is sorted, the days, and what the measures count and sum."""
        pairs = columns_for(self.measures).values()
        # A measure whose rows count 1 each has one column for both, which is written once.
        distinct = dict.fromkeys(chain.from_iterable(pairs))
        return (self.measures[0].by, "placed", "known", *distinct)

    @property
    def read(self) -> tuple[str, ...]:
        """The columns of the rows that the measures read."""
        first = self.measures[0]
        columns = {first.by, first.when, "known", "sign"}
        for measure in self.measures:
            columns |= row_columns(measure.value)
            if measure.filter is not None:
                columns |= row_columns(measure.filter)
        return tuple(sorted(columns))


@lru_cache(256)
def name_of(measures: tuple[Measure, ...]) -> str:
    """Return the folder of a rollup: what it holds, and a digest of how its measures are spelled."""
    first = measures[0]
    spelled = "\n".join(measure.spelled() for measure in measures)
    digest = hashlib.sha256(spelled.encode()).hexdigest()[:12]
    return f"{first.table}.{first.by}.{first.when}.{digest}"


@lru_cache(256)
def columns_for(measures: tuple[Measure, ...]) -> Mapping[str, tuple[str, str]]:
    """Return the columns of each measure: how many rows, and the sum of its value (the same where each row counts 1)."""
    columns: dict[str, tuple[str, str]] = {}
    for number, measure in enumerate(measures):
        counts_rows = measure.spelled().endswith("|1")
        sums = f"n{number}" if counts_rows else f"s{number}"
        columns[measure.name] = (f"n{number}", sums)
    return columns


def rollup_folder(plan: RollupPlan, base: Path) -> Path:
    """Return the folder of the rollup of a base file's rows, written now unless it was."""
    generation = base.parent.name
    room = "panels" if generation == "base" else f"panels-{generation}"
    folder = plan.folder / room / name_of(plan.measures)
    if not folder.exists():
        batches = (rollup_rows(plan, rows) for rows in row_groups_in_order(plan, base))
        write_flat(folder, plan.written, batches)
    return folder


def day_rows(plan: RollupPlan, segment: Path) -> Mapping[str, Column]:
    """Return the rollup of a table's rows in one later segment."""
    check_whole(segment)
    read = read_table(segment, columns=plan.read)
    return rollup_rows(plan, {column: values(read[column]) for column in plan.read})


def laid_out_of_days(plan: RollupPlan, segment: Path) -> Path:
    """Return the file of the rollup of a table's rows in one later segment, written now unless it was.

    A later segment is read whole, so nothing as long as the dictionary says where the rows of each code begin.
    """
    path = segment.parent / "panels" / f"{name_of(plan.measures)}.parquet"
    if not path.exists():
        rows = day_rows(plan, segment)
        path.parent.mkdir(exist_ok=True)
        with with_seal(path) as unfinished:
            # All are integers, so differences are short; statistics would outweigh them.
            pq.write_table(
                pa.table({name: rows[name] for name in plan.written}),
                unfinished,
                compression="zstd",
                use_dictionary=False,
                write_statistics=False,
                column_encoding="DELTA_BINARY_PACKED",
            )
    return path


def row_groups_in_order(plan: RollupPlan, rows: Path) -> Iterator[Mapping[str, Column]]:
    """Yield the rows of a file in its order, some row groups at a time."""
    check_whole(rows)
    file = pq.ParquetFile(rows)
    for first in range(0, file.num_row_groups, GROUPS):
        beyond = min(first + GROUPS, file.num_row_groups)
        groups = list(range(first, beyond))
        read = file.read_row_groups(groups, columns=list(plan.read))
        yield {name: values(read[name]) for name in plan.read}


def rollup_rows(plan: RollupPlan, read: Mapping[str, Column]) -> Mapping[str, Column]:
    """Return for each key, day placed and day known of some rows what every measure counts and sums, sorted.

    Where all of it is 0 nothing is said, and no row is kept.
    """
    by = plan.measures[0].by
    when = plan.measures[0].when
    has_place = (read[by] != NULL) & (read[when] != NULL)
    placed = _rows_where(has_place, read)
    group, marks = grouped({by: placed[by], "placed": placed[when], "known": placed["known"]})
    size = len(marks[by])
    sums: dict[str, Column] = {}
    columns = columns_for(plan.measures)
    for measure in plan.measures:
        measure_tally = tally(placed, measure, plan.literal)
        for name, kind in zip(columns[measure.name], ("count", "sum"), strict=True):
            if name not in sums:
                sums[name] = exact_sums(group, amounts_of(measure_tally, kind), size)
    not_zero = np.logical_or.reduce([values != 0 for values in sums.values()])
    return _rows_where(not_zero, marks | sums)


def _rows_where(keep: Mask, columns: Mapping[str, Column]) -> Mapping[str, Column]:
    # Most often every row stays; then nothing is copied.
    if keep.all():
        return columns
    return {name: column[keep] for name, column in columns.items()}


def grouped(columns: Mapping[str, Column]) -> tuple[Column, dict[str, Column]]:
    """Return the group of each row (n,), and by column the values of the groups, sorted by the columns in their order.

    >>> group, found = grouped({"a": np.array([2, 1, 2]), "b": np.array([5, 7, 5])})
    >>> group.tolist(), found["a"].tolist(), found["b"].tolist()
    ([1, 0, 1], [1, 2], [7, 5])
    """
    last, *before = reversed(list(columns))
    distinct, group = dense_ranks(columns[last])
    by_column = {last: distinct}
    for name in before:
        # A value and the rank of what follows it make one integer, whose order is that of both.
        width = max(len(distinct), 1)
        low = int(columns[name].min(initial=0))
        distinct, group = dense_ranks((columns[name] - low) * width + group)
        value, rank = np.divmod(distinct, width)
        following = {other: values[rank] for other, values in by_column.items()}
        by_column = {name: value + low} | following
    return group, by_column


def dense_ranks(column: Column) -> tuple[Column, Column]:
    """Return the distinct values of a column, ascending, and the rank of each row's value among them (n,).

    >>> dense_ranks(np.array([7, -2, 7]))[1].tolist()
    [1, 0, 1]
    """
    if not len(column):
        return column, column
    low = int(column.min())
    size = int(column.max()) - low + 1
    if size > WIDE * len(column):
        distinct, rank = np.unique(column, return_inverse=True)
        return distinct, rank
    present = np.zeros(size, np.bool_)
    place = column - low
    present[place] = True
    distinct = np.flatnonzero(present)
    rank = np.empty(size, np.int64)
    rank[distinct] = np.arange(len(distinct))
    return distinct + low, rank[place]
