"""Compliance medals: who may get one among the best of the best class, who holds one, and what happened since."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from features.arrays import Column, Mask, Values
from features.cases import Cases
from features.engine.engine import Engine, engine_of
from features.engine.matrices import ids_of
from features.engine.population import living
from features.store.store import Store
from models.campaign.appraisal import Appraised, appraise
from models.campaign.criteria import best_first, feature_values, usable_criteria
from models.campaign.period import AppraisedPeriod
from models.policy.campaign_rules import Criterion
from models.policy.fact_rows import FactRows, sanction_rows
from models.policy.policy_facts import held_medals, running_exposures

CANDIDATE = "candidate"
"""Stands for the reason why no rule sets an enterprise aside."""


@dataclass(frozen=True, slots=True, eq=False)
class Medals:
    """Medals as known by the end of a day: candidates in order by code, of which the first `quota` may be awarded.

    `values` (candidates, criteria) are what they are ordered by; `lacking` names criteria that the source cannot compute.
    `reasons` counts the living enterprises by the first rule that sets each aside. `holders` are the medals held, and
    `sanctions_since` the sanctions decided against each holder since its medal's first day, by code.
    """

    appraised: Appraised
    quota: int
    candidates: Column
    values: Values
    criteria: tuple[Criterion, ...]
    lacking: dict[str, str]
    reasons: dict[str, int]
    holders: FactRows
    sanctions_since: dict[int, list[str]]


def medals(store: Store, period: AppraisedPeriod, as_of: int) -> Medals:
    """Return medals on a closed day under the rule set that appraises the last closed period."""
    engine = engine_of(store)
    policy = period.policy
    criteria, lacking = usable_criteria(engine, policy.medal.order)
    classes = appraise(store, period, as_of)
    enterprises = living(engine, "enterprise", as_of)
    sanctions = sanction_rows(store, policy.appraisal, as_of)
    holders = held_medals(store, policy, as_of)
    later_sanctions = sanctions.between(period.last + 1, as_of)
    misses = _misses(engine, classes, enterprises) | {
        "later_sanction": later_sanctions.counts(classes.codes) > 0,
        "exposed": running_exposures(store, policy, as_of).counts(classes.codes) > 0,
        "holds_one": holders.counts(classes.codes) > 0,
    }
    reasons = np.select(list(misses.values()), list(misses), CANDIDATE)
    candidates = enterprises.take(np.flatnonzero(reasons == CANDIDATE))
    values = feature_values(engine, candidates, [criterion.feature for criterion in criteria])
    order = best_first(values, criteria, ids_of(store, candidates))
    return Medals(
        appraised=classes,
        quota=policy.medal.quota.of(len(classes.codes)),
        candidates=candidates.code[order],
        values=values[order],
        criteria=tuple(criteria),
        lacking=lacking,
        reasons=_counted(reasons, [*misses, CANDIDATE]),
        holders=holders,
        sanctions_since=_sanctions_since(holders, sanctions),
    )


def _misses(engine: Engine, classes: Appraised, enterprises: Cases) -> dict[str, Mask]:
    """Return by rule which living enterprises (n,) it sets aside, as far as the appraisal and the register tell."""
    policy = classes.period.policy
    rules = policy.medal
    grades = [grade.name for grade in policy.appraisal.grades]
    days_in_register = classes.as_of - classes.entered
    return {
        "class": classes.places != grades.index(rules.grade),
        "age": days_in_register < rules.age,
        "kind": _is_of_kind(engine, enterprises, rules.without),
        "visits": classes.visits < rules.visits,
    }


def _is_of_kind(engine: Engine, enterprises: Cases, kinds: tuple[str, ...]) -> Mask:
    """Return which enterprises (n,) are of one of some kinds; one of no known kind is not."""
    choices = engine.store.column("enterprises", "kind").choices
    codes = [choices.index(kind) for kind in kinds]
    kind_of = feature_values(engine, enterprises, ["kind"])[:, 0]
    return np.isin(kind_of, codes)


def _counted(reasons: NDArray[np.str_], names: list[str]) -> dict[str, int]:
    """Return how many enterprises each reason sets aside, in the order in which reasons are asked."""
    counts = Counter(reasons.tolist())
    return {name: counts[name] for name in names}


def _sanctions_since(holders: FactRows, sanctions: FactRows) -> dict[int, list[str]]:
    """Return the rows of the sanctions decided against holders since their medal's first day, by the enterprise's code."""
    started = dict(zip(holders.enterprise.tolist(), holders.day.tolist(), strict=True))
    of_holders = sanctions.where(np.isin(sanctions.enterprise, holders.enterprise))
    is_since = [
        day >= started[code]
        for code, day in zip(of_holders.enterprise.tolist(), of_holders.day.tolist(), strict=True)
    ]
    return of_holders.where(np.array(is_since, np.bool_)).row_ids()
