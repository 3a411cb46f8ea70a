"""What an arm orders of a month: each visit with its reason, minutes and probability, and letters; kept as JSON."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from simulation.ground.setting import BLOCK, Ints

LOT = "lottery"
BY_SCORE = "found_by_score"
"""The workers found by visits by score, which alone tell arms apart: complaints and the lottery are chosen alike."""
Plain = dict[str, Any]
"""Values as JSON has them."""


@dataclass(frozen=True, slots=True)
class VisitOrder:
    """One visit: to whom, why, its minutes and those that it needs, the workers expected, the probability if it was drawn."""

    enterprise: str
    why: str
    minutes: int
    needed: int
    expected: float
    probability: float | None = None

    @property
    def share(self) -> float:
        """Which part of the minutes that it needs the visit has."""
        return min(1.0, self.minutes / self.needed)


@dataclass(frozen=True, slots=True)
class MonthOrders:
    """The orders of a month; `listed` are the enterprises that a letter was drawn among.

    `groups` counts by group its units and the visits to it, `seen_if_all` is the share of the minutes that the lottery's visit
    to each unit would have.
    """

    month: int
    visits: tuple[VisitOrder, ...]
    listed: tuple[str, ...]
    letters: tuple[str, ...]
    minutes: int
    groups: dict[str, list[int]]
    seen_if_all: dict[str, float]

    def plain(self) -> dict[str, Any]:
        """Return the orders as JSON has them."""
        return {
            "month": self.month,
            "visits": [
                [one.enterprise, one.why, one.minutes, one.needed, one.expected, one.probability]
                for one in self.visits
            ],
            "listed": list(self.listed),
            "letters": list(self.letters),
            "minutes": self.minutes,
            "groups": self.groups,
            "seen_if_all": self.seen_if_all,
        }


def orders_in(plain: dict[str, Any]) -> MonthOrders:
    """Return the orders that JSON holds."""
    return MonthOrders(
        month=plain["month"],
        visits=tuple(VisitOrder(*row) for row in plain["visits"]),
        listed=tuple(plain["listed"]),
        letters=tuple(plain["letters"]),
        minutes=plain["minutes"],
        groups=plain["groups"],
        seen_if_all=plain["seen_if_all"],
    )


def local_numbers(names: Sequence[str], block: int) -> Ints:
    """Return the local numbers of the enterprises of one block among some names, in their order.

    >>> local_numbers(["E0000001", "E0004097", "E0000003"], 0).tolist()
    [0, 2]
    """
    numbers = np.array([int(name[1:]) - 1 for name in names], dtype=np.int64)
    return np.asarray(numbers[numbers // BLOCK == block] % BLOCK)
