"""The labour market of one month: who leaves, who moves along, who is hired, who is registered."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from simulation.dynamics.phoenix import moved
from simulation.dynamics.state import State
from simulation.ground.parameters import parameters
from simulation.ground.pieces import Rows, piece
from simulation.ground.setting import NEVER, Ints, Turn
from simulation.labour.agency import sent
from simulation.labour.fiction import fiction_ends, fictitious
from simulation.labour.late_registration import registered_jobs
from simulation.labour.registrations import known_jobs, openings, person
from simulation.labour.staff import (
    Jobs,
    People,
    appended,
    grown,
    leaving,
    new_jobs,
    people,
    place,
    staff_wanted,
    vacancies,
)
from simulation.labour.staff import P as STAFF

P = parameters("""
direct | .35 | share | assumed | leavers who go straight to another unit of the block
known_after | 15 | days | assumed | mean delay until a newcomer is in the register of persons
""")


def work(state: State, turn: Turn) -> tuple[State, Rows, Ints]:
    """Return the state with a month's hires, the rows, and each job's last day (NEVER where it goes on)."""
    chance = turn.stream("work")
    want = staff_wanted(state.firms, turn.month)
    last = leaving(chance, state.firms, state.jobs, month=turn.month, want=want)
    last = np.minimum(last, np.minimum(fiction_ends(state.jobs, turn.month), buried(state, turn)))
    state, hired, rows = hires(state, turn, chance, last=last)
    hired = registered_jobs(chance, sent(chance, hired, state.dispatch), state.habits)
    hired = fictitious(chance, hired, month=turn.month, firms=state.firms, habits=state.habits)
    rows += known_jobs(state.block, hired)
    jobs = appended(state.jobs, hired)
    last = np.concatenate([last, np.full(len(hired.firm), NEVER)])
    opens = (jobs.entered == NEVER) & (jobs.cover < turn.end) & (jobs.cover < last)
    jobs, more = openings(chance, state.block, jobs, opened=opens)
    return replace(state, jobs=jobs), rows + more, last


def buried(state: State, turn: Turn) -> Ints:
    """Return the last day of the jobs of people who died before a month, NEVER for all others."""
    died = state.people.died[state.jobs.worker]
    noticed = (died < turn.day) & ((state.jobs.worker + turn.month) % 3 == 0)
    return np.where(noticed, turn.day + 4, NEVER)


def hires(
    state: State, turn: Turn, chance: np.random.Generator, *, last: Ints
) -> tuple[State, Jobs, Rows]:
    """Return the state with people moved, the new jobs, and the rows of newcomers."""
    leaver = np.flatnonzero((last < NEVER) & (state.jobs.fiction == 0))
    along, heir = moved(chance, state.phoenix, state.jobs, last=last, firms=state.firms)
    stay = leaver[~np.isin(state.jobs.worker[leaver], along)]
    direct = stay[chance.random(len(stay)) < P["direct"]]
    places = chance.permutation(
        vacancies(chance, state.jobs, staff_wanted(state.firms, turn.month))
    )
    direct = direct[: len(places)]
    same = np.flatnonzero(place(state.jobs)[direct] == places[: len(direct)])
    direct, places = np.delete(direct, same), np.delete(places, same)
    pool = chance.permutation(state.idle)
    from_pool = pool[: min(len(pool), int((len(places) - len(direct)) * STAFF["from_pool"]))]
    missing = len(places) - len(direct) - len(from_pool)
    crowd, fresh, rows = arrivals(state, turn, chance, firm=places[len(places) - missing :])
    day = turn.day + chance.integers(0, turn.days, len(places))
    day[: len(direct)] = last[direct] + 1
    day = np.maximum(day, state.firms.registered[places])
    out = np.setdiff1d(state.jobs.worker[stay], state.jobs.worker[direct])
    out = out[state.people.died[out] == NEVER]
    worker = np.concatenate([along, state.jobs.worker[direct], from_pool, fresh])
    firm = np.concatenate([heir, places])
    started = np.concatenate([state.firms.closed[_elders(state, along)] + 1, day])
    jobs = new_jobs(chance, state.firms, of={"worker": worker, "firm": firm, "started": started})
    idle = np.concatenate([pool[len(from_pool) :], out])
    return replace(state, people=crowd, idle=idle), jobs, rows


def _elders(state: State, workers: Ints) -> Ints:
    order = np.argsort(state.jobs.worker, kind="stable")
    place = np.searchsorted(state.jobs.worker[order], workers)
    return state.jobs.firm[order[place]]


def arrivals(
    state: State, turn: Turn, chance: np.random.Generator, *, firm: Ints
) -> tuple[People, Ints, Rows]:
    """Return the people with newcomers to the city, their local numbers, and their rows."""
    more = people(state.setting, chance, state.firms.section[firm])
    crowd, fresh = grown(state.people, more)
    known = turn.day + chance.exponential(P["known_after"], len(fresh)).astype(np.int64)
    return crowd, fresh, people_rows(state.block, more, known=known, start=len(state.people.born))


def people_rows(block: int, crowd: People, *, known: Ints, start: int) -> Rows:
    """Return rows of people numbered from `start` and, where held, of their protected attributes."""
    who = person(block, np.arange(start, start + len(known)))
    held = crowd.sex >= 0
    return [
        ("workers", piece(known, worker=who, birth_year=crowd.born, residence=crowd.residence)),
        (
            "protected",
            piece(
                known[held] + 1,
                worker=who[held],
                sex=crowd.sex[held],
                ethnicity=crowd.ethnicity[held],
            ),
        ),
    ]
