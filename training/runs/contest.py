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
from training.baselines.sitting import Sitting
from training.baselines.sittings import sittings
from training.baselines.units import unit_table
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
    asked = list(sittings(whole, contender.lesson, chance, contender.recipe, table))
    rivals = Rivals(table, seed, partial(match_counts, store, whole.matrix.entity))
    of_model = [_of_model(contender, sitting) for sitting in asked]
    contest = contest_of(asked, of_model, rivals, tested.capacity)
    report = compared(contest, table, seed=seed, has_order=whole.target.judged is None)
    names = [baseline.name for baseline in table.baseline]
    return Contested(report, unit_table(contest, names))


def _of_model(contender: Contender, sitting: Sitting) -> Floats:
    """Return the raw scores of the model for a sitting."""
    tests = contender.dataset.tested()
    # the test, and a part of the units, were asked about already by models that had not seen them
    if not (sitting.origin.held & ~tests).any():
        return contender.tested.answers.raw[sitting.origin.held[tests]]
    model = taught_like(sitting.lesson, sitting.label, contender.fit, contender.recipe)
    return margins(model, sitting.matrix.values)
