"""Electricity: use grows with the people at work, and differs between units for a hundred other reasons."""

from __future__ import annotations

import numpy as np

from simulation.ground.parameters import parameters
from simulation.ground.pieces import Rows, piece
from simulation.ground.sectors import SECTORS
from simulation.ground.setting import Turn
from simulation.labour.census import Census
from simulation.labour.firms import Firms, city_numbers, living_firms
from simulation.labour.honesty import Habits

P = parameters("""
scale | .88 | exponent | assumed | use grows less than staff
ground_load | 60 | kWh a month | assumed | use of an empty shop
noise | .16 | log kWh | assumed | monthly noise
summer | .18 | share | assumed | more in July and August, and less in spring
missed | .04 | share | assumed | months without a reading
delay | 18 | days | assumed | mean days after the month
""")


def power_rows(turn: Turn, count: Census, *, firms: Firms, habits: Habits) -> Rows:
    """Return the meter readings of one month."""
    chance = turn.stream("power")
    size = len(count.staff)
    season = 1 + P["summer"] * np.cos(2 * np.pi * (turn.month % 12 - 6.5) / 12)
    use = (
        (P["ground_load"] + SECTORS.power[firms.section] * count.staff ** P["scale"])
        * habits.power
        * season
    )
    kwh = (use * chance.lognormal(0, P["noise"], size)).astype(np.int64)
    read = (
        living_firms(firms, turn.end - 1)
        & (habits.metered == 1)
        & (chance.random(size) > P["missed"])
    )
    who = np.flatnonzero(read)
    known = turn.end + 3 + chance.exponential(P["delay"] - 3, len(who)).astype(np.int64)
    return [
        (
            "utilities",
            piece(known, enterprise=city_numbers(turn.block, who), month=turn.month, kwh=kwh[who]),
        )
    ]
