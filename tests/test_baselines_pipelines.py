"""Laws of the pipelines: they are what a user of scikit-learn would set up."""

from __future__ import annotations

import numpy as np
from lightgbm import LGBMClassifier
from sklearn.base import clone
from sklearn.pipeline import Pipeline

from features.matrix import Matrix
from tests.test_baselines_scorecard import drawn
from training.baselines.pipelines import lightgbm_pipeline, logistic_pipeline
from training.evaluation.discrimination import auc, sort_by_score


def test_the_trees_with_defaults_are_those_of_lightgbms_own_classifier() -> None:
    matrix, label = drawn()
    ours = lightgbm_pipeline(matrix, seed=3).fit(matrix.values, label)
    theirs = LGBMClassifier(random_state=3, n_jobs=1, verbosity=-1, force_col_wise=True)
    theirs.fit(matrix.values, label, categorical_feature=[2])
    told = theirs.predict(matrix.values, raw_score=True)
    assert np.array_equal(ours.decision_function(matrix.values), told)


def test_the_regression_takes_gaps_categories_and_columns_without_a_value() -> None:
    matrix, label = drawn()
    values = matrix.values.copy()
    values[:, 3] = np.nan
    pipeline = logistic_pipeline(matrix).fit(values, label)
    score = pipeline.decision_function(values)
    assert np.isfinite(score).all() and auc(sort_by_score(label, score)) > 0.75
    unseen = values.copy()
    unseen[:, 2] = 9
    assert np.isfinite(pipeline.decision_function(unseen)).all()


def test_both_are_pipelines_that_scikit_learn_can_clone() -> None:
    matrix, _ = drawn()
    for pipeline in (lightgbm_pipeline(matrix, 1), logistic_pipeline(matrix)):
        assert isinstance(clone(pipeline), Pipeline)


def test_a_matrix_of_categories_or_of_numbers_alone_is_learned_too() -> None:
    matrix, label = drawn()
    for names in (["sector"], ["size", "age"]):
        some: Matrix = matrix.columns(names)
        for pipeline in (lightgbm_pipeline(some, 1), logistic_pipeline(some)):
            score = pipeline.fit(some.values, label).decision_function(some.values)
            assert np.isfinite(score).all()
