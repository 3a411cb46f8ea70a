"""Poison beneath the views: raw rows and cells known after a day are altered or gone, and the source's own views read them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import polars as pl

from features.calendar import date_of
from features.ingest.source import Source, find_source
from features.store.load import load
from features.store.store import Store
from training.certificate.compare import Moved, compared_matrices, greater_moves
from training.certificate.raw_tables import (
    RawTable,
    days_in,
    holds_days,
    on_days,
    raw_of,
    sheets_of,
    told_early,
    undeclared,
    write_sheets,
)
from training.certificate.read_paths import city, inquiry_of, own_days
from training.certificate.sample import workplace
from training.certificate.second_day import labelled_moves, neighbour
from training.certificate.visible_rows import holdings, unlike

MOST_ROWS = 40_000
FEW = 0.1
MIDDLE = 0.6
GONE = 0.4
ALIKE = 0.4
ENOUGH = 500


@dataclass(slots=True)
class Beneath:
    """What poison beneath the views shows: what was tried, what it moved, and which raw files nothing is declared of.

    `early` are by raw table the rows that a declaration takes for known before the day that is written in them; `untried` the
    raw tables that no poison reached, as a rule because the sample has no row of theirs.
    """

    undeclared: dict[str, list[str]] = field(default_factory=dict)
    poisons: list[dict[str, Any]] = field(default_factory=list)
    moved: dict[str, Moved] = field(default_factory=dict)
    early: dict[str, int] = field(default_factory=dict)
    untried: list[str] = field(default_factory=list)


def beneath(source: Source, as_of: int, seed: int) -> Beneath:
    """Return what moves the features of a day when the raw rows known later are poisoned; nothing for a source without views.

    Where few rows are known after the day, an earlier one is tried too. Views that read what is not declared are not loaded.
    """
    found = Beneath(undeclared(source))
    if found.undeclared or not raw_of(source):
        return found
    sheets = sheets_of(source, MOST_ROWS)
    found.early = {
        f"raw {name}": rows for name, sheet in sheets.items() if (rows := told_early(sheet))
    }
    with read_over(source, {name: sheet.rows for name, sheet in sheets.items()}) as store:
        days = [day for day in days_of(sheets, as_of) if day >= store.first_known]
        asked = [inquiry_of(store, day) for day in days]
        before = [
            (city(store, one) | own_days(store, one), holdings(store, one.day)) for one in asked
        ]
    for one, said in zip(asked, before, strict=True):
        rng = np.random.default_rng([seed, one.day])
        frames = {
            name: poisoned_raw_table(sheet, one.day, source.complete_to, rng)
            for name, sheet in sheets.items()
        }
        with read_over(source, frames) as store:
            moved = compared_matrices(said[0], city(store, one) | own_days(store, one)) | unlike(
                said[1], holdings(store, one.day)
            )
            refused = sum(table["refused"] for table in store.summary["tables"].values())
        moved = labelled_moves("raw", moved)
        found.moved = greater_moves(found.moved, moved)
        touched = {
            name: rows
            for name, sheet in sheets.items()
            if (
                rows := rows_after(sheet, one.day)
                or max(0, frames[name].height - sheet.rows.height)
            )
        }
        found.poisons.append(
            {
                "kind": "raw",
                "seed": seed,
                "day": date_of(one.day).isoformat(),
                "rows": touched,
                "refused": refused,
                "moved": moved,
            }
        )
    found.untried = sorted(
        sheets.keys() - {name for poison in found.poisons for name in poison["rows"]}
    )
    return found


def days_of(sheets: Mapping[str, RawTable], as_of: int) -> list[int]:
    """Return the day and another: its neighbour, or an earlier one where few rows became known after the day."""
    known = pl.concat([sheet.known for sheet in sheets.values()]).drop_nulls()
    late = (known > as_of).sum() / max(known.len(), 1)
    earlier = int(known.quantile(MIDDLE, "lower") or as_of) if known.len() else as_of
    return [as_of, earlier] if late < FEW and earlier < as_of else [as_of, neighbour(as_of)]


def after(days: pl.Series, day: int) -> np.ndarray[Any, np.dtype[np.bool_]]:
    """Return which days lie after a day."""
    return (days > day).fill_null(False).to_numpy()


def rows_after(sheet: RawTable, day: int) -> int:
    """Return how many rows of a sheet hold something that became known after a day."""
    late = after(sheet.known, day)
    for days in sheet.later.values():
        late = late | after(days.fill_null(day + 1), day)
    return int(late.sum())


def poisoned_raw_table(
    sheet: RawTable, day: int, last: int, rng: np.random.Generator
) -> pl.DataFrame:
    """Return a sheet in which whatever became known after a day is something else, and some of the rows are gone or come again.

    Every value is one that its column holds, or a code that it may hold: a late row takes it from any row, or, where hardly any
    two are alike and they are no days, from another late one; a cell not yet known in a row known by the day, from another such.
    """
    chosen = with_copies(sheet, day, rng)
    rows: pl.DataFrame = sheet.rows[chosen.tolist()]
    late, moved = after(sheet.known, day)[chosen], []
    for column in (column for column in rows.columns if column not in sheet.fixed):
        places, pool = np.arange(len(chosen)), pool_of(sheet, column)
        if column in sheet.later:
            later = np.flatnonzero(
                after(sheet.later[column].fill_null(day + 1), day)[chosen] & ~late
            )
            places[later] = rng.permutation(later)
        places = chosen[places]
        places[late] = (
            drawn_places(pool, int(late.sum()), rng)
            if alike(sheet, column)
            else rng.permutation(chosen[late])
        )
        moved.append(pool.gather(places.tolist()))
    gone = late & (rng.random(len(chosen)) < GONE)
    return pl.concat(
        [
            rows.with_columns(moved).filter(pl.Series(~gone | bool(sheet.declared.kept))),
            told_again(sheet, day, last, rng),
        ]
    )


def told_again(sheet: RawTable, day: int, last: int, rng: np.random.Generator) -> pl.DataFrame:
    """Return some rows that were known by a day told once more after it, on the days of late rows, half of their cells others.

    What becomes known later than its row comes from the late row too; where no row is late, the day in the one column that tells
    of it is a later one, at most `last`. None where no later day changes a row, or none can be written.
    """
    wholly = np.logical_and.reduce(
        [after(known.fill_null(day + 1), day) for known in (sheet.known, *sheet.later.values())]
    )
    early, late = (
        np.flatnonzero(~after(sheet.known, day)),
        np.flatnonzero(wholly & after(sheet.known, day)),
    )
    again = rng.choice(early, min(ENOUGH, len(early)), replace=False)
    told = sheet.telling if not len(late) and not sheet.later and day < last else None
    if sheet.declared.kept or not len(early) or not (len(late) or told):
        return sheet.rows.clear()
    days = rng.choice(late, len(again)) if len(late) else again
    cells = []
    for column in sheet.rows.columns:
        places, pool = days if column in sheet.dating else again, pool_of(sheet, column)
        if column not in sheet.dating and alike(sheet, column):
            places = np.where(
                rng.random(len(again)) < 0.5, again, drawn_places(pool, len(again), rng)
            )
        cell = pool.gather(places.tolist())
        cells.append(
            on_days(cell, rng.integers(day + 1, last + 1, len(again))) if column == told else cell
        )
    rows = pl.DataFrame(cells)
    return rows.filter(days_in(rows[told]) > day) if told else rows


def pool_of(sheet: RawTable, column: str) -> pl.Series:
    """Return what a column's cells are drawn from: those of all rows, in their order, and what it may hold besides."""
    return pl.concat([sheet.rows[column], sheet.codes.get(column, sheet.rows[column].clear())])


def alike(sheet: RawTable, column: str) -> bool:
    """Tell whether a column's cells can be drawn from any row: many are alike, or they are days."""
    return sheet.rows[column].n_unique() < ALIKE * sheet.rows.height or holds_days(
        sheet.rows[column]
    )


def drawn_places(
    values: pl.Series, size: int, rng: np.random.Generator
) -> np.ndarray[Any, np.dtype[np.int64]]:
    """Return places of a column's values, half of them so that a rare value comes as often as a common one."""
    rare = values.arg_unique().to_numpy().astype(np.int64)
    return np.where(
        rng.random(size) < 0.5,
        rng.integers(0, len(values), size),
        rng.choice(rare, size) if len(rare) else 0,
    )


def with_copies(
    sheet: RawTable, day: int, rng: np.random.Generator
) -> np.ndarray[Any, np.dtype[np.int64]]:
    """Return the places of a sheet's rows, and once more those of some late ones where there are few."""
    late, every = np.flatnonzero(after(sheet.known, day)), np.arange(sheet.rows.height)
    missing = 0 if sheet.declared.kept or not len(late) else max(0, ENOUGH - len(late))
    return np.concatenate([every, rng.choice(late, missing)]) if missing else every


@contextmanager
def read_over(source: Source, frames: Mapping[str, pl.DataFrame]) -> Iterator[Store]:
    """Yield the store that a source's own views make of other raw tables; gone afterwards."""
    with workplace() as folder:
        write_sheets(source, frames, folder / "raw")
        found = find_source(source.folder, folder / "raw")
        renamed = found.declaration.model_copy(update={"name": f"{source.name}-raw"})
        yield Store(load(replace(found, declaration=renamed, apart=folder / "stores")))
