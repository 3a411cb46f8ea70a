"""The scorecard: whole points for the bins of a few features, which a person can read, add up and check."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression

from features.matrix import Matrix
from training.baselines.binning import (
    BinEvidence,
    Bins,
    bin_evidence,
    category_bins,
    first_against,
    number_bins,
    sign_of,
)
from training.baselines.declared import CardChoices

Floats = NDArray[np.float64]
Rows = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class CardFeature:
    """A feature of a scorecard: its bins, and by bin the points, the least of them 0, and the cases that taught them."""

    bins: Bins
    points: tuple[int, ...]
    cases: tuple[int, ...]

    def points_of(self, values: Floats) -> Floats:
        """Return the points of each value, whole numbers, (n,)."""
        points = np.array(self.points, np.float64)
        return points[self.bins.places(values)]


@dataclass(frozen=True, slots=True)
class Scorecard:
    """The points that every case has, and features with theirs, that of the widest range first; a score is their sum."""

    start: int
    features: tuple[CardFeature, ...]

    def score(self, matrix: Matrix) -> Floats:
        """Return the sum of points of each row, whole numbers, (n,)."""
        total = np.full(len(matrix), float(self.start))
        for feature in self.features:
            total += feature.points_of(matrix.column(feature.bins.name))
        return total


def learned_card(
    matrix: Matrix,
    label: Floats,
    directions: Mapping[str, int],
    choices: CardChoices,
    *,
    seed: int,
) -> Scorecard:
    """Return the scorecard that cases teach with their labels (0 or 1, both there).

    Edges come from a tree of each feature whose risk moves one way alone: the declared one, or that of the cases. A logistic
    regression over weights of evidence gives each feature its share; one with a share below 0 only repeats others and goes.
    """
    sample = drawn_rows(len(matrix), choices.most_binned, seed)
    candidates = []
    for place, name in enumerate(matrix.names):
        values = matrix.values[:, place]
        if name in matrix.categories:
            bins = category_bins(name, values[sample], choices)
            candidates.append(bin_evidence(bins, bins.places(values), label, choices.smoothing))
        else:
            sign = directions.get(name, 0) or sign_of(values[sample], label[sample])
            bins = number_bins(name, values[sample], label[sample], sign, choices)
            candidates.append(one_way(bins, values, label, sign, choices.smoothing))
    chosen = unlike_ones(candidates, matrix, choices)
    return _pointed(chosen, matrix, label, choices)


def drawn_rows(number: int, most: int, seed: int) -> Rows:
    """Return the places of at most so many rows, drawn by lot, in their order."""
    if number <= most:
        return np.arange(number)
    return np.sort(np.random.default_rng(seed).choice(number, most, replace=False))


def one_way(bins: Bins, values: Floats, label: Floats, sign: int, smoothing: float) -> BinEvidence:
    """Return the bins of a number with their evidence; where this moves against the sign, neighbours are one bin.

    The tree chose edges on a sample, and smoothing moves evidence too, so all cases may disagree with it a little.
    """
    while True:
        weighed = bin_evidence(bins, bins.places(values), label, smoothing)
        against = first_against(weighed, sign)
        if against is None:
            return weighed
        fewer = bins.edges[:against] + bins.edges[against + 1 :]
        bins = Bins(bins.name, edges=fewer)


def unlike_ones(
    candidates: Sequence[BinEvidence], matrix: Matrix, choices: CardChoices
) -> list[BinEvidence]:
    """Return the features that tell most, without those that say nearly the same as a better one."""
    telling = [each for each in candidates if each.value > 0]
    # best first, so that of two that are alike the better one stays
    best_first = sorted(telling, key=lambda each: -each.value)
    chosen: list[BinEvidence] = []
    columns: list[Floats] = []
    for each in best_first:
        column = _evidence_of(each, matrix)
        if len(chosen) < choices.features and not _is_alike(column, columns, choices.most_alike):
            chosen.append(each)
            columns.append(column)
    return chosen


def _evidence_of(weighed: BinEvidence, matrix: Matrix) -> Floats:
    """Return the weight of evidence of each row by one feature."""
    values = matrix.column(weighed.bins.name)
    return np.asarray(weighed.evidence[weighed.bins.places(values)])


def _is_alike(column: Floats, others: Sequence[Floats], most: float) -> bool:
    # a column that is the same for all rows tells nothing, and its correlation would be a division by 0
    if not np.ptp(column):
        return True
    return any(abs(float(np.corrcoef(column, other)[0, 1])) > most for other in others)


def _pointed(
    chosen: Sequence[BinEvidence], matrix: Matrix, label: Floats, choices: CardChoices
) -> Scorecard:
    """Return the features with their points, without those that a regression gives no share above 0."""
    remaining = list(chosen)
    while remaining:
        evidence = np.column_stack([_evidence_of(each, matrix) for each in remaining])
        regression = LogisticRegression().fit(evidence, label)
        share = regression.coef_[0]
        # a share below 0 would turn round the direction that the feature's bins keep
        if (share > 0).all():
            return _card(remaining, regression, matrix, choices)
        remaining = [each for each, of_it in zip(remaining, share, strict=True) if of_it > 0]
    # with no feature left the card says the base rate of all
    rate = float(label.mean())
    start = np.log(rate / (1 - rate)) * _points_a_log_odd(choices)
    return Scorecard(round(float(start)), ())


def _card(
    chosen: Sequence[BinEvidence],
    regression: LogisticRegression,
    matrix: Matrix,
    choices: CardChoices,
) -> Scorecard:
    """Return the card of a regression: whole points, which what is least of each feature moves to the start."""
    features = []
    scale = _points_a_log_odd(choices)
    start = round(float(regression.intercept_[0]) * scale)
    for each, share in zip(chosen, regression.coef_[0], strict=True):
        points = np.round(share * each.evidence * scale).astype(np.int64)
        places = each.bins.places(matrix.column(each.bins.name))
        cases = np.bincount(places, minlength=each.bins.size)
        # the least points of a feature go to the start, so that no line of the card is below 0
        least = int(points.min())
        start += least
        above_least = (points - least).tolist()
        features.append(CardFeature(each.bins, tuple(above_least), tuple(cases.tolist())))
    widest_first = sorted(features, key=_by_width)
    return Scorecard(start, tuple(each for each in widest_first if max(each.points) > 0))


def _by_width(feature: CardFeature) -> tuple[int, str]:
    return -max(feature.points), feature.bins.name


def _points_a_log_odd(choices: CardChoices) -> float:
    return choices.points_to_double / float(np.log(2))
