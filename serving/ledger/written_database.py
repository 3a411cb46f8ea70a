"""The database under a ledger's writer: nothing is acknowledged unless the server says that it is committed."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import BinaryIO

import psycopg

from features.errors import LedgerError, LockHeld
from features.files import OWNER, wait_for_lock
from serving.database import postgres
from serving.database.connection import Row
from serving.database.place import FILE, DatabaseLedger, local_file
from serving.database.postgres import PostgresConnection
from serving.ledger.entries import Entry
from serving.ledger.head import Head, Outcome, committed, note_head, noted_head

LOG = logging.getLogger("lssi.ledger")


class WrittenDatabase:
    """One writer's connection to a ledger in a database, with the last head that was acknowledged.

    The row of the head is the lock of all writers, whichever machine they run on. The home's note of the last head tells
    a database that was restored to an older state, as the lock's file of SQLite does.
    """

    def __init__(self, place: DatabaseLedger, patience: float | None) -> None:
        self._place = place
        self._patience = postgres.PATIENCE if patience is None else patience
        self._connection: PostgresConnection | None = None
        self._identity: Row = ()
        self._head: Head | None = None

    def write(self, entries: Callable[[], Sequence[Entry]]) -> list[Outcome]:
        """Write what `entries` returns once the lock is held; an error means that nothing of it is acknowledged."""
        with self._lock_file() as lock:
            known_heads = (self._head, noted_head(lock))
        try:
            connection = self._begun()
            head, outcomes = committed(connection, known_heads, entries)
        except psycopg.Error as failure:
            self.close()
            LOG.warning("the ledger's database failed: %s", postgres.database_message(failure))
            raise LedgerError(_refusal(failure)) from None
        except BaseException:
            self.close()
            raise
        self._head = head
        self._note(head)
        return outcomes

    def close(self) -> None:
        """Close the connection, if one is open, which undoes what was not committed; the next group opens another."""
        connection, self._connection = self._connection, None
        if connection is not None:
            with suppress(psycopg.Error):
                connection.close()

    def _begun(self) -> PostgresConnection:
        """Return the connection, in a transaction that keeps other writers out."""
        connection = self._connection
        if connection is None:
            return self._opened()
        try:
            self._begin(connection)
        except psycopg.OperationalError:
            if not connection.closed:
                raise
            # the server ended it while nobody wrote, as at a restart: nothing of this group was sent yet
            return self._opened()
        return connection

    def _opened(self) -> PostgresConnection:
        """Return a new connection, in a transaction that keeps other writers out."""
        self.close()
        self._connection = connection = postgres.writing_connection(self._place, self._patience)
        self._begin(connection)
        identity = connection.identity()
        if self._identity and identity != self._identity:
            LOG.warning("another database than before answers for the ledger: its head is compared")
        self._identity = identity
        return connection

    def _begin(self, connection: PostgresConnection) -> None:
        connection.deadline = time.monotonic() + self._patience
        connection.begin_writing()

    def _note(self, head: Head) -> None:
        """Let the home know a head that was acknowledged, unless another process has noted a later one."""
        with suppress(OSError, LockHeld), self._lock_file() as lock:
            noted = noted_head(lock)
            if noted is None or noted.size < head.size:
                note_head(lock, head)

    @contextmanager
    def _lock_file(self) -> Iterator[BinaryIO]:
        """Hold the home's note of the last head for the moment in which it is read or written."""
        path = local_file(self._place).with_name(f"{FILE}.lock")
        with os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT, OWNER), "r+b") as file:
            wait_for_lock(file.fileno(), path, self._patience)
            yield file


def _refusal(failure: psycopg.Error) -> str:
    """Return why nothing was recorded, by what the server said; without its address, which is no business of a client."""
    reason = failure.diag.message_primary
    cause = f"says {reason!r}" if reason else "does not answer"
    return f"the ledger could not be written: its database {cause}"
