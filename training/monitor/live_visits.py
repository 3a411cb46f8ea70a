"""Live visits: which new cases were visited by a plan of the target, which of them the lottery drew, and the list's trial.

The journal says whom a week's plan named and whom its draw took, the store says what the visits found. A visit belongs to
the last plan that named its unit in the `late_days` before it was opened, and a plan to one visit, the first. Visits for
complaints and exposures are made whatever the model says, so they are none of its list.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, log2
from typing import Any

import numpy as np
from numpy.typing import NDArray

from features.arrays import NULL
from features.contract.millionths import probabilities
from features.contract.tables import contract
from features.store.store import Store
from training.data.cases import TargetCases
from training.data.events import marks
from training.evaluation.lift_trial import LiftTrial, LiveVisits
from training.monitor.calibration_drift import week_of_days
from training.monitor.limits import MonitorLimits

Floats = NDArray[np.float64]
Codes = NDArray[np.int64]
Flags = NDArray[np.bool_]
Rows = dict[str, NDArray[Any]]
BY_SCORE = contract()["plans"].column("why").choices.index("score")
"""The code of a planned visit that is made for its score."""
ROUNDING = 1e-3
"""How far a weight may be from 1 and count as 1, since chances are kept in millionths and equal ones differ by that."""


@dataclass(frozen=True, slots=True, eq=False)
class PlannedUnits:
    """Units that plans named, one value each (n,), sorted by `mark` of unit and Monday: by score or not, and drawn or not.

    `weight` of a drawn unit is the mean inclusion probability of its week over its own, `largest` the greatest of all units.
    """

    mark: Codes
    monday: Codes
    by_score: Flags
    drawn: Flags
    weight: Floats
    largest: float

    def __len__(self) -> int:
        return len(self.mark)


@dataclass(frozen=True, slots=True, eq=False)
class PlannedCases:
    """The places of new cases that are visits by plan, in the order in which outcomes became known, and which were drawn.

    `without_outcome` counts drawn units whose time for a visit is over and of whom no outcome is known.
    """

    place: Codes
    drawn: Flags
    weight: Floats
    largest: float
    without_outcome: int

    def visits(self, cases: TargetCases) -> LiveVisits:
        """Return them as the trial of a list takes them."""
        period = week_of_days(cases.known[self.place])
        return LiveVisits(cases.label[self.place], self.drawn, period, self.weight)

    def trial(self) -> LiftTrial:
        """Return the trial; the largest weight is a power of two, so that a later draw hardly ever changes the bets."""
        return LiftTrial(largest_weight=float(2 ** ceil(log2(self.largest))))


def planned_units(store: Store, target: str, after: int, by: int) -> PlannedUnits:
    """Return the units that plans of a target named for weeks after a day, as the journal tells them by another day."""
    plans = _plans(store, target, after, by)
    every_mark = marks(plans["enterprise"], plans["week"])
    mark, first, place = np.unique(every_mark, return_index=True, return_inverse=True)
    by_score = np.ones(len(mark), np.bool_)
    # of several plans of one week the stricter reason holds
    np.logical_and.at(by_score, place, plans["why"] == BY_SCORE)
    tickets = drawn_tickets(store, target, by)
    drawn = np.isin(mark, tickets.mark)
    ticket = np.searchsorted(tickets.mark, mark[drawn])
    weight = np.ones(len(mark))
    weight[drawn] = tickets.weight[ticket]
    return PlannedUnits(mark, plans["week"][first], by_score, drawn, weight, tickets.largest)


def _plans(store: Store, target: str, after: int, by: int) -> Rows:
    """Return the rows of a target's plans for weeks after a day, as known by another day."""
    plans = _of_target(store, "plans", target, by, ("enterprise", "week", "why"))
    week = plans["week"]
    in_time = (week > after) & (week <= by)
    return {name: column[in_time] for name, column in plans.items()}


@dataclass(frozen=True, slots=True, eq=False)
class DrawnTickets:
    """The units that draws took, sorted by `mark` of unit and Monday, each with its weight; `largest` is of all units."""

    mark: Codes
    weight: Floats
    largest: float


def drawn_tickets(store: Store, target: str, by: int) -> DrawnTickets:
    """Return whom the draws of a target took, as the journal tells it by a day."""
    read = ("enterprise", "drawn_on", "drawn", "inclusion_probability")
    draws = _of_target(store, "draws", target, by, read)
    if not len(draws["drawn"]):
        return DrawnTickets(np.empty(0, np.int64), np.empty(0), 1.0)
    weight = _weights(draws)
    is_taken = draws["drawn"] == 1
    every_mark = marks(draws["enterprise"], draws["drawn_on"])
    mark, first = np.unique(every_mark[is_taken], return_index=True)
    return DrawnTickets(mark, weight[is_taken][first], float(max(weight.max(), 1.0)))


def _weights(draws: Rows) -> Floats:
    """Return what each unit of the draws would weigh: the mean inclusion probability of its week over its own."""
    chance = probabilities(draws["inclusion_probability"], NULL)
    _, week, units = np.unique(draws["drawn_on"], return_inverse=True, return_counts=True)
    mean = np.bincount(week, chance) / units
    weight = mean[week] / chance
    is_one = np.isclose(weight, 1.0, rtol=ROUNDING)
    return np.where(is_one, 1.0, weight)


def _of_target(store: Store, table: str, target: str, by: int, columns: tuple[str, ...]) -> Rows:
    """Return the journal's rows of a target, whose name begins the id of each; none where there is no such table."""
    if not store.has(table):
        return {name: np.empty(0, np.int64) for name in columns}
    rows = store.live(table, by, (*columns, "row_id"))
    of_target = np.array([text.startswith(f"{target}.") for text in rows["row_id"]], np.bool_)
    return {name: rows[name][of_target].astype(np.int64) for name in columns}


def planned_cases(
    units: PlannedUnits, cases: TargetCases, today: int, limits: MonitorLimits
) -> PlannedCases:
    """Return the new cases that are visits by plan: by score, or drawn; of weeks that were over by the end of a day."""
    place, unit = _visits_of_units(units, cases, limits)
    week = week_of_days(cases.known[place])
    is_over = week < week_of_days(np.array([today + 1]))
    is_judged = units.by_score[unit] | units.drawn[unit]
    chosen = np.flatnonzero(is_over & is_judged)
    ids = cases.ids[place]
    in_order = chosen[np.lexsort((ids[chosen], week[chosen]))]
    of_plan = unit[in_order]
    return PlannedCases(
        place=place[in_order],
        drawn=units.drawn[of_plan],
        weight=units.weight[of_plan],
        largest=units.largest,
        without_outcome=_without_outcome(units, unit, today, limits),
    )


def _without_outcome(units: PlannedUnits, seen: Codes, today: int, limits: MonitorLimits) -> int:
    """Return how many drawn units were not seen although their time for a visit is over."""
    is_due = units.drawn & (units.monday + limits.late_days <= today)
    is_due[seen] = False
    return int(is_due.sum())


def _visits_of_units(
    units: PlannedUnits, cases: TargetCases, limits: MonitorLimits
) -> tuple[Codes, Codes]:
    """Return the places of cases that a plan named, and those of the planned units that they are visits to."""
    if not len(units) or not len(cases):
        return np.empty(0, np.int64), np.empty(0, np.int64)
    by_opening = np.lexsort((cases.ids, cases.day))
    subject = cases.subject[by_opening]
    opened = cases.day[by_opening]
    unit = np.searchsorted(units.mark, marks(subject, opened), side="right") - 1
    # place -1 means the last unit, whose mark then is another's
    is_planned = units.mark[unit] == marks(subject, units.monday[unit])
    since = opened - units.monday[unit]
    in_time = is_planned & (since >= 0) & (since < limits.late_days)
    # the first place of a unit is its first visit
    distinct, first = np.unique(unit[in_time], return_index=True)
    return by_opening[in_time][first], distinct
