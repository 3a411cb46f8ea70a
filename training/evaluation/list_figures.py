"""What stands beside the precision at capacity: the interval of each way to state it, and what the lottery says of the list."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from training.data.cases import TargetCases
from training.evaluation.capacity import Judged
from training.evaluation.estimate import (
    NotEstimable,
    Told,
    amount_total,
    share_among,
    share_by_unit,
    share_total,
)
from training.evaluation.found import (
    ListAndRest,
    lift,
    precision,
    proposed_list,
    rate,
    recall,
)
from training.evaluation.lottery import Survey

Floats = NDArray[np.float64]
Places = NDArray[np.int64]
FIGURES = ("rate", "precision", "recall", "lift", "number", "number_on_list", "number_recall")
"""The names of what the lottery says of a list."""


def way_intervals(
    judged: Judged, units: NDArray[np.str_], top: Places
) -> dict[str, list[float] | str]:
    """Return the 95 % interval of the list's precision in each way of `precision_at`, or why there is none.

    `units` names the unit of each case, (n,), and `top` the places of the list. The propensity is taken as if it were
    known, so the interval by it is too narrow by what its own estimate may be off.
    """
    label = judged.label[top]
    unit = units[top]
    drawn = Survey(
        judged.random_label[top],
        recorded_inclusion(judged.inclusion)[top],
        np.zeros(len(top)),
        judged.weight[top],
    )
    ways = {
        "labelled_only": share_by_unit(label, np.ones(len(top)), unit),
        "inverse_propensity": share_by_unit(label, 1 / judged.propensity[top], unit),
        "random_visits": share_among(drawn),
    }
    return {name: figure.limits() for name, figure in ways.items()}


def recorded_inclusion(inclusion: Floats) -> Floats:
    """Return the inclusion probabilities that can be one, NaN in the place of any other: such a visit says nothing."""
    is_chance = (inclusion > 0) & (inclusion <= 1)
    return np.where(is_chance, inclusion, np.nan)


def lottery_figures(
    cases: TargetCases, probability: Floats, expected: Floats | None, top: Places
) -> dict[str, Any]:
    """Return what the lottery's visits and the model say together of the list and of all cases.

    The list is one that nobody visited, so its drawn units speak for it and the others for the rest, each corrected
    by `hajek_difference`: a case may have been in several draws, of which one look's probability is recorded.
    """
    on_list = np.zeros(len(cases), np.bool_)
    on_list[top] = True
    inclusion = recorded_inclusion(cases.inclusion)
    # what a random look found nothing of is a zero; a number that nobody wrote down stays unknown
    number = np.where(cases.random_label == 0, 0.0, cases.count)
    expected_number = np.zeros(len(cases)) if expected is None else expected
    positives = Survey(cases.random_label, inclusion, probability, cases.weight)
    numbers = Survey(number, inclusion, expected_number, cases.weight)
    figures = {
        **_of_positives(proposed_list(positives, on_list, share_total)),
        **_of_numbers(proposed_list(numbers, on_list, amount_total)),
    }
    return {
        "drawn": int(positives.seen.sum()),
        "drawn_on_list": int(positives.seen[on_list].sum()),
        **{name: figure.plain() for name, figure in figures.items()},
    }


def _of_positives(parts: ListAndRest) -> dict[str, Told]:
    return {
        "rate": rate(parts),
        "precision": precision(parts),
        "recall": recall(parts),
        "lift": lift(parts),
    }


def _of_numbers(parts: ListAndRest) -> dict[str, Told]:
    return {
        "number": parts.whole,
        "number_on_list": parts.listed,
        "number_recall": recall(parts),
    }


def without_population() -> dict[str, Any]:
    """Return the same figures where the cases are visits: units were drawn, and a visit stands for no population."""
    reason = NotEstimable("the cases are visits, and the lottery draws units")
    return dict.fromkeys(FIGURES, reason.plain())
