"""The propensity: how likely each case was to get a label at all, estimated from the same features."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from features.matrix import Matrix
from training.data.cases import TargetCases
from training.data.folds import enough, folds_by_key
from training.data.recipe import Recipe, Shape
from training.models.calibrate import calibration_of
from training.models.fit import Lesson, fit_any

Floats = NDArray[np.float64]
SMALLEST = 0.005
"""The least propensity, so that no case weighs more than 200; a choice."""
ROUNDS = 100
"""Trees of the propensity model at most; a choice: it is small, since it has only to tell likely visits from unlikely ones."""


def propensity(matrix: Matrix, cases: TargetCases, recipe: Recipe) -> Floats:
    """Return each case's estimated chance of a label, float64 (n,), never below SMALLEST; NaN where it cannot be told.

    It is 1 where every case has a label, and NaN where too few have one, or lack one. A case that stands for
    many weighs as many. Reasons to visit that no feature knows stay unseen: an estimate, not a proof.
    """
    seen = (~np.isnan(cases.label)).astype(np.float64)
    if seen.all():
        return np.ones(len(cases))
    changes = {
        "shape": (Shape(leaves=7),),
        "smaller_leaf": recipe.smallest_leaf,
        "most_rounds": ROUNDS,
    }
    simple = recipe.model_copy(update=changes)
    folds = folds_by_key(matrix.keys, recipe)
    if not folds or not enough(seen, recipe.least_positives):
        return np.full(len(cases), np.nan)
    lesson = Lesson(matrix, folds)
    fit = fit_any(lesson, seen, simple)
    calibration = calibration_of(fit, lesson, seen).calibration
    among_drawn = calibration(fit.unseen)
    stands_for = float(cases.weight[seen == 0].mean())
    odds = among_drawn / (1 - among_drawn) / stands_for
    return np.maximum(odds / (1 + odds), SMALLEST)
