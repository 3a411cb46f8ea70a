"""Laws of what a list is expected to find before there are outcomes: by its probabilities, and by outcomes of other units."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from features.matrix import Matrix
from models.bundle.score import Scores
from training.data.cases import BOTH, TargetCases, unlabelled
from training.data.recipe import recipe_of
from training.monitor.unlabelled import Scored, expected_at_capacity, weighted_precision

RECIPE = recipe_of({}, target="any")
LARGE = 1.0


def units(number: int, large: float, seed: int) -> Scored:
    """Units of two features, of which a share is large; the model tells both sizes the same probabilities."""
    draw = np.random.default_rng(seed)
    values = np.column_stack((draw.random(number) < large, draw.random(number))).astype(np.float64)
    keys = np.array([f"{seed}-{place:05d}" for place in range(number)], np.str_)
    matrix = Matrix("enterprise", keys, np.zeros(number, np.int32), ("large", "noise"), values, {})
    told = 0.2 + 0.3 * values[:, 1]
    return Scored(matrix, Scores(told, told, None))


def outcomes(of: Scored, seed: int) -> TargetCases:
    """The large violate three times as often as the small."""
    size = of.inputs.values[:, 0]
    places = np.arange(len(of))
    hit = np.random.default_rng(seed).random(len(of)) < np.where(size == LARGE, 0.6, 0.2)
    cases = unlabelled(places, places, places, of.inputs.keys, np.full(len(of), BOTH, np.int8))
    return replace(cases, label=hit.astype(np.float64))


def test_outcomes_of_another_mix_of_units_tell_those_of_today_once_weighted() -> None:
    judged = units(1_500, large=0.2, seed=1)
    today = units(3_000, large=0.8, seed=2)
    cases = outcomes(judged, 3)
    told = weighted_precision(cases, judged, today, 0.0, RECIPE)
    truth = 0.8 * 0.6 + 0.2 * 0.2
    assert told["precision"]["low"] <= truth <= told["precision"]["high"]
    assert cases.label.mean() < told["precision"]["low"]
    assert told["overlap"]["effective"] < told["overlap"]["labelled"] == 1_500


def test_the_same_mix_leaves_outcomes_as_they_are_and_tells_as_much_as_all_of_them() -> None:
    judged = units(1_500, large=0.5, seed=1)
    told = weighted_precision(outcomes(judged, 3), judged, units(3_000, 0.5, 2), 0.0, RECIPE)
    assert told["precision"]["value"] == pytest.approx(outcomes(judged, 3).label.mean(), abs=0.05)
    assert told["overlap"]["effective"] > 1_200 and told["overlap"]["seldom"] == 0.0


def test_few_outcomes_are_not_weighed() -> None:
    judged = units(12, large=0.5, seed=1)
    told = weighted_precision(outcomes(judged, 3), judged, units(300, 0.5, 2), 0.0, RECIPE)
    assert told["precision"].startswith("not estimable: 12 cases") and told["overlap"] is None


def test_the_list_expects_the_mean_of_its_own_probabilities_whatever_the_order_of_units() -> None:
    today = units(200, large=0.5, seed=1)
    expected = expected_at_capacity(today.inputs, today.scores, 0.1)
    best = np.sort(today.scores.probability)[-20:]
    assert expected["listed"] == 20
    assert expected["precision"] == pytest.approx(best.mean())
    turned = np.arange(200)[::-1]
    told = today.scores.probability[turned]
    again = expected_at_capacity(today.inputs.take(turned), Scores(told, told, None), 0.1)
    assert again["precision"] == expected["precision"]
