"""Fictitious enrolment: people are put on a unit's books for a few months, only to claim soon after."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from features.calendar import first_day
from simulation.ground.draws import happens, whole_yuan
from simulation.ground.parameters import parameters
from simulation.ground.setting import NEVER, Ints
from simulation.labour.firms import Firms, living_firms
from simulation.labour.honesty import HONEST, Habits
from simulation.labour.staff import REGULAR, Jobs

P = parameters("""
share | .00035 | a worker and month | assumed | idle or new people put on the books, per job of the block
wait_low | 1 | months | assumed | shortest wait until the claim
wait_high | 6 | months | assumed | longest wait
shady | 16 | ratio | assumed | ratio in units that leave staff out
clean | 2 | ratio | assumed | ratio in the other units
wage | 1.3 | ratio | assumed | declared wage of such a person, divided by a usual wage: a higher wage gives a higher benefit
stay | 2 | months | assumed | months that the person stays on the books after the claim
""")


def fictitious(
    chance: np.random.Generator, hired: Jobs, *, month: int, firms: Firms, habits: Habits
) -> Jobs:
    """Return a month's new jobs, some of which are fictions of cheating units that will claim soon."""
    count = len(hired.firm)
    is_cheat = habits.style != HONEST
    is_shady = is_cheat & living_firms(firms, first_day(month))
    ratio = np.where(is_shady[hired.firm], P["shady"], P["clean"])
    is_drawn = happens(chance, P["share"] * ratio, count)
    is_regular = hired.kind == REGULAR
    fake = is_drawn & is_regular
    shortest, longest = int(P["wait_low"]), int(P["wait_high"])
    wait = chance.integers(shortest, longest + 1, count)
    claim_month = month + wait
    raised_wage = whole_yuan(hired.wage * P["wage"])
    soon = hired.started + 2
    return replace(
        hired,
        fiction=np.where(fake, claim_month, 0),
        whole=np.where(fake, 1, hired.whole),
        cover=np.where(fake, soon, hired.cover),
        filed=np.where(fake, NEVER, hired.filed),
        wage=np.where(fake, raised_wage, hired.wage),
    )


def fiction_ends(jobs: Jobs, month: int) -> Ints:
    """Return the last day of fictions whose time is over, NEVER for all other jobs."""
    is_fiction = jobs.fiction > 0
    last_month = jobs.fiction + P["stay"]
    is_over = is_fiction & (last_month <= month)
    last_day = first_day(month) + 9
    return np.where(is_over, last_day, NEVER)
