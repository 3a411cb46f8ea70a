"""What a record says of a scored day: the day by its digest, and each unit by the leaf of its row and the proof of it."""

from __future__ import annotations

from base64 import b64decode, b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from serving.ledger import merkle

HASH_BYTES = sha256().digest_size
"""Bytes of one hash of a proof."""


@dataclass(frozen=True, slots=True)
class DayName:
    """A scored day: the SHA-256 of its manifest, the number of its units, and the Merkle root over them, in hex."""

    digest: str
    count: int
    root: str


@dataclass(frozen=True, slots=True)
class RowReference:
    """One unit of a scored day: its place, the hash of its leaf in hex, and the audit path, hashes in base64.

    Base64 keeps the record of one unit of a city below 2 kB, where the hex digits of 19 hashes alone are 1.2 kB.
    """

    key: str
    place: int
    leaf: str
    path: str


@dataclass(frozen=True, slots=True)
class DayReference:
    """What of a record stands in a scored day: the day, the record of the batch that wrote it, and its units.

    `order` names all units of a record that has others too, as they were asked for; else the rows are in that order.
    `has_reasons` is false where the request asked for scores alone.
    """

    day: DayName
    batch: str
    rows: tuple[RowReference, ...]
    order: tuple[str, ...] = ()
    has_reasons: bool = True

    @property
    def keys(self) -> tuple[str, ...]:
        """The units of the whole record in the order in which they were asked for."""
        return self.order or tuple(row.key for row in self.rows)


def day_folder(target: str, as_of: int, name: DayName) -> str:
    """Return the name of a scored day's folder in `days/` of the home."""
    return f"{target}-{as_of}-{name.digest[:12]}"


def row_reference(key: str, place: int, leaf: bytes, path: Sequence[bytes]) -> RowReference:
    """Return the reference to a unit whose leaf stands at a place of the tree."""
    return RowReference(key, place, leaf.hex(), b64encode(b"".join(path)).decode())


def is_of_day(row: RowReference, day: DayName) -> bool:
    """Tell whether a leaf belongs to a scored day, by the proof alone."""
    try:
        hashes, leaf = b64decode(row.path, validate=True), bytes.fromhex(row.leaf)
    except ValueError:
        return False
    steps = [hashes[at : at + HASH_BYTES] for at in range(0, len(hashes), HASH_BYTES)]
    root = merkle.root_by_inclusion(leaf, row.place, day.count, steps)
    return root is not None and root.hex() == day.root


def plain_reference(reference: DayReference) -> dict[str, Any]:
    """Return a reference as plain JSON values."""
    # written out, since `asdict` walks and copies what is plain already: it took a fiftieth of a request
    day = reference.day
    return {
        "day": {"digest": day.digest, "count": day.count, "root": day.root},
        "batch": reference.batch,
        "rows": [
            {"key": row.key, "place": row.place, "leaf": row.leaf, "path": row.path}
            for row in reference.rows
        ],
        "order": list(reference.order),
        "has_reasons": reference.has_reasons,
    }


def reference_of(plain: Mapping[str, Any]) -> DayReference:
    """Return the reference that a record holds; TypeError or KeyError where it is none."""
    return DayReference(
        day=DayName(**plain["day"]),
        batch=plain["batch"],
        rows=tuple(RowReference(**row) for row in plain["rows"]),
        order=tuple(plain["order"]),
        has_reasons=plain["has_reasons"],
    )
