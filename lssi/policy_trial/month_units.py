"""The units of a month under an arm: what an inspectorate knows on the eve of the month, and the minutes it has."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from features.calendar import first_day
from features.store.store import Store
from lssi.policy_trial.arms import Arm
from models.bundle.booster import Floats
from models.bundle.bundle import Bundle
from models.optimum.city_rules import Floors
from models.policy.capacity import WEEK, monday_of
from models.policy.plan_unit import PlanUnit
from models.policy.policy import Policy, policy_on
from models.policy.policy_facts import capacity_of
from models.policy.week_units import eve_of

PER_CENT = 100
"""Shares of a rule set are whole percents."""


@dataclass(frozen=True, slots=True, eq=False)
class MonthUnits:
    """Every living unit of a month, its probability in the same order, the rule set under the arm, and each cell's minutes."""

    month: int
    units: Sequence[PlanUnit]
    probability: Floats
    policy: Policy
    minutes: Mapping[str, int]


def month_units(store: Store, bundle: Bundle, arm: Arm, month: int) -> MonthUnits:
    """Return the units of a month as a store knew them by the end of the day before it."""
    as_of = first_day(month) - 1
    policy = policy_under(arm, policy_on(first_day(month)))
    month_days = (as_of + 1, first_day(month + 1) - 1)
    eve = eve_of(store, bundle, policy, as_of=as_of, planned=month_days)
    units = eve.units if arm.waivers else [unwaived(unit, policy) for unit in eve.units]
    counts = Counter(unit.cell for unit in units)
    minutes: Counter[str] = Counter()
    for monday in mondays_of(month):
        minutes.update(capacity_of(store, policy, as_of=as_of, monday=monday, units=counts))
    shares = {cell: many * arm.capacity // PER_CENT for cell, many in sorted(minutes.items())}
    return MonthUnits(month, units, eve.scores.probability, policy, shares)


def policy_under(arm: Arm, policy: Policy) -> Policy:
    """Return a rule set with what an arm declares in its place."""
    small_up_to = policy.floors.small_up_to
    return policy.model_copy(
        update={
            "lottery": policy.lottery.model_copy(update={"percent": arm.lottery}),
            "statutory": policy.statutory.model_copy(update={"percent": arm.complaints}),
            "floors": Floors(small_up_to=small_up_to, small=arm.small, rural=arm.rural),
        }
    )


def unwaived(unit: PlanUnit, policy: Policy) -> PlanUnit:
    """Return a unit whose medal waives nothing."""
    standing = unit.standing
    if not standing.waived or standing.resting:
        return unit
    weight = policy.appraisal.weight_of(standing.grade)
    return replace(unit, standing=replace(standing, waived=False, weight=weight))


def mondays_of(month: int) -> list[int]:
    """Return the Mondays that lie in a month: its weeks are those that begin in it.

    >>> len(mondays_of(2015 * 12))
    4
    """
    first = monday_of(first_day(month) + WEEK - 1)
    return list(range(first, first_day(month + 1), WEEK))
