"""How many attempts were refused, by code and by class of address: an entry of the ledger for each interval that has some."""

from __future__ import annotations

import ipaddress
import time
from collections import Counter
from collections.abc import Callable
from datetime import datetime
from threading import Lock

from features.errors import LedgerError
from serving.ledger.admin_act import AdminAct, admin_entry
from serving.ledger.ledger import Ledger, Waiting
from serving.scoring.transcript import KEPT_DAYS

REFUSED_ATTEMPTS = "refused_attempts"
"""What the act is called that counts them."""
INTERVAL = 3_600.0
"""Seconds between two such entries of a worker; a choice: an auditor sees the hour of an attack, and few entries."""


def address_class(address: str) -> str:
    """Return the class of an address: loopback, private, public, or other where it is none; it tells nobody's place.

    >>> [address_class(text) for text in ("127.0.0.1", "10.0.0.7", "2001:4860:4860::8888", "")]
    ['loopback', 'private', 'public', 'other']
    """
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return "other"
    if parsed.is_loopback:
        return "loopback"
    return "private" if parsed.is_private else "public"


class RefusalCounts:
    """Counts of one worker since its last entry; they are written once a ledger is there."""

    def __init__(self, interval: float = INTERVAL) -> None:
        self._interval = interval
        self._lock = Lock()  # the ledger's writer gives back what it could not write
        self._counts: Counter[str] = Counter()
        self._due = time.monotonic() + interval
        self._ledger: Ledger | None = None
        self._clock: Callable[[], datetime] | None = None

    def write_to(self, ledger: Ledger, clock: Callable[[], datetime]) -> None:
        """Let a ledger take the counts from now on."""
        self._ledger, self._clock = ledger, clock

    def count(self, code: str, address: str) -> None:
        """Count one refused attempt."""
        with self._lock:
            self._counts[f"{code} {address_class(address)}"] += 1

    def write_if_due(self) -> None:
        """Write an entry if the interval is over and something was refused in it."""
        if time.monotonic() >= self._due:
            self.write()

    def write(self) -> None:
        """Write an entry of what was refused since the last one; without a ledger that takes it, it counts on."""
        self._due = time.monotonic() + self._interval
        if self._ledger is None or self._clock is None or not self._counts:
            return
        with self._lock:
            counts, self._counts = self._counts, Counter()

        def give_back(waiting: Waiting) -> None:
            if waiting.exception() is not None:
                self._add(counts)

        content = {"counts": dict(sorted(counts.items()))}
        act = AdminAct(REFUSED_ATTEMPTS, "lssi-serve", subject={}, content=content)
        entry = admin_entry(act, moment=self._clock(), kept_days=KEPT_DAYS)
        try:
            self._ledger.append(entry).add_done_callback(give_back)
        except LedgerError:
            self._add(counts)

    def _add(self, counts: Counter[str]) -> None:
        with self._lock:
            self._counts.update(counts)
