"""What leaves the ledger to be checked elsewhere: the whole log as lines of JSON, and the proof of one record as text."""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from features.files import replaced
from serving.database.connection import LedgerConnection
from serving.database.place import LedgerPlace
from serving.ledger import merkle
from serving.ledger.opening import ledger_reader
from serving.ledger.read import reader, stored
from serving.proof.checkpoint import checkpoint_now, ledger_signer, signed

FORM = "lssi-risk/export/1"
"""The form of an export; docs/verify_ledger.py reads it."""
_LEAVES = "SELECT CAST(leaf AS BLOB), NULL, NULL FROM entries ORDER BY sequence"
_WITH_PAYLOADS = (
    "SELECT CAST(leaf AS BLOB), CAST(salt AS BLOB), CAST(payload AS BLOB)"
    " FROM entries LEFT JOIN payloads USING (sequence) ORDER BY sequence"
)


def export(path: LedgerPlace, out: Path, at: str) -> int:
    """Write every entry of a ledger, which names no person, with its signed checkpoint; return how many."""
    return _export(path, out, at, _LEAVES)


def export_with_payloads(path: LedgerPlace, out: Path, at: str) -> int:
    """Write a ledger as `export` does, each entry with its salt and payload where they are not yet erased."""
    return _export(path, out, at, _WITH_PAYLOADS)


def record_proof(path: LedgerPlace, record_id: str, at: str) -> str:
    """Return the proof that a record stands in the log, as C2SP's tlog-proof: its leaf, place, path and checkpoint."""
    signer = ledger_signer(path)
    with ledger_reader(path) as connection:
        place = stored(connection, record_id).sequence
        mark = checkpoint_now(connection, at)
        (leaf,) = connection.execute(
            "SELECT CAST(leaf AS BLOB) FROM entries WHERE sequence = ?", (place,)
        ).fetchone()
        steps = merkle.audit_path(reader(connection), place, mark.size)
    lines = [
        "c2sp.org/tlog-proof@v1",
        f"extra {_text(leaf)}",
        f"index {place}",
        *map(_text, steps),
        "",
        signed(mark, signer),
    ]
    return "\n".join(lines)


def _export(path: LedgerPlace, out: Path, at: str, query: str) -> int:
    signer = ledger_signer(path)
    with ledger_reader(path) as connection, replaced(out) as draft, draft.open("w") as file:
        mark = checkpoint_now(connection, at)
        _write(file, {"form": FORM, "key": str(signer.key), "checkpoint": signed(mark, signer)})
        for line in _lines(connection, query):
            _write(file, line)
    return mark.size


def _lines(connection: LedgerConnection, query: str) -> Iterator[dict[str, str]]:
    for leaf, salt, payload in connection.each(query):
        line = {"leaf": _text(leaf)}
        if payload is not None and salt is not None:
            line |= {"salt": _text(salt), "payload": _text(payload)}
        yield line


def _write(file: IO[str], line: dict[str, str]) -> None:
    file.write(json.dumps(line, ensure_ascii=True) + "\n")


def _text(content: bytes) -> str:
    return b64encode(content).decode()
