"""Poison beneath the views: raw rows and cells known after a day are altered or gone, and the source's own views read them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import polars as pl

from features.calendar import date_of
from features.ingest.source import Source, find_source
from features.matrix import Matrix
from features.store.load import load
from features.store.store import Store
from training.certificate.compare import Moved, compared_matrices, greater_moves
from training.certificate.inquiry import (
    Inquiry,
    city,
    inquiry_of,
    labelled_moves,
    neighbour,
    own_days,
)
from training.certificate.poison_raw_rows import poisoned_raw_table, rows_after
from training.certificate.raw_files import raw_of, undeclared, write_raw_tables
from training.certificate.raw_tables import RawTable, rows_known_early, sampled_raw_tables
from training.certificate.sample import workplace
from training.certificate.visible_rows import Holdings, holdings, unlike

MOST_ROWS = 40_000
"""Rows of the raw sample, over all tables; a choice: more would take longer and reach more values."""
FEW = 0.1
"""A share of late rows so small that an earlier day is tried too."""
MIDDLE = 0.6
"""The share of rows known by that earlier day; a choice: enough known rows to change, enough late ones to poison."""


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


@dataclass(frozen=True, slots=True)
class Before:
    """What a day's features and rows are before any poison."""

    inquiry: Inquiry
    features: Mapping[str, Matrix]
    rows: Holdings


def beneath(source: Source, as_of: int, seed: int) -> Beneath:
    """Return what moves the features of a day when the raw rows known later are poisoned; nothing for a source without views.

    Where few rows are known after the day, an earlier one is tried too. Views that read what is not declared are not loaded.
    """
    result = Beneath(undeclared(source))
    if result.undeclared or not raw_of(source):
        return result
    raw_tables = sampled_raw_tables(source, MOST_ROWS)
    result.early = _early_rows(raw_tables)
    for before in _before_poison(source, raw_tables, as_of):
        day = before.inquiry.day
        rng = np.random.default_rng([seed, day])
        frames = {}
        for name, raw_table in raw_tables.items():
            frames[name] = poisoned_raw_table(raw_table, day, source.complete_to, rng)
        poison: dict[str, Any] = {
            "kind": "raw",
            "seed": seed,
            "day": date_of(day).isoformat(),
            "rows": _touched_rows(raw_tables, frames, day),
            **_read_again(source, frames, before),
        }
        result.moved = greater_moves(result.moved, poison["moved"])
        result.poisons.append(poison)
    result.untried = _untried(raw_tables, result.poisons)
    return result


def _early_rows(raw_tables: Mapping[str, RawTable]) -> dict[str, int]:
    """Return by raw table how many rows are taken for known too early, where any are."""
    counts = {f"raw {name}": rows_known_early(raw_table) for name, raw_table in raw_tables.items()}
    return {name: count for name, count in counts.items() if count}


def _before_poison(source: Source, raw_tables: Mapping[str, RawTable], as_of: int) -> list[Before]:
    """Return what the source's views say of each day to be tried, read over the sample as it is."""
    frames = {name: raw_table.rows for name, raw_table in raw_tables.items()}
    states = []
    with read_over(source, frames) as store:
        for day in days_of(raw_tables, as_of):
            if day >= store.first_known:
                inquiry = inquiry_of(store, day)
                states.append(Before(inquiry, _features(store, inquiry), holdings(store, day)))
    return states


def _features(store: Store, inquiry: Inquiry) -> dict[str, Matrix]:
    return city(store, inquiry) | own_days(store, inquiry)


def _read_again(
    source: Source, frames: Mapping[str, pl.DataFrame], before: Before
) -> dict[str, Any]:
    """Return how many poisoned rows the load refuses, and what the others move."""
    day = before.inquiry.day
    with read_over(source, frames) as store:
        moved = compared_matrices(before.features, _features(store, before.inquiry))
        moved |= unlike(before.rows, holdings(store, day))
        refused = sum(table["refused"] for table in store.summary["tables"].values())
    return {"refused": refused, "moved": labelled_moves("raw", moved)}


def _touched_rows(
    raw_tables: Mapping[str, RawTable], frames: Mapping[str, pl.DataFrame], day: int
) -> dict[str, int]:
    """Return by raw table how many of its rows are known after the day or, where none is, how many came to it."""
    touched = {}
    for name, raw_table in raw_tables.items():
        added = max(0, frames[name].height - raw_table.rows.height)
        count = rows_after(raw_table, day) or added
        if count:
            touched[name] = count
    return touched


def _untried(raw_tables: Mapping[str, RawTable], poisons: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return the raw tables that no poison touched."""
    touched: set[str] = set()
    for poison in poisons:
        touched.update(poison["rows"])
    return sorted(raw_tables.keys() - touched)


def days_of(raw_tables: Mapping[str, RawTable], as_of: int) -> list[int]:
    """Return the day and another: its neighbour, or an earlier one where few rows became known after the day."""
    recorded_days = pl.concat([raw_table.known for raw_table in raw_tables.values()]).drop_nulls()
    if not recorded_days.len():
        return [as_of, neighbour(as_of)]
    share_after = (recorded_days > as_of).sum() / recorded_days.len()
    earlier = int(recorded_days.quantile(MIDDLE, "lower") or as_of)
    if share_after < FEW and earlier < as_of:
        return [as_of, earlier]
    return [as_of, neighbour(as_of)]


@contextmanager
def read_over(source: Source, frames: Mapping[str, pl.DataFrame]) -> Iterator[Store]:
    """Yield the store that a source's own views make of other raw tables; gone afterwards."""
    with workplace() as folder:
        write_raw_tables(source, frames, folder / "raw")
        copy = find_source(source.folder, folder / "raw")
        # a name of its own, so that nothing kept of the source is taken for what its copy says
        declaration = copy.declaration.model_copy(update={"name": f"{source.name}-raw"})
        renamed = replace(copy, declaration=declaration, apart=folder / "stores")
        yield Store(load(renamed))
