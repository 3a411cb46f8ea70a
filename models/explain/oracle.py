"""The oracle: the shap library, only to check our contributions against and to draw a notebook's plots."""

from __future__ import annotations

import warnings

import numpy as np
from numpy.typing import NDArray

from features.matrix import Matrix
from models.bundle.bundle import Bundle
from models.explain.explain import Explanation

with (
    warnings.catch_warnings()
):  # its plots set up matplotlib colours in a way that matplotlib will change
    warnings.simplefilter("ignore", PendingDeprecationWarning)
    import shap


def oracle_contributions(bundle: Bundle, matrix: Matrix) -> NDArray[np.float64]:
    """Return shap.TreeExplainer's contributions to the raw score, float64 (n, F)."""
    explainer = shap.TreeExplainer(bundle.any_model)
    with (
        warnings.catch_warnings()
    ):  # it announces on every call that binary models no longer give a list
        warnings.simplefilter("ignore", UserWarning)
        values = explainer.shap_values(bundle.matrix(matrix))
    return np.asarray(values, dtype=np.float64)


def drawable(bundle: Bundle, matrix: Matrix, explanation: Explanation) -> shap.Explanation:
    """Return an explanation as the object that shap's plots take."""
    base = np.full(len(matrix), explanation.base)
    names = list(explanation.names)
    return shap.Explanation(
        explanation.contributions, base, bundle.matrix(matrix), feature_names=names
    )
