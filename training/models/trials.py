"""Trials: a model of each fold's seen cases, and how many rounds were best for the cases that they had not seen."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any

import lightgbm
import numpy as np
from lightgbm import Booster, Dataset
from numpy.typing import NDArray

from features.matrix import Matrix
from training.data.folds import Fold

Floats = NDArray[np.float64]
Watch = Callable[[int, float], None]
"""Takes the rounds of trial models so far and the least mean loss in them; it may raise, to end the trial."""
ROUNDS_AT_ONCE = 10
"""Rounds that each model trains between two looks at the others: more waste some, fewer let threads wait; a choice."""


@dataclass(frozen=True, slots=True, eq=False)
class Trials:
    """A model for each fold, the number of rounds with the least mean loss on unseen cases, and that loss."""

    folds: Sequence[Fold]
    models: Sequence[Booster]
    rounds: int
    loss: float

    def unseen(self, matrix: Matrix, rounds: int, *, raw: bool) -> Floats:
        """Return what the models say of the cases that each had not seen, NaN for cases in no fold, float64 (n,).

        They have as many rounds as asked for, or all that they were given; `raw` is their sum before any link.
        """
        unseen = np.full(len(matrix), np.nan)
        for fold, model in zip(self.folds, self.models, strict=True):
            values = matrix.values[fold.held]
            unseen[fold.held] = model.predict(
                values, raw_score=raw, num_iteration=rounds, num_threads=1
            )
        return unseen


@dataclass(frozen=True, slots=True, eq=False)
class Binned:
    """Cases as LightGBM reads them, binned once: all of them, and those that each fold's model sees and is asked about."""

    whole: Dataset
    folds: Sequence[Fold]
    seen: Sequence[Dataset]
    held: Sequence[Dataset]


@dataclass(frozen=True, slots=True, eq=False)
class _Run:
    """A model of one fold under way, and its mean loss on the cases held after each round."""

    model: Booster
    losses: list[float] = field(default_factory=list)

    @property
    def rounds(self) -> int:
        """The number of rounds so far."""
        return len(self.losses)

    def advance(self, rounds: int) -> None:
        """Train for some rounds more."""
        for _ in range(rounds):
            self.model.update()
            self.judge()

    def judge(self) -> None:
        """Note the loss after the last round."""
        (result,) = self.model.eval_valid()
        self.losses.append(float(result.metric_value))

    def stopped(self, patience: int) -> int:
        """Return after how many rounds there had been `patience` without gain, or all rounds so far.

        >>> _Run(None, [3.0, 2.0, 2.0, 2.5, 1.0]).stopped(2)
        4
        """
        best = 0
        for place, loss in enumerate(self.losses):
            if loss < self.losses[best]:
                best = place
            elif place - best >= patience:
                return place + 1
        return len(self.losses)

    def cut(self, rounds: int) -> Booster:
        """Return the model of the first rounds, without the cases that it learned from."""
        return Booster(model_str=self.model.model_to_string(num_iteration=rounds))


def unwatched(_rounds: int, _loss: float) -> None:
    """Let a trial go on."""


def trials_of(
    binned: Binned,
    parameters: dict[str, Any],
    *,
    most: int,
    patience: int,
    watch: Watch = unwatched,
) -> Trials:
    """Return a trial of each fold, of `most` rounds at most; all end when the first had `patience` rounds without gain.

    For only rounds that all models have can be compared. Each runs in a thread of its own and knows nothing of the others,
    so the same cases give the same models whatever the number of processors.
    """
    with ExitStack() as stack:
        # LightGBM is silenced thread by thread: a run stays in the thread in which it began
        threads = [stack.enter_context(ThreadPoolExecutor(1)) for _ in binned.folds]
        pairs = zip(threads, binned.seen, binned.held, strict=True)
        begun = [thread.submit(_begun, parameters, seen, tested) for thread, seen, tested in pairs]
        runs = [run.result() for run in begun]
        while not _is_over(runs, most=most, patience=patience):
            more = min(ROUNDS_AT_ONCE, most - runs[0].rounds)
            advanced = [
                thread.submit(run.advance, more) for thread, run in zip(threads, runs, strict=True)
            ]
            for run in advanced:
                run.result()
            watch(runs[0].rounds, _curve(binned.folds, runs).min())
    shortest = min(run.stopped(patience) for run in runs)
    return _compared(binned.folds, runs, shortest)


def _is_over(runs: Sequence[_Run], *, most: int, patience: int) -> bool:
    rounds = runs[0].rounds
    return rounds >= most or any(run.stopped(patience) < rounds for run in runs)


def _begun(parameters: dict[str, Any], seen: Dataset, held: Dataset) -> _Run:
    """Return a run after its first round."""
    model = lightgbm.train(
        parameters, seen, 1, valid_sets=[held], valid_names=["held"], keep_training_booster=True
    )
    run = _Run(model)
    run.judge()
    return run


def _compared(folds: Sequence[Fold], runs: Sequence[_Run], shortest: int) -> Trials:
    """Return the trial models of the rounds that all runs have, and which of these rounds was best."""
    curve = _curve(folds, runs)[:shortest]
    best = int(np.argmin(curve))
    models = [run.cut(shortest) for run in runs]
    return Trials(folds, models, best + 1, float(curve[best]))


def _curve(folds: Sequence[Fold], runs: Sequence[_Run]) -> Floats:
    """Return the mean loss on unseen cases after each round."""
    sizes = np.array([int(fold.held.sum()) for fold in folds])
    losses = np.array([run.losses for run in runs])
    return np.asarray(sizes @ losses / sizes.sum())


def binned_of(whole: Dataset, folds: Sequence[Fold]) -> Binned:
    """Return a data set with the parts of it that the folds see and hold."""
    seen = [_part(whole, fold.seen) for fold in folds]
    tested = [_part(whole, fold.held) for fold in folds]
    return Binned(whole, folds, seen, tested)


def dataset_of(
    matrix: Matrix, label: Floats, parameters: dict[str, Any], weight: Floats | None = None
) -> Dataset:
    """Return a matrix with a label for each case, (n,), as LightGBM learns from it."""
    return Dataset(
        matrix.values,
        label,
        weight=weight,
        feature_name=list(matrix.names),
        categorical_feature=[name for name in matrix.names if name in matrix.categories],
        params=parameters,
        free_raw_data=False,
    ).construct()


def _part(whole: Dataset, chosen: NDArray[np.bool_]) -> Dataset:
    return whole.subset(np.flatnonzero(chosen).tolist())
