"""Deaths, and the day on which the register of persons learns of each."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from simulation.ground.draws import days_within, exponential_days, happens
from simulation.ground.parameters import parameters
from simulation.ground.pieces import Rows, piece
from simulation.ground.setting import NEVER, Turn
from simulation.labour.registrations import person
from simulation.labour.staff import People

P = parameters("""
at_thirty | .00005 | a month | assumed | deaths at thirty
growth | .075 | a year of age | assumed | growth of that rate with age
delay | 30 | days | assumed | mean delay until a reported death is known
hidden | .2 | share | assumed | deaths that the family hides from the funds for months
hidden_delay | 170 | days | assumed | mean delay of hidden deaths
""")


def died(turn: Turn, people: People) -> tuple[People, Rows]:
    """Return the people after a month's deaths, and the rows of those deaths."""
    chance = turn.stream("deaths")
    age = turn.month // 12 - people.born
    growth = P["growth"] * (age - 30)
    hazard = P["at_thirty"] * np.exp(growth)
    is_drawn = happens(chance, hazard, len(age))
    is_alive = people.died == NEVER
    who = np.flatnonzero(is_drawn & is_alive)
    day = days_within(turn, chance, len(who))
    is_hidden = happens(chance, P["hidden"], len(who))
    mean_delay = np.where(is_hidden, P["hidden_delay"], P["delay"])
    delay = exponential_days(chance, mean_delay, len(who))
    day_of_death = people.died.copy()
    day_of_death[who] = day
    recorded = day + 3 + delay
    rows = piece(recorded, worker=person(turn.block, who), died_on=day)
    return replace(people, died=day_of_death), [("deaths", rows)]
