"""Seals: beside a file that never changes, the digests of its blocks, so that what is read of it is what was written.

Each block is compared when it is first looked at. So a lookup in a city's history reads no more of a file than it needs.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import BinaryIO

from features.errors import HistoryError
from features.files import replaced

SUFFIX = ".seal"
"""What follows a file's name in that of its seal."""
BLOCK = 1 << 16
"""Bytes of a block: a lookup reads one of each column, 40 microseconds of hashing; larger ones cost it more."""
DIGEST = 16
"""Bytes of a block's digest, the first of its SHA-256: no two blocks share them by chance, and a seal is 1/4,096 of its file."""
OWN = sha256().digest_size
SIZE = 8
"""Bytes in which a seal says how long its file is, behind its own digest."""
Signature = tuple[int, int, int]

_WHOLE: dict[Path, Signature] = {}
"""The files that this process has compared whole: inode, size and time of each as they were then."""


class Seal:
    """The seal of one file, and which of its blocks were compared with it."""

    def __init__(self, path: Path) -> None:
        """Read the seal of a file; HistoryError where there is none, or where it or the file's length is not what it was."""
        self.path = path
        try:
            content = seal_path(path).read_bytes()
            self.size = path.stat().st_size
        except OSError:
            raise _damaged(path) from None
        digest, stated = content[:OWN], content[OWN:]
        self._blocks = stated[SIZE:]
        is_whole = sha256(stated).digest() == digest
        if not is_whole or int.from_bytes(stated[:SIZE], "little") != self.size:
            raise _damaged(path)
        self._compared = bytearray(len(self._blocks) // DIGEST)

    def check(self, start: int, stop: int) -> None:
        """Raise HistoryError unless the bytes from start to below stop are what was sealed."""
        first, beyond = start // BLOCK, -(-stop // BLOCK)
        # the usual case: all were looked at before
        if self._compared.find(0, first, beyond) < 0:
            return
        with self.path.open("rb") as file:
            for block in range(first, min(beyond, len(self._compared))):
                if not self._compared[block]:
                    self._compare(file, block)

    def check_all(self) -> None:
        """Raise HistoryError unless the whole file is what was sealed."""
        self.check(0, self.size)

    def _compare(self, file: BinaryIO, block: int) -> None:
        # read apart from any mapping, so that what is compared does not stay in this process's memory
        content = os.pread(file.fileno(), BLOCK, block * BLOCK)
        place = block * DIGEST
        if _digest(content) != self._blocks[place : place + DIGEST]:
            raise _damaged(self.path)
        self._compared[block] = 1


def seal_digest(path: Path) -> str:
    """Return what names the content of a sealed file: the digest of its seal, in hex; HistoryError where it has none."""
    try:
        with seal_path(path).open("rb") as file:
            digest = file.read(OWN)
        path.stat()
    except OSError:
        raise _damaged(path) from None
    return digest.hex()


def seal_path(path: Path) -> Path:
    """Return where the seal of a file lies."""
    return path.with_name(path.name + SUFFIX)


@contextmanager
def with_seal(path: Path) -> Iterator[Path]:
    """Yield a file to write, as `replaced` does, whose seal is in place before it is: there is no moment without."""
    with replaced(path) as unfinished:
        yield unfinished
        seal_file(path, unfinished)


def check_whole(path: Path) -> None:
    """Raise HistoryError unless a whole file is what was sealed; it is compared once, and again after a change."""
    status = path.stat()
    signature = (status.st_ino, status.st_size, status.st_mtime_ns)
    if _WHOLE.get(path) != signature:
        Seal(path).check_all()
        _WHOLE[path] = signature


def seal_file(path: Path, content: Path | None = None) -> None:
    """Write the seal of a finished file; of one that still has another name, `content`, before it gets its own."""
    blocks = bytearray()
    size = 0
    with (content or path).open("rb") as file:
        while block := file.read(BLOCK):
            blocks += _digest(block)
            size += len(block)
    stated = size.to_bytes(SIZE, "little") + blocks
    with replaced(seal_path(path)) as unfinished:
        unfinished.write_bytes(sha256(stated).digest() + stated)


def _digest(block: bytes) -> bytes:
    return sha256(block).digest()[:DIGEST]


def _damaged(path: Path) -> HistoryError:
    place = "/".join(path.parts[-3:])
    return HistoryError(
        f"{place} of the store is not what was written there; restore the store from a copy,"
        " or remove its folder and load the source again"
    )
