"""The contest of a training: its model asked anew at every rolling origin, beside the baselines."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from features.matches.find import match_counts
from features.store.store import Store
from models.bundle.booster import margins
from training.baselines.declared import baseline_table
from training.baselines.report import Compared, compared
from training.baselines.rivals import Rivals, contest_of
from training.baselines.sitting import ModelSaid, Sitting
from training.baselines.sittings import sittings
from training.baselines.units import unit_table
from training.models.count import count_like
from training.models.fit import taught_like
from training.runs.contender import Contender

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Contested:
    """The report on the baselines of a training, and the scores of every case that it rests on."""

    report: Compared
    units: pa.Table


def contested_training(store: Store, contender: Contender) -> Contested:
    """Return how the model of a training does beside every baseline, from the same days and by the same lists.

    At the test it is the model itself. At an earlier origin it is one of the same shape, rounds, directions and way to
    teach, which learned from the cases before: these few choices were made by later cases, too.
    """
    whole = contender.dataset
    seed = contender.recipe.seed
    tested = contender.tested
    table = baseline_table()
    chance = tested.judged.propensity
    every_sitting = list(sittings(whole, contender.lesson, chance, contender.recipe, table))
    rivals = Rivals(table, seed, partial(match_counts, store, whole.matrix.entity))
    of_model = [_of_model(contender, sitting) for sitting in every_sitting]
    contest = contest_of(every_sitting, of_model, rivals, tested.capacity)
    report = compared(contest, table, seed=seed, has_order=whole.target.judged is None)
    names = [baseline.name for baseline in table.baseline]
    return Contested(report, unit_table(contest, names))


def _of_model(contender: Contender, sitting: Sitting) -> ModelSaid:
    """Return what the model says of the cases of a sitting."""
    tests = contender.dataset.tested()
    # the test, and a part of the units, were asked about already by models that had not seen them
    if not (sitting.origin.held & ~tests).any():
        return _as_tested(contender, sitting.origin.held[tests])
    model = taught_like(sitting.lesson, sitting.label, contender.fit, contender.recipe)
    raw = margins(model, sitting.matrix.values)
    expected = _expected(contender, sitting)
    return ModelSaid(raw, contender.calibration(raw) if expected is None else expected)


def _as_tested(contender: Contender, asked: NDArray[np.bool_]) -> ModelSaid:
    """Return what the model said of some cases of the test."""
    answers = contender.tested.answers
    return ModelSaid(answers.raw[asked], answers.benefit[asked])


def _expected(contender: Contender, sitting: Sitting) -> Floats | None:
    """Return the number that a model taught by the cases before expects; None without a model of the number."""
    like = contender.count
    if like is None:
        return None
    count = contender.dataset.cases.count[sitting.origin.seen]
    shape = contender.fit.shape
    taught = count_like(sitting.lesson.matrix, count, like, shape, contender.recipe)
    return None if taught is None else taught.expected(sitting.matrix)
