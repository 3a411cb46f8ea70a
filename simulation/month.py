"""One month of one block: `advance(state, month, visits)` returns the next state, the month's rows and its truth."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from simulation.dynamics.cash_claims import cash
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
from simulation.inspection.findings import results
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
    """What is true of one month and in no database: of each enterprise, and the false claims."""

    enterprises: Piece
    claims: Piece


def choose(state: State, month: int) -> Visits:
    """Return the visits of a month as the inspectorate's habit has them."""
    return habit(Turn(state.setting, state.block, month), state.firms, state.memory)


def advance(state: State, month: int, visits: Visits) -> tuple[State, Rows, Truth]:
    """Return the state after a month with the given visits, the month's rows, and its truth; changes no argument."""
    turn = Turn(state.setting, state.block, month)
    firms, rows = attribute_rows(turn, state.firms)
    state, more, last = work(replace(state, firms=firms), turn)
    booked, owed = contribution_rows(turn, jobs=state.jobs, habits=state.habits)
    count = census(state.jobs, month=month, owed=owed)
    state, seen = observed(state, turn, count)
    rows += more + booked + seen
    state, more = voiced(state, turn, count)
    state, false, care = insured(state, turn, last)
    rows += more + care + closings(turn.stream("closings"), state.block, state.jobs, last)
    state = replace(state, jobs=raised(ended(state.jobs, last), month))
    state, more = inspected(state, turn, visits, count=count)
    return state, rows + more, Truth(truth(state, turn, count), false)


def insured(state: State, turn: Turn, last: Ints) -> tuple[State, Piece, Rows]:
    """Return the state after a month's deaths, claims and benefits, the false claims, and the rows."""
    people, rows = died(turn, state.people)
    benefits, more = paid(turn, state.benefits, of=(people, state.jobs))
    state = replace(state, people=people, benefits=benefits)
    care = medical(turn, state.jobs, people)
    rows += more + medical_rows(turn, care)
    state, made, more = cash(state, turn, last=last, start=len(care.claim))
    for scheme, claims in [(MEDICAL, care), *made]:
        rows += review_rows(turn, claims, scheme=scheme)
    return state, false_claims([care, *(claims for _, claims in made)]), rows + more


def false_claims(made: list[Claims]) -> Piece:
    """Return the claims that are false and in which way."""
    claim, false, known = (
        np.concatenate([getattr(c, name) for c in made]) for name in ("claim", "false", "known")
    )
    return piece(known[false > 0], claim=claim[false > 0], false=false[false > 0])


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
    complaints, more = lodged(turn, count, firms=state.firms, unpaid=unpaid)
    memory, medals = appraised(turn, state.firms, state.memory)
    memory, lost = revoked(turn, memory)
    memory, named, shown = publication(turn, memory, wages_owed=unpaid)
    habits = shamed(turn, state.habits, exposed=named)
    rows += more + medals + lost + shown
    complained = np.bincount(complaints.firm, minlength=len(unpaid))
    return replace(state, memory=replace(memory, complained=complained), habits=habits), rows


def inspected(state: State, turn: Turn, visits: Visits, *, count: Census) -> tuple[State, Rows]:
    """Return the state after a month's visits, with employers' reactions, and the rows."""
    result, rows = results(turn, visits, count=count, firms=state.firms)
    of = (visits, result)
    jobs, more = enrolled_after(turn, state.jobs, of=of, habits=state.habits)
    habits = mended(turn, state.habits, of=of)
    habits = drifted(turn, state.firms, habits=habits, memory=state.memory)
    firms = hurried(turn, state.firms, phoenix=state.phoenix, of=of)
    memory = memory_after(state.memory, visits, result)
    return replace(state, jobs=jobs, habits=habits, firms=firms, memory=memory), rows + more


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
