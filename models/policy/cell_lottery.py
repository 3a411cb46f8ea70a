"""The lottery of each cell, drawn before anything else is planned: an input of the plan, which sets its minutes aside."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

from models.policy.lottery import Draw, Ticket, drawn_units, inclusion_probability, whole_millionths
from models.policy.plan_unit import PlannedVisit
from models.policy.policy import Policy


@dataclass(frozen=True, slots=True)
class Room:
    """A cell and its minutes."""

    cell: str
    minutes: int

    def lottery(self, policy: Policy) -> int:
        """The minutes that the lottery spends in expectation: at least one where the cell has two."""
        if self.minutes <= 1:
            return 0
        return max(1, self.minutes * policy.lottery.percent // 100)

    def longest(self, policy: Policy) -> int:
        """The longest visit of one week: with it any draw fits; a longer one goes on in the next week."""
        if self.minutes <= 1:
            return 0
        return self.minutes - self.lottery(policy)

    def statutory(self, policy: Policy) -> int:
        """The minutes up to which complaints and due exposures go before scored visits."""
        return self.minutes * policy.statutory.percent // 100


@dataclass(frozen=True, slots=True)
class CellLottery:
    """A cell's tickets with their inclusion probability, and the minutes of each unit that was drawn."""

    probability: Fraction
    tickets: tuple[Ticket, ...]
    drawn: dict[str, int]

    @property
    def minutes(self) -> int:
        """The minutes that the visits drawn take."""
        return sum(self.drawn.values())


def city_lottery(
    visits: Mapping[Room, Sequence[PlannedVisit]], policy: Policy, draw: Draw
) -> dict[str, CellLottery]:
    """Return the lottery of every cell: each unit has a ticket, and a drawn visit is no longer than the policy says.

    `visits` holds by cell a possible visit to each of its units. All that the plan knows of chance comes from here.
    """
    longest = policy.lottery.longest
    lotteries = {}
    for room, visits_of_cell in visits.items():
        tickets = tuple(
            Ticket(visit.unit.name, min(visit.minutes, longest)) for visit in visits_of_cell
        )
        exact_probability = inclusion_probability(tickets, room.lottery(policy))
        probability = whole_millionths(exact_probability)
        names = set(drawn_units(tickets, probability, draw=draw, cell=room.cell))
        drawn = {ticket.unit: ticket.minutes for ticket in tickets if ticket.unit in names}
        lotteries[room.cell] = CellLottery(probability, tickets, drawn)
    return lotteries
