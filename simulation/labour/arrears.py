"""Wages owed: more often in construction and where contributions stay unpaid, and most of all before the Spring Festival."""

from __future__ import annotations

import numpy as np

from simulation.ground.draws import days_within, exponential_days, happens, whole_yuan
from simulation.ground.parameters import parameters
from simulation.ground.pieces import Piece, Rows, corrections_of, piece
from simulation.ground.sectors import SECTORS
from simulation.ground.setting import NULL, Floats, Ints, Turn
from simulation.labour.census import Census
from simulation.labour.firms import Firms, city_numbers, living_firms
from simulation.labour.honesty import ARREARS, Habits

P = parameters("""
any | .0004 | a month | assumed | units that begin to owe wages
building | .003 | a month | assumed | added in construction
unpaid | .010 | a month | assumed | added where contributions stay unpaid
festival | 2.2 | ratio | assumed | ratio in December and January
reported | .7 | share | assumed | arrears of which a database learns
settled | .72 | share | assumed | arrears that are settled
settled_after | 90 | days | assumed | mean days until they are settled, beyond the first five
amount_low | .3 | months of wages | assumed | smallest amount owed
amount_high | 3 | months of wages | assumed | largest amount owed
delay | 30 | days | assumed | mean days until a database learns of them, beyond the first ten
""")
FESTIVAL_MONTHS = (11, 0)
"""December and January, as `month % 12` counts them: wages are settled before the Spring Festival."""


def arrears(turn: Turn, count: Census, *, firms: Firms, habits: Habits) -> tuple[Ints, Rows]:
    """Return the wages that enterprises begin to owe in one month, in fen, and the rows that become known."""
    chance = turn.stream("arrears")
    rate = _rates(turn, count, firms=firms, habits=habits)
    size = len(rate)
    begins = happens(chance, rate, size)
    wages = count.wages_seen + count.wages_unseen
    months_owed = chance.uniform(P["amount_low"], P["amount_high"], size)
    owed = np.where(begins, wages * months_owed, 0)
    amount = whole_yuan(owed)
    is_reported = happens(chance, P["reported"], size)
    who = np.flatnonzero((amount > 0) & is_reported)
    rows = _openings(turn, chance, who, amount=amount[who])
    settlements = _settlements(chance, rows)
    return amount, [("wage_arrears", rows), ("wage_arrears", settlements)]


def _rates(turn: Turn, count: Census, *, firms: Firms, habits: Habits) -> Floats:
    """Return each enterprise's probability to begin to owe wages in one month."""
    builds = firms.section == SECTORS.index("E")
    leaves_unpaid = habits.pays == ARREARS
    rate = P["any"] + P["building"] * builds + P["unpaid"] * leaves_unpaid
    is_festival = turn.month % 12 in FESTIVAL_MONTHS
    season = P["festival"] if is_festival else 1
    has_staff = count.staff > 1
    is_alive = living_firms(firms, turn.day)
    return np.asarray(rate * season * has_staff * is_alive)


def _openings(turn: Turn, chance: np.random.Generator, who: Ints, *, amount: Ints) -> Piece:
    started = days_within(turn, chance, len(who))
    delay = 10 + exponential_days(chance, P["delay"], len(who))
    return piece(
        started + delay,
        enterprise=city_numbers(turn.block, who),
        started=started,
        amount=amount,
        settled_on=NULL,
    )


def _settlements(chance: np.random.Generator, rows: Piece) -> Piece:
    """Return the later versions of rows whose arrears are settled."""
    is_settled = happens(chance, P["settled"], len(rows["recorded_on"]))
    delay = exponential_days(chance, P["settled_after"], int(is_settled.sum()))
    recorded = rows["recorded_on"][is_settled]
    settled_on = recorded + 5 + delay
    return corrections_of(rows, is_settled, settled_on + 2, settled_on=settled_on)
