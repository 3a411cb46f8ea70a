"""The ledger: entries become durable in one gapless sequence, whichever process writes them.

In each process one writer thread takes a blocking file lock and the database's write lock, writes all waiting entries,
commits once and wakes the callers. If the commit fails, all of them fail: no record, no answer.
"""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from collections.abc import Sequence
from concurrent.futures import Future, InvalidStateError
from contextlib import closing, suppress
from pathlib import Path
from queue import Empty, SimpleQueue

from features.errors import LedgerError
from features.files import write_points
from serving.ledger.entries import Entry, Receipt
from serving.ledger.sqlite import create, write, writers_lock, writing

_GROUP = 512
"""Entries of one transaction at most; a choice: they share one write to disk, and none waits for more than these."""

Waiting = Future[Receipt] | asyncio.Future[Receipt]
Outcome = Receipt | LedgerError


class Ledger:
    """The writing side of one ledger file in this process; `serving.ledger.read` reads it.

    Open it after a worker process has started, never before a fork; `close` writes what waits and stops.
    """

    def __init__(self, path: Path) -> None:
        create(path)
        self.path = path
        self._queue: SimpleQueue[tuple[Entry, Waiting] | None] = SimpleQueue()
        self._gate = threading.Lock()
        self._open = True
        self._thread = threading.Thread(target=self._run, name="ledger", daemon=True)
        self._thread.start()

    def append(self, entry: Entry) -> Future[Receipt]:
        """Return a future that holds the receipt once the entry is durable, or LedgerError once it cannot be."""
        waiting: Future[Receipt] = Future()
        self._submit(entry, waiting)
        return waiting

    async def record(self, entry: Entry) -> Receipt:
        """Return the receipt once the entry is durable, or raise LedgerError; for the service's event loop."""
        waiting: asyncio.Future[Receipt] = asyncio.get_running_loop().create_future()
        self._submit(entry, waiting)
        return await waiting

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

    def _submit(self, entry: Entry, waiting: Waiting) -> None:
        with self._gate:
            if not self._open:
                raise LedgerError(
                    "the ledger is closed: nothing can be recorded, so nothing is answered"
                )
            self._queue.put((entry, waiting))

    def _run(self) -> None:
        with closing(writing(self.path)) as connection:
            while (item := self._queue.get()) is not None:
                group = [item]
                _wake(group, self._outcomes(connection, group))

    def _outcomes(
        self, connection: sqlite3.Connection, group: list[tuple[Entry, Waiting]]
    ) -> Sequence[Outcome]:
        try:
            with writers_lock(self.path):
                connection.execute("BEGIN IMMEDIATE")
                self._drain(group)
                outcomes = write(connection, [entry for entry, _ in group])
                with write_points("a group of records is committed"):
                    connection.execute("COMMIT")
                return outcomes
        except (sqlite3.Error, OSError, ValueError) as failure:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            refusal = LedgerError(
                f"the ledger could not be written ({failure}), so no score is answered; repair it first"
            )
            return [refusal] * len(group)

    def _drain(self, group: list[tuple[Entry, Waiting]]) -> None:
        with suppress(Empty):
            while len(group) < _GROUP:
                item = self._queue.get_nowait()
                if item is None:
                    self._queue.put(None)  # the end of the queue: nothing can follow it
                    return
                group.append(item)


def _wake(group: Sequence[tuple[Entry, Waiting]], outcomes: Sequence[Outcome]) -> None:
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
