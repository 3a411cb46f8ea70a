"""The visits that a week could make: one to each unit, as long as it needs and as its cell's week allows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from features.errors import PolicyError
from models.optimum.list_rules import ListRules
from models.optimum.travel import travel_minutes
from models.policy.plan_unit import PlannedVisit, PlanUnit

LEAST_MINUTES = 2
"""Minutes of a cell below which it has no lottery: one is for the lottery, and one is left for the longest visit."""


def lottery_minutes(minutes: int, policy: ListRules) -> int:
    """Return the minutes that a cell's lottery spends in expectation: at least one, unless the share is nought."""
    if minutes < LEAST_MINUTES or not policy.lottery.percent:
        return 0
    return max(1, minutes * policy.lottery.percent // 100)


def longest_visit(minutes: int, policy: ListRules) -> int:
    """Return the longest visit of a cell's week: with it any draw fits; a longer one goes on in the next week."""
    if minutes < LEAST_MINUTES:
        return 0
    return minutes - lottery_minutes(minutes, policy)


@dataclass(frozen=True, slots=True)
class Room:
    """A cell and its minutes."""

    cell: str
    minutes: int

    def statutory(self, policy: ListRules) -> int:
        """The minutes up to which complaints and due exposures go before scored visits."""
        return self.minutes * policy.statutory.percent // 100


def visits_by_room(
    units: Iterable[PlanUnit], policy: ListRules, minutes: Mapping[str, int]
) -> dict[Room, tuple[PlannedVisit, ...]]:
    """Return the possible visits of every cell in the order of their names; a cell that `minutes` does not name has none.

    Raises PolicyError for a unit in two cells.
    """
    members: dict[str, list[PlanUnit]] = {cell: [] for cell in minutes}
    cell_of: dict[str, str] = {}
    for unit in units:
        if unit.name in cell_of:
            raise PolicyError(
                f"{unit.kind} {unit.name!r} is in two cells, {cell_of[unit.name]!r} and {unit.cell!r}; "
                f"state one cell for each {unit.kind}"
            )
        cell_of[unit.name] = unit.cell
        members.setdefault(unit.cell, []).append(unit)
    rooms = [Room(cell, minutes.get(cell, 0)) for cell in sorted(members)]
    return {room: possible_visits(members[room.cell], policy, room) for room in rooms}


def possible_visits(
    units: Sequence[PlanUnit], policy: ListRules, room: Room
) -> tuple[PlannedVisit, ...]:
    """Return one visit to each unit of a cell by name, as long as it needs but no longer than the cell's week allows."""
    members = sorted(units, key=lambda unit: unit.name)
    longest = longest_visit(room.minutes, policy)
    on_the_road = travel_minutes([unit.place for unit in members], policy.travel)
    visits = []
    for unit, travel in zip(members, on_the_road, strict=True):
        needed = policy.visit.minutes_of(unit.staff) + travel
        visit = PlannedVisit(unit, "score", min(needed, longest), needed, travel)
        visits.append(visit)
    return tuple(visits)
