"""What an hour of visits finds: the number found by the visits of a list that fills the minutes there are, by the hour."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from training.data.cases import TargetCases
from training.evaluation.paired import Exam
from training.evaluation.visit_minutes import Places, filling, minutes_of_capacity

Floats = NDArray[np.float64]
PER_HOUR = "number_per_hour"
"""The metric's name: persons, or an amount, that an hour of a list's visits finds."""
HOUR = 60.0
"""Minutes of an hour, since the policy counts in minutes."""
NO_NUMBER = "no number is written of what was found"


def has_number(cases: TargetCases) -> bool:
    """Tell whether a number is written of any violation that was found."""
    return bool((cases.count > 0).any())


@dataclass(frozen=True, slots=True, eq=False)
class HourlyExam:
    """An exam whose visits take `minutes`, float64 (n,), and whose finds have a number."""

    exam: Exam
    minutes: Floats

    def ordered(self, score: Floats) -> HourlyOrder:
        """Return how scores (n,) order the cases; ties by id."""
        order = np.lexsort((self.exam.cases.ids, -score))
        return self.in_order(order)

    def in_order(self, order: Places) -> HourlyOrder:
        """Return the cases in an order, with what each of their visits tells."""
        cases = self.exam.cases
        number = cases.count[order]
        is_written = ~np.isnan(number)
        chance = np.ones(len(order)) if self.exam.chance is None else self.exam.chance[order]
        speaks_for = np.where(is_written, 1.0 / chance, 0.0)
        return HourlyOrder(
            order=order,
            minutes=self.minutes[order],
            stands_for=cases.weight[order],
            number=np.nan_to_num(number) * speaks_for,
            hours=self.minutes[order] / HOUR * speaks_for,
            capacity=self.exam.capacity,
        )


@dataclass(frozen=True, slots=True, eq=False)
class HourlyOrder:
    """Cases in the order of a list, one value each, (n,): the minutes of a visit, and how many cases each stands for.

    `number` is what its visit found and `hours` what that took, both times how many cases like it the visit speaks for; 0
    of a case whose number nobody knows.
    """

    order: Places
    minutes: Floats
    stands_for: Floats
    number: Floats
    hours: Floats
    capacity: float

    def per_hour(self, counted: Floats) -> float | None:
        """Return the number that an hour of the list's visits finds, each case `counted` so often; None where none was seen."""
        times = counted[self.order]
        weight = self.stands_for * times
        room = minutes_of_capacity(self.capacity, self.minutes, weight)
        top = filling(np.arange(len(weight)), self.minutes, weight, room)
        hours = float((self.hours * times)[top].sum())
        if not hours:
            return None
        return float((self.number * times)[top].sum()) / hours


def hourly_exam(exam: Exam, minutes: Floats | None) -> HourlyExam | None:
    """Return an exam by the hour; None where nobody knows the minutes, or no number is written."""
    if minutes is None or not has_number(exam.cases):
        return None
    return HourlyExam(exam, minutes)
