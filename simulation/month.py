"""One month of one block: `advance(state, month, visits)` returns the next state, the month's rows and its truth."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from simulation.dynamics.cash_claims import cash
from simulation.dynamics.letters import NO_LETTERS, lettered
from simulation.dynamics.phoenix import hurried
from simulation.dynamics.reaction import drifted, enrolled_after, memory_after, mended, shamed
from simulation.dynamics.state import State
from simulation.dynamics.work import work
from simulation.funds.benefits import paid
from simulation.funds.medical_claims import Claims, medical
from simulation.funds.reviews import review_rows
from simulation.funds.settled_rows import medical_rows
from simulation.ground.pieces import Piece, Rows, piece
from simulation.ground.setting import Ints, Turn
from simulation.inspection.campaign import appraised, publication, revoked
from simulation.inspection.complaints import lodged
from simulation.inspection.findings import Results, results
from simulation.inspection.visits import Visits, habit
from simulation.labour.agency import agreements
from simulation.labour.arrears import arrears
from simulation.labour.attributes import attribute_rows
from simulation.labour.census import Census, census
from simulation.labour.contributions import contribution_rows
from simulation.labour.deaths import died
from simulation.labour.firms import city_numbers, living_firms
from simulation.labour.power import power_rows
from simulation.labour.registrations import MEDICAL, closings
from simulation.labour.staff import ended, raised
from simulation.labour.tax import filing_gap, tax_rows


@dataclass(frozen=True, slots=True)
class Truth:
    """What is true of one month and in no database: of each enterprise, the false claims, and what each visit comes to."""

    enterprises: Piece
    claims: Piece
    visits: Piece


@dataclass(frozen=True, slots=True)
class Inspectorate:
    """Who chooses each month's visits of a block; a caller joins the city to its plans by one of its own.

    `choose(state, month)` sees the block as the month begins. The name stands in the city's folder, so
    that no city is written half by one inspectorate and half by another.
    """

    name: str
    choose: Callable[[State, int], Visits]


def choose(state: State, month: int) -> Visits:
    """Return the visits of a month as the inspectorate's habit has them."""
    return habit(Turn(state.setting, state.block, month), state.firms, state.memory)


HABIT = Inspectorate("habit", choose)


def advance(
    state: State, month: int, visits: Visits, letters: Ints = NO_LETTERS
) -> tuple[State, Rows, Truth]:
    """Return the state after a month with the given visits, the month's rows, and its truth; changes no argument.

    `letters` are the enterprises to which one is sent as the month begins.
    """
    turn = Turn(state.setting, state.block, month)
    state = lettered(state, turn, letters)
    firms, rows = attribute_rows(turn, state.firms)
    state, work_rows, last = work(replace(state, firms=firms), turn)
    booked_rows, owed = contribution_rows(turn, jobs=state.jobs, habits=state.habits)
    count = census(state.jobs, month=month, owed=owed)
    state, bureau_rows = observed(state, turn, count)
    rows += work_rows + booked_rows + bureau_rows
    state, complaint_rows = voiced(state, turn, count)
    state, false, claim_rows = insured(state, turn, last)
    rows += complaint_rows + claim_rows
    rows += closings(turn.stream("closings"), state.block, state.jobs, last)
    going_on = ended(state.jobs, last)
    state = replace(state, jobs=raised(going_on, month))
    state, came_to, visit_rows = inspected(state, turn, visits, count=count)
    return state, rows + visit_rows, Truth(truth(state, turn, count), false, came_to)


def insured(state: State, turn: Turn, last: Ints) -> tuple[State, Piece, Rows]:
    """Return the state after a month's deaths, claims and benefits, the false claims, and the rows."""
    people, rows = died(turn, state.people)
    benefits, payment_rows = paid(turn, state.benefits, of=(people, state.jobs))
    state = replace(state, people=people, benefits=benefits)
    care = medical(turn, state.jobs, people)
    rows += payment_rows + medical_rows(turn, care)
    state, cash_claims, cash_rows = cash(state, turn, last=last, start=len(care.claim))
    by_scheme = [(MEDICAL, care), *cash_claims]
    for scheme, claims in by_scheme:
        rows += review_rows(turn, claims, scheme=scheme)
    false = false_claims([claims for _, claims in by_scheme])
    return state, false, rows + cash_rows


def false_claims(claims: list[Claims]) -> Piece:
    """Return the claims that are false and in which way."""
    number = np.concatenate([part.claim for part in claims])
    false = np.concatenate([part.false for part in claims])
    recorded = np.concatenate([part.known for part in claims])
    is_false = false > 0
    return piece(recorded[is_false], claim=number[is_false], false=false[is_false])


def observed(state: State, turn: Turn, count: Census) -> tuple[State, Rows]:
    """Return the state with tax's gap remembered, and what other bureaus' databases come to say of one month."""
    staff, rows = tax_rows(turn, count, firms=state.firms, habits=state.habits)
    rows += power_rows(turn, count, firms=state.firms, habits=state.habits)
    rows += agreements(turn, dispatch=state.dispatch, jobs=state.jobs)
    memory = replace(state.memory, gap=filing_gap(staff, count))
    return replace(state, memory=memory), rows


def voiced(state: State, turn: Turn, count: Census) -> tuple[State, Rows]:
    """Return the state with a month's complaints and campaign remembered, and their rows."""
    unpaid, rows = arrears(turn, count, firms=state.firms, habits=state.habits)
    complaints, complaint_rows = lodged(turn, count, firms=state.firms, unpaid=unpaid)
    memory, medals = appraised(turn, state.firms, state.memory)
    memory, lost = revoked(turn, memory)
    memory, named, shown = publication(turn, memory, wages_owed=unpaid)
    habits = shamed(turn, state.habits, exposed=named)
    rows += complaint_rows + medals + lost + shown
    complained = np.bincount(complaints.firm, minlength=len(unpaid))
    memory = replace(memory, complained=complained)
    return replace(state, memory=memory, habits=habits), rows


def inspected(
    state: State, turn: Turn, visits: Visits, *, count: Census
) -> tuple[State, Piece, Rows]:
    """Return the state after a month's visits, with employers' reactions, what each visit comes to, and the rows."""
    result, rows = results(turn, visits, count=count, firms=state.firms)
    of = (visits, result)
    jobs, payment_rows = enrolled_after(turn, state.jobs, of=of, habits=state.habits)
    habits = mended(turn, state.habits, of=of)
    habits = drifted(turn, state.firms, habits=habits, memory=state.memory)
    firms = hurried(turn, state.firms, phoenix=state.phoenix, of=of)
    memory = memory_after(state.memory, visits, result)
    state = replace(state, jobs=jobs, habits=habits, firms=firms, memory=memory)
    return state, outcomes_of(turn, visits, result), rows + payment_rows


def outcomes_of(turn: Turn, visits: Visits, result: Results) -> Piece:
    """Return what each visit finds and how many workers are registered for it, whenever a database comes to know it."""
    return piece(
        visits.day,
        enterprise=city_numbers(turn.block, visits.firm),
        kind=visits.kind,
        minutes=visits.planned,
        workers=result.workers,
        registered=np.where(result.complies, result.workers, 0),
    )


def truth(state: State, turn: Turn, count: Census) -> Piece:
    """Return what is true of each living enterprise as a month ends: uncovered, staff, contributions short in fen."""
    who = np.flatnonzero(living_firms(state.firms, turn.end - 1))
    day = np.full(len(who), turn.end - 1)
    return piece(
        day,
        enterprise=city_numbers(state.block, who),
        month=turn.month,
        uncovered=count.uncovered[who],
        staff=count.staff[who],
        short=count.owed[who],
    )
