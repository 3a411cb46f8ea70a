"""Laws of the measures: AUC and average precision, the list's precision, reordering."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.calibration import calibration_curve
from sklearn.metrics import average_precision_score, roc_auc_score

from features.errors import TargetError
from training.evaluation.capacity import Judged, list_length, precision_at, weighted_share
from training.evaluation.discrimination import auc, average_precision, intervals, sort_by_score
from training.evaluation.probability import calibration_table, probability_scores
from training.evaluation.reorder import days_earlier, first_half_gain, reordered_days


def noisy(cases: int, ties: int, seed: int = 3) -> tuple[np.ndarray, np.ndarray]:
    generator = np.random.default_rng(seed)
    label = (generator.random(cases) < 0.2).astype(np.float64)
    return label, np.round((label + generator.normal(size=cases)) * ties) / ties


@pytest.mark.parametrize("ties", [1, 4, 1_000_000])
def test_auc_and_average_precision_agree_with_scikit_learn_ties_and_weights_included(
    ties: int,
) -> None:
    label, score = noisy(500, ties)
    weight = np.random.default_rng(1).integers(0, 4, len(label)).astype(np.float64)
    ranked = sort_by_score(label, score)
    assert auc(ranked) == pytest.approx(roc_auc_score(label, score), abs=1e-12)
    assert average_precision(ranked) == pytest.approx(
        average_precision_score(label, score), abs=1e-12
    )
    assert auc(ranked, weight) == pytest.approx(
        roc_auc_score(label, score, sample_weight=weight), abs=1e-12
    )
    assert average_precision(ranked, weight) == pytest.approx(
        average_precision_score(label, score, sample_weight=weight), abs=1e-12
    )


def test_the_table_of_probabilities_keeps_equal_ones_together_in_any_order() -> None:
    label, probability = noisy(500, 3)
    mixed = np.random.default_rng(2).permutation(500)
    table = calibration_table(label, probability)
    assert table == calibration_table(label[mixed], probability[mixed])
    assert sum(row["cases"] for row in table) == 500
    found = sum(row["cases"] * row["found"] for row in table)
    assert found == pytest.approx(label.sum())


def test_a_table_without_ties_is_that_of_scikit_learn() -> None:
    label, score = noisy(500, 1_000_000)
    told = 1 / (1 + np.exp(-score))
    table = calibration_table(label, told)
    found, mean_told = calibration_curve(label, told, n_bins=10, strategy="quantile")
    assert [row["found"] for row in table] == pytest.approx(found.tolist())
    assert [row["told"] for row in table] == pytest.approx(mean_told.tolist())


def test_whoever_tells_the_base_rate_scores_as_the_base_rate_does() -> None:
    label, _ = noisy(300, 1)
    scores = probability_scores(label, np.full(300, label.mean()))
    assert scores["brier"] == scores["brier_of_base_rate"]
    assert scores["log_loss"] == scores["log_loss_of_base_rate"]
    assert set(probability_scores(label[:0], label[:0]).values()) == {None}
    of_one_class = probability_scores(np.zeros(9), np.full(9, 0.25))
    assert of_one_class["brier"] == pytest.approx(0.0625)


def test_one_class_alone_has_no_auc() -> None:
    ranked = sort_by_score(np.zeros(3), np.arange(3.0))
    assert auc(ranked) is None and average_precision(ranked) is None
    assert auc(sort_by_score(np.zeros(0), np.zeros(0))) is None


def test_intervals_hold_the_estimate_repeat_with_their_seed_and_widen_when_keys_repeat() -> None:
    label, score = noisy(400, 1000)
    ranked = sort_by_score(label, score)
    alone = intervals(ranked, np.arange(400).astype(np.str_), seed=1)
    again = intervals(ranked, np.arange(400).astype(np.str_), seed=1)
    low, high = alone["auc"] or [0.0, 0.0]
    assert alone == again and low < (auc(ranked) or 0) < high
    twice = sort_by_score(np.tile(label, 4), np.tile(score, 4))
    copied = intervals(twice, np.tile(np.arange(400), 4).astype(np.str_), seed=1)["auc"] or [
        0.0,
        0.0,
    ]
    assert copied[1] - copied[0] == pytest.approx(high - low, rel=0.2)


def test_the_slots_of_each_day_are_refilled_by_falling_score() -> None:
    day = np.array([10, 10, 11, 12, 12], np.int32)
    score = np.array([0.1, 0.2, 0.9, 0.8, 0.3])
    ids = np.array(["a", "b", "c", "d", "e"])
    renewed = reordered_days(day, score, ids)
    assert renewed.tolist() == [12, 12, 10, 10, 11]
    assert np.sort(renewed).tolist() == np.sort(day).tolist()
    assert days_earlier(day, score, ids, np.array([0.0, 0, 1, 1, 0])) == pytest.approx((1 + 2) / 2)
    assert first_half_gain(score, ids, np.array([0.0, 0, 1, 1, 0])) == 1.0
    assert (
        days_earlier(day, score, ids, np.zeros(5)) is None
        and first_half_gain(score, ids, np.zeros(5)) is None
    )


def test_equal_scores_are_ordered_by_id_whatever_the_order_of_the_rows() -> None:
    day, ids = np.array([3, 1, 2], np.int32), np.array(["b", "c", "a"])
    renewed = reordered_days(day, np.zeros(3), ids)
    assert dict(zip(ids.tolist(), renewed.tolist(), strict=True)) == {"a": 1, "b": 2, "c": 3}


def judged(score: list[float], label: list[float], **more: list[float]) -> Judged:
    cases = len(score)
    given = {
        name: np.array(more.get(name, [np.nan] * cases))
        for name in ("propensity", "random_label", "inclusion")
    }
    return Judged(
        np.array([f"e{i:03d}" for i in range(cases)]),
        np.array(score),
        np.array(label),
        weight=np.array(more.get("weight", [1.0] * cases)),
        **given,
    )


def test_a_case_nobody_visited_is_neither_hit_nor_miss() -> None:
    nan = np.nan
    found = precision_at(judged([0.9, 0.8, 0.7, 0.1], [1.0, nan, 0.0, 0.0]), 3)
    assert found["labelled_only"] == 0.5
    assert found["share_without_label"] == pytest.approx(1 / 3)
    assert found["inverse_propensity"] is None and found["random_visits"] is None
    assert found["base_labelled_only"] == pytest.approx(1 / 3)


def test_selective_visits_mislead_the_labelled_rows_and_neither_of_the_other_two() -> None:
    generator = np.random.default_rng(5)
    cases = 40_000
    hidden, seen = generator.random(cases), generator.random(cases)
    truth = (generator.random(cases) < 0.3 * seen + 0.4 * hidden).astype(np.float64)
    chance = 0.02 + 0.5 * hidden**2
    visited, drawn = generator.random(cases) < chance, generator.random(cases) < 0.05
    look = Judged(
        np.arange(cases).astype(np.str_),
        seen,
        np.where(visited | drawn, truth, np.nan),
        1 - (1 - chance) * 0.95,
        np.where(drawn, truth, np.nan),
        np.full(cases, 0.05),
        np.ones(cases),
    )
    found = precision_at(look, 0.2)
    real = truth[np.argsort(-seen)[: cases // 5]].mean()
    assert found["labelled_only"] > real + 0.05
    assert found["inverse_propensity"] == pytest.approx(real, abs=0.03)
    assert found["random_visits"] == pytest.approx(real, abs=0.05)


def test_a_sampled_case_fills_as_much_of_the_list_as_it_stands_for() -> None:
    found = precision_at(
        judged([0.9, 0.8, 0.7, 0.6], [1.0, np.nan, 0.0, 0.0], weight=[1.0, 9.0, 1.0, 1.0]), 10
    )
    assert found["labelled_only"] == 1.0 and found["listed"] == 10
    assert found["share_without_label"] == pytest.approx(0.9)


def test_a_capacity_is_a_share_or_a_number_and_never_empty() -> None:
    assert [list_length(c, 55) for c in (0.1, 0.001, 20, 99)] == [6, 1, 20, 55]
    with pytest.raises(TargetError, match="capacity"):
        list_length(0, 55)
    assert weighted_share(np.array([1.0, np.nan]), np.array([0.0, 0.5])) is None
