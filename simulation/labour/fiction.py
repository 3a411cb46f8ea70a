"""Fictitious enrolment: people put on a unit's books for months only, to claim soon after."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from features.calendar import first_day
from simulation.ground.parameters import parameters
from simulation.ground.setting import NEVER, Ints
from simulation.labour.firms import Firms, living_firms
from simulation.labour.honesty import HONEST, Habits
from simulation.labour.staff import REGULAR, Jobs

P = parameters("""
share | .00035 | a worker and month | assumed | idle or new people put on the books, per job of the block
wait_low | 1 | months | assumed | shortest wait until the claim
wait_high | 6 | months | assumed | longest wait
stay | 2 | months | assumed | months on the books after the claim
""")


def fictitious(
    chance: np.random.Generator, hired: Jobs, *, month: int, firms: Firms, habits: Habits
) -> Jobs:
    """Return a month's new jobs, some of which are fictions of cheating units that will claim soon."""
    count = len(hired.firm)
    shady = (habits.style != HONEST) & living_firms(firms, first_day(month))
    share = np.where(shady[hired.firm], P["share"] * 16, P["share"] * 2)
    fake = (chance.random(count) < share) & (hired.kind == REGULAR)
    claim = month + chance.integers(int(P["wait_low"]), int(P["wait_high"]) + 1, count)
    return replace(
        hired,
        fiction=np.where(fake, claim, 0),
        whole=np.where(fake, 1, hired.whole),
        cover=np.where(fake, hired.started + 2, hired.cover),
        filed=np.where(fake, NEVER, hired.filed),
        wage=np.where(fake, (hired.wage * 1.3).astype(np.int64) // 100 * 100, hired.wage),
    )


def fiction_ends(jobs: Jobs, month: int) -> Ints:
    """Return the last day of fictions whose time is over, NEVER for all other jobs."""
    over = (jobs.fiction > 0) & (jobs.fiction + P["stay"] <= month)
    return np.where(over, first_day(month) + 9, NEVER)
