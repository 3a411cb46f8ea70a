"""Contradictions: staged rows that cannot be beside the row of another table that they name are set aside."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import groupby
from typing import Any

from features.connection import Connection, named
from features.contract.tables import Table, contract
from features.ingest.register_order import Across, DatedVersion, laws_across, refused
from features.ingest.staged import Staged, set_aside

Rows = Mapping[str, str]
"""By table, its versions in SQL: its columns and the common ones, and `settled` for what was accepted before."""

OF_REGISTER = -1
"""The number of a register's own versions, beside those of the laws, which count from 0."""
DOUBTFUL_KEYS = (
    "SELECT {key} FROM ({rows}) AS own JOIN ({register}) AS register USING ({key}) "
    "WHERE own.{day} {breaks} register.{other_day}"
)
VERSIONS = (
    "SELECT concat_ws(chr(0), {register_key}) AS named, recorded_on AS known, {number} AS number, "
    "row_id, [{key}] AS key, {day} AS day, retracted, settled "
    "FROM ({rows}) SEMI JOIN doubtful USING ({register_key})"
)


def fresh(staged: Staged) -> str:
    """Return the staged rows of a table as versions, in SQL."""
    return f"SELECT *, false AS settled FROM {staged.rows}"


def without_contradictions(
    connection: Connection, staged: list[Staged], settled: Rows | None = None
) -> list[Staged]:
    """Return staged tables without the rows that contradict the row they name, or a row that names them."""
    staged_rows = {table.table: fresh(table) for table in staged if table.accepted}
    reasons: dict[str, dict[str, str]] = {}
    for laws in laws_across():
        versions = _versions_of(laws, staged_rows, settled or {})
        for version, reason in _contradictions(connection, laws, versions):
            table = version.law.table if version.law else laws[0].register
            reasons_of_table = reasons.setdefault(table, {})
            reasons_of_table[version.row_id] = reason
    return [set_aside(connection, table, reasons.get(table.table, {})) for table in staged]


def _versions_of(laws: tuple[Across, ...], staged_rows: Rows, settled: Rows) -> dict[str, str]:
    """Return, in SQL, all versions of the tables that some laws are about, of those that have any."""
    tables = {laws[0].register, *(law.table for law in laws)}
    versions: dict[str, str] = {}
    for table in tables:
        queries = [rows[table] for rows in (staged_rows, settled) if table in rows]
        if queries:
            versions[table] = " UNION ALL BY NAME ".join(queries)
    return versions


def _contradictions(
    connection: Connection, laws: tuple[Across, ...], versions: Rows
) -> Iterator[tuple[DatedVersion, str]]:
    """Yield the versions to refuse, with the reason, under the laws of one register."""
    register = contract()[laws[0].register]
    applicable = [law for law in laws if law.table in versions]
    if register.name not in versions or not applicable:
        return
    # Most rows contradict nothing: only the keys of a broken law are laid out version by version.
    keys = " UNION ".join(_doubtful_sql(law, register, versions) for law in applicable)
    connection.execute(f"CREATE OR REPLACE TEMP TABLE doubtful AS {keys}")
    all_versions = " UNION ALL ".join(_all_versions(applicable, register, versions))
    # The register's version comes first on each day, and the rest in an order that files cannot change.
    rows = connection.execute(
        f"{all_versions} ORDER BY named, known, number >= 0, length(row_id), row_id"
    )
    for _, versions_of_key in groupby(_rows_of(rows), key=lambda row: row[0]):
        yield from refused(_version(row, applicable) for row in versions_of_key)


def _doubtful_sql(law: Across, register: Table, versions: Rows) -> str:
    """Return the keys of a register of which some pair of versions breaks a law, in SQL."""
    return DOUBTFUL_KEYS.format(
        key=_columns_sql(register.key),
        rows=versions[law.table],
        register=versions[register.name],
        day=named(law.column),
        breaks="<" if law.before else ">",
        other_day=named(law.other),
    )


def _columns_sql(names: tuple[str, ...]) -> str:
    return ", ".join(map(named, names))


def _all_versions(laws: list[Across], register: Table, versions: Rows) -> Iterator[str]:
    """Yield the SELECTs of the versions that name a doubtful key: the register's as number -1, then each law's."""
    day_of_register = laws[0].other
    yield _versions_sql(register, register, day_of_register, OF_REGISTER, versions)
    for number, law in enumerate(laws):
        yield _versions_sql(contract()[law.table], register, law.column, number, versions)


def _version(row: tuple[Any, ...], laws: list[Across]) -> DatedVersion:
    """Return a row of `_versions_sql` as a version, with the law that it is under."""
    _, _, number, row_id, key, day, retracted, settled = row
    return DatedVersion(
        row_id=row_id,
        law=None if number == OF_REGISTER else laws[number],
        key=tuple(key),
        day=day,
        retracted=retracted == 1,
        settled=settled,
    )


def _rows_of(result: Connection) -> Iterator[tuple[Any, ...]]:
    # 10,000 rows at a time: a register's versions need not fit into memory as Python objects.
    while batch := result.fetchmany(10_000):
        yield from batch


def _versions_sql(table: Table, register: Table, column: str, number: int, versions: Rows) -> str:
    """Return the versions of a table that name a doubtful row of a register, in SQL."""
    key_texts = [f"CAST({named(name)} AS VARCHAR)" for name in table.key]
    return VERSIONS.format(
        register_key=_columns_sql(register.key),
        number=number,
        key=", ".join(key_texts),
        day=named(column),
        rows=versions[table.name],
    )
