"""Joins as tables: which columns a derived table has, and by which of them it lies sorted."""

from __future__ import annotations

from features.catalogue.model import Join
from features.contract.tables import Column, Table
from features.errors import CatalogueError

ORDER = ("enterprise", "worker", "provider", "claim")


def first_by(columns: tuple[Column, ...], key: tuple[str, ...]) -> str:
    """Return the column by which a table lies sorted: the first id of ORDER that it has, else that of its key."""
    names = {column.name for column in columns}
    return next((name for name in ORDER if name in names), key[0])


def taken_as(join: Join, left: Table, right: Table) -> dict[str, str]:
    """Return the columns taken from the right with their new names: prefixed where the left has the name already."""
    there = {column.name for column in left.columns}
    singular = right.name.removesuffix("s")
    return {
        name: f"{singular}_{name}" if name in there else name
        for name in join.taken
        if name not in join.on
    }


def joined_table(join: Join, left: Table, right: Table) -> Table:
    """Return a join as a table of its own: the left's columns, then those taken; CatalogueError if one is not there."""
    for side in (left, right):
        for name in join.on:
            side.column(name)
    taken = []
    for name, new in taken_as(join, left, right).items():
        column = right.column(name)
        taken.append(Column(new, column.kind, column.detail, column.optional, column.zh, column.en))
    columns = left.columns + tuple(taken)
    if len({column.name for column in columns}) < len(columns):
        raise CatalogueError(f"join {join.name!r} takes two columns of one name; leave one out")
    return Table(
        join.name, f"{left.zh}·{right.zh}", f"{left.en}, with {right.en}", left.key, columns
    )
