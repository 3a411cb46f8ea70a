"""Benefits paid each month: pensions and unemployment benefit, until they stop or should have stopped."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace

import numpy as np

from simulation.funds.medical_claims import Claims
from simulation.ground.draws import happens, whole_numbers
from simulation.ground.parameters import parameters
from simulation.ground.pieces import Piece, Rows, piece
from simulation.ground.setting import (
    CLAIMS_A_BLOCK,
    NEVER,
    NULL,
    Flags,
    Ints,
    Setting,
    Turn,
    stream,
)
from simulation.labour.registrations import person
from simulation.labour.staff import PART_TIME, Jobs, People

P = parameters("""
pension | 1900 | yuan a month | assumed | median pension
unemployment | 1000 | yuan a month | assumed | unemployment benefit
stops | .8 | share a month | assumed | claimants with a new job who report it
death_known | 45 | days | assumed | usual days from a death to the last payment
pension_spread | .3 | log yuan | assumed | spread of pensions
hidden | .12 | share | assumed | pensions that are drawn for up to nine months after a death
""")
UNEMPLOYMENT, PENSION = range(2)
PAYDAY = 14
"""Days from the month's first to the day on which benefits are paid."""


@dataclass(frozen=True, slots=True)
class Benefits:
    """Benefits in payment: local worker, claim, first day, fen a month, months left, kind."""

    worker: Ints
    claim: Ints
    started: Ints
    amount: Ints
    left: Ints
    kind: Ints
    known: Ints


def with_benefits(first: Benefits, second: Benefits) -> Benefits:
    """Return the benefits of both."""
    names = [field.name for field in fields(Benefits)]
    pairs = [(getattr(first, name), getattr(second, name)) for name in names]
    return Benefits(*(np.concatenate(pair) for pair in pairs))


def first_pensions(setting: Setting, block: int, of: Ints) -> tuple[Benefits, Rows]:
    """Return the pensions in payment as the city begins, to the people `of`, and the rows of their claims."""
    chance = stream(setting, block, 0, of="pensions")
    count = len(of)
    started = setting.first_day - 30 - chance.integers(0, 2500, count)
    # numbered from the end of the block's numbers, where no month's claims come
    last_number = (block + 1) * CLAIMS_A_BLOCK - 1
    pensions = Benefits(
        worker=of,
        claim=last_number - np.arange(count),
        started=started,
        amount=_pension_amounts(chance, count),
        left=np.full(count, NEVER),
        kind=np.full(count, PENSION),
        known=started + chance.integers(1, 29, count),
    )
    return pensions, pension_rows(block, pensions)


def _pension_amounts(chance: np.random.Generator, count: int) -> Ints:
    """Return pensions in fen, of whole yuan."""
    yuan = chance.lognormal(0, P["pension_spread"], count) * P["pension"]
    return whole_numbers(yuan) * 100


def pension_rows(block: int, pensions: Benefits) -> Rows:
    """Return the rows of pension claims and their particulars."""
    worker = person(block, pensions.worker)
    claims = piece(
        pensions.known,
        claim=pensions.claim,
        worker=worker,
        scheme=0,
        filed_on=pensions.started - 1,
        amount=pensions.amount,
        state=1,
    )
    particulars = piece(
        pensions.known,
        claim=pensions.claim,
        worker=worker,
        started=pensions.started,
        rule=0,
    )
    return [("claims", claims), ("pensions", particulars)]


def paid(turn: Turn, benefits: Benefits, *, of: tuple[People, Jobs]) -> tuple[Benefits, Rows]:
    """Return the benefits after a month, and the rows of payments and of unemployment spells that end."""
    people, jobs = of
    chance = turn.stream("payments")
    day = turn.day + PAYDAY
    is_open = benefits.known < day - 5
    is_over = _death_is_known(benefits, people, day) | (benefits.left <= 0)
    reports_job = _works(benefits, jobs) & happens(chance, P["stops"], len(is_open))
    stops = is_open & (is_over | reports_job)
    is_paid = ~stops & is_open & (benefits.started < day)
    payments = _payments(turn, _picked(benefits, is_paid), day)
    ends = stops & (benefits.kind == UNEMPLOYMENT)
    spells = _ended_spells(turn.block, _picked(benefits, ends), day)
    going_on = _picked(benefits, ~stops)
    months_left = going_on.left - (going_on.known < day - 5)
    rows: Rows = [("benefit_payments", payments), ("unemployment_spells", spells)]
    return replace(going_on, left=months_left), rows


def _picked(benefits: Benefits, mask: Flags) -> Benefits:
    columns = [getattr(benefits, field.name) for field in fields(Benefits)]
    return Benefits(*(column[mask] for column in columns))


def _death_is_known(benefits: Benefits, people: People, day: int) -> Flags:
    """Return whose death the funds know by a day; some deaths are hidden for two to ten months."""
    worker = benefits.worker
    # chosen by the worker's number in place of a draw, so that every month gives the same answer
    is_hidden = worker * 31 % 100 < P["hidden"] * 100
    hidden_days = 30 * (worker % 9 + 2)
    delay = np.where(is_hidden, hidden_days, P["death_known"])
    return people.died[worker] + delay < day


def _works(benefits: Benefits, jobs: Jobs) -> Flags:
    """Return who draws unemployment benefit and has a job that is not part-time."""
    employed = jobs.worker[jobs.kind != PART_TIME]
    is_unemployed = benefits.kind == UNEMPLOYMENT
    return np.asarray(is_unemployed & np.isin(benefits.worker, employed))


def _payments(turn: Turn, benefits: Benefits, day: int) -> Piece:
    return piece(
        np.full(len(benefits.claim), day + 1),
        claim=benefits.claim,
        worker=person(turn.block, benefits.worker),
        month=turn.month,
        amount=benefits.amount,
        paid_on=day,
    )


def _ended_spells(block: int, benefits: Benefits, day: int) -> Piece:
    return piece(
        np.full(len(benefits.claim), day + 3),
        claim=benefits.claim,
        worker=person(block, benefits.worker),
        started=benefits.started,
        ended=day - 5,
    )


def new_unemployment(chance: np.random.Generator, claims: Claims, started: Ints) -> Benefits:
    """Return new unemployment benefits."""
    count = len(started)
    fen = int(P["unemployment"]) * 100
    return Benefits(
        worker=claims.worker,
        claim=claims.claim,
        started=started,
        amount=np.full(count, fen),
        left=chance.integers(2, 12, count),
        kind=np.full(count, UNEMPLOYMENT),
        known=claims.known,
    )


def new_pensions(chance: np.random.Generator, claims: Claims) -> Benefits:
    """Return new pensions."""
    count = len(claims.worker)
    return Benefits(
        worker=claims.worker,
        claim=claims.claim,
        started=claims.filed + 1,
        amount=_pension_amounts(chance, count),
        left=np.full(count, NEVER),
        kind=np.full(count, PENSION),
        known=claims.known + 1,
    )


def spell_rows(block: int, benefits: Benefits) -> Rows:
    """Return the opening rows of unemployment spells."""
    rows = piece(
        benefits.known,
        claim=benefits.claim,
        worker=person(block, benefits.worker),
        started=benefits.started,
        ended=NULL,
    )
    return [("unemployment_spells", rows)]
