"""Opening a ledger, wherever it lies: to make it, to read one state of it, and to write outside a service's writer.

The driver of PostgreSQL is loaded only for a ledger there: it takes two thirds of the time in which all else here is loaded.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from pathlib import Path

from serving.database.connection import LedgerConnection
from serving.database.place import LedgerPlace
from serving.ledger import sqlite


def create_ledger(place: LedgerPlace) -> None:
    """Make a ledger without entries, whole or not at all, unless it is there; LedgerError where none can be kept."""
    if isinstance(place, Path):
        sqlite.create(place)
        return
    from serving.database.postgres_create import create_tables

    create_tables(place)


def ledger_reader(place: LedgerPlace) -> AbstractContextManager[LedgerConnection]:
    """Open a ledger for reading, one unchanging state of it; LedgerError when there is none."""
    if isinstance(place, Path):
        return sqlite.file_reader(place)
    from serving.database.postgres_reading import database_reader

    return database_reader(place)


def ledger_exists(place: LedgerPlace) -> bool:
    """Say whether a ledger was begun at a place; LedgerError where that cannot be known."""
    if isinstance(place, Path):
        return place.is_file()
    from serving.database.postgres_reading import is_ledger_there

    return is_ledger_there(place)


@contextmanager
def ledger_writer(place: LedgerPlace) -> Iterator[LedgerConnection]:
    """Open a ledger for a writer beside the services; what it does not commit is undone."""
    if isinstance(place, Path):
        with sqlite.writers_lock(place), closing(sqlite.writing(place)) as file:
            yield file
        return
    from serving.database.postgres import told_in_one_line, writing_connection

    with told_in_one_line(place), closing(writing_connection(place)) as database:
        database.deadline = None  # how long an expiry or a copy takes depends on what is there
        yield database
