"""The Compliance Promotion Campaign: appraisals every two years, medals for the best units, exposure of the worst."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from features.calendar import first_day
from simulation.ground.draws import happens
from simulation.ground.memory import Memory
from simulation.ground.parameters import parameters
from simulation.ground.pieces import Piece, Rows, corrections_of, piece
from simulation.ground.setting import NULL, Flags, Floats, Ints, Setting, Turn, stream
from simulation.ground.setting import P as CITY
from simulation.labour.firms import HOUSEHOLD, Firms, city_numbers, living_firms

P = parameters("""
every | 2 | years | seed | an appraisal looks at the two preceding years
medals | 581 | units | seed | medals of 2014 in the full city
medal_years | 2 | years | seed | routine visits are waived for two years
exposed | 21 | units | seed | units named on 23 January 2014 in the full city
exposed_floor | .4 | a block | assumed | smallest mean number of exposed units in a block, so that small cities have some too
next_day | .19 | share | seed | exposed units that paid the next day: 4 of 21
later | .4 | share | assumed | exposed units that pay within half a year
intensified_years | 2 | years | seed | intensified inspection after exposure
looks_back | 730 | days | assumed | how long a finding counts
medal_age | 1095 | days | assumed | smallest age of a unit with a medal
visited_medals | 3 | ratio | assumed | medals to units that were ever visited, divided by those to others
earlier_full | .96 | share | assumed | units in the class full before the city begins
earlier_medium | .03 | share | assumed | units in the class medium before the city begins; the rest are in the class poor
poor_from | 2 | findings | assumed | findings within two years from which a unit is in the class poor
""")
FULL, MEDIUM, POOR = range(3)
APPRAISED, AWARDED = 2, 3
"""The months of a round in which units are appraised, and in which medals are awarded."""
PUBLISHED = 22
"""Days from the month's first to the publication: the seed names one of 23 January 2014."""


def appraised(turn: Turn, firms: Firms, memory: Memory) -> tuple[Memory, Rows]:
    """Return the memory with new medals, and the rows of a month's appraisals and medals (even years only)."""
    month_of_round = turn.month % (12 * int(P["every"]))
    if month_of_round == APPRAISED:
        return memory, _appraisals(turn, firms, memory)
    if month_of_round == AWARDED:
        return _medals(turn, firms, memory)
    return memory, []


def _classes(memory: Memory, day: int) -> Ints:
    is_recent = memory.found > day - P["looks_back"]
    has_several = memory.findings >= P["poor_from"]
    return np.select([is_recent & has_several, is_recent], [POOR, MEDIUM], FULL)


def _appraisals(turn: Turn, firms: Firms, memory: Memory) -> Rows:
    chance = turn.stream("appraisal")
    is_a_year_old = firms.registered < turn.day - 365
    who = np.flatnonzero(living_firms(firms, turn.day) & is_a_year_old)
    decided = turn.day + chance.integers(0, 28, len(who))
    rows = piece(
        decided + chance.integers(1, 15, len(who)),
        enterprise=city_numbers(turn.block, who),
        period=turn.month // 12 - 1,
        rating=_classes(memory, turn.day)[who],
        rule=0,
        decided_on=decided,
        facts=memory.findings[who],
    )
    return [("appraisals", rows)]


def _medals(turn: Turn, firms: Firms, memory: Memory) -> tuple[Memory, Rows]:
    chance = turn.stream("medals")
    day = turn.day
    is_good = _deserves_medal(day, firms, memory)
    rate = _medal_rate(is_good, memory)
    who = np.flatnonzero(is_good & happens(chance, rate, len(rate)))
    until = day + 365 * int(P["medal_years"])
    rows = piece(
        np.full(len(who), day + 18),
        enterprise=city_numbers(turn.block, who),
        started=day,
        ended=until,
        revoked_on=NULL,
        published_on=day + 15,
    )
    medal_until = memory.medal_until.copy()
    medal_until[who] = until
    return replace(memory, medal_until=medal_until), [("medals", rows)]


def _deserves_medal(day: int, firms: Firms, memory: Memory) -> Flags:
    """Return which units may get a medal: of some age, no household business, in the class full."""
    is_old = firms.registered < day - P["medal_age"]
    is_open = living_firms(firms, day) & is_old & (firms.kind != HOUSEHOLD)
    is_full = _classes(memory, day) == FULL
    return np.asarray(is_open & is_full)


def _medal_rate(is_good: Flags, memory: Memory) -> Floats:
    """Return each unit's probability of a medal, the full city's number of medals shared out by block."""
    medals = P["medals"] / CITY["enterprises"] * len(is_good)
    usual = medals / max(1, int(is_good.sum()))
    by_visits = 1 + (memory.visits > 0) * (P["visited_medals"] - 1)
    return np.asarray(usual * by_visits)


def revoked(turn: Turn, memory: Memory) -> tuple[Memory, Rows]:
    """Return the memory without the medals of units with a finding, and the rows that revoke them."""
    day = turn.day
    has_medal = memory.medal_until > day
    # a medal runs for as long as a finding counts
    awarded = memory.medal_until - P["looks_back"]
    is_caught_since = (memory.found > awarded) & (memory.found < day)
    who = np.flatnonzero(has_medal & is_caught_since)
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
    medal_until = memory.medal_until.copy()
    medal_until[who] = day
    return replace(memory, medal_until=medal_until), [("medals", rows)]


def publication(turn: Turn, memory: Memory, *, wages_owed: Ints) -> tuple[Memory, Flags, Rows]:
    """Return the memory, who is exposed in a month (January and July), and the rows of the publication."""
    exposed = np.zeros(len(wages_owed), dtype=bool)
    if turn.month % 6 != 0:
        return memory, exposed, []
    chance = turn.stream("exposure")
    day = turn.day + PUBLISHED
    who = _worst(turn, chance, memory, day=day)
    repaid = _repaid(chance, day, len(who))
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
    exposed[who] = True
    exposed_until = memory.exposed_until.copy()
    exposed_until[who] = until
    memory = replace(memory, exposed_until=exposed_until)
    return memory, exposed, [("exposures", rows), ("exposures", _repayments(rows, repaid))]


def _worst(turn: Turn, chance: np.random.Generator, memory: Memory, *, day: int) -> Ints:
    """Return the units that are named on a day, the worst of the last year's findings first."""
    is_last_year = (memory.found > day - 400) & (memory.found < day - 30)
    # a worker left out weighs as much as 10,000 yuan owed
    damage = memory.owed + memory.in_violation * 10**6
    score = np.where(is_last_year, damage, 0)
    city_share = P["exposed"] / CITY["enterprises"]
    block_share = P["exposed_floor"] / CITY["block"]
    expected = max(city_share, block_share) * len(score)
    # a city of one block names at least one unit
    count = chance.poisson(expected) + (turn.setting.blocks == 1)
    worst = np.argsort(-score, kind="stable")[:count]
    return worst[score[worst] > 0]


def _repaid(chance: np.random.Generator, day: int, count: int) -> Ints:
    """Return the day on which each named unit pays: the next, one within half a year, or never (NULL)."""
    draw = chance.random(count)
    later = day + 2 + chance.integers(0, 180, count)
    is_next_day = draw < P["next_day"]
    is_later = draw < P["next_day"] + P["later"]
    return np.select([is_next_day, is_later], [day + 1, later], NULL)


def _repayments(rows: Piece, repaid: Ints) -> Piece:
    has_paid = repaid > 0
    repaid_on = repaid[has_paid]
    return corrections_of(rows, has_paid, repaid_on + 1, repaid_on=repaid_on)


def earlier_round(setting: Setting, block: int, firms: Firms) -> tuple[int, Rows]:
    """Return the month of the last medals before the city's first month, and that round's appraisals."""
    before = setting.first - 1
    month = before - (before - AWARDED) % 24
    chance = stream(setting, block, month, of="earlier")
    who = np.flatnonzero(firms.registered < first_day(month) - 365)
    draw = chance.random(len(who))
    decided = first_day(month - 1) + chance.integers(0, 28, len(who))
    is_full = draw < P["earlier_full"]
    is_medium = draw < P["earlier_full"] + P["earlier_medium"]
    rows = piece(
        decided + 5,
        enterprise=city_numbers(block, who),
        period=month // 12 - 1,
        rating=np.select([is_full, is_medium], [FULL, MEDIUM], POOR),
        rule=0,
        decided_on=decided,
        facts=np.select([is_full, is_medium], [0, 1], 2),
    )
    return month, [("appraisals", rows)]
