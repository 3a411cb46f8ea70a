"""Deaths, and when the register of persons comes to know them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from features.city.parameters import parameters
from features.city.register import person
from features.city.rows import Rows, piece
from features.city.setting import NEVER, Setting, length_of, stream
from features.city.staff import People
from features.days import first_day

P = parameters("""
at_thirty | .00005 | a month | assumed | deaths at thirty
growth | .075 | a year of age | assumed | growth with age
delay | 30 | days | assumed | mean delay of a reported death
hidden | .2 | share | assumed | deaths that the family keeps from the funds for months
hidden_delay | 170 | days | assumed | mean delay of those
""")


def died(setting: Setting, block: int, *, month: int, people: People) -> tuple[People, Rows]:
    """Return the people after a month's deaths, and the rows of those deaths."""
    chance = stream(setting, block, month, of="deaths")
    age = month // 12 - people.born
    hazard = P["at_thirty"] * np.exp(P["growth"] * (age - 30))
    who = np.flatnonzero((chance.random(len(age)) < hazard) & (people.died == NEVER))
    day = first_day(month) + chance.integers(0, length_of(month), len(who))
    hidden = chance.random(len(who)) < P["hidden"]
    delay = chance.exponential(np.where(hidden, P["hidden_delay"], P["delay"]), len(who)).astype(np.int64)
    fresh = people.died.copy()
    fresh[who] = day
    rows = piece(day + 3 + delay, worker=person(block, who), died_on=day)
    return replace(people, died=fresh), [("deaths", rows)]
