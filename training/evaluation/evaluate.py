"""Evaluation: how a model does on the cases of the test, with intervals, at capacity, and by calibration."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from features.matrix import Matrix
from training.data.cases import TargetCases
from training.data.recipe import Recipe
from training.evaluation.answers import Answers
from training.evaluation.capacity import Judged, listed, precision_at
from training.evaluation.discrimination import auc, average_precision, intervals, sort_by_score
from training.evaluation.list_figures import lottery_figures, way_intervals
from training.evaluation.minutes_figures import minutes_figures
from training.evaluation.number_found import number_found
from training.evaluation.paired import Exam
from training.evaluation.probability import (
    calibration_table,
    probability_scores,
    weighted_log_loss,
)
from training.evaluation.reorder import days_earlier, first_half_gain
from training.evaluation.visit_minutes import visit_times
from training.models.propensity import propensity, trimmed

Floats = NDArray[np.float64]


def evaluate(
    matrix: Matrix, exam: Exam, answers: Answers, judged: Judged, *, seed: int
) -> dict[str, Any]:
    """Return the metrics of a model on test cases; a metric that these cases cannot tell is None, never a guess.

    AUC, average precision, Brier score and calibration rest on labelled cases; `judged` is what `judged_cases` returns.
    """
    cases = exam.cases
    has_label = exam.seen()
    label = cases.label[has_label]
    probability = answers.probability[has_label]
    ranked = sort_by_score(label, answers.raw[has_label])
    at_capacity = precision_at(judged, exam.capacity)
    top = listed(judged, at_capacity["listed"])
    return {
        "auc": auc(ranked),
        "average_precision": average_precision(ranked),
        **probability_scores(label, probability),
        "precision_at_capacity": at_capacity["labelled_only"],
        "capacity": {
            **at_capacity,
            "intervals": way_intervals(judged, exam.units, top),
            "lottery": lottery_figures(cases, answers.probability, answers.expected, top),
            "by_minutes": minutes_figures(exam, judged, answers, visit_times(matrix), seed=seed),
        },
        "intervals": intervals(ranked, exam.units[has_label], seed=seed),
        "calibration": calibration_table(label, probability),
        "expected": _expected(matrix, cases, answers, seed),
        "random_visits": _on_random_visits(cases, answers.probability),
    }


def reordering(cases: TargetCases, raw: Floats) -> dict[str, float | None]:
    """Return what visiting by falling score would have gained: days earlier, and the share found by the first half."""
    has_label = ~np.isnan(cases.label)
    label = cases.label[has_label]
    score = raw[has_label]
    ids = cases.ids[has_label]
    day = cases.day[has_label].astype(np.int32)
    # an earlier day is a higher score: so the visits are taken in the order in which they were made
    as_visited = -day.astype(np.float64)
    return {
        "days_earlier": days_earlier(day, score, ids, label),
        "found_in_first_half": first_half_gain(score, ids, label),
        "found_in_first_half_as_visited": first_half_gain(as_visited, ids, label),
    }


def judged_cases(matrix: Matrix, cases: TargetCases, answers: Answers, recipe: Recipe) -> Judged:
    """Return what judging a list of test cases needs, each one's chance of a label among it."""
    looked_at = ~np.isnan(cases.label)
    chance = propensity(matrix, looked_at, cases.weight, recipe)
    if looked_at.any():
        chance = trimmed(chance, looked_at, recipe.heaviest)
    return Judged(
        cases.ids,
        answers.raw,
        cases.label,
        chance,
        cases.random_label,
        cases.inclusion,
        cases.weight,
    )


def _on_random_visits(cases: TargetCases, probability: Floats) -> dict[str, float] | None:
    """Return what was told and found on lottery visits, each weighing 1 / its recorded probability: so of all cases."""
    is_drawn = ~np.isnan(cases.random_label) & (cases.inclusion > 0)
    if not is_drawn.any():
        return None
    weight = 1.0 / cases.inclusion[is_drawn]
    label = cases.random_label[is_drawn]
    drawn_probability = probability[is_drawn]
    base_rate = float(np.average(label, weights=weight))
    return {
        "cases": int(is_drawn.sum()),
        "told": float(np.average(drawn_probability, weights=weight)),
        "found": base_rate,
        "log_loss": weighted_log_loss(label, drawn_probability, weight),
        "log_loss_of_base_rate": weighted_log_loss(label, np.full(len(label), base_rate), weight),
    }


def _expected(
    matrix: Matrix, cases: TargetCases, answers: Answers, seed: int
) -> dict[str, Any] | None:
    """Return how the numbers told did; None without a model of the number, or where no number is written."""
    if answers.expected is None or np.isnan(cases.count).all():
        return None
    return number_found(matrix, cases.count, answers.expected, answers.number, seed=seed)
