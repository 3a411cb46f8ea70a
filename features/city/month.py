"""One month of one block: `advance(state, month, visits)` returns the next state and the month's rows."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from features.city.agency import agreements, begin_dispatch, sent
from features.city.arrears import arrears
from features.city.attributes import attribute_rows, first_rows
from features.city.benefits import first_pensions, paid
from features.city.campaign import appraised, earlier_round, exposed, revoked
from features.city.cash import cash
from features.city.census import Census, census
from features.city.claims import Claims, medical
from features.city.contributions import contribution_rows
from features.city.deaths import died
from features.city.findings import results
from features.city.firms import begin_firms, living, number
from features.city.honesty import begin_habits
from features.city.memory import Memory, begin_memory
from features.city.phoenix import begin_phoenix, hurried
from features.city.power import power_rows
from features.city.reaction import drifted, enrolled_after, mended, remembered, shamed
from features.city.register import MEDICAL, closings, known_jobs, openings
from features.city.registration import registered
from features.city.reviews import review_rows
from features.city.rows import Piece, Rows, piece
from features.city.setting import Ints, Setting, stream
from features.city.settled import medical_rows
from features.city.staff import begin_staff, ended, raised, spare
from features.city.state import State
from features.city.tax import tax_rows
from features.city.visits import Visits, habit
from features.city.voices import INSURANCE, Complaints, lodged
from features.city.work import people_rows, work
from features.days import first_day


@dataclass(frozen=True, slots=True)
class Truth:
    """What is true of one month and in no database: of each enterprise, and the false claims."""

    enterprises: Piece
    claims: Piece


def begin(setting: Setting, block: int) -> tuple[State, Rows]:
    """Return a block as the first month begins, and the rows that databases already hold of it."""
    firms = begin_firms(setting, block)
    habits = begin_habits(setting, block, firms)
    phoenix, firms, habits = begin_phoenix(setting, block, firms, habits)
    dispatch = begin_dispatch(setting, block, firms)
    crowd, jobs = begin_staff(setting, block, firms)
    chance = stream(setting, block, 0, of="begin")
    jobs = registered(chance, sent(chance, jobs, dispatch), habits)
    rows = known_jobs(block, jobs)
    jobs, more = openings(chance, block, jobs, opened=jobs.cover < setting.first_day)
    past, appraisals = earlier_round(setting, block, firms)
    memory, medals = appraised(setting, block, month=past, firms=firms, memory=begin_memory(len(firms.kind)))
    idle, pensioners = np.split(np.arange(len(jobs.firm), len(crowd.born)), [spare(len(jobs.firm))])
    benefits, pensions = first_pensions(setting, block, people=crowd, of=pensioners)
    known = np.full(len(crowd.born), setting.first_day - 30)
    rows += [*more, *pensions, *appraisals, *medals, *first_rows(setting, block, firms),
             *people_rows(block, crowd, known=known, start=0)]
    return State(setting, block, firms, habits, dispatch, phoenix, memory, crowd, jobs, idle,
                 benefits), rows


def choose(state: State, month: int) -> Visits:
    """Return the visits of a month as the inspectorate's habit has them."""
    return habit(state.setting, state.block, state.firms, state.memory, month=month)


def advance(state: State, month: int, visits: Visits) -> tuple[State, Rows, Truth]:
    """Return the state after a month with the given visits, the month's rows, and its truth; changes no argument."""
    firms, rows = attribute_rows(state.setting, state.block, month=month, firms=state.firms)
    state, more, last = work(replace(state, firms=firms), month)
    booked, owed = contribution_rows(state.setting, state.block, month=month, jobs=state.jobs, habits=state.habits)
    count = census(state.jobs, month=month, owed=owed)
    rows += more + booked + observed(state, month, count)
    state, more = voiced(state, month, count)
    state, false, care = insured(state, month, last)
    rows += more + care
    rows += closings(stream(state.setting, state.block, month, of="closings"), state.block, state.jobs, last)
    state = replace(state, jobs=raised(ended(state.jobs, last), month))
    state, more = inspected(state, month, visits, count=count)
    return state, rows + more, Truth(truth(state, month, count), false)


def insured(state: State, month: int, last: Ints) -> tuple[State, Piece, Rows]:
    """Return the state after a month's deaths, claims and benefits, the false claims, and the rows."""
    place = (state.setting, state.block)
    people, rows = died(*place, month=month, people=state.people)
    benefits, more = paid(*place, month=month, benefits=state.benefits, of=(people, state.jobs))
    state = replace(state, people=people, benefits=benefits)
    care = medical(*place, month=month, jobs=state.jobs, people=people)
    rows += more + medical_rows(*place, month=month, claims=care)
    state, made, more = cash(state, month, last=last, start=len(care.claim))
    for scheme, claims in [(MEDICAL, care), *made]:
        rows += review_rows(*place, month=month, scheme=scheme, claims=claims)
    return state, false_claims([care, *(claims for _, claims in made)]), rows + more


def false_claims(made: list[Claims]) -> Piece:
    """Return the claims that are false and in which way."""
    claim, false, known = (np.concatenate([getattr(c, name) for c in made]) for name in ("claim", "false", "known"))
    return piece(known[false > 0], claim=claim[false > 0], false=false[false > 0])


def observed(state: State, month: int, count: Census) -> Rows:
    """Return what other bureaus' databases come to say of one month."""
    place = (state.setting, state.block)
    return [*tax_rows(*place, month=month, count=count, firms=state.firms, habits=state.habits),
            *power_rows(*place, month=month, count=count, firms=state.firms, habits=state.habits),
            *agreements(*place, month=month, dispatch=state.dispatch, jobs=state.jobs)]


def voiced(state: State, month: int, count: Census) -> tuple[State, Rows]:
    """Return the state with a month's complaints and campaign remembered, and their rows."""
    place = (state.setting, state.block)
    unpaid, rows = arrears(*place, month=month, count=count, firms=state.firms, habits=state.habits)
    complaints, more = lodged(*place, month=month, count=count, firms=state.firms, unpaid=unpaid)
    memory, medals = appraised(*place, month=month, firms=state.firms, memory=state.memory)
    memory, lost = revoked(*place, month=month, memory=memory)
    memory, named, shown = exposed(*place, month=month, memory=memory, wages_owed=unpaid)
    habits = shamed(*place, month=month, habits=state.habits, exposed=named)
    rows += more + medals + lost + shown
    return replace(state, memory=_heard(memory, complaints, count), habits=habits), rows


def _heard(memory: Memory, complaints: Complaints, count: Census) -> Memory:
    size = len(count.staff)
    about = complaints.topic == INSURANCE
    return replace(memory, complained=np.bincount(complaints.firm, minlength=size),
                   complained_of_cover=np.bincount(complaints.firm[about], minlength=size))


def inspected(state: State, month: int, visits: Visits, *, count: Census) -> tuple[State, Rows]:
    """Return the state after a month's visits, with employers' reactions, and the rows."""
    place = (state.setting, state.block)
    result, rows = results(*place, month=month, visits=visits, count=count, firms=state.firms)
    of = (visits, result)
    jobs, more = enrolled_after(*place, month=month, jobs=state.jobs, of=of, habits=state.habits)
    habits = mended(*place, month=month, habits=state.habits, of=of)
    habits = drifted(*place, month=month, firms=state.firms, habits=habits, memory=state.memory)
    firms = hurried(*place, month=month, firms=state.firms, phoenix=state.phoenix, of=of)
    memory = remembered(state.memory, visits, result)
    return replace(state, jobs=jobs, habits=habits, firms=firms, memory=memory), rows + more


def truth(state: State, month: int, count: Census) -> Piece:
    """Return what is true of each living enterprise as a month ends: uncovered, staff, contributions short in fen."""
    who = np.flatnonzero(living(state.firms, first_day(month + 1) - 1))
    day = np.full(len(who), first_day(month + 1) - 1)
    return piece(day, enterprise=number(state.block, who), month=month, uncovered=count.uncovered[who],
                 staff=count.staff[who], short=count.owed[who])
