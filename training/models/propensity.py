"""The propensity: how likely each case was to be looked at at all, estimated from what was known on its as-of day."""

from __future__ import annotations

import lightgbm
import numpy as np
from lightgbm import Booster
from numpy.typing import NDArray

from features.matrix import Matrix
from training.data.folds import enough, parts_by_key
from training.data.recipe import Recipe, Shape
from training.models.trials import dataset_of

Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]
PARTS = 3
"""Parts by key, each told by a model of the others; a choice."""
MOST_UNSEEN = 10_000
"""Cases without a look that teach at most: more would only take time, since looks are the rarer class."""
TREES = 60
"""Trees of 7 leaves: on a city's visits they tell better than scikit-learn's logistic regression over ranks (log-loss .518
against .540) in half its time; its boosted trees tell as well (.520) in twice the time."""
NEAREST = 1e-6
"""How near to 0 or 1 the share of looks among the drawn cases may be told, so that its odds stay finite."""


def propensity(matrix: Matrix, seen: Mask, stands_for: Floats, recipe: Recipe) -> Floats:
    """Return each case's estimated chance to be looked at, float64 (n,): 1 where all were, NaN where too few were or were not.

    A case without a look stands for as many as `stands_for` says. No model tells the cases of a key that it has seen, and
    the order of the rows changes nothing. Reasons to look that no feature knows stay unseen: an estimate, not a proof.
    """
    if seen.all():
        return np.ones(len(seen))
    if not enough(seen.astype(np.float64), recipe.least_positives):
        return np.full(len(seen), np.nan)
    among_drawn = share_of(matrix, seen, recipe)
    odds = among_drawn / (1 - among_drawn) / float(stands_for[~seen].mean())
    return np.asarray(odds / (1 + odds))


def share_of(matrix: Matrix, wanted: Mask, recipe: Recipe) -> Floats:
    """Return for each case the share of wanted ones among cases like it, told by models that have not seen its key."""
    order = np.lexsort((wanted, matrix.as_of, matrix.keys))
    ordered = matrix.take(order)
    label = wanted[order]
    part = parts_by_key(ordered.keys, PARTS, recipe.seed)
    teaches = _few_unwanted(label, recipe.seed)
    share = np.full(len(matrix), label[teaches].mean())
    for each in np.unique(part):
        taught = teaches & (part != each)
        if len(np.unique(label[taught])) == 2:
            model = _model(ordered.take(taught), label[taught], recipe)
            tested = ordered.values[part == each]
            share[part == each] = model.predict(tested, num_threads=1)
    every_unwanted = int((~label).sum())
    thinning = float((teaches & ~label).sum()) / every_unwanted
    drawn = np.clip(share, NEAREST, 1 - NEAREST)
    wanted_odds = drawn / (1 - drawn) * thinning
    of_rows = np.empty(len(matrix))
    of_rows[order] = wanted_odds / (1 + wanted_odds)
    return of_rows


def trimmed(chance: Floats, looked_at: Mask, heaviest: float) -> Floats:
    """Return chances of which none is so small that a case looked at weighs more than `heaviest` times their mean.

    A case weighs 1 / chance. Whoever is hardly ever looked at would else speak for many by chance alone.

    >>> trimmed(np.array([0.5, 0.5, 0.5, 0.001]), np.ones(4, np.bool_), 2.0).round(3).tolist()
    [0.5, 0.5, 0.5, 0.002]
    """
    weight = 1.0 / chance[looked_at]
    least = 1.0 / (heaviest * float(weight.mean()))
    return np.maximum(chance, least)


def _few_unwanted(label: Mask, seed: int) -> Mask:
    """Return which cases teach: the wanted ones, and of the others MOST_UNSEEN by lot."""
    unwanted = np.flatnonzero(~label)
    if len(unwanted) <= MOST_UNSEEN:
        return np.ones(len(label), np.bool_)
    teaches = label.copy()
    teaches[np.random.default_rng(seed).choice(unwanted, MOST_UNSEEN, replace=False)] = True
    return teaches


def _model(matrix: Matrix, label: Mask, recipe: Recipe) -> Booster:
    """Return a model of a label by few small trees, fast and coarse."""
    coarse = {"learning_rate": 0.1, "feature_fraction": 0.3}
    parameters = {**recipe.lightgbm(Shape(leaves=7), "binary"), **coarse}
    whole = dataset_of(matrix, label.astype(np.float64), parameters)
    return lightgbm.train(parameters, whole, TREES)
