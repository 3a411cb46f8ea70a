"""Laws of the kernel: LightGBM's own contributions, for every kind of split and tree, whatever the batch."""

from __future__ import annotations

from typing import Any

import lightgbm
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from features.errors import BundleError
from models.bundle.forest import forest_of, rule_of
from models.explain.lanes import LANES
from models.explain.shap_kernel import BLOCK, NARROW, contributions

ROWS = 900


def noise(seed: int, *, missing: float = 0.1) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Six numbers, of which one is mostly zero, and two categories of 45 and 3, with gaps."""
    draw = np.random.default_rng(seed)
    values = draw.normal(size=(ROWS, 8))
    values[:, 5] *= draw.random(ROWS) < 0.3
    values[:, 6], values[:, 7] = draw.integers(0, 45, ROWS), draw.integers(0, 3, ROWS)
    values[draw.random(values.shape) < missing] = np.nan
    return values


def grown(trees: int = 20, *, missing: float = 0.1, **choices: Any) -> lightgbm.Booster:
    """A booster on noise in which all columns matter."""
    values = noise(1, missing=missing)
    filled = np.nan_to_num(values)
    label = (
        filled[:, 0] * filled[:, 1]
        + filled[:, 2] * (filled[:, 6] % 2)
        + filled[:, 5]
        + (filled[:, 7] == 1)
        > 0.3
    )
    table = lightgbm.Dataset(values, label, categorical_feature=[6, 7], params={"verbosity": -1})
    usual = {
        "objective": "binary",
        "num_leaves": 31,
        "min_data_in_leaf": 5,
        "min_data_per_group": 5,
        "cat_smooth": 1,
        "verbosity": -1,
        "num_threads": 1,
        "seed": 1,
        "deterministic": True,
        "force_row_wise": True,
    } | choices
    return lightgbm.train(usual, table, trees)


def strange_rows() -> np.ndarray[Any, np.dtype[np.float64]]:
    """Rows that training never saw: infinities, zeros, unseen, negative, fractional and huge categories."""
    values = noise(2)
    values[0], values[1], values[2], values[3] = np.inf, -np.inf, 0.0, np.nan
    values[4:14, 6] = [44, 45, 63, 64, 1e6, 1e12, 1e300, -1, -0.5, 2.7]
    values[14:18, 5] = [1e-36, -1e-36, 1e-34, -0.0]
    values[18, 6:] = np.inf
    return values


def agree(booster: lightgbm.Booster) -> None:
    rows = strange_rows()
    oracle = np.asarray(booster.predict(rows, pred_contrib=True, num_threads=1))
    forest = forest_of(booster.model_to_string())
    found = contributions(forest, rows)
    assert np.abs(found - oracle[:, :-1]).max() < 1e-10
    assert forest.base == pytest.approx(oracle[0, -1], abs=1e-12)
    raw = booster.predict(rows, raw_score=True, num_threads=1)
    assert np.abs(forest.base + found.sum(axis=1) - raw).max() < 1e-9


@pytest.mark.parametrize(
    "choices",
    [
        {},
        {"max_cat_to_onehot": 64},
        {"zero_as_missing": True},
        {"use_missing": False},
        {"num_leaves": 2},
        {"num_leaves": 200, "min_data_in_leaf": 1, "min_sum_hessian_in_leaf": 0},
        {"max_depth": 3},
        {"boosting": "rf", "bagging_freq": 1, "bagging_fraction": 0.7},
        {"boosting": "dart"},
        {"extra_trees": True},
        {"objective": "poisson"},
        {"bagging_freq": 1, "bagging_fraction": 0.3},
    ],
    ids=str,
)
def test_contributions_equal_those_of_lightgbm(choices: dict[str, Any]) -> None:
    agree(grown(**choices))


def test_training_without_gaps_and_a_gap_in_scoring_agree() -> None:
    agree(grown(missing=0.0))


def test_trees_that_split_on_one_feature_alone_agree() -> None:
    agree(grown(feature_fraction=0.01, num_leaves=60, min_data_in_leaf=2))


def test_a_model_without_a_split_is_its_base() -> None:
    booster = grown(trees=3, min_data_in_leaf=10_000)
    forest = forest_of(booster.model_to_string())
    assert (contributions(forest, noise(2)) == 0).all()
    assert forest.base == pytest.approx(booster.predict(noise(2)[:1], raw_score=True)[0], abs=1e-12)


def test_a_leaf_that_no_training_case_reached_still_adds_up() -> None:
    text = grown(trees=2).model_to_string()
    counts = next(line for line in text.splitlines() if line.startswith("leaf_count="))
    emptied = text.replace(counts, " ".join(["leaf_count=0", "0", *counts.split()[2:]]), 1)
    booster, rows = lightgbm.Booster(model_str=text), strange_rows()
    forest = forest_of(emptied)
    found = contributions(forest, rows)
    assert np.isfinite(found).all()
    spread = found.sum(axis=1) - booster.predict(rows, raw_score=True)
    assert np.ptp(spread) < 1e-9


@pytest.mark.parametrize(
    "rows", [1, 2, NARROW, NARROW + 1, LANES, LANES + 1, 100, BLOCK, BLOCK + 1, ROWS]
)
def test_bytes_depend_neither_on_the_batch_nor_on_the_threads(rows: int) -> None:
    forest = forest_of(grown(num_leaves=63, min_data_in_leaf=2).model_to_string())
    values = strange_rows()
    whole = contributions(forest, values)
    assert contributions(forest, values[:rows], threads=2).tobytes() == whole[:rows].tobytes()
    parts = [contributions(forest, values[place : place + rows]) for place in range(0, ROWS, rows)]
    assert np.concatenate(parts).tobytes() == whole.tobytes()


@settings(max_examples=25, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    leaves=st.sampled_from([2, 3, 7, 31, 120]),
    least=st.sampled_from([1, 5, 40]),
    choices=st.sampled_from(
        [
            {},
            {"max_cat_to_onehot": 64},
            {"zero_as_missing": True},
            {"use_missing": False},
            {"feature_fraction": 0.3},
            {"boosting": "rf", "bagging_freq": 1, "bagging_fraction": 0.6},
        ]
    ),
    rows=st.integers(1, 2 * LANES + 1),
)
def test_few_rows_have_the_bytes_of_many_and_the_contributions_of_lightgbm(
    seed: int, leaves: int, least: int, choices: dict[str, Any], rows: int
) -> None:
    booster = grown(5, num_leaves=leaves, min_data_in_leaf=least, seed=seed, **choices)
    forest = forest_of(booster.model_to_string())
    values = strange_rows()[:60]
    many = contributions(forest, values)
    for first in range(0, len(values), rows):
        few = contributions(forest, values[first : first + rows])
        assert few.tobytes() == many[first : first + rows].tobytes()
    oracle = np.asarray(booster.predict(values, pred_contrib=True, num_threads=1))
    assert np.abs(many - oracle[:, :-1]).max() < 1e-9


def test_no_rows_have_no_contributions() -> None:
    assert contributions(forest_of(grown(trees=2).model_to_string()), np.empty((0, 8))).shape == (
        0,
        8,
    )


def test_the_quadrature_is_exact_for_polynomials_of_its_degree() -> None:
    places, weights = rule_of(6)
    for size in range(1, 7):
        t, w = places[size, :size], weights[size, :size]
        exact = [abs((w * t**power).sum() - 1 / (power + 1)) for power in range(2 * size)]
        assert max(exact) < 1e-15 and abs((w * t ** (2 * size)).sum() - 1 / (2 * size + 1)) > 1e-12


def test_linear_leaves_are_refused() -> None:
    text = grown(trees=1).model_to_string().replace("is_linear=0", "is_linear=1")
    with pytest.raises(BundleError, match="linear leaves"):
        forest_of(text)
