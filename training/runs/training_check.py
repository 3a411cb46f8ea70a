"""The training proof: a model learns from what was known on each case's own day, and the test teaches nothing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from features.engine.engine import Engine
from features.engine.matrices import matrix_of_cases
from features.store.store import Store
from models.bundle.bundle import Parts
from training.certificate.compare import Moved, differing, greater_moves
from training.certificate.split_check import parts_read
from training.data.cases import BOTH, TEST, TRAIN, Bystanders, TargetCases, target_split
from training.data.dataset import Dataset
from training.data.day_cases import ON_DAYS
from training.data.labels import SUBJECT, Codes, first_days
from training.data.recipe import Recipe
from training.data.unit_folds import folds_by_unit, in_fold

SAMPLE = 24
"""Cases of each part that are computed again one by one: each costs about as much as a score."""
OF_A_CLASS = 600
"""Training cases of a class, and test cases, that a model is learned from twice: a trial, so a few seconds suffice."""
ROUNDS = 30
"""Trees of such a model: one that learns from the test shows it in the first."""
Learning = Callable[[Dataset, Recipe], Parts]
"""What makes of a data set all that a bundle keeps."""


def training_faults(
    store: Store, whole: Dataset, recipe: Recipe, learning: Learning
) -> dict[str, int]:
    """Return by kind how much is wrong with the data set that a model learns from, and with how it learns.

    `days`: cases that look from another day than their own; `parts`: cases that stand in another part than the split says;
    `matrix`: features of sampled cases, each asked alone on its own day, that are not those of the matrix; `test teaches`:
    what a bundle keeps that moves when all that the test knows is altered.
    """
    # bystanders weigh and calibrate what a bundle keeps, so they are looked at as the cases are
    both = [whole, *_bystanders_alone(whole)]
    counts = {
        "days": sum(_other_days(store, each) for each in both),
        "parts": sum(_other_parts(each) for each in both),
        "matrix": sum(len(unlike_alone(store, each)) for each in both),
        "test teaches": len(moved_by_the_test(whole, recipe, learning)),
    }
    return {kind: count for kind, count in counts.items() if count}


def _bystanders_alone(whole: Dataset) -> list[Dataset]:
    """Return the bystanders as a data set of their own, where there are any."""
    beside = whole.bystanders
    if beside is None:
        return []
    return [replace(whole, matrix=beside.matrix, cases=beside.cases, bystanders=None)]


def _other_days(store: Store, whole: Dataset) -> int:
    """Return how many cases, or rows of their matrix, look from another day than their own, or from one that knew the outcome."""
    cases = whole.cases
    texts = np.array(store.texts(SUBJECT[whole.target.unit]), np.str_)
    is_other = (whole.matrix.as_of != cases.as_of) | (whole.matrix.keys != texts[cases.subject])
    is_other |= cases.as_of != _own_days(store, whole)
    is_other |= cases.told <= cases.as_of
    return int(is_other.sum())


def _own_days(store: Store, whole: Dataset) -> Codes:
    """Return the day from which each case should look: a claim's first, the eve of a visit, or the day declared."""
    cases = whole.cases
    if whole.target.unit in ON_DAYS:
        return cases.day
    if whole.target.unit == "inspection":
        return cases.day - 1
    rows = store.all_rows("claims", ("claim", "known"))
    return first_days(cases.subject, rows["claim"], rows["known"])


def _other_parts(whole: Dataset) -> int:
    """Return how many cases stand in another part than the split says, or train though they should not."""
    target = whole.target
    if target.judged is not None:
        return int((~whole.in_folds()).sum())
    gap = target.horizon if target.unit in ON_DAYS else 0
    expected = parts_read(whole.cases.day, target_split(target), gap)
    is_other = (expected != whole.cases.part) | (whole.taught() != (expected == TRAIN))
    return int(is_other.sum())


def sampled(whole: Dataset, seed: int) -> NDArray[np.int64]:
    """Return the places of SAMPLE cases of each part, drawn by a seed."""
    draw = np.random.default_rng(seed)
    places = []
    for part in (TRAIN, TEST, BOTH):
        of_part = np.flatnonzero(whole.cases.part == part)
        places.append(draw.permutation(of_part)[:SAMPLE])
    return np.sort(np.concatenate(places))


def unlike_alone(store: Store, whole: Dataset, seed: int = 1) -> dict[str, Moved]:
    """Return by feature what of sampled cases differs between the matrix and each case asked alone on its own day."""
    places = sampled(whole, seed)
    engine = Engine(store, whole.catalogue)
    moves: dict[str, Moved] = {}
    for place in places.tolist():
        row = whole.matrix.row(place)
        key = str(row.keys[0])
        day = whole.cases.as_of[[place]]
        alone = matrix_of_cases(engine, row.entity, [key], day)
        same_columns = alone.columns(row.names)
        moves = greater_moves(moves, differing(same_columns, row))
    return moves


def moved_by_the_test(whole: Dataset, recipe: Recipe, learning: Learning) -> list[str]:
    """Return what of a bundle moves when labels, counts and features of the test are altered: nothing may.

    A small model is learned twice in the very way in which the bundle was made. Judged by groups, the cases that the first
    fold holds back are its test.
    """
    if whole.in_folds().any():
        first = folds_by_unit(whole, recipe)[0]
        whole = in_fold(whole, first)
    few = _few_of(whole, recipe.seed)
    quick = _quick(recipe)
    before = _kept(learning(few, quick))
    after = _kept(learning(_other_test(few), quick))
    return [name for name in before if before[name] != after[name]]


def _kept(parts: Parts) -> dict[str, object]:
    """Return what a bundle keeps to score with."""
    return {
        "model": parts.any_text,
        "model of the number": (parts.count_text, parts.number),
        "calibration": parts.calibration,
        "features": parts.features,
        "day": parts.as_of,
    }


def _few_of(whole: Dataset, seed: int) -> Dataset:
    """Return a data set of at most OF_A_CLASS training cases of each class and as many test cases, in their order."""
    draw = np.random.default_rng(seed)
    cases = whole.cases
    trains = whole.taught()
    groups = [trains & (cases.label == 1), trains & (cases.label == 0), whole.tested() & ~trains]
    places = [draw.permutation(np.flatnonzero(group))[:OF_A_CLASS] for group in groups]
    few = _taken(whole, np.sort(np.concatenate(places)))
    return replace(few, bystanders=_few_bystanders(whole.bystanders, draw))


def _few_bystanders(bystanders: Bystanders | None, draw: np.random.Generator) -> Bystanders | None:
    """Return at most OF_A_CLASS of the bystanders."""
    if bystanders is None:
        return None
    rows = np.sort(draw.permutation(len(bystanders))[:OF_A_CLASS])
    return Bystanders(bystanders.matrix.take(rows), bystanders.cases.take(rows))


def _taken(whole: Dataset, places: Codes) -> Dataset:
    return whole.take(places)


def _quick(recipe: Recipe) -> Recipe:
    """Return a recipe of few trees, one shape and one size of leaves."""
    rounds = min(ROUNDS, recipe.most_rounds)
    changes = {
        "most_rounds": rounds,
        "least_rounds": min(recipe.least_rounds, rounds),
        "shape": recipe.shape[:1],
        "smaller_leaf": recipe.smallest_leaf,
        "few_cases": 0,
        "lighter_smoothing": recipe.category_smoothing,
    }
    return recipe.model_copy(update=changes)


def _other_test(whole: Dataset) -> Dataset:
    """Return the data set with other labels, counts, looks and features of its test cases."""
    tests = whole.cases.part == TEST
    places = np.flatnonzero(tests)
    names = whole.matrix.names
    values = whole.matrix.values.copy()
    values[places] = values[places[::-1]]
    # sums and means of the test move too; a category keeps to the places that it has
    is_number = np.array([name not in whole.matrix.categories for name in names])
    values[np.ix_(tests, is_number)] *= 3.0
    return replace(
        whole,
        matrix=replace(whole.matrix, values=values),
        cases=_other_outcomes(whole.cases, tests),
    )


def _other_outcomes(cases: TargetCases, rows: NDArray[np.bool_]) -> TargetCases:
    """Return cases with the opposite label in some rows, a label where there was none, and other counts."""
    opposite = np.where(np.isnan(cases.label), 1.0, 1.0 - cases.label)
    label = np.where(rows, opposite, cases.label)
    count = np.where(rows, label * 7, cases.count)
    return replace(
        cases,
        label=label,
        count=count,
        random_label=np.where(rows, np.nan, cases.random_label),
        inclusion=np.where(rows, np.nan, cases.inclusion),
    )
