"""The lottery: every unit can be drawn, with a probability that is known beforehand and recorded.

Systematic sampling on one line of the whole city. The cells lie one after another, and in a cell long visits before
short ones and high scores before low ones; a unit is as long as its inclusion probability. The points u, u + 1, u + 2, ...
with one uniform u draw the units they fall into. So a unit's inclusion probability is its length, whatever the order. A
cell too small for a visit of its own is drawn together with others: of any stretch of the line as many units are drawn
as it is long, rounded up or down. And because long visits lie first in a cell, the minutes drawn in it exceed the
expectation by at most its longest visit. Chance is SHA-256 of the draw's seed: an auditor repeats it with any tool.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction

from features.contract.millionths import CERTAIN

# a chance is the first 64 bits of a digest, so the uniform u is a whole number below this
WHOLE = 2**64
# between two points of the line, in the whole numbers in which it is measured: a unit's millionths times WHOLE
STEP = CERTAIN * WHOLE


@dataclass(frozen=True, slots=True)
class Draw:
    """A draw's number and its seed, which nobody could choose once the units were known."""

    number: str
    seed: str

    def chance(self, *words: str) -> int:
        """Return the uniform integer in [0, 2**64) that belongs to these words under the seed."""
        text = "|".join((self.seed, self.number, *words))
        digest = hashlib.sha256(text.encode()).digest()
        return int.from_bytes(digest[:8], "big")


@dataclass(frozen=True, slots=True)
class Ticket:
    """One unit in the lottery: the minutes its visit would take, and its stratum by score in its cell, 1 the highest."""

    unit: str
    minutes: int
    stratum: int = 1


@dataclass(frozen=True, slots=True)
class CellTickets:
    """A cell in the lottery: the minutes that it spends in expectation, and the ticket of each of its units."""

    cell: str
    minutes: int
    tickets: tuple[Ticket, ...]

    @property
    def probability(self) -> Fraction:
        """The inclusion probability of each of its units, in whole millionths; 0 where no minutes are spent."""
        return whole_millionths(inclusion_probability(self.tickets, self.minutes))

    @property
    def millionths(self) -> int:
        """The same as an integer: the length of each of its units on the line."""
        return int(self.probability * CERTAIN)


def inclusion_probability(tickets: Sequence[Ticket], minutes: int) -> Fraction:
    """Return the one inclusion probability of a cell's tickets: their expected minutes are `minutes`, or all are drawn.

    >>> inclusion_probability([Ticket("a", 60), Ticket("b", 180)], 24)
    Fraction(1, 10)
    """
    total = sum(ticket.minutes for ticket in tickets)
    if not total:
        return Fraction(0)
    return min(Fraction(1), Fraction(minutes, total))


def whole_millionths(probability: Fraction) -> Fraction:
    """Return a probability in whole millionths, as the journal holds it: the next below, so that the minutes still do.

    Whoever can be drawn keeps one millionth.

    >>> whole_millionths(Fraction(1, 3)), whole_millionths(Fraction(1, 10**7)), whole_millionths(Fraction(0))
    (Fraction(333333, 1000000), Fraction(1, 1000000), Fraction(0, 1))
    """
    if not probability:
        return probability
    millionths = probability * CERTAIN // 1
    return Fraction(max(millionths, 1), CERTAIN)


def drawn_units(cells: Iterable[CellTickets], draw: Draw) -> dict[str, tuple[str, ...]]:
    """Return by cell the units that the draw takes, by name, each with exactly the probability of its cell."""

    def by_lot(cell: CellTickets) -> tuple[int, str]:
        return draw.chance(cell.cell), cell.cell

    line = Line(draw.chance() * CERTAIN)
    drawn: dict[str, tuple[str, ...]] = {}
    for cell in sorted(cells, key=by_lot):
        length = cell.millionths
        units = [ticket.unit for ticket in _on_line(cell, draw) if line.reaches_point(length)]
        drawn[cell.cell] = tuple(sorted(units))
    return drawn


def _on_line(cell: CellTickets, draw: Draw) -> list[Ticket]:
    """Return a cell's tickets as they lie on the line: long visits first, then high scores, then by lot."""

    def place(ticket: Ticket) -> tuple[int, int, int, str]:
        lot = draw.chance(cell.cell, ticket.unit)
        return -ticket.minutes, ticket.stratum, lot, ticket.unit

    return sorted(cell.tickets, key=place)


class Line:
    """A line that is walked unit by unit, with a point at `start` and one STEP after the other."""

    def __init__(self, start: int) -> None:
        self._next_point = start
        self._end = 0

    def reaches_point(self, millionths: int) -> bool:
        """Walk along one unit, at most as long as a STEP, and say whether a point lies in it."""
        self._end += millionths * WHOLE
        if self._end <= self._next_point:
            return False
        self._next_point += STEP
        return True
