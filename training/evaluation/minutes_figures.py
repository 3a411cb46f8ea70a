"""What a list finds in the minutes there are: precision in each way, recall, and the number found by the hour."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from training.evaluation.answers import Answers
from training.evaluation.capacity import Judged, precision_of
from training.evaluation.estimate import Estimate, NotEstimable, Told
from training.evaluation.found_per_hour import NO_NUMBER, PER_HOUR, HourlyExam, has_number
from training.evaluation.list_figures import lottery_figures, way_intervals
from training.evaluation.paired import Exam, ratio_interval
from training.evaluation.visit_minutes import (
    Places,
    VisitTimes,
    by_worth,
    filling,
    minutes_of_capacity,
)

Floats = NDArray[np.float64]
NOBODY_SEEN = NotEstimable("no visit of the list has an outcome")


def minutes_figures(
    exam: Exam,
    judged: Judged,
    answers: Answers,
    times: VisitTimes | NotEstimable,
    *,
    seed: int,
) -> dict[str, Any] | str:
    """Return what the list finds that fills the minutes of the capacity, or why nobody knows the minutes."""
    if isinstance(times, NotEstimable):
        return times.plain()
    cases = exam.cases
    order = by_worth(cases.ids, answers.benefit, times.minutes)
    room = minutes_of_capacity(exam.capacity, times.minutes, cases.weight)
    top = filling(order, times.minutes, cases.weight, room)
    return {
        "rule": times.rule,
        "minutes": round(room),
        "visits": round(float(cases.weight[top].sum())),
        **precision_of(judged, top),
        "intervals": way_intervals(judged, exam.units, top),
        PER_HOUR: _per_hour(exam, judged, times.minutes, top, seed).plain(),
        "lottery": lottery_figures(cases, answers.probability, answers.expected, top),
    }


def _per_hour(exam: Exam, judged: Judged, minutes: Floats, top: Places, seed: int) -> Told:
    """Return the number that an hour of the list's visits finds; its interval is that of draws of whole units of the list."""
    if not has_number(exam.cases):
        return NotEstimable(NO_NUMBER)
    chance = None if np.isnan(judged.propensity).any() else judged.propensity
    weighed = Exam(exam.cases, exam.units, exam.capacity, chance)
    listed = HourlyExam(weighed, minutes).in_order(top)
    hours = float(listed.hours.sum())
    if not hours:
        return NOBODY_SEEN
    value = float(listed.number.sum()) / hours
    ends = ratio_interval(exam.units[top], listed.number, listed.hours, seed=seed)
    if ends is None:
        return NotEstimable("too few visits of the list have an outcome")
    return Estimate(value, min(ends[0], value), max(ends[1], value))
