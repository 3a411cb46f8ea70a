"""Complaints: from workers left out or unpaid, from quarrels of other kinds, and from nobody in particular."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from simulation.ground.parameters import parameters
from simulation.ground.pieces import Rows, corrections_of, piece
from simulation.ground.setting import CLAIMS_A_BLOCK, NULL, Ints, Turn
from simulation.labour.census import Census
from simulation.labour.firms import Firms, city_numbers, living_firms

P = parameters("""
left_out | .0038 | a person and month | assumed | complaints of an uncovered worker
crowd | .6 | exponent | assumed | many left out complain together, not each apart
background | .00028 | a person and month | assumed | complaints of any worker
ground | .0007 | a unit and month | assumed | complaints about any unit
unpaid | .010 | a unit and month | assumed | more where wages are owed
nameless | .08 | share | assumed | complaints that name a cell and no unit
retracted | .03 | share | assumed | complaints taken back
delay | 2 | days | assumed | mean days from lodging to the database
""")
WAGES, INSURANCE, HOURS, OTHER = range(4)


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
    other = P["background"] * count.staff + P["ground"] + P["unpaid"] * (unpaid > 0)
    open_ = living_firms(firms, turn.day) & living_firms(firms, turn.end)
    firm = np.repeat(np.arange(len(unpaid)), chance.poisson((about_cover + other) * open_))
    aware = chance.random(len(firm)) < (about_cover / np.maximum(about_cover + other, 1e-12))[firm]
    draw = chance.random(len(firm))
    topic = np.where(
        aware & (draw < 0.55),
        INSURANCE,
        np.where(draw < 0.72, WAGES, np.where(draw < 0.86, HOURS, OTHER)),
    )
    day = turn.day + chance.integers(0, turn.days, len(firm))
    named = chance.random(len(firm)) > P["nameless"]
    rows = _rows(
        turn, chance, of=Complaints(firm, topic, day), cells=np.where(named, -1, firms.cell[firm])
    )
    return Complaints(firm[named], topic[named], day[named]), rows


def _rows(turn: Turn, chance: np.random.Generator, *, of: Complaints, cells: Ints) -> Rows:
    serial = turn.block * CLAIMS_A_BLOCK + turn.month % 1200 * 1600 + np.arange(len(of.firm))
    known = of.day + chance.exponential(P["delay"], len(of.firm)).astype(np.int64)
    rows = piece(
        known,
        complaint=serial,
        enterprise=np.where(cells < 0, city_numbers(turn.block, of.firm), NULL),
        cell=np.where(cells < 0, NULL, cells),
        lodged=of.day,
        topic=of.topic,
        channel=chance.choice(4, len(of.firm), p=[0.55, 0.2, 0.17, 0.08]),
    )
    back = chance.random(len(of.firm)) < P["retracted"]
    gone = corrections_of(
        rows, back, known[back] + chance.integers(3, 60, int(back.sum())), retracted=1
    )
    return [("complaints", rows), ("complaints", gone)]
