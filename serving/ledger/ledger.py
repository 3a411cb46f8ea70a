"""The ledger: entries become durable in one gapless sequence, whichever process writes them.

In each process one writer thread takes the lock of all writers (of a file, or of the row of the head), compares head with
what it knows, writes all waiting entries, commits once and wakes the callers. If anything fails, all of them fail: no
record, no answer. The writer goes on with the next group, so it recovers when the file does.
"""

from __future__ import annotations

import asyncio
import shutil
import threading
import time
from collections.abc import Sequence
from concurrent.futures import Future, InvalidStateError
from contextlib import suppress
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING

from features.errors import LedgerError, LockHeld
from serving.database.place import LedgerPlace
from serving.ledger.entries import Entry, Receipt
from serving.ledger.head import Outcome
from serving.ledger.opening import create_ledger
from serving.ledger.written_file import WrittenFile

if TYPE_CHECKING:
    from serving.ledger.written_database import WrittenDatabase

    Written = WrittenFile | WrittenDatabase

_GROUP = 512
"""Entries of one transaction at most; a choice: they share one write to disk, and none waits for more than these."""
_ROOM = 32_000_000
"""Free bytes that a ready ledger has; a choice: three groups of records as large as those of a service."""
_FRESH = 1.0
"""Seconds for which the outcome of a group tells whether the ledger is well; a choice: so probes cost no more than that."""

Waiting = Future[Receipt] | asyncio.Future[Receipt]
Item = tuple[Entry | None, Waiting]
"""What waits for the writer: an entry, or no entry where somebody only asks whether one could be written."""
_PROBED = Receipt("", -1, first=False)
NO_ROOM = "no room is left for the ledger"
"""What is said of a ledger whose disk is full."""
_CLOSED = "the ledger is closed: nothing can be recorded, so nothing is answered"
_LATE = (
    "the ledger did not confirm the record in time, so no score is answered; another program may hold"
    " its lock, or its disk may hang"
)


class Ledger:
    """The writing side of one ledger in this process; `serving.ledger.read` reads it.

    Open it after a worker process has started, never before a fork; `close` writes what waits and stops.
    With `patience`, in seconds, nobody in an event loop waits longer than that.
    """

    def __init__(self, path: LedgerPlace, patience: float | None = None) -> None:
        create_ledger(path)
        self.path = path
        self._patience = patience
        self._queue: SimpleQueue[Item | None] = SimpleQueue()
        self._gate = threading.Lock()
        self._open = True
        self._begun: float | None = None  # when the writer took the group that it still works at
        self._last = (0.0, "")  # when the last group ended, and why it was refused
        self._thread = threading.Thread(target=self._run, name="ledger", daemon=True)
        self._thread.start()

    def append(self, entry: Entry) -> Future[Receipt]:
        """Return a future that holds the receipt once the entry is durable, or LedgerError once it cannot be."""
        waiting: Future[Receipt] = Future()
        self._submit(entry, waiting)
        return waiting

    async def record(self, entry: Entry) -> Receipt:
        """Return the receipt once the entry is durable, or raise LedgerError; for the service's event loop."""
        return await self._outcome(entry)

    async def trouble(self) -> str:
        """Return why no record can be made durable at this moment, or "" where one can; for the service's event loop."""
        if isinstance(self.path, Path) and _is_full(self.path.parent):
            return NO_ROOM
        ended, refusal = self._last
        is_idle = self._begun is None and self._thread.is_alive()
        if is_idle and time.monotonic() - ended < _FRESH:
            return refusal
        try:
            await self._outcome(None)
        except LedgerError as error:
            return str(error)
        return ""

    def close(self) -> None:
        """Write what waits, then stop; a later append is refused."""
        with self._gate:
            if self._open:
                self._open = False
                self._queue.put(None)
        self._thread.join()

    def __enter__(self) -> Ledger:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    async def _outcome(self, entry: Entry | None) -> Receipt:
        waiting: asyncio.Future[Receipt] = asyncio.get_running_loop().create_future()
        self._submit(entry, waiting)
        try:
            async with asyncio.timeout(self._patience):
                return await waiting
        except TimeoutError:
            raise LedgerError(_LATE) from None

    def _submit(self, entry: Entry | None, waiting: Waiting) -> None:
        if self._is_behind():  # what waits already is enough to hold in memory
            raise LedgerError(_LATE)
        with self._gate:
            if not self._open:
                raise LedgerError(_CLOSED)
            self._queue.put((entry, waiting))

    def _is_behind(self) -> bool:
        begun = self._begun
        if self._patience is None or begun is None:
            return False
        return time.monotonic() - begun > self._patience

    def _run(self) -> None:
        written = _written(self.path, self._patience)
        group: list[Item] = []
        try:
            while (item := self._queue.get()) is not None:
                self._begun = time.monotonic()
                group[:] = [item]
                outcomes = self._outcomes(written, group)
                self._begun = None
                _wake(group, outcomes)
        finally:  # however the writer ends, nobody waits for it in vain
            self._refuse_all(group)
            written.close()

    def _outcomes(self, written: Written, group: list[Item]) -> Sequence[Outcome]:
        refusal = ""
        try:
            outcomes = iter(written.write(lambda: self._entries(group)))
            return [_PROBED if entry is None else next(outcomes) for entry, _ in group]
        except BaseException as failure:  # noqa: BLE001 - whatever it is, those who wait are to know
            refusal = self._refusal(failure)
            return [LedgerError(refusal)] * len(group)
        finally:
            self._last = (time.monotonic(), refusal)

    def _refusal(self, failure: BaseException) -> str:
        """Return what those are told who wait for a group that failed; a service says of a lock that it is late."""
        if isinstance(failure, LockHeld):
            return str(failure) if self._patience is None else _LATE
        return _refusal(failure)

    def _entries(self, group: list[Item]) -> list[Entry]:
        """Return the entries of a group, to which all that waits by now is added."""
        self._drain(group)
        return [entry for entry, _ in group if entry is not None]

    def _refuse_all(self, group: list[Item]) -> None:
        """Close the gate, and refuse what waits; those of a group who have their outcome keep it."""
        with self._gate:
            self._open = False
        refused = list(group)
        with suppress(Empty):
            while True:
                item = self._queue.get_nowait()
                if item is not None:
                    refused.append(item)
        _wake(refused, [LedgerError(_CLOSED)] * len(refused))

    def _drain(self, group: list[Item]) -> None:
        with suppress(Empty):
            while len(group) < _GROUP:
                item = self._queue.get_nowait()
                if item is None:
                    self._queue.put(None)  # the end of the queue: nothing can follow it
                    return
                group.append(item)


def _written(place: LedgerPlace, patience: float | None) -> Written:
    """Return what a writer writes to, by where the ledger lies."""
    if isinstance(place, Path):
        return WrittenFile(place, patience)
    from serving.ledger.written_database import WrittenDatabase

    return WrittenDatabase(place, patience)


def _is_full(folder: Path) -> bool:
    try:
        return shutil.disk_usage(folder).free < _ROOM
    except OSError:  # a folder that is gone is told by whoever writes there
        return False


def _refusal(failure: BaseException) -> str:
    """Return what those are told who wait for a group that failed; no path, which a client has no business to know."""
    if isinstance(failure, LedgerError):
        return f"{failure}; no score is answered"
    reason = failure.strerror if isinstance(failure, OSError) else None
    return (
        f"the ledger could not be written ({reason or failure or type(failure).__name__}), so no score"
        " is answered; repair it first"
    )


def _wake(group: Sequence[Item], outcomes: Sequence[Outcome]) -> None:
    """Resolve what waits: at once where a thread waits, with one call for all that wait in an event loop."""
    loops: dict[asyncio.AbstractEventLoop, list[tuple[Waiting, Outcome]]] = {}
    for (_, waiting), outcome in zip(group, outcomes, strict=True):
        if isinstance(waiting, asyncio.Future):
            loops.setdefault(waiting.get_loop(), []).append((waiting, outcome))
        else:
            _resolve([(waiting, outcome)])
    for loop, pairs in loops.items():
        with suppress(
            RuntimeError
        ):  # the loop has ended: nobody waits any more, and the record stands
            loop.call_soon_threadsafe(_resolve, pairs)


def _resolve(pairs: Sequence[tuple[Waiting, Outcome]]) -> None:
    for waiting, outcome in pairs:
        with suppress(InvalidStateError, asyncio.InvalidStateError):  # given up by whoever waited
            if isinstance(outcome, LedgerError):
                waiting.set_exception(outcome)
            else:
                waiting.set_result(outcome)
