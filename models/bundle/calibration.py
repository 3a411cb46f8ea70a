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
        raw, probability = np.array(self.raw), np.array(self.probability)
        if not (
            len(raw) == len(probability) >= 1
            and np.isfinite(raw).all()
            and np.isfinite(probability).all()
        ):
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
        given = np.asarray(scores, dtype=np.float64)
        raw, probability = np.array(self.raw), np.array(self.probability)
        right = np.clip(np.searchsorted(raw, given, side="right"), 1, max(len(raw) - 1, 1))
        if len(raw) == 1:
            return np.full(given.shape, probability[0])
        low, high = probability[right - 1], probability[right]
        share = np.clip((given - raw[right - 1]) / (raw[right] - raw[right - 1]), 0.0, 1.0)
        line: NDArray[np.float64] = np.clip(low + share * (high - low), low, high)
        return line
