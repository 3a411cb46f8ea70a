"""What a worker answers with: one generation at a time, changed by all workers at the same moment."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Generic, TypeVar

from features.errors import LssiError

LOG = logging.getLogger("lssi.day")
SETTLES = 3.0
"""Seconds after which a new generation is answered with; a choice: a city's models load in them, and it is within 5."""
AGAIN = 5.0
"""Seconds after which a generation that could not be opened is tried again; a choice."""
Signature = tuple[int, int, int]
"""What tells one content of the file from another: its inode, size and time in nanoseconds."""
NONE: Signature = (0, 0, 0)
"""The signature of no file, since no file has the inode 0."""
Opened = TypeVar("Opened")


@dataclass(frozen=True, slots=True)
class Noted:
    """What the file looked like at one moment, and the moment from which what it says is answered with."""

    signature: Signature
    due: float


@dataclass(frozen=True, slots=True, eq=False)
class Opening(Generic[Opened]):
    """A generation that is being opened in a thread since a moment."""

    noted: Noted
    task: asyncio.Task[Opened]
    begun: float


class Changeover(Generic[Opened]):
    """What was opened of the generation in use; it is changed whole, between requests.

    The file that says what is in use is looked at before each request. A new one is opened in a thread while the former
    answers. From SETTLES after its moment on, which all workers read from the same file, only the new one answers: then a
    request waits for it, and is refused where it cannot be opened, since the former would be another answer than the others'.
    """

    def __init__(self, file: Path, open_it: Callable[[], Opened]) -> None:
        self._file, self._open = file, open_it
        noted = self._noted()
        self._opened = open_it()
        if noted.signature == NONE:  # who opens first writes it
            noted = self._noted()
        self._signature = noted.signature
        self._opening: Opening[Opened] | None = None
        # a worker that begins now waits for the others, which still answer with the former generation
        time.sleep(max(0.0, min(SETTLES, noted.due - time.time())))

    async def now(self) -> Opened:
        """Return what the next request is answered with, from its start to its end."""
        noted = self._noted()
        if self._opening is None:
            if noted.signature == self._signature:
                return self._opened
            self._begin(noted)
        opening = self._opening
        if opening is None or time.time() < opening.noted.due:
            return self._opened
        await self._changed(opening)
        # the file may have been replaced once more while this one was opened
        return await self.now()

    def _begin(self, noted: Noted) -> None:
        task = asyncio.create_task(asyncio.to_thread(self._open))
        # the moment of a file may lie ahead where a clock was set back; nobody waits longer for it than for any other
        due = min(noted.due, time.time() + SETTLES)
        self._opening = Opening(replace(noted, due=due), task, time.monotonic())

    async def _changed(self, opening: Opening[Opened]) -> None:
        try:
            # a request that is given up must not end the opening that others wait for
            opened = await asyncio.shield(opening.task)
        except LssiError as error:
            LOG.warning("the new generation cannot be opened: %s", error)
            if self._opening is opening and time.monotonic() - opening.begun > AGAIN:
                self._opening = None
            raise
        if self._opening is opening:
            self._opened, self._signature = opened, opening.noted.signature
            self._opening = None

    def _noted(self) -> Noted:
        try:
            status = self._file.stat()
        except FileNotFoundError:
            return Noted(NONE, 0.0)
        signature = (status.st_ino, status.st_size, status.st_mtime_ns)
        return Noted(signature, status.st_mtime + SETTLES)
