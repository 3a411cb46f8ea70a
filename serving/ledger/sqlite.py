"""The SQLite file of a ledger: its tables, its locks, and how it is opened.

Tables: `head` (size, frontier and the ledger's own name), `entries` (what the tree holds), `nodes` (every complete
subtree), `payloads` (what expires) and `retries` (idempotency keys, which expire with the payload).
"""

from __future__ import annotations

import fcntl
import os
import secrets
import sqlite3
from collections.abc import Iterator
from contextlib import AbstractContextManager, closing, contextmanager, nullcontext
from pathlib import Path
from typing import Any, BinaryIO

from features.errors import LedgerError
from features.files import (
    OWNER,
    close_to_others,
    durable,
    lock_seconds,
    own_folder,
    wait_for_lock,
    write_points,
)
from serving.database.connection import Errors

SCHEMA = """
CREATE TABLE head (one INTEGER PRIMARY KEY CHECK (one = 1), origin TEXT NOT NULL, size INTEGER NOT NULL,
                   frontier BLOB NOT NULL);
CREATE TABLE entries (sequence INTEGER PRIMARY KEY, leaf BLOB NOT NULL);
CREATE TABLE nodes (level INTEGER, place INTEGER, hash BLOB NOT NULL, PRIMARY KEY (level, place)) WITHOUT ROWID;
CREATE TABLE payloads (sequence INTEGER PRIMARY KEY, keep_until INTEGER NOT NULL, salt BLOB NOT NULL,
                       payload BLOB NOT NULL);
CREATE TABLE retries (retry_key TEXT PRIMARY KEY, request TEXT NOT NULL, sequence INTEGER NOT NULL) WITHOUT ROWID;
CREATE INDEX retries_of ON retries (sequence);
CREATE TRIGGER entries_stay BEFORE UPDATE ON entries BEGIN SELECT RAISE(ABORT, 'an entry is never changed'); END;
CREATE TRIGGER entries_remain BEFORE DELETE ON entries BEGIN SELECT RAISE(ABORT, 'an entry is never removed'); END;
"""

_PATIENCE = 30.0
"""Seconds for which a command waits for a lock of the database; a choice: others hold it for milliseconds."""

HAS_HEAD = "SELECT 1 FROM sqlite_master WHERE name = 'head'"


class SqliteConnection(sqlite3.Connection):
    """A connection to the file of a ledger."""

    failures: Errors = (sqlite3.Error, UnicodeDecodeError)  # a damaged file may garble the error
    unknown: Errors = (sqlite3.OperationalError,)

    def each(self, query: str) -> Iterator[tuple[Any, ...]]:
        """Yield the rows of a query, which SQLite reads as they are asked for."""
        yield from self.execute(query)

    def begin_writing(self) -> None:
        """Begin a transaction when no other connection writes."""
        # what is compared is to come from the file: a connection would not see that its pages were overwritten
        self.execute("PRAGMA shrink_memory")
        self.execute("BEGIN IMMEDIATE")

    def commit_writing(self) -> None:
        """Commit; an error means that nothing was."""
        self.execute("COMMIT")

    def wipe(self) -> None:
        """Leave nothing of erased rows behind in the write-ahead log."""
        self.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    def together(self) -> AbstractContextManager[object]:
        """Run statements as they come: there is no way to the database to save."""
        return nullcontext()

    def guards(self) -> dict[str, str]:
        """Return the triggers of this file."""
        query = "SELECT name, sql FROM sqlite_master WHERE type = 'trigger'"
        return dict(self.execute(query).fetchall())

    def own_guards(self) -> dict[str, str]:
        """Return the triggers that the tables of a ledger have."""
        with closing(sqlite3.connect(":memory:", factory=SqliteConnection)) as example:
            example.executescript(SCHEMA)
            return example.guards()


def create(path: Path) -> None:
    """Make the ledger file, whole or not at all, unless it is there; LedgerError when the path cannot hold one."""
    try:
        own_folder(path.parent)
        with writers_lock(path):
            for end in ("", "-wal", "-shm"):
                close_to_others(path.with_name(f"{path.name}{end}"))
            if not path.exists():
                with durable(path, OWNER) as draft:
                    # without a journal: a draft is whole only once it has its name, and leaves no second file
                    _lay_out(draft, "journal_mode = OFF")
            with closing(writing(path)) as connection:
                is_laid_out = connection.execute(HAS_HEAD).fetchone() is not None
            if not is_laid_out:  # an empty file, such as a version before left where it was killed
                _lay_out(path, "journal_mode = WAL")
    except (sqlite3.Error, OSError) as failure:
        raise LedgerError(
            f"no ledger can be kept at {path} ({failure}); give the path of a writable file"
        ) from None


def _lay_out(path: Path, pragma: str) -> None:
    """Give an empty file the tables of a ledger without entries."""
    with closing(sqlite3.connect(path, timeout=30, isolation_level=None)) as connection:
        connection.execute(f"PRAGMA {pragma}")
        connection.executescript(f"BEGIN IMMEDIATE; {SCHEMA}")
        connection.execute("INSERT INTO head VALUES (1, ?, 0, x'')", (secrets.token_hex(8),))
        with write_points("a ledger is made"):
            connection.execute("COMMIT")


def writing(path: Path, patience: float | None = None) -> SqliteConnection:
    """Return a connection that commits durably (write-ahead log, synced at every commit) and erases what it deletes.

    It waits `patience` seconds for a lock. It makes no file where none has the name.
    """
    place = f"{path.resolve().as_uri()}?mode=rw"
    seconds = _PATIENCE if patience is None else patience
    connection = sqlite3.connect(
        place, timeout=seconds, isolation_level=None, uri=True, factory=SqliteConnection
    )
    for pragma in ("journal_mode = WAL", "synchronous = FULL", "secure_delete = ON"):
        connection.execute(f"PRAGMA {pragma}")
    return connection


@contextmanager
def writers_lock(path: Path) -> Iterator[BinaryIO]:
    """Hold the writers' lock; LockHeld where no other program releases it within `lock_seconds`.

    Its file holds the last head that a writer acknowledged, which all writers of this ledger know by it.
    """
    with _lock_file(path) as file:
        wait_for_lock(file.fileno(), writers_lock_place(path), lock_seconds())
        yield file


@contextmanager
def queued_writers_lock(path: Path) -> Iterator[BinaryIO]:
    """Hold the writers' lock, waiting as long as it takes; for a service's writer, for which nobody waits without end.

    Waiting in the kernel's queue instead of SQLite's back-off keeps the longest waits short.
    """
    with _lock_file(path) as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield file


def writers_lock_place(path: Path) -> Path:
    """Return where the file of the writers' lock of a ledger lies."""
    return path.with_name(f"{path.name}.lock")


def _lock_file(path: Path) -> BinaryIO:
    """Open the file of the writers' lock."""
    place = writers_lock_place(path)
    file = os.fdopen(os.open(place, os.O_RDWR | os.O_CREAT, OWNER), "r+b")
    close_to_others(place)  # else any user of the machine could hold it, and stop all records
    return file


@contextmanager
def file_reader(path: Path) -> Iterator[SqliteConnection]:
    """Open a ledger for reading, one unchanging state of it; LedgerError when there is none."""
    if not path.is_file():
        raise LedgerError(
            f"there is no ledger at {path}; score once to begin one, or give its path"
        )
    try:
        with closing(
            sqlite3.connect(path, timeout=30, isolation_level=None, factory=SqliteConnection)
        ) as connection:
            connection.execute("PRAGMA query_only = ON")
            connection.execute("BEGIN")
            _check_begun(connection, path)
            yield connection
    except SqliteConnection.failures as failure:
        raise LedgerError(
            f"the file at {path} is not a readable ledger ({failure}); restore it from a copy"
        ) from None


def _check_begun(connection: SqliteConnection, path: Path) -> None:
    """Raise LedgerError where a file has no table yet, as after a stop before the first commit."""
    (objects,) = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    if not objects:
        raise LedgerError(
            f"there is no ledger yet at {path}: whoever began it was stopped; score once to begin one"
        )
