"""From raw score to probability: the kind of curve that does best on folds that it had not seen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.bundle.calibration import Calibration
from training.models.curves import CURVES, Curve, base_rate, logistic
from training.models.fit import Fit, Lesson
from training.models.tally import ScoreTally, tally_of

Floats = NDArray[np.float64]
NEAREST = 1e-15
"""How near to 0 or 1 LightGBM lets the share of positives come from which it starts."""


@dataclass(frozen=True, slots=True)
class Calibrated:
    """A calibration, its kind of curve, and by kind the mean log-loss on folds that the curve had not seen.

    `losses` is empty where there is only one fold.
    """

    calibration: Calibration
    kind: str
    losses: Mapping[str, float]


def calibration_of(fit: Fit, lesson: Lesson, label: Floats) -> Calibrated:
    """Return the calibration of a fit, from what its trial models say of cases that they had not seen.

    A trial model starts from the log-odds of the labels that it saw, the fit from those of all. Where shares of positives
    change with time the difference is no news of a case, so each trial model's scores are moved to the start of the fit.
    """
    every_case = np.ones(len(label), np.bool_)
    start = _log_odds(label, every_case)
    raw = fit.unseen.copy()
    number = np.full(len(label), -1, np.int64)
    for place, fold in enumerate(lesson.folds):
        raw[fold.held] += start - _log_odds(label, fold.seen)
        number[fold.held] = place
    was_held = number >= 0
    return calibrated(raw[was_held], label[was_held], number[was_held])


def _log_odds(label: Floats, chosen: NDArray[np.bool_]) -> float:
    """Return the log-odds of the share of positives among some cases, where LightGBM's first tree starts."""
    # a fold may see one class alone, where LightGBM keeps as far from 0 and 1, too
    share = np.clip(label[chosen].mean(), NEAREST, 1 - NEAREST)
    return float(np.log(share / (1 - share)))


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
        asked = tally_of(raw[is_asked], label[is_asked])
        crossings.append((others, asked))
    return crossings


def _unseen_loss(curve: Curve, crossings: Sequence[tuple[ScoreTally, ScoreTally]]) -> float:
    """Return the mean log-loss of a kind of curve on each fold, once fitted to the others."""
    losses = [asked.loss(curve(others)) for others, asked in crossings]
    cases = [float(asked.cases.sum()) for _, asked in crossings]
    return float(np.average(losses, weights=cases))
