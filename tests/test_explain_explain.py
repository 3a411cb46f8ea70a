"""Laws of an explanation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import combinations
from math import factorial
from typing import Any

import lightgbm
import numpy as np
import pytest

from features.errors import BundleError
from models.bundle.bundle import Bundle, Parts
from models.bundle.forest import forest_of
from models.bundle.score import score
from models.explain.explain import TOLERANCE, explain
from models.explain.oracle import drawable, oracle_contributions


def test_contributions_equal_those_of_the_shap_library(
    model_parts: Parts, model_bundle: Bundle
) -> None:
    some = model_parts.probe.take(np.arange(300))
    assert (
        np.abs(
            explain(model_bundle, some).contributions - oracle_contributions(model_bundle, some)
        ).max()
        < 1e-10
    )


def mean_of(node: dict[str, Any], row: Sequence[float], known: frozenset[int]) -> float:
    """A tree's mean output when only the features in `known` are: the definition, by the shares of training cases."""
    if "leaf_value" in node:
        return float(node["leaf_value"])
    left, right = node["left_child"], node["right_child"]
    if node["split_feature"] in known:
        return mean_of(left if goes_left(node, row[node["split_feature"]]) else right, row, known)
    sizes = [child.get("internal_count", child.get("leaf_count")) for child in (left, right)]
    return (sizes[0] * mean_of(left, row, known) + sizes[1] * mean_of(right, row, known)) / sum(
        sizes
    )


def goes_left(node: dict[str, Any], value: float) -> bool:
    if node["decision_type"] == "==":
        return value == value and str(int(value)) in node["threshold"].split("||")
    if value != value:
        if node["missing_type"] == "NaN":
            return bool(node["default_left"])
        value = 0.0
    return value <= node["threshold"]


def test_contributions_equal_the_definition_over_all_subsets(
    model_parts: Parts, model_bundle: Bundle
) -> None:
    trees = [
        tree["tree_structure"]
        for tree in model_bundle.any_model.dump_model(num_iteration=12)["tree_info"]
    ]
    some = model_parts.probe.take(
        np.flatnonzero(np.isnan(model_parts.probe.values).any(axis=1))[:5]
    )
    text = model_bundle.any_model.model_to_string(num_iteration=12)
    short = replace(
        model_bundle, any_model=lightgbm.Booster(model_str=text), forest=forest_of(text)
    )
    found = explain(short, some)
    for place, row in enumerate(short.matrix(some).tolist()):
        worth = {
            known: sum(mean_of(tree, row, known) for tree in trees)
            for size in range(7)
            for known in map(frozenset, combinations(range(6), size))
        }
        for feature in range(6):
            total = sum(
                (worth[known | {feature}] - mean)
                * factorial(len(known))
                * factorial(5 - len(known))
                / 720
                for known, mean in worth.items()
                if feature not in known
            )
            assert found.contributions[place, feature] == pytest.approx(total, abs=1e-12)
        assert found.base == pytest.approx(worth[frozenset()], abs=1e-12)


def test_base_and_contributions_sum_to_the_raw_score(
    model_parts: Parts, model_bundle: Bundle
) -> None:
    explanation = explain(model_bundle, model_parts.probe)
    summed = explanation.base + explanation.contributions.sum(axis=1)
    assert np.abs(summed - score(model_bundle, model_parts.probe).raw).max() < TOLERANCE
    assert (
        explanation.contributions.shape == (2000, 6)
        and explanation.names == model_bundle.manifest.names
    )


def test_contributions_are_the_same_bytes_in_any_batch_and_thread(
    model_parts: Parts, model_bundle: Bundle
) -> None:
    some = model_parts.probe.take(np.arange(200))
    whole, threaded = explain(model_bundle, some), explain(model_bundle, some, threads=2)
    rows = b"".join(
        explain(model_bundle, some.row(place)).contributions.tobytes() for place in range(len(some))
    )
    assert whole.contributions.tobytes() == threaded.contributions.tobytes() == rows


def test_an_empty_matrix_has_the_same_base_and_no_rows(
    model_parts: Parts, model_bundle: Bundle
) -> None:
    nothing = explain(model_bundle, model_parts.probe.take([]))
    assert nothing.contributions.shape == (0, 6)
    assert nothing.base == explain(model_bundle, model_parts.probe.row(0)).base


def test_a_feature_that_no_tree_uses_contributes_nothing(
    model_parts: Parts, model_bundle: Bundle
) -> None:
    model = model_bundle.any_model
    unused = [place for place, splits in enumerate(model.feature_importance()) if splits == 0]
    contributions = explain(model_bundle, model_parts.probe).contributions
    assert all((contributions[:, place] == 0).all() for place in unused)
    assert (np.abs(contributions).max(axis=0) > 0).sum() == 6 - len(unused)


def test_a_model_whose_contributions_do_not_add_up_is_refused(
    model_parts: Parts, model_bundle: Bundle
) -> None:
    huge = lightgbm.Booster(model_str=model_bundle.any_model.model_to_string())
    huge.set_leaf_output(0, 0, 1e12)
    with pytest.raises(BundleError, match="cannot be explained"):
        explain(replace(model_bundle, any_model=huge), model_parts.probe)


def test_the_shap_library_can_draw_an_explanation(model_parts: Parts, model_bundle: Bundle) -> None:
    some = model_parts.probe.take([1, 2])
    drawn = drawable(model_bundle, some, explain(model_bundle, some))
    assert drawn.values.shape == (2, 6) and drawn.feature_names == list(model_bundle.manifest.names)
