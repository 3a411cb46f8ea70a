"""The columns of a stored table, derived joins included: their kinds, and the integers that texts stand for."""

from __future__ import annotations

from collections.abc import Iterable

from features.arrays import Literal
from features.errors import CatalogueError, UnknownId
from features.store.store import Store


def month_columns(store: Store, table: str, names: Iterable[str]) -> frozenset[str]:
    """Return which of the columns hold months."""
    return frozenset(name for name in names if store.column(table, name).kind == "month")


def literal_of(store: Store, table: str) -> Literal:
    """Return the reading of texts in a table's expressions: the code of a choice or an id, -1 where no row has it."""

    def read(name: str, text: str) -> int:
        column = store.column(table, name)
        if column.kind == "choice":
            if text not in column.choices:
                choices = ", ".join(column.choices)
                raise CatalogueError(f"{table}.{name} should be one of {choices}; got {text!r}")
            return column.choices.index(text)
        if column.kind == "id":
            try:
                return store.code(column.space, text)
            except UnknownId:
                return -1
        raise CatalogueError(
            f"{table}.{name} holds {column.kind}, which is not compared with the text {text!r}"
        )

    return read


def texts_of(store: Store, table: str, name: str, day: int | None = None) -> tuple[str, ...]:
    """Return the texts that a column's codes stand for, by code; of a day long closed those that were known then."""
    column = store.column(table, name)
    if column.kind == "choice":
        return column.choices
    return tuple(store.texts(column.space, day))
