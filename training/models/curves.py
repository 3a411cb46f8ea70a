"""Curves: each kind of rising line from raw score to probability that a tally of unseen scores can be given."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq
from sklearn.exceptions import ConvergenceWarning
from sklearn.isotonic import IsotonicRegression
from sklearn.linear_model import LogisticRegression

from models.bundle.calibration import Calibration
from training.models.tally import SMALLEST, ScoreTally

MARGIN = 0.75
"""By what share of the spread of scores a curve reaches beyond them, for scores to come; a choice."""
SLOPES = (0.001, 2.0)
"""The least slope keeps the order of the scores where they tell nothing; the greatest keeps few cases from making a step."""
KNOTS = 65
"""Knots of a smooth curve that lie equally far apart, and as many that hold equally many scores; a choice."""
RIDGE = 1e3
"""The inverse of the pull of slopes towards zero: so weak that it only ends the search where a score parts the classes. A choice:
a weaker one did not end it for some of 1,500 small samples."""
FARTHEST = 35.0
"""Log-odds beyond which a probability is 0 or 1 in float64."""
Floats = NDArray[np.float64]
Curve = Callable[[ScoreTally], Calibration]


def raw_curve(tally: ScoreTally) -> Calibration:
    """Return the score as it is: its log-odds believed."""
    places = knots_of(tally)
    return rising(places, sigmoid(places))


def base_rate(tally: ScoreTally) -> Calibration:
    """Return the share of positives for every score, nearly: the order of the scores is kept."""
    return levelled_line(tally, SLOPES[0])


def logistic(tally: ScoreTally) -> Calibration:
    """Return the logistic curve of the score (Platt), its slope kept inside SLOPES."""
    [slope] = _slopes(tally.raw[:, None], tally)
    return levelled_line(tally, float(np.clip(slope, *SLOPES)))


def beta(tally: ScoreTally) -> Calibration:
    """Return the beta curve: logistic with one slope for low scores and one for high ones, neither falling."""
    weights = np.clip(_rising_slopes(_bent(tally.raw), tally), 0.0, SLOPES[1])
    if not weights.any():
        return base_rate(tally)
    places = knots_of(tally)
    shift = levelling(_bent(tally.raw) @ weights, tally)
    # where one slope is zero the curve is level on that side, and the least slope keeps the order
    margin = _bent(places) @ weights + SLOPES[0] * places
    return rising(places, sigmoid(margin + shift))


def isotonic(tally: ScoreTally) -> Calibration:
    """Return the rising line through the middles of scikit-learn's isotonic steps, and the logistic curve beyond them.

    A step counts one case more, of the base rate, so that a short one is not certain.
    """
    steps = IsotonicRegression().fit_transform(
        tally.raw, tally.positives / tally.cases, sample_weight=tally.cases
    )
    _, member = np.unique(steps, return_inverse=True)
    sizes = np.bincount(member, weights=tally.cases)
    positives = np.bincount(member, weights=tally.positives)
    middles = np.bincount(member, weights=tally.cases * tally.raw) / sizes
    rates = (positives + tally.rate) / (sizes + 1)
    return _with_ends(tally, middles, rates)


CURVES: Mapping[str, Curve] = {
    "base_rate": base_rate,
    "raw": raw_curve,
    "logistic": logistic,
    "beta": beta,
    "isotonic": isotonic,
}
"""Every kind, the simplest first; Venn-Abers curves were tried too: no better on claims, and a hundred times the time."""


def sigmoid(margin: Floats) -> Floats:
    """Return 1 / (1 + exp(-margin)) without overflow."""
    bounded = np.clip(margin, -FARTHEST, FARTHEST)
    return np.asarray(1.0 / (1.0 + np.exp(-bounded)))


def levelling(margin: Floats, tally: ScoreTally) -> float:
    """Return what to add to the margin of each distinct score so that as many positives are told as there are."""
    positives = tally.rate * tally.cases.sum()

    def surplus(shift: float) -> float:
        expected = tally.cases @ sigmoid(margin + shift)
        return float(expected - positives)

    lowest = -FARTHEST - float(margin.max())
    highest = FARTHEST - float(margin.min())
    return float(brentq(surplus, lowest, highest))


def knots_of(tally: ScoreTally) -> Floats:
    """Return the scores at which a smooth curve has its knots: they reach beyond those seen, and are dense where many are."""
    spread = max(float(np.ptp(tally.raw)), 1.0)
    lowest = float(tally.raw[0]) - MARGIN * spread
    highest = float(tally.raw[-1]) + MARGIN * spread
    even = np.linspace(lowest, highest, KNOTS)
    dense = _quantiles(tally, np.linspace(0, 1, KNOTS))
    return np.union1d(even, dense)


def rising(places: Floats, values: Floats) -> Calibration:
    """Return the knots at which place and value both rise, values kept inside (0, 1)."""
    rates = np.clip(np.maximum.accumulate(values), SMALLEST, 1 - SMALLEST)
    knots = [0]
    for place in range(1, len(places)):
        last = knots[-1]
        if places[place] > places[last] and rates[place] > rates[last]:
            knots.append(place)
    return Calibration(tuple(places[knots].tolist()), tuple(rates[knots].tolist()))


def levelled_line(tally: ScoreTally, slope: float) -> Calibration:
    """Return the logistic curve of a slope that tells as many positives as there are."""
    places = knots_of(tally)
    shift = levelling(slope * tally.raw, tally)
    return rising(places, sigmoid(slope * places + shift))


def _slopes(design: Floats, tally: ScoreTally) -> Floats:
    """Return scikit-learn's logistic weights of a design of one row a distinct score; zeros where a class is missing."""
    if not tally.has_both:
        return np.zeros(design.shape[1])
    negatives = tally.cases - tally.positives
    weight = np.concatenate((tally.positives, negatives))
    label = np.repeat((1.0, 0.0), len(design))
    counts = weight > 0
    both = np.concatenate((design, design))
    model = LogisticRegression(C=RIDGE, solver="newton-cholesky")
    with warnings.catch_warnings():
        # at a slope of nought no step lowers the loss by a bit more, and the solver says that it ends by another one
        warnings.simplefilter("ignore", ConvergenceWarning)
        model.fit(both[counts], label[counts], sample_weight=weight[counts])
    return np.asarray(model.coef_[0])


def _rising_slopes(design: Floats, tally: ScoreTally) -> Floats:
    """Return the weights of a design without those of its columns whose weight would fall: theirs are zero."""
    weights = np.zeros(design.shape[1])
    rises = np.ones(design.shape[1], np.bool_)
    while rises.any():
        tried = _slopes(design[:, rises], tally)
        weights[rises] = tried
        if (tried >= 0).all():
            return weights
        rises &= weights > 0
        weights[~rises] = 0.0
    return weights


def _bent(raw: Floats) -> Floats:
    """Return log p and -log(1 - p) of log-odds `raw` as columns: the first moves where p is low, the second where it is high."""
    low = -np.logaddexp(0.0, -raw)
    high = np.logaddexp(0.0, raw)
    return np.column_stack((low, high))


def _with_ends(tally: ScoreTally, places: Floats, rates: Floats) -> Calibration:
    """Return the line through places and rates, which beyond them goes on to the ends of the logistic curve."""
    outer = logistic(tally)
    first_end = np.array([outer.raw[0]])
    last_end = np.array([outer.raw[-1]])
    # the logistic curve may lie above the first rate, and the whole must rise
    first_rate = np.minimum(outer(first_end), rates[:1])
    knots = np.concatenate((first_end, places, last_end))
    values = np.concatenate((first_rate, rates, outer(last_end)))
    return rising(knots, values)


def _quantiles(tally: ScoreTally, shares: Floats) -> Floats:
    """Return the distinct score below which each share of the cases lies."""
    before = np.cumsum(tally.cases)
    places = np.searchsorted(before, shares * before[-1])
    last = len(tally.raw) - 1
    return np.asarray(tally.raw[np.minimum(places, last)])
