"""Rolling origins: days from which a model that learned only from before is asked about what followed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from features.calendar import date_of
from training.data.dataset import Dataset
from training.data.folds import Origin, enough, folds_by_key, forward_split
from training.data.recipe import Recipe

Mask = NDArray[np.bool_]


def rolling_origins(
    whole: Dataset, recipe: Recipe, *, number: int, asked_on: float
) -> list[Origin]:
    """Return the origins of a data set, the test last; judged by groups, those that its folds by unit are.

    `number` of them, at most, ask about the latest share `asked_on` of the training cases. One is left out where what
    lies before teaches too little, or the labels of its span are all alike.
    """
    every = _every_origin(whole, recipe, number, asked_on)
    label = whole.cases.label
    return [origin for origin in every if _tells(origin, label, recipe.least_positives)]


def _every_origin(whole: Dataset, recipe: Recipe, number: int, asked_on: float) -> Sequence[Origin]:
    if whole.target.judged is not None:
        return _groups(whole, recipe)
    return [*_spans(whole, number, asked_on), _test(whole)]


def _groups(whole: Dataset, recipe: Recipe) -> list[Origin]:
    origins = []
    for place, fold in enumerate(folds_by_key(whole.units, recipe)):
        origins.append(Origin(f"group {place + 1}", 0, 0, fold.seen, fold.held))
    return origins


def _spans(whole: Dataset, number: int, asked_on: float) -> Iterator[Origin]:
    """Yield the spans of the training days."""
    places = np.flatnonzero(whole.taught())
    taught = whole.cases.take(places)
    splitter = forward_split(taught, n_splits=number, tried_on=asked_on, gap=whole.gap)
    for seen, tested in splitter.split(places):
        days = taught.day[tested]
        first = int(days.min())
        yield Origin(
            date_of(first).isoformat(),
            first,
            int(days.max()),
            _mask(whole, places[seen]),
            _mask(whole, places[tested]),
        )


def _test(whole: Dataset) -> Origin:
    """Return the test, taught by all training cases."""
    tested = whole.tested()
    days = whole.cases.day[tested]
    first = int(days.min())
    name = date_of(first).isoformat()
    return Origin(name, first, int(days.max()), whole.taught(), tested, is_test=True)


def _mask(whole: Dataset, places: NDArray[np.int64]) -> Mask:
    mask = np.zeros(len(whole.cases), np.bool_)
    mask[places] = True
    return mask


def _tells(origin: Origin, label: NDArray[np.float64], least: int) -> bool:
    """Tell whether there is enough to learn before an origin, and a label of either kind after it."""
    taught = label[origin.seen]
    tested = label[origin.held]
    labelled = tested[~np.isnan(tested)]
    return enough(taught, least) and enough(labelled, 1)
