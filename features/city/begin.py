"""A block of the city as its first month begins, with what databases already hold of it."""

from __future__ import annotations

import numpy as np

from features.city.agency import begin_dispatch, sent
from features.city.attributes import first_rows
from features.city.benefits import first_pensions
from features.city.campaign import appraised, earlier_round
from features.city.firms import begin_firms
from features.city.honesty import begin_habits
from features.city.memory import begin_memory
from features.city.phoenix import begin_phoenix
from features.city.register import known_jobs, openings
from features.city.registration import migrated, registered
from features.city.rows import Rows
from features.city.setting import Setting, Turn, stream
from features.city.staff import begin_staff, spare
from features.city.state import State
from features.city.work import people_rows


def begin(setting: Setting, block: int) -> tuple[State, Rows]:
    """Return a block as the first month begins, and the rows that databases already hold of it."""
    firms = begin_firms(setting, block)
    habits = begin_habits(setting, block, firms)
    phoenix, firms, habits = begin_phoenix(setting, block, firms, habits)
    dispatch = begin_dispatch(setting, block, firms)
    crowd, jobs = begin_staff(setting, block, firms)
    chance = stream(setting, block, 0, of="begin")
    jobs = registered(chance, sent(chance, jobs, dispatch), habits)
    jobs, bulk = migrated(setting, chance, jobs)
    rows = known_jobs(block, jobs)
    jobs, more = openings(chance, block, jobs, opened=jobs.cover < setting.first_day, bulk=bulk)
    past, appraisals = earlier_round(setting, block, firms)
    memory, medals = appraised(Turn(setting, block, past), firms, begin_memory(len(firms.kind)))
    idle, pensioners = np.split(np.arange(len(jobs.firm), len(crowd.born)), [spare(len(jobs.firm))])
    benefits, pensions = first_pensions(setting, block, pensioners)
    known = np.full(len(crowd.born), setting.first_day - 30)
    rows += [*more, *pensions, *appraisals, *medals, *first_rows(setting, block, firms),
             *people_rows(block, crowd, known=known, start=0)]
    return State(setting, block, firms, habits, dispatch, phoenix, memory, crowd, jobs, idle, benefits), rows
