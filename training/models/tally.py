"""A tally: how many cases and positives stand at each distinct raw score, so that equal scores stay together."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.bundle.calibration import Calibration

Floats = NDArray[np.float64]
SMALLEST = 1e-6
"""The least probability, and the least distance from 1, so that log-odds and losses stay finite."""


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
        told = np.clip(calibration(self.raw), SMALLEST, 1 - SMALLEST)
        of_positives = self.positives * np.log(told)
        of_negatives = (self.cases - self.positives) * np.log1p(-told)
        return float(-(of_positives + of_negatives).sum() / self.cases.sum())


def tally_of(raw: Floats, label: Floats) -> ScoreTally:
    """Return the tally of raw scores and labels (0 or 1)."""
    distinct, member = np.unique(raw, return_inverse=True)
    cases = np.bincount(member).astype(np.float64)
    positives = np.bincount(member, weights=label).astype(np.float64)
    return ScoreTally(distinct, cases, positives)
