"""A scorecard to be used: what a bundle keeps of one, calibrated on cases that trial cards had not seen."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from features.matrix import Matrix
from models.bundle.booster import booster_of, margins
from models.bundle.calibration import Calibration
from models.bundle.card import Card, CardLine, card_text
from training.baselines.declared import CardChoices
from training.baselines.scorecard import CardFeature, Scorecard, learned_card
from training.data.folds import enough
from training.data.recipe import Recipe
from training.models.calibrate import calibrated
from training.models.fit import Lesson
from training.models.population_curves import CalibratedOn, to_population
from training.models.tally import UnseenScores

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class LearnedCard:
    """A scorecard with its text, the calibration of its scores, and what that rests on."""

    card: Card
    text: str
    calibration: Calibration
    population: CalibratedOn

    def raw(self, matrix: Matrix) -> Floats:
        """Return the raw scores of a matrix with the training columns, float64 (n,)."""
        model = booster_of("the scorecard", self.text.encode(), matrix.names)
        return margins(model, matrix.values)


def trained_card(
    lesson: Lesson, label: Floats, recipe: Recipe, choices: CardChoices
) -> LearnedCard | None:
    """Return the scorecard that a lesson teaches; None where no feature tells anything."""
    whole = learned_card(lesson.matrix, label, lesson.directions, choices, seed=recipe.seed)
    if not whole.features:
        return None
    card = bundle_card(whole, lesson.matrix, choices)
    categories = [lesson.matrix.categories.get(name) for name in lesson.matrix.names]
    text = card_text(card, lesson.matrix.names, categories)
    unseen = _unseen(lesson, label, recipe, choices)
    of_visits = calibrated(unseen.raw, unseen.label, unseen.fold)
    calibration, population = to_population(
        of_visits, unseen, lesson.selection, recipe.least_anchor
    )
    return LearnedCard(card, text, calibration, population)


def bundle_card(scorecard: Scorecard, matrix: Matrix, choices: CardChoices) -> Card:
    """Return a scorecard as a bundle keeps it, the values of categories as texts."""
    lines = tuple(_line(feature, matrix) for feature in scorecard.features)
    return Card(start=scorecard.start, points_to_double=choices.points_to_double, lines=lines)


def _line(feature: CardFeature, matrix: Matrix) -> CardLine:
    bins = feature.bins
    values = None
    if bins.groups is not None:
        texts = matrix.categories[bins.name]
        values = tuple(texts[code] for code in bins.groups)
    return CardLine(
        feature=bins.name,
        edges=bins.edges,
        values=values,
        points=feature.points,
        cases=feature.cases,
    )


def _unseen(lesson: Lesson, label: Floats, recipe: Recipe, choices: CardChoices) -> UnseenScores:
    """Return what cards of each fold's seen cases say of those that it holds."""
    raw = np.full(len(label), np.nan)
    number = np.full(len(label), -1, np.int64)
    for place, fold in enumerate(lesson.folds):
        seen = label[fold.seen]
        if not enough(seen, 1):
            continue
        taught = lesson.matrix.take(fold.seen)
        card = learned_card(taught, seen, lesson.directions, choices, seed=recipe.seed)
        points = card.score(lesson.matrix.take(fold.held))
        raw[fold.held] = points * np.log(2) / choices.points_to_double
        number[fold.held] = place
    was_held = np.flatnonzero(number >= 0)
    return UnseenScores(raw[was_held], label[was_held], number[was_held], was_held)
