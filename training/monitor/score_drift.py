"""Drift of scores: those of the living units of today against those of the day on which the model was trained."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.bundle.score import Scores
from training.monitor.feature_drift import Shift, values_shift
from training.monitor.limits import MonitorLimits

Floats = NDArray[np.float64]
SHARES = (0.1, 0.25, 0.5, 0.75, 0.9, 0.99)
"""Parts of the units whose highest score is shown: quartiles, and the ends where lists are made; a choice."""


@dataclass(frozen=True, slots=True, eq=False)
class ScoreDrift:
    """How far the scores have moved, and of both days the mean probability and some quantiles of it."""

    shift: Shift
    then: Floats
    now: Floats

    def plain(self) -> dict[str, Any]:
        """Return it as JSON has it."""
        return {
            "psi": self.shift.psi,
            "chance": self.shift.chance,
            "then": _described(self.then),
            "now": _described(self.now),
        }


def score_drift(then: Scores, now: Scores, limits: MonitorLimits) -> ScoreDrift:
    """Return the drift between the scores of two days."""
    # the raw score, since calibration gives many units one probability
    shift = values_shift(then.raw, now.raw, limits)
    return ScoreDrift(shift, then.probability, now.probability)


def _described(probability: Floats) -> dict[str, Any]:
    in_order = np.sort(probability)
    levels = np.quantile(in_order, SHARES, method="inverted_cdf")
    quantiles = {str(share): float(level) for share, level in zip(SHARES, levels, strict=True)}
    return {"units": len(in_order), "mean": float(in_order.mean()), "quantiles": quantiles}
