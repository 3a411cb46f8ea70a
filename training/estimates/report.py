"""The report of a period: violators and numbers of the whole city and of its groups, as plain values."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from features.calendar import date_of, day_of
from features.cases import Cases
from features.engine.engine import Engine, engine_of
from features.engine.matrices import matrix_for
from features.engine.population import bare_cases, living, registered_cases
from features.errors import RequestError
from features.matrix import Matrix
from features.store.store import Store
from models.bundle.bundle import Bundle
from models.bundle.score import Scores, score
from models.policy.plan_unit import CLAIM
from training.data.dataset import target_of
from training.data.labels import Codes, Floats
from training.data.population import population
from training.estimates.beyond_lottery import beyond_lottery
from training.estimates.city_survey import ModelSays, Quantity, places_in, quantities
from training.estimates.period_visits import Period, first_known_days
from training.estimates.seen import AskedPeriod, PeriodSeen, seen_in
from training.evaluation.estimate import Told, amount_total, share_total
from training.groups.suppression import hidden_groups
from training.groups.table import group_table
from training.groups.values import Looked, Partition, partitions
from training.monitor.limits import monitor_limits

Plain = dict[str, Any]
FOUND_OF = {"claim": "fen"}
"""In what a look at a unit counts where its model tells no number."""
BY = {"district": "district", "sector": "sector", "size": "size", "rural": "area"}
"""What estimates are told by, and the attribute of `groups.toml` that says who belongs to which group."""


@dataclass(frozen=True, slots=True, eq=False)
class CityPopulation:
    """The units on the eve of a period that a lottery can reach, in the order of their codes, with their features."""

    engine: Engine
    code: Codes
    matrix: Matrix
    out_of_reach: int


def city_population(store: Store, asked: AskedPeriod, seen: PeriodSeen) -> CityPopulation:
    """Return the units of a period of whom the target is asked; those that nobody can draw are counted.

    Enterprises are those that live on the eve; claims are those that become known in the period or stand in one of its draws,
    each as it was on its first day.
    """
    engine = engine_of(store)
    units = _units(engine, asked, seen)
    matrix = matrix_for(engine, units)
    condition = asked.target.population.filter if asked.target.population else ""
    is_asked = population(matrix, condition)
    reached = is_asked.copy()
    if seen.chance is not None:
        reached &= ~np.isnan(seen.chance[units.code])
    out_of_reach = int((is_asked & ~reached).sum())
    return CityPopulation(engine, units.code[reached], matrix.take(reached), out_of_reach)


def _units(engine: Engine, asked: AskedPeriod, seen: PeriodSeen) -> Cases:
    """Return the units that a period's lottery is about, by code; a claim on the day on which it was first known."""
    if asked.kind is not CLAIM:
        return living(engine, asked.kind.name, asked.period.eve)
    days = first_known_days(engine.store)
    is_asked = asked.period.holds(days)
    if seen.chance is not None:
        is_asked |= ~np.isnan(seen.chance)
    code = np.flatnonzero(is_asked)
    cases, _ = registered_cases(engine, bare_cases("claim", code, days[code]))
    return cases


def expected_of(bundle: Bundle, city: CityPopulation, period: Period) -> tuple[ModelSays, bool]:
    """Return what a model expects of each unit, and whether it may speak: it has learned from no visit of the period."""
    size = len(city.code)
    if day_of(bundle.manifest.as_of) > period.eve:
        return ModelSays(np.zeros(size), np.zeros(size)), False
    scores = score(bundle, city.matrix)
    number = _number(scores, city.matrix)
    return ModelSays(scores.probability, number), True


def _number(scores: Scores, matrix: Matrix) -> Floats:
    """Return the number that a model expects of each unit; of claims without one, the chance of fraud times the amount."""
    if scores.expected is not None:
        return scores.expected
    if "claim_amount" in matrix.names:
        return scores.probability * np.nan_to_num(matrix.column("claim_amount"))
    return np.zeros(len(matrix))


def estimate_report(store: Store, bundle: Bundle, period: Period, by: str | None = None) -> Plain:
    """Return the estimates of a period, of the city and of the groups of one attribute, as plain values.

    RequestError for another kind of unit or an attribute that is not told, TargetError for a target without visits.
    """
    if bundle.entity not in {"enterprise", "claim"}:
        raise RequestError(
            f"estimates are of enterprises or claims; target {bundle.target!r} is of a {bundle.entity}"
        )
    if bundle.entity == "claim" and by is not None:
        raise RequestError("--by is of enterprises; leave it out for claims")
    target = target_of(store, bundle.target)
    question = AskedPeriod(bundle.target, target, period, monitor_limits().late_days)
    seen = seen_in(store, question)
    city = city_population(store, question, seen)
    expected, is_assisted = expected_of(bundle, city, period)
    violators, numbers = quantities(seen, city.code, expected)
    return {
        "target": bundle.target,
        "source": store.source.name,
        "from": str(date_of(period.first)),
        "to": str(date_of(period.last)),
        "unit_expected": bundle.manifest.unit_expected or FOUND_OF.get(bundle.entity, ""),
        "model_digest": bundle.digest,
        "score_assists": is_assisted,
        "basis": seen.basis,
        "draws": seen.draws,
        "out_of_reach": city.out_of_reach,
        "drawn_without_outcome": seen.drawn_without_outcome,
        "census_without_outcome": seen.census_without_outcome,
        **_totals(violators, numbers),
        "beyond_lottery": _beyond(seen, city),
        "by": by,
        "groups": [] if by is None else list(_groups(city, violators, numbers, by)),
    }


def _totals(violators: Quantity, numbers: Quantity) -> Plain:
    """Return the sizes and the estimates of some units."""
    return {
        "units": len(violators.certain),
        "drawn": int(violators.alone.seen.sum()),
        "census": int(violators.certain.sum()),
        "violators": _plain(violators.estimates(share_total)),
        "number": _plain(numbers.estimates(amount_total)),
    }


def _plain(told: dict[str, Told]) -> Plain:
    return {name: each.plain() for name, each in told.items()}


def _beyond(seen: PeriodSeen, city: CityPopulation) -> Plain:
    """Return what lists found beyond the lottery, of the units of the population."""
    _, is_listed = places_in(city.code, seen.listed.unit)
    _, is_drawn = places_in(city.code, seen.drawn.unit)
    gain = beyond_lottery(seen.listed.take(is_listed), seen.drawn.take(is_drawn))
    return {
        "listed": gain.listed,
        "minutes": gain.minutes,
        "by_lottery": gain.by_lottery.plain(),
        "beyond": gain.beyond.plain(),
    }


def _groups(
    city: CityPopulation, violators: Quantity, numbers: Quantity, by: str
) -> Iterator[Plain]:
    """Yield a row for each group of an attribute; of a hidden one only why it is hidden."""
    falls = partition_by(city, by)
    sizes = [len(falls.groups)]
    [hidden] = hidden_groups([falls.member], sizes, city.code, group_table().least)
    for place, group in enumerate(falls.groups):
        chosen = falls.member == place
        if not chosen.any():
            continue
        named = {"group": group.name, "zh": group.zh, "en": group.en}
        suppressed = hidden.get(place)
        if suppressed:
            yield {**named, "suppressed": suppressed}
        else:
            yield {**named, "suppressed": None, **_totals(violators.of(chosen), numbers.of(chosen))}


def partition_by(city: CityPopulation, by: str) -> Partition:
    """Return how the population falls into the groups of an attribute; RequestError where it is not told of anybody."""
    if by not in BY:
        raise RequestError(f"--by should be one of {', '.join(BY)}; got {by!r}")
    table = group_table()
    attributes = tuple(each for each in table.attribute if each.name == BY[by])
    looked = Looked(city.engine, city.matrix, city.code)
    [falls] = partitions(looked, table.model_copy(update={"attribute": attributes}))
    if falls.word:
        raise RequestError(f"--by {by} is {falls.word}; name another")
    return falls
