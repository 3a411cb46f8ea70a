"""The compliance appraisal: the class of every living enterprise for a closed period, by facts alone."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from features.arrays import NULL, Column, Values
from features.engine.dormancy import living_since
from features.engine.engine import engine_of
from features.store.store import Store
from models.campaign.period import AppraisedPeriod
from models.campaign.sanction_counts import SanctionCounts, grade_places, sanction_counts
from models.policy.fact_rows import FactRows, sanction_rows, visit_rows
from models.policy.policy_facts import appraisal_rows

YOUNG = -1
"""Stands for the class of an enterprise that is too young to be appraised."""


@dataclass(frozen=True, slots=True, eq=False)
class Appraised:
    """The appraisal of a period as known by the end of the day `as_of`, of the living enterprises `codes` (n,), ascending.

    `entered` (n,) is the day of entry into the register; `places` (n,) the class's place in the rule set, or YOUNG; `sanctions`
    are the rows that the classes rest on; `visits` (n,) were closed in the period; `recorded` (n,) is the class that the
    source's own appraisal gave, NULL where none did.
    """

    period: AppraisedPeriod
    as_of: int
    codes: Column
    entered: Values
    places: Column
    counts: SanctionCounts
    sanctions: FactRows
    visits: Column
    recorded: Column


def appraise(store: Store, period: AppraisedPeriod, as_of: int) -> Appraised:
    """Return the appraisal of a period on what was known by a closed day; the same rows give the same classes."""
    appraisal = period.policy.appraisal
    codes, entered = living_since(engine_of(store), as_of)
    sanctions = sanction_rows(store, appraisal, as_of).between(period.first, period.last)
    counts = sanction_counts(codes, sanctions, term=appraisal.term, day=period.last)
    is_young = period.last - entered < appraisal.age
    return Appraised(
        period=period,
        as_of=as_of,
        codes=codes,
        entered=entered,
        places=np.where(is_young, YOUNG, grade_places(counts, appraisal)),
        counts=counts,
        sanctions=sanctions,
        visits=closed_visits(store, as_of, period.first, period.last).counts(codes),
        recorded=_recorded(store, period, as_of, codes),
    )


def closed_visits(store: Store, as_of: int, first: int, last: int) -> FactRows:
    """Return the visits that were closed from one day to another."""
    visits = visit_rows(store, as_of)
    closed = visits.columns["closed_on"]
    return visits.where((closed >= first) & (closed <= last))


def _recorded(store: Store, period: AppraisedPeriod, as_of: int, codes: Column) -> Column:
    """Return the rating (n,) that the source's own appraisal of a period gave each enterprise last, NULL without one."""
    rows = appraisal_rows(store, as_of)
    of_period = rows.where(rows.columns["period"] == period.year).latest()
    size = int(max(codes.max(initial=0), of_period.enterprise.max(initial=0))) + 1
    ratings = np.full(size, NULL, np.int64)
    ratings[of_period.enterprise] = of_period.columns["rating"]
    return ratings[codes]
