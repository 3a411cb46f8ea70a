"""How many requests are open at once, of all keys and of each, so that one key leaves room and turns for the others.

Open requests are counted over all workers of a service; turns are at the queue of one.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial

from serving.gate.other_workers import ALL, OtherWorkers
from serving.gate.responses import Refused


@dataclass(slots=True, eq=False)
class Share:
    """The requests of one key that are open, and its turns at the service behind the gate."""

    turns: asyncio.Semaphore
    open: int = 0


@dataclass(slots=True, eq=False)
class Shares:
    """`most` requests are open at once, `most_of_key` of them of one key, and `turns` of a key stand in the service's queue.

    The service answers in the order in which requests reach it. So a request of another key waits behind `turns`
    requests of a key that sends hundreds, not behind all of them.
    """

    most: int
    most_of_key: int
    turns: int
    others: OtherWorkers = field(default_factory=partial(OtherWorkers, None))
    _open: int = 0
    _of_key: dict[str, Share] = field(default_factory=dict)

    @contextmanager
    def opened(self, name: str) -> Iterator[Share]:
        """Hold a place for a request of a key; Refused where all places, or all of the key, are taken."""
        share = self._of_key.setdefault(name, Share(asyncio.Semaphore(self.turns)))
        if self._is_full() or share.open + self.others.opened(name) >= self.most_of_key:
            raise Refused(
                "busy",
                "too many requests at this moment; try again in a second",
                (b"retry-after", b"1"),
            )
        self._change(name, share, 1)
        try:
            yield share
        finally:
            self._change(name, share, -1)

    def _is_full(self) -> bool:
        return self._open + self.others.opened(ALL) >= self.most

    def _change(self, name: str, share: Share, step: int) -> None:
        self._open += step
        share.open += step
        self.others.tell(ALL, self._open)
        self.others.tell(name, share.open)
