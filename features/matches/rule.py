"""From a rule to the statement that a store runs: live rows as of a day, tolerances, and choices as their codes."""

from __future__ import annotations

import re

import numpy as np
import pyarrow as pa

from features.calendar import first_day, month_of_day
from features.connection import named
from features.contract.tables import contract
from features.matches.declared import Kind
from features.store.store import Store

MONTHS = 600
"""Months that a rule can look back: 50 years."""
NAMED_ROWS = 20
"""At most so many rows of one table are named in a match; `n_rows` counts them all."""


def live_sql(table: str, day: int) -> str:
    """Return the SELECT of a table's rows that hold as of a day: known by then, neither corrected nor taken back by then."""
    rows = named(table)
    return (
        f"SELECT plus.* FROM {rows} AS plus ANTI JOIN (SELECT row_id FROM {rows} WHERE sign = -1 AND known <= {day}) "
        f"AS minus USING (row_id) WHERE plus.sign = 1 AND plus.known <= {day}"
    )


def empty_sql(table: str) -> str:
    """Return the SELECT of a table that a source lacks and a rule reads as empty."""
    names = [named(column.name) for column in contract()[table].columns]
    columns = ", ".join(f"CAST(NULL AS INTEGER) AS {name}" for name in names)
    return f"SELECT {columns}, CAST(NULL AS INTEGER) AS known, '' AS row_id WHERE false"


def match_sql(store: Store, kind: Kind, day: int) -> str:
    """Return one SELECT of a kind's matches as of a day, in an order that does not change."""
    return (
        f"{matched_sql(store, kind, day)} SELECT * FROM matched ORDER BY enterprise NULLS FIRST, worker NULLS FIRST, "
        "provider NULLS FIRST, claim NULLS FIRST, first_day, last_day, rows"
    )


def count_sql(store: Store, kind: Kind, day: int, subject: str) -> str:
    """Return one SELECT of how many matches of a kind name each subject as of a day; no row of a match is listed for it."""
    return (
        f"{matched_sql(store, kind, day)} SELECT {subject} AS subject, count(*) AS n FROM matched "
        f"WHERE {subject} IS NOT NULL GROUP BY {subject}"
    )


def matched_sql(store: Store, kind: Kind, day: int) -> str:
    """Return the WITH of a kind's rule: each table as live_<table>, `{day}`, its `{month}` and tolerances as integers,
    [table.column:choice] as codes.
    """
    numbers = {"day": day, "month": month_of_day(day), "named": NAMED_ROWS} | kind.tolerances
    text = re.sub(r"--[^\n]*", "", kind.rule)
    text = re.sub(r"\{(\w+)\}", lambda place: str(numbers[place[1]]), text)
    text = re.sub(r"\[(\w+)\.(\w+):(\w+)\]", lambda place: _code_of(store, *place.groups()), text)
    live_tables: list[str] = []
    for table in kind.tables:
        rows = live_sql(table, day) if store.has(table) else empty_sql(table)
        live_tables.append(f"live_{table} AS ({rows})")
    live = ", ".join(live_tables)
    return f"WITH {live}, {text.strip()}"


def _code_of(store: Store, table: str, column: str, choice: str) -> str:
    """Return the code by which a store holds a choice of a column."""
    choices = store.column(table, column).choices
    return str(choices.index(choice))


def month_table(day: int) -> pa.Table:
    """Return the months up to that of a day, with their first and last days."""
    this_month = month_of_day(day)
    # One month more than the table has: its first day ends the last one.
    months = np.arange(this_month - MONTHS, this_month + 2)
    first_days = np.array([first_day(int(month)) for month in months], np.int64)
    return pa.table(
        {
            "month": months[:-1],
            "month_first": first_days[:-1],
            "month_last": first_days[1:] - 1,
        }
    )
