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
from simulation.ground.draws import days_within, exponential_days, happens, whole_numbers
from simulation.ground.parameters import parameters
from simulation.ground.pieces import Rows, piece
from simulation.ground.setting import NEVER, NULL, Flags, Floats, Ints, Turn
from simulation.labour.registrations import INJURY, MATERNITY, UNEMPLOYMENT, person
from simulation.labour.staff import DISPATCHED, PART_TIME, Jobs

P = parameters("""
unemployed | .12 | share | assumed | of the leavers with a year's cover and no new work, those who claim unemployment benefit
employed | .02 | share | assumed | of the leavers with new work, those who claim it nevertheless
maternity | .0036 | a month | assumed | insured women of 21 to 40 who claim maternity benefit
injury | .00028 | a month | assumed | insured workers who claim for a work injury
backdated | .001 | share | assumed | newly insured workers whose accident happened before their cover
pension | .8 | share | assumed | leavers aged 57 or more who claim a pension
covered_from | 365 | days | assumed | shortest cover with which a leaver may claim
unemployment_filed | 20 | days | assumed | mean days from leaving to the claim, beyond the first three
pension_age | 57 | years | assumed | age from which leavers claim a pension
recognised | .93 | share | assumed | work injuries that are recognised
graded | .4 | share | assumed | work injuries that get a grade of disability
delay | 9 | days | assumed | mean days from filing to the row
""")
FEMALE = 1
"""The code of women in the column `sex`."""
LEAVES, LEAVE_SHARES = (98, 128, 143), (0.5, 0.4, 0.1)
"""Days of maternity leave, and the share of claims for each."""


def _claims(state: State, turn: Turn, *, start: int, of: dict[str, Ints]) -> Claims:
    chance = turn.stream(f"cash{start % 7}{len(of['worker'])}")
    count = len(of["worker"])
    recorded = of["filed"] + 1 + exponential_days(chance, P["delay"], count)
    none = np.full(count, -1)
    return Claims(
        claim=serials(state.setting, state.block, turn.month, start=start, count=count),
        worker=of["worker"],
        firm=of["firm"],
        provider=none,
        filed=of["filed"],
        known=recorded,
        amount=of["amount"],
        stay=none,
        false=of["false"],
        cell=none,
    )


def _heads(state: State, claims: Claims, scheme: int) -> Rows:
    """Return the rows of claims as they are filed, and again as they are paid, 25 days later."""
    columns = {
        "known": claims.known,
        "worker": claims.worker,
        "firm": claims.firm,
        "filed": claims.filed,
        "amount": claims.amount,
    }
    later = columns | {"known": claims.known + 25}
    number = claims.claim
    filed = head_rows(state.block, claim=number, of=columns, scheme=scheme, state=0)
    paid = head_rows(state.block, claim=number, of=later, scheme=scheme, state=1)
    return [("claims", filed), ("claims", paid)]


def _leaves_after_cover(jobs: Jobs, last: Ints) -> Flags:
    """Return the jobs that end after a cover long enough for a claim."""
    return (last < NEVER) & (jobs.entered < last - P["covered_from"])


def unemployment(
    state: State, turn: Turn, *, last: Ints, start: int
) -> tuple[Claims, Benefits, Rows]:
    """Return the unemployment claims of leavers, the new benefits, and the rows."""
    chance = turn.stream("unemployment")
    jobs = state.jobs
    is_regular = (jobs.kind != PART_TIME) & (jobs.fiction == 0)
    leavers = np.flatnonzero(_leaves_after_cover(jobs, last) & is_regular)
    employed = jobs.worker[last == NEVER]
    works = np.isin(jobs.worker[leavers], employed)
    share = np.where(works, P["employed"], P["unemployed"])
    files = happens(chance, share, len(leavers))
    who = leavers[files]
    delay = exponential_days(chance, P["unemployment_filed"], len(who))
    columns = {
        "worker": jobs.worker[who],
        "firm": jobs.firm[who],
        "filed": last[who] + 3 + delay,
        "false": np.where(works[files], EMPLOYED, NONE),
        "amount": np.full(len(who), 100_000),
    }
    claims = _claims(state, turn, start=start, of=columns)
    benefits = new_unemployment(chance, claims, last[who] + 1)
    rows = _heads(state, claims, UNEMPLOYMENT)
    return claims, benefits, rows + spell_rows(state.block, benefits)


def pension(state: State, turn: Turn, *, last: Ints, start: int) -> tuple[Claims, Benefits, Rows]:
    """Return the pension claims of old leavers, the new pensions, and the rows."""
    chance = turn.stream("pension")
    jobs = state.jobs
    is_old = _ages(state, turn) >= P["pension_age"]
    claims_pension = happens(chance, P["pension"], len(last))
    who = np.flatnonzero(_leaves_after_cover(jobs, last) & is_old & claims_pension)
    columns = {
        "worker": jobs.worker[who],
        "firm": jobs.firm[who],
        "filed": last[who] + 5,
        "false": np.zeros(len(who), dtype=np.int64),
        "amount": jobs.wage[who] // 2,
    }
    claims = _claims(state, turn, start=start, of=columns)
    pensions = new_pensions(chance, claims)
    return claims, pensions, pension_rows(state.block, pensions)


def _ages(state: State, turn: Turn) -> Ints:
    """Return the age of each job's worker in a year."""
    year = turn.month // 12
    return year - state.people.born[state.jobs.worker]


def maternity(state: State, turn: Turn, start: int) -> tuple[Claims, Rows]:
    """Return the maternity claims of one month, those on fictitious enrolments among them, and the rows."""
    chance = turn.stream("maternity")
    jobs = state.jobs
    gives_birth = happens(chance, P["maternity"], len(jobs.worker))
    honest = _may_claim_maternity(state, turn) & gives_birth & (jobs.fiction == 0)
    fictitious = jobs.fiction == turn.month
    who = np.flatnonzero((honest | fictitious) & (jobs.whole == 1))
    size = len(who)
    began = turn.day - chance.integers(20, 110, size)
    days = chance.choice(LEAVES, size, p=LEAVE_SHARES)
    is_fiction = jobs.fiction[who] > 0
    columns = {
        "worker": jobs.worker[who],
        "firm": jobs.firm[who],
        "filed": days_within(turn, chance, size),
        "amount": jobs.wage[who] * days // 30,
        "false": np.where(is_fiction, FICTION, NONE),
    }
    claims = _claims(state, turn, start=start, of=columns)
    part = piece(
        claims.known,
        claim=claims.claim,
        worker=person(state.block, claims.worker),
        started=began,
        ended=began + days,
        wage_base=jobs.wage[who],
    )
    return claims, [*_heads(state, claims, MATERNITY), ("maternity_leaves", part)]


def _may_claim_maternity(state: State, turn: Turn) -> Flags:
    """Return the jobs of women of 21 to 40 who have been covered for some weeks."""
    jobs, age = state.jobs, _ages(state, turn)
    is_woman = state.people.sex[jobs.worker] == FEMALE
    is_of_age = (age > 20) & (age < 41)
    is_covered = jobs.cover < turn.day - 20
    return np.asarray(is_woman & is_of_age & is_covered)


def injury(state: State, turn: Turn, start: int) -> tuple[Claims, Rows]:
    """Return the work injury claims of one month, those of people insured after it happened among them."""
    chance = turn.stream("injury")
    jobs, day = state.jobs, turn.day
    # one draw for both kinds of claims: honest ones at its lower end, false ones at its upper end
    draw: Floats = chance.random(len(jobs.worker))
    insured = (jobs.cover < day) & (jobs.kind != DISPATCHED) & (jobs.fiction == 0)
    is_hurt = insured & (draw < P["injury"])
    is_new = insured & (jobs.cover >= day - 31)
    is_backdated = is_new & (draw > 1 - P["backdated"])
    who = np.flatnonzero(is_hurt | is_backdated)
    false, size = is_backdated[who], len(who)
    happened = _accident_days(chance, jobs.cover[who], false=false, day=day)
    columns = {
        "worker": jobs.worker[who],
        "firm": jobs.firm[who],
        "filed": np.maximum(day, happened) + chance.integers(1, 40, size),
        "false": np.where(false, BACKDATED, NONE),
        "amount": whole_numbers(chance.lognormal(9, 0.9, size)) * 100,
    }
    claims = _claims(state, turn, start=start, of=columns)
    recognised = whole_numbers(happens(chance, P["recognised"], size))
    is_graded = happens(chance, P["graded"], size)
    grade = chance.integers(5, 11, size)
    part = piece(
        claims.known + 20,
        claim=claims.claim,
        worker=person(state.block, claims.worker),
        happened_on=happened,
        recognised_on=claims.filed + 15,
        recognised=recognised,
        grade=np.where(is_graded, grade, NULL),
    )
    return claims, [*_heads(state, claims, INJURY), ("work_injuries", part)]


def _accident_days(chance: np.random.Generator, cover: Ints, *, false: Flags, day: int) -> Ints:
    """Return the day of each accident as the claim states it, which is never before the cover."""
    size = len(cover)
    soon_after_cover = cover + chance.integers(0, 7, size)
    lately = day - chance.integers(0, 60, size)
    happened = np.where(false, soon_after_cover, lately)
    earliest = np.minimum(cover, day - 1)
    return np.maximum(happened, earliest)


def cash(
    state: State, turn: Turn, *, last: Ints, start: int
) -> tuple[State, list[tuple[int, Claims]], Rows]:
    """Return the state with new benefits, the month's cash claims by scheme, and their rows."""
    jobless, benefits, rows = unemployment(state, turn, last=last, start=start)
    start += len(jobless.claim)
    retired, pensions, retirement_rows = pension(state, turn, last=last, start=start)
    start += len(retired.claim)
    births, birth_rows = maternity(state, turn, start)
    start += len(births.claim)
    hurt, injury_rows = injury(state, turn, start)
    new_benefits = with_benefits(benefits, pensions)
    state = replace(state, benefits=with_benefits(state.benefits, new_benefits))
    claims = [(UNEMPLOYMENT, jobless), (MATERNITY, births), (INJURY, hurt)]
    rows += retirement_rows + birth_rows + injury_rows
    return state, claims, rows
