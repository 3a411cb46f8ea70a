"""From raw score to probability: the calibration, fitted on scores of rows that their model had not seen."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from models.bundle.calibration import Calibration

ENOUGH_FOR_ISOTONIC = 1000
MARGIN = 0.75
SLOPES = (0.02, 2.0)
SMALLEST = 1e-6
Floats = NDArray[np.float64]


def calibration_of(raw: Floats, label: Floats) -> Calibration:
    """Return the calibration of raw scores: isotonic from 1,000 cases of each class on, else Platt's logistic curve."""
    positives = int(label.sum())
    if min(positives, len(label) - positives) >= ENOUGH_FOR_ISOTONIC:
        return isotonic(raw, label)
    return platt(raw, label)


def platt(raw: Floats, label: Floats, knots: int = 65) -> Calibration:
    """Return a logistic curve of the raw score as knots, which reach beyond the scores seen."""
    slope, intercept = logistic(raw, label)
    beyond = MARGIN * max(float(np.ptp(raw)), 1.0)
    places = np.linspace(float(raw.min()) - beyond, float(raw.max()) + beyond, knots)
    return rising(places, sigmoid(slope * places + intercept))


def logistic(raw: Floats, label: Floats) -> tuple[float, float]:
    """Return slope and intercept by Newton's method on Platt's smoothed targets; it is kept inside SLOPES."""
    positives = float(label.sum())
    target = np.where(
        label == 1, (positives + 1) / (positives + 2), 1 / (len(label) - positives + 2)
    )
    weights = _newton(np.column_stack([raw, np.ones_like(raw)]), target)
    slope = float(np.clip(weights[0], *SLOPES))
    intercept = float(_newton(np.ones((len(raw), 1)), target, offset=slope * raw)[0])
    return slope, intercept


def _newton(design: Floats, target: Floats, offset: Floats | float = 0.0) -> Floats:
    weights = np.zeros(design.shape[1])
    for _ in range(100):
        chance = sigmoid(design @ weights + offset)
        curvature = (design * (chance * (1 - chance))[:, None]).T @ design + 1e-9 * np.eye(
            len(weights)
        )
        step = np.linalg.solve(curvature, design.T @ (chance - target))
        largest = float(np.abs(step).max())
        weights -= step / max(1.0, largest)
        if largest < 1e-10:
            break
    return weights


def sigmoid(margin: Floats) -> Floats:
    """Return 1 / (1 + exp(-margin)) without overflow."""
    return np.asarray(1.0 / (1.0 + np.exp(-np.clip(margin, -35.0, 35.0))))


def isotonic(raw: Floats, label: Floats, bins: int = 50) -> Calibration:
    """Return the rising curve of least squares through means of equally full bins, and Platt's beyond them."""
    order = np.lexsort((label, raw))
    blocks: list[Floats] = []
    for part in np.array_split(order, bins):
        block = np.array([raw[part].sum(), label[part].sum(), float(len(part))])
        while blocks and blocks[-1][1] * block[2] >= block[1] * blocks[-1][2]:
            block = blocks.pop() + block
        blocks.append(block)
    places, hits, sizes = np.array(blocks).T
    outer = platt(raw, label)
    ends = np.array([outer.raw[0], outer.raw[-1]])
    return rising(
        np.concatenate((ends[:1], places / sizes, ends[1:])),
        np.concatenate(
            (np.minimum(outer(ends[:1]), hits[:1] / sizes[:1]), hits / sizes, outer(ends[1:]))
        ),
    )


def rising(places: Floats, values: Floats) -> Calibration:
    """Return the knots at which place and value both rise, values kept inside (0, 1)."""
    inside = np.clip(np.maximum.accumulate(values), SMALLEST, 1 - SMALLEST)
    kept = [0]
    for place in range(1, len(places)):
        if places[place] > places[kept[-1]] and inside[place] > inside[kept[-1]]:
            kept.append(place)
    return Calibration(tuple(places[kept].tolist()), tuple(inside[kept].tolist()))
