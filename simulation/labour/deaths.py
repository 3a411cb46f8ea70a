"""Deaths, and when the register of persons comes to know them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from simulation.ground.parameters import parameters
from simulation.ground.pieces import Rows, piece
from simulation.ground.setting import NEVER, Turn
from simulation.labour.registrations import person
from simulation.labour.staff import People

P = parameters("""
at_thirty | .00005 | a month | assumed | deaths at thirty
growth | .075 | a year of age | assumed | growth with age
delay | 30 | days | assumed | mean delay of a reported death
hidden | .2 | share | assumed | deaths that the family keeps from the funds for months
hidden_delay | 170 | days | assumed | mean delay of those
""")


def died(turn: Turn, people: People) -> tuple[People, Rows]:
    """Return the people after a month's deaths, and the rows of those deaths."""
    chance = turn.stream("deaths")
    age = turn.month // 12 - people.born
    hazard = P["at_thirty"] * np.exp(P["growth"] * (age - 30))
    who = np.flatnonzero((chance.random(len(age)) < hazard) & (people.died == NEVER))
    day = turn.day + chance.integers(0, turn.days, len(who))
    hidden = chance.random(len(who)) < P["hidden"]
    delay = chance.exponential(np.where(hidden, P["hidden_delay"], P["delay"]), len(who)).astype(
        np.int64
    )
    fresh = people.died.copy()
    fresh[who] = day
    rows = piece(day + 3 + delay, worker=person(turn.block, who), died_on=day)
    return replace(people, died=fresh), [("deaths", rows)]
