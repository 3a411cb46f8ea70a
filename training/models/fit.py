"""A fit: a deterministic LightGBM model whose shape, rounds and calibration come from cases it had not seen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import lightgbm
import numpy as np
from lightgbm import Booster, Dataset
from numpy.typing import NDArray

from features.errors import TargetError
from features.matrix import Matrix
from training.data.folds import Fold, enough
from training.data.recipe import Recipe, Shape
from training.models.selection import Selection
from training.models.tally import UnseenScores, clearly_less, log_losses
from training.models.trials import (
    Binned,
    Trials,
    Watch,
    binned_of,
    dataset_of,
    trials_of,
    unwatched,
)
from training.models.ways import Choice, School, log_odds

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Directions:
    """Whether the declared directions bind a model, and the mean loss on unseen cases with them and without."""

    bind: bool
    loss_with: float
    loss_without: float


@dataclass(frozen=True, slots=True, eq=False)
class Fit:
    """A model on all cases, its rounds and shape, and what trial models of that shape said of cases they had not seen.

    `unseen`, float64 (n,), holds raw log-odds, or counts; NaN for cases in no fold. `loss` is the mean loss of the trial models
    of all cases as they are. `directions` is None where none are declared, `way` where nobody was passed over. The model
    started from the log-odds `start`, the trial models from `fold_starts`.
    """

    model: Booster
    rounds: int
    shape: Shape
    loss: float
    unseen: Floats
    start: float = 0.0
    fold_starts: tuple[float, ...] = ()
    directions: Directions | None = None
    way: Choice | None = None

    @property
    def text(self) -> str:
        """The model in LightGBM's own text."""
        return str(self.model.model_to_string(num_iteration=-1))


@dataclass(frozen=True, slots=True, eq=False)
class Lesson:
    """What fits learn from: features, the folds that try them, and the features whose rise raises (1) or lowers (-1) the risk.

    `selection` says who was looked at, where somebody was passed over.
    """

    matrix: Matrix
    folds: Sequence[Fold]
    directions: Mapping[str, int] = field(default_factory=dict)
    selection: Selection | None = None


def fit_any(lesson: Lesson, label: Floats, recipe: Recipe) -> Fit:
    """Return a model of the log-odds of `label` (0 or 1); TargetError when a class has too few cases, or one unit has all."""
    if not enough(label, recipe.least_positives):
        positives = int(label.sum())
        raise TargetError(
            f"learning needs {recipe.least_positives} labelled cases with and without a violation; got "
            f"{positives} with and {len(label) - positives} without: add history or change the split"
        )
    if not lesson.folds:
        raise TargetError(
            "learning tries a model on units that it has not seen; got the cases of one unit alone, or the claims of one "
            "person: add the history of others"
        )
    return _fit(_Sample(lesson, label), recipe)


def unseen_scores(fit: Fit, lesson: Lesson, label: Floats) -> UnseenScores:
    """Return what the trial models of a fit say of cases that they had not seen.

    A trial model starts from the log-odds of the labels that it saw, the fit from those of all. Where shares of positives
    change with time the difference is no news of a case, so each trial model's scores are moved to the start of the fit.
    """
    raw = fit.unseen.copy()
    number = np.full(len(label), -1, np.int64)
    for place, fold in enumerate(lesson.folds):
        raw[fold.held] += fit.start - fit.fold_starts[place]
        number[fold.held] = place
    was_held = np.flatnonzero(number >= 0)
    return UnseenScores(raw[was_held], label[was_held], number[was_held], was_held)


def refit(lesson: Lesson, label: Floats, like: Fit, recipe: Recipe) -> Booster:
    """Return a model of `label` (0 or 1) with the shape, rounds and directions of another fit, so that nothing need be tried."""
    parameters = _parameters_like(lesson, label, like, recipe)
    whole = dataset_of(lesson.matrix, label, parameters)
    return lightgbm.train(parameters, whole, like.rounds)


def taught_like(lesson: Lesson, label: Floats, like: Fit, recipe: Recipe) -> Booster:
    """Return a model as `refit` does, taught in the way of the other fit too, where the lesson says who was looked at."""
    selection = lesson.selection
    if selection is None or like.way is None or like.way.way == "plain":
        return refit(lesson, label, like, recipe)
    parameters = _parameters_like(lesson, label, like, recipe)
    school = School(lesson.matrix, label, selection, (), parameters, like.rounds, recipe)
    model, _ = school.taught(like.way.way)
    return model


def _parameters_like(lesson: Lesson, label: Floats, like: Fit, recipe: Recipe) -> dict[str, Any]:
    """Return LightGBM's parameters with the shape and directions of another fit."""
    sample = _Sample(lesson, label)
    if like.directions is not None and not like.directions.bind:
        sample = sample.without_directions()
    return _parameters(sample, like.shape, recipe)


def unseen_loss(lesson: Lesson, label: Floats, recipe: Recipe, watch: Watch) -> float:
    """Return the least mean loss on unseen cases of the recipe's first shape, with the lesson's directions; nothing is fitted."""
    return _trial(_Sample(lesson, label), recipe.shape[0], recipe, watch).loss


def _parameters(sample: _Sample, shape: Shape, recipe: Recipe) -> dict[str, Any]:
    """Return LightGBM's parameters for a sample."""
    parameters = recipe.lightgbm(shape, "binary")
    return {**parameters, "monotone_constraints": _constraints(sample.lesson)}


def _constraints(lesson: Lesson) -> list[int]:
    """Return by column whether its rise may only raise the risk (1), only lower it (-1), or both (0)."""
    return [lesson.directions.get(name, 0) for name in lesson.matrix.names]


@dataclass(frozen=True, slots=True, eq=False)
class _Sample:
    """A lesson with a label (0 or 1) for each case, and the same as LightGBM reads it, by the least size of leaves."""

    lesson: Lesson
    label: Floats
    of_leaf: dict[int, Binned] = field(default_factory=dict)

    def binned(self, parameters: Mapping[str, Any]) -> Binned:
        """Return the sample as LightGBM reads it, binned once for each size of leaves: that decides which features can split."""
        smallest_leaf = parameters["min_data_in_leaf"]
        if smallest_leaf not in self.of_leaf:
            whole = dataset_of(self.lesson.matrix, self.label, dict(parameters))
            self.of_leaf[smallest_leaf] = binned_of(whole, self.lesson.folds)
        return self.of_leaf[smallest_leaf]

    def without_directions(self) -> _Sample:
        """Return the sample with no direction declared."""
        return replace(self, lesson=replace(self.lesson, directions={}))


@dataclass(frozen=True, slots=True, eq=False)
class _Trial:
    """One shape, tried on every fold, with the data and parameters that a model of all cases takes."""

    shape: Shape
    whole: Dataset
    parameters: dict[str, Any]
    trials: Trials

    @property
    def loss(self) -> float:
        """The mean loss on unseen cases after the best round."""
        return self.trials.loss


def _fit(sample: _Sample, recipe: Recipe) -> Fit:
    """Return the model of the trial that did best on cases it had not seen, trained on all that may teach.

    It has as many rounds as were best for the trial models, though these saw fewer cases: rounds in proportion to the cases
    lost more in 15 and less in 8 of 25 models (five sets, five ways to grow trees) on days that were held back.
    """
    best = _best_trial(sample, recipe)
    trial, directions = _directed(sample, best, recipe)
    rounds = max(trial.trials.rounds, recipe.least_rounds)
    plain = trial.trials.unseen(sample.lesson.matrix, rounds, raw=True)
    school = _school(sample, trial, rounds, recipe)
    tried, choice = school.chosen_way(plain) if school else (None, None)
    if school and tried:
        model, start = school.taught(tried.way)
        unseen, fold_starts = tried.unseen, tried.starts
    else:
        model = lightgbm.train(trial.parameters, trial.whole, rounds)
        unseen, start, fold_starts = plain, *_starts(sample)
    return Fit(
        model, rounds, trial.shape, trial.loss, unseen, start, fold_starts, directions, choice
    )


def _starts(sample: _Sample) -> tuple[float, tuple[float, ...]]:
    """Return the log-odds of the positives among all cases, and among those that each fold has seen."""
    seen = [log_odds(float(sample.label[fold.seen].mean())) for fold in sample.lesson.folds]
    return log_odds(float(sample.label.mean())), tuple(seen)


def _school(sample: _Sample, trial: _Trial, rounds: int, recipe: Recipe) -> School | None:
    """Return what ways to teach have in common; None where nobody was passed over."""
    lesson = sample.lesson
    if lesson.selection is None:
        return None
    return School(
        lesson.matrix,
        sample.label,
        lesson.selection,
        lesson.folds,
        trial.parameters,
        rounds,
        recipe,
    )


def _best_trial(sample: _Sample, recipe: Recipe) -> _Trial:
    """Return the trial of least loss: of shapes and sizes of leaves, and of the best of these with lighter smoothing.

    Rare values that the smoothing hid need smaller leaves too, so lighter smoothing is tried with each of their sizes.
    """
    shaped = _shaped(sample, recipe)
    smoothing = recipe.lighter_smoothing
    is_lighter = smoothing < recipe.smoothing_of(shaped.shape)
    if not is_lighter or not _has_rare_values(sample, recipe):
        return shaped
    lighter = shaped.shape.model_copy(update={"category_smoothing": smoothing})
    leaves = recipe.smaller_leaves(shaped.shape, len(sample.label))
    shapes = [lighter, *(_with_leaf(lighter, size) for size in leaves)]
    return min([shaped, *(_trial(sample, shape, recipe) for shape in shapes)], key=_loss_of)


def _shaped(sample: _Sample, recipe: Recipe) -> _Trial:
    """Return the best trial of all shapes, of the best of them with smaller leaves, and of the others with such as did better.

    A group that only small leaves can part is hidden from every shape at first, so which of them was best then says little.
    """
    trials = [_trial(sample, shape, recipe) for shape in recipe.shape]
    first = min(trials, key=_loss_of)
    sizes = recipe.smaller_leaves(first.shape, len(sample.label))
    trials += [_trial(sample, _with_leaf(first.shape, size), recipe) for size in sizes]
    best = min(trials, key=_loss_of)
    size = recipe.leaf_of(best.shape)
    if _is_few(sample, recipe) and size in recipe.smaller_leaf_of_few:
        others = [shape for shape in recipe.shape if shape != first.shape]
        trials += [_trial(sample, _with_leaf(shape, size), recipe) for shape in others]
    return min(trials, key=_loss_of)


def _loss_of(trial: _Trial) -> float:
    return trial.loss


def _with_leaf(shape: Shape, size: int) -> Shape:
    """Return a shape with leaves of another size."""
    return shape.model_copy(update={"smallest_leaf": size})


def _has_rare_values(sample: _Sample, recipe: Recipe) -> bool:
    """Tell whether there are few cases, and a category has more values than split off one at a time."""
    values = sample.lesson.matrix.categories.values()
    has_many = any(len(each) > recipe.few_categories for each in values)
    return has_many and _is_few(sample, recipe)


def _is_few(sample: _Sample, recipe: Recipe) -> bool:
    return len(sample.label) <= recipe.few_cases


def _directed(sample: _Sample, trial: _Trial, recipe: Recipe) -> tuple[_Trial, Directions | None]:
    """Return a trial, or the best without the declared directions where these lose more than chance can explain.

    A shape that was best under directions that do not hold need not be so without them, so of few cases all are tried anew.
    """
    if not any(_constraints(sample.lesson)):
        return trial, None
    freed = sample.without_directions()
    free = _trial(freed, trial.shape, recipe)
    if not _loses_more(sample, trial, free):
        return trial, Directions(True, trial.loss, free.loss)
    if _is_few(sample, recipe):
        free = _best_trial(freed, recipe)
    return free, Directions(False, trial.loss, free.loss)


def _loses_more(sample: _Sample, trial: _Trial, other: _Trial) -> bool:
    """Tell whether a trial's mean log-loss on unseen cases is above another's by more than the standard error of the difference.

    A declared direction is knowledge that the labels do not have, so it takes more than a coin's toss to drop it.
    """
    return clearly_less(_log_losses(sample, other), _log_losses(sample, trial), errors=1.0)


def _log_losses(sample: _Sample, trial: _Trial) -> Floats:
    """Return the log-loss of each case that a fold holds, after a trial's best round."""
    unseen = trial.trials.unseen(sample.lesson.matrix, trial.trials.rounds, raw=True)
    was_held = ~np.isnan(unseen)
    raw = unseen[was_held]
    return log_losses(raw, sample.label[was_held])


def _trial(sample: _Sample, shape: Shape, recipe: Recipe, watch: Watch = unwatched) -> _Trial:
    """Return one shape with a model for each fold, and the number of rounds at which their loss was least."""
    parameters = _parameters(sample, shape, recipe)
    binned = sample.binned(parameters)
    trials = trials_of(
        binned, parameters, most=recipe.most_rounds, patience=recipe.patience, watch=watch
    )
    return _Trial(shape, binned.whole, parameters, trials)
