"""The oracle: the shap library, only to check our contributions against and to draw a notebook's plots."""

from __future__ import annotations

import numpy as np
import shap
from numpy.typing import NDArray

from features.matrix import Matrix
from models.bundle import Bundle
from models.explain import Explanation


def oracle_contributions(bundle: Bundle, matrix: Matrix) -> NDArray[np.float64]:
    """Return shap.TreeExplainer's contributions to the raw score, float64 (n, F)."""
    explainer = shap.TreeExplainer(bundle.any_model)
    values: NDArray[np.float64] = np.asarray(explainer.shap_values(bundle.matrix(matrix)), dtype=np.float64)
    return values


def drawable(bundle: Bundle, matrix: Matrix, explanation: Explanation) -> shap.Explanation:
    """Return an explanation as the object that shap's plots take."""
    base = np.full(len(matrix), explanation.base)
    names = list(explanation.names)
    return shap.Explanation(explanation.contributions, base, bundle.matrix(matrix), feature_names=names)
