"""Precision of the list that capacity allows, said four ways, because only visited units have labels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from features.errors import TargetError

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Judged:
    """What judging a list needs, one value a case: NaN where there is no label, propensity or random visit.

    `weight` is how many cases of the population one stands for.
    """

    ids: NDArray[np.str_]
    score: Floats
    label: Floats
    propensity: Floats
    random_label: Floats
    inclusion: Floats
    weight: Floats


def list_length(capacity: float, cases: float) -> int:
    """Return how many cases a capacity reaches: a share below 1, a number from 1 on, never more than there are.

    >>> list_length(0.1, 55), list_length(20, 55)
    (6, 20)
    """
    if not capacity > 0:
        raise TargetError(
            f"a capacity should be a share below 1 or a number of cases; got {capacity}"
        )
    length = max(1, round(capacity * cases)) if capacity < 1 else int(capacity)
    return min(round(cases), length)


def listed(judged: Judged, length: int) -> NDArray[np.int64]:
    """Return the positions of the cases that fill a list by falling score, ties by id, each filling its weight."""
    order = np.lexsort((judged.ids, -judged.score))
    weight = judged.weight[order]
    filled_before = np.cumsum(weight) - weight
    return order[filled_before < length]


def weighted_share(label: Floats, probability: Floats) -> float | None:
    """Return the share of positives, each case weighing 1 / `probability` (a ratio of Horvitz-Thompson totals).

    Cases without a label or a positive probability say nothing; None where no case says anything.
    """
    speaking = ~np.isnan(label) & (probability > 0)
    if not speaking.any():
        return None
    weight = 1.0 / probability[speaking]
    positives = (label[speaking] * weight).sum()
    return float(positives / weight.sum())


def precision_at(judged: Judged, capacity: float) -> dict[str, Any]:
    """Return the list's precision on labelled rows, by inverse propensity and from random visits, and what is unseen."""
    length = list_length(capacity, float(judged.weight.sum()))
    top = listed(judged, length)
    return {"capacity": capacity, "listed": length, **precision_of(judged, top)}


def precision_of(judged: Judged, top: NDArray[np.int64]) -> dict[str, Any]:
    """Return the precision of the list that stands at the places `top` in each way, and what is unseen of it."""
    label = judged.label[top]
    propensity = judged.propensity[top]
    random_label = judged.random_label[top]
    inclusion = judged.inclusion[top]
    certain = np.ones(len(judged.ids))
    return {
        "labelled_only": weighted_share(label, certain[top]),
        "inverse_propensity": weighted_share(label, propensity),
        "random_visits": weighted_share(random_label, inclusion),
        "random_visits_in_list": int((~np.isnan(random_label)).sum()),
        "share_without_label": _share_without_label(label, judged.weight[top]),
        "base_labelled_only": weighted_share(judged.label, certain),
        "base_random_visits": weighted_share(judged.random_label, judged.inclusion),
    }


def _share_without_label(label: Floats, weight: Floats) -> float | None:
    if not len(label):
        return None
    unlabelled = weight[np.isnan(label)].sum()
    return float(unlabelled / weight.sum())
