"""Sizes: what corrects the numbers told of small and of large units, and how far a number may lie from what is found."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.bundle.number import Correction, Number, Reach, Untold, spread, staff_class

Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]
ENDS = (2.0, 4.0, 9.0, 19.0, 49.0, 99.0, 299.0)
"""The largest staff of each class but the last in which found and told are compared; a choice: some dozens of finds each."""
REACHES = (9.0, 49.0, 299.0)
"""The same of intervals: the staff by which the rules of policy give minutes to a visit."""
COVERAGE = 0.9
"""The share of cases whose number should lie in its interval; a choice."""
FARTHEST = 5.0
"""A number is multiplied or divided by this factor at most; a choice."""
BESIDE = 10.0
"""Finds of all units that count beside those of untold ones, so that one large find does not speak for all of these; a choice."""
STEEPEST = 0.9
"""How fast a correction may move with staff, as a power of it: below 1, so that more staff never means a smaller number."""


@dataclass(frozen=True, slots=True, eq=False)
class Unseen:
    """Cases that a model had not seen: their staff, the number told of each before any correction, the number found.

    `most` is what bounds the number of each; `is_untold` says of which no source tells what is at stake.
    """

    staff: Floats
    told: Floats
    count: Floats
    most: Floats | float = np.inf
    is_untold: Mask | bool = False


@dataclass(frozen=True, slots=True, eq=False)
class _Ratios:
    """Of each class in which something was found: its place, log(1 + staff), the log of found over told, and its variance."""

    place: Floats
    ratio: Floats
    variance: Floats


def no_reaches() -> tuple[Reach, ...]:
    """Return the classes of intervals before anything was seen."""
    return tuple(Reach(up_to=end, spreads=None) for end in (*REACHES, None))


def bounded_reaches(number: Number, staff: Floats, count: Floats, at_stake: Floats) -> Number:
    """Return the number with the bound lifted from each size in which more than what is at stake was found too often.

    Too often is in more of the cases than an interval may miss: no interval below the bound would hold enough of them.
    """
    is_above = count > np.ceil(at_stake)
    member = staff_class(number.reaches, staff)
    reaches = []
    for place, each in enumerate(number.reaches):
        of_size = member == place
        too_often = is_above[of_size].sum() > (1 - number.coverage) * of_size.sum()
        reaches.append(each.model_copy(update={"bounded": not too_often}))
    return number.model_copy(update={"reaches": tuple(reaches)})


def staff_corrections(unseen: Unseen) -> tuple[Correction, ...]:
    """Return the corrections at which what is told of each size comes to what was found, as far as chance does not explain it.

    The ratios of the classes are drawn to a line by staff, each the more the worse it is known: chance alone parts those
    of few large units. Cases of which no source tells the staff have no size, and are left out.
    """
    ratios = _ratios(unseen)
    if not len(ratios.place):
        return (Correction(staff=0.0, factor=1.0),)
    drawn = _gentle(ratios.place, _drawn_to_a_line(ratios))
    factors = np.exp(np.clip(drawn, -np.log(FARTHEST), np.log(FARTHEST)))
    staff = np.expm1(ratios.place)
    return tuple(
        Correction(staff=place, factor=factor)
        for place, factor in zip(staff.tolist(), factors.tolist(), strict=True)
    )


def _ratios(unseen: Unseen) -> _Ratios:
    rows = [_ratio_of(unseen, cases) for cases in _classes(unseen)]
    place, ratio, variance = np.array(rows).reshape(-1, 3).T
    return _Ratios(place, ratio, variance)


def _classes(unseen: Unseen) -> Iterator[Mask]:
    """Yield the cases of each class in which something was told and found."""
    member = np.searchsorted(np.array(ENDS), unseen.staff, side="left")
    for place in range(len(ENDS) + 1):
        cases = (member == place) & ~np.asarray(unseen.is_untold)
        if unseen.count[cases].sum() > 0 and unseen.told[cases].sum() > 0:
            yield cases


def _ratio_of(unseen: Unseen, cases: Mask) -> tuple[float, float, float]:
    """Return one class's place, the logarithm of found over told, and its variance; a class of few finds is known badly."""
    predicted = unseen.told[cases]
    count = unseen.count[cases]
    place = float(np.average(np.log1p(unseen.staff[cases]), weights=predicted))
    ratio = float(count.sum() / predicted.sum())
    apart = count - ratio * predicted
    # where all but one found nothing the residuals say too little, hence the share of one find more
    variance = float((apart**2).sum() / count.sum() ** 2) + 1 / int((count > 0).sum())
    return place, float(np.log(ratio)), variance


def _drawn_to_a_line(ratios: _Ratios) -> Floats:
    """Return the ratios, each between itself and a line by staff (a level of fewer than three classes).

    How far the classes truly lie from the line is DerSimonian and Laird's estimate.
    """
    design = np.ones((len(ratios.place), 1))
    if len(ratios.place) > 2:
        design = np.column_stack([design, ratios.place])
    weight = 1 / ratios.variance
    between = _between(design, ratios.ratio, weight)
    line = design @ _weighted_fit(design, ratios.ratio, 1 / (ratios.variance + between))
    share = between / (between + ratios.variance)
    return np.asarray(line + share * (ratios.ratio - line))


def _weighted_fit(design: Floats, ratio: Floats, weight: Floats) -> Floats:
    weighted = design.T * weight
    return np.asarray(np.linalg.solve(weighted @ design, weighted @ ratio))


def _between(design: Floats, ratio: Floats, weight: Floats) -> float:
    """Return the variance of the classes about their line beyond what chance explains, 0 where chance explains it all."""
    classes, terms = design.shape
    if classes <= terms:
        return 0.0
    line = design @ _weighted_fit(design, ratio, weight)
    apart = float((weight * (ratio - line) ** 2).sum())
    weighted = design.T * weight
    squares = (weighted * weight) @ design
    scale = float(weight.sum() - np.trace(np.linalg.solve(weighted @ design, squares)))
    return float(max(0.0, (apart - (classes - terms)) / scale))


def _gentle(place: Floats, drawn: Floats) -> Floats:
    """Return corrections that move no faster than STEEPEST from one class to the next."""
    gentle = drawn.copy()
    for later in range(1, len(gentle)):
        most = STEEPEST * (place[later] - place[later - 1])
        before = gentle[later - 1]
        gentle[later] = np.clip(gentle[later], before - most, before + most)
    return gentle


def untold_stake(finds: Floats, finds_of_all: Floats) -> Untold:
    """Return what is taken to be at stake of untold units: the mean of what was found at them, drawn to that of all finds.

    >>> untold_stake(np.array([500.0]), np.array([500.0, 4.0, 3.0, 5.0])).stake
    161.8181818181818
    """
    mean = float(finds_of_all.mean())
    return Untold(stake=(float(finds.sum()) + BESIDE * mean) / (len(finds) + BESIDE))


def levelled_untold(untold: Untold, unseen: Unseen) -> Untold:
    """Return what is taken to be at stake of untold units, at which what is told of them comes to what was found.

    Few finds move it little: as far as their share of as many and BESIDE more.
    """
    count = unseen.count[unseen.is_untold]
    uncorrected = unseen.told[unseen.is_untold]
    if not (uncorrected.sum() > 0 and count.sum() > 0):
        return untold
    finds = int((count > 0).sum())
    ratio = (count.sum() / uncorrected.sum()) ** (finds / (finds + BESIDE))
    level = float(np.clip(ratio, 1 / FARTHEST, FARTHEST))
    return untold.model_copy(update={"stake": untold.stake * level})


def with_reaches(number: Number, unseen: Unseen, expected: Floats) -> Number:
    """Return the number with intervals that hold what was found of enough unseen cases of each size: split conformal.

    Of a class of n cases the (n + 1) x coverage-th least distance is taken, so that a case to come lies inside as often.
    """
    # a number of nothing has no spread: then any find is infinitely far, and the least float stands for none
    distance = np.abs(unseen.count - expected) / np.maximum(spread(expected), np.finfo(float).tiny)
    # the interval ends at the bound, so what was found above it lies outside, however near
    distance[unseen.count > np.ceil(unseen.most)] = np.inf
    member = staff_class(number.reaches, unseen.staff)
    is_told = ~np.asarray(unseen.is_untold)
    reaches = []
    for place, each in enumerate(number.reaches):
        spreads = _conformal(distance[(member == place) & is_told], number.coverage)
        reaches.append(each.model_copy(update={"spreads": spreads}))
    changes: dict[str, object] = {"reaches": tuple(reaches)}
    if number.untold is not None:
        spreads = _conformal(distance[unseen.is_untold], number.coverage)
        changes["untold"] = number.untold.model_copy(update={"spreads": spreads})
    return number.model_copy(update=changes)


def _conformal(distance: Floats, coverage: float) -> float | None:
    """Return the distance within which enough cases lie, None where too few were seen to tell."""
    ascending = np.sort(distance)
    wanted = int(np.ceil((len(ascending) + 1) * coverage))
    if wanted > len(ascending) or np.isinf(ascending[wanted - 1]):
        return None
    return float(ascending[wanted - 1])


def deviance(count: Floats, expected: Floats) -> float:
    """Return the mean Tweedie deviance of power 1.5, between a Poisson's and a gamma's: one large find does not decide.

    >>> deviance(np.array([4.0, 0.0]), np.array([4.0, 1.0]))
    2.0
    """
    # nothing expected where something was found would be infinitely wrong
    least = 1e-6 * float(expected.mean()) + np.finfo(float).tiny
    root = np.sqrt(np.maximum(expected, least))
    return float(np.mean(4 * (root - np.sqrt(count)) ** 2 / root))
