"""What each share of a week's lottery would cost of what its lists are expected to find."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain

from models.policy.lottery import Draw
from models.policy.plan import plan
from models.policy.plan_unit import PlannedVisit
from models.policy.week import WeekUnits

SHARES = (0, 5, 10, 15, 20, 25, 30)
"""The shares, in percent of the minutes, that are priced: the bounds of a rule set and steps between; a choice."""
MOST_DRAWS = 25
"""Draws over which a share is averaged at most; a choice: of many cells one draw already is an average."""
PLANNED_UNITS = 100_000
"""Units in all plans of a share, so that a large city has few draws and a small one many; a choice of about a second."""


@dataclass(frozen=True, slots=True)
class SharePrice:
    """What a share costs: what the plan is expected to find, what it loses of that without a lottery, and its draws.

    `cost` is None where nothing is expected without a lottery either.
    """

    percent: int
    expected: float
    cost: float | None
    drawn: float


def share_prices(week: WeekUnits, shares: Sequence[int] = SHARES) -> list[SharePrice]:
    """Return the price of each share, the first being the one that the others are measured by."""
    averages = [_average(week, percent) for percent in shares]
    without, _ = averages[0]
    prices = []
    for percent, (expected, drawn) in zip(shares, averages, strict=True):
        cost = 1 - expected / without if without else None
        prices.append(SharePrice(percent, expected, cost, drawn))
    return prices


def _average(week: WeekUnits, percent: int) -> tuple[float, float]:
    """Return what plans with a share are expected to find and how many units they draw, over some draws."""
    lottery = week.policy.lottery.model_copy(update={"percent": percent})
    policy = week.policy.model_copy(update={"lottery": lottery})
    draws = max(1, min(MOST_DRAWS, PLANNED_UNITS // max(len(week.units), 1)))
    plans = [
        plan(week.units, policy, week.minutes, Draw(str(number), "price"), week.inspectors)
        for number in range(draws)
    ]
    cells = list(chain.from_iterable(each.cells for each in plans))
    visits = chain.from_iterable(cell.visits for cell in cells)
    expected = sum(map(_expected, visits))
    drawn = sum(len(cell.drawn) for cell in cells)
    return expected / draws, drawn / draws


def _expected(visit: PlannedVisit) -> float:
    """Return what a visit is expected to find: of one that is shorter than it should be, in proportion."""
    return visit.unit.benefit * min(1.0, visit.minutes / visit.needed)
