"""The week's lottery of a city: who can be drawn with which probability, and who is drawn, cell by cell.

`city_tickets` says before the draw who stands in the lottery: units, strata, minutes and probabilities follow from units,
scores, policy and the cells' minutes alone. `city_draw` then takes a draw, and nothing else, to say who is visited.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from models.optimum.list_rules import ListRules
from models.policy.lottery import CellTickets, Draw, Ticket, drawn_units
from models.policy.plan_unit import PlannedVisit, PlanUnit
from models.policy.possible_visits import Room, lottery_minutes, visits_by_room

STRATA = 4
"""Strata by score in a cell, each a quarter of its units; a choice: more of them hardly ever hold a drawn visit."""


@dataclass(frozen=True, slots=True)
class CellDraw:
    """A cell's tickets and the units that were drawn of them, by name."""

    tickets: CellTickets
    drawn: tuple[str, ...]

    @property
    def minutes(self) -> int:
        """The person-minutes of the drawn visits: at most the minutes expected and the longest visit."""
        return sum(self.minutes_by_unit().values())

    def minutes_by_unit(self) -> dict[str, int]:
        """Return the person-minutes of each drawn visit."""
        drawn = set(self.drawn)
        tickets = self.tickets.tickets
        return {ticket.unit: ticket.minutes for ticket in tickets if ticket.unit in drawn}


def city_tickets(
    units: Iterable[PlanUnit], policy: ListRules, minutes: Mapping[str, int]
) -> tuple[CellTickets, ...]:
    """Return the tickets of all units, cell by cell in the order of their names; a cell without minutes draws nobody.

    Raises PolicyError for a unit in two cells.
    """
    return tickets_of_visits(visits_by_room(units, policy, minutes), policy)


def tickets_of_visits(
    visits: Mapping[Room, Sequence[PlannedVisit]], policy: ListRules
) -> tuple[CellTickets, ...]:
    """Return the tickets of all units from a possible visit to each of them."""
    cells = []
    for room, visits_of_cell in visits.items():
        tickets = _tickets(visits_of_cell, policy)
        spent = lottery_minutes(room.minutes, policy)
        cells.append(CellTickets(room.cell, spent, tickets))
    return tuple(cells)


def _tickets(visits: Sequence[PlannedVisit], policy: ListRules) -> tuple[Ticket, ...]:
    """Return the tickets of one cell: a drawn visit is no longer than the policy says."""
    longest = policy.lottery.longest
    stratum_of = strata([visit.unit for visit in visits])
    tickets = []
    for visit in visits:
        name = visit.unit.name
        ticket = Ticket(name, min(visit.minutes, longest), stratum_of[name])
        tickets.append(ticket)
    return tuple(tickets)


def strata(units: Sequence[PlanUnit]) -> dict[str, int]:
    """Return the stratum of each unit of a cell: 1 for the quarter with the highest scores, equal ones by name."""
    high_first = sorted(units, key=lambda unit: (-unit.benefit, unit.name))
    number = len(high_first)
    return {unit.name: 1 + rank * STRATA // number for rank, unit in enumerate(high_first)}


def city_draw(cells: Iterable[CellTickets], draw: Draw) -> dict[str, CellDraw]:
    """Return by cell its tickets and whom the draw takes of them."""
    in_lottery = tuple(cells)
    drawn = drawn_units(in_lottery, draw)
    return {cell.cell: CellDraw(cell, drawn[cell.cell]) for cell in in_lottery}
