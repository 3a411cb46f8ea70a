"""The staff that decides how long a visit takes."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from features.matrix import Matrix
from models.optimum.list_rules import ListRules

Floats = NDArray[np.float64]


def staff_of(living: Matrix, policy: ListRules) -> Floats:
    """Return the staff that decides a visit's minutes, (n,): the largest of the declared features, 0 if unknown."""
    columns = [np.zeros(len(living))]
    columns += [living.column(name) for name in policy.visit.staff if name in living.names]
    staff: Floats = np.fmax.reduce(
        columns
    )  # the larger of two, and of a gap and a number the number
    return staff
