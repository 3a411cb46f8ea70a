"""How well scores separate positives from negatives: AUC and average precision, with bootstrap intervals."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

LEAST_KNOWN = 100
"""Draws in which a measure must be defined for its interval: of fewer, 2.5 % would be less than three."""


@dataclass(frozen=True, slots=True, eq=False)
class Sorted:
    """Labels in ascending order of score; `group` numbers the distinct scores from 0, so that ties share a number."""

    label: NDArray[np.float64]
    group: NDArray[np.int64]
    order: NDArray[np.int64]

    def sums(self, weight: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return the weight of positives and of negatives at each distinct score, ascending."""
        weight = weight[self.order]
        of_positives = weight * self.label
        of_negatives = weight - of_positives
        positives = np.bincount(self.group, of_positives)
        negatives = np.bincount(self.group, of_negatives)
        return np.asarray(positives, np.float64), np.asarray(negatives, np.float64)


def sort_by_score(label: NDArray[np.float64], score: NDArray[np.float64]) -> Sorted:
    """Return labels (0 or 1) sorted once, for any number of weightings."""
    order = np.argsort(score, kind="stable")
    ascending = score[order]
    rises = ascending[1:] > ascending[:-1]
    # the leading 0 is that of the first score; without any score there is none
    group = np.concatenate(([0], np.cumsum(rises)))[: len(order)]
    return Sorted(label[order].astype(np.float64), group.astype(np.int64), order)


def auc(ranked: Sorted, weight: NDArray[np.float64] | None = None) -> float | None:
    """Return the chance that a positive outranks a negative, a tie counting half; None where one class is missing."""
    return _area(*ranked.sums(_ones_or(ranked, weight)))


def average_precision(ranked: Sorted, weight: NDArray[np.float64] | None = None) -> float | None:
    """Return the mean of precision over the positives, each at its own threshold; None without a positive."""
    return _precision(*ranked.sums(_ones_or(ranked, weight)))


def auc_and_precision(
    ranked: Sorted, weight: NDArray[np.float64]
) -> tuple[float | None, float | None]:
    """Return AUC and average precision under one weighting."""
    positive, negative = ranked.sums(weight)
    return _area(positive, negative), _precision(positive, negative)


def _ones_or(ranked: Sorted, weight: NDArray[np.float64] | None) -> NDArray[np.float64]:
    return np.ones(len(ranked.order)) if weight is None else weight


def _area(positive: NDArray[np.float64], negative: NDArray[np.float64]) -> float | None:
    pairs = positive.sum() * negative.sum()
    if pairs == 0:
        return None
    below = np.cumsum(negative) - negative
    outranked = positive * (below + negative / 2)
    return float(outranked.sum() / pairs)


def _precision(positive: NDArray[np.float64], negative: NDArray[np.float64]) -> float | None:
    # from the highest score down
    positive = positive[::-1]
    negative = negative[::-1]
    if positive.sum() == 0:
        return None
    hits = np.cumsum(positive)
    listed = hits + np.cumsum(negative)
    nothing = np.zeros_like(hits)
    precision = np.divide(hits, listed, out=nothing, where=listed > 0)
    return float((positive * precision).sum() / positive.sum())


def intervals(
    ranked: Sorted, keys: NDArray[np.str_], *, seed: int, draws: int = 400
) -> dict[str, list[float] | None]:
    """Return 95 % bootstrap intervals of both measures; whole `keys` are drawn, since cases of one key are alike.

    They are None of a single key, of which every draw is the same: that would look like certainty.
    """
    distinct, member = np.unique(keys, return_inverse=True)
    number = len(distinct)
    if number < 2:
        return {"auc": None, "average_precision": None}
    chance = np.full(number, 1.0 / number)
    generator = np.random.default_rng(seed)
    areas = []
    precisions = []
    for _ in range(draws):
        times = generator.multinomial(number, chance)
        weight = times[member].astype(np.float64)
        area, precision = auc_and_precision(ranked, weight)
        areas.append(area)
        precisions.append(precision)
    return {"auc": _middle(areas), "average_precision": _middle(precisions)}


def _middle(values: list[float | None]) -> list[float] | None:
    """Return the middle 95 % of the values that are known; None where they are too few to tell."""
    defined = [value for value in values if value is not None]
    if len(defined) < LEAST_KNOWN:
        return None
    low, high = np.percentile(defined, [2.5, 97.5])
    return [float(low), float(high)]
