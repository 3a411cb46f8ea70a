"""Derived tables: rows of two signed histories that agree on a key, themselves a signed history."""

from __future__ import annotations

from pathlib import Path

from features.catalogue.joins import first_by, joined_table, taken_as
from features.catalogue.model import Join
from features.connection import Connection, named, quoted
from features.contract.tables import Table
from features.ingest.scan import parquet_sql

FOREVER = 2**31 - 1


def join_sql(join: Join, left: Table, right: Table, base: Path, *, after: int = -FOREVER) -> str:
    """Return the SELECT of a join's signed rows that became known after a day, sorted.

    A pair of rows is known from the later of their two days until the earlier of the days on which one is taken back:
    the product of the two signed sums, with the pairs that cancel on the same day left out.
    """
    taken = taken_as(join, left, right)
    columns = [f"l.{named(c.name)}" for c in left.columns]
    columns += [f"r.{named(name)} AS {named(new)}" for name, new in taken.items()]
    agree = " AND ".join(f"l.{named(name)} = r.{named(name)}" for name in join.on)
    order = [named(first_by(joined_table(join, left, right).columns, left.key))]
    order += [named(name) for name in left.key] + [named(f"right {name}") for name in right.key]
    pairs = (
        f"SELECT {', '.join(columns)}, l.row_id, r.row_id AS right_row_id, "
        + "".join(f"r.{named(name)} AS {named(f'right {name}')}, " for name in right.key)
        + "greatest(l.known, r.known) AS begins, least(l.ends, r.ends) AS ends "
        f"FROM ({lives_sql(base / f'{join.left}.parquet')}) AS l "
        f"JOIN ({lives_sql(base / f'{join.right}.parquet')}) AS r ON {agree}"
    )
    names = ", ".join(
        [named(c.name) for c in left.columns] + [named(new) for new in taken.values()]
    )
    hidden = ", ".join(named(f"right {name}") for name in right.key)
    half = (
        f"SELECT {names}, row_id, right_row_id, {{}} AS known, CAST({{}} AS TINYINT) AS sign, {hidden} "
        f"FROM pairs WHERE begins < ends AND {{}} > {after}"
    )
    return (
        f"WITH pairs AS MATERIALIZED ({pairs}) SELECT {names}, row_id, right_row_id, known, sign FROM ("
        f"{half.format('begins', '1', 'begins')} UNION ALL {half.format('ends', '-1', 'ends')} AND ends < {FOREVER}) "
        f"ORDER BY {', '.join(f'{name} NULLS FIRST' for name in order)}, known, sign"
    )


def lives_sql(path: Path) -> str:
    """Return the SELECT of a signed table's positive rows, each with the day `ends` on which it is taken back."""
    rows = parquet_sql(path)
    return (
        f"SELECT plus.*, coalesce(minus.known, {FOREVER}) AS ends FROM {rows} AS plus LEFT JOIN "
        f"(SELECT row_id, known FROM {rows} WHERE sign = -1) AS minus ON plus.row_id = minus.row_id "
        "WHERE plus.sign = 1"
    )


def write_join(connection: Connection, join: Join, sides: tuple[Table, Table], base: Path) -> int:
    """Write a derived table beside its two sides and return its number of signed rows."""
    query = join_sql(join, *sides, base)
    return write_sorted(connection, query, base / f"{join.name}.parquet")


def write_sorted(connection: Connection, query: str, path: Path) -> int:
    """Write what a sorted SELECT gives as Parquet in row groups of 131,072 rows; return the number of rows."""
    form = "FORMAT parquet, COMPRESSION zstd, COMPRESSION_LEVEL 1, ROW_GROUP_SIZE 131072"
    found = connection.execute(f"COPY ({query}) TO {quoted(path)} ({form})").fetchone()
    return int(found[0]) if found else 0
