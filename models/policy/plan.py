"""The plan of a week: per cell one list of visits that fits the team's minutes, and the lottery it rests on."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

from models.policy.city_draw import CellDraw, city_draw, city_tickets, longest_visit
from models.policy.lottery import Draw
from models.policy.policy import Policy
from models.policy.policy_status import Standing

# The order of the queue, by why a unit is visited.
COMPLAINTS, EXPOSURES, SCORES = 0, 1, 2


@dataclass(frozen=True, slots=True)
class PlanUnit:
    """One living unit: its cell, its staff, what a visit is expected to find, its standing, and whether it is dormant."""

    name: str
    cell: str
    staff: int
    benefit: float
    standing: Standing
    dormant: bool = False


@dataclass(frozen=True, slots=True)
class PlannedVisit:
    """One line of a list: who, why (complaint | exposure | score | lottery), and the person-minutes planned."""

    unit: PlanUnit
    why: str
    minutes: int


@dataclass(frozen=True, slots=True)
class CellPlan:
    """A cell's week: its minutes, its visits in order, its lottery, and how many complaints found no time."""

    cell: str
    minutes: int
    visits: tuple[PlannedVisit, ...]
    probability: Fraction
    tickets: tuple[str, ...]
    drawn: tuple[str, ...]
    complaints_left: int

    @property
    def planned(self) -> int:
        """The person-minutes of all visits."""
        return sum(visit.minutes for visit in self.visits)


@dataclass(frozen=True, slots=True)
class Plan:
    """The cells' lists in the order of their names, under one rule set and one draw."""

    policy: Policy
    draw: Draw
    cells: tuple[CellPlan, ...]


def plan(
    scores: Iterable[PlanUnit], policy: Policy, capacity: Mapping[str, int], draw: Draw
) -> Plan:
    """Return the week's plan of all living units; a cell that `capacity` does not name has no minutes."""
    units = tuple(scores)
    lottery = city_draw(city_tickets(units, policy, capacity), draw)
    members: dict[str, list[PlanUnit]] = {cell: [] for cell in lottery}
    for unit in units:
        members[unit.cell].append(unit)
    lists = [
        cell_plan(members[cell], policy, Room(cell, capacity.get(cell, 0)), cell_draw)
        for cell, cell_draw in lottery.items()
    ]
    return Plan(policy, draw, tuple(lists))


@dataclass(frozen=True, slots=True)
class Room:
    """A cell and its minutes."""

    cell: str
    minutes: int


def cell_plan(
    units: Sequence[PlanUnit], policy: Policy, room: Room, cell_draw: CellDraw
) -> CellPlan:
    """Return one cell's list: drawn first so that chance is exact, then filled in the order of the policy."""
    visits = _possible_visits(units, policy, room)
    lottery_visits = _lottery_visits(units, cell_draw)
    chosen_visits = _filled(_queue(visits, policy), lottery_visits, room.minutes)
    complaints = sum(unit.standing.complaint is not None for unit in units)
    complaints_planned = sum(visit.why == "complaint" for visit in chosen_visits)
    return CellPlan(
        cell=room.cell,
        minutes=room.minutes,
        visits=chosen_visits,
        probability=cell_draw.tickets.probability,
        tickets=tuple(ticket.unit for ticket in cell_draw.tickets.tickets),
        drawn=cell_draw.drawn,
        complaints_left=complaints - complaints_planned,
    )


def _possible_visits(units: Iterable[PlanUnit], policy: Policy, room: Room) -> list[PlannedVisit]:
    """Return one visit to each unit, as long as it needs but no longer than the cell's week allows."""
    longest = longest_visit(room.minutes, policy)
    visits = []
    for unit in units:
        minutes = min(policy.visit.minutes_of(unit.staff), longest)
        visits.append(PlannedVisit(unit, "score", minutes))
    return visits


def _lottery_visits(units: Iterable[PlanUnit], cell_draw: CellDraw) -> list[PlannedVisit]:
    """Return a visit to each unit that was drawn, as long as its ticket says."""
    drawn = set(cell_draw.drawn)
    minutes_of = {ticket.unit: ticket.minutes for ticket in cell_draw.tickets.tickets}
    return [
        PlannedVisit(unit, "lottery", minutes_of[unit.name]) for unit in units if unit.name in drawn
    ]


def _queue(visits: Iterable[PlannedVisit], policy: Policy) -> list[PlannedVisit]:
    """Complaints by age, exposures that are due, then scores; the last two by weighted benefit per whole minute.

    A dormant unit is queued for a complaint alone.
    """

    queue: list[tuple[int, float, str, PlannedVisit]] = []
    for visit in visits:
        unit = visit.unit
        standing = unit.standing
        if standing.complaint is not None:
            complaint_visit = PlannedVisit(unit, "complaint", visit.minutes)
            queue.append((COMPLAINTS, standing.complaint, unit.name, complaint_visit))
            continue
        if unit.dormant:
            continue
        worth = _worth(unit, policy)
        if standing.exposure_due:
            exposure_visit = PlannedVisit(unit, "exposure", visit.minutes)
            queue.append((EXPOSURES, -worth, unit.name, exposure_visit))
        elif worth > 0:
            queue.append((SCORES, -worth, unit.name, visit))
    # equal worth is ordered by name; a unit stands in the queue once, so visits are never compared
    return [visit for _, _, _, visit in sorted(queue, key=lambda entry: entry[:3])]


def _worth(unit: PlanUnit, policy: Policy) -> float:
    """Return what a minute of a visit is expected to bring, weighted by the unit's class."""
    return unit.benefit * unit.standing.weight / policy.visit.minutes_of(unit.staff)


def _filled(
    queue: Sequence[PlannedVisit], lottery_visits: Sequence[PlannedVisit], minutes: int
) -> tuple[PlannedVisit, ...]:
    """Return what fits: the drawn are set aside first; one that is in the queue too keeps its place there."""
    drawn_minutes = {visit.unit.name: visit.minutes for visit in lottery_visits}
    minutes_left = minutes - sum(drawn_minutes.values())
    chosen: list[PlannedVisit] = []
    for visit in queue:
        set_aside = drawn_minutes.get(visit.unit.name, 0)
        more = max(0, visit.minutes - set_aside)
        if more <= minutes_left and visit.minutes > 0:
            minutes_left -= more
            chosen.append(visit)
        elif set_aside:
            chosen.append(PlannedVisit(visit.unit, visit.why, set_aside))
    chosen_names = {visit.unit.name for visit in chosen}
    only_drawn = [visit for visit in lottery_visits if visit.unit.name not in chosen_names]
    return (*chosen, *only_drawn)
