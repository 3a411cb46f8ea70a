"""Medical claims of one month: who is treated where and for how much, and what is false about it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from simulation.funds.providers import CARDS, HOSPITAL, PHANTOM, UPCODER, Providers, providers
from simulation.ground.parameters import parameters
from simulation.ground.setting import CLAIMS_A_BLOCK, Flags, Floats, Ints, Setting, Turn
from simulation.labour.staff import Jobs, People, picked

P = parameters("""
rate | .150 | a person and month | assumed | claims of an insured worker: 30 M in 36 months in the full city
frailty | .7 | log | assumed | spread of need between persons
near | .75 | share | assumed | claims at a provider of the home cell
pharmacy | 95 | yuan | assumed | median pharmacy claim
outpatient | 240 | yuan | assumed | median outpatient claim
inpatient | 6200 | yuan | assumed | median inpatient claim
stays | .10 | share | assumed | hospital claims that are stays
lenders | .004 | share | assumed | insured persons who lend their card
lending | 4.5 | ratio | assumed | claims on a lent card, beside the person's own
lent_far | .6 | share | assumed | claims on a lent card away from the home cell
phantom | .20 | ratio | assumed | invented claims for each real one at a provider that bills phantoms
cards | .11 | ratio | assumed | claims on lent cards for each other one at a provider that takes them
upcoded | .35 | share | assumed | claims raised by a provider that upcodes
raise_low | 1.5 | ratio | assumed | smallest raise
raise_high | 3.0 | ratio | assumed | largest raise
more_low | 1.15 | ratio | assumed | smallest amount of an invented or lent claim, of a usual one
more_high | 2.4 | ratio | assumed | largest
bunched | .45 | share | assumed | invented claims filed in the last days of a month
dead_use | 1.2 | ratio | assumed | use of a dead person's card while the death is hidden
slow | .08 | share | assumed | claims recorded weeks after filing
""")
NONE, LENT, INVENTED, RAISED, FICTION, DEAD, EMPLOYED, BACKDATED = range(8)
KINDS = (
    "",
    "card_lending",
    "phantom",
    "upcoding",
    "fictitious_enrolment",
    "after_death",
    "employed",
    "enrolled_after_accident",
)


@dataclass(frozen=True, slots=True)
class Claims:
    """Claims of one month: local worker and enterprise, provider, days, fen, and what is false (0 nothing)."""

    claim: Ints
    worker: Ints
    firm: Ints
    provider: Ints
    filed: Ints
    known: Ints
    amount: Ints
    stay: Ints
    false: Ints
    cell: Ints


def serials(setting: Setting, block: int, month: int, *, start: int, count: int) -> Ints:
    """Return the city-wide numbers of claims of one month, from the `start`-th on."""
    each = CLAIMS_A_BLOCK // setting.months
    return np.asarray(
        block * CLAIMS_A_BLOCK + (month - setting.first) * each + start + np.arange(count)
    )


def lends(block: int, worker: Ints) -> Flags:
    """Return which persons lend their card, the same at every look."""
    return np.asarray(((worker + block * 977) * 2654435761 % 1_000_003) / 1_000_003 < P["lenders"])


def frailty(block: int, worker: Ints) -> Floats:
    """Return each person's own need of care, median 1, the same at every look."""
    lot = ((worker + block * 499) * 40503 % 65537 + 0.5) / 65537
    return np.asarray(np.exp(P["frailty"] * np.log(lot / (1 - lot)) * 0.55))


def medical(turn: Turn, jobs: Jobs, people: People) -> Claims:
    """Return the medical claims of one month, without cash benefits."""
    chance = turn.stream("claims")
    care = providers(turn.setting)
    insured = (jobs.cover < turn.day) & (jobs.whole == 1)
    jobs = picked(jobs, insured)
    day = turn.day
    need = (
        P["rate"]
        * frailty(turn.block, jobs.worker)
        / 1.08
        * (1 + 0.012 * (turn.month // 12 - 35 - people.born[jobs.worker]))
    )
    dead = people.died[jobs.worker] < day
    hidden = dead & (people.died[jobs.worker] > day - 210)
    rate = np.where(dead, need * P["dead_use"] * hidden, need)
    lender = lends(turn.block, jobs.worker)
    own = np.repeat(np.arange(len(rate)), chance.poisson(rate))
    lent = np.repeat(np.arange(len(rate)), chance.poisson(need * P["lending"] * lender * ~dead))
    who = np.concatenate([own, lent])
    false = np.concatenate([np.where(dead[own], DEAD, NONE), np.full(len(lent), LENT)])
    where = _place(
        chance,
        care,
        people.home[jobs.worker[who]],
        far=np.where(false == LENT, P["lent_far"], 1 - P["near"]),
    )
    who, where, false = _with_phantoms(
        chance, care, of=(who, where, false), month=turn.month - turn.setting.first
    )
    return _priced(turn, of=(jobs.worker[who], jobs.firm[who], where, false), homes=people.home)


def _place(chance: np.random.Generator, care: Providers, home: Ints, *, far: Floats) -> Ints:
    anywhere = chance.choice(len(care.kind), len(home), p=care.weight / care.weight.sum())
    start, stop = care.cell_start[home], care.cell_start[home + 1]
    near = care.by_cell[
        np.minimum(
            start + (chance.random(len(home)) ** 1.4 * (stop - start)).astype(np.int64),
            len(care.kind) - 1,
        )
    ]
    return np.where((chance.random(len(home)) < far) | (stop == start), anywhere, near)


def _with_phantoms(
    chance: np.random.Generator, care: Providers, *, of: tuple[Ints, Ints, Ints], month: int
) -> tuple[Ints, Ints, Ints]:
    who, where, false = of
    style, greed = care.style[month][where], care.greed[where]
    invented = np.flatnonzero(
        (style == PHANTOM) & (chance.random(len(where)) < P["phantom"] * greed)
    )
    lent = np.flatnonzero((style == CARDS) & (chance.random(len(where)) < P["cards"] * greed))
    raised = (
        (style == UPCODER) & (chance.random(len(where)) < P["upcoded"] * greed) & (false == NONE)
    )
    false = np.where(raised, RAISED, false)
    whose = chance.choice(who, len(invented) + len(lent)) if len(who) else who
    more = np.concatenate([np.full(len(invented), INVENTED), np.full(len(lent), LENT)])
    return (
        np.concatenate([who, whose]),
        np.concatenate([where, where[invented], where[lent]]),
        np.concatenate([false, more]),
    )


def _priced(turn: Turn, *, of: tuple[Ints, Ints, Ints, Ints], homes: Ints) -> Claims:
    worker, firm, where, false = of
    chance = turn.stream("prices")
    care, size = providers(turn.setting), len(worker)
    hospital = care.kind[where] == HOSPITAL
    inpatient = hospital & (chance.random(size) < P["stays"])
    stay = np.where(inpatient, 2 + chance.gamma(1.6, 4, size).astype(np.int64), -1)
    median = np.where(inpatient, P["inpatient"], np.where(hospital, P["outpatient"], P["pharmacy"]))
    spread = chance.lognormal(0, 0.75, size) * np.where(
        inpatient, (np.maximum(stay, 1) / 7) ** 0.6, 1
    )
    raise_ = np.where(false == RAISED, chance.uniform(P["raise_low"], P["raise_high"], size), 1)
    raise_ = np.where(
        (false == INVENTED) | (false == LENT),
        chance.uniform(P["more_low"], P["more_high"], size),
        raise_,
    )
    filed = turn.day + chance.integers(0, turn.days, size)
    late = (false == INVENTED) & (chance.random(size) < P["bunched"])
    filed = np.where(late, turn.end - 1 - chance.integers(0, 4, size), filed)
    delay = np.where(
        chance.random(size) < P["slow"], chance.integers(8, 50, size), chance.integers(0, 3, size)
    )
    away = (false == LENT) & (chance.random(size) < 0.5)
    claim = serials(turn.setting, turn.block, turn.month, start=0, count=size)
    amount = np.maximum(100, median * spread * raise_ * care.price[where] * 100).astype(np.int64)
    return Claims(
        claim=claim,
        worker=worker,
        firm=firm,
        provider=where,
        filed=filed,
        known=filed + delay,
        amount=amount,
        stay=stay,
        false=false,
        cell=np.where(away, (homes[worker] + 1) % turn.setting.cells, care.cell[where]),
    )
