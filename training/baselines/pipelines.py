"""Logistic regression and LightGBM with defaults, as a user would set them up with scikit-learn."""

from __future__ import annotations

from typing import Any, Self

import lightgbm
import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.compose import ColumnTransformer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from features.matrix import Matrix

Floats = NDArray[np.float64]
ROUNDS = 100
"""Trees of LightGBM's own estimators by default."""
LEAST_OF_CATEGORY = 20
"""Cases of a category value with a column of its own: fewer teach nothing; a choice."""
MOST_STEPS = 1_000
"""Steps of the regression at most: ten times the default, since amounts with long tails need more to settle."""


class DefaultTrees(ClassifierMixin, BaseEstimator):
    """LightGBM with the defaults of its own classifier, which is not there in a process that loads it without scikit-learn."""

    def __init__(self, categories: tuple[int, ...] = (), seed: int = 0) -> None:
        self.categories = categories
        self.seed = seed

    def fit(self, X: Floats, y: Floats) -> Self:
        """Learn labels (0 or 1, both there) of rows."""
        self.classes_ = np.unique(y)
        parameters = {
            "objective": "binary",
            "seed": self.seed,
            "deterministic": True,
            "force_col_wise": True,
            "num_threads": 1,
            "verbosity": -1,
        }
        whole = lightgbm.Dataset(X, y, categorical_feature=list(self.categories), params=parameters)
        self.booster_ = lightgbm.train(parameters, whole, ROUNDS)
        return self

    def decision_function(self, X: Floats) -> Floats:
        """Return the log-odds of each row."""
        return np.asarray(self.booster_.predict(X, raw_score=True, num_threads=1))

    def predict(self, X: Floats) -> NDArray[Any]:
        """Return the likelier class of each row."""
        likelier = (self.decision_function(X) > 0).astype(np.int64)
        return np.asarray(self.classes_[likelier])


def lightgbm_pipeline(matrix: Matrix, seed: int) -> Pipeline:
    """Return LightGBM with defaults for the columns of a matrix."""
    return make_pipeline(DefaultTrees(tuple(_categories(matrix)), seed))


def logistic_pipeline(matrix: Matrix) -> Pipeline:
    """Return a logistic regression for the columns of a matrix.

    Numbers are filled with their median, and that they were missing is a column of its own.
    """
    categories = _categories(matrix)
    numbers = [place for place in range(len(matrix.names)) if place not in categories]
    filled = SimpleImputer(strategy="median", add_indicator=True, keep_empty_features=True)
    one_column_a_value = OneHotEncoder(
        handle_unknown="infrequent_if_exist", min_frequency=LEAST_OF_CATEGORY, sparse_output=False
    )
    columns = ColumnTransformer(
        [
            ("numbers", make_pipeline(filled, StandardScaler()), numbers),
            ("categories", one_column_a_value, categories),
        ]
    )
    return make_pipeline(columns, LogisticRegression(max_iter=MOST_STEPS))


def _categories(matrix: Matrix) -> list[int]:
    """Return the places of the columns that are categories."""
    return [place for place, name in enumerate(matrix.names) if name in matrix.categories]
