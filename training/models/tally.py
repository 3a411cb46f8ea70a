"""A tally: how many cases and positives stand at each distinct raw score, so that equal scores stay together."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.bundle.calibration import Calibration

Floats = NDArray[np.float64]
SMALLEST = 1e-6
"""The least probability, and the least distance from 1, so that log-odds and losses stay finite."""
ERRORS = 2.0
"""Standard errors by which a loss must be less, so that chance seldom shows it; a choice."""


@dataclass(frozen=True, slots=True, eq=False)
class ScoreTally:
    """Distinct raw scores, ascending, with the number of cases and of positives at each: arrays of one length.

    Whatever is fitted to a tally does not depend on the order of the cases, nor on which label stands first among equals.
    """

    raw: Floats
    cases: Floats
    positives: Floats

    @property
    def rate(self) -> float:
        """The share of positives, kept inside (0, 1): a class that is missing counts half a case."""
        total = float(self.cases.sum())
        positives = np.clip(self.positives.sum(), 0.5, total - 0.5)
        return float(positives) / total

    @property
    def has_both(self) -> bool:
        """Whether there are positives and negatives."""
        return bool(0 < self.positives.sum() < self.cases.sum())

    def loss(self, calibration: Calibration) -> float:
        """Return the mean log-loss of what a calibration says of these cases."""
        probability = np.clip(calibration(self.raw), SMALLEST, 1 - SMALLEST)
        of_positives = self.positives * np.log(probability)
        of_negatives = (self.cases - self.positives) * np.log1p(-probability)
        return float(-(of_positives + of_negatives).sum() / self.cases.sum())


@dataclass(frozen=True, slots=True, eq=False)
class UnseenScores:
    """Cases that a fold holds: the raw score by a model that had not seen each, its label, fold and place among all, (n,)."""

    raw: Floats
    label: Floats
    fold: NDArray[np.int64]
    place: NDArray[np.int64]


def log_losses(raw: Floats, label: Floats) -> Floats:
    """Return the log-loss of each case by its raw score, the log-odds, float64 (n,)."""
    return np.asarray(np.logaddexp(0.0, raw) - label * raw)


def weighted_losses(told: Floats, label: Floats, weight: Floats) -> Floats:
    """Return the log-loss of each case by its weight, whose mean is the weighted loss, float64 (n,)."""
    inside = np.clip(told, SMALLEST, 1 - SMALLEST)
    loss = -(label * np.log(inside) + (1 - label) * np.log1p(-inside))
    return np.asarray(loss * weight / weight.mean())


def clearly_less(losses: Floats, others: Floats, errors: float = ERRORS) -> bool:
    """Tell whether the mean of losses lies below that of others on the same cases by more than so many standard errors."""
    gain = others - losses
    error = gain.std() / np.sqrt(len(gain))
    return bool(gain.mean() > errors * error)


def tally_of(raw: Floats, label: Floats, weight: Floats | None = None) -> ScoreTally:
    """Return the tally of raw scores and labels (0 or 1), each case counting its weight, or 1."""
    distinct, member = np.unique(raw, return_inverse=True)
    if weight is None:
        weight = np.ones(len(raw))
    # sums of the same fractions in another order differ in their last bit
    order = np.lexsort((weight, label, member))
    counted = weight[order]
    cases = np.bincount(member[order], weights=counted)
    positives = np.bincount(member[order], weights=counted * label[order])
    return ScoreTally(distinct, cases.astype(np.float64), positives.astype(np.float64))
