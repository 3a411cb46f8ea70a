"""What a list finds: its precision, the rate of the population, its recall and its lift, each with an interval."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from training.evaluation.estimate import (
    Estimate,
    NotEstimable,
    Told,
    part_of_whole,
    sum_of,
)
from training.evaluation.lottery import Survey, seen_total

Flags = NDArray[np.bool_]
TotalOf = Callable[[Survey], Told]
"""How the total of a part of the population is estimated: `share_total` or `amount_total`."""

EMPTY = NotEstimable("the list is empty")


@dataclass(frozen=True, slots=True)
class ListAndRest:
    """The totals of a list, of the rest of the population and of both, and how many units list and rest have."""

    listed: Told
    rest: Told
    whole: Told
    listed_units: float
    rest_units: float

    @property
    def units(self) -> float:
        """How many units the population has."""
        return self.listed_units + self.rest_units


def proposed_list(survey: Survey, on_list: Flags, total: TotalOf) -> ListAndRest:
    """Return the totals of a list that nobody has visited: each is known from its own drawn units alone."""
    listed = survey.take(on_list)
    unlisted = survey.take(~on_list)
    return ListAndRest(
        listed=_some_units(listed, total),
        rest=_some_units(unlisted, total),
        whole=total(survey),
        listed_units=listed.size,
        rest_units=unlisted.size,
    )


def visited_list(survey: Survey, on_list: Flags, total: TotalOf) -> ListAndRest:
    """Return the totals of a list that was visited: its own is a census, that of the rest is estimated.

    `on_list` was decided without a look at the draw (`training/evaluation/lottery.py` says why). TargetError where a
    unit of the list has no outcome.
    """
    listed = survey.take(on_list)
    unlisted = survey.take(~on_list)
    seen = seen_total(listed.value).value
    exact = Estimate(seen, seen, seen)
    of_rest = _some_units(unlisted, total)
    return ListAndRest(
        listed=exact,
        rest=of_rest,
        whole=sum_of(exact, of_rest),
        listed_units=listed.size,
        rest_units=unlisted.size,
    )


def _some_units(survey: Survey, total: TotalOf) -> Told:
    """Return the total of a part; nothing, exactly, where it has no units."""
    return total(survey) if survey.size else Estimate(0.0, 0.0, 0.0)


def precision(parts: ListAndRest) -> Told:
    """Return what a unit of the list has on average: of positives, the share."""
    if not parts.listed_units:
        return EMPTY
    return parts.listed.times(1 / parts.listed_units)


def rate(parts: ListAndRest) -> Told:
    """Return what a unit of the population has on average."""
    if not parts.units:
        return EMPTY
    return parts.whole.times(1 / parts.units)


def recall(parts: ListAndRest) -> Told:
    """Return the share of the population's total that is on the list."""
    return part_of_whole(parts.listed, parts.rest)


def lift(parts: ListAndRest) -> Told:
    """Return how many times as much a unit of the list has as one of the population: 1 for a list drawn by lot."""
    if not parts.listed_units:
        return EMPTY
    return recall(parts).times(parts.units / parts.listed_units)
