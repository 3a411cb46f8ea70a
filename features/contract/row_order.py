"""What cannot be in one row: days out of order and numbers out of bounds, as the contract declares them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from features.calendar import date_of, day_of, month_of_day
from features.contract.tables import COMMON, PARTS, RECORDED, Column

LARGEST = 2**53
"""Numbers stay within this, because float64 holds every integer up to it."""
WHOLE = {
    "persons": (0, 2**31 - 1),
    "minutes": (0, 2**31 - 1),
    "count": (-LARGEST, LARGEST),
    "kwh": (0, LARGEST),
    "year": (1800, 2200),
    "microdegree": (-180_000_000, 180_000_000),
    "flag": (0, 1),
    "fen": (-(10**15), 10**15),
}
"""The least and the most of a whole number of each kind, where its column declares none."""
DAYS = (day_of("1800-01-01"), day_of("9999-12-31"))
MONTH_SPAN = (month_of_day(DAYS[0]), month_of_day(DAYS[1]))
"""The first and the last month with such a day."""
REFUND = ("contributions", "kind", "refund")
"""Where sums may be negative: the table, the column of its choice and that choice."""
SUBJECTS = ("enterprise", "provider")
ONE_SUBJECT = "exactly one of enterprise and provider should be given"


@dataclass(frozen=True, slots=True)
class Order:
    """A day, month or year (`kind`) of a row that never lies before, else never after, the day in another column."""

    column: str
    kind: str
    other: str
    before: bool

    @property
    def reason(self) -> str:
        """Why a row that breaks this order is refused."""
        side = "before" if self.before else "after"
        _, part = PARTS[self.kind]
        return f"{self.column} lies {side} {part}{self.other}"

    def holds(self, row: Mapping[str, int | None]) -> bool:
        """Tell whether a row of integers keeps this order; a day that is not known breaks none.

        One that takes its key back need keep only what has happened by the day it was recorded.
        """
        value, day = row[self.column], row[self.other]
        if value is None or day is None or (row["retracted"] and self.other != RECORDED):
            return True
        other = part_of(day, self.kind)
        return value >= other if self.before else value <= other


def part_of(day: int, kind: str) -> int:
    """Return an integer day, or the integer month or the year in which it lies."""
    if kind == "month":
        return month_of_day(day)
    if kind == "year":
        return date_of(day).year
    return day


def orders(columns: Iterable[Column]) -> Iterator[Order]:
    """Yield the orders within a row that a table's columns declare, one after another."""
    for column in columns:
        for before, others in ((True, column.not_before), (False, column.not_after)):
            # A name with a point is that of another table's day, which is no order within a row.
            within_row = [other for other in others if "." not in other]
            for other in within_row:
                yield Order(column.name, column.kind, other, before)


def bounds_of(column: Column) -> tuple[int, int]:
    """Return the least and the most that a whole number of a column may be."""
    if column.bounds is None:
        return WHOLE[column.kind]
    least, most = column.bounds
    if most is None:
        _, most = WHOLE[column.kind]
    return least, most


def out_of_bounds(column: Column) -> str:
    """Return why a number out of a column's bounds is refused."""
    least, most = bounds_of(column)
    if column.bounds and column.bounds[1] is None:
        return f"{column.name} should be at least {least}"
    return f"{column.name} should be {least} to {most}"


@dataclass(frozen=True, slots=True)
class Laws:
    """What cannot be in a row of one table: numbers out of their spans, days out of order, sums below nothing."""

    spans: tuple[tuple[str, int, int, str], ...]
    orders: tuple[Order, ...]
    sums: tuple[str, ...]
    refund: int | None
    one_subject: bool

    def broken(self, row: Mapping[str, int | None]) -> Iterator[str]:
        """Yield why a row of integers, the common columns among them, cannot be."""
        for column, least, most, reason in self.spans:
            value = row[column]
            if value is not None and not least <= value <= most:
                yield reason
        for order in self.orders:
            if not order.holds(row):
                yield order.reason
        if self.refund is None or row[REFUND[1]] != self.refund:
            for name in self.sums:
                if (row[name] or 0) < 0:
                    yield negative(name)
        if self.one_subject and not row["retracted"]:
            subjects = [name for name in SUBJECTS if row[name] is not None]
            if len(subjects) != 1:
                yield ONE_SUBJECT


def laws(table: str, columns: tuple[Column, ...]) -> Laws:
    """Return what cannot be in a row of a table, ready for many rows."""
    return Laws(
        spans=tuple(_spans(columns)),
        orders=tuple(orders(columns)),
        sums=tuple(column.name for column in columns if column.kind == "fen"),
        refund=refund_code(table, columns),
        one_subject=table == "inspections",
    )


def _spans(columns: tuple[Column, ...]) -> Iterator[tuple[str, int, int, str]]:
    for column in columns + COMMON:
        if column.kind == "day":
            yield column.name, *DAYS, out_of_days(column)
        elif column.kind == "month":
            yield column.name, *MONTH_SPAN, out_of_days(column)
        elif column.kind in WHOLE:
            yield column.name, *bounds_of(column), out_of_bounds(column)


def refund_code(table: str, columns: Iterable[Column]) -> int | None:
    """Return the code of the choice with which sums of a table may be negative; None where none may."""
    refund_table, refund_column, refund_choice = REFUND
    if table != refund_table:
        return None
    choices = next(column.choices for column in columns if column.name == refund_column)
    return choices.index(refund_choice)


def negative(name: str) -> str:
    """Return why a sum below nothing is refused."""
    return f"{name} should not be negative"


def out_of_days(column: Column) -> str:
    """Return why a day or month that no calendar of ours holds is refused."""
    return f"{column.name} should lie between 1800 and 9999"
