"""Totals of a population from units that a lottery drew: design-based, each with how far chance alone may move it.

The design. Every unit of the population has an inclusion probability that was recorded before the draw, above zero, a
unit that was waived from routine visits too: it weighs 1 / that probability like any other, and no weight of the policy
enters. Units are taken as drawn independently (a Poisson design). The plan draws systematically within a cell, so that
its number of drawn visits varies less, and the variances here are if anything too large.

The list is decided before the draw, or without a look at it. A unit of a visited list is seen for certain, drawn or
not: it counts once, as itself, and the draw adds nothing to it. Only a drawn unit off the list weighs 1 / its
inclusion probability. Why a planned visit is made does not tell who is on such a list: a drawn unit keeps its place in
the plan's queue at whatever rank, so that it would count as listed because it was drawn. A list that fills the time
left by the draw is a census as far down as it is visited whatever is drawn.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from features.errors import TargetError

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class Drawn:
    """Units that a lottery drew and a visit has seen: the value of each and its inclusion probability, (n,)."""

    value: Floats
    inclusion: Floats

    def __post_init__(self) -> None:
        """Raise TargetError where an inclusion probability is none."""
        is_chance = (self.inclusion > 0) & (self.inclusion <= 1)
        if not is_chance.all():
            wrong = self.inclusion[~is_chance][0]
            raise TargetError(
                f"an inclusion probability should be above 0 and at most 1; got {wrong:g}; "
                f"see the draws that the plan recorded"
            )

    def __len__(self) -> int:
        return len(self.value)

    @property
    def weight(self) -> Floats:
        """How many units of the population each drawn unit stands for, (n,)."""
        return 1.0 / self.inclusion


@dataclass(frozen=True, slots=True, eq=False)
class Total:
    """An estimated total; `parts` (n,) is what each drawn unit moves it by, `variance` that of the draw.

    `base` is the part of the total that is known for certain, which no draw moves.
    """

    value: float
    parts: Floats
    variance: float
    base: float = 0.0

    def above(self, base: float) -> Total:
        """Return the same estimate on top of what is known for certain."""
        return replace(self, value=self.value + base, base=self.base + base)


def horvitz_thompson(drawn: Drawn) -> Total:
    """Return the sum of value / inclusion probability: unbiased, as is its variance under a Poisson design.

    Source: Horvitz and Thompson (1952), Journal of the American Statistical Association 47, 663-685.
    """
    parts = drawn.value * drawn.weight
    by_chance = (1 - drawn.inclusion) * parts**2
    return Total(float(parts.sum()), parts, float(by_chance.sum()))


def hajek(drawn: Drawn, size: float) -> Total:
    """Return the weighted mean times the known number of units: steadier where the number drawn varies.

    It needs the inclusion probabilities up to a common factor alone, as where units were in several draws. Its bias
    vanishes as 1 / n. Source: Hajek (1971), comment in Foundations of Statistical Inference, 236; Särndal, Swensson and
    Wretman (1992), Model Assisted Survey Sampling, 5.7.
    """
    weight = drawn.weight
    number = len(drawn)
    mean = float(np.average(drawn.value, weights=weight))
    parts = size / weight.sum() * weight * (drawn.value - mean)
    by_chance = (1 - drawn.inclusion) * parts**2
    # residuals from a mean of their own are too small by one degree of freedom
    enlarged = number / max(number - 1, 1)
    return Total(size * mean, parts, float(by_chance.sum() * enlarged))


@dataclass(frozen=True, slots=True, eq=False)
class Survey:
    """A population and what was seen of it, one value a unit, (n,).

    `value` is NaN of whom nobody saw, `inclusion` NaN of whom the lottery did not draw; `told` is what a model expects of
    every unit without having learned from this draw (zeros: no model), and `weight` how many units one stands for.
    """

    value: Floats
    inclusion: Floats
    told: Floats
    weight: Floats

    def take(self, chosen: Flags) -> Survey:
        """Return the chosen units."""
        columns = (self.value, self.inclusion, self.told, self.weight)
        return Survey(*(column[chosen] for column in columns))

    @property
    def size(self) -> float:
        """How many units the population has."""
        return float(self.weight.sum())

    @property
    def told_total(self) -> float:
        """What the model expects of the whole population."""
        return float((self.weight * self.told).sum())

    @property
    def seen(self) -> Flags:
        """Which units were drawn and have a value."""
        return ~np.isnan(self.value) & ~np.isnan(self.inclusion)

    def drawn(self) -> Drawn:
        """Return the drawn units with their values."""
        return Drawn(self.value[self.seen], self.inclusion[self.seen])

    def residuals(self) -> Drawn:
        """Return the drawn units with what their values are above what was told of them."""
        apart = self.value - self.told
        return Drawn(apart[self.seen], self.inclusion[self.seen])


def difference(survey: Survey) -> Total:
    """Return the total told, corrected by what the drawn units were above it: unbiased whatever the model tells.

    Source: the difference estimator, Särndal, Swensson and Wretman (1992), 6.3; as prediction-powered inference,
    Angelopoulos et al. (2023), Science 382, 669-674.
    """
    return horvitz_thompson(survey.residuals()).above(survey.told_total)


def hajek_difference(survey: Survey) -> Total:
    """Return the same with the correction as a weighted mean, which needs inclusion probabilities up to a factor.

    Source: as `difference` and `hajek`.
    """
    return hajek(survey.residuals(), survey.size).above(survey.told_total)


def seen_total(value: Floats) -> Total:
    """Return the total of units that were all seen; TargetError where one was not."""
    unseen = int(np.isnan(value).sum())
    if unseen:
        raise TargetError(
            f"a visited list should have the outcome of each of its units; {unseen} of {len(value)} have none"
        )
    return Total(0.0, np.zeros(0), 0.0).above(float(value.sum()))
