"""An open ledger, whichever database holds it: the one form in which all code above speaks to it.

SQL is written once, as SQLite spells it; each kind of connection translates what its database spells otherwise.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from typing import Any, Protocol

Row = tuple[Any, ...]
Errors = tuple[type[Exception], ...]


class QueryRows(Protocol):
    """The rows of a query that holds few enough for memory."""

    def fetchone(self) -> Any:
        """Return the next row, None behind the last."""

    def __iter__(self) -> Iterator[Any]: ...


class LedgerConnection(Protocol):
    """One connection to the database of one ledger."""

    failures: Errors
    """All errors of this database."""
    unknown: Errors
    """Those after which nothing is known of what it holds, such as of a lock or of the way to it; others tell of damage."""

    def execute(self, query: str, values: Sequence[Any] = (), /) -> QueryRows:
        """Run a statement with a value for each `?`."""

    def executemany(self, query: str, rows: Iterable[Sequence[Any]], /) -> object:
        """Run a statement once for each row of values."""

    def each(self, query: str) -> Iterator[Row]:
        """Yield the rows of a query that may hold more than memory does; others may run meanwhile."""

    def begin_writing(self) -> None:
        """Begin a transaction when no other writer is in one, and keep others out until it ends."""

    def commit_writing(self) -> None:
        """Commit; LedgerError where the database was lost meanwhile, so that nobody knows whether it did."""

    def wipe(self) -> None:
        """Leave as little of erased rows behind as the database allows."""

    def together(self) -> AbstractContextManager[object]:
        """Let statements that need no answer before the next go to the database together."""

    def guards(self) -> dict[str, str]:
        """Return what runs by itself when rows change, by name: triggers and rules as the database holds them."""

    def own_guards(self) -> dict[str, str]:
        """Return what `guards` should return."""
