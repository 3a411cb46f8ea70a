"""Contradictions: staged rows that cannot be beside the row of another table that they name are set aside."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import groupby
from typing import Any

from features.connection import Connection, named
from features.contract.tables import Table, contract
from features.ingest.register_order import Across, Told, laws_across, refused
from features.ingest.staging import Staged, set_aside

Rows = Mapping[str, str]
"""By table, its versions in SQL: its columns and the common ones, and `settled` for what was accepted before."""


def fresh(staged: Staged) -> str:
    """Return the staged rows of a table as versions, in SQL."""
    return f"SELECT *, false AS settled FROM {staged.rows}"


def without_contradictions(
    connection: Connection, staged: list[Staged], settled: Rows | None = None
) -> list[Staged]:
    """Return staged tables without the rows that contradict the row they name, or a row that names them."""
    rows = {table.table: fresh(table) for table in staged if table.accepted}
    wrong: dict[str, dict[str, str]] = {}
    for laws in laws_across():
        held = settled or {}
        versions = {
            name: " UNION ALL BY NAME ".join(found)
            for name in {laws[0].register, *(law.table for law in laws)}
            if (found := [given[name] for given in (rows, held) if name in given])
        }
        for told, reason in _contradictions(connection, laws, versions):
            table = told.law.table if told.law else laws[0].register
            wrong.setdefault(table, {})[told.row_id] = reason
    return [set_aside(connection, table, wrong.get(table.table, {})) for table in staged]


def _contradictions(
    connection: Connection, laws: tuple[Across, ...], versions: Rows
) -> Iterator[tuple[Told, str]]:
    register = contract()[laws[0].register]
    there = [law for law in laws if law.table in versions]
    if register.name not in versions or not there:
        return
    on = ", ".join(map(named, register.key))
    doubtful = " UNION ".join(
        f"SELECT {on} FROM ({versions[law.table]}) AS own JOIN ({versions[register.name]}) AS register USING ({on}) "
        f"WHERE own.{named(law.column)} {'<' if law.before else '>'} register.{named(law.other)}"
        for law in there
    )
    connection.execute(f"CREATE OR REPLACE TEMP TABLE doubtful AS {doubtful}")
    parts = [_told_sql(register, register, laws[0].other, -1, versions)]
    parts += [
        _told_sql(contract()[law.table], register, law.column, number, versions)
        for number, law in enumerate(there)
    ]
    found = connection.execute(
        f"{' UNION ALL '.join(parts)} ORDER BY named, known, number >= 0, length(row_id), row_id"
    )
    for _, group in groupby(_rows_of(found), key=lambda row: row[0]):
        yield from refused(
            Told(
                row_id, there[number] if number >= 0 else None, tuple(key), day, retracted == 1, old
            )
            for _, _, number, row_id, key, day, retracted, old in group
        )


def _rows_of(found: Connection) -> Iterator[tuple[Any, ...]]:
    while batch := found.fetchmany(10_000):
        yield from batch


def _told_sql(table: Table, register: Table, column: str, number: int, versions: Rows) -> str:
    """Return the versions of a table that name a doubtful row of a register, in SQL."""
    on = ", ".join(map(named, register.key))
    key = ", ".join(f"CAST({named(name)} AS VARCHAR)" for name in table.key)
    return (
        f"SELECT concat_ws(chr(0), {on}) AS named, recorded_on AS known, {number} AS number, row_id, [{key}] AS key, "
        f"{named(column)} AS day, retracted, settled FROM ({versions[table.name]}) SEMI JOIN doubtful USING ({on})"
    )
