"""Drift of calibration: what was found where a probability was told, on cases that came after the training."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.bundle.score import Scores
from training.data.cases import TargetCases
from training.evaluation.estimate import NotEstimable, exact_share
from training.evaluation.probability import row_numbers
from training.monitor.limits import MonitorLimits
from training.monitor.sequences import Excesses, MeanExcess, mean_excess

Floats = NDArray[np.float64]
WEEK = 7
"""Days of a week."""
FIRST_MONDAY = 4
"""1970-01-05, a Monday, so that the weeks are those of plans."""


@dataclass(frozen=True, slots=True)
class CalibrationDrift:
    """Observed over told: in bands of the score, and of all judged cases, with a confidence sequence of their excess.

    `basis` says whose outcomes are judged: `lottery` where enough were drawn, since visits by choice find more than
    units of the same score do; else `all`.
    """

    basis: str
    cases: int
    bands: tuple[dict[str, Any], ...]
    excess: MeanExcess | NotEstimable

    def plain(self) -> dict[str, Any]:
        """Return it as JSON has it."""
        return {
            "basis": self.basis,
            "cases": self.cases,
            "bands": list(self.bands),
            "excess": self.excess.plain(),
        }


def calibration_drift(
    cases: TargetCases, scores: Scores, today: int, limits: MonitorLimits
) -> CalibrationDrift:
    """Return the drift of calibration on new cases, which all have a label, by what whole weeks tell."""
    drawn = ~np.isnan(cases.random_label)
    is_enough = int(drawn.sum()) >= limits.least_visits
    chosen = drawn if is_enough else np.ones(len(cases), np.bool_)
    label = cases.label[chosen]
    probability = scores.probability[chosen]
    judged = excesses(cases, scores.probability, today, chosen)
    return CalibrationDrift(
        basis="lottery" if is_enough else "all",
        cases=int(chosen.sum()),
        bands=tuple(bands(label, probability, limits)),
        excess=mean_excess(judged, error=limits.error, least=limits.least_visits),
    )


def bands(label: Floats, probability: Floats, limits: MonitorLimits) -> list[dict[str, Any]]:
    """Return rows of rising probability: cases, mean told, share observed with its exact interval, observed over told."""
    fit_in = max(1, len(label) // limits.least_visits)
    number = row_numbers(probability, min(limits.bins, fit_in))
    return [_band(label[number == each], probability[number == each]) for each in np.unique(number)]


def _band(label: Floats, probability: Floats) -> dict[str, Any]:
    # sums of the same numbers in another order differ in their last bit
    expected = float(np.sort(probability).mean())
    observed = exact_share(float(label.mean()), len(label))
    return {
        "cases": len(label),
        "from": float(probability.min()),
        "until": float(probability.max()),
        "expected": expected,
        "observed": observed.plain(),
        "ratio": observed.value / expected if expected else None,
    }


def excesses(
    cases: TargetCases, probability: Floats, today: int, chosen: NDArray[np.bool_]
) -> Excesses:
    """Return what chosen cases found less what was told, of weeks that were over by the end of a day, in their order."""
    week = week_of_days(cases.known)
    is_over = chosen & (week < week_of_days(np.array([today + 1])))
    order = np.lexsort((cases.ids[is_over], week[is_over]))
    excess = (cases.label - probability)[is_over]
    return Excesses(excess[order], week[is_over][order])


def week_of_days(days: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the number of the week, from Monday on, in which days lie.

    >>> week_of_days(np.array([3, 4, 10, 11])).tolist()
    [-1, 0, 0, 1]
    """
    return np.asarray((days - FIRST_MONDAY) // WEEK)
