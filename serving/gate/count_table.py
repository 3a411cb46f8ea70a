"""Two numbers by name, which all workers of a service read and change in one small file.

Reads and writes of a file, not a mapping of it: a file that is cut or a full disk then costs a count, not the process.
"""

from __future__ import annotations

import fcntl
import logging
import os
import struct
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from hashlib import blake2b
from pathlib import Path

from features.files import OWNER, own_folder

LOG = logging.getLogger("lssi.access")
_SLOT = struct.Struct("<16sdd")
_PROBED = 16
"""Slots in which one name may stand; a choice: half a kilobyte is read at once."""
_TRIES = 100
"""Looks at the lock before a count is made without it; a choice: holders need microseconds, and one that sleeps stops nobody."""
Pair = tuple[float, float]


class CountTable:
    """A table of a fixed number of slots. Of names that compete for a slot, the one with the least second number makes room."""

    def __init__(self, path: Path | None, slots: int) -> None:
        """Open the table in a file, or one of this process alone where none is named or none can be opened."""
        self._slots = slots
        self._file = _opened(path)

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Let nobody else change the table; in vain only where another process sleeps with the lock."""
        for _ in range(_TRIES):
            with suppress(OSError):
                fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            os.sched_yield()
        try:
            yield
        finally:
            with suppress(OSError):
                fcntl.flock(self._file, fcntl.LOCK_UN)

    def get(self, name: str) -> Pair | None:
        """Return the numbers of a name, None where it has none."""
        digest = _digest(name)
        for _, owner, pair in self._near(digest):
            if owner == digest:
                return pair
        return None

    def put(self, name: str, pair: Pair) -> None:
        """Set the numbers of a name; in vain where the disk is full or gone."""
        digest = _digest(name)
        places = self._near(digest)
        place, _, _ = min(places, key=lambda slot: (slot[1] != digest, slot[2][1]))
        with suppress(OSError):
            os.pwrite(self._file, _SLOT.pack(digest, *pair), place * _SLOT.size)

    def _near(self, digest: bytes) -> list[tuple[int, bytes, Pair]]:
        """Return place, name's digest and numbers of each slot in which a name may stand; empty ones hold zeros."""
        first = int.from_bytes(digest[:8], "little") % (self._slots - _PROBED + 1)
        size = _PROBED * _SLOT.size
        content = b""
        with suppress(OSError):
            content = os.pread(self._file, size, first * _SLOT.size)
        slots = _SLOT.iter_unpack(content.ljust(size, b"\0"))
        return [
            (first + step, owner, (count, moment))
            for step, (owner, count, moment) in enumerate(slots)
        ]


def _opened(path: Path | None) -> int:
    if path is not None:
        try:
            own_folder(path.parent)
            return os.open(path, os.O_RDWR | os.O_CREAT, OWNER)
        except OSError as error:
            LOG.warning("this worker counts requests for itself alone: %s", error)
    return os.memfd_create("lssi-counts")


def _digest(name: str) -> bytes:
    return blake2b(name.encode(), digest_size=16).digest()
