"""A sitting: at one origin, what may be learned and whom every model is asked about; and the contest of them all."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from features.matrix import Matrix
from training.baselines.over_origins import Answered
from training.data.cases import TargetCases
from training.data.folds import Origin
from training.models.fit import Lesson

Floats = NDArray[np.float64]
Keys = NDArray[np.str_]
MODEL = "model"
"""The name of the model itself among those that answer."""


@dataclass(frozen=True, slots=True, eq=False)
class Sitting:
    """An origin: what its cases teach, and the cases asked about with their features, the unit and chance of a label of each.

    Where people chose whom to look at, some of those whom they passed over are asked about too, each standing for many: a
    list is drawn from all of them. `chance`, up to a factor, is None where nobody was passed over, or nothing tells.
    """

    origin: Origin
    lesson: Lesson
    label: Floats
    matrix: Matrix
    cases: TargetCases
    units: Keys
    chance: Floats | None


@dataclass(frozen=True, slots=True, eq=False)
class ModelSaid:
    """What the model says of the cases of a sitting: raw scores, and what a visit is expected to bring, (n,) each."""

    raw: Floats
    benefit: Floats


@dataclass(frozen=True, slots=True, eq=False)
class Contest:
    """Sittings with the raw scores that the model and the baselines gave, and why a baseline gave none."""

    sittings: Sequence[Sitting]
    answered: Sequence[Answered]
    words: Mapping[str, str]
    capacity: float
