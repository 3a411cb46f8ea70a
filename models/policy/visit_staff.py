"""The staff that decides how long a visit takes."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from features.catalogue.model import Catalogue
from features.errors import PolicyError
from features.matrix import Matrix
from models.optimum.list_rules import ListRules

Floats = NDArray[np.float64]


def check_staff_features(catalogue: Catalogue, policy: ListRules, entity: str) -> None:
    """Raise PolicyError where a rule set tells staff by what is no feature of its units, or by a category.

    A feature for which the source lacks tables is passed over.
    """
    features = {name: catalogue.feature(name) for name in catalogue.names(entity)}
    numbers = {name for name, feature in features.items() if not feature.category}
    for name in policy.visit.staff:
        if name not in numbers and name not in catalogue.left_out:
            raise PolicyError(
                f"rule set {policy.rule!r}: visit.staff names {name!r}, which is no number among the features of a "
                f"{entity}; `lssi dictionary` lists them"
            )


def staff_of(living: Matrix, policy: ListRules) -> Floats:
    """Return the staff that decides a visit's minutes, (n,): the largest of the declared features, 0 if unknown."""
    columns = [np.zeros(len(living))]
    columns += [living.column(name) for name in policy.visit.staff if name in living.names]
    staff: Floats = np.fmax.reduce(
        columns
    )  # the larger of two, and of a gap and a number the number
    return staff
