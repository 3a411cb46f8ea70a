"""The metrics of a model on the test, for trees and scorecards alike."""

from __future__ import annotations

from typing import Any

from features.matrix import Matrix
from training.data.dataset import Dataset
from training.evaluation.evaluate import evaluate, reordering
from training.evaluation.list_figures import without_population
from training.evaluation.paired import Exam
from training.runs.contender import TestedModel


def tested_metrics(whole: Dataset, matrix: Matrix, model: TestedModel) -> dict[str, Any]:
    """Return the metrics of a model on the test cases of a data set, whose features are `matrix`."""
    cases = whole.cases.take(whole.tested())
    exam = Exam(cases, matrix.keys, model.capacity)
    metrics = evaluate(matrix, exam, model.answers, model.judged, seed=model.seed)
    if whole.target.unit == "inspection":
        # without an order of time nothing is found earlier
        if not whole.in_folds().any():
            metrics |= reordering(cases, model.answers.raw)
        capacity = metrics["capacity"]
        capacity["lottery"] |= without_population()
        by_minutes = capacity["by_minutes"]
        if not isinstance(by_minutes, str):
            by_minutes["lottery"] |= without_population()
    return metrics
