"""A survey of a city: each unit of its population with what is known of it, and the three estimates of a total."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from training.data.labels import Codes, Floats
from training.estimates.period_visits import Flags, PeriodVisits
from training.estimates.seen import PeriodSeen
from training.evaluation.estimate import (
    NotEstimable,
    Told,
    amount_estimate,
    too_few,
)
from training.evaluation.found import TotalOf, visited_list
from training.evaluation.lottery import Survey, horvitz_thompson

NO_CHANCES = NotEstimable("the source does not say how many draws the period had")
"""Why there is no Horvitz-Thompson estimate where a probability is right up to a factor alone."""


@dataclass(frozen=True, slots=True, eq=False)
class Quantity:
    """One quantity of all units of a population: the draw alone, without a model; with a model; and with the census too.

    `certain` tells the units of the census, which are visited whatever is drawn; `why_not` is why probabilities do not
    suffice for a sum, None where they do.
    """

    alone: Survey
    assisted: Survey
    with_census: Survey
    certain: Flags
    why_not: NotEstimable | None

    def of(self, chosen: Flags) -> Quantity:
        """Return the same of some units."""
        return Quantity(
            alone=self.alone.take(chosen),
            assisted=self.assisted.take(chosen),
            with_census=self.with_census.take(chosen),
            certain=self.certain[chosen],
            why_not=self.why_not,
        )

    def estimates(self, total: TotalOf) -> dict[str, Told]:
        """Return the estimates of its total: by expansion, by the mean of the drawn, and by census and model."""
        return {
            "horvitz_thompson": expansion_total(self.alone, self.why_not),
            "hajek": total(self.alone),
            "difference": self._difference(total),
        }

    def _difference(self, total: TotalOf) -> Told:
        """Return the census and the rest by the model; all by the model where a number of the census is not known."""
        if np.isnan(self.with_census.value[self.certain]).any():
            return total(self.assisted)
        return visited_list(self.with_census, self.certain, total).whole


def expansion_total(survey: Survey, why_not: NotEstimable | None) -> Told:
    """Return the Horvitz-Thompson estimate of a total that is never below zero; `why_not` says that there is none."""
    drawn = survey.drawn()
    if reason := too_few(len(drawn)) or why_not:
        return reason
    if not drawn.value.any():
        return NotEstimable("no lottery visit found any")
    return amount_estimate(horvitz_thompson(drawn))


@dataclass(frozen=True, slots=True, eq=False)
class ModelSays:
    """What a model expects of each unit of a population, (n,): zeros where it does not speak."""

    violation: Floats
    number: Floats


def quantities(
    seen: PeriodSeen, population: Codes, expected: ModelSays
) -> tuple[Quantity, Quantity]:
    """Return violators, and the number found, of a population of unit codes in ascending order."""
    read: list[tuple[Callable[[PeriodVisits], Floats], Floats]] = [
        (lambda visits: visits.label, expected.violation),
        (lambda visits: visits.number, expected.number),
    ]
    violators, numbers = (
        _quantity(seen, population, value, predicted) for value, predicted in read
    )
    return violators, numbers


def _quantity(
    seen: PeriodSeen, population: Codes, value: Callable[[PeriodVisits], Floats], told: Floats
) -> Quantity:
    size = len(population)
    drawn_place, is_drawn = places_in(population, seen.drawn.unit)
    certain_place, is_certain = places_in(population, seen.census.unit)
    drawn_value = np.full(size, np.nan)
    drawn_value[drawn_place] = value(seen.drawn)[is_drawn]
    inclusion = np.full(size, np.nan)
    inclusion[drawn_place] = seen.inclusion[is_drawn]
    every_value = drawn_value.copy()
    every_value[certain_place] = value(seen.census)[is_certain]
    certain = np.zeros(size, np.bool_)
    # some outcomes missing make no census, since whoever was drawn of it is known more often
    certain[certain_place] = not seen.census_without_outcome
    alone = Survey(drawn_value, inclusion, np.zeros(size), np.ones(size))
    return Quantity(
        alone=alone,
        assisted=replace(alone, told=told),
        with_census=replace(alone, value=every_value, told=told),
        certain=certain,
        why_not=_why_not(seen),
    )


def _why_not(seen: PeriodSeen) -> NotEstimable | None:
    """Return why a sum cannot be expanded: unknown probabilities, or drawn units without an outcome."""
    if seen.draws is None:
        return NO_CHANCES
    if seen.drawn_without_outcome:
        return NotEstimable(f"{seen.drawn_without_outcome} drawn units have no outcome yet")
    return None


def places_in(population: Codes, unit: Codes) -> tuple[Codes, Flags]:
    """Return the places of those units that belong to a population, and which units those are."""
    place = np.searchsorted(population, unit)
    is_inside = np.isin(unit, population)
    return place[is_inside], is_inside
