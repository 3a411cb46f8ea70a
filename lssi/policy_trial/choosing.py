"""How an arm chooses the visits of a month: by the plan, by probability, or by lot."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

from lssi.policy_trial.arms import Arm
from lssi.policy_trial.month_units import PER_CENT, MonthUnits
from lssi.policy_trial.orders import LOT, MonthOrders, VisitOrder
from models.optimum.city_rules import GROUPS
from models.policy.cell_start import CellStart, is_routine, worth_a_minute
from models.policy.lottery import CellTickets, Draw, Ticket, drawn_units
from models.policy.plan import cell_starts, plan
from models.policy.plan_unit import PlannedVisit
from models.policy.possible_visits import visits_by_room

EVERYBODY = "all"
SCORE = "score"


def month_orders(known: MonthUnits, arm: Arm, seed: int) -> MonthOrders:
    """Return what an arm orders of a month; the same units, arm and seed give the same orders."""
    draw = Draw(str(known.month), str(seed))
    visits = CHOICES[arm.list](known, arm, draw)
    listed = [visit.enterprise for visit in visits if visit.why == SCORE]
    return MonthOrders(
        month=known.month,
        visits=tuple(sorted(visits, key=lambda one: one.enterprise)),
        listed=tuple(sorted(listed)) if arm.letters else (),
        letters=letters_by_lot(listed, arm.letters, draw),
        minutes=sum(known.minutes.values()),
        groups=_groups(known, {visit.enterprise for visit in visits}),
        seen_if_all=_lottery_shares(known),
    )


def by_value(known: MonthUnits, _arm: Arm, draw: Draw) -> list[VisitOrder]:
    """Return the visits of the plan of the whole city."""
    made = plan(known.units, known.policy, known.minutes, draw)
    chance = {cell.cell: float(cell.probability) for cell in made.cells}
    return [
        visit_order(visit, chance[cell.cell] if visit.unit.name in cell.drawn else None)
        for cell in made.cells
        for visit in cell.visits
    ]


def by_probability(known: MonthUnits, arm: Arm, draw: Draw) -> list[VisitOrder]:
    """Return complaints and lottery as a plan has them, then the highest probabilities that fit into each cell's minutes."""
    names = [unit.name for unit in known.units]
    probability = dict(zip(names, known.probability.tolist(), strict=True))
    visits: list[VisitOrder] = []
    for start in cell_starts(known.units, known.policy, known.minutes, draw):
        chance = float(start.lottery.tickets.probability)
        for visit in (*start.first, *start.by_lot):
            drawn = visit.unit.name in start.drawn
            visits.append(visit_order(visit, chance if drawn else None))
        chosen = filled_list(_eligible(start), start.minutes_left, lambda one: -probability[one])
        visits += map(visit_order, replaced_tail(chosen, start, arm.replaced))
    return visits


def _eligible(start: CellStart) -> list[PlannedVisit]:
    """Return the possible visits of a cell that may be chosen by score."""
    units = {candidate.unit for candidate in start.candidates}
    return [visit for visit in start.visits if visit.unit.name in units]


def filled_list(
    visits: Iterable[PlannedVisit], minutes: int, place: Callable[[str], float]
) -> list[PlannedVisit]:
    """Return the visits that fit into some minutes, taken in the order of their units' places and then of their names."""
    minutes_left = minutes
    chosen = []
    for visit in sorted(visits, key=lambda one: (place(one.unit.name), one.unit.name)):
        if visit.minutes <= minutes_left:
            minutes_left -= visit.minutes
            chosen.append(visit)
    return chosen


def replaced_tail(
    chosen: Sequence[PlannedVisit], start: CellStart, percent: int
) -> list[PlannedVisit]:
    """Return a cell's list with the least productive visits, of so many percent of its minutes, replaced by the best others."""
    if not percent:
        return list(chosen)
    minutes = sum(visit.minutes for visit in chosen)
    best_first = sorted(chosen, key=lambda one: (-worth_a_minute(one), one.unit.name))
    remaining = list(best_first)
    freed = 0
    # at least one visit goes where the list has any: a tenth of a short list is less than one
    while remaining and freed * PER_CENT < minutes * percent:
        freed += remaining.pop().minutes
    names = {visit.unit.name for visit in remaining}
    worth = {visit.unit.name: worth_a_minute(visit) for visit in start.visits}
    others = [visit for visit in _eligible(start) if visit.unit.name not in names]
    minutes_left = start.minutes_left - sum(visit.minutes for visit in remaining)
    return remaining + filled_list(others, minutes_left, lambda one: -worth[one])


def by_lot(known: MonthUnits, _arm: Arm, draw: Draw) -> list[VisitOrder]:
    """Return visits drawn by lot, whose minutes are those of the teams in expectation; each cell's units have one chance."""
    possible = visits_by_room(known.units, known.policy, known.minutes)
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
    return [
        visit_order(visit, chance[room.cell])
        for room, visits in possible.items()
        for visit in visits
        if visit.unit.name in set(drawn[room.cell])
    ]


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


def _groups(known: MonthUnits, visited: set[str]) -> dict[str, list[int]]:
    """Return by group its units that routine visits reach, and how many of all visits go to it."""
    counts = {group: [0, 0] for group in (EVERYBODY, *GROUPS)}
    for unit in known.units:
        for group in (EVERYBODY, *known.policy.floors.groups_of(unit)):
            counts[group][0] += int(is_routine(unit))
            counts[group][1] += int(unit.name in visited)
    return counts


def _lottery_shares(known: MonthUnits) -> dict[str, float]:
    """Return by enterprise which part of the minutes that it needs a visit of the lottery would have, where not all."""
    longest = known.policy.lottery.longest
    shares = {}
    for visits in visits_by_room(known.units, known.policy, known.minutes).values():
        for visit in visits:
            minutes = min(visit.minutes, longest)
            if minutes < visit.needed:
                shares[visit.unit.name] = round(minutes / visit.needed, 6)
    return shares
