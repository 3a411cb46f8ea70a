"""A contender: a trained model with all by which it is judged, on the test, by groups and beside the baselines."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from models.bundle.calibration import Calibration
from training.data.dataset import Dataset
from training.data.recipe import Recipe
from training.evaluation.answers import Answers
from training.evaluation.capacity import Judged
from training.groups.values import Partition
from training.models.count import CountFit
from training.models.fit import Fit, Lesson


@dataclass(frozen=True, slots=True, eq=False)
class TestedModel:
    """A model as the test met it: what it said, how its list is judged, the list's capacity, and its trees as text."""

    answers: Answers
    judged: Judged
    capacity: float
    text: str
    seed: int


@dataclass(frozen=True, slots=True, eq=False)
class Contender:
    """A model that is judged beside the baselines: its data set, recipe and lesson, its fits, and how the test met it.

    `falls` is how the test cases fall into groups.
    """

    dataset: Dataset
    recipe: Recipe
    lesson: Lesson
    fit: Fit
    calibration: Calibration
    count: CountFit | None
    tested: TestedModel
    falls: Sequence[Partition]
