"""Wages owed: more often in building and in units that leave contributions unpaid, most of all before the Festival."""

from __future__ import annotations

import numpy as np

from simulation.ground.parameters import parameters
from simulation.ground.pieces import Rows, corrections_of, piece
from simulation.ground.sectors import SECTORS
from simulation.ground.setting import NULL, Ints, Turn
from simulation.labour.census import Census
from simulation.labour.firms import Firms, city_numbers, living_firms
from simulation.labour.honesty import ARREARS, Habits

P = parameters("""
any | .0004 | a month | assumed | units that begin to owe wages
building | .003 | a month | assumed | more in construction
unpaid | .010 | a month | assumed | more where contributions stay unpaid
festival | 2.2 | ratio | assumed | as often in December and January
reported | .7 | share | assumed | arrears that a database comes to know
settled | .72 | share | assumed | arrears that are settled, after three months on average
""")


def arrears(turn: Turn, count: Census, *, firms: Firms, habits: Habits) -> tuple[Ints, Rows]:
    """Return the wages that enterprises begin to owe in one month, in fen, and the rows that become known."""
    chance = turn.stream("arrears")
    rate = (
        P["any"]
        + P["building"] * (firms.section == SECTORS.index("E"))
        + P["unpaid"] * (habits.pays == ARREARS)
    )
    rate = (
        rate
        * (P["festival"] if turn.month % 12 in (11, 0) else 1)
        * (count.staff > 1)
        * living_firms(firms, turn.day)
    )
    begins = chance.random(len(rate)) < rate
    wages = count.wages_seen + count.wages_unseen
    amount = (
        np.where(begins, wages * chance.uniform(0.3, 3, len(rate)), 0).astype(np.int64) // 100 * 100
    )
    who = np.flatnonzero((amount > 0) & (chance.random(len(rate)) < P["reported"]))
    day = turn.day + chance.integers(0, turn.days, len(who))
    rows = piece(
        day + 10 + chance.exponential(30, len(who)).astype(np.int64),
        enterprise=city_numbers(turn.block, who),
        started=day,
        amount=amount[who],
        settled_on=NULL,
    )
    paid = chance.random(len(who)) < P["settled"]
    settled = (
        rows["recorded_on"][paid] + 5 + chance.exponential(90, int(paid.sum())).astype(np.int64)
    )
    return amount, [
        ("wage_arrears", rows),
        ("wage_arrears", corrections_of(rows, paid, settled + 2, settled_on=settled)),
    ]
