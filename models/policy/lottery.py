"""The lottery: every unit of a cell can be drawn, with a probability that is known beforehand and recorded.

Systematic sampling: the units lie one after another on a line, each as long as its inclusion probability, and the
points u, u + 1, u + 2, ... with one uniform u draw the units they fall into. So a unit's inclusion probability is its
length, whatever the order; and because long visits lie first, the minutes drawn exceed the expectation by at most the
longest visit. Chance is SHA-256 of the published seed: an auditor repeats it with any tool.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from features.contract.millionths import CERTAIN

# a chance is the first 64 bits of a digest, so the uniform u is a whole number below this
WHOLE = 2**64


@dataclass(frozen=True, slots=True)
class Draw:
    """A draw's number and the seed that was published before it."""

    number: str
    seed: str

    def chance(self, *words: str) -> int:
        """Return the uniform integer in [0, 2**64) that belongs to these words under the seed."""
        text = "|".join((self.seed, self.number, *words))
        digest = hashlib.sha256(text.encode()).digest()
        return int.from_bytes(digest[:8], "big")


@dataclass(frozen=True, slots=True)
class Ticket:
    """One unit in the lottery: the minutes its visit would take."""

    unit: str
    minutes: int


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


def drawn_units(
    tickets: Sequence[Ticket], probability: Fraction, *, draw: Draw, cell: str
) -> tuple[str, ...]:
    """Return the units that the draw takes in a cell, each with exactly the given probability."""

    def longest_first(ticket: Ticket) -> tuple[int, int, str]:
        return -ticket.minutes, draw.chance(cell, ticket.unit), ticket.unit

    line = sorted(tickets, key=longest_first)
    # the line in whole numbers: `length` for the length of a unit, `scale` for 1, `start` for u
    length = probability.numerator * WHOLE
    scale = probability.denominator * WHOLE
    start = draw.chance(cell) * probability.denominator

    def points_before(end: int) -> int:
        """Count the points u, u + 1, ... that lie before an end: its distance from u, rounded up."""
        return -((start - end) // scale)

    units = []
    points_passed = points_before(0)
    for place, ticket in enumerate(line, 1):
        points_reached = points_before(place * length)
        if points_passed < points_reached:
            units.append(ticket.unit)
        points_passed = points_reached
    return tuple(units)
