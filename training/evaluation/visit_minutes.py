"""Minutes of visits: how long the dated policy says a visit to each case takes, and the list that fills the minutes there are.

It is the list that a plan makes of scores alone: who is expected to bring most by the minute comes first, and a visit takes
the minutes that the rule set gives to its staff. What a plan puts before scores (complaints, exposures, the lottery) and what
weighs them (classes, medals) are the policy's and no model's, so they are left aside.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from features.errors import PolicyError
from features.matrix import Matrix
from models.policy.policy import policy_on
from models.policy.visit_staff import staff_of
from training.evaluation.capacity import list_length
from training.evaluation.estimate import NotEstimable

Floats = NDArray[np.float64]
Places = NDArray[np.int64]
ENTERPRISES_ALONE = NotEstimable("the policy knows the minutes of visits to enterprises alone")


@dataclass(frozen=True, slots=True, eq=False)
class VisitTimes:
    """The minutes of a visit to each case, float64 (n,), by a rule set of the policy."""

    minutes: Floats
    rule: str


def visit_times(matrix: Matrix) -> VisitTimes | NotEstimable:
    """Return the minutes of a visit to each case by the rule set in force on the earliest day, or why nobody knows them."""
    if matrix.entity != "enterprise" or not len(matrix):
        return ENTERPRISES_ALONE
    try:
        policy = policy_on(int(matrix.as_of.min()))
    except PolicyError as error:
        return NotEstimable(str(error))
    staff = staff_of(matrix, policy)
    minutes = [policy.visit.minutes_of(int(each)) for each in staff.tolist()]
    return VisitTimes(np.array(minutes, np.float64), policy.rule)


def minutes_of_capacity(capacity: float, minutes: Floats, weight: Floats) -> float:
    """Return the minutes that a capacity has: those of as many visits of mean length as it reaches.

    >>> minutes_of_capacity(0.5, np.array([240.0, 480.0]), np.ones(2))
    360.0
    """
    cases = float(weight.sum())
    whole = float((minutes * weight).sum())
    return list_length(capacity, cases) * whole / cases


def by_worth(ids: NDArray[np.str_], benefit: Floats, minutes: Floats) -> Places:
    """Return the places of cases by what a minute of a visit is expected to bring, falling; ties by id."""
    return np.lexsort((ids, -benefit / minutes))


def filling(order: Places, minutes: Floats, weight: Floats, room: float) -> Places:
    """Return the first cases of an order that fill the minutes there are, each standing for `weight` visits.

    The last of them may need more than is left: such a visit goes on in the next week.
    """
    needed = (minutes * weight)[order]
    filled_before = np.cumsum(needed) - needed
    return order[filled_before < room]
