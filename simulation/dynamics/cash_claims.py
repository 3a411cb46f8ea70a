"""Cash claims of one month: unemployment, maternity, work injury and pension, honest and false."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from simulation.dynamics.state import State
from simulation.funds.benefits import (
    Benefits,
    new_pensions,
    new_unemployment,
    pension_rows,
    spell_rows,
    with_benefits,
)
from simulation.funds.medical_claims import BACKDATED, EMPLOYED, FICTION, NONE, Claims, serials
from simulation.funds.settled_rows import head_rows
from simulation.ground.parameters import parameters
from simulation.ground.pieces import Rows, piece
from simulation.ground.setting import NEVER, NULL, Floats, Ints, Turn
from simulation.labour.registrations import INJURY, MATERNITY, UNEMPLOYMENT, person
from simulation.labour.staff import DISPATCHED, PART_TIME

P = parameters("""
unemployed | .12 | share | assumed | leavers of a year's cover without new work who claim unemployment benefit
employed | .02 | share | assumed | leavers with new work who claim it all the same
maternity | .0036 | a month | assumed | insured women of 21 to 40 who claim maternity benefit
injury | .00028 | a month | assumed | insured workers who claim for a work injury
backdated | .001 | share | assumed | newly insured workers whose accident came before their cover
pension | .8 | share | assumed | leavers from 57 on who claim a pension
delay | 9 | days | assumed | mean days from filing to the database
""")
FEMALE = 1


def _claims(state: State, turn: Turn, *, start: int, of: dict[str, Ints]) -> Claims:
    chance = turn.stream(f"cash{start % 7}{len(of['worker'])}")
    count = len(of["worker"])
    known = of["filed"] + 1 + chance.exponential(P["delay"], count).astype(np.int64)
    none = np.full(count, -1)
    return Claims(
        claim=serials(state.setting, state.block, turn.month, start=start, count=count),
        worker=of["worker"],
        firm=of["firm"],
        provider=none,
        filed=of["filed"],
        known=known,
        amount=of["amount"],
        stay=none,
        false=of["false"],
        cell=none,
    )


def _heads(state: State, claims: Claims, scheme: int) -> Rows:
    of = {
        "known": claims.known,
        "worker": claims.worker,
        "firm": claims.firm,
        "filed": claims.filed,
        "amount": claims.amount,
    }
    filed = head_rows(state.block, claim=claims.claim, of=of, scheme=scheme, state=0)
    paid = head_rows(
        state.block,
        claim=claims.claim,
        of=of | {"known": claims.known + 25},
        scheme=scheme,
        state=1,
    )
    return [("claims", filed), ("claims", paid)]


def unemployment(
    state: State, turn: Turn, *, last: Ints, start: int
) -> tuple[Claims, Benefits, Rows]:
    """Return the unemployment claims of leavers, the new benefits, and the rows."""
    chance = turn.stream("unemployment")
    jobs = state.jobs
    leaves = np.flatnonzero(
        (last < NEVER)
        & (jobs.entered < last - 365)
        & (jobs.kind != PART_TIME)
        & (jobs.fiction == 0)
    )
    works = np.isin(jobs.worker[leaves], jobs.worker[last == NEVER])
    files = chance.random(len(leaves)) < np.where(works, P["employed"], P["unemployed"])
    who, false = leaves[files], np.where(works[files], EMPLOYED, NONE)
    filed = last[who] + 3 + chance.exponential(20, len(who)).astype(np.int64)
    claims = _claims(
        state,
        turn,
        start=start,
        of={
            "worker": jobs.worker[who],
            "firm": jobs.firm[who],
            "filed": filed,
            "false": false,
            "amount": np.full(len(who), 100_000),
        },
    )
    benefits = new_unemployment(chance, claims, last[who] + 1)
    return claims, benefits, _heads(state, claims, UNEMPLOYMENT) + spell_rows(state.block, benefits)


def pension(state: State, turn: Turn, *, last: Ints, start: int) -> tuple[Claims, Benefits, Rows]:
    """Return the pension claims of old leavers, the new pensions, and the rows."""
    chance = turn.stream("pension")
    jobs = state.jobs
    old = turn.month // 12 - state.people.born[jobs.worker] >= 57
    who = np.flatnonzero(
        (last < NEVER)
        & (jobs.entered < last - 365)
        & old
        & (chance.random(len(last)) < P["pension"])
    )
    claims = _claims(
        state,
        turn,
        start=start,
        of={
            "worker": jobs.worker[who],
            "firm": jobs.firm[who],
            "filed": last[who] + 5,
            "false": np.zeros(len(who), dtype=np.int64),
            "amount": jobs.wage[who] // 2,
        },
    )
    pensions = new_pensions(chance, claims)
    return claims, pensions, pension_rows(state.block, pensions)


def maternity(state: State, turn: Turn, start: int) -> tuple[Claims, Rows]:
    """Return the maternity claims of one month, those on fictitious enrolments among them, and the rows."""
    chance = turn.stream("maternity")
    jobs = state.jobs
    age = turn.month // 12 - state.people.born[jobs.worker]
    able = (
        (state.people.sex[jobs.worker] == FEMALE)
        & (age > 20)
        & (age < 41)
        & (jobs.cover < turn.day - 20)
    )
    honest = able & (chance.random(len(age)) < P["maternity"]) & (jobs.fiction == 0)
    who = np.flatnonzero((honest | (jobs.fiction == turn.month)) & (jobs.whole == 1))
    began = turn.day - chance.integers(20, 110, len(who))
    days = chance.choice([98, 128, 143], len(who), p=[0.5, 0.4, 0.1])
    filed = turn.day + chance.integers(0, turn.days, len(who))
    claims = _claims(
        state,
        turn,
        start=start,
        of={
            "worker": jobs.worker[who],
            "firm": jobs.firm[who],
            "filed": filed,
            "amount": jobs.wage[who] * days // 30,
            "false": np.where(jobs.fiction[who] > 0, FICTION, NONE),
        },
    )
    part = piece(
        claims.known,
        claim=claims.claim,
        worker=person(state.block, claims.worker),
        started=began,
        ended=began + days,
        wage_base=jobs.wage[who],
    )
    return claims, [*_heads(state, claims, MATERNITY), ("maternity_leaves", part)]


def injury(state: State, turn: Turn, start: int) -> tuple[Claims, Rows]:
    """Return the work injury claims of one month, those of people insured after it happened among them."""
    chance = turn.stream("injury")
    jobs, day = state.jobs, turn.day
    draw: Floats = chance.random(len(jobs.worker))
    insured = (jobs.cover < day) & (jobs.kind != DISPATCHED) & (jobs.fiction == 0)
    fresh = (jobs.cover >= day - 31) & (jobs.cover < day) & (draw > 1 - P["backdated"]) & insured
    who = np.flatnonzero((insured & (draw < P["injury"])) | fresh)
    false = fresh[who]
    happened = np.where(
        false,
        jobs.cover[who] + chance.integers(0, 7, len(who)),
        day - chance.integers(0, 60, len(who)),
    )
    happened = np.maximum(happened, np.minimum(jobs.cover[who], day - 1))
    filed = np.maximum(day, happened) + chance.integers(1, 40, len(who))
    claims = _claims(
        state,
        turn,
        start=start,
        of={
            "worker": jobs.worker[who],
            "firm": jobs.firm[who],
            "filed": filed,
            "false": np.where(false, BACKDATED, NONE),
            "amount": (chance.lognormal(9, 0.9, len(who))).astype(np.int64) * 100,
        },
    )
    agreed = (chance.random(len(who)) < 0.93).astype(np.int64)
    part = piece(
        claims.known + 20,
        claim=claims.claim,
        worker=person(state.block, claims.worker),
        happened_on=happened,
        recognised_on=claims.filed + 15,
        recognised=agreed,
        grade=np.where(chance.random(len(who)) < 0.4, chance.integers(5, 11, len(who)), NULL),
    )
    return claims, [*_heads(state, claims, INJURY), ("work_injuries", part)]


def cash(
    state: State, turn: Turn, *, last: Ints, start: int
) -> tuple[State, list[tuple[int, Claims]], Rows]:
    """Return the state with new benefits, the month's cash claims by scheme, and their rows."""
    jobless, benefits, rows = unemployment(state, turn, last=last, start=start)
    start += len(jobless.claim)
    retired, pensions, more = pension(state, turn, last=last, start=start)
    start += len(retired.claim)
    births, even = maternity(state, turn, start)
    hurt, last_rows = injury(state, turn, start + len(births.claim))
    state = replace(
        state, benefits=with_benefits(state.benefits, with_benefits(benefits, pensions))
    )
    made = [(UNEMPLOYMENT, jobless), (MATERNITY, births), (INJURY, hurt)]
    return state, made, rows + more + even + last_rows
