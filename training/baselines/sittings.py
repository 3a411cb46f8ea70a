"""Sittings of a data set: the origins with what their cases teach, and whom a list of that day could have named."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from features.matrix import stacked
from training.baselines.declared import BaselineTable
from training.baselines.sitting import Sitting
from training.data.cases import Bystanders, joined_parts
from training.data.dataset import Dataset
from training.data.folds import Origin
from training.data.origins import rolling_origins
from training.data.recipe import Recipe
from training.models.fit import Lesson

Floats = NDArray[np.float64]


def sittings(
    whole: Dataset, lesson: Lesson, tested: Floats, recipe: Recipe, table: BaselineTable
) -> Iterator[Sitting]:
    """Yield the sittings of a data set, the test last; `lesson` is that of all training cases.

    `tested` holds the chance of a label of each test case, NaN where nothing tells it.
    """
    origins = rolling_origins(whole, recipe, number=table.origins, asked_on=table.asked_on)
    chance = np.full(len(whole.cases), np.nan)
    chance[whole.tested()] = tested
    for origin in origins:
        places = np.flatnonzero(origin.held)
        tested_cases = whole.take(places)
        sitting = Sitting(
            origin,
            _lesson_of(whole, lesson, origin),
            whole.cases.label[origin.seen],
            tested_cases.matrix,
            tested_cases.cases,
            tested_cases.units,
            _told(chance[places]),
        )
        yield _with_bystanders(sitting, whole, lesson)


def _told(chance: Floats) -> Floats | None:
    """Return chances of a label, None where one is not known or all are alike."""
    if np.isnan(chance).any() or len(np.unique(chance)) == 1:
        return None
    return chance


def _lesson_of(whole: Dataset, lesson: Lesson, origin: Origin) -> Lesson:
    """Return what the cases before an origin teach; nothing is tried, so there are no folds."""
    selection = lesson.selection
    if selection is not None:
        selection = selection.of_cases(origin.seen[whole.taught()])
    matrix = whole.matrix.take(origin.seen)
    return replace(lesson, matrix=matrix, folds=(), selection=selection)


def _with_bystanders(sitting: Sitting, whole: Dataset, lesson: Lesson) -> Sitting:
    """Return a sitting that asks about those of its span whom nobody looked at, too.

    The test has them already; and where the cases are visits, a firm that was not visited is no case.
    """
    beside = whole.bystanders
    if beside is None or sitting.origin.is_test or whole.target.unit == "inspection":
        return sitting
    days = beside.cases.day
    was_there = (days >= sitting.origin.first) & (days <= sitting.origin.last)
    some = Bystanders(beside.matrix.take(was_there), beside.cases.take(was_there))
    of_labelled = None
    if lesson.selection is not None:
        of_labelled = 1.0 / lesson.selection.weight[sitting.origin.held[whole.taught()]]
    return _joined(sitting, some, of_labelled)


def _joined(sitting: Sitting, beside: Bystanders, of_labelled: Floats | None) -> Sitting:
    """Return a sitting with bystanders; `of_labelled` are the chances of its labelled cases, up to a factor."""
    chance = None
    if of_labelled is not None:
        # a case without a label counts for nothing in a precision, so any chance will do
        of_others = np.ones(len(beside))
        chance = _told(np.concatenate((of_labelled / of_labelled.max(), of_others)))
    return replace(
        sitting,
        matrix=stacked([sitting.matrix, beside.matrix]),
        cases=joined_parts([sitting.cases, beside.cases]),
        units=np.concatenate((sitting.units, beside.matrix.keys)),
        chance=chance,
    )
