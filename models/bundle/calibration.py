"""Calibration: the monotone line of knots that turns a raw score into a probability."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from features.errors import BundleError


@dataclass(frozen=True, slots=True)
class Calibration:
    """Knots (raw score, probability): raw scores rise strictly, probabilities never fall and lie in [0, 1]."""

    raw: tuple[float, ...]
    probability: tuple[float, ...]

    def __post_init__(self) -> None:
        raw = np.array(self.raw)
        probability = np.array(self.probability)
        are_pairs = len(raw) == len(probability) >= 1
        if not (are_pairs and np.isfinite(raw).all() and np.isfinite(probability).all()):
            raise BundleError(
                f"calibration needs as many finite raw scores as probabilities, got {len(raw)}"
            )
        if (np.diff(raw) <= 0).any() or (np.diff(probability) < 0).any():
            raise BundleError(
                "calibration knots should rise: fit them again with a monotone method"
            )
        if probability[0] < 0 or probability[-1] > 1:
            raise BundleError("calibration probabilities should lie between 0 and 1")

    def __call__(self, scores: ArrayLike) -> NDArray[np.float64]:
        """Return the probability of each raw score: straight between knots, level outside them.

        >>> Calibration((-1.0, 1.0), (0.25, 0.75))([-9.0, 0.0, 1.0]).tolist()
        [0.25, 0.5, 0.75]
        """
        raw_scores = np.asarray(scores, dtype=np.float64)
        raw = np.array(self.raw)
        probability = np.array(self.probability)
        if len(raw) == 1:
            return np.full(raw_scores.shape, probability[0])
        # the knots beside each score; outside the line those of its first or last piece
        next_knots = np.searchsorted(raw, raw_scores, side="right")
        right_knot = np.clip(next_knots, 1, len(raw) - 1)
        left_knot = right_knot - 1
        low, high = probability[left_knot], probability[right_knot]
        distance = raw_scores - raw[left_knot]
        # cut to [0, 1], so that the line is level outside its knots
        share = np.clip(distance / (raw[right_knot] - raw[left_knot]), 0.0, 1.0)
        # cut again: a rounded sum may lie a bit above the higher knot, and a probability must not
        line: NDArray[np.float64] = np.clip(low + share * (high - low), low, high)
        return line
