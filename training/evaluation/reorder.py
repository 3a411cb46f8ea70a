"""What reordering would have gained: the same visits on the same days, the highest score first."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def reordered_days(
    day: NDArray[np.int32], score: NDArray[np.float64], ids: NDArray[np.str_]
) -> NDArray[np.int32]:
    """Return each visit's new day when the days' slots are refilled by falling score, ties by id.

    Every day keeps the number of visits it had. Each score is the one its visit had on its own day.

    >>> reordered_days(np.array([1, 2, 2]), np.array([0.1, 0.9, 0.5]), np.array(["a", "b", "c"])).tolist()
    [2, 1, 2]
    """
    by_score = np.lexsort((ids, -score))
    renewed = np.empty_like(day)
    renewed[by_score] = np.sort(day)
    return renewed


def days_earlier(
    day: NDArray[np.int32],
    score: NDArray[np.float64],
    ids: NDArray[np.str_],
    label: NDArray[np.float64],
) -> float | None:
    """Return the mean over positive visits of actual minus new day, in days; None without a positive."""
    positive = label == 1
    if not positive.any():
        return None
    gained = day - reordered_days(day, score, ids)
    return float(gained[positive].mean())


def first_half_gain(
    score: NDArray[np.float64], ids: NDArray[np.str_], label: NDArray[np.float64]
) -> float | None:
    """Return the share of all positives that the first half of the reordered visits finds; None without a positive."""
    if not (label == 1).any():
        return None
    by_score = np.lexsort((ids, -score))
    half = len(score) // 2
    first_half = by_score[:half]
    return float(label[first_half].sum() / label.sum())
