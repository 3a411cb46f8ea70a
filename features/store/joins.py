"""Derived tables: rows of two signed histories that agree on a key, themselves a signed history."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from features.catalogue.joins import first_by, joined_table, taken_as
from features.catalogue.model import Join
from features.connection import named
from features.contract.tables import Table
from features.ingest.scan import parquet_sql

FOREVER = 2**31 - 1
"""The day on which a row ends that is never taken back: the greatest int32, the type of stored days."""


def join_sql(join: Join, left: Table, right: Table, base: Path, *, after: int = -FOREVER) -> str:
    """Return the SELECT of a join's signed rows that became known after a day, sorted.

    A pair of rows is known from the later of their two days until the earlier of the days on which one is taken back:
    the product of the two signed sums, with the pairs that cancel on the same day left out.
    """
    columns = [named(column.name) for column in left.columns]
    columns += map(named, taken_as(join, left, right).values())
    names = ", ".join(columns)
    picked = f"{names}, row_id, right_row_id"
    # The key of the right side is no column of the result: it only settles the order of pairs.
    hidden = ", ".join(map(named, _right_keys(right)))
    begun = f"WHERE begins < ends AND begins > {after}"
    ended = f"WHERE begins < ends AND ends > {after} AND ends < {FOREVER}"
    plus = "begins AS known, CAST(1 AS TINYINT) AS sign"
    minus = "ends AS known, CAST(-1 AS TINYINT) AS sign"
    pluses = f"SELECT {picked}, {plus}, {hidden} FROM pairs {begun}"
    minuses = f"SELECT {picked}, {minus}, {hidden} FROM pairs {ended}"
    signed = f"SELECT {picked}, known, sign FROM ({pluses} UNION ALL {minuses})"
    pairs = _pairs_sql(join, left, right, base)
    order = _order_sql(join, left, right)
    return f"WITH pairs AS MATERIALIZED ({pairs}) {signed} ORDER BY {order}, known, sign"


def _right_keys(right: Table) -> list[str]:
    """Return the names under which the key columns of the right side stand in `pairs`."""
    return [f"right {name}" for name in right.key]


def _order_sql(join: Join, left: Table, right: Table) -> str:
    """Return the columns by which the rows lie sorted: the first id, then the keys of both sides."""
    columns = joined_table(join, left, right).columns
    first = first_by(columns, left.key)
    return nulls_first([first, *left.key, *_right_keys(right)])


def nulls_first(names: Iterable[str]) -> str:
    """Return the ORDER BY of some columns, rows without a value first.

    >>> nulls_first(["worker", "day"])
    '"worker" NULLS FIRST, "day" NULLS FIRST'
    """
    return ", ".join(f"{named(name)} NULLS FIRST" for name in names)


def _pairs_sql(join: Join, left: Table, right: Table, base: Path) -> str:
    """Return the SELECT of every pair that agrees on the join's key, with the days it `begins` and `ends`."""
    columns = [f"l.{named(column.name)}" for column in left.columns]
    for name, new in taken_as(join, left, right).items():
        columns.append(f"r.{named(name)} AS {named(new)}")
    columns.append("l.row_id")
    columns.append("r.row_id AS right_row_id")
    for name, hidden in zip(right.key, _right_keys(right), strict=True):
        columns.append(f"r.{named(name)} AS {named(hidden)}")
    columns.append("greatest(l.known, r.known) AS begins")
    columns.append("least(l.ends, r.ends) AS ends")
    agreements: list[str] = []
    for name in join.on:
        column = named(name)
        agreements.append(f"l.{column} = r.{column}")
    picked = ", ".join(columns)
    agree = " AND ".join(agreements)
    left_rows = lives_sql(base / f"{join.left}.parquet")
    right_rows = lives_sql(base / f"{join.right}.parquet")
    return f"SELECT {picked} FROM ({left_rows}) AS l JOIN ({right_rows}) AS r ON {agree}"


def lives_sql(path: Path) -> str:
    """Return the SELECT of a signed table's positive rows, each with the day `ends` on which it is taken back."""
    rows = parquet_sql(path)
    ends = f"coalesce(minus.known, {FOREVER}) AS ends"
    negatives = f"SELECT row_id, known FROM {rows} WHERE sign = -1"
    joined = f"{rows} AS plus LEFT JOIN ({negatives}) AS minus ON plus.row_id = minus.row_id"
    return f"SELECT plus.*, {ends} FROM {joined} WHERE plus.sign = 1"
