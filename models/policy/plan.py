"""The plan of a week: per cell one list of visits that fits the team's minutes, and the lottery it rests on."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

from models.policy.lottery import Draw, Ticket, drawn_units, in_millionths, inclusion_probability
from models.policy.policy import Policy
from models.policy.policy_status import Standing


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
    members: dict[str, list[PlanUnit]] = {cell: [] for cell in capacity}
    for unit in scores:
        members.setdefault(unit.cell, []).append(unit)
    lists = [
        cell_plan(members[cell], policy, Room(cell, capacity.get(cell, 0)), draw)
        for cell in sorted(members)
    ]
    return Plan(policy, draw, tuple(lists))


@dataclass(frozen=True, slots=True)
class Room:
    """A cell and its minutes."""

    cell: str
    minutes: int

    def lottery(self, policy: Policy) -> int:
        """The minutes that the lottery spends in expectation: at least one where the cell has two."""
        return max(1, self.minutes * policy.lottery.percent // 100) if self.minutes > 1 else 0

    def longest(self, policy: Policy) -> int:
        """The longest visit of one week: with it any draw fits; a longer one goes on in the next week."""
        return self.minutes - self.lottery(policy) if self.minutes > 1 else 0


def cell_plan(units: Sequence[PlanUnit], policy: Policy, room: Room, draw: Draw) -> CellPlan:
    """Return one cell's list: drawn first so that chance is exact, then filled in the order of the policy."""
    long = room.longest(policy)
    visits = [
        PlannedVisit(unit, "score", min(policy.visit.minutes_of(unit.staff), long))
        for unit in units
    ]
    tickets = [
        Ticket(visit.unit.name, min(visit.minutes, policy.lottery.longest)) for visit in visits
    ]
    probability = in_millionths(inclusion_probability(tickets, room.lottery(policy)))
    lucky = set(drawn_units(tickets, probability, draw=draw, cell=room.cell))
    taken = [
        PlannedVisit(visit.unit, "lottery", ticket.minutes)
        for visit, ticket in zip(visits, tickets, strict=True)
        if ticket.unit in lucky
    ]
    chosen = _filled(_queue(visits, policy), taken, room.minutes)
    waiting = sum(unit.standing.complaint is not None for unit in units)
    met = sum(visit.why == "complaint" for visit in chosen)
    names = tuple(ticket.unit for ticket in tickets)
    return CellPlan(
        room.cell, room.minutes, chosen, probability, names, tuple(sorted(lucky)), waiting - met
    )


def _queue(visits: Iterable[PlannedVisit], policy: Policy) -> list[PlannedVisit]:
    """Complaints by age, exposures that are due, then scores; the last two by weighted benefit per whole minute.

    A dormant unit is queued for a complaint alone.
    """

    def worth(visit: PlannedVisit) -> float:
        unit = visit.unit
        return unit.benefit * unit.standing.weight / policy.visit.minutes_of(unit.staff)

    lines: list[tuple[int, float, str, PlannedVisit]] = []
    for visit in visits:
        unit = visit.unit
        if unit.standing.complaint is not None:
            lines.append(
                (
                    0,
                    unit.standing.complaint,
                    unit.name,
                    PlannedVisit(unit, "complaint", visit.minutes),
                )
            )
        elif unit.dormant:
            continue
        elif unit.standing.exposure_due:
            lines.append(
                (1, -worth(visit), unit.name, PlannedVisit(unit, "exposure", visit.minutes))
            )
        elif worth(visit) > 0:
            lines.append((2, -worth(visit), unit.name, visit))
    return [line[-1] for line in sorted(lines, key=lambda line: line[:3])]


def _filled(
    queue: Sequence[PlannedVisit], taken: Sequence[PlannedVisit], minutes: int
) -> tuple[PlannedVisit, ...]:
    """Return what fits: the drawn are set aside first; one that is in the queue too keeps its place there."""
    aside = {visit.unit.name: visit.minutes for visit in taken}
    left = minutes - sum(aside.values())
    chosen: list[PlannedVisit] = []
    for visit in queue:
        have = aside.get(visit.unit.name, 0)
        more = max(0, visit.minutes - have)
        if more <= left and visit.minutes > 0:
            left -= more
            chosen.append(visit)
        elif have:
            chosen.append(PlannedVisit(visit.unit, visit.why, have))
    named = {visit.unit.name for visit in chosen}
    return (*chosen, *(visit for visit in taken if visit.unit.name not in named))
