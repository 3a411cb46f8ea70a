"""Estimates with honest 95 % intervals, or a word why there is none: shares, amounts, and what a list has of a whole."""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt

import numpy as np
from numpy.typing import NDArray
from scipy.special import betaincinv, gammaincinv

from training.evaluation.lottery import Drawn, Survey, Total, hajek, hajek_difference

Floats = NDArray[np.float64]
LEAST_DRAWN = 30
"""Drawn visits below which nothing is estimated: a share of .1 would show three hits, and an amount no tail; a choice."""
TAIL = 0.025
"""Chance of a miss on either side, so that intervals are of 95 %."""
TAIL_OF_AMOUNT = 0.02
"""The same of an amount: less, because the tail itself is estimated, and so that 93 % hold with 400 visits of a long one."""
LEAST_VARIANCE = 1e-20
"""Variance of a share below which it is that of rounding: the deviations of one unit, or of units alike, sum to some 1e-16."""
LEAST_SKEW = 1e-4
"""Skewness below which a Pearson III curve is a normal one to four digits, since its shape is 4 / skewness squared."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """A value with its 95 % interval."""

    value: float
    low: float
    high: float

    def times(self, factor: float) -> Estimate:
        """Return the estimate in another unit of measure; the factor is above zero."""
        return Estimate(self.value * factor, self.low * factor, self.high * factor)

    def plain(self) -> dict[str, float]:
        """Return the estimate as JSON has it."""
        return {"value": self.value, "low": self.low, "high": self.high}

    def limits(self) -> list[float]:
        """Return the interval alone, as JSON has it."""
        return [self.low, self.high]


@dataclass(frozen=True, slots=True)
class NotEstimable:
    """What stands in the place of an estimate: the reason why there is none."""

    reason: str

    def times(self, _factor: float) -> NotEstimable:
        """Return the same reason, whatever the unit of measure."""
        return self

    def plain(self) -> str:
        """Return the word and its reason as JSON has it.

        >>> NotEstimable("no lottery visit").plain()
        'not estimable: no lottery visit'
        """
        return f"not estimable: {self.reason}"

    def limits(self) -> str:
        """Return the same in the place of an interval."""
        return self.plain()


Told = Estimate | NotEstimable


def too_few(drawn: int) -> NotEstimable | None:
    """Return why so few drawn visits tell nothing, None where they suffice.

    >>> too_few(12), too_few(30)
    (NotEstimable(reason='12 lottery visits, at least 30 needed'), None)
    """
    if not drawn:
        return NotEstimable("no lottery visit")
    if drawn < LEAST_DRAWN:
        return NotEstimable(f"{drawn} lottery visits, at least {LEAST_DRAWN} needed")
    return None


def exact_share(share: float, visits: float) -> Estimate:
    """Return a share with its exact binomial interval; `visits` is the effective number, which need not be whole.

    Source: Clopper and Pearson (1934); with an effective number, Korn and Graubard (1998), Survey Methodology 24, 193-201.

    >>> round(exact_share(0.0, 30).high, 4)
    0.1157
    """
    if np.isinf(visits):
        return Estimate(share, share, share)
    hits = share * visits
    misses = visits - hits
    low = betaincinv(hits, misses + 1, TAIL) if hits > 0 else 0.0
    high = betaincinv(hits + 1, misses, 1 - TAIL) if misses > 0 else 1.0
    return Estimate(share, float(low), float(high))


def effective_visits(drawn: Drawn) -> float:
    """Return how many visits of equal chance tell a share as well as these; infinite where nothing was left to chance.

    Source: Kish (1965), Survey Sampling, 8.2, with the finite population's 1 - inclusion probability.
    """
    weight = drawn.weight
    by_chance = float((weight**2 * (1 - drawn.inclusion)).sum())
    return float(weight.sum()) ** 2 / by_chance if by_chance > 0 else np.inf


def share_among(survey: Survey) -> Told:
    """Return the share of positives of a population, 0 to 1, from drawn units and what a model tells of all.

    The model narrows the interval as far as it explains the values of the drawn; a bad one widens it.
    """
    drawn = survey.drawn()
    if reason := too_few(len(drawn)):
        return reason
    mean = hajek(drawn, 1.0).value
    assisted = hajek_difference(survey)
    visits = effective_visits(drawn)
    # where all drawn are alike, or all as told, they cannot tell how far others are from the model
    if 0 < mean < 1 and assisted.variance > 0:
        visits = mean * (1 - mean) * survey.size**2 / assisted.variance
    share = min(max(assisted.value / survey.size, 0.0), 1.0)
    return exact_share(share, visits)


def share_total(survey: Survey) -> Told:
    """Return the number of positive units of a population."""
    return share_among(survey).times(survey.size)


def amount_total(survey: Survey) -> Told:
    """Return the total of an amount that is never below zero, such as uncovered workers."""
    drawn = survey.drawn()
    if reason := too_few(len(drawn)):
        return reason
    if not drawn.value.any():
        return NotEstimable("no lottery visit found any")
    return amount_estimate(hajek_difference(survey))


def amount_estimate(total: Total) -> Estimate:
    """Return a total of few large and many small values with an interval that holds in small samples.

    The total of a Poisson design is a weighted sum of counts of draws. Its law is taken as a Pearson III curve of the
    estimated variance and skewness; towards the long tail one more unit like the largest is added, because the sample
    that missed the largest units thinks itself exact. It holds least often, .93 to .94, where the largest units have the
    smallest inclusion probabilities, or few visits find any. Source: Fay and Feuer (1997), Statistics in Medicine 16, 791-801,
    whose gamma interval this is where no model is told, with a third moment of its own where residuals have both signs.
    """
    if not total.variance > 0:
        return Estimate(total.value, total.value, total.value)
    largest = float(total.parts[np.abs(total.parts).argmax()])
    low = _quantile(total, TAIL_OF_AMOUNT, min(largest, 0.0))
    high = _quantile(total, 1 - TAIL_OF_AMOUNT, max(largest, 0.0))
    value = max(total.value, 0.0)
    return Estimate(value, min(max(low, 0.0), value), max(high, value))


def _quantile(total: Total, probability: float, more: float) -> float:
    """Return a quantile of the law of a total with one more unit that moves it by `more`."""
    variance = total.variance + more**2
    third = float((total.parts**3).sum()) + more**3
    skewness = third / variance**1.5
    center = total.value + more
    return center + sqrt(variance) * pearson_quantile(probability, skewness)


def pearson_quantile(probability: float, skewness: float) -> float:
    """Return the quantile of a Pearson III curve of mean 0 and variance 1.

    >>> round(pearson_quantile(0.975, 0.0), 2), round(pearson_quantile(0.975, 1.0), 2)
    (1.96, 2.38)
    """
    if skewness < 0:
        return -pearson_quantile(1 - probability, -skewness)
    shape = 4 / max(skewness, LEAST_SKEW) ** 2
    return float((gammaincinv(shape, probability) - shape) / sqrt(shape))


def sum_of(first: Told, second: Told) -> Told:
    """Return the sum of two independent estimates.

    Source: the method of variance estimates recovery, Zou and Donner (2008), Statistics in Medicine 27, 1693-1702.
    """
    if isinstance(first, NotEstimable):
        return first
    if isinstance(second, NotEstimable):
        return second
    value = first.value + second.value
    below = np.hypot(first.value - first.low, second.value - second.low)
    above = np.hypot(first.high - first.value, second.high - second.value)
    return Estimate(value, value - float(below), value + float(above))


def part_of_whole(part: Told, rest: Told) -> Told:
    """Return the share that a part has of itself and an independent rest, both at least zero.

    Source: as `sum_of`, for ratios: Donner and Zou (2012), Statistical Methods in Medical Research 21, 347-359.

    >>> part_of_whole(Estimate(30, 30, 30), Estimate(70, 45, 120))
    Estimate(value=0.3, low=0.2, high=0.4)
    """
    if isinstance(part, NotEstimable):
        return part
    if isinstance(rest, NotEstimable):
        return rest
    whole = part.value + rest.value
    if not whole > 0:
        return NotEstimable("nothing was found")
    low = _share_of(_odds_at_least(part, rest))
    # where the rest has its least share, the part has its greatest
    high = 1 - _share_of(_odds_at_least(rest, part))
    return Estimate(part.value / whole, low, high)


def _share_of(odds: float) -> float:
    return 1.0 if np.isinf(odds) else odds / (1 + odds)


def _odds_at_least(part: Estimate, rest: Estimate) -> float:
    """Return the lower limit of part / rest: the odds at which their difference is just not told from zero."""
    if not part.value > 0:
        return 0.0
    if not rest.high > 0:
        return np.inf
    below = part.value - part.low
    above = rest.high - rest.value
    product = part.value * rest.value
    of_part = part.value**2 - below**2
    of_rest = rest.value**2 - above**2
    return of_part / (product + sqrt(product**2 - of_rest * of_part))


def share_by_unit(label: Floats, weight: Floats, unit: NDArray[np.str_]) -> Told:
    """Return the weighted share of positives among cases; those of one unit count as one, as far as they are alike.

    With one case a unit and equal weights it is the exact binomial interval. A case without label or weight says nothing.
    Source: as `exact_share`, the variance linearised and summed by unit; the effective number is bounded by that of the
    cases as Parker et al. do (2017), Vital and Health Statistics 2(175).
    """
    is_seen = ~np.isnan(label) & (weight > 0)
    if not is_seen.any():
        return NotEstimable("no labelled case with a weight")
    seen_weight = weight[is_seen]
    share = float(np.average(label[is_seen], weights=seen_weight))
    apart = seen_weight * (label[is_seen] - share)
    _, member = np.unique(unit[is_seen], return_inverse=True)
    whole = float(seen_weight.sum())
    variance = float((np.bincount(member, apart) ** 2).sum()) / whole**2
    if 0 < share < 1 and variance > LEAST_VARIANCE:
        # units that happen to balance tell no more than as many cases of units of their own
        most = whole**2 / float((seen_weight**2).sum())
        return exact_share(share, min(share * (1 - share) / variance, most))
    of_unit = np.bincount(member, seen_weight)
    return exact_share(share, whole**2 / float((of_unit**2).sum()))
