"""Benefits paid month by month: pensions and unemployment benefit, until they stop or should have stopped."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace

import numpy as np

from simulation.funds.medical_claims import Claims
from simulation.ground.parameters import parameters
from simulation.ground.pieces import Rows, piece
from simulation.ground.setting import CLAIMS_A_BLOCK, NEVER, NULL, Ints, Setting, Turn, stream
from simulation.labour.registrations import person
from simulation.labour.staff import Jobs, People

P = parameters("""
pension | 1900 | yuan a month | assumed | median pension
unemployment | 1000 | yuan a month | assumed | unemployment benefit
stops | .8 | share a month | assumed | claimants who report a new job
death_known | 45 | days | assumed | usual days until payments stop after a death
hidden | .12 | share | assumed | pensions drawn on for up to nine months after a death
""")
UNEMPLOYMENT, PENSION = range(2)


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


def no_benefits() -> Benefits:
    """Return no benefits."""
    return Benefits(*(np.empty(0, dtype=np.int64) for _ in fields(Benefits)))


def with_benefits(first: Benefits, second: Benefits) -> Benefits:
    """Return the benefits of both."""
    return Benefits(
        *(
            np.concatenate([getattr(first, f.name), getattr(second, f.name)])
            for f in fields(Benefits)
        )
    )


def first_pensions(setting: Setting, block: int, of: Ints) -> tuple[Benefits, Rows]:
    """Return the pensions in payment as the city begins, to the people `of`, and the rows of their claims."""
    chance = stream(setting, block, 0, of="pensions")
    count = len(of)
    started = setting.first_day - 30 - chance.integers(0, 2500, count)
    claim = (block + 1) * CLAIMS_A_BLOCK - 1 - np.arange(count)
    amount = (chance.lognormal(0, 0.3, count) * P["pension"]).astype(np.int64) * 100
    known = started + chance.integers(1, 29, count)
    pensions = Benefits(
        of, claim, started, amount, np.full(count, NEVER), np.full(count, PENSION), known
    )
    return pensions, pension_rows(block, pensions)


def pension_rows(block: int, pensions: Benefits) -> Rows:
    """Return the rows of pension claims and their particulars."""
    worker, known = person(block, pensions.worker), pensions.known
    filed = pensions.started - 1
    return [
        (
            "claims",
            piece(
                known,
                claim=pensions.claim,
                worker=worker,
                scheme=0,
                filed_on=filed,
                amount=pensions.amount,
                state=1,
            ),
        ),
        (
            "pensions",
            piece(known, claim=pensions.claim, worker=worker, started=pensions.started, rule=0),
        ),
    ]


def paid(turn: Turn, benefits: Benefits, *, of: tuple[People, Jobs]) -> tuple[Benefits, Rows]:
    """Return the benefits after a month, and the rows of payments and of unemployment spells that end."""
    people, jobs = of
    chance = turn.stream("payments")
    size = len(benefits.worker)
    day = turn.day + 14
    death = people.died[benefits.worker]
    lag = np.where(
        benefits.worker * 31 % 100 < P["hidden"] * 100,
        30 * (benefits.worker % 9 + 2),
        P["death_known"],
    )
    works = np.isin(benefits.worker, jobs.worker[jobs.kind != 1]) & (benefits.kind == UNEMPLOYMENT)
    open_ = benefits.known < day - 5
    stops = open_ & (
        (death + lag < day) | (works & (chance.random(size) < P["stops"])) | (benefits.left <= 0)
    )
    pays = ~stops & open_ & (benefits.started < day)
    rows = piece(
        np.full(int(pays.sum()), day + 1),
        claim=benefits.claim[pays],
        worker=person(turn.block, benefits.worker[pays]),
        month=turn.month,
        amount=benefits.amount[pays],
        paid_on=day,
    )
    over = stops & (benefits.kind == UNEMPLOYMENT)
    spell = piece(
        np.full(int(over.sum()), day + 3),
        claim=benefits.claim[over],
        worker=person(turn.block, benefits.worker[over]),
        started=benefits.started[over],
        ended=day - 5,
    )
    kept = Benefits(*(getattr(benefits, f.name)[~stops] for f in fields(Benefits)))
    return replace(kept, left=kept.left - (kept.known < day - 5)), [
        ("benefit_payments", rows),
        ("unemployment_spells", spell),
    ]


def new_unemployment(chance: np.random.Generator, claims: Claims, started: Ints) -> Benefits:
    """Return new unemployment benefits."""
    count = len(started)
    return Benefits(
        claims.worker,
        claims.claim,
        started,
        np.full(count, int(P["unemployment"]) * 100),
        chance.integers(2, 12, count),
        np.full(count, UNEMPLOYMENT),
        claims.known,
    )


def new_pensions(chance: np.random.Generator, claims: Claims) -> Benefits:
    """Return new pensions."""
    count = len(claims.worker)
    amount = (chance.lognormal(0, 0.3, count) * P["pension"]).astype(np.int64) * 100
    return Benefits(
        claims.worker,
        claims.claim,
        claims.filed + 1,
        amount,
        np.full(count, NEVER),
        np.full(count, PENSION),
        claims.known + 1,
    )


def spell_rows(block: int, benefits: Benefits) -> Rows:
    """Return the opening rows of unemployment spells."""
    return [
        (
            "unemployment_spells",
            piece(
                benefits.known,
                claim=benefits.claim,
                worker=person(block, benefits.worker),
                started=benefits.started,
                ended=NULL,
            ),
        )
    ]
