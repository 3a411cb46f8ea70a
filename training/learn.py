"""Learning: from labelled cases to a model of any violation, its calibration, and a model of the number found."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from features.matrix import Matrix
from models.booster import margins, means
from models.calibration import Calibration
from training.calibrate import calibration_of
from training.cases import Cases
from training.fit import Fit, fit_any, fit_count, scaled
from training.recipe import Recipe

Floats = NDArray[np.float64]
FARTHEST = 5.0


@dataclass(frozen=True, slots=True, eq=False)
class Learned:
    """A model of log-odds, the calibration of its scores, and a model of the number found given any, or None."""

    any: Fit
    calibration: Calibration
    count: Fit | None

    def raw(self, matrix: Matrix) -> Floats:
        """Return the raw scores of a matrix with the training columns, float64 (n,)."""
        return margins(self.any.model, matrix.values)

    def expected(self, matrix: Matrix) -> Floats | None:
        """Return the expected number of a matrix with the training columns, float64 (n,); None without a count model."""
        if self.count is None:
            return None
        return np.asarray(self.calibration(self.raw(matrix)) * means(self.count.model, matrix.values))


def learn(matrix: Matrix, cases: Cases, recipe: Recipe) -> Learned:
    """Return what the labelled cases teach; calibration rests on the latest of them, scored by models that never saw them.

    Raises TargetError when too few cases have a label of either kind.
    """
    fit = fit_any(matrix, cases.label, recipe)
    late = latest(cases, recipe)
    calibration = calibration_of(fit.unseen[late], cases.label[late])
    count = fit_count(matrix, np.nan_to_num(cases.count), recipe)
    if count is not None:
        counted = late & ~np.isnan(cases.count)
        told = float((calibration(fit.unseen[counted]) * count.unseen[counted]).sum())
        factor = float(cases.count[counted].sum()) / told if told > 0 else 1.0
        count = scaled(count, float(np.clip(factor, 1 / FARTHEST, FARTHEST)))
    return Learned(fit, calibration, count)


def latest(cases: Cases, recipe: Recipe) -> NDArray[np.bool_]:
    """Return the latest cases, the recipe's share of all at least; all of them where these hold too few of a class."""
    ascending = np.sort(cases.day)
    first = ascending[int((1 - recipe.calibrate_on) * len(ascending))]
    late = cases.day >= first
    positives = int(cases.label[late].sum())
    if min(positives, int(late.sum()) - positives) < recipe.least_positives:
        return np.ones(len(cases), np.bool_)
    return np.asarray(late)
