"""From raw score to probability: the calibration, fitted on scores of rows that their model had not seen."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from models.bundle.calibration import Calibration

ENOUGH_FOR_ISOTONIC = 1000
"""Cases of each class from which on the calibration is isotonic: with fewer its steps follow chance. A choice."""
MARGIN = 0.75
"""By what share of the spread of scores the logistic curve reaches beyond them, for scores to come; a choice."""
SLOPES = (0.02, 2.0)
"""The least and the greatest slope of the logistic curve, so that few cases make it neither flat nor a step; a choice."""
SMALLEST = 1e-6
"""The least probability, and the least distance from 1, so that log-odds stay finite."""
Floats = NDArray[np.float64]


def calibration_of(raw: Floats, label: Floats) -> Calibration:
    """Return the calibration of raw scores: isotonic from 1,000 cases of each class on, else Platt's logistic curve."""
    positives = int(label.sum())
    negatives = len(label) - positives
    if min(positives, negatives) >= ENOUGH_FOR_ISOTONIC:
        return isotonic(raw, label)
    return platt(raw, label)


def platt(raw: Floats, label: Floats, knots: int = 65) -> Calibration:
    """Return a logistic curve of the raw score as knots, which reach beyond the scores seen."""
    slope, intercept = logistic(raw, label)
    spread = max(float(np.ptp(raw)), 1.0)
    lowest = float(raw.min()) - MARGIN * spread
    highest = float(raw.max()) + MARGIN * spread
    places = np.linspace(lowest, highest, knots)
    return rising(places, sigmoid(slope * places + intercept))


def logistic(raw: Floats, label: Floats) -> tuple[float, float]:
    """Return slope and intercept by Newton's method on Platt's smoothed targets; it is kept inside SLOPES."""
    positives = float(label.sum())
    negatives = len(label) - positives
    # Platt's targets: one imagined case more of each class, so that separable scores give no infinite slope
    high = (positives + 1) / (positives + 2)
    low = 1 / (negatives + 2)
    target = np.where(label == 1, high, low)
    ones = np.ones_like(raw)
    weights = _newton(np.column_stack([raw, ones]), target)
    slope = float(np.clip(weights[0], *SLOPES))
    # the slope may have been clipped, so the intercept is fitted anew to it
    only_intercept = np.ones((len(raw), 1))
    [intercept] = _newton(only_intercept, target, offset=slope * raw)
    return slope, float(intercept)


def _newton(design: Floats, target: Floats, offset: Floats | float = 0.0) -> Floats:
    """Return the weights of least logistic loss; a step is at most 1 in any weight, so that no step runs away."""
    weights = np.zeros(design.shape[1])
    # keeps the matrix invertible where all chances are near 0 or 1
    ridge = 1e-9 * np.eye(len(weights))
    for _ in range(100):
        chance = sigmoid(design @ weights + offset)
        variance = chance * (1 - chance)
        weighted = design * variance[:, None]
        curvature = weighted.T @ design + ridge
        gradient = design.T @ (chance - target)
        step = np.linalg.solve(curvature, gradient)
        largest = float(np.abs(step).max())
        weights -= step / max(1.0, largest)
        if largest < 1e-10:
            break
    return weights


def sigmoid(margin: Floats) -> Floats:
    """Return 1 / (1 + exp(-margin)) without overflow."""
    bounded = np.clip(margin, -35.0, 35.0)
    return np.asarray(1.0 / (1.0 + np.exp(-bounded)))


def isotonic(raw: Floats, label: Floats, bins: int = 50) -> Calibration:
    """Return the rising curve of least squares through means of equally full bins, and Platt's beyond them."""
    scores, hits, sizes = _rising_blocks(raw, label, bins)
    places = scores / sizes
    rates = hits / sizes
    outer = platt(raw, label)
    first_end = np.array([outer.raw[0]])
    last_end = np.array([outer.raw[-1]])
    # Platt's curve may lie above the first block, and the whole must rise
    first_rate = np.minimum(outer(first_end), rates[:1])
    last_rate = outer(last_end)
    knots = np.concatenate((first_end, places, last_end))
    values = np.concatenate((first_rate, rates, last_rate))
    return rising(knots, values)


def _rising_blocks(raw: Floats, label: Floats, bins: int) -> Floats:
    """Return the pooled bins as rows (3, blocks): sum of scores, of labels, and size; their rates of labels rise.

    Pooling adjacent violators: a bin whose rate is not above that of the block before it is pooled with it.
    """
    order = np.lexsort((label, raw))
    blocks: list[Floats] = []
    for part in np.array_split(order, bins):
        block = np.array([raw[part].sum(), label[part].sum(), float(len(part))])
        while blocks and _falls(blocks[-1], block):
            block = blocks.pop() + block
        blocks.append(block)
    return np.array(blocks).T


def _falls(before: Floats, block: Floats) -> bool:
    """Tell whether a block's rate is not above that of the one before it; multiplied out, no block may be divided by 0."""
    return bool(before[1] * block[2] >= block[1] * before[2])


def rising(places: Floats, values: Floats) -> Calibration:
    """Return the knots at which place and value both rise, values kept inside (0, 1)."""
    rates = np.clip(np.maximum.accumulate(values), SMALLEST, 1 - SMALLEST)
    knots = [0]
    for place in range(1, len(places)):
        last = knots[-1]
        if places[place] > places[last] and rates[place] > rates[last]:
            knots.append(place)
    return Calibration(tuple(places[knots].tolist()), tuple(rates[knots].tolist()))
