"""Laws of how a calibration is chosen: ties stay together, order of rows is nothing, and nothing worse than the base rate."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import log_loss

from features.matrix import Matrix
from training.data.folds import folds_by_key
from training.data.recipe import recipe_of
from training.models.calibrate import calibrated
from training.models.curves import CURVES, logistic, sigmoid
from training.models.fit import Lesson, fit_any, unseen_scores
from training.models.tally import tally_of

FEW_SCORES = st.sampled_from([-3.0, -1.5, -0.25, 0.0, 1.0, 2.5])
ANY_SCORE = st.floats(-12, 12).map(lambda raw: round(raw, 2))
CASES = st.lists(
    st.tuples(FEW_SCORES | ANY_SCORE, st.booleans(), st.integers(0, 2)), min_size=6, max_size=120
)
Cases = list[tuple[float, bool, int]]
FEW_EXAMPLES = settings(max_examples=25, deadline=None)
"""A calibration is chosen among several kinds, each fitted once a fold, so an example takes a while."""


def columns(cases: Cases) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return scores, labels of both classes, and the numbers of three folds or fewer."""
    raw = np.array([score for score, _, _ in cases])
    label = np.array([float(is_positive) for _, is_positive, _ in cases])
    label[:2] = (0.0, 1.0)
    fold = np.array([number for _, _, number in cases])
    return raw, label, fold


def drawn(cases: int, seed: int = 4) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    generator = np.random.default_rng(seed)
    raw = generator.normal(size=cases)
    label = (generator.random(cases) < sigmoid(0.6 * raw - 1)).astype(np.float64)
    return raw, label, np.arange(cases) % 4


@pytest.mark.parametrize("kind", CURVES)
def test_equal_scores_of_both_labels_are_told_their_share_however_they_stand(kind: str) -> None:
    raw = np.zeros(4000)
    for label in (np.arange(4000) % 2, np.arange(4000) < 2000, np.arange(4000) >= 2000):
        told = CURVES[kind](tally_of(raw, label.astype(np.float64)))([0.0])
        assert told[0] == pytest.approx(0.5, abs=0.001)


def test_many_equal_scores_among_others_are_told_their_share() -> None:
    """Four fifths of the cases have one score and .53 positives, as a state's claims had."""
    generator = np.random.default_rng(8)
    raw = np.where(np.arange(5000) < 4000, 0.0, generator.normal(1.0, 0.5, 5000))
    label = (generator.random(5000) < np.where(raw == 0, 0.53, 0.8)).astype(np.float64)
    chosen = calibrated(raw, label, generator.integers(0, 4, 5000))
    assert chosen.calibration([0.0])[0] == pytest.approx(label[raw == 0].mean(), abs=0.02)


@FEW_EXAMPLES
@given(CASES, st.randoms(use_true_random=False))
def test_the_order_of_the_cases_changes_no_bit(cases: Cases, random: np.random.Generator) -> None:
    mixed = list(range(len(cases)))
    random.shuffle(mixed)
    raw, label, fold = columns(cases)
    first = calibrated(raw, label, fold)
    again = calibrated(raw[mixed], label[mixed], fold[mixed])
    assert (first.kind, first.calibration, first.losses) == (
        again.kind,
        again.calibration,
        again.losses,
    )


def test_scores_that_tell_nothing_end_the_search_in_silence() -> None:
    raw = np.array([2.0, -3.0, -3.0, 0.0, 0.0, 2.0])
    label = np.array([0.0, 1.0, 0.0, 1.0, 0.0, 1.0])
    for curve in CURVES.values():
        low, high = curve(tally_of(raw, label))(np.array([-3.0, 2.0]))
        assert 0 < low <= high < 1


@FEW_EXAMPLES
@given(CASES)
def test_a_higher_score_is_never_told_a_lower_probability(cases: Cases) -> None:
    raw, label, fold = columns(cases)
    places = np.sort(np.concatenate((raw, np.linspace(-30, 30, 61))))
    for curve in (*CURVES.values(), lambda _: calibrated(raw, label, fold).calibration):
        told = curve(tally_of(raw, label))(places)
        assert (np.diff(told) >= 0).all() and told.min() > 0 and told.max() < 1


@FEW_EXAMPLES
@given(CASES)
def test_what_is_chosen_loses_no_more_than_the_base_rate(cases: Cases) -> None:
    raw, label, fold = columns(cases)
    told = calibrated(raw, label, fold).calibration(raw)
    of_base_rate = log_loss(label, np.full(len(label), label.mean()), labels=[0, 1])
    # the base rate keeps the order of the scores, and what is only ordered costs a little
    assert log_loss(label, told, labels=[0, 1]) <= of_base_rate + 0.005


@pytest.mark.parametrize("slope", [-1.0, 0.0, 0.3, 1.0, 3.0])
def test_on_unseen_folds_nothing_that_was_tried_loses_less_than_what_is_chosen(
    slope: float,
) -> None:
    for seed in range(4):
        raw, _, fold = drawn(400, seed)
        chance = sigmoid(slope * raw - 1)
        label = (np.random.default_rng(seed).random(400) < chance).astype(np.float64)
        chosen = calibrated(raw, label, fold)
        assert chosen.losses.keys() == CURVES.keys()
        assert chosen.losses[chosen.kind] == min(chosen.losses.values())


@FEW_EXAMPLES
@given(CASES)
def test_as_many_positives_are_told_as_there_are(cases: Cases) -> None:
    raw, label, _ = columns(cases)
    for kind in ("base_rate", "logistic", "beta"):
        told = CURVES[kind](tally_of(raw, label))(raw)
        assert told.mean() == pytest.approx(label.mean(), abs=0.02), kind


def test_each_curve_finds_what_is_there() -> None:
    raw, label, fold = drawn(6000)
    truth = sigmoid(0.6 * raw - 1)
    for kind in ("logistic", "beta", "isotonic"):
        told = CURVES[kind](tally_of(raw, label))(raw)
        assert told.mean() == pytest.approx(label.mean(), abs=0.003)
        assert np.abs(told - truth).mean() < 0.03
    assert calibrated(raw, label, fold).losses["raw"] > calibrated(raw, label, fold).losses["beta"]


def test_the_loss_of_a_tally_is_the_log_loss_of_its_cases() -> None:
    raw, label, _ = drawn(500)
    raw = np.round(raw, 1)
    curve = logistic(tally_of(raw, label))
    assert tally_of(raw, label).loss(curve) == pytest.approx(log_loss(label, curve(raw)))


def test_scores_that_order_backwards_are_told_nearly_alike_yet_in_their_order() -> None:
    raw = np.linspace(-1, 1, 200)
    label = (raw < 0).astype(np.float64)
    for kind in ("base_rate", "logistic", "beta", "isotonic"):
        told = CURVES[kind](tally_of(raw, label))(raw)
        assert told.mean() == pytest.approx(0.5, abs=0.01)
        assert (np.diff(told) > 0).all() and np.ptp(told) < 0.01


def test_one_fold_gives_the_logistic_curve_and_no_losses() -> None:
    raw, label, _ = drawn(300)
    chosen = calibrated(raw, label, np.zeros(300, np.int64))
    assert (chosen.kind, chosen.losses) == ("logistic", {})
    assert chosen.calibration == logistic(tally_of(raw, label))


def test_a_fold_that_sees_one_class_alone_is_calibrated_with_the_others() -> None:
    generator = np.random.default_rng(0)
    keys = np.array([f"k{number % 40:02d}" for number in range(400)])
    # whoever is asked about k07 has seen no positive
    label = (keys == "k07").astype(np.float64)
    values = generator.normal(size=(400, 3)) + label[:, None]
    days = np.zeros(400, np.int32)
    matrix = Matrix("enterprise", keys, days, ("a", "b", "c"), values, {})
    recipe = recipe_of({"least_positives": 5, "most_rounds": 30})
    lesson = Lesson(matrix, folds_by_key(keys, recipe))
    fit = fit_any(lesson, label, recipe)
    unseen = unseen_scores(fit, lesson, label)
    curve = calibrated(unseen.raw, unseen.label, unseen.fold).calibration
    assert np.isfinite(curve.raw).all() and min(curve.probability) < 0.05
