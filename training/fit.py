"""A fit: a deterministic LightGBM model whose number of rounds and calibration come from rows it had not seen."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import lightgbm
import numpy as np
from lightgbm import Booster, Dataset
from numpy.typing import NDArray

from features.errors import TargetError
from features.matrix import Matrix
from training.recipe import Recipe, Shape

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Fit:
    """A model on all cases, its rounds and shape, its `loss` and outputs on cases `unseen` in cross-fitting.

    `unseen`, float64 (n,), holds raw log-odds, or counts.
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


@dataclass(frozen=True, slots=True, eq=False)
class _Sample:
    """Cases with a label and a fold each; only the `used` ones teach, all are predicted."""

    matrix: Matrix
    label: Floats
    fold: NDArray[np.int64]
    used: NDArray[np.bool_]


def folds_of(keys: NDArray[np.str_], folds: int, seed: int) -> NDArray[np.int64]:
    """Return each case's fold; the cases of one key share theirs, and the order of the rows does not matter."""
    distinct, member = np.unique(keys, return_inverse=True)
    places = np.random.default_rng(seed).permutation(len(distinct)) % folds
    return np.asarray(places[member], dtype=np.int64)


def fit_any(matrix: Matrix, label: Floats, recipe: Recipe) -> Fit:
    """Return a model of the log-odds of `label` (0 or 1); TargetError when either class has too few cases."""
    positives = int(label.sum())
    fewer = min(positives, len(label) - positives)
    if fewer < recipe.least_positives:
        raise TargetError(f"learning needs {recipe.least_positives} labelled cases with and without a violation; got "
                          f"{positives} with and {len(label) - positives} without: add history or change the split")
    fold = folds_of(matrix.keys, recipe.folds, recipe.seed)
    return _fit(_Sample(matrix, label, fold, np.ones(len(label), np.bool_)), "binary", recipe)


def fit_count(matrix: Matrix, count: Floats, recipe: Recipe) -> Fit | None:
    """Return a model of the number found given any, from the cases with a positive count; None when they are too few."""
    counted = count > 0
    fold = folds_of(matrix.keys, recipe.folds, recipe.seed)
    if counted.sum() < recipe.least_counted or len(np.unique(fold[counted])) < recipe.folds:
        return None
    return _fit(_Sample(matrix, count, fold, counted), "poisson", recipe)


def scaled(fit: Fit, factor: float) -> Fit:
    """Return the count model with every output times `factor`, by adding its logarithm to the first tree's leaves."""
    shift = float(np.log(factor))
    leaves = fit.model.dump_model(num_iteration=1)["tree_info"][0]["num_leaves"]
    for leaf in range(leaves):
        fit.model.set_leaf_output(0, leaf, fit.model.get_leaf_output(0, leaf) + shift)
    return replace(fit, unseen=fit.unseen * factor)


def _fit(sample: _Sample, objective: str, recipe: Recipe) -> Fit:
    """Return the model of the shape that did best on cases it had not seen, trained on all that may teach."""
    cases = int(sample.used.sum())
    tried = [_crossed(sample, recipe.lightgbm(shape, objective, cases), recipe) for shape in recipe.shape]
    best = min(range(len(tried)), key=lambda place: tried[place].loss)
    return _finished(sample, tried[best], recipe.shape[best])


@dataclass(frozen=True, slots=True, eq=False)
class _Crossed:
    """One shape, cross-fitted: a model per fold that never saw it, and the rounds of the least mean loss."""

    whole: Dataset
    parameters: dict[str, Any]
    models: list[Booster]
    rounds: int
    loss: float


def _crossed(sample: _Sample, parameters: dict[str, Any], recipe: Recipe) -> _Crossed:
    whole = _dataset(sample, parameters)
    held_out = [_held_out(whole, sample, fold, parameters, recipe) for fold in range(recipe.folds)]
    shortest = min(len(curve) for _, curve in held_out)
    curve = np.sum([curve[:shortest] for _, curve in held_out], axis=0) / sample.used.sum()
    rounds = int(np.argmin(curve)) + 1
    return _Crossed(whole, parameters, [model for model, _ in held_out], rounds, float(curve[rounds - 1]))


def _finished(sample: _Sample, best: _Crossed, shape: Shape) -> Fit:
    unseen = np.empty(len(sample.label))
    raw = best.parameters["objective"] == "binary"
    for fold, model in enumerate(best.models):
        out = sample.fold == fold
        if out.any():
            values = sample.matrix.values[out]
            unseen[out] = model.predict(values, raw_score=raw, num_iteration=best.rounds, num_threads=1)
    model = lightgbm.train(best.parameters, _part(best.whole, sample.used), best.rounds)
    return Fit(model, best.rounds, shape, best.loss, unseen)


def _dataset(sample: _Sample, parameters: dict[str, Any]) -> Dataset:
    matrix = sample.matrix
    categories = [name for name in matrix.names if name in matrix.categories]
    return Dataset(matrix.values, sample.label, feature_name=list(matrix.names), categorical_feature=categories,
                   params=parameters, free_raw_data=False).construct()


def _part(whole: Dataset, chosen: NDArray[np.bool_]) -> Dataset:
    return whole.subset(np.flatnonzero(chosen).tolist())


def _held_out(
    whole: Dataset, sample: _Sample, fold: int, parameters: dict[str, Any], recipe: Recipe
) -> tuple[Booster, Floats]:
    """Return a model that never saw one fold, and its loss there, summed over the fold, after each round."""
    seen, held = sample.used & (sample.fold != fold), sample.used & (sample.fold == fold)
    losses: dict[str, dict[str, list[float]]] = {}
    model = lightgbm.train(
        parameters, _part(whole, seen), recipe.most_rounds, valid_sets=[_part(whole, held)], valid_names=["held"],
        callbacks=[lightgbm.early_stopping(recipe.patience, verbose=False), lightgbm.record_evaluation(losses)],
    )
    (curve,) = losses["held"].values()
    return model, np.array(curve) * int(held.sum())
