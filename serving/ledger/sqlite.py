"""The SQLite file of a ledger: its tables, its locks, and the one transaction that writes a group of entries.

Tables: `head` (size, frontier and the ledger's own name), `entries` (what the tree holds), `nodes` (every complete
subtree), `payloads` (what expires) and `retries` (idempotency keys, which expire with the payload).
"""

from __future__ import annotations

import fcntl
import os
import secrets
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from features.errors import LedgerError
from features.files import OWNER, close_to_others, durable, own_folder, write_points
from serving.errors import RetryConflict
from serving.ledger import merkle
from serving.ledger.entries import Entry, Receipt, leaf_of, record_id_of

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

_MEANT = ", or remove its .lock file if what stands there is meant"
HAS_HEAD = "SELECT 1 FROM sqlite_master WHERE name = 'head'"


@dataclass(frozen=True, slots=True)
class Head:
    """The head of a ledger: its name, its size, and its frontier, which is the roots of its complete subtrees, largest first."""

    origin: str
    size: int
    frontier: tuple[bytes, ...]


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


def writing(path: Path, patience: float | None = None) -> sqlite3.Connection:
    """Return a connection that commits durably (write-ahead log, synced at every commit) and erases what it deletes.

    It waits `patience` seconds for a lock. It makes no file where none has the name.
    """
    place = f"{path.resolve().as_uri()}?mode=rw"
    seconds = _PATIENCE if patience is None else patience
    connection = sqlite3.connect(place, timeout=seconds, isolation_level=None, uri=True)
    for pragma in ("journal_mode = WAL", "synchronous = FULL", "secure_delete = ON"):
        connection.execute(f"PRAGMA {pragma}")
    return connection


@contextmanager
def writers_lock(path: Path) -> Iterator[BinaryIO]:
    """Hold the writers' lock: waiting in the kernel's queue instead of SQLite's back-off keeps the longest waits short.

    Its file holds the last head that a writer acknowledged, which all writers of this ledger know by it.
    """
    place = path.with_name(f"{path.name}.lock")
    lock = os.open(place, os.O_RDWR | os.O_CREAT, OWNER)
    with os.fdopen(lock, "r+b") as file:
        close_to_others(place)  # else any user of the machine could hold it, and stop all records
        fcntl.flock(file, fcntl.LOCK_EX)
        yield file


def noted_head(lock: BinaryIO) -> Head | None:
    """Return the head that the lock's file holds; None where it holds none, as before the first record."""
    lock.seek(0)
    words = lock.read().decode("ascii", "replace").split()
    try:
        origin, size, *nodes = words
        return Head(origin, int(size), tuple(map(bytes.fromhex, nodes)))
    except ValueError:
        return None


def note_head(lock: BinaryIO, head: Head) -> None:
    """Let the lock's file hold a head that was acknowledged."""
    nodes = [node.hex() for node in head.frontier]
    with suppress(OSError):  # the records are durable; a note that lags only says less
        lock.seek(0)
        lock.write(" ".join([head.origin, str(head.size), *nodes, "\n"]).encode())
        lock.truncate()
        lock.flush()


def read_head(connection: sqlite3.Connection) -> Head:
    """Return the head of the ledger of this connection."""
    row = connection.execute("SELECT origin, size, CAST(frontier AS BLOB) FROM head").fetchone()
    if row is None:
        raise LedgerError("the ledger file lacks its head row; restore it from a copy")
    origin, size, packed = row
    return Head(origin, int(size), tuple(packed[i : i + 32] for i in range(0, len(packed), 32)))


def checked_head(connection: sqlite3.Connection, known: Head | None) -> Head:
    """Return the head; LedgerError unless it agrees with the newest entry and its tree begins with the `known` one."""
    head = read_head(connection)
    (newest,) = connection.execute("SELECT max(sequence) FROM entries").fetchone()
    if head.size != (0 if newest is None else newest + 1) or not _begins(connection, head):
        raise LedgerError("the ledger's head and entries disagree; run `lssi ledger verify`")
    if known is None or head == known:
        return head
    if head.origin != known.origin:
        raise LedgerError("another ledger lies in this ledger's place; put this one back" + _MEANT)
    if head.size < known.size or not _begins(connection, known):
        raise LedgerError(
            f"the ledger was rolled back or rewritten: {known.size} records were acknowledged and it"
            f" holds {head.size}, or others; put the newer file back{_MEANT}"
        )
    return head


def _begins(connection: sqlite3.Connection, head: Head) -> bool:
    """Say whether the stored nodes hold the complete subtrees of a head."""
    nodes = []
    for level, place in merkle.frontier_places(head.size):
        query = "SELECT CAST(hash AS BLOB) FROM nodes WHERE level = ? AND place = ?"
        nodes.append(connection.execute(query, (level, place)).fetchone())
    return nodes == [(node,) for node in head.frontier]


def write(connection: sqlite3.Connection, entries: Sequence[Entry]) -> list[Receipt | LedgerError]:
    """Write entries inside the open transaction; each gets its receipt, or the error that concerns it alone."""
    head = read_head(connection)
    outcomes: list[Receipt | LedgerError] = []
    for entry in entries:
        outcome = _earlier(connection, entry)
        if outcome is None:
            head, outcome = _extend(connection, head, entry)
        outcomes.append(outcome)
    connection.execute(
        "UPDATE head SET size = ?, frontier = ?", (head.size, b"".join(head.frontier))
    )
    return outcomes


def _earlier(connection: sqlite3.Connection, entry: Entry) -> Receipt | LedgerError | None:
    if entry.retry_key is None:
        return None
    retry = connection.execute(
        "SELECT request, sequence, hash FROM retries JOIN nodes ON level = 0 AND place = sequence WHERE retry_key = ?",
        (entry.retry_key,),
    ).fetchone()
    if retry is None:
        return None
    request, sequence, leaf_hash = retry
    if request != entry.request:
        return RetryConflict("this idempotency key was used for another request; send a new key")
    return Receipt(record_id_of(sequence, leaf_hash), sequence, first=False)


def _extend(connection: sqlite3.Connection, head: Head, entry: Entry) -> tuple[Head, Receipt]:
    place, salt = head.size, secrets.token_bytes(16)
    leaf = leaf_of(entry, salt)
    frontier, completed = merkle.grow(head.frontier, place, merkle.leaf_hash(leaf))
    connection.execute("INSERT INTO entries VALUES (?, ?)", (place, leaf))
    connection.executemany(
        "INSERT INTO nodes VALUES (?, ?, ?)",
        [(level, place >> level, node) for level, node in enumerate(completed)],
    )
    connection.execute(
        "INSERT INTO payloads VALUES (?, ?, ?, ?)", (place, entry.keep_until, salt, entry.payload)
    )
    if entry.retry_key is not None:
        connection.execute(
            "INSERT INTO retries VALUES (?, ?, ?)", (entry.retry_key, entry.request, place)
        )
    receipt = Receipt(record_id_of(place, completed[0]), place, first=True)
    return Head(head.origin, place + 1, frontier), receipt
