"""A block of the city as its first month begins, with what databases already hold of it."""

from __future__ import annotations

import numpy as np

from simulation.dynamics.phoenix import begin_phoenix
from simulation.dynamics.state import State
from simulation.dynamics.work import people_rows
from simulation.funds.benefits import first_pensions
from simulation.ground.memory import begin_memory
from simulation.ground.pieces import Rows
from simulation.ground.setting import Setting, Turn, stream
from simulation.inspection.campaign import appraised, earlier_round
from simulation.labour.agency import begin_dispatch, sent
from simulation.labour.attributes import first_rows
from simulation.labour.firms import begin_firms
from simulation.labour.honesty import begin_habits
from simulation.labour.late_registration import migrated, registered_jobs
from simulation.labour.registrations import known_jobs, openings
from simulation.labour.staff import begin_staff, spare


def begin(setting: Setting, block: int) -> tuple[State, Rows]:
    """Return a block as the first month begins, and the rows that databases already hold of it."""
    firms = begin_firms(setting, block)
    habits = begin_habits(setting, block, firms)
    phoenix, firms, habits = begin_phoenix(setting, block, firms, habits)
    dispatch = begin_dispatch(setting, block, firms)
    crowd, jobs = begin_staff(setting, block, firms)
    chance = stream(setting, block, 0, of="begin")
    jobs = registered_jobs(chance, sent(chance, jobs, dispatch), habits)
    jobs, bulk = migrated(setting, chance, jobs)
    rows = known_jobs(block, jobs)
    jobs, more = openings(chance, block, jobs, opened=jobs.cover < setting.first_day, bulk=bulk)
    past, appraisals = earlier_round(setting, block, firms)
    memory, medals = appraised(Turn(setting, block, past), firms, begin_memory(len(firms.kind)))
    idle, pensioners = np.split(np.arange(len(jobs.firm), len(crowd.born)), [spare(len(jobs.firm))])
    benefits, pensions = first_pensions(setting, block, pensioners)
    known = np.full(len(crowd.born), setting.first_day - 30)
    rows += [
        *more,
        *pensions,
        *appraisals,
        *medals,
        *first_rows(setting, block, firms),
        *people_rows(block, crowd, known=known, start=0),
    ]
    return State(
        setting, block, firms, habits, dispatch, phoenix, memory, crowd, jobs, idle, benefits
    ), rows
