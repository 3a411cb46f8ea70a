"""One entry of the ledger: what the tree holds for ever, and the payload beside it that expires."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Literal

from features.errors import LedgerError
from serving.errors import RecordUnknown

Kind = Literal["score", "batch", "plan", "act"]

_ENCODER = json.JSONEncoder(
    sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
)
# at most 18 digits, which fit into the 64 bits of a database's integer
_RECORD_ID = re.compile(r"(0|[1-9]\d{0,17})-([0-9a-f]{10})")


@dataclass(frozen=True, slots=True)
class Entry:
    """What a caller hands to the ledger: one record, before it has a number.

    `at` is ISO 8601 text, `as_of`, `complete_to` and `keep_until` are integer days, `bundle` is the digest of the
    model bundle ("" where none took part), `request` the digest of the request. `payload` is kept up to and with
    the day `keep_until`. The same `retry_key` with the same request gives the first receipt again.
    """

    kind: Kind
    at: str
    as_of: int
    complete_to: int
    bundle: str
    request: str
    payload: bytes
    keep_until: int
    retry_key: str | None = None


@dataclass(frozen=True, slots=True)
class Receipt:
    """What the ledger gives back once an entry is durable: `first` is false when a retry met its earlier record."""

    record_id: str
    sequence: int
    first: bool


def canonical(value: object) -> bytes:
    """Return the one JSON text of a value: keys sorted, no spaces, UTF-8, shortest exact floats, no NaN.

    >>> canonical({"b": 0.1, "a": "险"}).decode()
    '{"a":"险","b":0.1}'
    """
    return _ENCODER.encode(value).encode()


def sha256_of(content: bytes) -> str:
    """Return the SHA-256 of some bytes as 64 hex digits."""
    return sha256(content).hexdigest()


def payload_digest(salt: bytes, payload: bytes) -> str:
    """Return the salted digest of a payload: with the salt gone, nobody can confirm a guess of its content."""
    return sha256(salt + payload).hexdigest()


def leaf_of(entry: Entry, salt: bytes) -> bytes:
    """Return the bytes that enter the tree: no unit, no person, only digests, days and the kind."""
    return canonical(
        {
            "as_of": entry.as_of,
            "at": entry.at,
            "bundle": entry.bundle,
            "complete_to": entry.complete_to,
            "keep_until": entry.keep_until,
            "kind": entry.kind,
            "payload": payload_digest(salt, entry.payload),
            "version": 1,
        }
    )


def leaf_content(leaf: bytes) -> Mapping[str, Any]:
    """Return the content of a leaf; LedgerError if it is not an entry of this ledger's format."""
    try:
        content = json.loads(leaf)
        if (
            content["version"] == 1
            and isinstance(content["payload"], str)
            and isinstance(content["keep_until"], int)
        ):
            return dict(content)
        if isinstance(content["version"], int) and content["version"] > 1:
            raise LedgerError(
                f"an entry of the ledger is of form {content['version']}, which a newer version wrote;"
                " use that version"
            )
    except (ValueError, KeyError, TypeError):
        # broken text and a missing field get the same error as a wrong one, below
        pass
    raise LedgerError(
        "an entry of the ledger is not readable; run `lssi ledger verify` to locate it"
    )


def record_id_of(sequence: int, leaf_hash: bytes) -> str:
    """Return the id of a record: its number and the first ten hex digits of its leaf hash.

    >>> record_id_of(17, bytes(32))
    '17-0000000000'
    """
    return f"{sequence}-{leaf_hash.hex()[:10]}"


def sequence_of(record_id: str) -> int:
    """Return the number in a record id; RecordUnknown when it is none."""
    parts = _RECORD_ID.fullmatch(record_id)
    if parts is None:
        raise RecordUnknown(f"a record id should look like 17-3fa91c02be; got {record_id[:40]!r}")
    return int(parts.group(1))
