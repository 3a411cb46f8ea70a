"""The number found: one model over all labelled cases, zeros included, of the share of what a unit has at stake."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import lightgbm
import numpy as np
from lightgbm import Booster, Dataset
from numpy.typing import NDArray

from features.contract.tables import contract
from features.ingest.source_toml import Target
from features.matrix import Matrix
from models.bundle.booster import predicted_means
from models.bundle.number import Correction, Number
from training.data.folds import Fold, folds_by_key
from training.data.recipe import Recipe, Shape
from training.models.size_classes import (
    COVERAGE,
    Unseen,
    bounded_reaches,
    deviance,
    levelled_untold,
    no_reaches,
    staff_corrections,
    untold_stake,
    with_reaches,
)
from training.models.trials import binned_of, dataset_of, trials_of

Floats = NDArray[np.float64]
STAFF = ("staff", "declared_last", "enrolled_pension", "contributors_last")
"""Features that tell how many work at a unit, the largest of which counts: each source misses some."""
WAGES = ("payroll_12m", "due_12m")
"""Features that tell a year's wages, which stand for what is at stake of amounts where no source knows the staff."""
EACH = {"persons": 1.0, "fen": 3.6e6}
"""What is at stake with each of the staff: a person, or a year's wages, 36,000 yuan; a choice.

Staff rather than wages: who owes contributions declares low wages too. On three simulated cities it had 2 to 10 % less loss.
"""
LEAST = {"persons": 1.0, "fen": 1e6}
"""What is at stake beside it, for units that no source knows staff or wages of: a person, or 10,000 yuan; a choice."""
FASTER = 2
"""How many times the recipe's learning rate is taken, with as many times fewer trees: more forms are tried in the time."""


@dataclass(frozen=True, slots=True)
class Form:
    """A way to learn a share: LightGBM's objective, and the power of what is at stake by which a case weighs.

    A share of many is known better than a share of few, yet the largest must not teach alone: so the power is below 1.
    """

    name: str
    objective: str
    weight: float
    choices: dict[str, float] = field(default_factory=dict)


SHARE = Form("share", "cross_entropy", 0.5)
FORMS = (
    Form("poisson", "poisson", 0.5),
    Form("tweedie", "tweedie", 0.5, {"tweedie_variance_power": 1.3}),
)
"""The forms that are tried; a share is tried where what is at stake is known. Powers were chosen on simulated cities."""


@dataclass(frozen=True, slots=True, eq=False)
class CountFit:
    """A model of the share found, its form and rounds, how its shares become numbers, and the loss of each form tried.

    `unseen`, float64 (n,), is the number that models which had not seen a case's unit expect; NaN where none is written.
    """

    model: Booster
    form: str
    rounds: int
    number: Number
    losses: dict[str, float]
    unseen: Floats

    @property
    def text(self) -> str:
        """The model in LightGBM's own text."""
        return str(self.model.model_to_string(num_iteration=-1))

    def expected(self, matrix: Matrix) -> Floats:
        """Return the expected number of a matrix with the training columns, float64 (n,)."""
        share = predicted_means(self.model, matrix.values)
        return self.number.expected(matrix.names, matrix.values, share)

    def interval(self, matrix: Matrix) -> tuple[Floats, Floats]:
        """Return the ends of the interval of each case's number, float64 (n,) each."""
        return self.number.interval(matrix.names, matrix.values, self.expected(matrix))


def unit_counted(target: Target) -> str:
    """Return the unit of what a target counts: persons or fen, "" where it counts nothing."""
    return contract()["findings"].column(target.count).kind if target.count else ""


@dataclass(frozen=True, slots=True, eq=False)
class _Cases:
    """The cases that teach, in an order that does not rest on that of the rows, and which row each was."""

    matrix: Matrix
    count: Floats
    at_stake: Floats
    folds: Sequence[Fold]
    rows: NDArray[np.int64]
    recipe: Recipe


@dataclass(frozen=True, slots=True, eq=False)
class _Tried:
    """A form, tried: its rounds, how its shares become numbers, the number told of each unseen case, and the loss of that."""

    form: Form
    rounds: int
    number: Number
    told: Floats
    loss: float


def fit_number(
    matrix: Matrix, count: Floats, recipe: Recipe, shape: Shape, *, unit: str
) -> CountFit | None:
    """Return a model of the number found, from every case whose number is written; None where too few found anything.

    It is None, too, where one fold of units holds all finds: whoever is asked about them would have seen none.
    The form is the one whose numbers, corrected by size, fit cases of unseen units best. The same cases give the
    same model in whatever order they stand.
    """
    number = _bounds(_number(matrix, unit), matrix, count)
    cases = _cases(matrix, count, number, recipe)
    is_find = cases.count > 0
    is_taught = [is_find[fold.seen].any() for fold in cases.folds]
    if is_find.sum() < recipe.least_counted or not is_taught or not all(is_taught):
        return None
    forms = (SHARE, *FORMS) if number.stake else FORMS
    tried = [_tried(cases, form, shape, number) for form in forms]
    best = min(tried, key=lambda each: each.loss)
    model = _trained(cases, best.form, shape, best.rounds)
    unseen = np.full(len(count), np.nan)
    unseen[cases.rows] = best.told
    losses = {each.form.name: each.loss for each in tried}
    return CountFit(model, best.form.name, best.rounds, best.number, losses, unseen)


def count_like(
    matrix: Matrix, count: Floats, like: CountFit, shape: Shape, recipe: Recipe
) -> CountFit | None:
    """Return what fewer cases teach in the form, rounds and corrections of another fit; None where none found anything."""
    cases = _cases(matrix, count, like.number, recipe)
    if not (cases.count > 0).any():
        return None
    forms = {form.name: form for form in (SHARE, *FORMS)}
    return replace(like, model=_trained(cases, forms[like.form], shape, like.rounds))


def _number(matrix: Matrix, unit: str) -> Number:
    """Return how a share becomes a number, from what the matrix tells, before anything is corrected."""
    staff = _named(STAFF, matrix) if unit in EACH else ()
    wages = _named(WAGES, matrix) if unit == "fen" else ()
    stake = staff or wages
    return Number(
        staff=_named(STAFF, matrix),
        stake=stake,
        each=EACH[unit] if staff else 1.0,
        unit=unit,
        least=LEAST[unit] if stake else 1.0,
        corrections=(Correction(staff=0.0, factor=1.0),),
        reaches=no_reaches(),
        coverage=COVERAGE,
    )


def _bounds(number: Number, matrix: Matrix, count: Floats) -> Number:
    """Return the number, bounded by what is at stake only where what was found bears it out.

    Whoever hides all of the staff is known to have none: of units without any, what visits found says what is at stake.
    """
    if not number.stake:
        return number
    rows = ~np.isnan(count)
    written = count[rows]
    names, values = matrix.names, matrix.values[rows]
    is_told = number.is_told(names, values)
    staff = number.staff_of(names, values)
    at_stake = number.at_stake(names, values)
    number = bounded_reaches(number, staff[is_told], written[is_told], at_stake[is_told])
    finds = written[~is_told & (written > 0)]
    if not (finds > number.least).any():
        return number
    return number.model_copy(update={"untold": untold_stake(finds, written[written > 0])})


def _named(names: tuple[str, ...], matrix: Matrix) -> tuple[str, ...]:
    """Return those of the names that a matrix has."""
    return tuple(name for name in names if name in matrix.names)


def _cases(matrix: Matrix, count: Floats, number: Number, recipe: Recipe) -> _Cases:
    """Return the cases whose number is written, by key, day and number: a tree's draws of rows rest on their order."""
    order = np.lexsort((count, matrix.as_of, matrix.keys))
    rows = order[~np.isnan(count[order])]
    some = matrix.take(rows)
    at_stake = number.at_stake(some.names, some.values)
    return _Cases(some, count[rows], at_stake, folds_by_key(some.keys, recipe), rows, recipe)


def _tried(cases: _Cases, form: Form, shape: Shape, number: Number) -> _Tried:
    """Return a form with the rounds at which its loss on unseen units was least, and what corrects its numbers."""
    parameters = _parameters(cases.recipe, form, shape)
    whole = _dataset(cases, form, parameters)
    trials = trials_of(
        binned_of(whole, cases.folds),
        parameters,
        most=cases.recipe.most_rounds // FASTER,
        patience=cases.recipe.patience // FASTER,
    )
    best = max(trials.rounds, cases.recipe.least_rounds // FASTER)
    # more cases bear more rounds: on the tests of three cities that lost less in 12 of 12 models than as many as were best
    seen = float(np.mean([fold.seen.sum() for fold in cases.folds]))
    rounds = round(best * len(cases.count) / seen)
    share = trials.unseen(cases.matrix, rounds, raw=False)
    return _judged(cases, form, rounds, share, number)


def _judged(cases: _Cases, form: Form, rounds: int, share: Floats, number: Number) -> _Tried:
    """Return a form with its corrections, its intervals, and the loss of its corrected numbers."""
    names = cases.matrix.names
    values = cases.matrix.values
    unseen = Unseen(
        staff=number.staff_of(names, values),
        told=share * cases.at_stake,
        count=cases.count,
        most=number.most(names, values),
        is_untold=_is_untold(number, cases),
    )
    changes: dict[str, object] = {"corrections": staff_corrections(unseen)}
    if number.untold is not None:
        changes["untold"] = levelled_untold(number.untold, unseen)
    number = number.model_copy(update=changes)
    expected = number.expected(names, values, share)
    loss = deviance(cases.count, expected)
    return _Tried(form, rounds, with_reaches(number, unseen, expected), expected, loss)


def _is_untold(number: Number, cases: _Cases) -> NDArray[np.bool_]:
    """Return which cases are of units that the number knows as untold."""
    if number.untold is None:
        return np.zeros(len(cases.count), np.bool_)
    return ~number.is_told(cases.matrix.names, cases.matrix.values)


def _trained(cases: _Cases, form: Form, shape: Shape, rounds: int) -> Booster:
    """Return a model of all cases."""
    parameters = _parameters(cases.recipe, form, shape)
    return lightgbm.train(parameters, _dataset(cases, form, parameters), rounds)


def _parameters(recipe: Recipe, form: Form, shape: Shape) -> dict[str, Any]:
    """Return LightGBM's parameters of a form, with larger steps than the recipe's."""
    parameters = recipe.lightgbm(shape, form.objective)
    parameters["learning_rate"] = min(1.0, FASTER * recipe.rate)
    return {**parameters, **form.choices}


def _dataset(cases: _Cases, form: Form, parameters: dict[str, Any]) -> Dataset:
    """Return the shares found with their weights, which come to the number of finds: so much do they tell."""
    share = cases.count / cases.at_stake
    if form is SHARE:
        share = np.minimum(share, 1.0)
    weight = cases.at_stake**form.weight
    weight *= (cases.count > 0).sum() / (weight * share).sum()
    return dataset_of(cases.matrix, share, parameters, weight)
