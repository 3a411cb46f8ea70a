"""Checkpoints: what an auditor keeps outside, the signature on it, and whether a ledger still begins with it."""

from __future__ import annotations

from base64 import b64decode, b64encode
from binascii import Error as NotBase64
from dataclasses import dataclass
from pathlib import Path

from features.errors import LedgerError
from features.files import OWNER, durable, exclusive_lock
from serving.database.connection import LedgerConnection
from serving.database.place import LedgerPlace, local_file
from serving.ledger import merkle
from serving.ledger.head import read_head
from serving.ledger.opening import ledger_reader
from serving.ledger.read import reader
from serving.proof.note import LOG, NoteSigner, new_signer, parse_signer

_NAME = "lssi-risk/"


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """What an auditor keeps outside: the ledger's name, its size, its root, and when that was."""

    origin: str
    size: int
    root: bytes
    at: str

    @property
    def name(self) -> str:
        """The first line: the name under which the ledger's key signs."""
        return f"{_NAME}{self.origin}"

    def __str__(self) -> str:
        return f"{self.name}\n{self.size}\n{b64encode(self.root).decode()}\n{self.at}\n"


@dataclass(frozen=True, slots=True)
class Consistency:
    """That a ledger begins with an older checkpoint: the older size, the proof, and the signed checkpoint of now."""

    old: int
    path: tuple[bytes, ...]
    note: str

    def __str__(self) -> str:
        steps = "".join(f"{b64encode(step).decode()}\n" for step in self.path)
        return f"old {self.old}\n{steps}\n{self.note}"


def checkpoint(path: LedgerPlace, at: str) -> Checkpoint:
    """Return the checkpoint of the ledger as it stands; `at` is the time to write on it."""
    with ledger_reader(path) as connection:
        return checkpoint_now(connection, at)


def checkpoint_now(connection: LedgerConnection, at: str) -> Checkpoint:
    """Return the checkpoint of an open ledger, as `checkpoint` does."""
    now = read_head(connection)
    return Checkpoint(now.origin, now.size, merkle.frontier_root(now.frontier), at)


def parse_checkpoint(text: str) -> Checkpoint:
    """Return the checkpoint in a text, signed or not; LedgerError if the text is not a checkpoint."""
    try:
        name, size, root, at = text.partition("\n\n")[0].strip().split("\n")
        is_root = len(b64decode(root, validate=True)) == 32
        # one size has one text: no sign, no zero before it
        if (
            name.startswith(_NAME)
            and is_root
            and size.isascii()
            and size == str(int(size)).lstrip("-")
        ):
            return Checkpoint(name.removeprefix(_NAME), int(size), b64decode(root), at)
    except (ValueError, NotBase64):
        pass
    raise LedgerError(
        "this is no checkpoint: it should have four lines, name, size, root, time; give the saved file"
    )


def ledger_signer(path: LedgerPlace) -> NoteSigner:
    """Return the key with which a ledger signs, from the file beside it; the first call makes it."""
    with ledger_reader(path) as connection:
        name = _NAME + read_head(connection).origin
    place = local_file(path).with_suffix(".key")
    with exclusive_lock(place.with_name(f"{place.name}.lock")):
        signer = stored_signer(place, name, LOG)
    if signer.key.name != name:
        raise LedgerError(
            f"the key in {place.name} is of another ledger, {signer.key.name}; put this ledger's key back"
        )
    return signer


def stored_signer(place: Path, name: str, kind: int) -> NoteSigner:
    """Return the key in a file, which is made with that name where there is none; the caller holds its lock."""
    if place.exists():
        return parse_signer(place.read_text("utf-8", errors="replace"))
    signer = new_signer(name, kind)
    with durable(place, OWNER) as draft:
        draft.write_text(f"{signer.secret()}\n", "utf-8")
    return signer


def signed(mark: Checkpoint, signer: NoteSigner) -> str:
    """Return a checkpoint with its signature, as C2SP writes them."""
    return f"{mark}\n{signer.log_line(str(mark))}"


def consistent(path: LedgerPlace, old: Checkpoint | None, at: str) -> Consistency:
    """Return the proof that a ledger begins with an older checkpoint; LedgerError where it does not.

    Every ledger begins with nothing, for which `old` is None; that needs no proof.
    """
    signer = ledger_signer(path)
    with ledger_reader(path) as connection:
        mark = checkpoint_now(connection, at)
        if old is None or not old.size:
            return Consistency(0, (), signed(mark, signer))
        check_begins(connection, mark, old)
        steps = merkle.consistency(reader(connection), old.size, mark.size)
    return Consistency(old.size, tuple(steps), signed(mark, signer))


def check_extends(path: LedgerPlace, old: Checkpoint) -> None:
    """Raise LedgerError unless a ledger begins with what an older checkpoint says."""
    with ledger_reader(path) as connection:
        check_begins(connection, checkpoint_now(connection, old.at), old)


def check_begins(connection: LedgerConnection, now: Checkpoint, old: Checkpoint) -> None:
    """Raise LedgerError unless an open ledger, of which `now` is the checkpoint, begins with an older one."""
    if old.origin != now.origin:
        raise LedgerError("this checkpoint is of another ledger; give one of this ledger")
    if old.size > now.size:
        raise LedgerError(
            f"this checkpoint is of {old.size} records and the ledger holds {now.size}: records were"
            " cut off; run `lssi ledger verify` with it"
        )
    if merkle.root(reader(connection), old.size) != old.root:
        raise LedgerError(
            "the history before this checkpoint was rewritten; run `lssi ledger verify` with it"
        )
