"""Trials: a model of each fold's seen cases, and how many rounds were best for the cases that they had not seen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import lightgbm
import numpy as np
from lightgbm import Booster, Dataset
from numpy.typing import NDArray

from features.matrix import Matrix
from training.data.folds import Fold

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Trials:
    """A model for each fold, the number of rounds with the least mean loss on unseen cases, and that loss."""

    folds: Sequence[Fold]
    models: Sequence[Booster]
    rounds: int
    loss: float

    def unseen(self, matrix: Matrix, rounds: int, *, raw: bool) -> Floats:
        """Return what the models say of the cases that each had not seen, NaN for cases in no fold, float64 (n,).

        They have as many rounds as asked for, or all that they were given; `raw` is their sum before any link.
        """
        unseen = np.full(len(matrix), np.nan)
        for fold, model in zip(self.folds, self.models, strict=True):
            values = matrix.values[fold.held]
            unseen[fold.held] = model.predict(
                values, raw_score=raw, num_iteration=rounds, num_threads=1
            )
        return unseen


def trials_of(
    whole: Dataset, folds: Sequence[Fold], parameters: dict[str, Any], *, most: int, patience: int
) -> Trials:
    """Return a trial of each fold, of `most` rounds at most, ended after `patience` rounds without gain."""
    models = []
    curves = []
    for fold in folds:
        losses: dict[str, dict[str, list[float]]] = {}
        model = lightgbm.train(
            parameters,
            _part(whole, fold.seen),
            most,
            valid_sets=[_part(whole, fold.held)],
            valid_names=["held"],
            callbacks=[
                lightgbm.early_stopping(patience, verbose=False),
                lightgbm.record_evaluation(losses),
            ],
        )
        (curve,) = losses["held"].values()
        models.append(model)
        curves.append(np.array(curve) * int(fold.held.sum()))
    # early stopping ends each curve at another round; only rounds that all of them reached can be summed
    shortest = min(len(curve) for curve in curves)
    total = np.sum([curve[:shortest] for curve in curves], axis=0)
    best = int(np.argmin(total))
    held_cases = sum(int(fold.held.sum()) for fold in folds)
    return Trials(folds, models, best + 1, float(total[best]) / held_cases)


def dataset_of(
    matrix: Matrix, label: Floats, parameters: dict[str, Any], weight: Floats | None = None
) -> Dataset:
    """Return a matrix with a label for each case, (n,), as LightGBM learns from it."""
    return Dataset(
        matrix.values,
        label,
        weight=weight,
        feature_name=list(matrix.names),
        categorical_feature=[name for name in matrix.names if name in matrix.categories],
        params=parameters,
        free_raw_data=False,
    ).construct()


def _part(whole: Dataset, chosen: NDArray[np.bool_]) -> Dataset:
    return whole.subset(np.flatnonzero(chosen).tolist())
