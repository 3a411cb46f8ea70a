"""A score: the raw margin of a case, its calibrated probability, and the number expected."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from features.matrix import Matrix
from models.bundle.booster import Floats, margins, predicted_means
from models.bundle.bundle import Bundle


@dataclass(frozen=True, slots=True, eq=False)
class Scores:
    """Per case, float64 (n,): `raw` log-odds, `probability`, and `expected` = probability x number if any."""

    raw: Floats
    probability: Floats
    expected: Floats | None

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
    count = predicted_means(bundle.count_model, inputs, threads)
    return Scores(raw, probability, probability * np.maximum(count, 0.0))
