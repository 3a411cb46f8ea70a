"""Doses: one table of an excerpt to be poisoned, and other values for its rows that the contract still accepts."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from features.calendar import month_of_day
from features.contract.millionths import CERTAIN
from features.contract.row_order import orders
from features.contract.tables import Column, Table
from features.contract.validation import comparable_day

REACH = 60
"""Days after the as-of day in which poison is recorded, the first always among them; a choice: it reaches past a month end."""
SPAN = 900
"""Days before the as-of day in which an altered day may lie: longer than any window of two years."""
AHEAD = 400
"""Days after it in which an altered ending may lie; a choice: more than a year ahead."""
MONTHS = 30
"""Months before the as-of day in which an altered month may lie: more than the 24 of the longest window."""
SOME = 0.3
"""The share of rows that most kinds of poison take; a choice: several kinds meet some rows, and some rows none."""
LEAST = 3
"""Rows that every kind takes at least, where there are as many."""
FEW = 0.2
"""The share of units that an altered register takes for ended; a choice: most units go on."""
FIRST_SIGNS = ("~", "!")
"""How new row ids begin, in turn: they sort after and before all others."""
UNIT = ("enterprise", "provider", "worker", "claim", "inspection", "agency")
REGISTERS = ("enterprises", "providers", "claims", "workers", "cells", "deaths")
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
        if not rows.height:
            return rows
        size = min(rows.height, max(LEAST, round(rows.height * share)))
        places = self.rng.choice(rows.height, size, replace=False)
        chosen: pl.DataFrame = rows[np.sort(places).tolist()]
        return chosen

    def days_after(self, size: int) -> pl.Series:
        """Return days of recording (n,), the day after the as-of day among them."""
        days = self.day + self.rng.integers(1, REACH + 1, size)
        half = (size + 1) // 2
        days[:half] = self.day + 1
        return pl.Series("recorded_on", days, pl.Int32)

    def stamped(self, rows: pl.DataFrame, mark: str, *, retracted: int) -> pl.DataFrame:
        """Return rows as new ones: recorded after the as-of day under row ids that sort before and after all others."""
        row_ids = []
        for number in range(rows.height):
            first_sign = FIRST_SIGNS[number % 2]
            row_ids.append(f"{first_sign}{mark}{number}")
        ids = pl.Series("row_id", row_ids, pl.String)
        flag = pl.lit(retracted, pl.Int8).alias("retracted")
        return rows.with_columns(self.days_after(rows.height), ids, flag)


def beside_key(dose: Dose) -> list[str]:
    """Return the columns that are not of the business key."""
    return [column.name for column in dose.table.columns if column.name not in dose.table.key]


def all_but_units(dose: Dose) -> list[str]:
    """Return the columns to fill anew so that rows of known units get new keys."""
    table = dose.table
    # a key of one column names the row itself, unless the table is the register of what it names
    fixed = set(UNIT)
    if len(table.key) == 1 and table.name not in REGISTERS:
        fixed -= set(table.key)
    return [column.name for column in table.columns if column.name not in fixed]


def dated(table: Table) -> list[Column]:
    """Return the columns that hold days or months."""
    return [column for column in table.columns if column.kind in ("day", "month")]


def scrambled(dose: Dose, rows: pl.DataFrame, names: list[str]) -> pl.DataFrame:
    """Return rows with other values in some columns."""
    columns = [column for column in dose.table.columns if column.name in names]
    if not columns:
        return rows
    changed = [other_values(dose, column, rows) for column in columns]
    return lawful(dose, rows.with_columns(changed))


def other_values(dose: Dose, column: Column, rows: pl.DataFrame) -> pl.Series:
    """Return values of a column (n,) that have nothing to do with those that stand there."""
    match column.kind:
        case "id":
            return _other_ids(dose, column, rows)
        case "choice":
            return _other_choices(dose, column, rows.height)
        case "day":
            return _other_days(dose, column, rows.height)
        case "month":
            months_back = dose.rng.integers(0, MONTHS, rows.height)
            return _as_column(dose, column, month_of_day(dose.day) - months_back)
    low, high = RANGES[column.kind]
    return _as_column(dose, column, dose.rng.integers(low, high, rows.height))


def _as_column(dose: Dose, column: Column, values: NDArray[np.int64]) -> pl.Series:
    """Return values under the name and type of a column."""
    return pl.Series(column.name, values).cast(dose.rows[column.name].dtype)


def _other_ids(dose: Dose, column: Column, rows: pl.DataFrame) -> pl.Series:
    """Return new keys, or identifiers that other rows have; whom a row is about does not change."""
    size = rows.height
    if dose.table.key == (column.name,):
        keys = [f"~{column.name} {dose.rng.integers(10**9)}" for _ in range(size)]
        return pl.Series(column.name, keys, pl.String)
    ids = dose.rows[column.name].drop_nulls().unique().sort()
    if column.name in ("enterprise", "provider") or not ids.len():
        return rows[column.name]
    places = dose.rng.integers(0, ids.len(), size)
    return ids.gather(places.tolist()).rename(column.name)


def _other_choices(dose: Dose, column: Column, size: int) -> pl.Series:
    places = dose.rng.integers(0, len(column.choices), size)
    texts = [column.choices[place] for place in places]
    return pl.Series(column.name, texts, pl.String)


def _other_days(dose: Dose, column: Column, size: int) -> pl.Series:
    """Return days up to the as-of day; of a register's endings few, some of them later."""
    is_ending = column.name in ("closed", "ended") and dose.table.name in REGISTERS
    limit = AHEAD if is_ending else 1
    days = _as_column(dose, column, dose.day + dose.rng.integers(-SPAN, limit, size))
    if not is_ending:
        return days
    has_ended = pl.Series(dose.rng.random(size) < FEW)
    return days.zip_with(has_ended, days.clear(size))


def near_day(dose: Dose, column: Column) -> pl.Expr:
    """Return days or months within a few of the as-of day, before and after it."""
    if column.kind == "day":
        latest, width = dose.day + 3, 7
    else:
        latest, width = month_of_day(dose.day) + 1, 3
    steps_back = pl.int_range(pl.len()) % width
    value = (latest - steps_back).cast(dose.rows[column.name].dtype)
    return where_filled(column.name, value)


def where_filled(name: str, value: pl.Expr | pl.Series) -> pl.Expr:
    """Return values for a column, null where it is null."""
    return pl.when(pl.col(name).is_null()).then(None).otherwise(value).alias(name)


def lawful(dose: Dose, rows: pl.DataFrame) -> pl.DataFrame:
    """Return rows that the contract accepts, days, months and years moved into its order."""
    for order in orders(dose.table.columns):
        value = pl.col(order.column)
        limit = comparable_day(order)
        bounded = pl.max_horizontal if order.before else pl.min_horizontal
        moved = pl.when(value.is_not_null()).then(bounded(value, limit))
        column = moved.cast(rows[order.column].dtype).alias(order.column)
        rows = rows.with_columns(column)
    return rows
