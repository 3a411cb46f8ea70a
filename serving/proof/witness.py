"""A witness, run by an audit office on its own machine: it signs a checkpoint only if the log has grown from the last.

In its folder lie its secret key and, for each log that it knows, the log's public key and the last checkpoint signed.
"""

from __future__ import annotations

import json
from base64 import b64decode
from binascii import Error as NotBase64
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from features.errors import LedgerError
from features.files import exclusive_lock, write_durable_text
from serving.ledger import merkle
from serving.proof.checkpoint import Checkpoint, Consistency, parse_checkpoint, stored_signer
from serving.proof.note import WITNESS, NoteKey, NoteSigner, log_signed, note_text, parse_note_key

_MOST_STEPS = 63
"""Steps of a proof at most, as C2SP's tlog-witness has it: no tree of fewer than 2**63 leaves needs more."""


@dataclass(frozen=True, slots=True)
class WitnessedLog:
    """What a witness knows of a log: its public key, and the last checkpoint signed, None before the first."""

    key: NoteKey
    last: Checkpoint | None


def parse_consistency(request: str) -> Consistency:
    """Return the proof in a text, as `lssi ledger consistent` writes it; LedgerError when it is none."""
    head, _, note = request.partition("\n\n")
    first, *steps = head.split("\n")
    size = first.removeprefix("old ")
    try:
        path = tuple(b64decode(step, validate=True) for step in steps)
        is_size = first.startswith("old ") and size.isascii() and size.isdecimal()
        is_path = len(path) <= _MOST_STEPS and all(len(step) == 32 for step in path)
        if is_size and is_path:
            return Consistency(int(size), path, note)
    except NotBase64:
        pass
    raise LedgerError(
        "this is no proof for a witness: it should begin with a line `old SIZE`, then steps, an empty line"
        " and the signed checkpoint; give what `lssi ledger consistent` wrote"
    )


def witness_signer(place: Path, name: str) -> NoteSigner:
    """Return the key of the witness of a folder, which is made with that name at its first use."""
    with exclusive_lock(place / "witness.lock"):
        return stored_signer(place / "witness.key", name, WITNESS)


def cosign(
    place: Path, signer: NoteSigner, request: str, seconds: int, trusted: NoteKey | None = None
) -> str:
    """Return the line with which a witness signs a checkpoint at a POSIX time; LedgerError where it must not.

    `trusted` is the log's key, told outside; it is needed once. The first checkpoint of a log is taken as it is, each
    later one only if it grows from the last that was signed. What was signed is durable before it is returned.
    """
    proof = parse_consistency(request)
    mark = parse_checkpoint(proof.note)
    with exclusive_lock(place / "witness.lock"):
        log = _known_log(place, mark, trusted)
        if not log_signed(proof.note, log.key):
            raise LedgerError(
                f"this checkpoint is not signed by the key of {mark.name}; not signed"
            )
        _check_grown(log.last, mark, proof)
        text = note_text(proof.note)
        content = {"key": str(log.key), "checkpoint": text}
        write_durable_text(_file_of(place, mark), json.dumps(content, ensure_ascii=False))
    return signer.witness_line(text, seconds)


def _known_log(place: Path, mark: Checkpoint, trusted: NoteKey | None) -> WitnessedLog:
    file = _file_of(place, mark)
    if not file.exists():
        if trusted is None or trusted.name != mark.name:
            raise LedgerError(
                f"this witness does not know the log {mark.name}; give its public key once, as `lssi ledger key`"
                " printed it (--log-key)"
            )
        return WitnessedLog(trusted, None)
    try:
        content = json.loads(file.read_text("utf-8"))
        log = WitnessedLog(parse_note_key(content["key"]), parse_checkpoint(content["checkpoint"]))
    except (ValueError, KeyError, TypeError):
        raise LedgerError(
            f"what this witness knows of {mark.name} is damaged ({file.name}); restore it from a copy"
        ) from None
    if trusted is not None and trusted != log.key:
        raise LedgerError(f"this witness knows another key of {mark.name}; not signed")
    return log


def _file_of(place: Path, mark: Checkpoint) -> Path:
    return place / f"{sha256(mark.name.encode()).hexdigest()[:16]}.json"


def _check_grown(last: Checkpoint | None, mark: Checkpoint, proof: Consistency) -> None:
    """Raise LedgerError unless a proof leads from the last checkpoint signed to a new one."""
    signed_size = 0 if last is None else last.size
    if proof.old != signed_size:
        raise LedgerError(
            f"the last checkpoint that this witness signed is of {signed_size} records, and the proof begins at"
            f" {proof.old}; make the proof from that checkpoint"
        )
    if last is None or not signed_size:
        grown = not proof.path
    else:
        grown = merkle.is_consistent((signed_size, last.root), (mark.size, mark.root), proof.path)
    if not grown:
        raise LedgerError(
            f"the log does not grow from the checkpoint of {signed_size} records that this witness signed: its"
            " history was rewritten, or the proof is not whole; not signed"
        )
