"""Laws of a fit: the same cases give the same model, unseen outputs are unseen, probabilities fit."""

from __future__ import annotations

import numpy as np
import pytest

from features.errors import TargetError
from features.matrix import Matrix
from training.data.cases import TRAIN, TargetCases
from training.data.folds import Fold, folds_of, parts_by_key
from training.data.recipe import Recipe, recipe_of
from training.evaluation.discrimination import auc, sort_by_score
from training.models.fit import Lesson, fit_any

FEW = {"most_rounds": 40, "folds": 3, "smallest_leaf": 10}


def drawn(cases: int = 900, seed: int = 2) -> tuple[Matrix, np.ndarray, np.ndarray]:
    generator = np.random.default_rng(seed)
    values = np.column_stack(
        [
            generator.normal(size=cases),
            generator.normal(size=cases),
            generator.integers(0, 3, cases).astype(float),
        ]
    )
    margin = values[:, 0] - 1 + (values[:, 2] == 2)
    label = (generator.random(cases) < 1 / (1 + np.exp(-margin))).astype(np.float64)
    count = np.where(label == 1, 1 + generator.poisson(np.exp(1 + 0.5 * values[:, 1])), 0.0)
    values[generator.random(cases) < 0.1, 1] = np.nan
    keys = np.array([f"e{i % (cases // 2):04d}" for i in range(cases)])
    matrix = Matrix(
        "enterprise",
        keys,
        np.full(cases, 16000, np.int32),
        ("size", "delay", "sector"),
        values,
        {"sector": ("A", "B", "C")},
    )
    return matrix, label, count


def few() -> Recipe:
    return recipe_of(FEW)


def by_key(matrix: Matrix, recipe: Recipe, **directions: int) -> Lesson:
    part = parts_by_key(matrix.keys, recipe.folds, recipe.seed)
    return Lesson(
        matrix, [Fold(part != place, part == place) for place in range(recipe.folds)], directions
    )


def on_days(label: np.ndarray, day: np.ndarray) -> TargetCases:
    number, nothing = np.arange(len(label)), np.full(len(label), np.nan)
    return TargetCases(
        number,
        day,
        day,
        number.astype(np.str_),
        np.full(len(label), TRAIN, np.int8),
        label,
        nothing,
        nothing,
        nothing,
        np.ones(len(label)),
        day,
        day,
    )


def test_the_same_cases_give_the_same_bytes() -> None:
    matrix, label, _ = drawn()
    first, again = (fit_any(by_key(matrix, few()), label, few()) for _ in range(2))
    assert first.text == again.text and first.unseen.tobytes() == again.unseen.tobytes()


def test_an_output_does_not_move_when_its_own_keys_labels_are_flipped() -> None:
    """Rounds are chosen over all folds, so one shape and one round keep this exact."""
    matrix, label, _ = drawn()
    recipe = recipe_of({**FEW, "shape": [{"leaves": 7}], "most_rounds": 1, "least_rounds": 1})
    flipped = label.copy()
    own = matrix.keys == matrix.keys[7]
    flipped[own] = 1 - flipped[own]
    lesson = by_key(matrix, recipe)
    before, after = (fit_any(lesson, told, recipe).unseen for told in (label, flipped))
    held = next(fold.held for fold in lesson.folds if fold.held[7])
    assert (before[held] == after[held]).all()
    assert (before[~held] != after[~held]).any()


def test_cases_of_one_key_share_a_part_in_any_order() -> None:
    keys = np.array(["b", "a", "b", "c", "a", "d"])
    part = parts_by_key(keys, 3, 1)
    assert part[0] == part[2] and part[1] == part[4] and set(part.tolist()) == {0, 1, 2}
    assert (parts_by_key(keys[::-1], 3, 1) == part[::-1]).all()


def test_a_trial_model_is_asked_only_of_days_a_gap_after_those_it_learned_from() -> None:
    label, day = np.tile([0.0, 1.0], 300), np.arange(600) // 2
    folds = folds_of(day.astype(np.str_), on_days(label, day), few(), 30)
    assert len(folds) == 3
    for fold in folds:
        assert day[fold.held].min() - day[fold.seen].max() == 30
    assert (
        np.sum([fold.held for fold in folds], axis=0).tolist() == (day >= 150).astype(int).tolist()
    )


def test_where_earlier_days_teach_too_little_the_folds_part_by_key() -> None:
    label, day = np.tile([0.0, 1.0], 300), np.arange(600) // 2
    for cases, gap in ((on_days(label, np.zeros(600, np.int64)), 0), (on_days(label, day), 400)):
        folds = folds_of(day.astype(np.str_), cases, few(), gap)
        assert (np.sum([fold.held for fold in folds], axis=0) == 1).all()
        assert not any((fold.seen & fold.held).any() for fold in folds)


def test_a_model_learns_what_is_there() -> None:
    matrix, label, _ = drawn()
    unseen = fit_any(by_key(matrix, few()), label, few()).unseen
    assert (auc(sort_by_score(label, unseen)) or 0) > 0.65


def test_a_declared_direction_is_kept_even_where_the_labels_say_otherwise() -> None:
    matrix, label, _ = drawn()
    places = np.linspace(-2, 2, 41)
    line = np.column_stack([places, np.zeros(41), np.zeros(41)])
    fits = {sign: fit_any(by_key(matrix, few(), size=sign), label, few()) for sign in (1, -1)}
    learned = {sign: fit.model.predict(line, raw_score=True) for sign, fit in fits.items()}
    assert (np.diff(learned[1]) >= 0).all() and (np.diff(learned[-1]) <= 0).all()
    assert learned[1][-1] - learned[1][0] > 0.3


def test_too_few_of_either_class_is_one_clear_line() -> None:
    matrix = drawn(100)[0]
    with pytest.raises(TargetError, match="got 3 with and 97 without"):
        fit_any(by_key(matrix, few()), (np.arange(100) < 3).astype(np.float64), few())
    with pytest.raises(TargetError, match="got 100 with and 0 without"):
        fit_any(by_key(matrix, few()), np.ones(100), few())


def test_a_choice_that_the_recipe_does_not_know_is_named() -> None:
    with pytest.raises(TargetError, match=r"target\.workers\.fit\.leafs"):
        recipe_of({"leafs": 3}, target="workers")
    with pytest.raises(TargetError, match=r"rate: .*less than or equal to 1"):
        recipe_of({"rate": 3})
