"""What a plan is made of: a living unit with its standing, and a visit to it."""

from __future__ import annotations

from dataclasses import dataclass

from models.optimum.travel import Place
from models.policy.policy_status import Standing


@dataclass(frozen=True, slots=True)
class PlanUnit:
    """One living unit: its cell, its staff, what a visit is expected to find, its standing, and whether it is dormant.

    `benefit` is in workers newly covered (amounts are exchanged), `place` its longitude and latitude where they are known. A unit
    that is not `is_scored` is never listed by score, because its model is halted; the lottery's strata keep its benefit.
    """

    name: str
    cell: str
    staff: int
    benefit: float
    standing: Standing
    dormant: bool = False
    rural: bool = False
    place: Place | None = None
    is_scored: bool = True


@dataclass(frozen=True, slots=True)
class PlannedVisit:
    """One line of a list: who, why (complaint | exposure | score | lottery), and the person-minutes planned.

    `needed` are the minutes that the whole visit takes, `travel` those of them on the road. `rank` is the unit's place in its
    cell by what a minute is worth, None where routine visits do not reach it.
    """

    unit: PlanUnit
    why: str
    minutes: int
    needed: int
    travel: int = 0
    rank: int | None = None
