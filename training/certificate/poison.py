"""Poison: what a history might say later. Every kind alters rows recorded after a day, or adds such rows, and no other row."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import polars as pl

from features.calendar import day_of, month_of_day
from features.contract.millionths import CERTAIN
from features.contract.row_order import orders
from features.contract.tables import Column, Table
from features.contract.validation import comparable_day
from training.certificate.sample import Excerpt, Frames

REACH = 60
"""Days after the as-of day in which poison is recorded; the first of them is always used."""
SPAN = 900
AHEAD = 400
SOME = 0.3
EACH, SOON = 10, 15
EDGES = (-5, 0, 30, 90, 180, 365, 730)
"""Distances from the day on which poisoned rows are read again: the edges of windows, and what lies ahead."""
FEW = 0.2
UNIT = ("enterprise", "provider", "worker", "claim", "inspection", "agency")
REGISTERS = ("enterprises", "providers", "claims", "workers", "cells", "deaths")
FRESH = ("!0 before all", "~9 after all")
RANGES = {
    "flag": (0, 2),
    "year": (1940, 2010),
    "persons": (0, 900),
    "minutes": (0, 900),
    "microdegree": (-9_000_000, 9_000_000),
    "fen": (0, 90_000_000),
    "count": (1, 6),
    "kwh": (0, 900_000),
    "probability": (10_000, CERTAIN + 1),
}


@dataclass(frozen=True, slots=True)
class Poisoned:
    """An altered excerpt, and how many rows of each table the poison touched."""

    kind: str
    seed: int
    excerpt: Excerpt
    touched: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Dose:
    """One table to be poisoned: its rows, the as-of day and the chance."""

    table: Table
    rows: pl.DataFrame
    day: int
    rng: np.random.Generator
    edges: tuple[int, ...]

    @property
    def early(self) -> pl.DataFrame:
        return self.rows.filter(pl.col("recorded_on") <= self.day)

    @property
    def late(self) -> pl.DataFrame:
        return self.rows.filter(pl.col("recorded_on") > self.day)

    def some(self, rows: pl.DataFrame, share: float = SOME) -> pl.DataFrame:
        """Return a random share of rows, at least one of any."""
        size = min(rows.height, max(3, round(rows.height * share)))
        return (
            rows[np.sort(self.rng.choice(rows.height, size, replace=False)).tolist()]
            if rows.height
            else rows
        )

    def days_after(self, size: int) -> pl.Series:
        """Return days of recording (n,), the day after the as-of day among them."""
        days = self.day + self.rng.integers(1, REACH + 1, size)
        days[: (size + 1) // 2] = self.day + 1
        return pl.Series("recorded_on", days, pl.Int32)

    def stamped(self, rows: pl.DataFrame, mark: str, *, retracted: int) -> pl.DataFrame:
        """Return rows as new ones: recorded after the as-of day under row ids that sort before and after all others."""
        ids = pl.Series(
            "row_id",
            [f"{'~!'[number % 2]}{mark}{number}" for number in range(rows.height)],
            pl.String,
        )
        return rows.with_columns(
            self.days_after(rows.height), ids, pl.lit(retracted, pl.Int8).alias("retracted")
        )


Kind = Callable[[Dose], tuple[pl.DataFrame, int]]


def cut(dose: Dose) -> tuple[pl.DataFrame, int]:
    """Delete every row recorded after the day."""
    return dose.early, dose.late.height


def deletions(dose: Dose) -> tuple[pl.DataFrame, int]:
    """Delete half of the rows recorded after the day."""
    kept = dose.some(dose.late, 0.5)
    return pl.concat([dose.early, kept]), dose.late.height - kept.height


def changes(dose: Dose) -> tuple[pl.DataFrame, int]:
    """Change every value beside the key in rows recorded after the day."""
    return pl.concat([dose.early, scrambled(dose, dose.late, beside_key(dose))]), dose.late.height


def extras(dose: Dose) -> tuple[pl.DataFrame, int]:
    """Add rows recorded after the day about days around it."""
    rows = scrambled(dose, dose.some(dose.rows), all_but_units(dose))
    made = dose.stamped(rows, "extra", retracted=0).with_columns(
        _near(dose, column) for column in dated(dose.table)
    )
    return _added(dose, _lawful(dose, made))


def backfills(dose: Dose) -> tuple[pl.DataFrame, int]:
    """Add rows about days long before the day, recorded after it."""
    rows = scrambled(dose, dose.some(dose.rows), all_but_units(dose))
    return _added(dose, _lawful(dose, dose.stamped(rows, "backfill", retracted=0)))


def corrections(dose: Dose) -> tuple[pl.DataFrame, int]:
    """Correct keys known by the day, after it."""
    rows = scrambled(dose, dose.some(dose.early.filter(pl.col("retracted") == 0)), beside_key(dose))
    return _added(dose, _lawful(dose, dose.stamped(rows, "correction", retracted=0)))


def retractions(dose: Dose) -> tuple[pl.DataFrame, int]:
    """Take keys known by the day back, after it."""
    rows = dose.some(dose.early.filter(pl.col("retracted") == 0))
    return _added(dose, dose.stamped(rows, "retraction", retracted=1))


def attributes(dose: Dose) -> tuple[pl.DataFrame, int]:
    """Change what the registers say of every unit, under the key it has and under new days, after the day."""
    if dose.table.name not in REGISTERS:
        return dose.rows, 0
    rows = dose.early.filter(pl.col("retracted") == 0)
    changed = dose.stamped(scrambled(dose, rows, beside_key(dose)), "attribute", retracted=0)
    if "since" in dose.table.key:
        renewed = dose.stamped(
            scrambled(dose, rows, [*beside_key(dose), "since"]), "renewed", retracted=0
        )
        changed = pl.concat([changed, renewed])
    return _added(dose, _lawful(dose, changed))


def with_newcomers(dose: Dose) -> tuple[pl.DataFrame, int]:
    """Add units and categories that nobody had heard of, whose names sort before and after all others."""
    rows = dose.some(dose.rows, 0.1)
    for column in dose.table.columns:
        if column.kind == "id":
            names = [
                f"{FRESH[number % 2]} {column.space} {number // 2 % 4}"
                for number in range(rows.height)
            ]
            fresh = pl.Series(column.name, names, pl.String)
            rows = rows.with_columns(
                pl.when(pl.col(column.name).is_null())
                .then(None)
                .otherwise(fresh)
                .alias(column.name)
            )
    return _added(dose, _lawful(dose, dose.stamped(rows, "newcomer", retracted=0)))


def edges(dose: Dose) -> tuple[pl.DataFrame, int]:
    """Add rows about the very days on which windows begin and end, recorded after the day."""
    some = dose.some(dose.early.filter(pl.col("retracted") == 0))[:EACH]
    days = pl.DataFrame({"edge": [edge + step for edge in dose.edges for step in (0, 1)]})
    rows = some.join(days, how="cross")
    alone = [
        c
        for c in dose.table.columns
        if dose.table.key == (c.name,) and c.kind == "id" and dose.table.name not in REGISTERS
    ]
    rows = rows.with_columns(
        [
            pl.when(pl.col(c.name).is_null())
            .then(None)
            .otherwise(pl.col("edge"))
            .cast(rows[c.name].dtype)
            .alias(c.name)
            for c in dose.table.columns
            if c.kind == "day"
        ]
    )
    rows = rows.with_columns([_other(dose, column, rows) for column in alone])
    if dose.table.name == "inspections":
        rows = rows.with_columns(
            pl.lit(1).cast(rows["examined_1"].dtype).alias(f"examined_{kind}")
            for kind in range(1, 6)
        )
        rows = rows.with_columns(
            pl.col("edge").cast(pl.Int32).alias("closed_on"), inspection=_visits(rows.height)
        )
    if dose.table.name == "findings":
        places = pl.int_range(rows.height, eager=True)
        rows = rows.with_columns(
            inspection=_visits(rows.height),
            violation=(1 + places % 5).cast(rows["violation"].dtype),
        )
    if dose.table.name in ("enterprises", "providers"):
        ending = "closed" if dose.table.name == "enterprises" else "ended"
        rows = rows.with_columns(
            pl.lit(dose.day + REACH + SOON).cast(rows[ending].dtype).alias(ending)
        )
    rows = rows.drop("edge")
    return _added(dose, _lawful(dose, dose.stamped(rows, "edge", retracted=0)))


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
    for number, name in enumerate(TOGETHER if kind == "together" else (kind,)):
        rng = np.random.default_rng([seed, number, sorted(KINDS).index(name)])
        made: dict[str, pl.DataFrame] = {}
        for table in excerpt.tables.values():
            rows, count = KINDS[name](Dose(table, frames[table.name], day, rng, days))
            made[table.name] = _numbered(rows, number)
            touched[table.name] = touched.get(table.name, 0) + count
        frames = made
    return Poisoned(
        kind,
        seed,
        excerpt.altered(frames, day + REACH + 2 * SOON),
        {name: n for name, n in touched.items() if n},
    )


def edges_of(excerpt: Excerpt, day: int) -> tuple[int, ...]:
    """Return the days on which windows begin and end, of features as of the day of reading again and of labels."""
    labels = {
        day_of(looked) + after
        for target in excerpt.declaration.target.values()
        for looked in target.as_of
        for after in (0, target.horizon)
    }
    return (*(day + REACH - back for back in EDGES), *sorted(labels))


def _numbered(rows: pl.DataFrame, number: int) -> pl.DataFrame:
    """Return rows whose new row ids say in which round they came."""
    return rows.with_columns(pl.col("row_id").str.replace("^([~!])([a-z])", f"${{1}}{number}$2"))


def _added(dose: Dose, rows: pl.DataFrame) -> tuple[pl.DataFrame, int]:
    return pl.concat([dose.rows, rows.select(dose.rows.columns)]), rows.height


def beside_key(dose: Dose) -> list[str]:
    """Return the columns that are not of the business key."""
    return [column.name for column in dose.table.columns if column.name not in dose.table.key]


def all_but_units(dose: Dose) -> list[str]:
    """Return the columns to fill anew so that rows of known units get new keys."""
    alone = len(dose.table.key) == 1 and dose.table.name not in REGISTERS
    return [
        column.name
        for column in dose.table.columns
        if column.name not in UNIT or (alone and column.name in dose.table.key)
    ]


def dated(table: Table) -> list[Column]:
    """Return the columns that hold days or months."""
    return [column for column in table.columns if column.kind in ("day", "month")]


def scrambled(dose: Dose, rows: pl.DataFrame, names: list[str]) -> pl.DataFrame:
    """Return rows with other values in some columns."""
    changed = [_other(dose, column, rows) for column in dose.table.columns if column.name in names]
    return _lawful(dose, rows.with_columns(changed)) if changed else rows


def _other(dose: Dose, column: Column, rows: pl.DataFrame) -> pl.Series:
    """Return values of a column (n,) that have nothing to do with those that stand there."""
    size, rng = rows.height, dose.rng
    if column.kind == "id":
        if dose.table.key == (column.name,):
            return pl.Series(
                column.name,
                [f"~{column.name} {rng.integers(10**9)}" for _ in range(size)],
                pl.String,
            )
        there = dose.rows[column.name].drop_nulls().unique().sort()
        if column.name in ("enterprise", "provider") or not there.len():
            return rows[column.name]
        return there.gather(rng.integers(0, there.len(), size).tolist()).rename(column.name)
    if column.kind == "choice":
        return pl.Series(
            column.name,
            [column.choices[place] for place in rng.integers(0, len(column.choices), size)],
            pl.String,
        )
    if column.kind == "day":
        ending = column.name in ("closed", "ended") and dose.table.name in REGISTERS
        days = dose.day + rng.integers(-SPAN, AHEAD if ending else 1, size)
        found = pl.Series(column.name, days).cast(dose.rows[column.name].dtype)
        return (
            found.zip_with(pl.Series(rng.random(size) < FEW), found.clear(size))
            if ending
            else found
        )
    if column.kind == "month":
        return pl.Series(column.name, month_of_day(dose.day) - rng.integers(0, 30, size)).cast(
            dose.rows[column.name].dtype
        )
    return pl.Series(column.name, rng.integers(*RANGES[column.kind], size)).cast(
        dose.rows[column.name].dtype
    )


def _near(dose: Dose, column: Column) -> pl.Expr:
    """Return days or months within a few of the as-of day, before and after it."""
    noise = pl.int_range(pl.len()) % (7 if column.kind == "day" else 3)
    middle = dose.day + 3 if column.kind == "day" else month_of_day(dose.day) + 1
    value = (middle - noise).cast(dose.rows[column.name].dtype)
    return pl.when(pl.col(column.name).is_null()).then(None).otherwise(value).alias(column.name)


def _lawful(dose: Dose, rows: pl.DataFrame) -> pl.DataFrame:
    """Return rows that the contract accepts, days, months and years moved into its order."""
    for order in orders(dose.table.columns):
        value, other = pl.col(order.column), comparable_day(order)
        moved = pl.max_horizontal(value, other) if order.before else pl.min_horizontal(value, other)
        rows = rows.with_columns(
            pl.when(value.is_not_null())
            .then(moved)
            .cast(rows[order.column].dtype)
            .alias(order.column)
        )
    return rows
