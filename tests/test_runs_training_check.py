"""Laws of the training proof: a matrix of other days and a model that knows the test are caught, honest training is not."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from features.engine.matrices import matrix_of_cases
from features.store.opening import open_store
from features.store.store import Store
from models.bundle.bundle import Parts
from tests.test_runs_train import TOML, drawn_city
from training.data.cases import TEST, TRAIN
from training.data.dataset import Dataset, dataset
from training.data.recipe import Recipe, recipe_of
from training.models.calibrate import calibrated
from training.runs.train import parts_learned, trained_from
from training.runs.training_check import moved_by_the_test, training_faults, unlike_alone

QUICK = {"most_rounds": 20, "folds": 3, "smallest_leaf": 10, "shape": [{"leaves": 4}]}


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory, hand_source: Callable[..., Path]) -> Any:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LSSI_HOME", str(tmp_path_factory.mktemp("home")))
        yield open_store(hand_source(tmp_path_factory.mktemp("city"), drawn_city(200, 600), TOML))


@pytest.fixture(scope="module")
def whole(store: Store) -> Dataset:
    return dataset(store, "visits", seed=1)


def recipe(**changes: object) -> Recipe:
    return recipe_of({**QUICK, **changes})


def later(store: Store, whole: Dataset, days: int) -> Dataset:
    """Return the data set with the features of some days after each case, under the days of the cases."""
    matrix = whole.matrix
    asked = np.minimum(matrix.as_of.astype(np.int64) + days, store.complete_to)
    ahead = matrix_of_cases(store, matrix.entity, matrix.keys.tolist(), asked)
    return replace(whole, matrix=replace(ahead, as_of=matrix.as_of))


@pytest.mark.parametrize("changes", [{}, {"ridge": 1.0}, {"directions": False}, {"folds": 4}])
def test_honest_training_raises_no_alarm(
    store: Store, whole: Dataset, changes: dict[str, object]
) -> None:
    assert training_faults(store, whole, recipe(**changes), parts_learned) == {}


def test_the_order_of_the_cases_and_a_narrower_population_raise_no_alarm(
    store: Store, whole: Dataset
) -> None:
    for rows in (
        np.arange(len(whole.cases))[::-1],
        np.flatnonzero(whole.matrix.column("complaints_all") > 0),
    ):
        some = replace(whole, matrix=whole.matrix.take(rows), cases=whole.cases.take(rows))
        assert training_faults(store, some, recipe(), parts_learned) == {}


def test_features_of_days_after_a_case_are_caught_whatever_day_they_bear(
    store: Store, whole: Dataset
) -> None:
    assert len(unlike_alone(store, later(store, whole, 30))) > 3
    assert len(unlike_alone(store, later(store, whole, 2))) > 0
    matrix = replace(whole.matrix, as_of=whole.matrix.as_of + 1)
    said = training_faults(store, replace(whole, matrix=matrix), recipe(), parts_learned)
    assert said["days"] == len(whole.cases)


def test_cases_that_look_from_another_day_or_stand_in_another_part_are_counted(
    store: Store, whole: Dataset
) -> None:
    cases = replace(whole.cases, as_of=whole.cases.as_of + 1)
    said = training_faults(store, replace(whole, cases=cases), recipe(), parts_learned)
    assert said["days"] == len(whole.cases)
    part = whole.cases.part.copy()
    moved = np.flatnonzero(part == TEST)[:7]
    part[moved] = TRAIN
    misplaced = replace(whole, cases=replace(whole.cases, part=part))
    assert training_faults(store, misplaced, recipe(), parts_learned)["parts"] == 7


def calibrated_on_the_test(whole: Dataset, recipe: Recipe) -> Parts:
    trained = trained_from(whole, recipe)
    tested = whole.cases.take(whole.tested() & ~np.isnan(whole.cases.label))
    raw = trained.learned.raw(whole.matrix.take(whole.tested() & ~np.isnan(whole.cases.label)))
    one_fold = np.zeros(len(raw), np.int64)
    calibration = calibrated(raw, tested.label, one_fold).calibration
    return replace(parts_learned(whole, recipe), calibration=calibration)


def taught_by_the_test(whole: Dataset, recipe: Recipe) -> Parts:
    part = np.where(np.isnan(whole.cases.label), whole.cases.part, TRAIN).astype(np.int8)
    return parts_learned(replace(whole, cases=replace(whole.cases, part=part)), recipe)


def scaled_by_the_test(whole: Dataset, recipe: Recipe) -> Parts:
    """Return what a bundle keeps where a feature is told relative to the mean of all cases, the test's among them."""
    values = whole.matrix.values.copy()
    column = whole.matrix.names.index("complaints_all")
    values[:, column] /= 1.0 + np.nanmean(values[whole.tested(), column])
    return parts_learned(replace(whole, matrix=replace(whole.matrix, values=values)), recipe)


@pytest.mark.parametrize(
    ("learning", "moved"),
    [
        (calibrated_on_the_test, "calibration"),
        (taught_by_the_test, "model"),
        (scaled_by_the_test, "model"),
        (parts_learned, None),
    ],
)
def test_a_model_or_calibration_that_knows_the_test_is_caught(
    whole: Dataset, learning: Callable[[Dataset, Recipe], Parts], moved: str | None
) -> None:
    said = moved_by_the_test(whole, recipe(), learning)
    assert (moved in said) if moved else said == []


def test_bystanders_that_look_from_another_day_are_caught_and_honest_ones_are_not(
    store: Store,
) -> None:
    whole = dataset(store, "visits", seed=1, bystanders=120)
    assert whole.bystanders is not None
    assert training_faults(store, whole, recipe(), parts_learned) == {}
    ahead = later(store, replace(whole, matrix=whole.bystanders.matrix), 30).matrix
    moved = replace(whole, bystanders=replace(whole.bystanders, matrix=ahead))
    assert training_faults(store, moved, recipe(), parts_learned).keys() == {"matrix"}
