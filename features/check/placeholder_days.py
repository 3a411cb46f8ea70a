"""Placeholder days, which stand for a missing day: days of January 1970, and a day that most rows of a column share."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from features.calendar import date_of, month_text
from features.connection import named
from features.contract.tables import Column
from features.store.store import Store

EPOCH = "1970-01"
"""A time of our century whose unit was taken 1,000 times too small, or a million, lies in this month."""
YEAR = "1970"
MANY = 1_000
"""A day that most rows of a column share is told where it has so many times as many rows as any other."""
TIMED = ("day", "month", "year")
RECORDED = Column("recorded_on", "day", (), False, "", "")
OF_EPOCH = "a time whose unit was taken 1,000 times too small falls there, and so does no time at all; export it as a day"
OF_MOST = "most rows share it; if it stands for no day, export it as empty"


@dataclass(frozen=True, slots=True)
class Placeholder:
    """A likely placeholder in a column: how many rows have it, how many rows have any day, and why it is reported."""

    table: str
    column: str
    day: str
    rows: int
    of: int
    why: str


def placeholders(store: Store) -> Iterator[Placeholder]:
    """Yield likely placeholders in the day, month and year columns of a store's rows, refused rows included."""
    for table in store.summary["tables"]:
        columns = [column for column in store.tables[table].columns if column.kind in TIMED]
        columns.append(RECORDED)
        refused = _refused(store, table, columns)
        for column in columns:
            counts = _accepted(store, table, column) + refused[column.name]
            suspicion = suspect(counts)
            if suspicion is None:
                continue
            day, why = suspicion
            yield Placeholder(
                table=table,
                column=column.name,
                day=day,
                rows=_rows_of(counts, day),
                of=counts.total(),
                why=why,
            )


def _rows_of(counts: Counter[str], day: str) -> int:
    """Return how many rows say a day, or any of the month of the epoch."""
    rows = 0
    for other, size in counts.items():
        if other == day or other.startswith(EPOCH):
            rows += size
    return rows


def suspect(counts: Counter[str]) -> tuple[str, str] | None:
    """Return the likely placeholder of a column, with the reason; None if there is none.

    >>> suspect(Counter({"2014-01-01": 9, "1970-01-17": 1}))[0]
    '1970-01-17'
    >>> suspect(Counter({"2000-01-01": 2000, "2014-01-01": 2}))[0]
    '2000-01-01'
    >>> suspect(Counter({"2000-01-01": 2000, "2014-01-01": 3}))
    """
    of_epoch = Counter({day: size for day, size in counts.items() if day.startswith(EPOCH)})
    if of_epoch:
        (day, _), *_ = of_epoch.most_common(1)
        return day, OF_EPOCH
    # Two blanks stand in where a column has fewer than two days.
    commonest = [*counts.most_common(2), ("", 0), ("", 0)]
    (day, rows), (_, next_rows), *_ = commonest
    if 2 * rows <= counts.total():
        return None
    if day == YEAR:
        return day, OF_EPOCH
    if rows >= MANY * max(next_rows, 1):
        return day, OF_MOST
    return None


def _accepted(store: Store, table: str, column: Column) -> Counter[str]:
    """Return how many accepted rows say each day, month or year of a column, as texts."""
    name = named("known" if column is RECORDED else column.name)
    query = (
        f"SELECT {name} AS moment, count(*) AS size FROM {named(table)} "
        f"WHERE sign > 0 AND {name} IS NOT NULL GROUP BY moment"
    )
    rows = store.sql(query).to_pylist()
    return Counter({_text(column.kind, row["moment"]): row["size"] for row in rows})


def _text(kind: str, moment: int) -> str:
    if kind == "day":
        return date_of(moment).isoformat()
    if kind == "month":
        return month_text(moment)
    return str(moment)


def _refused(store: Store, table: str, columns: list[Column]) -> dict[str, Counter[str]]:
    """Return by column how many refused rows say each day, month or year, as their files have it."""
    counts_by_column = {column.name: Counter[str]() for column in columns}
    for path in store.layout.refused(table):
        with path.open(encoding="utf-8", newline="") as file:
            for row in csv.DictReader(file):
                for name, counts in counts_by_column.items():
                    if text := row.get(name):
                        # A time of day behind the day is left out.
                        day = text[: len("1970-01-01")]
                        counts[day] += 1
    return counts_by_column
