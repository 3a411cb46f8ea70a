"""Whether the service may be asked now: a record can be made durable, and the last closed day is not stale."""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from features.calendar import date_of, day_of
from serving.ledger.ledger import NO_ROOM, Ledger

REASONS: ContextVar[list[str]] = ContextVar("reasons")
"""Why the probe that this task answers is not ready: words of the answer, which say no more."""


class Trouble(NamedTuple):
    """Why the service is not ready: the word of its answer, and the sentence of its log."""

    word: str
    sentence: str


@dataclass(frozen=True, slots=True, eq=False)
class Readiness:
    """A ledger, and after how many days the last closed day is stale; None where it never is."""

    ledger: Ledger
    stale_after: int | None
    clock: Callable[[], datetime]

    async def trouble(self, day: int) -> Trouble | None:
        """Return why a service that looks from a day is not ready at this moment; None where it is."""
        age = day_of(self.clock().date()) - day
        if self.stale_after is not None and age > self.stale_after:
            sentence = f"the last closed day, {date_of(day)}, is {age} days old; load later days"
            return Trouble("day_stale", sentence)
        sentence = await self.ledger.trouble()
        if not sentence:
            return None
        return Trouble("no_room" if sentence == NO_ROOM else "ledger_unusable", sentence)
