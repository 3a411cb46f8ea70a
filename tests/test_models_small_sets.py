"""On small sets of claims ours is nowhere worse than LightGBM as it comes by more than the chance of the test."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from lightgbm import LGBMClassifier
from numpy.typing import NDArray

from features.matrix import Matrix
from models.bundle.booster import margins
from tests.sample import sampled
from training.data.cases import TEST, unlabelled
from training.data.folds import folds_by_key
from training.data.recipe import recipe_of
from training.evaluation.paired import Exam, outcomes, worth
from training.models.fit import Lesson, fit_any

Values = NDArray[np.float64]
NUMBERS = 6
MANY, NOISE = 1_500, 4
"""Claims that judge, and numbers beside the six that tell nothing."""


class Claims:
    """Claims with numbers from 0 to 99, a kind of some values, and the log-odds of fraud by one of the ways below."""

    def __init__(self, seed: int, claims: int) -> None:
        self.draw = np.random.default_rng(seed)
        self.claims = claims
        self.numbers = self.draw.integers(0, 100, (claims, NUMBERS)).astype(float)
        self.kind = self.draw.integers(1, 26, claims).astype(float)
        self.directions: dict[str, int] = {}

    def one_kind(self) -> Values:
        """As of 1,000 claims 39 are of one kind, most of them fraud."""
        self.kind[self.draw.random(self.claims) < 0.039] = 0
        return np.where(self.kind == 0, 2.5, -3.0)

    def two_kinds(self) -> Values:
        self.kind = self.draw.integers(0, 40, self.claims).astype(float)
        return np.where(np.isin(self.kind, [3, 7]), 0.5, -2.5)

    def many_kinds(self) -> Values:
        self.kind = self.draw.integers(0, 200, self.claims).astype(float)
        rates = self.draw.normal(-2.0, 1.5, 200)
        return np.asarray(rates[self.kind.astype(int)])

    def wrongly_declared(self) -> Values:
        self.directions = {"n0": 1, "n1": 1}
        centred = self.numbers - 50
        return -2.4 - 0.03 * centred[:, 0] + 0.03 * centred[:, 1]

    def ties(self) -> Values:
        self.numbers //= 50
        return -2.5 + 1.5 * self.numbers[:, 0] + self.numbers[:, 1]

    def a_step(self) -> Values:
        return np.where(self.numbers[:, 0] > 90, 0.0, -3.0)

    def a_rare_flag(self) -> Values:
        self.numbers[:, 5] = self.draw.random(self.claims) < 0.03
        return -2.7 + 3 * self.numbers[:, 5]

    def a_sum(self) -> Values:
        weights = np.array([1, 1, 1, -1, -1, 0])
        return -2.4 + 0.02 * (self.numbers - 50) @ weights

    def nothing(self) -> Values:
        return np.full(self.claims, -2.0)

    def matrix(self) -> Matrix:
        """Return the features: the kind, the numbers, one that never varies, and noise."""
        constant = np.full(self.claims, 7.0)
        noise = self.draw.normal(size=(self.claims, NOISE))
        names = ["kind", *(f"n{place}" for place in range(NUMBERS)), "constant"]
        names += [f"noise{place}" for place in range(NOISE)]
        kinds = tuple(f"k{place}" for place in range(int(self.kind.max()) + 1))
        keys = np.array([f"c{place:05d}" for place in range(self.claims)])
        days = np.full(self.claims, 16_000, np.int32)
        values = np.column_stack([self.kind, self.numbers, constant, noise])
        return Matrix("claim", keys, days, tuple(names), values, {"kind": kinds})


WAYS: dict[str, Callable[[Claims], Values]] = {
    "one kind": Claims.one_kind,
    "two of forty kinds": Claims.two_kinds,
    "many kinds": Claims.many_kinds,
    "wrongly declared": Claims.wrongly_declared,
    "ties": Claims.ties,
    "a step": Claims.a_step,
    "a rare flag": Claims.a_rare_flag,
    "a sum": Claims.a_sum,
    "nothing": Claims.nothing,
}


@pytest.mark.parametrize(
    ("way", "taught"),
    sampled(((way, taught) for way in WAYS for taught in (500, 1_000)), kind=lambda case: case[1]),
)
def test_ours_is_no_worse_than_lightgbm_as_it_comes_by_more_than_chance(
    way: str, taught: int
) -> None:
    claims = Claims(seed=len(way), claims=taught + MANY)
    margin = WAYS[way](claims)
    chance = 1 / (1 + np.exp(-margin))
    label = (claims.draw.random(claims.claims) < chance).astype(np.float64)
    matrix = claims.matrix()
    teaches = np.arange(claims.claims) < taught
    lesson = matrix.take(teaches)
    ours = ours_of(lesson, label[teaches], claims.directions)
    plain = plain_of(lesson, label[teaches])
    asked = matrix.take(~teaches)
    answers = {"ours": [ours(asked.values)], "plain": [plain(asked.values)]}
    gain = gain_of(asked, label[~teaches], answers)
    assert gain["interval"][1] >= 0, gain


def ours_of(matrix: Matrix, label: Values, directions: dict[str, int]) -> Callable[[Values], Any]:
    recipe = recipe_of()
    lesson = Lesson(matrix, folds_by_key(matrix.keys, recipe), directions)
    model = fit_any(lesson, label, recipe).model
    return lambda values: margins(model, values)


def plain_of(matrix: Matrix, label: Values) -> Callable[[Values], Any]:
    model = LGBMClassifier(n_jobs=1, random_state=1, verbosity=-1)
    model.fit(matrix.values, label, categorical_feature=[0])
    return lambda values: model.predict(values, raw_score=True)


def gain_of(asked: Matrix, label: Values, answers: dict[str, list[Any]]) -> dict[str, Any]:
    """Return what ours gains in AUC over the other, with its 95 % interval over draws of claims."""
    places = np.arange(len(asked))
    part = np.full(len(asked), TEST, np.int8)
    bare = unlabelled(places, places, places, asked.keys, part)
    cases = replace(bare, label=label)
    judged = outcomes(
        Exam(cases, asked.keys, 0.1), answers, seed=1, advance=lambda _done, _of: None
    )
    return worth(judged["ours"], judged["plain"])["auc"]
