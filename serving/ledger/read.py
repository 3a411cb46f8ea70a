"""Reading a ledger: its head, a record by its id, and the proof that the record stands in the log."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from features.errors import LedgerError
from serving.errors import RecordUnknown
from serving.ledger import merkle
from serving.ledger.entries import leaf_content, payload_digest, record_id_of, sequence_of
from serving.ledger.sqlite import Head, read_head

ROWS = (
    "SELECT CAST(leaf AS BLOB), CAST(salt AS BLOB), CAST(payload AS BLOB), sequence"
    " FROM entries LEFT JOIN payloads USING (sequence)"
)


@dataclass(frozen=True, slots=True)
class StoredRecord:
    """One record as the ledger holds it: `entry` is what the leaf says, `payload` is None once it has expired."""

    record_id: str
    sequence: int
    entry: Mapping[str, Any]
    payload: bytes | None


@dataclass(frozen=True, slots=True)
class Proof:
    """That a leaf stands at `sequence` in the log of `size` entries with this root; hashes in lowercase hex."""

    origin: str
    sequence: int
    size: int
    leaf: str
    path: tuple[str, ...]
    root: str


@contextmanager
def ledger_reader(path: Path) -> Iterator[sqlite3.Connection]:
    """Open a ledger for reading, one unchanging state of it; LedgerError when there is none."""
    if not path.is_file():
        raise LedgerError(
            f"there is no ledger at {path}; score once to begin one, or give its path"
        )
    try:
        with closing(sqlite3.connect(path, timeout=30, isolation_level=None)) as connection:
            connection.execute("PRAGMA query_only = ON")
            connection.execute("BEGIN")
            _check_begun(connection, path)
            yield connection
    except (sqlite3.Error, UnicodeDecodeError) as failure:  # a damaged file may garble the error
        raise LedgerError(
            f"the file at {path} is not a readable ledger ({failure}); restore it from a copy"
        ) from None


def _check_begun(connection: sqlite3.Connection, path: Path) -> None:
    """Raise LedgerError where a file has no table yet, as after a stop before the first commit."""
    (objects,) = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    if not objects:
        raise LedgerError(
            f"there is no ledger yet at {path}: whoever began it was stopped; score once to begin one"
        )


def head(path: Path) -> Head:
    """Return the head of the ledger: its name, size and frontier."""
    with ledger_reader(path) as connection:
        return read_head(connection)


def find(path: Path, record_id: str) -> StoredRecord:
    """Return one record, leaf and payload checked; RecordUnknown, or LedgerError when it was changed."""
    with ledger_reader(path) as connection:
        return stored(connection, record_id)


def stored(connection: sqlite3.Connection, record_id: str) -> StoredRecord:
    """Return one record of the open ledger, as `find` does."""
    place = sequence_of(record_id)
    row = connection.execute(f"{ROWS} WHERE sequence = ?", (place,)).fetchone()
    if row is None:
        size = read_head(connection).size
        raise RecordUnknown(
            f"record '{record_id}' is not in this ledger of {size} records; check the id"
        )
    leaf, salt, payload, _ = row
    hashed = merkle.leaf_hash(leaf)
    if reader(connection)(0, place) != hashed:
        raise LedgerError(
            f"record {place} was changed after it was written; run `lssi ledger verify`"
        )
    if record_id_of(place, hashed) != record_id:
        raise RecordUnknown(f"record {place} has another digest than '{record_id}'; check the id")
    entry = leaf_content(leaf)
    if payload is not None and payload_digest(salt, payload) != entry["payload"]:
        raise LedgerError(
            f"the payload of record '{record_id}' was changed; run `lssi ledger verify`"
        )
    return StoredRecord(record_id, place, entry, payload)


def prove(path: Path, record_id: str) -> Proof:
    """Return the proof that a record stands in the log as it is now."""
    with ledger_reader(path) as connection:
        place = stored(connection, record_id).sequence
        now, node = read_head(connection), reader(connection)
        steps = tuple(step.hex() for step in merkle.audit_path(node, place, now.size))
        return Proof(
            now.origin,
            place,
            now.size,
            node(0, place).hex(),
            steps,
            merkle.root(node, now.size).hex(),
        )


def proof_holds(proof: Proof) -> bool:
    """Say whether the path of a proof leads from its leaf to its root."""
    path = [bytes.fromhex(step) for step in proof.path]
    root = merkle.root_by_inclusion(bytes.fromhex(proof.leaf), proof.sequence, proof.size, path)
    return root is not None and root.hex() == proof.root


def reader(connection: sqlite3.Connection) -> merkle.Node:
    """Return the reader of the stored nodes; LedgerError when one is missing."""

    def node(level: int, place: int) -> bytes:
        row = connection.execute(
            "SELECT CAST(hash AS BLOB) FROM nodes WHERE level = ? AND place = ?", (level, place)
        ).fetchone()
        if row is None:
            raise LedgerError(
                "a node of the ledger's tree is missing; run `lssi ledger verify` to locate it"
            )
        return bytes(row[0])

    return node
