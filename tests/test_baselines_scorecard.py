"""Laws of the scorecard: whole points that rise with the risk, say nothing twice, and are the points that a bundle scores."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from features.matrix import Matrix
from models.bundle.booster import booster_of, margins
from models.bundle.card import card_text
from training.baselines.card_training import bundle_card
from training.baselines.declared import CardChoices, baseline_table
from training.baselines.scorecard import CardFeature, Scorecard, learned_card
from training.evaluation.discrimination import auc, sort_by_score

CASES = 2_000


def choices(**changes: object) -> CardChoices:
    return baseline_table().scorecard.model_copy(update=changes)


def drawn(seed: int = 4) -> tuple[Matrix, np.ndarray]:
    """Return firms whose risk rises with size, falls with age, is high in one sector, and has nothing to do with noise."""
    draw = np.random.default_rng(seed)
    size, age, noise = draw.normal(size=(3, CASES))
    sector = draw.integers(0, 4, CASES).astype(np.float64)
    margin = 1.2 * size - 0.8 * age + 1.5 * (sector == 2) - 1
    label = (draw.random(CASES) < 1 / (1 + np.exp(-margin))).astype(np.float64)
    size[draw.random(CASES) < 0.1] = np.nan
    copy = size * 2 + 1
    matrix = Matrix(
        "enterprise",
        np.array([f"e{place:04d}" for place in range(CASES)]),
        np.full(CASES, 16000, np.int32),
        ("size", "age", "sector", "noise", "copy"),
        np.column_stack([size, age, sector, noise, copy]),
        {"sector": ("A", "B", "C", "D")},
    )
    return matrix, label


def card_of(matrix: Matrix, label: np.ndarray, **directions: int) -> Scorecard:
    return learned_card(matrix, label, directions, choices(), seed=1)


def line(card: Scorecard, name: str) -> CardFeature:
    (feature,) = [each for each in card.features if each.bins.name == name]
    return feature


def test_points_are_whole_rise_with_the_risk_and_begin_at_nothing() -> None:
    card = card_of(*drawn())
    for feature in card.features:
        assert min(feature.points) == 0 < max(feature.points)
        assert all(isinstance(points, int) for points in feature.points)
        assert sum(feature.cases) == CASES
    known = {name: line(card, name).points[:-1] for name in ("age", "sector")}
    assert list(known["age"]) == sorted(known["age"], reverse=True)
    sector = line(card, "sector")
    assert sector.bins.groups is not None
    assert max(sector.points) == sector.points[sector.bins.groups.index(2)]


def test_a_declared_direction_holds_even_against_the_cases() -> None:
    card = card_of(*drawn(), size=-1, copy=-1)
    for feature in card.features:
        if feature.bins.name in ("size", "copy"):
            known = list(feature.points[:-1])
            assert known == sorted(known, reverse=True)


def test_what_says_the_same_stands_once() -> None:
    names = {feature.bins.name for feature in card_of(*drawn()).features}
    assert len(names & {"size", "copy"}) == 1 and {"age", "sector"} <= names


def test_the_score_is_the_sum_of_points_and_tells_violators_apart() -> None:
    matrix, label = drawn()
    card = card_of(matrix, label)
    score = card.score(matrix)
    assert (score == np.round(score)).all()
    by_hand = card.start
    for feature in card.features:
        place = int(feature.bins.places(matrix.column(feature.bins.name)[:1])[0])
        by_hand += feature.points[place]
    assert score[0] == by_hand
    fresh, fresh_label = drawn(seed=5)
    assert auc(sort_by_score(fresh_label, card.score(fresh))) > 0.75


def test_the_order_of_the_rows_does_not_matter() -> None:
    matrix, label = drawn()
    mixed = np.random.default_rng(6).permutation(CASES)
    assert card_of(matrix.take(mixed), label[mixed]) == card_of(matrix, label)


def test_labels_that_nothing_tells_give_a_card_that_tells_nothing_of_others() -> None:
    matrix, label = drawn()
    chance = np.random.default_rng(7).permutation(label)
    card = card_of(matrix, chance)
    assert auc(sort_by_score(label, card.score(matrix))) == pytest.approx(0.5, abs=0.1)


def test_the_text_of_a_card_scores_its_points_to_the_bit() -> None:
    matrix, label = drawn()
    card = card_of(matrix, label)
    kept = bundle_card(card, matrix, choices())
    categories = [matrix.categories.get(name) for name in matrix.names]
    text = card_text(kept, matrix.names, categories)
    odd = matrix.values.copy()
    odd[:9] = np.nan
    odd[9:20, :2] = 1e300
    odd[20:30, :2] = -1e300
    asked = replace(matrix, values=odd)
    model = booster_of("card", text.encode(), matrix.names)
    raw = margins(model, odd)
    assert (raw == card.score(asked) * kept.log_odds_a_point).all()
