"""Numbers that were used again: keys whose versions differ in what they are about, and rows of one key on one day."""

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


def numbered() -> Iterator[Table]:
    """Yield the tables whose key is a number that somebody gave: claims and inspections, not firms and workers."""
    for table in contract().values():
        key = table.column(table.key[0])
        if (
            len(table.key) == 1
            and key.kind == "id"
            and key.space not in LASTING
            and about(table)
            and table.name not in JOURNAL
        ):
            yield table


def about(table: Table) -> tuple[str, ...]:
    """Return the columns that say what a numbered row is about: persons, firms, providers, and the day of the event."""
    subjects = [
        c.name
        for c in table.columns
        if c.kind == "id" and c.space in SUBJECTS and c.name not in table.key
    ]
    days = [c for c in table.columns if c.kind == "day"]
    event = sorted(days, key=lambda day: day.optional)[:1]
    return (*subjects, *(day.name for day in event))


def reused(store: Store) -> Iterator[dict[str, Any]]:
    """Yield by table how many numbers name what differs in which column, how many stand twice on one day, and examples."""
    for table in numbered():
        if store.has(table.name):
            found = _reused(store, table)
            if found["keys"]:
                yield found


def _reused(store: Store, table: Table) -> dict[str, Any]:
    key = table.key[0]
    differ: dict[str, int] = {}
    codes: set[int] = set()
    for column in about(table):
        rows = store.sql(_differing(table.name, key, column))[key].to_pylist()
        differ |= {column: len(rows)} if rows else {}
        codes |= set(rows)
    twice = _on_one_day(store, table.name, key)
    texts = store.dictionary(table.column(key).space).texts
    examples = [str(texts.take([code])[0]) for code in sorted(codes | twice)[:SHOWN]]
    return {
        "table": table.name,
        "column": key,
        "keys": len(codes | twice),
        "differ": differ,
        "same_day": len(twice),
        "examples": examples,
    }


def _differing(table: str, key: str, column: str) -> str:
    """Return the SELECT of the keys whose versions differ in a column."""
    key = named(key)
    return (
        f"SELECT {key} FROM {named(table)} WHERE sign > 0 AND {key} IN (SELECT {key} FROM {named(table)} WHERE sign < 0) "
        f"GROUP BY {key} HAVING count(DISTINCT nullif({named(column)}, {NULL})) > 1"
    )


def _on_one_day(store: Store, table: str, key: str) -> set[int]:
    """Return the keys of which several rows were recorded on one day; the last of them holds."""
    files = store.layout.absorbed(table)
    if not files or not all("retracted" in pq.read_schema(path).names for path in files):
        return set()
    key = named(key)
    absorbed = f"SELECT {key}, recorded_on AS known FROM {rows_sql(files)} WHERE retracted = 0"
    signed = f"SELECT {key}, known FROM {named(table)} WHERE sign > 0 AND {key} IN (SELECT {key} FROM ({absorbed}))"
    found = store.sql(
        f"SELECT DISTINCT {key} FROM (SELECT {key}, known FROM ({absorbed} UNION ALL {signed}) "
        f"GROUP BY ALL HAVING count(*) > 1)"
    )
    return set(found.column(0).to_pylist())


def reuse_line(found: dict[str, Any]) -> str:
    """Return in words what was found of a table."""
    differ = "，".join(f"{column} {count:,}" for column, count in found["differ"].items()) or "-"
    return (
        f"编号重用 reused: {found['table']}.{found['column']} {found['keys']:,} 个 numbers（不同 differ in: {differ}；"
        f"同日多行 several rows on one day: {found['same_day']:,}），如 such as {', '.join(found['examples'])}；"
        "每号只留最后一行 the last row of each holds: if they are different things, say within what a number is unique "
        f'under [keys] in source.toml, such as {found["table"]} = "year"'
    )
