"""A fit: a deterministic LightGBM model whose shape, rounds and calibration come from cases it had not seen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import lightgbm
import numpy as np
from lightgbm import Booster, Dataset
from numpy.typing import NDArray

from features.errors import TargetError
from features.matrix import Matrix
from training.folds import Fold, enough
from training.recipe import Recipe, Shape

Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class Fit:
    """A model on all cases, its rounds and shape, and what trial models of that shape said of cases they had not seen.

    `unseen`, float64 (n,), holds raw log-odds, or counts; NaN for cases in no fold. `loss` is its mean loss.
    """

    model: Booster
    rounds: int
    shape: Shape
    loss: float
    unseen: Floats

    @property
    def text(self) -> str:
        """The model in LightGBM's own text."""
        return str(self.model.model_to_string(num_iteration=-1))


def fit_any(matrix: Matrix, label: Floats, folds: Sequence[Fold], recipe: Recipe) -> Fit:
    """Return a model of the log-odds of `label` (0 or 1); TargetError when either class has too few cases."""
    if not enough(label, recipe.least_positives):
        positives = int(label.sum())
        raise TargetError(f"learning needs {recipe.least_positives} labelled cases with and without a violation; got "
                          f"{positives} with and {len(label) - positives} without: add history or change the split")
    return _fit(_Sample(matrix, label, np.ones(len(label), np.bool_)), "binary", folds, recipe)


def fit_count(matrix: Matrix, count: Floats, folds: Sequence[Fold], recipe: Recipe) -> Fit | None:
    """Return a model of the number found given any, from the cases with a positive count; None when they are too few."""
    counted = count > 0
    usable = [fold for fold in folds if (fold.seen & counted).sum() >= recipe.least_counted // 2 and (fold.held & counted).any()]
    if counted.sum() < recipe.least_counted or not usable:
        return None
    return _fit(_Sample(matrix, count, counted), "poisson", usable, recipe)


def scaled(fit: Fit, factor: float) -> Fit:
    """Return the count model with every output times `factor`, by adding its logarithm to the first tree's leaves."""
    shift = float(np.log(factor))
    leaves = fit.model.dump_model(num_iteration=1)["tree_info"][0]["num_leaves"]
    for leaf in range(leaves):
        fit.model.set_leaf_output(0, leaf, fit.model.get_leaf_output(0, leaf) + shift)
    return replace(fit, unseen=fit.unseen * factor)


@dataclass(frozen=True, slots=True, eq=False)
class _Sample:
    """Cases with a label, of which only the `used` ones teach."""

    matrix: Matrix
    label: Floats
    used: Mask


@dataclass(frozen=True, slots=True, eq=False)
class _Trial:
    """One shape, tried: a model per fold, and the number of rounds with the least mean loss on what they had not seen."""

    whole: Dataset
    parameters: dict[str, Any]
    models: list[Booster]
    rounds: int
    loss: float


def _fit(sample: _Sample, objective: str, folds: Sequence[Fold], recipe: Recipe) -> Fit:
    """Return the model of the shape that did best on cases it had not seen, trained on all that may teach."""
    cases = int(sample.used.sum())
    trials = [_trial(sample, folds, recipe.lightgbm(shape, objective, cases), recipe) for shape in recipe.shape]
    best = min(range(len(trials)), key=lambda place: trials[place].loss)
    trial = trials[best]
    model = lightgbm.train(trial.parameters, _part(trial.whole, sample.used), trial.rounds)
    return Fit(model, trial.rounds, recipe.shape[best], trial.loss, _unseen(sample, folds, trial))


def _trial(sample: _Sample, folds: Sequence[Fold], parameters: dict[str, Any], recipe: Recipe) -> _Trial:
    whole = _dataset(sample, parameters)
    tried = [_tried(whole, Fold(fold.seen & sample.used, fold.held & sample.used), parameters, recipe) for fold in folds]
    shortest = min(len(curve) for _, curve in tried)
    total = np.sum([curve[:shortest] for _, curve in tried], axis=0)
    rounds = int(np.argmin(total)) + 1
    asked = sum(int((fold.held & sample.used).sum()) for fold in folds)
    return _Trial(whole, parameters, [model for model, _ in tried], rounds, float(total[rounds - 1]) / asked)


def _tried(whole: Dataset, fold: Fold, parameters: dict[str, Any], recipe: Recipe) -> tuple[Booster, Floats]:
    """Return a model of the seen cases, and its loss on the held ones, summed, after each round."""
    losses: dict[str, dict[str, list[float]]] = {}
    model = lightgbm.train(
        parameters, _part(whole, fold.seen), recipe.most_rounds, valid_sets=[_part(whole, fold.held)], valid_names=["held"],
        callbacks=[lightgbm.early_stopping(recipe.patience, verbose=False), lightgbm.record_evaluation(losses)],
    )
    (curve,) = losses["held"].values()
    return model, np.array(curve) * int(fold.held.sum())


def _unseen(sample: _Sample, folds: Sequence[Fold], trial: _Trial) -> Floats:
    unseen = np.full(len(sample.label), np.nan)
    raw = trial.parameters["objective"] == "binary"
    for fold, model in zip(folds, trial.models, strict=True):
        values = sample.matrix.values[fold.held]
        unseen[fold.held] = model.predict(values, raw_score=raw, num_iteration=trial.rounds, num_threads=1)
    return unseen


def _dataset(sample: _Sample, parameters: dict[str, Any]) -> Dataset:
    matrix = sample.matrix
    categories = [name for name in matrix.names if name in matrix.categories]
    return Dataset(matrix.values, sample.label, feature_name=list(matrix.names), categorical_feature=categories,
                   params=parameters, free_raw_data=False).construct()


def _part(whole: Dataset, chosen: Mask) -> Dataset:
    return whole.subset(np.flatnonzero(chosen).tolist())
