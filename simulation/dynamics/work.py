"""The labour market of one month: who leaves, who follows an employer, who is hired, who is registered."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from simulation.dynamics.phoenix import moved
from simulation.dynamics.state import State
from simulation.ground.draws import days_within, exponential_days, happens
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
known_after | 15 | days | assumed | mean delay until the register of persons has a newcomer
""")


def work(state: State, turn: Turn) -> tuple[State, Rows, Ints]:
    """Return the state with a month's hires, the rows, and each job's last day (NEVER where it goes on)."""
    chance = turn.stream("work")
    want = staff_wanted(state.firms, turn.month)
    last = leaving(chance, state.firms, state.jobs, month=turn.month, want=want)
    last = np.minimum(last, fiction_ends(state.jobs, turn.month))
    last = np.minimum(last, buried(state, turn))
    state, hired, rows = hires(state, turn, chance, last=last)
    hired = sent(chance, hired, state.dispatch)
    hired = registered_jobs(chance, hired, state.habits)
    hired = fictitious(chance, hired, month=turn.month, firms=state.firms, habits=state.habits)
    rows += known_jobs(state.block, hired)
    jobs = appended(state.jobs, hired)
    goes_on = np.full(len(hired.firm), NEVER)
    last = np.concatenate([last, goes_on])
    is_unknown = jobs.entered == NEVER
    opens = is_unknown & (jobs.cover < turn.end) & (jobs.cover < last)
    jobs, opened = openings(chance, state.block, jobs, opened=opens)
    return replace(state, jobs=jobs), rows + opened, last


def buried(state: State, turn: Turn) -> Ints:
    """Return the last day of the jobs of people who died before a month, NEVER for all others."""
    worker = state.jobs.worker
    is_dead = state.people.died[worker] < turn.day
    # an employer notices in one month of three, spread over the workers by their numbers
    is_noticed = is_dead & ((worker + turn.month) % 3 == 0)
    return np.where(is_noticed, turn.day + 4, NEVER)


def hires(
    state: State, turn: Turn, chance: np.random.Generator, *, last: Ints
) -> tuple[State, Jobs, Rows]:
    """Return the state with people moved, the new jobs, and the rows of newcomers."""
    jobs, firms = state.jobs, state.firms
    movers, heir = moved(chance, state.phoenix, jobs, last=last, firms=firms)
    leavers = _leavers(jobs, last=last, movers=movers)
    direct, places = _direct_moves(state, turn, chance, leavers=leavers)
    pool = chance.permutation(state.idle)
    wanted = int((len(places) - len(direct)) * STAFF["from_pool"])
    from_pool = pool[:wanted]
    placed = len(direct) + len(from_pool)
    crowd, newcomers, rows = arrivals(state, turn, chance, firm=places[placed:])
    day = days_within(turn, chance, len(places))
    day[: len(direct)] = last[direct] + 1
    day = np.maximum(day, firms.registered[places])
    closing_day = firms.closed[_elders(state, movers)]
    job_columns = {
        "worker": np.concatenate([movers, jobs.worker[direct], from_pool, newcomers]),
        "firm": np.concatenate([heir, places]),
        "started": np.concatenate([closing_day + 1, day]),
    }
    hired = new_jobs(chance, firms, of=job_columns)
    newly_idle = _newly_idle(state, leavers, direct)
    idle = np.concatenate([pool[len(from_pool) :], newly_idle])
    return replace(state, people=crowd, idle=idle), hired, rows


def _leavers(jobs: Jobs, *, last: Ints, movers: Ints) -> Ints:
    """Return the jobs that end, without fictions and without those whose worker moves along to an heir."""
    ends = (last < NEVER) & (jobs.fiction == 0)
    leavers = np.flatnonzero(ends)
    moves_along = np.isin(jobs.worker[leavers], movers)
    return leavers[~moves_along]


def _direct_moves(
    state: State, turn: Turn, chance: np.random.Generator, *, leavers: Ints
) -> tuple[Ints, Ints]:
    """Return the leavers who go straight to a new place, and all new places, theirs first."""
    goes_on = happens(chance, P["direct"], len(leavers))
    direct = leavers[goes_on]
    want = staff_wanted(state.firms, turn.month)
    places = chance.permutation(vacancies(chance, state.jobs, want))
    direct = direct[: len(places)]
    # nobody leaves a place to be hired at the same one
    is_same = place(state.jobs)[direct] == places[: len(direct)]
    same = np.flatnonzero(is_same)
    return np.delete(direct, same), np.delete(places, same)


def _newly_idle(state: State, leavers: Ints, direct: Ints) -> Ints:
    """Return the living workers of ended jobs who have no new one."""
    worker = state.jobs.worker
    without_job = np.setdiff1d(worker[leavers], worker[direct])
    is_alive = state.people.died[without_job] == NEVER
    return np.asarray(without_job[is_alive])


def _elders(state: State, workers: Ints) -> Ints:
    """Return the enterprise that each of some workers is employed by."""
    order = np.argsort(state.jobs.worker, kind="stable")
    rank = np.searchsorted(state.jobs.worker[order], workers)
    return state.jobs.firm[order[rank]]


def arrivals(
    state: State, turn: Turn, chance: np.random.Generator, *, firm: Ints
) -> tuple[People, Ints, Rows]:
    """Return the people with newcomers to the city, their local numbers, and their rows."""
    more = people(state.setting, chance, state.firms.section[firm])
    crowd, fresh = grown(state.people, more)
    recorded = turn.day + exponential_days(chance, P["known_after"], len(fresh))
    first = len(state.people.born)
    return crowd, fresh, people_rows(state.block, more, known=recorded, start=first)


def people_rows(block: int, crowd: People, *, known: Ints, start: int) -> Rows:
    """Return rows of people numbered from `start` and, where held, of their protected attributes."""
    number = person(block, np.arange(start, start + len(known)))
    workers = piece(known, worker=number, birth_year=crowd.born, residence=crowd.residence)
    has_sex = crowd.sex >= 0
    protected = piece(
        known[has_sex] + 1,
        worker=number[has_sex],
        sex=crowd.sex[has_sex],
        ethnicity=crowd.ethnicity[has_sex],
    )
    return [("workers", workers), ("protected", protected)]
