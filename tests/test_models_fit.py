"""Laws of a fit: the same cases give the same model, unseen outputs are unseen, probabilities fit."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from lightgbm import LGBMClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_val_score

from features.errors import TargetError
from features.matrix import Matrix
from models.bundle.booster import margins
from training.data.cases import TRAIN, TargetCases
from training.data.folds import Fold, ForwardSplit, folds_of, parts_by_key
from training.data.recipe import Recipe, recipe_of
from training.evaluation.discrimination import auc, sort_by_score
from training.models.fit import Lesson, fit_any, refit, taught_like
from training.models.trials import binned_of, dataset_of, trials_of

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


def test_scikit_learn_takes_the_forward_split_as_one_of_its_own() -> None:
    matrix, label, _ = drawn(600)
    day = np.arange(600) // 2
    splitter = ForwardSplit(day, day + 5, n_splits=3, tried_on=0.5, gap=30)
    values = np.nan_to_num(matrix.values)
    losses = cross_val_score(LogisticRegression(), values, label, cv=splitter)
    assert len(losses) == splitter.get_n_splits() == 3
    for seen, held in splitter.split(values):
        assert day[seen].max() + 30 == day[held].min()
    late = ForwardSplit(day, day + 40, n_splits=3, tried_on=0.5, gap=0)
    for seen, held in late.split(values):
        assert day[seen].max() + 40 == day[held].min()


def test_where_earlier_days_teach_too_little_the_folds_part_by_key() -> None:
    label, day = np.tile([0.0, 1.0], 300), np.arange(600) // 2
    for cases, gap in ((on_days(label, np.zeros(600, np.int64)), 0), (on_days(label, day), 400)):
        folds = folds_of(day.astype(np.str_), cases, few(), gap)
        assert (np.sum([fold.held for fold in folds], axis=0) == 1).all()
        assert not any((fold.seen & fold.held).any() for fold in folds)


def test_trial_models_say_what_the_loss_was_told_of() -> None:
    """Not what each would say after its own best round, which the very cases held would have chosen."""
    matrix, label, _ = drawn(seed=5)
    # enough rounds and little patience, so that the best round of each fold is another
    recipe = recipe_of({**FEW, "most_rounds": 200, "patience": 10, "least_rounds": 1, "rate": 0.2})
    fit = fit_any(by_key(matrix, recipe), label, recipe)
    losses = np.logaddexp(0.0, fit.unseen) - label * fit.unseen
    assert fit.rounds < 200 and losses.mean() == pytest.approx(fit.loss, rel=1e-9)


def test_a_fold_trained_beside_others_gives_the_model_of_one_trained_alone() -> None:
    matrix, label, _ = drawn()
    parameters = few().lightgbm(few().shape[0], "binary")
    folds = by_key(matrix, few()).folds
    whole = dataset_of(matrix, label, parameters)
    together = trials_of(binned_of(whole, folds), parameters, most=25, patience=25)
    for fold, model in zip(folds, together.models, strict=True):
        alone = trials_of(binned_of(whole, [fold]), parameters, most=25, patience=25)
        assert model.model_to_string() == alone.models[0].model_to_string()


def test_a_model_learns_what_is_there() -> None:
    matrix, label, _ = drawn()
    unseen = fit_any(by_key(matrix, few()), label, few()).unseen
    assert (auc(sort_by_score(label, unseen)) or 0) > 0.65


def line_over(matrix: Matrix) -> np.ndarray:
    """Return rows that differ in their size alone, ascending."""
    return np.column_stack([np.linspace(-2, 2, 41), np.zeros(41), np.zeros(41)])


def test_a_direction_that_costs_nothing_binds_the_model() -> None:
    matrix, label, _ = drawn()
    fit = fit_any(by_key(matrix, few(), size=1), label, few())
    assert fit.directions is not None and fit.directions.bind
    learned = fit.model.predict(line_over(matrix), raw_score=True)
    assert (np.diff(learned) >= 0).all() and learned[-1] - learned[0] > 0.3


def test_a_direction_against_the_labels_is_dropped_and_both_losses_are_told() -> None:
    matrix, label, _ = drawn()
    recipe = recipe_of({**FEW, "shape": [{"leaves": 7}]})
    lesson = by_key(matrix, recipe, size=-1)
    fit = fit_any(lesson, label, recipe)
    assert fit.directions is not None and not fit.directions.bind
    assert fit.directions.loss_without < fit.directions.loss_with
    free = fit_any(by_key(matrix, recipe), label, recipe)
    assert free.directions is None and free.loss == fit.directions.loss_without
    assert of_trees(fit.text) == of_trees(free.text)
    again = refit(lesson, label, fit, recipe)
    assert of_trees(again.model_to_string()) == of_trees(free.text)


def test_a_lesson_taught_like_a_fit_gives_its_very_trees() -> None:
    matrix, label, _ = drawn()
    lesson = by_key(matrix, few(), size=1)
    fit = fit_any(lesson, label, few())
    again = taught_like(lesson, label, fit, few())
    assert of_trees(again.model_to_string()) == of_trees(fit.text)


def of_trees(text: str) -> str:
    """Return the trees of a model's text, without the parameters that made them."""
    return text.partition("Tree=0")[2].partition("end of trees")[0]


def test_a_group_smaller_than_a_leaf_is_found_with_the_smaller_leaves_that_are_tried() -> None:
    """As a set of 1,000 claims had it: 39 cases of one kind, nearly all of them fraud."""
    generator = np.random.default_rng(6)
    kind = (np.arange(1000) % 25 == 0).astype(float)
    values = np.column_stack([generator.normal(size=1000), kind])
    label = (generator.random(1000) < np.where(kind == 1, 0.9, 0.05)).astype(np.float64)
    keys = np.array([f"c{number:04d}" for number in range(1000)])
    day = np.full(1000, 16000, np.int32)
    matrix = Matrix("claim", keys, day, ("amount", "kind"), values, {"kind": ("A", "B")})
    recipe = recipe_of({"most_rounds": 40, "shape": [{"leaves": 4}]})
    lesson = by_key(matrix, recipe)
    fit = fit_any(lesson, label, recipe)
    alone = recipe.model_copy(update={"smaller_leaf": recipe.smallest_leaf, "few_cases": 0})
    blind = fit_any(lesson, label, alone)
    assert (fit.shape.smallest_leaf, blind.shape.smallest_leaf) == (20, None)
    areas = [auc(sort_by_score(label, each.unseen)) or 0.0 for each in (fit, blind)]
    assert areas[0] > areas[1] + 0.1


@pytest.mark.parametrize("values", [30, 200])
def test_a_kind_of_few_cases_is_found_among_many_kinds(values: int) -> None:
    """Of 700 claims 28 are of one kind, and half of those are seen by a trial model; or 200 kinds have each their rate."""
    generator = np.random.default_rng(8)
    kind = generator.integers(1, values, 2700).astype(float)
    if values == 30:
        kind[generator.random(2700) < 0.04] = 0
        margin = np.where(kind == 0, 2.5, -2.8)
    else:
        margin = generator.normal(-2.0, 1.8, values)[kind.astype(int)]
    amount = generator.normal(size=2700)
    label = (generator.random(2700) < 1 / (1 + np.exp(-margin))).astype(np.float64)
    keys = np.array([f"c{number:04d}" for number in range(2700)])
    names = {"kind": tuple(f"k{number}" for number in range(values))}
    columns = np.column_stack([amount, kind])
    day = np.full(2700, 16000, np.int32)
    matrix = Matrix("claim", keys, day, ("amount", "kind"), columns, names)
    taught = np.arange(2700) < 700
    recipe = recipe_of({"most_rounds": 60})
    lesson = by_key(matrix.take(taught), recipe)
    blind = recipe.model_copy(
        update={"few_cases": 0, "lighter_smoothing": recipe.category_smoothing}
    )
    tested = columns[~taught]
    areas = []
    for each in (recipe, blind):
        fit = fit_any(lesson, label[taught], each)
        areas.append(auc(sort_by_score(label[~taught], margins(fit.model, tested))) or 0.0)
    plain = LGBMClassifier(n_jobs=1, verbosity=-1, random_state=1)
    plain.fit(columns[taught], label[taught], categorical_feature=[1])
    of_plain = plain.predict_proba(tested)[:, 1]
    assert areas[0] > areas[1] + 0.03
    assert areas[0] > (auc(sort_by_score(label[~taught], of_plain)) or 0.0)


def test_too_few_of_either_class_is_one_clear_line() -> None:
    matrix = drawn(100)[0]
    with pytest.raises(TargetError, match="got 3 with and 97 without"):
        fit_any(by_key(matrix, few()), (np.arange(100) < 3).astype(np.float64), few())
    with pytest.raises(TargetError, match="got 100 with and 0 without"):
        fit_any(by_key(matrix, few()), np.ones(100), few())
    # the claims of one person have a key each
    of_one_person = replace(by_key(matrix, few()), folds=())
    with pytest.raises(
        TargetError, match="the cases of one unit alone, or the claims of one person"
    ):
        fit_any(of_one_person, (np.arange(100) < 50).astype(np.float64), few())


def test_a_choice_that_the_recipe_does_not_know_is_named() -> None:
    with pytest.raises(TargetError, match=r"target\.workers\.fit\.leafs"):
        recipe_of({"leafs": 3}, target="workers")
    with pytest.raises(TargetError, match=r"rate: .*less than or equal to 1"):
        recipe_of({"rate": 3})


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"rate": "0.1"}, "fit.rate: should be a number without quotes"),
        ({"folds": True}, "fit.folds: should be a whole number .* got true"),
        ({"shape": [{"leaves": 7.0}]}, "fit.shape.0.leaves: should be a whole number .* got 7.0"),
        ({"directions": 1}, "fit.directions: should be true or false; got 1"),
    ],
)
def test_a_choice_of_another_kind_is_refused_and_not_converted(
    changes: dict[str, object], says: str
) -> None:
    with pytest.raises(TargetError, match=says):
        recipe_of(changes, target="w")
