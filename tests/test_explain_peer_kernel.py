"""Laws of contributions against peers: the definition over all subsets, and the shap library as far as it goes."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from itertools import combinations
from math import factorial
from typing import Any

import lightgbm
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from features.errors import BundleError
from models.bundle.forest import forest_of
from models.explain import path_patterns
from models.explain.peer_kernel import ROWS, contributions_against

Floats = np.ndarray[Any, np.dtype[np.float64]]
FEATURES = 5


def cases(seed: int, rows: int) -> Floats:
    """Rows of four numbers, of which one is mostly zero, and a category of twelve, with gaps and codes never seen."""
    draw = np.random.default_rng(seed)
    values = draw.normal(size=(rows, FEATURES))
    values[:, 3] *= draw.random(rows) < 0.4
    values[:, 4] = draw.integers(-1, 14, rows)
    values[draw.random(values.shape) < 0.15] = np.nan
    return values


def grown(seed: int, **choices: Any) -> lightgbm.Booster:
    """A booster on 400 rows in which all columns matter; the last is a category unless `choices` say otherwise."""
    values = cases(seed, 400)
    filled = np.nan_to_num(values)
    label = (
        filled[:, 0] * filled[:, 1] + filled[:, 2] + (filled[:, 4] % 3 == 1) + filled[:, 3] > 0.4
    )
    categories = choices.pop("categories", [4])
    table = lightgbm.Dataset(
        values, label, categorical_feature=categories, params={"verbosity": -1}
    )
    usual = {
        "objective": "binary",
        "num_leaves": 15,
        "min_data_in_leaf": 3,
        "min_data_per_group": 3,
        "cat_smooth": 1,
        "verbosity": -1,
        "num_threads": 1,
        "seed": seed,
        "deterministic": True,
        "force_row_wise": True,
    }
    return lightgbm.train(usual | choices, table, 6)


def subsets() -> Iterator[tuple[int, ...]]:
    for size in range(FEATURES + 1):
        yield from combinations(range(FEATURES), size)


def by_definition(booster: lightgbm.Booster, rows: Floats, peers: Floats) -> Floats:
    """Return Shapley values of the mean raw score of the peers with some of their values replaced by the row's."""
    shares = np.zeros(rows.shape)
    for place, row in enumerate(rows):
        worth = {}
        for known in subsets():
            mixed = peers.copy()
            mixed[:, list(known)] = row[list(known)]
            worth[known] = booster.predict(mixed, raw_score=True, num_threads=1).mean()
        for feature in range(FEATURES):
            for known in subsets():
                if feature in known:
                    continue
                order = factorial(len(known)) * factorial(FEATURES - 1 - len(known))
                gain = worth[tuple(sorted((*known, feature)))] - worth[known]
                shares[place, feature] += gain * order / factorial(FEATURES)
    return shares


@settings(max_examples=12, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    peers=st.integers(1, 40),
    leaves=st.sampled_from([2, 3, 7, 31]),
    choices=st.sampled_from(
        [{}, {"max_cat_to_onehot": 64}, {"zero_as_missing": True}, {"use_missing": False}]
    ),
)
def test_contributions_equal_the_definition_over_all_subsets(
    seed: int, peers: int, leaves: int, choices: dict[str, Any]
) -> None:
    booster = grown(seed, num_leaves=leaves, **choices)
    rows, background = cases(seed + 1, 4), cases(seed + 2, peers)
    ours = contributions_against(forest_of(booster.model_to_string()), rows, background)
    assert np.abs(ours - by_definition(booster, rows, background)).max() < 1e-11


def of_the_library(booster: lightgbm.Booster, rows: Floats, peers: Floats) -> Floats:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import shap

        explainer = shap.TreeExplainer(
            booster, data=peers, feature_perturbation="interventional", model_output="raw"
        )
        return np.asarray(explainer.shap_values(rows, check_additivity=False))


@settings(max_examples=8, deadline=None)
@given(seed=st.integers(0, 10_000), peers=st.integers(2, 60))
def test_contributions_equal_those_of_the_shap_library(seed: int, peers: int) -> None:
    rows, background = cases(seed + 1, 20), cases(seed + 2, peers)
    booster = grown(seed, num_leaves=31, categories=[])
    ours = contributions_against(forest_of(booster.model_to_string()), rows, background)
    # the library itself misses the definition by about 1e-8, and ours by 1e-15
    assert np.abs(ours - of_the_library(booster, rows, background)).max() < 1e-6


def test_leaves_without_a_table_contribute_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    forest = forest_of(grown(5, num_leaves=40).model_to_string())
    rows, peers = cases(6, 30), cases(7, 25)
    with_tables = contributions_against(forest, rows, peers)
    for most in (1, 2, 3):
        monkeypatch.setattr(path_patterns, "MOST_TABLED", most)
        assert np.abs(contributions_against(forest, rows, peers) - with_tables).max() < 1e-12


def test_bytes_depend_on_neither_the_batch_nor_the_order_of_the_peers() -> None:
    forest = forest_of(grown(8, num_leaves=31).model_to_string())
    rows, peers = cases(9, 2 * ROWS + 5), cases(10, 33)
    whole = contributions_against(forest, rows, peers)
    assert contributions_against(forest, rows, peers[::-1]).tobytes() == whole.tobytes()
    for size in (1, 3, ROWS, ROWS + 1):
        assert contributions_against(forest, rows[:size], peers).tobytes() == whole[:size].tobytes()


def test_a_row_that_is_its_only_peer_has_no_contributions() -> None:
    forest = forest_of(grown(11).model_to_string())
    row = cases(12, 1)
    assert np.abs(contributions_against(forest, row, row)).max() < 1e-12
    assert contributions_against(forest, row[:0], row).shape == (0, FEATURES)


def test_a_path_of_too_many_features_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    forest = forest_of(grown(13).model_to_string())
    monkeypatch.setattr(path_patterns, "MOST_FEATURES", 2)
    with pytest.raises(BundleError, match="at most 2 can be compared"):
        contributions_against(forest, cases(14, 2), cases(15, 2))
