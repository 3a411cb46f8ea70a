"""Simultaneous intervals: of a ratio in several groups and of the differences of all pairs, 95 % for all of them together.

Each group's ratio is that of two sums, so a case's influence on it is (numerator - ratio x denominator) / sum of the
denominators. The influences of a unit's cases are added, since these are alike, and their squares give the covariance of the
ratios. The factor q by which an interval is wider than a standard error is the 95 % quantile of the largest standardized
deviation among all groups and pairs, drawn from the normal distribution with that covariance: the max-T of Hothorn, Bretz and
Westfall (Simultaneous inference in general parametric models, Biometrical Journal 50, 2008). A rate gets Wilson's interval
(JASA 22, 1927) with q and the number of cases that would have its variance, since few positives make the usual one too short. A
difference is put together from the intervals of its two sides as Zou and Donner do (Statistics in Medicine 27, 2008).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array

Floats = NDArray[np.float64]
Codes = NDArray[np.int64]
CONFIDENCE = 0.95
"""How often all intervals of an attribute hold together; a choice, that of every other interval of a training."""
DRAWS = 2_000
"""Draws of the largest deviation; a choice: they tell its 95 % quantile to about .04."""
NEGLIGIBLE = 1e-5
"""The share of the largest standard error below which one is rounding; a choice, far below what an interval shows."""
PSEUDO = 4
"""Cases, half of them positive, that are added where all or none are positive, since nothing else tells the variance."""


@dataclass(frozen=True, slots=True, eq=False)
class Sums:
    """What a ratio adds up, one value a case: numerator, denominator, and `weight`, how many cases one stands for.

    Where `is_rate`, the numerator adds up some of the weight, so the ratio times denominator over weight lies in [0, 1].
    """

    numerator: Floats
    denominator: Floats
    weight: Floats
    is_rate: bool = True

    def take(self, rows: NDArray[np.bool_] | Codes) -> Sums:
        """Return the sums of the chosen cases."""
        return Sums(self.numerator[rows], self.denominator[rows], self.weight[rows], self.is_rate)


@dataclass(frozen=True, slots=True, eq=False)
class Membership:
    """The unit and the group of each case, as codes from 0, and how many groups there are."""

    unit: Codes
    group: Codes
    groups: int


@dataclass(frozen=True, slots=True)
class JointInterval:
    """A value between its ends."""

    value: float
    low: float
    high: float

    def turned(self) -> JointInterval:
        """Return the interval of the same value with the other sign."""
        return JointInterval(-self.value, -self.high, -self.low)


@dataclass(frozen=True, slots=True, eq=False)
class Together:
    """Intervals that hold together: by group, and by pair of groups (first minus second)."""

    groups: dict[int, JointInterval]
    pairs: dict[tuple[int, int], JointInterval]


@dataclass(frozen=True, slots=True, eq=False)
class _Ratios:
    """Of each group its ratio, the factor that makes a rate of it, and the covariance; `cases` would have its variance.

    At first `cases` are as many cases of equal weight as tell as much as those that there are, and `units` likewise.
    """

    value: Floats
    scale: Floats
    cases: Floats
    units: Floats
    covariance: Floats
    is_rate: bool


def units_speaking(sums: Sums, members: Membership) -> Codes:
    """Return how many units of each group the ratio rests on, int64 (groups,)."""
    speaks = sums.weight > 0
    cells = np.unique(members.unit[speaks] * members.groups + members.group[speaks])
    return np.bincount(cells % members.groups, minlength=members.groups)


def together(sums: Sums, members: Membership, *, least: int, seed: int) -> Together:
    """Return the intervals of all groups whose ratio rests on `least` units, and of all pairs of them."""
    estimable = np.flatnonzero(units_speaking(sums, members) >= least)
    if not len(estimable):
        return Together({}, {})
    ratios = _ratios(sums, members, estimable)
    factor = _factor(ratios.covariance, seed)
    intervals = _intervals(ratios, factor)
    places = estimable.tolist()
    correlation = _correlation(ratios.covariance).tolist()
    pairs = {}
    for first, second in combinations(range(len(places)), 2):
        pair = (places[first], places[second])
        alike = correlation[first][second]
        pairs[pair] = pair_difference(intervals[first], intervals[second], alike)
    return Together(dict(zip(places, intervals, strict=True)), pairs)


def _ratios(sums: Sums, members: Membership, estimable: Codes) -> _Ratios:
    """Return the ratios of some groups."""
    place = np.full(members.groups, -1)
    place[estimable] = np.arange(len(estimable))
    group = place[members.group]
    speaks = (group >= 0) & (sums.weight > 0)
    group, unit, some = group[speaks], members.unit[speaks], sums.take(speaks)
    size = len(estimable)
    total = np.bincount(group, some.denominator, size)
    value = np.bincount(group, some.numerator, size) / total
    influence = (some.numerator - value[group] * some.denominator) / total[group]
    of_units = _by_unit(influence, unit, group, size)
    weights = _by_unit(some.weight, unit, group, size)
    weight = np.bincount(group, some.weight, size)
    squares = np.bincount(group, some.weight**2, size)
    of_unit_squares = np.asarray(weights.power(2).sum(axis=0))
    # of few units the squares are too small on average, by one unit's share
    number = np.bincount(weights.tocoo().coords[1], minlength=size)
    wider = np.sqrt(number / np.maximum(number - 1, 1))
    covariance = (of_units.T @ of_units).toarray() * np.outer(wider, wider)
    ratios = _Ratios(
        value=value,
        scale=total / weight,
        cases=weight**2 / squares,
        units=weight**2 / of_unit_squares,
        covariance=covariance,
        is_rate=sums.is_rate,
    )
    return _with_variance(ratios)


def _by_unit(values: Floats, unit: Codes, group: Codes, size: int) -> coo_array:
    """Return the sums of values by unit and group, sparse (units, groups)."""
    shape = (int(unit.max()) + 1, size)
    return coo_array((values, (unit, group)), shape=shape).tocsr()


def _with_variance(ratios: _Ratios) -> _Ratios:
    """Return ratios each with a variance, and with the number of cases that would have it, at most those that there are."""
    if not ratios.is_rate:
        return ratios
    covariance = ratios.covariance.copy()
    rate = ratios.value * ratios.scale
    variance = np.diag(covariance) * ratios.scale**2
    is_flat = (variance <= 0) | (rate <= 0) | (rate >= 1)
    # where all or none are positive, the cases of a unit count as one
    cases = np.divide(rate * (1 - rate), variance, out=ratios.units.copy(), where=~is_flat)
    cases = np.minimum(cases, ratios.cases)
    padded = (rate * cases + PSEUDO / 2) / (cases + PSEUDO)
    assumed = padded * (1 - padded) / (cases + PSEUDO) / ratios.scale**2
    np.fill_diagonal(covariance, np.where(is_flat, assumed, np.diag(covariance)))
    return replace(ratios, cases=cases, covariance=covariance)


def _factor(covariance: Floats, seed: int) -> float:
    """Return how many standard errors the largest deviation of all groups and pairs stays below in 95 % of the draws."""
    size = len(covariance)
    variance = np.diag(covariance)
    first, second = np.triu_indices(size, 1)
    of_pairs = variance[first] + variance[second] - 2 * covariance[first, second]
    spread = np.sqrt(np.maximum(np.concatenate((variance, of_pairs)), 0))
    moves = spread > NEGLIGIBLE * spread.max()
    if not moves.any():
        return 0.0
    # a Cholesky root is the same on every machine, where eigenvectors may turn; the margin lets one be found
    margin = NEGLIGIBLE**2 * variance.max() * np.eye(size)
    root = np.linalg.cholesky(covariance + margin)
    drawn = root @ np.random.default_rng(seed).standard_normal((size, DRAWS))
    deviations = np.abs(np.vstack((drawn, drawn[first] - drawn[second])))
    largest = (deviations[moves] / spread[moves, None]).max(axis=0)
    return float(np.quantile(largest, CONFIDENCE))


def _correlation(covariance: Floats) -> Floats:
    spread = np.sqrt(np.diag(covariance))
    product = np.outer(spread, spread)
    nothing = np.zeros_like(covariance)
    return np.asarray(np.divide(covariance, product, out=nothing, where=product > 0))


def _intervals(ratios: _Ratios, factor: float) -> list[JointInterval]:
    """Return the interval of each ratio."""
    if ratios.is_rate:
        rate = ratios.value * ratios.scale
        low, high = wilson(rate, ratios.cases, factor)
        low, high = low / ratios.scale, high / ratios.scale
    else:
        reach = factor * np.sqrt(np.diag(ratios.covariance))
        low, high = ratios.value - reach, ratios.value + reach
    ends = zip(ratios.value.tolist(), low.tolist(), high.tolist(), strict=True)
    return [JointInterval(*each) for each in ends]


def wilson(rate: Floats, cases: Floats, factor: float) -> tuple[Floats, Floats]:
    """Return the ends of Wilson's interval of rates among so many cases, `factor` standard errors wide.

    >>> low, high = wilson(np.array([0.0]), np.array([16.0]), 2.0)
    >>> low.tolist(), high.tolist()
    ([0.0], [0.2])
    """
    pull = factor**2 / cases
    middle = (rate + pull / 2) / (1 + pull)
    inside = rate * (1 - rate) / cases + pull / (4 * cases)
    reach = factor * np.sqrt(inside) / (1 + pull)
    # where none or all are positive, rounding must not lead past the rate itself
    low = np.where(rate <= 0, 0.0, middle - reach)
    high = np.where(rate >= 1, 1.0, middle + reach)
    return low, high


def pair_difference(
    first: JointInterval, second: JointInterval, correlation: float
) -> JointInterval:
    """Return the interval of first minus second from their own intervals, and the correlation of the two.

    >>> pair_difference(JointInterval(8, 5, 11), JointInterval(8, 4, 12), 0.0)
    JointInterval(value=0, low=-5.0, high=5.0)
    """
    value = first.value - second.value
    down = (first.value - first.low, second.high - second.value)
    up = (first.high - first.value, second.value - second.low)
    reaches = []
    for reach, other in (down, up):
        square = reach**2 + other**2 - 2 * correlation * reach * other
        reaches.append(max(square, 0.0) ** 0.5)
    return JointInterval(value, value - reaches[0], value + reaches[1])
