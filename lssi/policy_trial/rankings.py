"""Rankings: lists filled in an order within each cell's minutes, with places for the groups that floors name."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

from lssi.policy_trial.month_units import PER_CENT
from models.optimum.list_rules import ListRules
from models.policy.cell_start import CellStart, worth_a_minute
from models.policy.plan_unit import PlannedVisit

PlaceInOrder = Callable[[str], float]
"""Where a unit stands in an order, the lowest first."""


def eligible_visits(start: CellStart) -> list[PlannedVisit]:
    """Return the possible visits of a cell that may be chosen by score."""
    units = {candidate.unit for candidate in start.candidates}
    return [visit for visit in start.visits if visit.unit.name in units]


def filled_list(
    visits: Iterable[PlannedVisit], minutes: int, place: PlaceInOrder
) -> list[PlannedVisit]:
    """Return the visits that fit into some minutes, taken in the order of their units' places and then of their names."""
    minutes_left = minutes
    chosen = []
    for visit in visits_in_order(visits, place):
        if visit.minutes <= minutes_left:
            minutes_left -= visit.minutes
            chosen.append(visit)
    return chosen


def visits_in_order(visits: Iterable[PlannedVisit], place: PlaceInOrder) -> list[PlannedVisit]:
    """Return visits in the order of their units' places and then of their names."""
    return sorted(visits, key=lambda one: (place(one.unit.name), one.unit.name))


def reserved_visits(
    starts: Sequence[CellStart], needs: Mapping[str, int], policy: ListRules, place: PlaceInOrder
) -> dict[str, list[PlannedVisit]]:
    """Return by cell the visits that go before all others, so that each group has as many as it still needs.

    They are the first of the group in the order, over the whole city, that fit into the minutes of their cells. A group
    whose visits do not fit has fewer.
    """
    cell_of = {visit.unit.name: start.room.cell for start in starts for visit in start.visits}
    minutes_left = {start.room.cell: start.minutes_left for start in starts}
    reserved: dict[str, list[PlannedVisit]] = {cell: [] for cell in minutes_left}
    lacking = dict(needs)
    every_visit = [visit for start in starts for visit in eligible_visits(start)]
    for visit in visits_in_order(every_visit, place):
        cell = cell_of[visit.unit.name]
        groups = policy.floors.groups_of(visit.unit)
        is_needed = any(lacking[group] > 0 for group in groups)
        if is_needed and visit.minutes <= minutes_left[cell]:
            minutes_left[cell] -= visit.minutes
            reserved[cell].append(visit)
            for group in groups:
                lacking[group] -= 1
    return reserved


def cell_ranking(
    start: CellStart, first: Sequence[PlannedVisit], place: PlaceInOrder, percent: int
) -> list[PlannedVisit]:
    """Return the list of a cell: the visits reserved for groups, then the first in the order that fit.

    Of the latter the least productive, of so many percent of their minutes, give way to the best others by value.
    """
    names = {visit.unit.name for visit in first}
    others = [visit for visit in eligible_visits(start) if visit.unit.name not in names]
    minutes = start.minutes_left - sum(visit.minutes for visit in first)
    chosen = filled_list(others, minutes, place)
    if percent:
        chosen = replaced_tail(chosen, others, minutes, percent)
    return [*first, *chosen]


def replaced_tail(
    chosen: Sequence[PlannedVisit], eligible: Sequence[PlannedVisit], minutes: int, percent: int
) -> list[PlannedVisit]:
    """Return a list with the least productive visits, of so many percent of its minutes, replaced by the best others."""
    spent = sum(visit.minutes for visit in chosen)
    remaining = sorted(chosen, key=lambda one: (-worth_a_minute(one), one.unit.name))
    freed = 0
    # at least one visit goes where the list has any: a tenth of a short list is less than one
    while remaining and freed * PER_CENT < spent * percent:
        freed += remaining.pop().minutes
    names = {visit.unit.name for visit in remaining}
    worth = {visit.unit.name: worth_a_minute(visit) for visit in eligible}
    others = [visit for visit in eligible if visit.unit.name not in names]
    minutes_left = minutes - sum(visit.minutes for visit in remaining)
    return remaining + filled_list(others, minutes_left, lambda one: -worth[one])
