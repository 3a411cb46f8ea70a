"""Poison: what a history might say later. Every kind alters rows recorded after a day, or adds such rows, and no other row."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import polars as pl

from features.calendar import day_of
from features.contract.tables import Column
from training.certificate.poison_rows import (
    REACH,
    REGISTERS,
    Dose,
    all_but_units,
    beside_key,
    dated,
    lawful,
    near_day,
    other_values,
    scrambled,
    where_filled,
)
from training.certificate.sample import Excerpt, Frames

EACH = 10
"""Rows of a table that are recorded anew for each edge of a window; a choice."""
SOON = 15
"""Days after the last poison on which a register's units end."""
EDGES = (-5, 0, 30, 90, 180, 365, 730)
"""Distances from the day on which poisoned rows are read again: the edges of windows, and what lies ahead."""
FRESH = ("!0 before all", "~9 after all")
"""How names that nobody had heard of begin: they sort before and after all others."""


@dataclass(frozen=True, slots=True)
class Poisoned:
    """An altered excerpt, and how many rows of each table the poison touched."""

    kind: str
    seed: int
    excerpt: Excerpt
    touched: Mapping[str, int]


Kind = Callable[[Dose], tuple[pl.DataFrame, int]]


def cut(dose: Dose) -> tuple[pl.DataFrame, int]:
    """Delete every row recorded after the day."""
    return dose.early, dose.late.height


def deletions(dose: Dose) -> tuple[pl.DataFrame, int]:
    """Delete half of the rows recorded after the day."""
    late = dose.late
    half = dose.some(late, 0.5)
    return pl.concat([dose.early, half]), late.height - half.height


def changes(dose: Dose) -> tuple[pl.DataFrame, int]:
    """Change every value beside the key in rows recorded after the day."""
    late = dose.late
    changed = scrambled(dose, late, beside_key(dose))
    return pl.concat([dose.early, changed]), late.height


def extras(dose: Dose) -> tuple[pl.DataFrame, int]:
    """Add rows recorded after the day about days around it."""
    rows = scrambled(dose, dose.some(dose.rows), all_but_units(dose))
    new = dose.stamped(rows, "extra", retracted=0)
    days = [near_day(dose, column) for column in dated(dose.table)]
    return _added(dose, lawful(dose, new.with_columns(days)))


def backfills(dose: Dose) -> tuple[pl.DataFrame, int]:
    """Add rows about days long before the day, recorded after it."""
    rows = scrambled(dose, dose.some(dose.rows), all_but_units(dose))
    new = dose.stamped(rows, "backfill", retracted=0)
    return _added(dose, lawful(dose, new))


def corrections(dose: Dose) -> tuple[pl.DataFrame, int]:
    """Correct keys known by the day, after it."""
    rows = scrambled(dose, dose.some(_living(dose)), beside_key(dose))
    new = dose.stamped(rows, "correction", retracted=0)
    return _added(dose, lawful(dose, new))


def retractions(dose: Dose) -> tuple[pl.DataFrame, int]:
    """Take keys known by the day back, after it."""
    rows = dose.some(_living(dose))
    return _added(dose, dose.stamped(rows, "retraction", retracted=1))


def _living(dose: Dose) -> pl.DataFrame:
    """Return the rows known by the day that take no key back."""
    return dose.early.filter(pl.col("retracted") == 0)


def attributes(dose: Dose) -> tuple[pl.DataFrame, int]:
    """Change what the registers say of every unit, under the key it has and under new days, after the day."""
    if dose.table.name not in REGISTERS:
        return dose.rows, 0
    rows = _living(dose)
    names = beside_key(dose)
    changed = dose.stamped(scrambled(dose, rows, names), "attribute", retracted=0)
    if "since" in dose.table.key:
        since_other_days = scrambled(dose, rows, [*names, "since"])
        renewed = dose.stamped(since_other_days, "renewed", retracted=0)
        changed = pl.concat([changed, renewed])
    return _added(dose, lawful(dose, changed))


def with_newcomers(dose: Dose) -> tuple[pl.DataFrame, int]:
    """Add units and categories that nobody had heard of, whose names sort before and after all others."""
    rows = dose.some(dose.rows, 0.1)
    for column in dose.table.columns:
        if column.kind == "id":
            fresh = _fresh_names(column, rows.height)
            rows = rows.with_columns(where_filled(column.name, fresh))
    new = dose.stamped(rows, "newcomer", retracted=0)
    return _added(dose, lawful(dose, new))


def _fresh_names(column: Column, size: int) -> pl.Series:
    """Return names (n,) in turn from eight new ones: four that sort before all others, four after."""
    names = []
    for number in range(size):
        beginning = FRESH[number % 2]
        place = number // 2 % 4
        names.append(f"{beginning} {column.space} {place}")
    return pl.Series(column.name, names, pl.String)


def edges(dose: Dose) -> tuple[pl.DataFrame, int]:
    """Add rows about the very days on which windows begin and end, recorded after the day."""
    some = dose.some(_living(dose))[:EACH]
    days = pl.DataFrame({"edge": [edge + step for edge in dose.edges for step in (0, 1)]})
    rows = some.join(days, how="cross")
    rows = _on_edges(dose, rows)
    rows = _with_new_keys(dose, rows)
    rows = _with_outcomes(dose, rows)
    new = dose.stamped(rows.drop("edge"), "edge", retracted=0)
    return _added(dose, lawful(dose, new))


def _on_edges(dose: Dose, rows: pl.DataFrame) -> pl.DataFrame:
    """Return rows with the day of their edge in each column that holds a day."""
    columns = []
    for column in dose.table.columns:
        if column.kind == "day":
            day = where_filled(column.name, pl.col("edge"))
            columns.append(day.cast(rows[column.name].dtype).alias(column.name))
    return rows.with_columns(columns)


def _with_new_keys(dose: Dose, rows: pl.DataFrame) -> pl.DataFrame:
    """Return rows with keys of their own where a row is named by one identifier, registers aside."""
    if dose.table.name in REGISTERS:
        return rows
    table = dose.table
    keys = [c for c in table.columns if c.kind == "id" and table.key == (c.name,)]
    return rows.with_columns([other_values(dose, key, rows) for key in keys])


def _with_outcomes(dose: Dose, rows: pl.DataFrame) -> pl.DataFrame:
    """Return rows that matter to labels: visits that examined everything, what they found, and units that end soon."""
    match dose.table.name:
        case "inspections":
            examined = pl.lit(1).cast(rows["examined_1"].dtype)
            rows = rows.with_columns(examined.alias(f"examined_{kind}") for kind in range(1, 6))
            closed = pl.col("edge").cast(pl.Int32).alias("closed_on")
            return rows.with_columns(closed, inspection=_visits(rows.height))
        case "findings":
            places = pl.int_range(rows.height, eager=True)
            violation = (1 + places % 5).cast(rows["violation"].dtype)
            return rows.with_columns(inspection=_visits(rows.height), violation=violation)
        case "enterprises":
            return _ending_soon(dose, rows, "closed")
        case "providers":
            return _ending_soon(dose, rows, "ended")
    return rows


def _ending_soon(dose: Dose, rows: pl.DataFrame, name: str) -> pl.DataFrame:
    """Return rows whose units end shortly after the last poison."""
    day = pl.lit(dose.day + REACH + SOON)
    return rows.with_columns(day.cast(rows[name].dtype).alias(name))


def _visits(size: int) -> pl.Series:
    """Return the ids of the visits at the edges, the same for the visits and for what they found."""
    return pl.Series("inspection", [f"~edge visit {number}" for number in range(size)], pl.String)


KINDS: Mapping[str, Kind] = {
    "cut": cut,
    "deletions": deletions,
    "changes": changes,
    "extras": extras,
    "backfills": backfills,
    "corrections": corrections,
    "retractions": retractions,
    "attributes": attributes,
    "newcomers": with_newcomers,
    "edges": edges,
}
TOGETHER = (
    "changes",
    "deletions",
    "extras",
    "backfills",
    "corrections",
    "attributes",
    "newcomers",
    "retractions",
    "edges",
)


def poisoned_excerpt(excerpt: Excerpt, kind: str, *, day: int, seed: int) -> Poisoned:
    """Return an excerpt after one kind of poison, or after all of them one upon another (`together`)."""
    frames: Frames = excerpt.frames
    touched: dict[str, int] = {}
    days = edges_of(excerpt, day)
    rounds = TOGETHER if kind == "together" else (kind,)
    for number, name in enumerate(rounds):
        rng = np.random.default_rng([seed, number, sorted(KINDS).index(name)])
        poisoned: dict[str, pl.DataFrame] = {}
        for table in excerpt.tables.values():
            dose = Dose(table, frames[table.name], day, rng, days)
            rows, count = KINDS[name](dose)
            poisoned[table.name] = _numbered(rows, number)
            touched[table.name] = touched.get(table.name, 0) + count
        frames = poisoned
    last_day = day + REACH + 2 * SOON
    touched = {name: count for name, count in touched.items() if count}
    return Poisoned(kind, seed, excerpt.altered(frames, last_day), touched)


def edges_of(excerpt: Excerpt, day: int) -> tuple[int, ...]:
    """Return the days on which windows begin and end, of features as of the day of reading again and of labels."""
    read_again = day + REACH
    window_edges = [read_again - back for back in EDGES]
    label_edges: set[int] = set()
    for target in excerpt.declaration.target.values():
        for as_of in map(day_of, target.as_of):
            label_edges.update((as_of, as_of + target.horizon))
    return (*window_edges, *sorted(label_edges))


def _numbered(rows: pl.DataFrame, number: int) -> pl.DataFrame:
    """Return rows whose new row ids say in which round they came."""
    row_id = pl.col("row_id").str.replace("^([~!])([a-z])", f"${{1}}{number}$2")
    return rows.with_columns(row_id)


def _added(dose: Dose, rows: pl.DataFrame) -> tuple[pl.DataFrame, int]:
    """Return the rows of a dose with others after them, and how many those are."""
    columns = dose.rows.columns
    return pl.concat([dose.rows, rows.select(columns)]), rows.height
