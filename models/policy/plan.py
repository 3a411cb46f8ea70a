"""The plan of a week: per cell one list of visits that fits the team's minutes, and the lottery it rests on."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import chain

from models.optimum.city_model import CityChoice, CityModel, best_choice
from models.optimum.duty_rules import UNLIMITED
from models.optimum.list_rules import ListRules
from models.optimum.shortlist import shortlist
from models.policy.cell_start import CellStart, worth_a_minute
from models.policy.city_draw import city_draw, tickets_of_visits
from models.policy.floors import Floor, visits_of_floors
from models.policy.lottery import Draw
from models.policy.plan_unit import PlannedVisit, PlanUnit
from models.policy.possible_visits import Room, visits_by_room


@dataclass(frozen=True, slots=True)
class CellPlan:
    """A cell's week: its minutes, its visits in order, its lottery, and how many complaints found no time.

    `routine` is the number of units that routine visits reach, among which visits have their rank. `inspectors_left` are
    the minutes of inspectors that the visits leave, below 0 where the draw takes more than there are; None without duties.
    """

    cell: str
    minutes: int
    visits: tuple[PlannedVisit, ...]
    probability: Fraction
    tickets: tuple[str, ...]
    drawn: tuple[str, ...]
    complaints_left: int
    routine: int
    inspectors_left: int | None = None

    @property
    def planned(self) -> int:
        """The person-minutes of all visits."""
        return sum(visit.minutes for visit in self.visits)


@dataclass(frozen=True, slots=True)
class Plan:
    """The cells' lists in the order of their names, under one rule set and one draw.

    `choice` says what the visits by score are worth and how near their bound, `floors` what became of each group's floor.
    `starts` holds what each list of `cells` started from.
    """

    policy: ListRules
    draw: Draw
    cells: tuple[CellPlan, ...]
    choice: CityChoice
    floors: tuple[Floor, ...]
    starts: tuple[CellStart, ...]


def plan(
    scores: Iterable[PlanUnit],
    policy: ListRules,
    capacity: Mapping[str, int],
    draw: Draw,
    inspectors: Mapping[str, int] | None = None,
) -> Plan:
    """Return the week's plan of all living units; a cell that `capacity` does not name has no minutes.

    `inspectors` are the minutes of inspectors among those of each cell, None where there are enough for every duty. The order
    in which units come does not matter. Raises PolicyError for a unit in two cells.
    """
    starts = cell_starts(scores, policy, capacity, draw, inspectors)
    floor_visits = visits_of_floors((start.at_random() for start in starts), policy.floors, draw)
    model = CityModel(
        candidates={
            start.room.cell: shortlist(start.candidates, start.minutes_left) for start in starts
        },
        minutes={start.room.cell: start.minutes_left for start in starts},
        needs=floor_needs(starts, floor_visits, policy),
        inspectors={start.room.cell: start.inspectors_left for start in starts},
    )
    choice = best_choice(model, policy.solver)
    cells = tuple(_finished(start, choice.units) for start in starts)
    listed = chain.from_iterable(cell.visits for cell in cells)
    planned = _visits_by_group(listed, policy)
    floors = []
    for group in policy.floors.groups:
        lacking = max(0, floor_visits[group] - planned[group])
        floors.append(Floor(group, floor_visits[group], planned[group], lacking))
    return Plan(policy, draw, cells, choice, tuple(floors), tuple(starts))


def cell_starts(
    scores: Iterable[PlanUnit],
    policy: ListRules,
    capacity: Mapping[str, int],
    draw: Draw,
    inspectors: Mapping[str, int] | None = None,
) -> list[CellStart]:
    """Return the start of every cell's list in the order of their names."""
    of_cells = {} if inspectors is None else inspectors
    visits = visits_by_room(scores, policy, capacity)
    lotteries = city_draw(tickets_of_visits(visits, policy), draw)
    return [
        CellStart(
            policy,
            room,
            visits_of_cell,
            lotteries[room.cell],
            of_cells.get(room.cell, UNLIMITED),
        )
        for room, visits_of_cell in visits.items()
    ]


def cell_plan(units: Sequence[PlanUnit], policy: ListRules, room: Room, draw: Draw) -> CellPlan:
    """Return the list of one cell that is a city by itself."""
    return plan(units, policy, {room.cell: room.minutes}, draw).cells[0]


def floor_needs(
    starts: Iterable[CellStart], asked: Mapping[str, int], policy: ListRules
) -> dict[str, int]:
    """Return by group the visits that its floor still asks for beside statutory visits and the lottery's."""
    fixed_visits = chain.from_iterable((*start.first, *start.by_lot) for start in starts)
    fixed = _visits_by_group(fixed_visits, policy)
    return {group: asked[group] - fixed[group] for group in policy.floors.groups}


def _visits_by_group(visits: Iterable[PlannedVisit], policy: ListRules) -> dict[str, int]:
    """Count the visits to each group that has a floor."""
    number_of = dict.fromkeys(policy.floors.groups, 0)
    for visit in visits:
        for group in policy.floors.groups_of(visit.unit):
            number_of[group] += 1
    return number_of


def _finished(start: CellStart, chosen: frozenset[str]) -> CellPlan:
    """Return a cell's list: statutory visits, those chosen by score, then those that the lottery alone brings."""
    chosen_visits = [visit for visit in start.visits if visit.unit.name in chosen]
    by_score = sorted(chosen_visits, key=lambda visit: (-worth_a_minute(visit), visit.unit.name))
    left_over = start.left_over((*start.first, *by_score, *start.by_lot))
    place_of = {visit.unit.name: place for place, visit in enumerate(start.statutory)}
    queued = sorted((*start.first, *left_over), key=lambda visit: place_of[visit.unit.name])
    statutory = start.lengthened(queued, (*by_score, *start.by_lot))
    visits = (*statutory, *by_score, *start.by_lot)
    visited = {visit.unit.name for visit in visits}
    complaints_left = sum(
        visit.why == "complaint" and visit.unit.name not in visited for visit in start.statutory
    )
    return CellPlan(
        cell=start.room.cell,
        minutes=start.room.minutes,
        visits=tuple(start.ranked(visit) for visit in visits),
        probability=start.lottery.tickets.probability,
        tickets=tuple(ticket.unit for ticket in start.lottery.tickets.tickets),
        drawn=start.lottery.drawn,
        complaints_left=complaints_left,
        routine=len(start.worths),
        inspectors_left=None if start.policy.duty is None else start.inspectors_beside(visits),
    )
