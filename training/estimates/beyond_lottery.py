"""What lists found beyond what their minutes would have found by lottery: the gain of choosing whom to visit."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from training.estimates.period_visits import Flags, PeriodVisits
from training.evaluation.estimate import (
    Estimate,
    NotEstimable,
    Told,
    amount_estimate,
    too_few,
)
from training.evaluation.lottery import Total

NO_MINUTES = NotEstimable("the source does not say how long visits take")
"""Why lists and lottery cannot be compared by the minute."""


@dataclass(frozen=True, slots=True)
class BeyondLottery:
    """What lists found in how many minutes, what a lottery would have found in as many, and the difference."""

    listed: float
    minutes: float
    by_lottery: Told
    beyond: Told


def beyond_lottery(listed: PeriodVisits, drawn: PeriodVisits) -> BeyondLottery:
    """Return what lists found beyond the lottery, of the visits whose number and minutes are known.

    The lottery's own visits say what a minute of it finds: their numbers over their minutes, a ratio whose numerator and
    denominator both vary with the draw. Source: Cochran (1977), Sampling Techniques, 6.3, the variance as for `hajek`.
    """
    if np.isnan(drawn.minutes).all() and len(drawn):
        return BeyondLottery(float(np.nansum(listed.number)), 0.0, NO_MINUTES, NO_MINUTES)
    of_list = listed.take(_is_known(listed))
    of_lottery = drawn.take(_is_known(drawn))
    by_lists = float(of_list.number.sum())
    minutes = float(of_list.minutes.sum())
    by_lottery = in_minutes(of_lottery, minutes)
    return BeyondLottery(by_lists, minutes, by_lottery, _less(by_lists, by_lottery))


def _is_known(visits: PeriodVisits) -> Flags:
    return ~np.isnan(visits.number) & ~np.isnan(visits.minutes)


def in_minutes(drawn: PeriodVisits, minutes: float) -> Told:
    """Return what the lottery would find in so many minutes."""
    number = len(drawn)
    if reason := too_few(number):
        return reason
    spent = float(drawn.minutes.sum())
    if not drawn.number.any() or not spent:
        return NotEstimable("no lottery visit found any")
    a_minute = float(drawn.number.sum()) / spent
    parts = minutes / spent * (drawn.number - a_minute * drawn.minutes)
    # residuals from a ratio of their own are too small by one degree of freedom
    variance = float((parts**2).sum()) * number / (number - 1)
    return amount_estimate(Total(a_minute * minutes, parts, variance))


def _less(found: float, by_lottery: Told) -> Told:
    """Return what is left of a known number when an estimate is taken away."""
    if isinstance(by_lottery, NotEstimable):
        return by_lottery
    return Estimate(
        found - by_lottery.value, low=found - by_lottery.high, high=found - by_lottery.low
    )
