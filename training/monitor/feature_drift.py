"""Drift of features: of each whether its values, or the share of units without one, are those of the training day.

A column has moved where chance hardly explains the difference and the difference is large. Chance is judged by a
chi-square test over bins of equal filling and by Fisher's exact test of the missing share; p-values of all columns are
adjusted together as Benjamini and Yekutieli do (2001, Annals of Statistics 29, 1165-1188), which holds however the columns
depend on each other. How large is the population stability index. Most units live on both days, so that the samples are
alike and the tests, which take them as independent, speak later rather than sooner.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import chdtrc
from scipy.stats import hypergeom

from training.monitor.limits import MonitorLimits

Floats = NDArray[np.float64]
Codes = NDArray[np.int64]
SMOOTHED = 0.5
"""Units added to each bin of a stability index, since that of an empty bin would be infinite; Jeffreys' prior."""


@dataclass(frozen=True, slots=True, eq=False)
class WatchedColumn:
    """One feature on both days, a value a unit, NaN where missing; `is_text` where the values are codes of texts."""

    name: str
    then: Floats
    now: Floats
    is_text: bool = False


@dataclass(frozen=True, slots=True)
class Shift:
    """How far a distribution has moved: stability index, None where a day has no values, and the adjusted p-value."""

    psi: float | None
    chance: float

    def has_moved(self, limits: MonitorLimits) -> bool:
        """Tell whether chance hardly explains the move, and it is large."""
        is_large = self.psi is not None and self.psi >= limits.psi_moved
        return is_large and self.chance <= limits.error


@dataclass(frozen=True, slots=True)
class FeatureDrift:
    """The drift of one feature: of its values and of the share of units without one, on both days."""

    name: str
    values: Shift
    missing: Shift
    missing_then: float
    missing_now: float

    def moved(self, limits: MonitorLimits) -> tuple[str, ...]:
        """Return what of it has moved: `values`, `missing`, both or nothing."""
        parts = {"values": self.values, "missing": self.missing}
        return tuple(name for name, shift in parts.items() if shift.has_moved(limits))


def feature_drift(columns: list[WatchedColumn], limits: MonitorLimits) -> list[FeatureDrift]:
    """Return the drift of every column, in the order given, p-values adjusted for all of them together."""
    of_values = [_values_shift(column, limits) for column in columns]
    of_missing = _missing_shifts(columns)
    chances = [shift.chance for shift in (*of_values, *of_missing)]
    adjusted = iter(adjusted_chances(np.array(chances)).tolist())
    values = [Shift(shift.psi, next(adjusted)) for shift in of_values]
    missing = [Shift(shift.psi, next(adjusted)) for shift in of_missing]
    shares = [(_missing_share(column.then), _missing_share(column.now)) for column in columns]
    rows = zip(columns, values, missing, shares, strict=True)
    return [FeatureDrift(column.name, value, gap, *share) for column, value, gap, share in rows]


def adjusted_chances(chances: Floats) -> Floats:
    """Return p-values adjusted so that those below a level have that rate of false ones at most, however they depend.

    >>> adjusted_chances(np.array([0.01, 0.5])).tolist()
    [0.03, 0.75]
    """
    number = len(chances)
    if not number:
        return chances
    falling = np.argsort(-chances, kind="stable")
    ranks = np.arange(number, 0, -1)
    for_dependence = (1 / np.arange(1, number + 1)).sum()
    steps = chances[falling] * number * for_dependence / ranks
    adjusted = np.empty(number)
    adjusted[falling] = np.minimum(np.minimum.accumulate(steps), 1.0)
    return adjusted


def values_shift(then: Floats, now: Floats, limits: MonitorLimits) -> Shift:
    """Return how far the values of one number have moved, with the p-value of this test alone."""
    return _values_shift(WatchedColumn("", then, now), limits)


def _values_shift(column: WatchedColumn, limits: MonitorLimits) -> Shift:
    then = column.then[~np.isnan(column.then)]
    now = column.now[~np.isnan(column.now)]
    if not len(then) or not len(now):
        return Shift(None, 1.0)
    binned = _texts_binned if column.is_text else _numbers_binned
    counts = binned(then, now, limits)
    return Shift(stability_index(counts), homogeneity(counts))


def _missing_shifts(columns: list[WatchedColumn]) -> list[Shift]:
    """Return the shift of each share of units without a value, by Fisher's exact test, two-sided by doubling."""
    days = [(column.then, column.now) for column in columns]
    counts = np.array([list(map(_missing_and_not, both)) for both in days]).reshape(-1, 2, 2)
    units = counts.sum(axis=2)
    missing = counts[:, :, 0]
    missing_now = missing[:, 1]
    law = hypergeom(units.sum(axis=1), missing.sum(axis=1), units[:, 1])
    smaller_tail = np.minimum(law.cdf(missing_now), law.sf(missing_now - 1))
    chances = np.minimum(2 * smaller_tail, 1.0).tolist()
    indices = map(stability_index, counts)
    return [Shift(index, chance) for index, chance in zip(indices, chances, strict=True)]


def _missing_and_not(values: Floats) -> tuple[int, int]:
    """Return how many units have no value, and how many have one."""
    missing = int(np.isnan(values).sum())
    return missing, len(values) - missing


def _missing_share(values: Floats) -> float:
    return float(np.isnan(values).mean()) if len(values) else 0.0


def _numbers_binned(then: Floats, now: Floats, limits: MonitorLimits) -> Codes:
    """Return the counts of both days in bins about equally full of both together, (2, bins)."""
    fewest = min(len(then), len(now))
    bins = max(2, min(limits.bins, fewest // (2 * limits.least_in_bin)))
    both = np.concatenate((then, now))
    # an edge is a value that occurs, so that units of one value stay together
    inner = np.quantile(both, np.arange(1, bins) / bins, method="inverted_cdf")
    edges = np.unique(inner)
    places = (np.searchsorted(edges, day, side="left") for day in (then, now))
    return np.array([np.bincount(place, minlength=len(edges) + 1) for place in places])


def _texts_binned(then: Floats, now: Floats, limits: MonitorLimits) -> Codes:
    """Return the counts of both days by text, (2, texts), those together that are too rare to be tested."""
    codes_then = then.astype(np.int64)
    codes_now = now.astype(np.int64)
    texts = 1 + max(int(codes_then.max()), int(codes_now.max()))
    counts = np.array([np.bincount(codes, minlength=texts) for codes in (codes_then, codes_now)])
    of_fewer_units = counts.sum(axis=1).min() / counts.sum()
    is_rare = counts.sum(axis=0) * of_fewer_units < limits.least_in_bin
    rare = counts[:, is_rare].sum(axis=1, keepdims=True)
    return np.hstack((counts[:, ~is_rare], rare))


def homogeneity(counts: Codes) -> float:
    """Return the p-value of Pearson's test that both rows of counts, (2, bins), have one law.

    >>> homogeneity(np.array([[50, 50], [50, 50]])), round(homogeneity(np.array([[50, 50], [70, 30]])), 4)
    (1.0, 0.0039)
    """
    of_bin = counts.sum(axis=0)
    filled = counts[:, of_bin > 0]
    degrees = filled.shape[1] - 1
    if degrees < 1:
        return 1.0
    of_day = filled.sum(axis=1)
    expected = np.outer(of_day, of_bin[of_bin > 0]) / filled.sum()
    apart = filled - expected
    statistic = (apart**2 / expected).sum()
    return float(chdtrc(degrees, statistic))


def stability_index(counts: Codes) -> float:
    """Return the population stability index of two rows of counts, (2, bins): 0 where both have the same shares.

    >>> round(stability_index(np.array([[500, 500], [700, 300]])), 3)
    0.169
    """
    is_filled = counts.sum(axis=0) > 0
    smoothed = counts[:, is_filled] + SMOOTHED
    then, now = smoothed / smoothed.sum(axis=1, keepdims=True)
    return float(((now - then) * np.log(now / then)).sum())
