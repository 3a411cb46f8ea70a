"""Why a test is empty: the days that it would need, and where between the history and those days the cases are lost."""

from __future__ import annotations

import numpy as np

from features.calendar import date_of, day_of
from features.errors import TargetError
from features.store.store import Store
from training.data.cases import TEST, TargetCases, target_split
from training.data.dataset import Dataset, labelled
from training.data.order import check_order

CASES = {
    "inspection": "inspections opened",
    "claim": "claims that became known",
    "provider": "living providers",
    "enterprise-day": "living enterprises",
}


def check_test(store: Store, whole: Dataset) -> None:
    """Raise TargetError where a data set has no case to test on: it says which days the test needs, and why none is there."""
    check_order(store, whole)
    if whole.tested().any():
        return
    if whole.target.judged is not None:
        raise TargetError(
            f"target {whole.name!r} has no labelled case to judge by; load {CASES[whole.target.unit]}"
        )
    split = target_split(whole.target)
    raise TargetError(
        f"target {whole.name!r} needs {CASES[whole.target.unit]} from {split.test_from} to {split.test_until} "
        f"for its test, and has none: {_why(store, whole)}"
    )


def _why(store: Store, whole: Dataset) -> str:
    split = target_split(whole.target)
    if day_of(split.test_from) > store.complete_to:
        return (
            f"the history is complete to {date_of(store.complete_to)} only; load later days, or let the test begin "
            "earlier (test_from)"
        )
    known_early = whole.set_aside.get("known_by_its_own_day", 0)
    if known_early:
        return (
            f"{known_early} had an outcome that was known by their own day, and are no cases; recorded_on should be the day "
            "on which the outcome became known"
        )
    cases = labelled(store, whole.name)
    there = int((cases.part == TEST).sum())
    if there:
        return (
            f"of the {there} there, none is in the register on its day and meets the target's population; load the "
            "register, or widen population.filter"
        )
    return f"{_outside(cases)}; load their rows, or move the test (test_from, test_until) to days that have some"


def _outside(cases: TargetCases) -> str:
    """Return in words when the cases are that the history holds."""
    if not len(cases):
        return "the history holds none at all with a label"
    first, last = int(np.min(cases.day)), int(np.max(cases.day))
    return f"those that the history holds are from {date_of(first)} to {date_of(last)}"
