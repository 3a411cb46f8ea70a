"""Folds: which cases a trial model learns from, and which it is then asked about without having seen them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.model_selection import BaseCrossValidator

from training.data.cases import TargetCases
from training.data.recipe import Recipe

Mask = NDArray[np.bool_]
Days = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Fold:
    """Masks over cases, (n,): `seen` teaches a trial model, `held` is what it has not seen."""

    seen: Mask
    held: Mask


@dataclass(frozen=True, slots=True, eq=False)
class Origin:
    """A span of days with the cases that teach before it and those that are asked about in it, masks (n,).

    Without an order of time it is a part of the units: `first` and `last` then say nothing.
    """

    name: str
    first: int
    last: int
    seen: Mask
    held: Mask
    is_test: bool = False


class ForwardSplit(BaseCrossValidator):
    """A splitter of scikit-learn that goes forward in time, as the future will: `n_splits` spans over the last days.

    Each span is asked of whoever learned from the days before. A day counts as before when `gap` days lie between, and its
    case is `learnable` by then: nobody learns from an outcome that was not yet known. A span holds about as many cases as
    the next, all cases of a day, and `tried_on` is the share of the cases that the spans hold together.
    """

    def __init__(
        self, day: Days, learnable: Days, *, n_splits: int, tried_on: float, gap: int
    ) -> None:
        self.day = day
        self.learnable = learnable
        self.n_splits = n_splits
        self.tried_on = tried_on
        self.gap = gap

    def get_n_splits(self, X: Any = None, y: Any = None, groups: Any = None) -> int:  # noqa: ARG002
        """Return the number of spans: fewer than asked for where many cases share a day."""
        return len(self.starts())

    def split(
        self,
        X: Any = None,  # noqa: ARG002
        y: Any = None,  # noqa: ARG002
        groups: Any = None,  # noqa: ARG002
    ) -> Iterator[tuple[NDArray[np.intp], NDArray[np.intp]]]:
        """Yield the places of the cases that a model may learn from, and of those that it is asked about."""
        for start, end in pairwise([*self.starts().tolist(), np.inf]):
            seen = (self.day + max(self.gap, 1) <= start) & (self.learnable <= start)
            held_out = (self.day >= start) & (self.day < end)
            yield np.flatnonzero(seen), np.flatnonzero(held_out)

    def starts(self) -> Days:
        """Return the first day of each span."""
        ascending = np.sort(self.day)
        shares = np.linspace(1 - self.tried_on, 1, self.n_splits, endpoint=False)
        places = shares * len(ascending)
        return np.unique(ascending[places.astype(np.int64)]) if len(ascending) else ascending


class UnitSplit(BaseCrossValidator):
    """A splitter of scikit-learn for cases without an order of time: `n_splits` parts by `groups`, each asked of the others.

    The cases of one unit share their part, and the order of the rows does not matter. There are no more parts than units.
    """

    def __init__(self, *, n_splits: int, seed: int) -> None:
        self.n_splits = n_splits
        self.seed = seed

    def get_n_splits(self, X: Any = None, y: Any = None, groups: Any = None) -> int:  # noqa: ARG002
        """Return the number of parts: that of the units where these are fewer."""
        if groups is None:
            return self.n_splits
        return min(self.n_splits, len(np.unique(groups)))

    def split(
        self,
        X: Any = None,  # noqa: ARG002
        y: Any = None,  # noqa: ARG002
        groups: Any = None,
    ) -> Iterator[tuple[NDArray[np.intp], NDArray[np.intp]]]:
        """Yield the places of the cases that a model may learn from, and of those that it is asked about."""
        part = parts_by_key(np.asarray(groups, np.str_), self.n_splits, self.seed)
        for place in range(self.n_splits):
            seen = np.flatnonzero(part != place)
            held_out = np.flatnonzero(part == place)
            if len(seen) and len(held_out):
                yield seen, held_out


def folds_of(keys: NDArray[np.str_], cases: TargetCases, recipe: Recipe, gap: int) -> list[Fold]:
    """Return folds that go forward in time (`ForwardSplit`), without those whose days before teach too little.

    Where the earlier days hold too few labels to learn from, the folds are parted by key instead, the cases of one
    key together.
    """
    splitter = forward_split(cases, n_splits=recipe.folds, tried_on=recipe.tried_on, gap=gap)
    forward = []
    is_held = np.zeros(len(cases), np.bool_)
    for fold in _folds(splitter, keys):
        if enough(cases.label[fold.seen], recipe.least_positives):
            forward.append(fold)
            is_held |= fold.held
    if enough(cases.label[is_held], recipe.least_positives):
        return forward
    return folds_by_key(keys, recipe)


def forward_split(cases: TargetCases, *, n_splits: int, tried_on: float, gap: int) -> ForwardSplit:
    """Return the splitter of cases that goes forward in time, each outcome learnable once it is known."""
    # a case may be seen from the eve of its day, and an outcome has to be known by then
    learnable = cases.known + (cases.day - cases.as_of)
    return ForwardSplit(cases.day, learnable, n_splits=n_splits, tried_on=tried_on, gap=gap)


def folds_by_key(keys: NDArray[np.str_], recipe: Recipe) -> list[Fold]:
    """Return folds parted by key, the cases of one key together: no more than there are keys, and none of a single key."""
    return _folds(UnitSplit(n_splits=recipe.folds, seed=recipe.seed), keys)


def _folds(splitter: BaseCrossValidator, keys: NDArray[np.str_]) -> list[Fold]:
    """Return the splits of cases as masks."""
    folds = []
    for seen, tested in splitter.split(keys, groups=keys):
        fold = Fold(np.zeros(len(keys), np.bool_), np.zeros(len(keys), np.bool_))
        fold.seen[seen] = True
        fold.held[tested] = True
        folds.append(fold)
    return folds


def enough(label: NDArray[np.float64], least: int) -> bool:
    """Tell whether both classes have at least so many cases."""
    positives = int(label.sum())
    negatives = len(label) - positives
    return min(positives, negatives) >= least


def parts_by_key(keys: NDArray[np.str_], parts: int, seed: int) -> NDArray[np.int64]:
    """Return each case's part; the cases of one key share theirs, and the order of the rows does not matter."""
    distinct, member = np.unique(keys, return_inverse=True)
    # the keys are sorted, so the same keys are shuffled alike whatever the order of the rows
    shuffled = np.random.default_rng(seed).permutation(len(distinct))
    part_of_key = shuffled % parts
    return np.asarray(part_of_key[member], dtype=np.int64)
