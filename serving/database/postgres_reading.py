"""Reading a ledger in PostgreSQL: one unchanging state of it, over connections that stay open between readers.

To connect takes a hundred times as long as to read a record, and a service reads one for each alert that it hands out.
"""

from __future__ import annotations

import atexit
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from threading import Lock

import psycopg

from features.errors import LedgerError
from serving.database.place import DatabaseLedger
from serving.database.postgres import (
    PostgresConnection,
    connected,
    is_begun,
    told_in_one_line,
)

_IDLE = 4
"""Connections that stay open in a process at most; a choice: a service reads few records at a time."""
Key = tuple[int, str]
"""Whose connection it is and where it leads: the process that made it, and the address."""
_idle: list[tuple[Key, PostgresConnection]] = []
_gate = Lock()


@contextmanager
def database_reader(place: DatabaseLedger) -> Iterator[PostgresConnection]:
    """Open a ledger for reading, one unchanging state of it; LedgerError when there is none or it cannot be reached."""
    with told_in_one_line(place):
        connection = _reader(place)
        try:
            if not is_begun(connection):
                raise LedgerError(
                    f"there is no ledger at {place}; score once to begin one, or state its address in LSSI_LEDGER"
                )
            yield connection
        finally:
            _give_back(place, connection)


def is_ledger_there(place: DatabaseLedger) -> bool:
    """Say whether a ledger was begun in a database; LedgerError where that cannot be known."""
    with told_in_one_line(place):
        connection = _reader(place)
        try:
            return is_begun(connection)
        finally:
            _give_back(place, connection)


def _reader(place: DatabaseLedger) -> PostgresConnection:
    """Return a connection in a transaction that reads one state, an idle one of this process where it still answers."""
    while (connection := _taken(_key(place))) is not None:
        with suppress(psycopg.Error):  # the server may have been restarted since
            _begin_reading(connection)
            return connection
        connection.close()
    connection = connected(place)
    _begin_reading(connection)
    return connection


def _key(place: DatabaseLedger) -> Key:
    return os.getpid(), place.address


def _taken(key: Key) -> PostgresConnection | None:
    """Return an idle connection and let nobody else have it; None where there is none."""
    with _gate:
        for place, (other, connection) in enumerate(_idle):
            if other == key:
                del _idle[place]
                return connection
    return None


def _begin_reading(connection: PostgresConnection) -> None:
    connection.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")


def _give_back(place: DatabaseLedger, connection: PostgresConnection) -> None:
    with suppress(psycopg.Error):
        connection.execute("ROLLBACK")
    with _gate:
        _idle.append((_key(place), connection))
        surplus = _idle[:-_IDLE]
        del _idle[:-_IDLE]
    for _, one in surplus:
        one.close()


@atexit.register
def _close_idle() -> None:
    for (process, _), connection in _idle:
        if process == os.getpid():
            connection.close()
