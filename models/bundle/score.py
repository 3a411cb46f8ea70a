"""A score: the raw margin of a case, its calibrated probability, and the number expected."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from features.matrix import Matrix
from models.bundle.booster import Floats, margins, predicted_means
from models.bundle.bundle import Bundle
from models.bundle.interval import Interval


@dataclass(frozen=True, slots=True, eq=False)
class Scores:
    """Per case, float64 (n,): `raw` log-odds, `probability`, the number `expected`, and the ends of its interval.

    `coverage` is the share of cases whose number should lie in its interval. A bundle without `number` in its manifest
    expects probability x number if any, and has no interval.
    """

    raw: Floats
    probability: Floats
    expected: Floats | None
    lower: Floats | None = None
    upper: Floats | None = None
    coverage: float | None = None

    def __len__(self) -> int:
        return len(self.raw)

    def expected_of(self, row: int) -> float | None:
        """Return the number expected of one case, None without a count model."""
        return None if self.expected is None else float(self.expected[row])

    def interval_of(self, row: int) -> Interval | None:
        """Return the interval of one case's number, None where the bundle has none."""
        if self.lower is None or self.upper is None or self.coverage is None:
            return None
        return Interval(float(self.lower[row]), float(self.upper[row]), self.coverage)


def score(bundle: Bundle, matrix: Matrix, *, threads: int = 1) -> Scores:
    """Return the scores of a matrix; the bytes are the same whatever the batch and the threads.

    `expected` is None when the bundle has no count model. Raises BundleError for a matrix of other features.
    """
    inputs = bundle.matrix(matrix)
    raw = margins(bundle.any_model, inputs, threads)
    if bundle.count_model is None:
        return scores_of_models(bundle, inputs, raw, None)
    means = predicted_means(bundle.count_model, inputs, threads)
    return scores_of_models(bundle, inputs, raw, means)


def scores_of_models(bundle: Bundle, inputs: Floats, raw: Floats, told: Floats | None) -> Scores:
    """Return the scores of encoded inputs, float64 (n, F), of which the models say `raw` margins and the means `told`."""
    probability = bundle.calibration(raw)
    if told is None:
        return Scores(raw, probability, None)
    number = bundle.manifest.number
    if number is None:
        return Scores(raw, probability, probability * np.maximum(told, 0.0))
    names = bundle.manifest.names
    expected = number.expected(names, inputs, told)
    lower, upper = number.interval(names, inputs, expected)
    return Scores(raw, probability, expected, lower, upper, number.coverage)
