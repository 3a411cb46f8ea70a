"""Electricity: use grows with the people at work, and differs between units for a hundred other reasons."""

from __future__ import annotations

import numpy as np

from features.city.census import Census
from features.city.firms import Firms, living, number
from features.city.honesty import Habits
from features.city.parameters import parameters
from features.city.rows import Rows, piece
from features.city.sectors import SECTORS
from features.city.setting import Setting, stream
from features.days import first_day

P = parameters("""
scale | .88 | exponent | assumed | use grows less than staff
ground_load | 60 | kWh a month | assumed | use of an empty shop
noise | .16 | log kWh | assumed | monthly noise
summer | .18 | share | assumed | more in July and August, and less in spring
missed | .04 | share | assumed | months without a reading
delay | 18 | days | assumed | mean days after the month
""")


def power_rows(setting: Setting, block: int, *, month: int, count: Census, firms: Firms, habits: Habits) -> Rows:
    """Return the meter readings of one month."""
    chance = stream(setting, block, month, of="power")
    size = len(count.staff)
    season = 1 + P["summer"] * np.cos(2 * np.pi * (month % 12 - 6.5) / 12)
    use = (P["ground_load"] + SECTORS.power[firms.section] * count.staff ** P["scale"]) * habits.power * season
    kwh = (use * chance.lognormal(0, P["noise"], size)).astype(np.int64)
    read = living(firms, first_day(month + 1) - 1) & (habits.metered == 1) & (chance.random(size) > P["missed"])
    who = np.flatnonzero(read)
    known = first_day(month + 1) + 3 + chance.exponential(P["delay"] - 3, len(who)).astype(np.int64)
    return [("utilities", piece(known, enterprise=number(block, who), month=month, kwh=kwh[who]))]
