"""Joins as tables: those declared, which columns a derived table has, and by which of them it lies sorted."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache

from features.catalogue.model import Join
from features.contract.tables import Column, Table
from features.errors import CatalogueError
from features.text_files import declaration_lines, declaration_text

ORDER = ("enterprise", "worker", "provider", "claim")


@cache
def declared_joins() -> tuple[Join, ...]:
    """Return the derived tables that a load materialises."""
    text = declaration_text("joins.txt")
    joins: list[Join] = []
    for name, left_table, right_table, on, right_columns in declaration_lines(text, 5, "joins.txt"):
        keys = tuple(on.split(", "))
        columns = tuple(right_columns.split(", "))
        joins.append(Join(name, left_table, right_table, keys, columns))
    return tuple(joins)


@cache
def sides_of(table: str) -> tuple[str, ...]:
    """Return the tables from which a table's rows are made."""
    for join in declared_joins():
        if join.name == table:
            return join.left, join.right
    return (table,)


def left_of(table: str) -> str:
    """Return the table whose rows a table has: its left side if it is a join."""
    return sides_of(table)[0]


def base_tables(names: Iterable[str]) -> set[str]:
    """Return tables of the contract: of a derived table both sides."""
    sides = {join.name: (join.left, join.right) for join in declared_joins()}
    tables: set[str] = set()
    for name in names:
        tables.update(sides.get(name, (name,)))
    return tables


def first_by(columns: tuple[Column, ...], key: tuple[str, ...]) -> str:
    """Return the column by which a table lies sorted: the first id of ORDER that it has, else that of its key."""
    names = {column.name for column in columns}
    for name in ORDER:
        if name in names:
            return name
    return key[0]


def taken_as(join: Join, left: Table, right: Table) -> dict[str, str]:
    """Return the columns taken from the right with their new names: prefixed where the left has the name already."""
    left_names = {column.name for column in left.columns}
    prefix = right.name.removesuffix("s")
    new_names: dict[str, str] = {}
    for name in join.taken:
        if name not in join.on:
            new_names[name] = f"{prefix}_{name}" if name in left_names else name
    return new_names


def joined_table(join: Join, left: Table, right: Table) -> Table:
    """Return a join as a table of its own: the left's columns, then those taken; CatalogueError if one is not there."""
    for side in (left, right):
        for name in join.on:
            side.column(name)
    right_columns: list[Column] = []
    for name, new_name in taken_as(join, left, right).items():
        column = right.column(name)
        # Without the column's own laws, which compare it with days that the join need not have.
        right_columns.append(
            Column(
                name=new_name,
                kind=column.kind,
                detail=column.detail,
                optional=column.optional,
                zh=column.zh,
                en=column.en,
            )
        )
    columns = left.columns + tuple(right_columns)
    names = {column.name for column in columns}
    if len(names) < len(columns):
        raise CatalogueError(f"join {join.name!r} takes two columns of one name; leave one out")
    return Table(
        name=join.name,
        zh=f"{left.zh}·{right.zh}",
        en=f"{left.en}, with {right.en}",
        key=left.key,
        columns=columns,
    )
