"""How often somebody may ask: failures of authorisation by address, and requests by key, of all workers together."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from functools import partial

from serving.gate.count_table import CountTable

MOST_ADDRESSES = 10_000
"""Addresses remembered at most; a choice, so that failures from ever new addresses fill no memory and no disk."""
MOST_KEYS = 1_000
"""Keys whose requests are counted at the same time; a choice, above what an inspectorate hands out."""
Moment = float
"""Seconds of the machine's monotonic clock, which all its processes share; it begins again when the machine does."""


@dataclass(slots=True, eq=False)
class FailedAttempts:
    """Counts failures by address; above `most` within `seconds`, the address waits for the end of its window."""

    most: int
    seconds: float
    windows: CountTable = field(default_factory=partial(CountTable, None, MOST_ADDRESSES))

    def wait(self, address: str, moment: Moment) -> int:
        """Return for how many seconds failures from an address are not looked at; 0 where they are."""
        failures, since = self._window(address, moment)
        if failures < self.most:
            return 0
        return math.ceil(since + self.seconds - moment)

    def count(self, address: str, moment: Moment) -> bool:
        """Count a failure, and tell whether it is the one after which the address waits."""
        with self.windows.locked():
            failures, since = self._window(address, moment)
            self.windows.put(address, (failures + 1, since))
        return failures + 1 == self.most

    def _window(self, address: str, moment: Moment) -> tuple[float, Moment]:
        """Return the failures of an address and since when they are counted; none where its window is over."""
        failures, since = self.windows.get(address) or (0, moment)
        # a moment ahead is one of before the machine was started again
        if not since <= moment < since + self.seconds:
            return 0, moment
        return failures, since


@dataclass(slots=True, eq=False)
class RequestRates:
    """Counts requests by key: each key has its requests a minute at once, and they come back evenly."""

    buckets: CountTable = field(default_factory=partial(CountTable, None, MOST_KEYS))

    def wait(self, name: str, a_minute: int, moment: Moment) -> int:
        """Take one request of a key and return 0, or return for how many seconds it has none."""
        a_second = a_minute / 60
        with self.buckets.locked():
            requests, before = self.buckets.get(name) or (a_minute, moment)
            if before > moment:  # the machine was started again
                requests, before = a_minute, moment
            requests = min(a_minute, requests + (moment - before) * a_second)
            cost = 1 if requests >= 1 else 0
            self.buckets.put(name, (requests - cost, moment))
        if cost:
            return 0
        return math.ceil((1 - requests) / a_second)
