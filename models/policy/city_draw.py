"""The week's lottery of a city: who can be drawn with which probability, and who is drawn, cell by cell.

`city_tickets` says before the draw who stands in the lottery: units, strata, minutes and probabilities follow from units,
scores, policy and the cells' minutes alone. `city_draw` then takes a draw, and nothing else, to say who is visited.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from models.policy.lottery import CellTickets, Draw, Ticket, drawn_units
from models.policy.policy import Policy

STRATA = 4
"""Strata by score in a cell, each a quarter of its units; a choice: more of them hardly ever hold a drawn visit."""
LEAST_MINUTES = 2
"""Minutes of a cell below which it has no lottery: one is for the lottery, and one is left for the longest visit."""


class ScoredUnit(Protocol):
    """What the lottery asks of a unit: its name, its cell, its staff, and what a visit is expected to find."""

    @property
    def name(self) -> str: ...
    @property
    def cell(self) -> str: ...
    @property
    def staff(self) -> int: ...
    @property
    def benefit(self) -> float: ...


@dataclass(frozen=True, slots=True)
class CellDraw:
    """A cell's tickets and the units that were drawn of them, by name."""

    tickets: CellTickets
    drawn: tuple[str, ...]

    @property
    def minutes(self) -> int:
        """The person-minutes of the drawn visits: at most the minutes expected and the longest visit."""
        taken = set(self.drawn)
        return sum(ticket.minutes for ticket in self.tickets.tickets if ticket.unit in taken)


def lottery_minutes(minutes: int, policy: Policy) -> int:
    """Return the minutes that a cell's lottery spends in expectation: at least one, unless the share is nought."""
    if minutes < LEAST_MINUTES or not policy.lottery.percent:
        return 0
    return max(1, minutes * policy.lottery.percent // 100)


def longest_visit(minutes: int, policy: Policy) -> int:
    """Return the longest visit of a cell's week: with it any draw fits; a longer one goes on in the next week."""
    if minutes < LEAST_MINUTES:
        return 0
    return minutes - lottery_minutes(minutes, policy)


def city_tickets(
    units: Iterable[ScoredUnit], policy: Policy, minutes: Mapping[str, int]
) -> tuple[CellTickets, ...]:
    """Return the tickets of all units, cell by cell in the order of their names; a cell without minutes draws nobody."""
    members: dict[str, list[ScoredUnit]] = {cell: [] for cell in minutes}
    for unit in units:
        members.setdefault(unit.cell, []).append(unit)
    return tuple(
        _cell_tickets(cell, members[cell], policy, minutes.get(cell, 0)) for cell in sorted(members)
    )


def _cell_tickets(
    cell: str, units: Sequence[ScoredUnit], policy: Policy, minutes: int
) -> CellTickets:
    """Return the tickets of one cell, by name."""
    longest = min(longest_visit(minutes, policy), policy.lottery.longest)
    stratum_of = strata(units)
    tickets = [
        Ticket(unit.name, min(policy.visit.minutes_of(unit.staff), longest), stratum_of[unit.name])
        for unit in units
    ]
    by_name = sorted(tickets, key=lambda ticket: ticket.unit)
    return CellTickets(cell, lottery_minutes(minutes, policy), tuple(by_name))


def strata(units: Sequence[ScoredUnit]) -> dict[str, int]:
    """Return the stratum of each unit of a cell: 1 for the quarter with the highest scores, equal ones by name."""
    high_first = sorted(units, key=lambda unit: (-unit.benefit, unit.name))
    number = len(high_first)
    return {unit.name: 1 + rank * STRATA // number for rank, unit in enumerate(high_first)}


def city_draw(cells: Iterable[CellTickets], draw: Draw) -> dict[str, CellDraw]:
    """Return by cell its tickets and whom the draw takes of them."""
    in_lottery = tuple(cells)
    drawn = drawn_units(in_lottery, draw)
    return {cell.cell: CellDraw(cell, drawn[cell.cell]) for cell in in_lottery}
