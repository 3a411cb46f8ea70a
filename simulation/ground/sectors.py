"""Sectors of GB/T 4754 as the city has them: weights, wages, power, turnover, seasons; all assumed."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import chain

import numpy as np

from simulation.ground.setting import Floats

# section | divisions | weight of firms | size | monthly wage, yuan | kWh a head and month | leavers a month
# | migrant share | season's swing | its peak month | pull towards cheating (log-odds)
TABLE = """
C | 13 14 17 18 20 21 26 29 33 34 35 36 39 | .17 | 2.2 | 3300 | 420 | .024 | .34 | .05 | 11 | .0
F | 51 52 | .33 | .55 | 3000 | 95 | .026 | .25 | .08 | 12 | .1
E | 47 48 49 50 | .06 | 2.0 | 3600 | 60 | .045 | .55 | .30 | 9 | .55
H | 61 62 | .07 | .75 | 2700 | 210 | .050 | .48 | .22 | 8 | .6
G | 54 55 58 59 60 | .05 | 1.1 | 3700 | 70 | .028 | .35 | .10 | 12 | .1
I | 63 64 65 | .05 | .8 | 5200 | 110 | .024 | .15 | .02 | 3 | -.5
L | 71 72 | .09 | .9 | 3900 | 60 | .026 | .22 | .04 | 6 | -.1
K | 70 | .04 | 1.2 | 3900 | 80 | .022 | .22 | .06 | 6 | .1
M | 73 74 75 | .05 | .7 | 4900 | 90 | .018 | .12 | .02 | 3 | -.5
O | 79 80 81 | .05 | .4 | 2700 | 90 | .034 | .38 | .06 | 12 | .35
A | 01 02 03 04 05 | .02 | .7 | 2500 | 60 | .034 | .20 | .45 | 9 | .5
Q | 83 84 | .02 | 1.6 | 3900 | 150 | .012 | .10 | .0 | 1 | -.6
"""


@dataclass(frozen=True, slots=True)
class Sectors:
    """The columns of the table, one entry a section; `divisions` holds the divisions of each."""

    letters: tuple[str, ...]
    divisions: tuple[tuple[str, ...], ...]
    weight: Floats
    size: Floats
    wage: Floats
    power: Floats
    turnover: Floats
    migrant: Floats
    swing: Floats
    peak: Floats
    pull: Floats

    def index(self, letter: str) -> int:
        """Return the place of a section."""
        return self.letters.index(letter)


def sectors_of(text: str) -> Sectors:
    """Return the sectors that a table text declares."""
    letters, divisions, numbers = [], [], []
    for line in text.strip().splitlines():
        letter, codes, *figures = [part.strip() for part in line.split("|")]
        letters.append(letter)
        divisions.append(tuple(codes.split()))
        numbers.append([float(figure) for figure in figures])
    columns = [np.array(column) for column in zip(*numbers, strict=True)]
    return Sectors(tuple(letters), tuple(divisions), *columns)


SECTORS = sectors_of(TABLE)
DIVISIONS = tuple(chain.from_iterable(SECTORS.divisions))
