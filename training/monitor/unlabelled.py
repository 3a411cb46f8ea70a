"""Performance without labels yet: what a list of today is expected to find, by the probabilities and by weighted outcomes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from features.matrix import Matrix, stacked
from models.bundle.score import Scores
from training.data.cases import TargetCases
from training.data.folds import enough
from training.data.recipe import Recipe
from training.evaluation.capacity import list_length
from training.evaluation.estimate import LEAST_DRAWN, NotEstimable, Told, exact_share
from training.models.propensity import share_of, trimmed
from training.models.selection import effective_number

Floats = NDArray[np.float64]
BY_PROBABILITY = {
    "zh": "假定校准仍然成立：同样的分数，今天与校准时一样常查出问题",
    "en": "assumes that the calibration still holds: units of a score violate as often as they did",
}
BY_WEIGHT = {
    "zh": "假定只有单位的构成变了：特征相同的单位，问题一样多；并且已有结果的单位各种都有",
    "en": "assumes that only the mix of units has changed: units of the same features violate as often as those with "
    "an outcome, among whom there are some of every kind",
}


@dataclass(frozen=True, slots=True, eq=False)
class Scored:
    """Cases with the inputs that the model reads, and what it said of them."""

    inputs: Matrix
    scores: Scores

    def __len__(self) -> int:
        return len(self.scores)


def expected_at_capacity(units: Matrix, scores: Scores, capacity: float) -> dict[str, Any]:
    """Return the precision that the probabilities let expect of the list that a capacity allows."""
    length = list_length(capacity, len(units))
    top = np.lexsort((units.keys, -scores.raw))[:length]
    expected = scores.expected
    return {
        "capacity": capacity,
        "listed": length,
        "precision": float(scores.probability[top].mean()),
        "number": None if expected is None else float(expected[top].sum()),
        "least_raw": float(scores.raw[top[-1]]),
        "assumes": BY_PROBABILITY,
    }


def weighted_precision(
    cases: TargetCases, judged: Scored, today: Scored, least_raw: float, recipe: Recipe
) -> dict[str, Any]:
    """Return the precision above a raw score by outcomes of earlier cases, weighted to be like today's units.

    A case weighs as much as units like it are more frequent today than among the cases with an outcome, told by a model
    that has not seen it (Sugiyama et al. 2007, Journal of Machine Learning Research 8, 985-1005).
    """
    is_today = np.arange(len(today) + len(judged)) < len(today)
    if not enough((~is_today).astype(np.float64), recipe.least_positives):
        reason = NotEstimable(f"{len(judged)} cases with an outcome are too few to weigh")
        return {"precision": reason.plain(), "overlap": None, "assumes": BY_WEIGHT}
    odds = _odds(stacked([today.inputs, judged.inputs]), ~is_today, recipe)
    weight = 1 / trimmed(odds[~is_today], np.ones(len(judged), np.bool_), recipe.heaviest)
    is_listed = judged.scores.raw >= least_raw
    precision = weighted_share_of(cases.label[is_listed], weight[is_listed])
    return {
        "precision": precision.plain(),
        "overlap": _overlap(weight, odds[is_today], recipe),
        "assumes": BY_WEIGHT,
    }


def _overlap(weight: Floats, of_today: Floats, recipe: Recipe) -> dict[str, float]:
    """Return how far cases with an outcome speak for today's units: as many as `effective` of equal weight, and whom they miss.

    `seldom` is the share of today's units of whose kind there are so few that the recipe trims their weight.
    """
    is_seldom = of_today * recipe.heaviest < of_today.mean()
    return {
        "labelled": len(weight),
        "effective": effective_number(weight),
        "seldom": float(is_seldom.mean()),
    }


def _odds(matrix: Matrix, is_labelled: NDArray[np.bool_], recipe: Recipe) -> Floats:
    """Return how many times as often a unit like each is among the cases with an outcome as among today's."""
    share = share_of(matrix, is_labelled, recipe)
    return np.asarray(share / (1 - share))


def weighted_share_of(label: Floats, weight: Floats) -> Told:
    """Return a weighted share of positives, its interval exact for the effective number of cases."""
    effective = effective_number(weight) if len(weight) else 0.0
    if effective < LEAST_DRAWN:
        return NotEstimable(
            f"cases above the list's last score tell as much as {effective:.0f} of equal weight, "
            f"at least {LEAST_DRAWN} needed"
        )
    return exact_share(float(np.average(label, weights=weight)), effective)
