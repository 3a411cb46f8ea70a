"""An explanation: each feature's exact share (SHAP value) of a raw score."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from features.errors import BundleError
from features.matrix import Matrix
from models.bundle.booster import Floats, margins
from models.bundle.bundle import Bundle
from models.explain.shap_kernel import contributions

TOLERANCE = 1e-9
"""By how much contributions may miss the raw score: far above their rounding (about 2e-14), far below what anyone sees."""
EXPLAINER = "quadrature SHAP 1"


@dataclass(frozen=True, slots=True, eq=False)
class Explanation:
    """`base` is the mean raw score in training; `contributions`, float64 (n, F), add to it in log-odds."""

    base: float
    contributions: Floats
    names: tuple[str, ...]


def explain(bundle: Bundle, matrix: Matrix, *, threads: int = 1) -> Explanation:
    """Return exact contributions to the raw score, checked to sum to it within TOLERANCE; bytes as stable as scores."""
    inputs = bundle.matrix(matrix)
    shares = contributions(bundle.forest, inputs, threads)
    gaps = np.abs(
        bundle.forest.base + shares.sum(axis=1) - margins(bundle.any_model, inputs, threads)
    )
    if not (gaps <= TOLERANCE).all():
        raise BundleError(
            f"contributions miss the raw score by {gaps.max():.2g}: this model cannot be explained"
        )
    return Explanation(bundle.forest.base, shares, bundle.manifest.names)
