"""The numbers told beside those found: their sums with the chance of the visits, and how many lie in their interval, by size."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from features.matrix import Matrix
from models.bundle.number import Number, staff_class
from training.evaluation.paired import ratio_interval

Floats = NDArray[np.float64]


def number_found(
    matrix: Matrix, count: Floats, expected: Floats, number: Number | None, *, seed: int
) -> dict[str, Any]:
    """Return how the numbers told of cases do, over those whose number is written; float64 (n,) each.

    `interval` holds the ratio of told and found in 95 % of draws of whole units. Few finds of large units decide a sum, so
    a ratio far from 1 is a fault of the model only where 1 lies outside. `inside` is the share of cases in their interval.
    """
    is_written = ~np.isnan(count)
    matrix = matrix.take(is_written)
    count = count[is_written]
    expected = expected[is_written]
    figures: dict[str, Any] = {
        "cases": len(count),
        "told": float(expected.sum()),
        "found": float(count.sum()),
        "mean_absolute_error": float(np.abs(expected - count).mean()),
        "interval": ratio_interval(matrix.keys, expected, count, seed=seed),
    }
    if number is None:
        return {**figures, "inside": None, "by_size": None}
    lower, upper = number.interval(matrix.names, matrix.values, expected)
    is_inside = (lower <= count) & (count <= upper)
    member = staff_class(number.reaches, number.staff_of(matrix.names, matrix.values))
    by_size = []
    for place, reach in enumerate(number.reaches):
        of_size = member == place
        size = {
            "up_to": reach.up_to,
            "cases": int(of_size.sum()),
            "told": float(expected[of_size].sum()),
            "found": float(count[of_size].sum()),
            "inside": float(is_inside[of_size].mean()) if of_size.any() else None,
        }
        by_size.append(size)
    return {**figures, "inside": float(is_inside.mean()), "by_size": by_size}
