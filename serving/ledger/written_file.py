"""The file under a ledger's writer: nothing is acknowledged unless it stands in the file that has the ledger's name."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

from features.errors import LedgerError
from serving.ledger.entries import Entry
from serving.ledger.head import Head, Outcome, committed, note_head, noted_head
from serving.ledger.sqlite import SqliteConnection, queued_writers_lock, writers_lock, writing

Identity = tuple[tuple[int, int], ...]
"""Device and inode of the database, of its write-ahead log and of the index of that log."""


class WrittenFile:
    """One writer's connection to a ledger, with what the writer knows: which files it has open, and the last heads that
    were acknowledged, its own and, from the lock's file, another writer's.

    A restore, a move or a cut under an open connection is seen by none of SQLite's own checks: the connection would
    go on writing to a file that no name leads to. So each group compares names and head with what is known.
    """

    def __init__(self, path: Path, patience: float | None) -> None:
        self._path, self._patience = path, patience
        self._connection: SqliteConnection | None = None
        self._identity: Identity = ()
        self._bytes = 0
        self._head: Head | None = None

    def write(self, entries: Callable[[], Sequence[Entry]]) -> list[Outcome]:
        """Write what `entries` returns once the lock is held; an error means that nothing of it is acknowledged."""
        # a service tells those who wait when its patience ends; a command has nobody else to tell it
        lock_of = writers_lock if self._patience is None else queued_writers_lock
        with lock_of(self._path) as lock:
            connection = self._opened()
            known_heads = (self._head, noted_head(lock))
            try:
                connection.begin_writing()
                head, outcomes = committed(connection, known_heads, entries)
            except BaseException:
                self._roll_back(connection)
                raise
            self._confirm()
            self._head = head
            note_head(lock, head)
            return outcomes

    def close(self) -> None:
        """Close the connection, if one is open; the next group opens another."""
        connection, self._connection = self._connection, None
        if connection is not None:
            with suppress(sqlite3.Error):  # it may be of a file that is damaged or gone
                connection.close()

    def _opened(self) -> SqliteConnection:
        """Return the connection, a new one where other files have the names than those it has open."""
        if not self._path.is_file():
            raise LedgerError("the ledger's file is gone; put it back")
        if self._connection is not None and identity_of(self._path) == self._identity:
            self._check_length()
            return self._connection
        self.close()
        first = inode(self._path)
        connection = writing(self._path, self._patience)
        try:
            connection.execute("SELECT count(*) FROM head").fetchone()  # opens the log too
        except sqlite3.Error:
            connection.close()
            raise
        self._connection, self._identity, self._bytes = connection, identity_of(self._path), 0
        if self._identity[0] != first:
            self.close()
            raise LedgerError("the ledger's file is being replaced; try again when that is done")
        return connection

    def _confirm(self) -> None:
        """Raise LedgerError unless what was committed went to the files that have the names now."""
        if identity_of(self._path) != self._identity:
            raise LedgerError("the ledger's file was replaced while a record was written to it")
        self._check_length()

    def _check_length(self) -> None:
        size = self._path.stat().st_size
        if size < self._bytes:  # a ledger only grows
            raise LedgerError(
                f"the ledger's file was cut from {self._bytes} to {size} bytes; restore it from a copy"
            )
        self._bytes = size

    def _roll_back(self, connection: SqliteConnection) -> None:
        with suppress(sqlite3.Error):
            if connection.in_transaction:
                connection.execute("ROLLBACK")
        if connection.in_transaction:
            self.close()


def inode(path: Path) -> tuple[int, int]:
    """Return device and inode of the file that has a name now."""
    status = path.stat()
    return status.st_dev, status.st_ino


def identity_of(path: Path) -> Identity:
    """Return which files have the names of a ledger now; a file that is missing has the numbers -1."""
    numbers: list[tuple[int, int]] = []
    for end in ("", "-wal", "-shm"):
        try:
            numbers.append(inode(path.with_name(f"{path.name}{end}")))
        except FileNotFoundError:
            numbers.append((-1, -1))
    return tuple(numbers)
