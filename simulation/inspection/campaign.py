"""The Compliance Promotion Campaign: appraisals every two years, medals for the best, exposure of the worst."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from features.calendar import first_day
from simulation.ground.memory import Memory
from simulation.ground.parameters import parameters
from simulation.ground.pieces import Rows, corrections_of, piece
from simulation.ground.setting import NULL, Flags, Ints, Setting, Turn, stream
from simulation.ground.setting import P as CITY
from simulation.labour.firms import HOUSEHOLD, Firms, city_numbers, living_firms

P = parameters("""
every | 2 | years | seed | an appraisal looks at the two preceding years
medals | 581 | units | seed | medals of 2014 in the full city
medal_years | 2 | years | seed | routine visits are waived for two years
exposed | 21 | units | seed | units named on 23 January 2014 in the full city
exposed_floor | .4 | a block | assumed | so many are looked for in a block, that small cities have some
next_day | .19 | share | seed | exposed units that paid the next day: 4 of 21
later | .4 | share | assumed | exposed units that pay within half a year
intensified_years | 2 | years | seed | intensified inspection after exposure
poor_from | 2 | findings | assumed | findings in two years for the class poor
""")
FULL, MEDIUM, POOR = range(3)
APPRAISED, AWARDED = 2, 3


def appraised(turn: Turn, firms: Firms, memory: Memory) -> tuple[Memory, Rows]:
    """Return the memory with new medals, and the rows of a month's appraisals and medals (even years only)."""
    if turn.month % (12 * int(P["every"])) == APPRAISED:
        return memory, _appraisals(turn, firms, memory)
    if turn.month % (12 * int(P["every"])) == AWARDED:
        return _medals(turn, firms, memory)
    return memory, []


def _classes(memory: Memory, day: int) -> Ints:
    recent = memory.found > day - 730
    return np.where(recent, np.where(memory.findings >= P["poor_from"], POOR, MEDIUM), FULL)


def _appraisals(turn: Turn, firms: Firms, memory: Memory) -> Rows:
    chance = turn.stream("appraisal")
    who = np.flatnonzero(living_firms(firms, turn.day) & (firms.registered < turn.day - 365))
    decided = turn.day + chance.integers(0, 28, len(who))
    return [
        (
            "appraisals",
            piece(
                decided + chance.integers(1, 15, len(who)),
                enterprise=city_numbers(turn.block, who),
                period=turn.month // 12 - 1,
                rating=_classes(memory, turn.day)[who],
                rule=0,
                decided_on=decided,
                facts=memory.findings[who],
            ),
        )
    ]


def _medals(turn: Turn, firms: Firms, memory: Memory) -> tuple[Memory, Rows]:
    chance = turn.stream("medals")
    day = turn.day
    open_ = living_firms(firms, day) & (firms.registered < day - 1095) & (firms.kind != HOUSEHOLD)
    good = open_ & (_classes(memory, day) == FULL)
    rate = (
        P["medals"]
        / CITY["enterprises"]
        * len(good)
        / max(1, int(good.sum()))
        * (1 + (memory.visits > 0) * 2)
    )
    who = np.flatnonzero(good & (chance.random(len(good)) < rate))
    until = day + 365 * int(P["medal_years"])
    rows = piece(
        np.full(len(who), day + 18),
        enterprise=city_numbers(turn.block, who),
        started=day,
        ended=until,
        revoked_on=NULL,
        published_on=day + 15,
    )
    held = memory.medal_until.copy()
    held[who] = until
    return replace(memory, medal_until=held), [("medals", rows)]


def revoked(turn: Turn, memory: Memory) -> tuple[Memory, Rows]:
    """Return the memory without the medals of units with a finding, and the rows that revoke them."""
    day = turn.day
    who = np.flatnonzero(
        (memory.medal_until > day)
        & (memory.found > memory.medal_until - 730)
        & (memory.found < day)
    )
    if not len(who):
        return memory, []
    started = memory.medal_until[who] - 365 * int(P["medal_years"])
    rows = piece(
        np.full(len(who), day + 12),
        enterprise=city_numbers(turn.block, who),
        started=started,
        ended=memory.medal_until[who],
        revoked_on=day + 9,
        published_on=started + 15,
    )
    held = memory.medal_until.copy()
    held[who] = day
    return replace(memory, medal_until=held), [("medals", rows)]


def publication(turn: Turn, memory: Memory, *, wages_owed: Ints) -> tuple[Memory, Flags, Rows]:
    """Return the memory, who is exposed in a month (January and July), and the rows of the publication."""
    none = np.zeros(len(wages_owed), dtype=bool)
    if turn.month % 6 != 0:
        return memory, none, []
    chance = turn.stream("exposure")
    day = turn.day + 22
    score = np.where(
        (memory.found > day - 400) & (memory.found < day - 30),
        memory.owed + memory.in_violation * 10**6,
        0,
    )
    expected = max(P["exposed"] / CITY["enterprises"], P["exposed_floor"] / CITY["block"]) * len(
        none
    )
    order = np.argsort(-score, kind="stable")[
        : chance.poisson(expected) + (turn.setting.blocks == 1)
    ]
    who = order[score[order] > 0]
    pay = chance.random(len(who))
    repaid = np.where(
        pay < P["next_day"],
        day + 1,
        np.where(
            pay < P["next_day"] + P["later"], day + 2 + chance.integers(0, 180, len(who)), NULL
        ),
    )
    until = day + 365 * int(P["intensified_years"])
    rows = piece(
        np.full(len(who), day),
        enterprise=city_numbers(turn.block, who),
        published_on=day,
        wage_arrears=wages_owed[who],
        contribution_arrears=memory.owed[who],
        repaid_on=NULL,
        intensified_until=until,
    )
    paid = repaid > 0
    held, flags = memory.exposed_until.copy(), none.copy()
    held[who], flags[who] = until, True
    return (
        replace(memory, exposed_until=held),
        flags,
        [
            ("exposures", rows),
            ("exposures", corrections_of(rows, paid, repaid[paid] + 1, repaid_on=repaid[paid])),
        ],
    )


def earlier_round(setting: Setting, block: int, firms: Firms) -> tuple[int, Rows]:
    """Return the month of the last medals before the city's first month, and that round's appraisals."""
    month = setting.first - 1 - (setting.first - 1 - AWARDED) % 24
    chance = stream(setting, block, month, of="earlier")
    who = np.flatnonzero(firms.registered < first_day(month) - 365)
    draw = chance.random(len(who))
    decided = first_day(month - 1) + chance.integers(0, 28, len(who))
    classes = np.where(draw < 0.96, FULL, np.where(draw < 0.99, MEDIUM, POOR))
    return month, [
        (
            "appraisals",
            piece(
                decided + 5,
                enterprise=city_numbers(block, who),
                period=month // 12 - 1,
                rating=classes,
                rule=0,
                decided_on=decided,
                facts=np.where(draw < 0.96, 0, np.where(draw < 0.99, 1, 2)),
            ),
        )
    ]
