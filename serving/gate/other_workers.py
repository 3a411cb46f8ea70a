"""What the other workers of a service have open: each writes how much it has, by key, into a file of its own."""

from __future__ import annotations

import fcntl
import logging
import os
import struct
import time
from pathlib import Path
from zlib import crc32

from features.files import OWNER, own_folder
from features.ingest.scan import files_in

LOG = logging.getLogger("lssi.access")
ALL = ""
"""The name under which all keys together are counted."""
_NUMBER = struct.Struct("<I")
_SLOTS = 1 << 20
"""Slots by key, most of them a hole in the file; a choice: two of a hundred keys meet in one once in two hundred services, and
then share their places."""
_MOST_WORKERS = 64
"""Workers that can see each other; a choice, above the cores of one machine."""
_LOOK_AGAIN = 1.0
"""Seconds after which the files are looked for again; a choice: so long a dead worker's requests may still count."""


class OtherWorkers:
    """The workers that count in one folder. A worker holds the lock of its file while it lives, so the dead are told apart."""

    def __init__(self, folder: Path | None) -> None:
        """Take a file that no living worker has; without a folder, or where none can be had, there are no others."""
        self._folder = folder
        self._own = -1 if folder is None else _own_file(folder)
        self._inode = None if self._own < 0 else os.fstat(self._own).st_ino
        self._others: list[int] = []
        self._looked = float("-inf")

    def opened(self, name: str) -> int:
        """Return how many requests of a key the others have open, or of ALL."""
        if self._own < 0:
            return 0
        self._look()
        place = _place(name)
        return sum(_number(other, place) for other in self._others)

    def tell(self, name: str, number: int) -> None:
        """Tell the others how many requests of a key this worker has open, or of ALL."""
        if self._own < 0:
            return
        try:
            os.pwrite(self._own, _NUMBER.pack(number), _place(name))
        except OSError as error:  # no room on the disk: the others take this worker for idle
            LOG.warning("the other workers do not know what this one has open: %s", error)
            self._own = -1

    def close(self) -> None:
        """Let go of the file, as the end of the process does."""
        for file in (*self._others, self._own):
            if file >= 0:
                os.close(file)
        self._own, self._others = -1, []

    def _look(self) -> None:
        moment = time.monotonic()
        if self._folder is None or moment < self._looked + _LOOK_AGAIN:
            return
        self._looked = moment
        for file in self._others:
            os.close(file)
        paths = files_in(self._folder, "worker-*")
        others = [path for path in paths if path.stat().st_ino != self._inode]
        self._others = [file for path in others if (file := _living(path)) >= 0]


def _own_file(folder: Path) -> int:
    try:
        own_folder(folder)
        for number in range(_MOST_WORKERS):
            file = os.open(folder / f"worker-{number:02}", os.O_RDWR | os.O_CREAT, OWNER)
            if _locked(file):
                os.ftruncate(file, 0)  # what a dead worker had open
                return file
            os.close(file)
    except OSError as error:
        LOG.warning("this worker counts open requests for itself alone: %s", error)
    return -1


def _living(path: Path) -> int:
    """Return the file of another worker that lives, opened; -1 for that of a dead one, and for this worker's own."""
    try:
        file = os.open(path, os.O_RDONLY)
    except OSError:
        return -1
    if _locked(file):
        os.close(file)
        return -1
    return file


def _locked(file: int) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _place(name: str) -> int:
    slot = 0 if name == ALL else 1 + crc32(name.encode()) % (_SLOTS - 1)
    return slot * _NUMBER.size


def _number(file: int, place: int) -> int:
    content = os.pread(file, _NUMBER.size, place)
    return int.from_bytes(content, "little")
