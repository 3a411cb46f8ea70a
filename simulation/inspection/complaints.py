"""Complaints: by workers without cover or pay, about other disputes, and some without a known cause."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from simulation.ground.draws import days_within, exponential_days, happens
from simulation.ground.parameters import parameters
from simulation.ground.pieces import Rows, corrections_of, piece
from simulation.ground.setting import CLAIMS_A_BLOCK, NULL, Floats, Ints, Turn
from simulation.labour.census import Census
from simulation.labour.firms import Firms, city_numbers, living_firms

P = parameters("""
left_out | .0038 | a person and month | assumed | complaints of an uncovered worker
crowd | .6 | exponent | assumed | exponent of the number left out: many of them file one complaint together
background | .00028 | a person and month | assumed | complaints of any worker, whatever the unit does
ground | .0007 | a unit and month | assumed | complaints about any unit, whatever it does
unpaid | .010 | a unit and month | assumed | added where wages are owed
nameless | .08 | share | assumed | complaints that name a cell but no unit
about_cover | .55 | share | assumed | complaints of uncovered workers whose subject is cover
about_wages | .72 | share | assumed | of the other complaints, those about wages
about_hours | .14 | share | assumed | of the other complaints, those about hours
retracted | .03 | share | assumed | complaints withdrawn
delay | 2 | days | assumed | mean days from a complaint to its row
""")
WAGES, INSURANCE, HOURS, OTHER = range(4)
CHANNELS = (0.55, 0.2, 0.17, 0.08)
"""The share of complaints that comes by each of the four channels."""
COMPLAINTS_A_MONTH = 1600
"""Numbers set aside for one month's complaints of a block."""
NEARLY_NOTHING = 1e-12
"""In place of a rate of zero, that a share of it is zero and not undefined."""


@dataclass(frozen=True, slots=True)
class Complaints:
    """Complaints of one month that name an enterprise: which, its topic, the day it was lodged."""

    firm: Ints
    topic: Ints
    day: Ints


def lodged(turn: Turn, count: Census, *, firms: Firms, unpaid: Ints) -> tuple[Complaints, Rows]:
    """Return the complaints of one month and their rows."""
    chance = turn.stream("complaints")
    about_cover = P["left_out"] * count.uncovered ** P["crowd"]
    rate = about_cover + _other_rate(count, unpaid)
    is_open = living_firms(firms, turn.day) & living_firms(firms, turn.end)
    numbers = chance.poisson(rate * is_open)
    firm = np.repeat(np.arange(len(unpaid)), numbers)
    cover_share = about_cover / np.maximum(rate, NEARLY_NOTHING)
    topic = _topics(chance, cover_share[firm])
    day = days_within(turn, chance, len(firm))
    names_unit = chance.random(len(firm)) > P["nameless"]
    cells = np.where(names_unit, -1, firms.cell[firm])
    rows = _rows(turn, chance, of=Complaints(firm, topic, day), cells=cells)
    return Complaints(firm[names_unit], topic[names_unit], day[names_unit]), rows


def _other_rate(count: Census, unpaid: Ints) -> Floats:
    """Return the complaints to be expected about each unit for other reasons than cover."""
    by_staff = P["background"] * count.staff
    by_wages = P["unpaid"] * (unpaid > 0)
    return np.asarray(by_staff + P["ground"] + by_wages)


def _topics(chance: np.random.Generator, cover_share: Floats) -> Ints:
    size = len(cover_share)
    is_left_out = happens(chance, cover_share, size)
    draw = chance.random(size)
    says_so = is_left_out & (draw < P["about_cover"])
    wages = draw < P["about_wages"]
    hours = draw < P["about_wages"] + P["about_hours"]
    return np.select([says_so, wages, hours], [INSURANCE, WAGES, HOURS], OTHER)


def _rows(turn: Turn, chance: np.random.Generator, *, of: Complaints, cells: Ints) -> Rows:
    size = len(of.firm)
    first = turn.block * CLAIMS_A_BLOCK + turn.month % 1200 * COMPLAINTS_A_MONTH
    names_unit = cells < 0
    recorded = of.day + exponential_days(chance, P["delay"], size)
    numbers = city_numbers(turn.block, of.firm)
    rows = piece(
        recorded,
        complaint=first + np.arange(size),
        enterprise=np.where(names_unit, numbers, NULL),
        cell=np.where(names_unit, NULL, cells),
        lodged=of.day,
        topic=of.topic,
        channel=chance.choice(4, size, p=CHANNELS),
    )
    is_taken_back = happens(chance, P["retracted"], size)
    delay = chance.integers(3, 60, int(is_taken_back.sum()))
    retracted_on = recorded[is_taken_back] + delay
    retractions = corrections_of(rows, is_taken_back, retracted_on, retracted=1)
    return [("complaints", rows), ("complaints", retractions)]
