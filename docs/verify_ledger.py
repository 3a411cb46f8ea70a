"""Check an exported ledger, or the proof of one record, without lssi-risk, its machine or the network.

    python verify_ledger.py EXPORT KEY [--checkpoint OLD] [--witness WITNESS_KEY]
    python verify_ledger.py RECORD.tlog-proof KEY

KEY is what `lssi ledger key` printed, given to you outside. The script needs Python 3.11, the package `cryptography` and
nothing else: copy it. Exit code 0: all agrees; 1: something does not; 2: a file or key cannot be read as what it should be.
"""

from __future__ import annotations

import argparse
import json
import sys
from base64 import b64decode
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

FORM = "lssi-risk/export/1"
PROOF = "c2sp.org/tlog-proof@v1"
LOG, WITNESS = 1, 4


class Disagreement(Exception):
    """Something does not agree."""


class Unreadable(Exception):
    """A file or key is not what it should be, so that nothing can be said."""


class Key(NamedTuple):
    """A public key: its name, the number by which a signature names it, its kind, and its bytes."""

    name: str
    number: bytes
    kind: int
    public: bytes


class Mark(NamedTuple):
    """What a checkpoint says: which log, how many records, under which root, and when."""

    name: str
    size: int
    root: bytes
    at: str


def key_of(text: str) -> Key:
    """Return the key in a text of the form NAME+NUMBER+BASE64."""
    try:
        name, number, encoded = text.strip().split("+", 2)
        material = b64decode(encoded, validate=True)
        computed = sha256(f"{name}\n".encode() + material).digest()[:4]
        if computed.hex() == number and len(material) == 33 and material[0] in (LOG, WITNESS):
            return Key(name, computed, material[0], material[1:])
    except ValueError:
        pass
    raise Unreadable("this is no key: it should look like NAME+NUMBER+BASE64")


def mark_of(note: str, key: Key) -> Mark:
    """Return what a signed checkpoint says, once its signature by `key` holds."""
    signed_times(note, key)
    try:
        name, size, root, at = note.partition("\n\n")[0].split("\n")
        mark = Mark(name, int(size), b64decode(root, validate=True), at)
    except ValueError:
        raise Unreadable("this is no checkpoint: name, size, root and time are expected") from None
    if mark.name != key.name:
        raise Disagreement(f"the checkpoint is of {mark.name}, and the key of {key.name}")
    return mark


def signed_times(note: str, key: Key) -> list[int]:
    """Return when a key signed a note (a log's key does not say: 0); Disagreement where no signature of it holds."""
    text, _, lines = note.rpartition("\n\n")
    times: list[int] = []
    for line in lines.splitlines():
        dash, _, rest = line.partition(" ")
        name, _, encoded = rest.rpartition(" ")
        content = b64decode(encoded or "")
        if dash != "\N{EM DASH}" or name != key.name or content[:4] != key.number:
            continue
        seconds, signed = 0, f"{text}\n"
        signature = content[4:]
        if key.kind == WITNESS:
            seconds, signature = int.from_bytes(signature[:8], "big"), signature[8:]
            signed = f"cosignature/v1\ntime {seconds}\n{signed}"
        try:
            Ed25519PublicKey.from_public_bytes(key.public).verify(signature, signed.encode())
        except InvalidSignature:
            raise Disagreement(f"a signature of {key.name} is false") from None
        times.append(seconds)
    if not times:
        raise Disagreement(f"the checkpoint is not signed by {key.name} with this key")
    return times


def leaf_hash(leaf: bytes) -> bytes:
    """RFC 9162, section 2.1.1: the hash of a leaf."""
    return sha256(b"\x00" + leaf).digest()


Stack = list[tuple[int, bytes]]
"""The complete subtrees of a tree, largest first: how many leaves each has, and its root."""


def grown(leaves: Iterator[bytes]) -> Iterator[tuple[int, Stack]]:
    """Yield the size and the complete subtrees of the tree after each leaf, beginning with the empty tree."""
    stack: Stack = []
    yield 0, stack
    for size, leaf in enumerate(leaves, 1):
        stack.append((1, leaf_hash(leaf)))
        while len(stack) > 1 and stack[-1][0] == stack[-2][0]:
            (count, right), (_, left) = stack.pop(), stack.pop()
            stack.append((2 * count, sha256(b"\x01" + left + right).digest()))
        yield size, stack


def root_of(stack: Stack) -> bytes:
    """RFC 9162, section 2.1.1: the root of a tree."""
    if not stack:
        return sha256(b"").digest()
    root = stack[-1][1]
    for _, left in reversed(stack[:-1]):
        root = sha256(b"\x01" + left + root).digest()
    return root


def root_by_path(leaf: bytes, index: int, size: int, path: list[bytes]) -> bytes:
    """RFC 9162, section 2.1.3.2: the root to which an inclusion proof leads."""
    place, last, root = index, size - 1, leaf_hash(leaf)
    if not 0 <= index < size:
        raise Disagreement(f"record {index} is not in a log of {size}")
    for step in path:
        if not last:
            raise Disagreement("the proof is too long")
        if place & 1 or place == last:
            root = sha256(b"\x01" + step + root).digest()
            while not place & 1 and place:
                place, last = place >> 1, last >> 1
        else:
            root = sha256(b"\x01" + root + step).digest()
        place, last = place >> 1, last >> 1
    if last:
        raise Disagreement("the proof is too short")
    return root


def content_of(leaf: bytes, number: int) -> dict[str, object]:
    """Return what a leaf says."""
    try:
        content = json.loads(leaf)
        if isinstance(content["payload"], str):
            return dict(content)
    except (ValueError, KeyError, TypeError):
        pass
    raise Disagreement(f"record {number} is no entry of a ledger")


def leaves_of(lines: Iterator[str], counts: dict[str, int]) -> Iterator[bytes]:
    """Yield the leaves of an export, each payload that is there compared with its leaf, and count both."""
    for number, line in enumerate(lines):
        try:
            fields = {
                name: b64decode(text, validate=True) for name, text in json.loads(line).items()
            }
            leaf = fields["leaf"]
        except (ValueError, KeyError, AttributeError, TypeError):
            raise Unreadable(f"line {number + 2} of the export is not readable") from None
        said = content_of(leaf, number)["payload"]
        counts["records"] += 1
        if "payload" in fields:
            counts["payloads"] += 1
            if sha256(fields.get("salt", b"") + fields["payload"]).hexdigest() != said:
                raise Disagreement(f"the payload of record {number} was changed")
        yield leaf


def check_export(path: Path, key: Key, kept: Mark | None) -> str:
    """Check a whole export against its checkpoint and one that was kept outside; return what was found."""
    counts = {"records": 0, "payloads": 0}
    with path.open(encoding="utf-8") as lines:
        note = header_of(lines.readline())["checkpoint"]
        mark = mark_of(note, key)
        for size, stack in grown(leaves_of(lines, counts)):
            if kept is not None and kept.size == size and kept.root != root_of(stack):
                raise Disagreement(f"the first {size} records are not those of the checkpoint kept")
    if (size, root_of(stack)) != (mark.size, mark.root):
        raise Disagreement(
            f"the export of {size} records is not what the checkpoint of {mark.size} says"
        )
    if kept is not None and kept.size > size:
        raise Disagreement(f"the export has {size} records and the checkpoint kept {kept.size}")
    return f"{mark.name}: {counts['records']} records, {counts['payloads']} with payload, as of {mark.at}"


def header_of(line: str) -> dict[str, str]:
    """Return the first line of an export."""
    try:
        header = json.loads(line)
        if header["form"] == FORM and isinstance(header["checkpoint"], str):
            return dict(header)
    except (ValueError, KeyError, TypeError):
        pass
    raise Unreadable(f"this is no export of the form {FORM}")


def check_proof(text: str, key: Key) -> str:
    """Check that one record stands in the log of a signed checkpoint; return what was found."""
    head, _, note = text.partition("\n\n")
    try:
        _, extra, index, *steps = head.split("\n")
        leaf = b64decode(extra.removeprefix("extra "), validate=True)
        place = int(index.removeprefix("index "))
        path = [b64decode(step, validate=True) for step in steps]
    except ValueError:
        raise Unreadable("this proof is not readable") from None
    mark = mark_of(note, key)
    if root_by_path(leaf, place, mark.size, path) != mark.root:
        raise Disagreement(f"record {place} does not stand in the log of this checkpoint")
    said = content_of(leaf, place)
    return f"{mark.name}: record {place} ({said.get('kind')}, {said.get('at')}) of {mark.size}, as of {mark.at}"


def first_line(path: Path) -> str:
    """Return the first line of a file, without its end."""
    with path.open(encoding="utf-8") as lines:
        return lines.readline().rstrip("\n")


def checked(words: argparse.Namespace) -> str:
    """Check what was asked for and return what was found."""
    key, first = key_of(words.key), first_line(words.file)
    note = words.checkpoint.read_text("utf-8") if words.checkpoint else ""
    kept = mark_of(note, key) if note else None
    if first == PROOF:
        text = words.file.read_text("utf-8")
        said = check_proof(text, key)
        note = note or text.partition("\n\n")[2]
    else:
        said = check_export(words.file, key, kept)
        note = note or header_of(first)["checkpoint"]
    if words.witness:
        witness = key_of(words.witness)
        signed_times(note, witness)
        said += f"; signed by {witness.name}"
    return said


def main() -> int:
    """Print one line, and return the exit code."""
    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument("file", type=Path, help="an export, or the proof of one record")
    words.add_argument("key", help="the ledger's public key")
    words.add_argument("--checkpoint", type=Path, help="a signed checkpoint that was kept outside")
    words.add_argument("--witness", help="the public key of a witness whose signature is expected")
    try:
        print(f"一致 everything agrees | {checked(words.parse_args())}")
    except Disagreement as problem:
        print(f"不符 FAULT | {problem}")
        return 1
    except (Unreadable, OSError, ValueError) as problem:
        print(f"error: {problem}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
