"""Electricity: use grows with the staff, and also differs between units for reasons that have nothing to do with staff."""

from __future__ import annotations

import numpy as np

from simulation.ground.draws import exponential_days, whole_numbers
from simulation.ground.parameters import parameters
from simulation.ground.pieces import Rows, piece
from simulation.ground.sectors import SECTORS
from simulation.ground.setting import Floats, Ints, Turn
from simulation.labour.census import Census
from simulation.labour.firms import Firms, city_numbers, living_firms
from simulation.labour.honesty import Habits

P = parameters("""
scale | .88 | exponent | assumed | exponent of staff: use grows less than staff
ground_load | 60 | kWh a month | assumed | use of an empty shop
noise | .16 | log kWh | assumed | monthly noise
summer | .18 | share | assumed | more use in July and August, and less in spring
missed | .04 | share | assumed | months without a reading
delay | 18 | days | assumed | mean days from the month's end to the row
""")
SUMMER = 6.5
"""Between July and August, as `month % 12` counts them."""
EARLIEST = 3
"""Days after the month before which no reading is in the database."""


def power_rows(turn: Turn, count: Census, *, firms: Firms, habits: Habits) -> Rows:
    """Return the meter readings of one month."""
    chance = turn.stream("power")
    size = len(count.staff)
    usual_use = _usual_use(turn.month, count.staff, firms=firms, habits=habits)
    noise = chance.lognormal(0, P["noise"], size)
    kwh = whole_numbers(usual_use * noise)
    is_read = chance.random(size) > P["missed"]
    has_meter = habits.metered == 1
    is_alive = living_firms(firms, turn.end - 1)
    who = np.flatnonzero(is_alive & has_meter & is_read)
    mean_delay = P["delay"] - EARLIEST
    delay = EARLIEST + exponential_days(chance, mean_delay, len(who))
    readings = piece(
        turn.end + delay,
        enterprise=city_numbers(turn.block, who),
        month=turn.month,
        kwh=kwh[who],
    )
    return [("utilities", readings)]


def _usual_use(month: int, staff: Ints, *, firms: Firms, habits: Habits) -> Floats:
    """Return each enterprise's use in a month before noise, in kWh."""
    months_from_summer = month % 12 - SUMMER
    angle = 2 * np.pi * months_from_summer / 12
    season = 1 + P["summer"] * np.cos(angle)
    a_head = SECTORS.power[firms.section]
    by_staff = a_head * staff ** P["scale"]
    use = P["ground_load"] + by_staff
    return np.asarray(use * habits.power * season)
