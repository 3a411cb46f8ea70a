"""Poison of one raw table: cells and rows known after a day become others, go, come again, or are told once more."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl

from training.certificate.raw_files import days_in, holds_days, on_days
from training.certificate.raw_tables import RawTable

GONE = 0.4
"""The share of late rows that poison deletes; a choice: many are deleted, and more are left."""
ALIKE = 0.4
"""Below this share of distinct values a column's cells count as alike, and are drawn from any row; a choice."""
ENOUGH = 500
"""Late rows to poison at least, and known rows told again at most."""
Places = np.ndarray[Any, np.dtype[np.int64]]


def poisoned_raw_table(
    raw_table: RawTable, day: int, last: int, rng: np.random.Generator
) -> pl.DataFrame:
    """Return a raw table in which all that became known after a day is something else, and some rows are gone or come again.

    Every value is one that its column holds, or a code that it may hold: a late row takes it from any row, or, where hardly any
    two are alike and they are no days, from another late one; a cell not yet known in a row known by the day, from another such.
    """
    chosen = with_copies(raw_table, day, rng)
    rows: pl.DataFrame = raw_table.rows[chosen.tolist()]
    is_late = after(raw_table.known, day)[chosen]
    columns = []
    for column in rows.columns:
        if column in raw_table.fixed_columns:
            continue
        places = _places_in_known_rows(raw_table, column, day, chosen, rng)
        pool = pool_of(raw_table, column)
        if alike(raw_table, column):
            places[is_late] = drawn_places(pool, int(is_late.sum()), rng)
        else:
            places[is_late] = rng.permutation(chosen[is_late])
        columns.append(pool.gather(places.tolist()))
    is_gone = is_late & (rng.random(len(chosen)) < GONE)
    stays = ~is_gone | bool(raw_table.declared.kept)
    poisoned = rows.with_columns(columns).filter(pl.Series(stays))
    return pl.concat([poisoned, recorded_again(raw_table, day, last, rng)])


def _places_in_known_rows(
    raw_table: RawTable, column: str, day: int, chosen: Places, rng: np.random.Generator
) -> Places:
    """Return from which row each chosen row takes its cell: itself, or where the cell came late, another such row."""
    order = np.arange(len(chosen))
    if column in raw_table.later:
        row_is_late = after(raw_table.known, day)[chosen]
        cell_is_late = after_or_never(raw_table.later[column], day)[chosen]
        late_cells = np.flatnonzero(cell_is_late & ~row_is_late)
        order[late_cells] = rng.permutation(late_cells)
    return chosen[order]


def recorded_again(
    raw_table: RawTable, day: int, last: int, rng: np.random.Generator
) -> pl.DataFrame:
    """Return some rows that were known by a day told once more after it, on the days of late rows, half of their cells others.

    What becomes known later than its row comes from the late row too; where no row is late, the day in the one column that tells
    of it is a later one, at most `last`. None where no later day changes a row, or none can be written.
    """
    is_late = after(raw_table.known, day)
    early = np.flatnonzero(~is_late)
    wholly_late = np.flatnonzero(_is_wholly_late(raw_table, day))
    again = rng.choice(early, min(ENOUGH, len(early)), replace=False)
    no_late_row = not len(wholly_late) and not raw_table.later
    day_column = raw_table.day_column if no_late_row and day < last else None
    has_days = len(wholly_late) or day_column
    if raw_table.declared.kept or not len(early) or not has_days:
        return raw_table.rows.clear()
    dating_rows = again
    if len(wholly_late):
        dating_rows = rng.choice(wholly_late, len(again))
    cells = []
    for column in raw_table.rows.columns:
        from_rows = dating_rows if column in raw_table.dating_columns else again
        cell = _told_cell(raw_table, column, from_rows, rng)
        if column == day_column:
            days = rng.integers(day + 1, last + 1, len(again))
            cell = on_days(cell, days)
        cells.append(cell)
    rows = pl.DataFrame(cells)
    if not day_column:
        return rows
    return rows.filter(days_in(rows[day_column]) > day)


def _is_wholly_late(raw_table: RawTable, day: int) -> np.ndarray[Any, np.dtype[np.bool_]]:
    """Return which rows became known after a day, and each of their cells too."""
    is_late = after(raw_table.known, day)
    for days in raw_table.later.values():
        is_late = is_late & after_or_never(days, day)
    return is_late


def _told_cell(
    raw_table: RawTable, column: str, from_rows: Places, rng: np.random.Generator
) -> pl.Series:
    """Return a column's cells from some rows; about half of those that say nothing of days are drawn from any row."""
    pool = pool_of(raw_table, column)
    places = from_rows
    if column not in raw_table.dating_columns and alike(raw_table, column):
        stays = rng.random(len(from_rows)) < 0.5
        others = drawn_places(pool, len(from_rows), rng)
        places = np.where(stays, from_rows, others)
    return pool.gather(places.tolist())


def pool_of(raw_table: RawTable, column: str) -> pl.Series:
    """Return what a column's cells are drawn from: those of all rows, in their order, and what it may hold besides."""
    cells = raw_table.rows[column]
    if column not in raw_table.codes:
        return cells
    return pl.concat([cells, raw_table.codes[column]])


def alike(raw_table: RawTable, column: str) -> bool:
    """Tell whether a column's cells can be drawn from any row: many are alike, or they are days."""
    cells = raw_table.rows[column]
    return cells.n_unique() < ALIKE * len(cells) or holds_days(cells)


def drawn_places(values: pl.Series, size: int, rng: np.random.Generator) -> Places:
    """Return places of a column's values, half of them so that a rare value comes as often as a common one."""
    distinct = values.arg_unique().to_numpy().astype(np.int64)
    # the order of the draws decides what a seed gives
    as_common = rng.random(size) < 0.5
    any_places = rng.integers(0, len(values), size)
    distinct_places = np.zeros(size, np.int64)
    if len(distinct):
        distinct_places = rng.choice(distinct, size)
    return np.where(as_common, any_places, distinct_places)


def with_copies(raw_table: RawTable, day: int, rng: np.random.Generator) -> Places:
    """Return the places of a raw table's rows, and once more those of some late ones where there are few."""
    late = np.flatnonzero(after(raw_table.known, day))
    every = np.arange(raw_table.rows.height)
    missing = ENOUGH - len(late)
    if raw_table.declared.kept or not len(late) or missing <= 0:
        return every
    return np.concatenate([every, rng.choice(late, missing)])


def after(days: pl.Series, day: int) -> np.ndarray[Any, np.dtype[np.bool_]]:
    """Return which days lie after a day."""
    return (days > day).fill_null(False).to_numpy()


def after_or_never(days: pl.Series, day: int) -> np.ndarray[Any, np.dtype[np.bool_]]:
    """Return which days lie after a day; a cell that never became known counts as later than any."""
    return after(days.fill_null(day + 1), day)


def rows_after(raw_table: RawTable, day: int) -> int:
    """Return how many rows of a raw table hold something that became known after a day."""
    is_late = after(raw_table.known, day)
    for days in raw_table.later.values():
        is_late = is_late | after_or_never(days, day)
    return int(is_late.sum())
