"""A span of days: which raw rows were recorded on them, before them or until their end."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from features.calendar import date_of, day_of
from features.connection import Relation, quoted
from features.ingest.typed_values import day_sql


@dataclass(frozen=True, slots=True)
class Span:
    """The days after one and until another; `after` is None where the history begins."""

    after: int | None
    until: int

    def within(self, rows: Relation) -> str:
        """Return the condition that a raw row was recorded on one of these days."""
        is_after = _recorded(rows, ">", self.after)
        is_until = _recorded(rows, "<=", self.until)
        return f"{is_after} AND {is_until}"

    def before(self, rows: Relation) -> str:
        """Return the condition that a raw row was recorded earlier, or on no day that can be read."""
        is_before = _recorded(rows, "<=", self.after)
        return f"({is_before}) IS NOT FALSE"

    def taken(self, rows: Relation) -> Relation:
        """Return the rows that were not recorded later."""
        is_until = _recorded(rows, "<=", self.until)
        return rows.filter(f"({is_until}) IS NOT FALSE")


def dayless(rows: Relation) -> str:
    """Return the condition that the day on which a raw row was recorded cannot be read."""
    return f"{day_sql('recorded_on', sql_type_of(rows, 'recorded_on'))} IS NULL"


EVER = Span(None, day_of(date.max))
"""All days that there are."""


def _recorded(rows: Relation, sign: str, day: int | None) -> str:
    if day is None:
        return "true"
    sql_type = sql_type_of(rows, "recorded_on")
    if sql_type == "DATE":
        # A date is compared as it stands: nothing is computed for each row.
        written = quoted(date_of(day).isoformat())
        return f"recorded_on {sign} DATE {written}"
    recorded = day_sql("recorded_on", sql_type)
    return f"{recorded} {sign} {day}"


def sql_type_of(rows: Relation, column: str) -> str:
    """Return the SQL type of a column."""
    return str(rows.types[rows.columns.index(column)])
