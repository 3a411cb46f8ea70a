"""Learning: from labelled cases to a model of any violation, its calibration, and a model of the number found."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from features.matrix import Matrix
from models.bundle.booster import margins
from models.bundle.calibration import Calibration
from training.data.cases import TargetCases
from training.data.dataset import Dataset
from training.data.folds import folds_by_key, folds_of
from training.data.recipe import Recipe
from training.models.calibrate import Calibrated, calibrated
from training.models.count import CountFit, fit_number
from training.models.fit import Fit, Lesson, fit_any, unseen_scores
from training.models.population_curves import CalibratedOn, to_population
from training.models.selection import selection_of

Floats = NDArray[np.float64]
SIGNS = {"up": 1, "down": -1}


@dataclass(frozen=True, slots=True, eq=False)
class Learned:
    """A model of log-odds, the calibration of its scores, and a model of the number found, or None.

    `calibrated` is the calibration to the labelled cases; `calibration` that to all that a list is drawn from, as `population`
    says. It turns a raw score into the probability that is shown.
    """

    any: Fit
    calibrated: Calibrated
    calibration: Calibration
    population: CalibratedOn
    count: CountFit | None

    def raw(self, matrix: Matrix) -> Floats:
        """Return the raw scores of a matrix with the training columns, float64 (n,)."""
        return margins(self.any.model, matrix.values)

    def expected(self, matrix: Matrix) -> Floats | None:
        """Return the expected number of a matrix with the training columns, float64 (n,); None without a count model."""
        return None if self.count is None else self.count.expected(matrix)


def lesson_of(whole: Dataset, recipe: Recipe) -> Lesson:
    """Return what the training cases teach from: features, folds forward in time, directions, and who was looked at.

    Where the target is judged by groups the folds part units, for there is no time to go forward in.
    """
    taught = whole.taught()
    matrix = whole.matrix.take(taught)
    cases = whole.cases.take(taught)
    if whole.target.judged is None:
        folds = folds_of(matrix.keys, cases, recipe, whole.gap)
    else:
        folds = folds_by_key(whole.units[taught], recipe)
    selection = selection_of(matrix, cases, whole.bystanders, recipe)
    return Lesson(matrix, folds, _directions(whole, recipe), selection)


def _directions(whole: Dataset, recipe: Recipe) -> dict[str, int]:
    """Return the sign by which each number may move the risk; none where the recipe knows no directions."""
    if not recipe.directions:
        return {}
    signs = {}
    for feature in whole.catalogue.features(whole.matrix.entity):
        if feature.name not in whole.matrix.categories:
            signs[feature.name] = SIGNS.get(feature.direction, 0)
    return signs


def learn(lesson: Lesson, cases: TargetCases, recipe: Recipe, *, unit: str = "") -> Learned:
    """Return what the labelled cases teach; calibration rests on later cases, scored by models of earlier ones.

    `unit` is that of what the cases count: persons, fen, or "" where nothing says.

    Raises TargetError when too few cases have a label of either kind.
    """
    fit = fit_any(lesson, cases.label, recipe)
    unseen = unseen_scores(fit, lesson, cases.label)
    of_visits = calibrated(unseen.raw, unseen.label, unseen.fold)
    calibration, population = to_population(
        of_visits, unseen, lesson.selection, recipe.least_anchor
    )
    count = fit_number(lesson.matrix, cases.count, recipe, fit.shape, unit=unit)
    return Learned(fit, of_visits, calibration, population, count)
