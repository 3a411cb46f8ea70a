"""Folds: which cases a trial model learns from, and which it is then asked about without having seen them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from training.data.cases import TargetCases
from training.data.recipe import Recipe

Mask = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class Fold:
    """Masks over cases, (n,): `seen` teaches a trial model, `held` is what it has not seen."""

    seen: Mask
    held: Mask


def folds_of(keys: NDArray[np.str_], cases: TargetCases, recipe: Recipe, gap: int) -> list[Fold]:
    """Return folds that go forward in time, as the future will: each is asked of days after those it learned from.

    A day counts as after another when `gap` days lie between, and nobody learns from an outcome that was not yet known
    then. Where the earlier days hold too few labels to learn from, the folds are parted by key instead, the cases of one
    key together.
    """
    forward = []
    is_held = np.zeros(len(cases), np.bool_)
    for fold in _forward(cases, recipe, gap):
        if enough(cases.label[fold.seen], recipe.least_positives):
            forward.append(fold)
            is_held |= fold.held
    if enough(cases.label[is_held], recipe.least_positives):
        return forward
    return folds_by_key(keys, recipe)


def folds_by_key(keys: NDArray[np.str_], recipe: Recipe) -> list[Fold]:
    """Return folds parted by key, the cases of one key together: no more than there are keys, and none of a single key."""
    part = parts_by_key(keys, recipe.folds, recipe.seed)
    folds = [Fold(part != place, part == place) for place in range(recipe.folds)]
    return [fold for fold in folds if fold.seen.any() and fold.held.any()]


def enough(label: NDArray[np.float64], least: int) -> bool:
    """Tell whether both classes have at least so many cases."""
    positives = int(label.sum())
    negatives = len(label) - positives
    return min(positives, negatives) >= least


def _forward(cases: TargetCases, recipe: Recipe, gap: int) -> list[Fold]:
    """Return folds of equally many cases, one after another, over the last days; each has seen the days before."""
    if not len(cases):
        return []
    day = cases.day
    # a case may be seen from the eve of its day, and an outcome has to be known by then
    learnable_from = cases.known + (day - cases.as_of)
    ascending = np.sort(day)
    shares = np.linspace(1 - recipe.tried_on, 1, recipe.folds, endpoint=False)
    places = shares * len(day)
    starts = np.unique(ascending[places.astype(np.int64)])
    ends = np.append(starts[1:], ascending[-1] + 1)
    return [
        Fold((day + max(gap, 1) <= start) & (learnable_from <= start), (day >= start) & (day < end))
        for start, end in zip(starts, ends, strict=True)
    ]


def parts_by_key(keys: NDArray[np.str_], parts: int, seed: int) -> NDArray[np.int64]:
    """Return each case's part; the cases of one key share theirs, and the order of the rows does not matter."""
    distinct, member = np.unique(keys, return_inverse=True)
    # the keys are sorted, so the same keys are shuffled alike whatever the order of the rows
    shuffled = np.random.default_rng(seed).permutation(len(distinct))
    part_of_key = shuffled % parts
    return np.asarray(part_of_key[member], dtype=np.int64)
