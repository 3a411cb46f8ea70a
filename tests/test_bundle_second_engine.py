"""A second engine that shares no code with LightGBM computes the same scores, to the bit."""

from __future__ import annotations

import lightgbm
import numpy as np
import pytest

from features.errors import BundleError
from models.bundle.booster import booster_of, margins, predicted_means
from models.bundle.bundle import Bundle, Parts
from models.bundle.score import score
from models.bundle.second_engine import second_engine, tree_sum

ODD = (
    np.nan,
    0.0,
    -0.0,
    1e-36,
    -1e-36,
    2e-35,
    -0.5,
    1.5,
    7.0,
    39.0,
    40.0,
    1e9,
    np.inf,
    -np.inf,
    -3,
)
"""Gaps, zeros, what counts as zero, fractions and codes of no category, and what lies beyond all numbers."""


def odd_inputs(rows: int, features: int, seed: int) -> np.ndarray:
    """Return numbers of which a third are odd."""
    draw = np.random.default_rng(seed)
    values = np.round(draw.normal(0, 10, (rows, features)), 1)
    return np.where(draw.random(values.shape) < 1 / 3, draw.choice(ODD, values.shape), values)


def test_both_engines_score_every_row_to_the_same_bits(
    model_parts: Parts, model_bundle: Bundle
) -> None:
    engine = second_engine(model_parts.any_text, model_parts.count_text)
    first = score(model_bundle, model_parts.probe)
    second = engine.scores(model_bundle, model_bundle.matrix(model_parts.probe))
    for name in ("raw", "probability", "expected"):
        assert getattr(first, name).tobytes() == getattr(second, name).tobytes(), name


@pytest.mark.parametrize(
    "choices",
    [
        {"objective": "binary"},
        {"objective": "binary", "zero_as_missing": True},
        {"objective": "binary", "use_missing": False},
        {"objective": "poisson"},
        {"objective": "tweedie", "tweedie_variance_power": 1.3},
        {"objective": "cross_entropy"},
        {"objective": "regression"},
        {"objective": "binary", "max_cat_to_onehot": 64},
        {"objective": "binary", "num_leaves": 2},
        {"objective": "binary", "min_data_in_leaf": 10_000},
    ],
    ids=lambda choices: " ".join(f"{value}" for value in choices.values()),
)
def test_odd_numbers_and_every_kind_of_split_go_the_same_way(choices: dict[str, object]) -> None:
    inputs = odd_inputs(1_500, 5, seed=1)
    inputs[:, 4] = np.random.default_rng(2).integers(0, 40, len(inputs))
    label = (np.nan_to_num(inputs[:, 0], posinf=9, neginf=-9) + inputs[:, 4] % 3 > 1).astype(float)
    names = [f"f{place}" for place in range(5)]
    usual = {"verbosity": -1, "num_threads": 1, "seed": 3, "min_data_in_leaf": 3}
    table = lightgbm.Dataset(inputs, label, feature_name=names, categorical_feature=[4])
    text = lightgbm.train({**usual, **choices}, table, 25).model_to_string()
    model, own = booster_of("model", text.encode(), tuple(names)), tree_sum(text)
    asked = odd_inputs(3_000, 5, seed=4)
    assert margins(model, asked).tobytes() == own.margins(asked).tobytes()
    if own.objective != "binary":
        assert predicted_means(model, asked).tobytes() == own.means(asked).tobytes()


def test_no_row_is_no_score_and_an_unknown_objective_is_one_line(model_parts: Parts) -> None:
    own = tree_sum(model_parts.any_text)
    assert own.margins(np.empty((0, 6))).shape == (0,)
    with pytest.raises(BundleError, match="knows no objective 'binary'"):
        own.means(np.zeros((1, 6)))
