"""From raw score to probability: the kind of curve that does best on folds that it had not seen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.bundle.calibration import Calibration
from training.models.curves import CURVES, Curve, base_rate, logistic
from training.models.tally import ScoreTally, tally_of

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Calibrated:
    """A calibration, its kind of curve, and by kind the mean log-loss on folds that the curve had not seen.

    `losses` is empty where there is only one fold.
    """

    calibration: Calibration
    kind: str
    losses: Mapping[str, float]


def calibrated(raw: Floats, label: Floats, fold: NDArray[np.int64]) -> Calibrated:
    """Return the calibration of raw scores of unseen cases, each with its label (0 or 1) and the number of its fold.

    Each kind is fitted to all folds but one and asked about that one; the kind of least loss is fitted to all. The raw score
    and the base rate are among them, so nothing worse than either is chosen. With one fold it is the logistic curve.
    """
    whole = tally_of(raw, label)
    crossings = _crossings(raw, label, fold)
    if len(crossings) < 2:
        return Calibrated(logistic(whole), "logistic", {})
    losses = {kind: _unseen_loss(curve, crossings) for kind, curve in CURVES.items()}
    of_base_rate = whole.loss(base_rate(whole))
    for kind in sorted(losses, key=losses.__getitem__):
        calibration = CURVES[kind](whole)
        # steps are joined by lines, which may lose on the very cases that they were fitted to
        if whole.loss(calibration) <= of_base_rate:
            return Calibrated(calibration, kind, losses)
    return Calibrated(base_rate(whole), "base_rate", losses)


def _crossings(
    raw: Floats, label: Floats, fold: NDArray[np.int64]
) -> list[tuple[ScoreTally, ScoreTally]]:
    """Return, fold by fold, the tally of all others and its own."""
    crossings = []
    for each in np.unique(fold):
        is_asked = fold == each
        others = tally_of(raw[~is_asked], label[~is_asked])
        tested = tally_of(raw[is_asked], label[is_asked])
        crossings.append((others, tested))
    return crossings


def _unseen_loss(curve: Curve, crossings: Sequence[tuple[ScoreTally, ScoreTally]]) -> float:
    """Return the mean log-loss of a kind of curve on each fold, once fitted to the others."""
    losses = [tested.loss(curve(others)) for others, tested in crossings]
    cases = [float(tested.cases.sum()) for _, tested in crossings]
    return float(np.average(losses, weights=cases))
