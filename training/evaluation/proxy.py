"""The proxy test: how well features tell something that they may not know, by a small model asked about unseen units."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import lightgbm
import numpy as np
from numpy.typing import NDArray

from features.matrix import Matrix
from models.bundle.booster import margins
from training.data.folds import enough, parts_by_key
from training.evaluation.discrimination import auc, intervals, sort_by_score
from training.models.trials import dataset_of

Floats = NDArray[np.float64]
LEAST = 20
"""Cases with and without a value, below which nothing is said: with fewer, chance alone gives an AUC of .7 now and then."""
STRONG = 0.7
"""The AUC from which on features are said to tell a protected attribute, where its interval lies above .5 too; a choice."""
PARTS = 3
"""Parts of the units, each asked about by a model that learned from the others; a choice."""
NAMED = 3
"""Features that are named, those that the models split by with the most gain; a choice, so that it stays one line."""
ROUNDS = 60
"""Trees of each small model; a choice: a plain proxy is found in far fewer, and each costs its time."""
SMALL = {
    "objective": "binary",
    "num_leaves": 7,
    "learning_rate": 0.1,
    "min_data_in_leaf": 10,
    "feature_fraction": 0.5,
    "lambda_l2": 5.0,
    "deterministic": True,
    "force_row_wise": True,
    "verbosity": -1,
    "num_threads": 1,
}
"""A model that finds a plain proxy in a second; a choice: it is asked whether there is one, not for the best score."""


@dataclass(frozen=True, slots=True)
class Proxy:
    """How well features tell whether cases have a value: AUC on unseen units, its interval, and by which features."""

    cases: int
    share: float
    auc: float
    interval: tuple[float, float] | None
    features: tuple[str, ...]

    @property
    def tells(self) -> bool:
        """Whether the features stand in for the value."""
        return self.auc >= STRONG and self.interval is not None and self.interval[0] > 0.5


def proxy_of(matrix: Matrix, units: NDArray[np.str_], has_value: Floats, seed: int) -> Proxy | None:
    """Return how well a matrix tells which of its cases have a value (1 or 0); None where too few have it, or have it not.

    The cases of one of the `units` are answered by a model that has seen none of them.
    """
    part = parts_by_key(units, PARTS, seed)
    raw = np.full(len(matrix), np.nan)
    gain = np.zeros(len(matrix.names))
    for each in range(PARTS):
        seen, tested = part != each, part == each
        if not tested.any() or not enough(has_value[seen], LEAST):
            return None
        model = _learned(matrix.take(seen), has_value[seen], seed)
        raw[tested] = margins(model, matrix.values[tested])
        gain += model.feature_importance("gain")
    ranked = sort_by_score(has_value, raw)
    area = auc(ranked)
    if area is None or not enough(has_value, LEAST):
        return None
    interval = intervals(ranked, units, seed=seed)["auc"]
    most = [place for place in np.argsort(-gain, kind="stable")[:NAMED].tolist() if gain[place]]
    return Proxy(
        cases=len(matrix),
        share=float(has_value.mean()),
        auc=area,
        interval=None if interval is None else (interval[0], interval[1]),
        features=tuple(matrix.names[place] for place in most),
    )


def _learned(matrix: Matrix, has_value: Floats, seed: int) -> lightgbm.Booster:
    """Return a small model of which cases have a value."""
    parameters = {**SMALL, "seed": seed}
    taught = dataset_of(matrix, has_value, parameters)
    return lightgbm.train(parameters, taught, ROUNDS)


def proxy_as_json(proxy: Proxy | None) -> Mapping[str, object] | None:
    """Return plain values; None where too few cases say anything."""
    if proxy is None:
        return None
    return {
        "cases": proxy.cases,
        "share": proxy.share,
        "auc": proxy.auc,
        "interval": None if proxy.interval is None else list(proxy.interval),
        "tells": proxy.tells,
        "features": list(proxy.features),
    }
