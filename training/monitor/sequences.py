"""Confidence sequences: how far findings are from what was told, with limits that hold after every week at once.

Of each visit the excess counts: 1 or 0 found, less the probability told on the eve. Where the probabilities are true its
mean is zero whatever the base rate, and whoever bets on it gains nothing. The limits are those means that a bet has not
excluded, as for a lift (Waudby-Smith and Ramdas 2024, Journal of the Royal Statistical Society B 86, 1-27).
"""

from __future__ import annotations

from dataclasses import dataclass
from math import log

import numpy as np
from numpy.typing import NDArray
from scipy.special import logsumexp

from training.evaluation.estimate import NotEstimable
from training.evaluation.lift_trial import STAKES

Floats = NDArray[np.float64]
Codes = NDArray[np.int64]
HALVINGS = 20
"""Halvings of the means that are possible, so that a limit is known to a millionth, far below what visits can tell."""


@dataclass(frozen=True, slots=True, eq=False)
class Excesses:
    """Per visit (n,), in the order in which outcomes became known: found less told, and its week, ascending."""

    excess: Floats
    week: Codes

    def __len__(self) -> int:
        return len(self.excess)

    def take(self, chosen: NDArray[np.bool_]) -> Excesses:
        """Return the chosen visits."""
        return Excesses(self.excess[chosen], self.week[chosen])


@dataclass(frozen=True, slots=True)
class MeanExcess:
    """A mean excess, the greatest mean that it was shown to be above, and the least that it was shown to be below.

    Where it was `above` more than it was `below`, no one mean explains all weeks: the excess has changed.
    """

    value: float
    above: float
    below: float

    @property
    def steady(self) -> bool:
        """Whether some mean explains all weeks."""
        return self.above < self.below

    def excludes(self, reach: float) -> bool:
        """Tell whether it was shown to be further than `reach` from zero, after some week."""
        return self.above > reach or self.below < -reach

    def plain(self) -> dict[str, float | bool]:
        """Return it as JSON has it."""
        return {
            "value": self.value,
            "low": min(self.above, self.below),
            "high": max(self.above, self.below),
            "steady": self.steady,
        }


def mean_excess(visits: Excesses, *, error: float, least: int) -> MeanExcess | NotEstimable:
    """Return the mean excess with limits that miss it, after whichever week, with the chance `error` at most."""
    if len(visits) < least:
        return NotEstimable(
            f"{len(visits)} outcomes of weeks that are over, at least {least} needed"
        )
    above, below = excess_limits(visits, error)
    return MeanExcess(float(visits.excess.mean()), above, below)


def excess_limits(visits: Excesses, error: float) -> tuple[float, float]:
    """Return the ends of the means that were not excluded after any whole week; they never widen again."""
    share = (visits.excess + 1) / 2
    ends = np.append(np.flatnonzero(np.diff(visits.week)), len(visits) - 1)
    low = _least_mean(share, ends, error)
    high = 1 - _least_mean(1 - share, ends, error)
    return 2 * low - 1, 2 * high - 1


def _least_mean(share: Floats, ends: Codes, error: float) -> float:
    """Return the least mean of shares that no bet on a greater one excludes, by halving: what it wins falls with the mean."""
    enough = log(2 / error)
    excluded, possible = 0.0, 1.0
    for _ in range(HALVINGS):
        mean = (excluded + possible) / 2
        if most_won(share / mean - 1, ends) >= enough:
            excluded = mean
        else:
            possible = mean
    return excluded


def most_won(gain: Floats, ends: Codes) -> float:
    """Return the greatest logarithm of the capital after some visits, by a mixture of stakes on gains, each -1 at least.

    It is the capital of `training/evaluation/lift_trial.py`, in logarithms, since a mean that is far off wins more than
    numbers hold.
    """
    of_stakes = np.cumsum(np.log1p(STAKES[:, None] * gain), axis=1)[:, ends]
    return float(logsumexp(of_stakes, axis=0).max() - log(len(STAKES)))
