"""What a data set teaches by its lesson, and what a bundle keeps of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from features.calendar import date_of
from models.bundle.bundle import Parts
from models.bundle.manifest import frozen_features
from training.data.dataset import Dataset
from training.data.recipe import Recipe
from training.models.count import unit_counted
from training.models.fit import Lesson
from training.models.learn import Learned, learn
from training.runs.flat import numbers


def learned_from(whole: Dataset, lesson: Lesson, recipe: Recipe) -> Learned:
    """Return what the training cases of a data set teach, by their lesson."""
    taught = whole.cases.take(whole.taught())
    return learn(lesson, taught, recipe, unit=unit_counted(whole.target))


def learned_parts(
    whole: Dataset, learned: Learned, origin: Mapping[str, str], *, metrics: Mapping[str, Any]
) -> Parts:
    """Return what a bundle keeps of what a data set taught, with the metrics of a test, if there was one."""
    matrix = whole.matrix.take(whole.taught())
    return Parts(
        target=whole.name,
        as_of=date_of(int(matrix.as_of.max())).isoformat(),
        features=frozen_features(list(whole.catalogue.features(matrix.entity)), matrix),
        calibration=learned.calibration,
        any_text=learned.any.text,
        count_text=None if learned.count is None else learned.count.text,
        probe=matrix,
        origin=origin,
        metrics=numbers(metrics),
        number=None if learned.count is None else learned.count.number,
    )
