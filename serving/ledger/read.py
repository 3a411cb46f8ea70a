"""Reading a ledger: its head, a record by its id, and the proof that the record stands in the log."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from features.errors import LedgerError
from serving.database.connection import LedgerConnection
from serving.database.place import LedgerPlace
from serving.errors import RecordUnknown
from serving.ledger import merkle
from serving.ledger.entries import leaf_content, payload_digest, record_id_of, sequence_of
from serving.ledger.head import Head, checked_head, read_head
from serving.ledger.opening import ledger_reader

ROWS = (
    "SELECT CAST(leaf AS BLOB), CAST(salt AS BLOB), CAST(payload AS BLOB), sequence"
    " FROM entries LEFT JOIN payloads USING (sequence)"
)


_BLOCK = 256
"""Entries whose nodes are read together; a choice: a way to a database and back costs as much as a hundred nodes."""


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


def head(path: LedgerPlace) -> Head:
    """Return the head of the ledger: its name, size and frontier."""
    with ledger_reader(path) as connection:
        return read_head(connection)


def check_newest(path: LedgerPlace) -> None:
    """Raise LedgerError where the head disagrees with the entries, or a newer version wrote the newest entry."""
    with ledger_reader(path) as connection:
        size = checked_head(connection, ()).size
        query = "SELECT CAST(leaf AS BLOB) FROM entries WHERE sequence = ?"
        for (leaf,) in connection.execute(query, (size - 1,)):
            leaf_content(leaf)


def find(path: LedgerPlace, record_id: str) -> StoredRecord:
    """Return one record, leaf and payload checked; RecordUnknown, or LedgerError when it was changed."""
    with ledger_reader(path) as connection:
        return stored(connection, record_id)


def stored(connection: LedgerConnection, record_id: str) -> StoredRecord:
    """Return one record of the open ledger, as `find` does."""
    place = sequence_of(record_id)
    row = connection.execute(f"{ROWS} WHERE sequence = ?", (place,)).fetchone()
    if row is None:
        size = read_head(connection).size
        raise RecordUnknown(
            f"record '{record_id}' is not in this ledger of {size} records; check the id"
        )
    leaf, salt, payload, _ = row
    # the tree keeps its own copy of each leaf's hash, so an edited entry no longer agrees with it
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


def prove(path: LedgerPlace, record_id: str) -> Proof:
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


def reader(connection: LedgerConnection) -> merkle.Node:
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


class NodesAhead:
    """The stored nodes for whoever needs all of them in the order of the entries that complete them, read in blocks."""

    def __init__(self, connection: LedgerConnection) -> None:
        self._connection = connection
        self._block = -1
        self._nodes: dict[tuple[int, int], bytes] = {}

    def node(self, level: int, place: int) -> bytes | None:
        """Return a node, None where it is missing."""
        # the last entry beneath a node completes it
        last_entry = ((place + 1) << level) - 1
        block = last_entry // _BLOCK
        if block != self._block:
            self._read(block)
        return self._nodes.get((level, place))

    def _read(self, block: int) -> None:
        """Read the nodes that the entries of a block complete, level by level, which the key of the table sorts."""
        first, end = block * _BLOCK, (block + 1) * _BLOCK
        self._nodes = {}
        levels = (level for level in range(end.bit_length()) if first >> level < end >> level)
        for level in levels:
            rows = self._connection.execute(
                "SELECT place, CAST(hash AS BLOB) FROM nodes WHERE level = ? AND place >= ? AND place < ?",
                (level, first >> level, end >> level),
            )
            self._nodes |= {(level, place): bytes(leaf_hash) for place, leaf_hash in rows}
        self._block = block
