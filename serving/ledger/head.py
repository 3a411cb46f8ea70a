"""The head of a ledger, what it must agree with, and the one transaction in which a group of entries makes the next."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import chain
from typing import Any, BinaryIO

from features.errors import LedgerError
from features.files import write_points
from serving.database.connection import LedgerConnection
from serving.errors import RetryConflict
from serving.ledger import merkle
from serving.ledger.entries import Entry, Receipt, leaf_of, record_id_of

Outcome = Receipt | LedgerError
_MEANT = ", or remove its .lock file if what stands there is meant"


@dataclass(frozen=True, slots=True)
class Head:
    """The head of a ledger: its name, its size, and its frontier, which is the roots of its complete subtrees, largest first."""

    origin: str
    size: int
    frontier: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class _Retry:
    """What an idempotency key was used for: the digest of the request, and its record."""

    request: str
    record_id: str
    sequence: int


@dataclass(frozen=True, slots=True)
class _NewRows:
    """The rows that a group of entries adds, by table."""

    entries: list[tuple[Any, ...]] = field(default_factory=list)
    nodes: list[tuple[Any, ...]] = field(default_factory=list)
    payloads: list[tuple[Any, ...]] = field(default_factory=list)
    retries: list[tuple[Any, ...]] = field(default_factory=list)


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


def read_head(connection: LedgerConnection) -> Head:
    """Return the head of the ledger of this connection."""
    row = connection.execute("SELECT origin, size, CAST(frontier AS BLOB) FROM head").fetchone()
    if row is None:
        raise LedgerError("the ledger lacks its head row; restore it from a copy")
    origin, size, packed = row
    return Head(origin, int(size), tuple(packed[i : i + 32] for i in range(0, len(packed), 32)))


def checked_head(connection: LedgerConnection, known_heads: Iterable[Head | None]) -> Head:
    """Return the head; LedgerError unless it agrees with the newest entry and its tree begins with each known one."""
    head = read_head(connection)
    (newest,) = connection.execute("SELECT max(sequence) FROM entries").fetchone()
    if head.size != (0 if newest is None else newest + 1) or not _begins(connection, head):
        raise LedgerError("the ledger's head and entries disagree; run `lssi ledger verify`")
    for known_head in {known_head for known_head in known_heads if known_head not in (None, head)}:
        if known_head is not None:
            _check_grown(connection, known_head, head)
    return head


def _check_grown(connection: LedgerConnection, known: Head, head: Head) -> None:
    """Raise LedgerError unless a ledger with this head has grown from the known one."""
    if head.origin != known.origin:
        raise LedgerError("another ledger lies in this ledger's place; put this one back" + _MEANT)
    if head.size < known.size or not _begins(connection, known):
        raise LedgerError(
            f"the ledger was rolled back or rewritten: {known.size} records were acknowledged and it"
            f" holds {head.size}, or others; put the newer one back{_MEANT}"
        )


def _begins(connection: LedgerConnection, head: Head) -> bool:
    """Say whether the stored nodes hold the complete subtrees of a head."""
    places = list(merkle.frontier_places(head.size))
    if not places:
        return not head.frontier
    # one question for all, since each would be a way to a database and back
    each = " OR ".join(["level = ? AND place = ?"] * len(places))
    values = list(chain.from_iterable(places))
    rows = connection.execute(
        f"SELECT level, place, CAST(hash AS BLOB) FROM nodes WHERE {each}", values
    )
    nodes = {(level, place): node for level, place, node in rows}
    return tuple(nodes.get(place) for place in places) == head.frontier


def committed(
    connection: LedgerConnection,
    known_heads: Iterable[Head | None],
    entries: Callable[[], Sequence[Entry]],
) -> tuple[Head, list[Outcome]]:
    """Write and commit what `entries` returns in the transaction that was begun; return the new head with the outcomes.

    Each entry gets its receipt, or the error that concerns it alone. LedgerError, and nothing written, unless the ledger
    begins with each of the known heads.
    """
    head = checked_head(connection, known_heads)
    head, outcomes = write(connection, head, entries())
    with write_points("a group of records is committed"):
        connection.commit_writing()
    return head, outcomes


def write(
    connection: LedgerConnection, head: Head, entries: Sequence[Entry]
) -> tuple[Head, list[Outcome]]:
    """Write entries inside the open transaction of a ledger with this head; return the next head and each outcome."""
    rows = _NewRows()
    outcomes: list[Outcome] = []
    used = _used_keys(connection, [entry.retry_key for entry in entries if entry.retry_key])
    for entry in entries:
        earlier = None if entry.retry_key is None else used.get(entry.retry_key)
        if earlier is None:
            head, receipt = _extended(head, entry, rows)
            outcomes.append(receipt)
            if entry.retry_key is not None:
                # a second entry of this group under the same key is a repetition of this one
                used[entry.retry_key] = _Retry(entry.request, receipt.record_id, receipt.sequence)
        else:
            outcomes.append(_repeated(entry, earlier))
    _insert(connection, head, rows)
    return head, outcomes


def _used_keys(connection: LedgerConnection, keys: Sequence[str]) -> dict[str, _Retry]:
    """Return what those of some idempotency keys were used for that were used already."""
    if not keys:
        return {}
    places = ", ".join("?" * len(keys))
    query = (
        "SELECT retry_key, request, sequence, CAST(hash AS BLOB)"
        f" FROM retries JOIN nodes ON level = 0 AND place = sequence WHERE retry_key IN ({places})"
    )
    return {
        key: _Retry(request, record_id_of(sequence, leaf_hash), sequence)
        for key, request, sequence, leaf_hash in connection.execute(query, keys)
    }


def _repeated(entry: Entry, earlier: _Retry) -> Outcome:
    if earlier.request != entry.request:
        return RetryConflict("this idempotency key was used for another request; send a new key")
    return Receipt(earlier.record_id, earlier.sequence, first=False)


def _extended(head: Head, entry: Entry, rows: _NewRows) -> tuple[Head, Receipt]:
    """Add the rows of one more entry; return the head with it, and its receipt."""
    # the salt goes with the payload, and then nobody can confirm a guess of what it was
    place, salt = head.size, secrets.token_bytes(16)
    leaf = leaf_of(entry, salt)
    frontier, completed = merkle.grow(head.frontier, place, merkle.leaf_hash(leaf))
    rows.entries.append((place, leaf))
    rows.nodes.extend((level, place >> level, node) for level, node in enumerate(completed))
    rows.payloads.append((place, entry.keep_until, salt, entry.payload))
    if entry.retry_key is not None:
        rows.retries.append((entry.retry_key, entry.request, place))
    receipt = Receipt(record_id_of(place, completed[0]), place, first=True)
    return Head(head.origin, place + 1, frontier), receipt


def _insert(connection: LedgerConnection, head: Head, rows: _NewRows) -> None:
    with connection.together():
        connection.executemany("INSERT INTO entries VALUES (?, ?)", rows.entries)
        connection.executemany("INSERT INTO nodes VALUES (?, ?, ?)", rows.nodes)
        connection.executemany("INSERT INTO payloads VALUES (?, ?, ?, ?)", rows.payloads)
        if rows.retries:
            connection.executemany("INSERT INTO retries VALUES (?, ?, ?)", rows.retries)
        connection.execute(
            "UPDATE head SET size = ?, frontier = ?", (head.size, b"".join(head.frontier))
        )
