"""Evaluation: how a model does on the cases of the test, with intervals, at capacity, and by calibration."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from features.matrix import Matrix
from training.data.cases import TargetCases
from training.data.recipe import Recipe
from training.evaluation.capacity import Judged, precision_at
from training.evaluation.discrimination import auc, average_precision, intervals, sort_by_score
from training.evaluation.propensity import propensity
from training.evaluation.reorder import days_earlier, first_half_gain

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Answers:
    """What a model says of cases, float64 (n,): raw score, probability and, with a count model, the expected number."""

    raw: Floats
    probability: Floats
    expected: Floats | None


def evaluate(
    matrix: Matrix, cases: TargetCases, answers: Answers, *, capacity: float, recipe: Recipe
) -> dict[str, Any]:
    """Return the metrics of a model on test cases; a metric that these cases cannot tell is None, never a guess.

    AUC, average precision, Brier score and calibration rest on labelled cases; `capacity` is a share or a number.
    """
    seen = ~np.isnan(cases.label)
    label, probability = cases.label[seen], answers.probability[seen]
    ranked = sort_by_score(label, answers.raw[seen])
    at_capacity = precision_at(_judged(matrix, cases, answers, recipe), capacity)
    return {
        "auc": auc(ranked),
        "average_precision": average_precision(ranked),
        "brier": float(np.mean((probability - label) ** 2)) if len(label) else None,
        "brier_of_base_rate": float(label.mean() * (1 - label.mean())) if len(label) else None,
        "base_rate": float(label.mean()) if len(label) else None,
        "precision_at_capacity": at_capacity["labelled_only"],
        "capacity": at_capacity,
        "intervals": intervals(ranked, matrix.keys[seen], seed=recipe.seed),
        "calibration": calibration_table(label, probability),
        "expected": _expected(cases, answers),
    }


def reordering(cases: TargetCases, raw: Floats) -> dict[str, float | None]:
    """Return what visiting by falling score would have gained: days earlier, and the share found by the first half."""
    seen = ~np.isnan(cases.label)
    day, score, ids, label = (
        cases.day[seen].astype(np.int32),
        raw[seen],
        cases.ids[seen],
        cases.label[seen],
    )
    return {
        "days_earlier": days_earlier(day, score, ids, label),
        "found_in_first_half": first_half_gain(score, ids, label),
        "found_in_first_half_as_visited": first_half_gain(-day.astype(np.float64), ids, label),
    }


def calibration_table(label: Floats, probability: Floats, rows: int = 10) -> list[dict[str, float]]:
    """Return equally full rows of rising probability: cases, mean probability told, share of positives found."""
    order = np.argsort(probability, kind="stable")
    parts = [part for part in np.array_split(order, min(rows, len(order) // 5 or 1)) if len(part)]
    return [
        {
            "cases": len(part),
            "told": float(probability[part].mean()),
            "found": float(label[part].mean()),
        }
        for part in parts
    ]


def _judged(matrix: Matrix, cases: TargetCases, answers: Answers, recipe: Recipe) -> Judged:
    chance = propensity(matrix, cases, recipe)
    return Judged(
        cases.ids,
        answers.raw,
        cases.label,
        chance,
        cases.random_label,
        cases.inclusion,
        cases.weight,
    )


def _expected(cases: TargetCases, answers: Answers) -> dict[str, float] | None:
    """Return the number told and found in total, over the cases whose number is known."""
    known = ~np.isnan(cases.count)
    if answers.expected is None or not known.any():
        return None
    told, found = answers.expected[known], cases.count[known]
    return {
        "cases": int(known.sum()),
        "told": float(told.sum()),
        "found": float(found.sum()),
        "mean_absolute_error": float(np.abs(told - found).mean()),
    }
