"""Signed notes as C2SP writes them: a text, and lines below it that sign it with Ed25519.

A key's text is `NAME+NUMBER+BASE64`. Kind 1 signs the text as a log does; kind 4 is a witness's, which adds when.
"""

from __future__ import annotations

from base64 import b64decode, b64encode
from binascii import Error as NotBase64
from collections.abc import Iterator
from dataclasses import dataclass, field
from hashlib import sha256

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from features.errors import LedgerError

LOG, WITNESS = 1, 4
"""Kinds of keys, by the numbers that the form gives them."""
_PRIVATE = "PRIVATE+KEY+"
_DASH = "— "


@dataclass(frozen=True, slots=True)
class NoteKey:
    """A public key: whose it is, its kind, and its 32 bytes."""

    name: str
    kind: int
    public: bytes

    @property
    def number(self) -> bytes:
        """The four bytes by which a line names this key."""
        return sha256(f"{self.name}\n".encode() + bytes([self.kind]) + self.public).digest()[:4]

    def __str__(self) -> str:
        material = b64encode(bytes([self.kind]) + self.public).decode()
        return f"{self.name}+{self.number.hex()}+{material}"


@dataclass(frozen=True, slots=True)
class NoteSigner:
    """A key with its secret seed, which no repr shows."""

    key: NoteKey
    seed: bytes = field(repr=False)

    def secret(self) -> str:
        """Return the text of the secret key, for a file that only its owner may read."""
        material = b64encode(bytes([self.key.kind]) + self.seed).decode()
        return f"{_PRIVATE}{self.key.name}+{self.key.number.hex()}+{material}"

    def log_line(self, text: str) -> str:
        """Return the line that signs a text as its log."""
        return self._line(self._signature(text))

    def witness_line(self, text: str, seconds: int) -> str:
        """Return the line that says: at this POSIX time, the text was the newest consistent one that was seen."""
        moment = seconds.to_bytes(8, "big")
        return self._line(moment + self._signature(_witnessed(text, seconds)))

    def _signature(self, text: str) -> bytes:
        return Ed25519PrivateKey.from_private_bytes(self.seed).sign(text.encode())

    def _line(self, signature: bytes) -> str:
        return f"{_DASH}{self.key.name} {b64encode(self.key.number + signature).decode()}\n"


def new_signer(name: str, kind: int) -> NoteSigner:
    """Return a new key of that name; LedgerError when a note's lines could not hold the name."""
    if not name or "+" in name or any(letter.isspace() for letter in name):
        raise LedgerError(f"a key's name should have no spaces and no +; got {name!r}")
    return _signer_of(name, kind, Ed25519PrivateKey.generate().private_bytes_raw())


def parse_signer(secret: str) -> NoteSigner:
    """Return the key in the text of a secret key; LedgerError when it is none. The text is not repeated."""
    name, kind, seed = _parts(secret.strip().removeprefix(_PRIVATE))
    signer = _signer_of(name, kind, seed)
    if secret.strip() != signer.secret():
        raise _no_key()
    return signer


def parse_note_key(text: str) -> NoteKey:
    """Return the public key in a text; LedgerError when it is none."""
    key = NoteKey(*_parts(text.strip()))
    if text.strip() != str(key):
        raise _no_key()
    return key


def note_text(note: str) -> str:
    """Return the text of a signed note, with its last newline; LedgerError when the note has no signature."""
    text, blank, lines = note.rpartition("\n\n")
    if not blank or not lines.startswith(_DASH):
        raise LedgerError("this text has no signature; give a signed checkpoint as it was written")
    return f"{text}\n"


def log_signed(note: str, key: NoteKey) -> bool:
    """Say whether a log's key signed a note; a line of the same name and number that is false makes it unsigned."""
    text = note_text(note).encode()
    signatures = list(_signatures(note, key))
    return bool(signatures) and all(_holds(key, one, text) for one in signatures)


def witness_times(note: str, key: NoteKey) -> list[int]:
    """Return the POSIX times at which a witness's key signed a note; nothing where a line of its is false."""
    times: list[int] = []
    for signature in _signatures(note, key):
        seconds = int.from_bytes(signature[:8], "big")
        if not _holds(key, signature[8:], _witnessed(note_text(note), seconds).encode()):
            return []
        times.append(seconds)
    return times


def _signer_of(name: str, kind: int, seed: bytes) -> NoteSigner:
    public = Ed25519PrivateKey.from_private_bytes(seed).public_key().public_bytes_raw()
    return NoteSigner(NoteKey(name, kind, public), seed)


def _parts(text: str) -> tuple[str, int, bytes]:
    try:
        # base64 may hold a plus, the name and the number cannot
        name, _, encoded = text.split("+", 2)
        material = b64decode(encoded, validate=True)
    except (ValueError, NotBase64):
        raise _no_key() from None
    if len(material) != 33 or material[0] not in (LOG, WITNESS):
        raise _no_key()
    return name, material[0], material[1:]


def _no_key() -> LedgerError:
    return LedgerError(
        "this is no key of a log or witness: it should look like NAME+NUMBER+BASE64; give its whole line"
    )


def _witnessed(text: str, seconds: int) -> str:
    return f"cosignature/v1\ntime {seconds}\n{text}"


def _signatures(note: str, key: NoteKey) -> Iterator[bytes]:
    """Yield the signatures on a note in lines that name this key."""
    start = f"{_DASH}{key.name} "
    for line in note.rpartition("\n\n")[2].splitlines():
        if not line.startswith(start):
            continue
        try:
            content = b64decode(line.removeprefix(start), validate=True)
        except NotBase64:
            continue
        if content[:4] == key.number:
            yield content[4:]


def _holds(key: NoteKey, signature: bytes, signed: bytes) -> bool:
    try:
        Ed25519PublicKey.from_public_bytes(key.public).verify(signature, signed)
    except (InvalidSignature, ValueError):
        return False
    return True
