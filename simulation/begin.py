"""A block of the city as its first month begins, with what databases already hold of it."""

from __future__ import annotations

import numpy as np

from simulation.dynamics.phoenix import begin_phoenix
from simulation.dynamics.state import State
from simulation.dynamics.work import people_rows
from simulation.funds.benefits import first_pensions
from simulation.ground.memory import begin_memory
from simulation.ground.pieces import Rows
from simulation.ground.setting import Ints, Setting, Turn, stream
from simulation.inspection.campaign import appraised, earlier_round
from simulation.labour.agency import begin_dispatch, sent
from simulation.labour.attributes import first_rows
from simulation.labour.firms import begin_firms
from simulation.labour.honesty import begin_habits
from simulation.labour.late_registration import migrated, registered_jobs
from simulation.labour.registrations import known_jobs, openings
from simulation.labour.staff import Jobs, People, begin_staff, spare


def begin(setting: Setting, block: int) -> tuple[State, Rows]:
    """Return a block as the first month begins, and the rows that databases already hold of it."""
    firms = begin_firms(setting, block)
    habits = begin_habits(setting, block, firms)
    phoenix, firms, habits = begin_phoenix(setting, block, firms, habits)
    dispatch = begin_dispatch(setting, block, firms)
    crowd, jobs = begin_staff(setting, block, firms)
    chance = stream(setting, block, 0, of="begin")
    jobs = sent(chance, jobs, dispatch)
    jobs = registered_jobs(chance, jobs, habits)
    jobs, bulk = migrated(setting, chance, jobs)
    rows = known_jobs(block, jobs)
    is_open = jobs.cover < setting.first_day
    jobs, opened = openings(chance, block, jobs, opened=is_open, bulk=bulk)
    past, appraisals = earlier_round(setting, block, firms)
    nothing_remembered = begin_memory(len(firms.kind))
    memory, medals = appraised(Turn(setting, block, past), firms, nothing_remembered)
    idle, pensioners = _without_work(crowd, jobs)
    benefits, pensions = first_pensions(setting, block, pensioners)
    rows += opened + pensions + appraisals + medals
    rows += first_rows(setting, block, firms)
    recorded = np.full(len(crowd.born), setting.first_day - 30)
    rows += people_rows(block, crowd, known=recorded, start=0)
    state = State(
        setting=setting,
        block=block,
        firms=firms,
        habits=habits,
        dispatch=dispatch,
        phoenix=phoenix,
        memory=memory,
        people=crowd,
        jobs=jobs,
        idle=idle,
        benefits=benefits,
    )
    return state, rows


def _without_work(crowd: People, jobs: Jobs) -> tuple[Ints, Ints]:
    """Return the local numbers of the idle and of the pensioners, who stand in this order after those with a job."""
    workers = len(jobs.firm)
    others = np.arange(workers, len(crowd.born))
    idle = spare(workers)
    return others[:idle], others[idle:]
