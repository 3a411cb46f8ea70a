"""A score: the raw margin of a case, its calibrated probability, and the number expected."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from features.matrix import Matrix
from models.bundle.booster import Floats, margins, predicted_means
from models.bundle.bundle import Bundle


@dataclass(frozen=True, slots=True, eq=False)
class Scores:
    """Per case, float64 (n,): `raw` log-odds, `probability`, the number `expected`, and the ends of its interval.

    A bundle without `number` in its manifest expects probability x number if any, and has no interval.
    """

    raw: Floats
    probability: Floats
    expected: Floats | None
    lowest: Floats | None = None
    highest: Floats | None = None

    def __len__(self) -> int:
        return len(self.raw)


def score(bundle: Bundle, matrix: Matrix, *, threads: int = 1) -> Scores:
    """Return the scores of a matrix; the bytes are the same whatever the batch and the threads.

    `expected` is None when the bundle has no count model. Raises BundleError for a matrix of other features.
    """
    inputs = bundle.matrix(matrix)
    raw = margins(bundle.any_model, inputs, threads)
    probability = bundle.calibration(raw)
    if bundle.count_model is None:
        return Scores(raw, probability, None)
    told = predicted_means(bundle.count_model, inputs, threads)
    number = bundle.manifest.number
    if number is None:
        return Scores(raw, probability, probability * np.maximum(told, 0.0))
    names = bundle.manifest.names
    expected = number.expected(names, inputs, told)
    lowest, highest = number.interval(names, inputs, expected)
    return Scores(raw, probability, expected, lowest, highest)
