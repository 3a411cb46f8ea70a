"""How often somebody may ask: failures of authorisation by address, and requests by key."""

from __future__ import annotations

import math
from collections import OrderedDict
from dataclasses import dataclass, field

MOST_ADDRESSES = 10_000
"""Addresses remembered at most; a choice, so that failures from ever new addresses fill no memory."""


@dataclass(slots=True)
class FailureWindow:
    """Failures from one address since a moment."""

    since: float
    failures: int = 0


@dataclass(slots=True, eq=False)
class FailedAttempts:
    """Counts failures by address; above `most` within `seconds`, the address waits for the end of its window."""

    most: int
    seconds: float
    _windows: OrderedDict[str, FailureWindow] = field(default_factory=OrderedDict)

    def wait(self, address: str, moment: float) -> int:
        """Return for how many seconds failures from an address are not looked at; 0 where they are."""
        window = self._windows.get(address)
        if window is None or window.failures < self.most:
            return 0
        remaining = window.since + self.seconds - moment
        return max(0, math.ceil(remaining))

    def count(self, address: str, moment: float) -> bool:
        """Count a failure, and tell whether it is the one after which the address waits."""
        window = self._windows.get(address)
        if window is None or moment >= window.since + self.seconds:
            window = FailureWindow(moment)
        window.failures += 1
        self._windows[address] = window
        self._windows.move_to_end(address)
        if len(self._windows) > MOST_ADDRESSES:
            self._windows.popitem(last=False)
        return window.failures == self.most


@dataclass(slots=True)
class Bucket:
    """What a key may still ask at a moment."""

    requests: float
    moment: float


@dataclass(slots=True, eq=False)
class RequestRates:
    """Counts requests by key: each key has its requests a minute at once, and they come back evenly."""

    _buckets: dict[str, Bucket] = field(default_factory=dict)

    def wait(self, name: str, a_minute: int, moment: float) -> int:
        """Take one request of a key and return 0, or return for how many seconds it has none."""
        bucket = self._buckets.setdefault(name, Bucket(a_minute, moment))
        a_second = a_minute / 60
        gained = (moment - bucket.moment) * a_second
        bucket.requests = min(a_minute, bucket.requests + gained)
        bucket.moment = moment
        if bucket.requests >= 1:
            bucket.requests -= 1
            return 0
        return math.ceil((1 - bucket.requests) / a_second)
