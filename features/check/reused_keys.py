"""Reused numbers: keys whose versions name different persons, firms or days, and several rows of one key on one day."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pyarrow.parquet as pq

from features.arrays import NULL
from features.connection import named
from features.contract.tables import Table, contract
from features.ingest.source import JOURNAL
from features.store.layout import rows_sql
from features.store.store import Store

SUBJECTS = ("worker", "enterprise", "provider", "claim")
"""Name spaces of those whom a numbered thing is about."""
LASTING = ("worker", "enterprise", "provider")
"""Name spaces whose numbers stand for one thing for ever."""
SHOWN = 3
"""Examples of a table's numbers that a check shows."""
DIFFERING = (
    "SELECT {key} FROM {table} "
    "WHERE sign > 0 AND {key} IN (SELECT {key} FROM {table} WHERE sign < 0) "
    "GROUP BY {key} HAVING count(DISTINCT nullif({column}, {null})) > 1"
)
ON_ONE_DAY = (
    "WITH absorbed AS (SELECT {key}, recorded_on AS known FROM {absorbed} WHERE retracted = 0), "
    "signed AS (SELECT {key}, known FROM {table} "
    "WHERE sign > 0 AND {key} IN (SELECT {key} FROM absorbed)) "
    "SELECT DISTINCT {key} FROM (SELECT {key}, known "
    "FROM (SELECT * FROM absorbed UNION ALL SELECT * FROM signed) "
    "GROUP BY ALL HAVING count(*) > 1)"
)


def numbered() -> Iterator[Table]:
    """Yield the tables whose key is a number that somebody gave: claims and inspections, not firms and workers."""
    for table in contract().values():
        if len(table.key) != 1 or table.name in JOURNAL:
            continue
        key = table.column(table.key[0])
        if key.kind == "id" and key.space not in LASTING and about(table):
            yield table


def about(table: Table) -> tuple[str, ...]:
    """Return the columns that say what a numbered row is about: persons, firms, providers, and the day of the event."""
    identifiers = [c for c in table.columns if c.kind == "id" and c.name not in table.key]
    subjects = [column.name for column in identifiers if column.space in SUBJECTS]
    days = [column for column in table.columns if column.kind == "day"]
    # The first day that every row has is the event's; an optional one only where no other is there.
    days_by_need = sorted(days, key=lambda day: day.optional)
    event = [day.name for day in days_by_need[:1]]
    return (*subjects, *event)


def reused(store: Store) -> Iterator[dict[str, Any]]:
    """Yield by table how many numbers differ in which column, how many occur twice on one day, and examples."""
    for table in numbered():
        if store.has(table.name):
            reuse = _reused(store, table)
            if reuse["keys"]:
                yield reuse


def _reused(store: Store, table: Table) -> dict[str, Any]:
    key = table.key[0]
    differ: dict[str, int] = {}
    codes: set[int] = set()
    for column in about(table):
        keys_that_differ = store.sql(_differing(table.name, key, column))[key].to_pylist()
        if keys_that_differ:
            differ[column] = len(keys_that_differ)
            codes |= set(keys_that_differ)
    twice = _on_one_day(store, table.name, key)
    codes |= twice
    texts = store.dictionary(table.column(key).space).texts
    examples = [str(texts.take([code])[0]) for code in sorted(codes)[:SHOWN]]
    return {
        "table": table.name,
        "column": key,
        "keys": len(codes),
        "differ": differ,
        "same_day": len(twice),
        "examples": examples,
    }


def _differing(table: str, key: str, column: str) -> str:
    """Return the SELECT of the keys whose versions differ in a column."""
    return DIFFERING.format(key=named(key), table=named(table), column=named(column), null=NULL)


def _on_one_day(store: Store, table: str, key: str) -> set[int]:
    """Return the keys of which several rows were recorded on one day; the last of them holds."""
    files = store.layout.absorbed(table)
    if not files or not all("retracted" in pq.read_schema(path).names for path in files):
        return set()
    # A row that another of the same day replaced is in no version of the table: only the files hold it.
    query = ON_ONE_DAY.format(key=named(key), table=named(table), absorbed=rows_sql(files))
    keys = store.sql(query).column(0)
    return set(keys.to_pylist())


def reuse_line(reuse: dict[str, Any]) -> str:
    """Return a line that says which numbers of a table were used again."""
    table = reuse["table"]
    numbers, same_day = f"{reuse['keys']:,}", f"{reuse['same_day']:,}"
    columns = [f"{column} {count:,}" for column, count in reuse["differ"].items()]
    differ = "，".join(columns) or "-"
    examples = ", ".join(reuse["examples"])
    return (
        f"编号重用 reused: {table}.{reuse['column']} {numbers} 个 numbers（不同 differ in: {differ}；"
        f"同日多行 several rows on one day: {same_day}），如 such as {examples}；"
        "每号只留最后一行 the last row of each holds: if they are different things, say within what a number is unique "
        f'under [keys] in source.toml, such as {table} = "year"'
    )
