"""How an arm chooses the visits of a month: by the plan, by probability, or by lot."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from lssi.policy_trial.arms import Arm
from lssi.policy_trial.month_units import PER_CENT, MonthUnits
from lssi.policy_trial.orders import LOT, MonthOrders, VisitOrder
from lssi.policy_trial.rankings import cell_ranking, reserved_visits
from models.optimum.city_rules import GROUPS
from models.policy.cell_start import is_routine
from models.policy.floors import visits_of_floors
from models.policy.lottery import CellTickets, Draw, Ticket, drawn_units
from models.policy.plan import cell_starts, floor_needs, plan
from models.policy.plan_unit import PlannedVisit
from models.policy.possible_visits import visits_by_room

EVERYBODY = "all"
SCORE = "score"


def month_orders(month: MonthUnits, arm: Arm, seed: int) -> MonthOrders:
    """Return what an arm orders of a month; the same units, arm and seed give the same orders."""
    draw = Draw(str(month.month), str(seed))
    visits = CHOICES[arm.list](month, arm, draw)
    listed = [visit.enterprise for visit in visits if visit.why == SCORE]
    return MonthOrders(
        month=month.month,
        visits=tuple(sorted(visits, key=lambda one: one.enterprise)),
        listed=tuple(sorted(listed)) if arm.letters else (),
        letters=letters_by_lot(listed, arm.letters, draw),
        minutes=sum(month.minutes.values()),
        groups=_groups(month, {visit.enterprise for visit in visits}),
        seen_if_all=_lottery_shares(month),
    )


def by_value(month: MonthUnits, _arm: Arm, draw: Draw) -> list[VisitOrder]:
    """Return the visits of the plan of the whole city."""
    city_plan = plan(month.units, month.policy, month.minutes, draw)
    visits: list[VisitOrder] = []
    for cell in city_plan.cells:
        chance = float(cell.probability)
        for visit in cell.visits:
            is_drawn = visit.unit.name in cell.drawn
            visits.append(visit_order(visit, chance if is_drawn else None))
    return visits


def by_probability(month: MonthUnits, arm: Arm, draw: Draw) -> list[VisitOrder]:
    """Return complaints and lottery as a plan has them, then the highest probabilities that fit into each cell's minutes.

    Where the arm has floors, the places that they ask for go first, to the highest probabilities of each group.
    """
    names = [unit.name for unit in month.units]
    probability: dict[str, float] = dict(zip(names, month.probability.tolist(), strict=True))

    def place(name: str) -> float:
        return -probability[name]

    starts = cell_starts(month.units, month.policy, month.minutes, draw)
    floor_visits = visits_of_floors(
        (start.at_random() for start in starts), month.policy.floors, draw
    )
    needs = floor_needs(starts, floor_visits, month.policy)
    reserved = reserved_visits(starts, needs, month.policy, place)
    visits: list[VisitOrder] = []
    for start in starts:
        chance = float(start.lottery.tickets.probability)
        for visit in (*start.first, *start.by_lot):
            drawn = visit.unit.name in start.drawn
            visits.append(visit_order(visit, chance if drawn else None))
        chosen = cell_ranking(start, reserved[start.room.cell], place, arm.replaced)
        visits += map(visit_order, chosen)
    return visits


def by_lot(month: MonthUnits, _arm: Arm, draw: Draw) -> list[VisitOrder]:
    """Return visits drawn by lot, whose minutes are those of the teams in expectation; each cell's units have one chance."""
    possible = visits_by_room(month.units, month.policy, month.minutes)
    cells = [
        CellTickets(
            room.cell,
            room.minutes,
            tuple(Ticket(visit.unit.name, visit.minutes) for visit in visits if visit.minutes),
        )
        for room, visits in possible.items()
    ]
    drawn = drawn_units(cells, draw)
    chance = {cell.cell: float(cell.probability) for cell in cells}
    orders: list[VisitOrder] = []
    for room, visits in possible.items():
        drawn_here = set(drawn[room.cell])
        chosen = (visit for visit in visits if visit.unit.name in drawn_here)
        orders += [visit_order(visit, chance[room.cell]) for visit in chosen]
    return orders


CHOICES: Mapping[str, Callable[[MonthUnits, Arm, Draw], list[VisitOrder]]] = {
    "value": by_value,
    "probability": by_probability,
    "random": by_lot,
}


def visit_order(visit: PlannedVisit, chance: float | None = None) -> VisitOrder:
    """Return a planned visit as an order; one that was drawn is a visit of the lottery, whatever else brings it."""
    return VisitOrder(
        enterprise=visit.unit.name,
        why=visit.why if chance is None else LOT,
        minutes=visit.minutes,
        needed=visit.needed,
        expected=visit.unit.benefit,
        probability=chance,
    )


def letters_by_lot(listed: Sequence[str], percent: int, draw: Draw) -> tuple[str, ...]:
    """Return the enterprises of a list, so many percent of it rounded down, that a letter goes to."""
    shuffled = sorted(listed, key=lambda name: (draw.chance("letter", name), name))
    return tuple(sorted(shuffled[: len(listed) * percent // PER_CENT]))


def _groups(month: MonthUnits, visited: set[str]) -> dict[str, list[int]]:
    """Return by group its units that routine visits reach, and how many of all visits go to it."""
    counts = {group: [0, 0] for group in (EVERYBODY, *GROUPS)}
    for unit in month.units:
        for group in (EVERYBODY, *month.policy.floors.groups_of(unit)):
            counts[group][0] += int(is_routine(unit))
            counts[group][1] += int(unit.name in visited)
    return counts


def _lottery_shares(month: MonthUnits) -> dict[str, float]:
    """Return by enterprise which part of the minutes that it needs a visit of the lottery would have, where not all."""
    longest = month.policy.lottery.longest
    shares = {}
    for visits in visits_by_room(month.units, month.policy, month.minutes).values():
        for visit in visits:
            minutes = min(visit.minutes, longest)
            if minutes < visit.needed:
                shares[visit.unit.name] = round(minutes / visit.needed, 6)
    return shares
