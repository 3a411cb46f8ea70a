"""The classification: the compliance category and level of inspection of every living enterprise by today's knowledge."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from features.arrays import Column
from features.engine.engine import engine_of
from features.engine.population import bare_cases, codes_on, living, registered_cases
from features.store.store import Store
from models.campaign.sanction_counts import SanctionCounts, grade_places, sanction_counts
from models.policy.fact_rows import FactRows, visit_rows
from models.policy.policy import Policy
from models.policy.policy_facts import held_medals, recent_sanctions, running_exposures

UNEXAMINED = -1
"""Stands for the category of an enterprise that nobody has looked at: no visit, and no sanction."""
LEVELS = ("intensified", "normal", "reduced", "waived")
"""The levels of inspection; a waived enterprise is still reached by complaints, alerts and the lottery."""


@dataclass(frozen=True, slots=True, eq=False)
class Classified:
    """The classes of a day of the living enterprises `codes` (n,), ascending, among so many `registered` ones.

    `places` (n,) is the category's place in the rule set, or UNEXAMINED; `level` and `because` (n,) are the level of
    inspection and what sets it: exposure, medal, class or unexamined. `sanctions`, `medals` and `exposed` are the rows behind.
    """

    policy: Policy
    as_of: int
    registered: int
    codes: Column
    places: Column
    level: NDArray[np.str_]
    because: NDArray[np.str_]
    counts: SanctionCounts
    visits: Column
    sanctions: FactRows
    medals: FactRows
    exposed: FactRows


def classified(store: Store, policy: Policy, as_of: int) -> Classified:
    """Return the classes of a closed day; exposure goes before a medal, and a medal before the class, as in the plan."""
    engine = engine_of(store)
    codes = living(engine, "enterprise", as_of).code
    sanctions = recent_sanctions(store, policy.appraisal, as_of)
    counts = sanction_counts(codes, sanctions, term=policy.appraisal.term, day=as_of)
    visits = visit_rows(store, as_of).counts(codes)
    is_examined = (visits > 0) | (counts.sanctions > 0)
    places = np.where(is_examined, grade_places(counts, policy.appraisal), UNEXAMINED)
    medals = held_medals(store, policy, as_of)
    exposed = running_exposures(store, policy, as_of)
    by_reason = [exposed.counts(codes) > 0, medals.counts(codes) > 0, places == UNEXAMINED]
    levels = np.array([grade.level for grade in policy.appraisal.grades])
    return Classified(
        policy=policy,
        as_of=as_of,
        registered=_registered(store, as_of),
        codes=codes,
        places=places,
        level=np.select(by_reason, ["intensified", "waived", "normal"], levels[places]),
        because=np.select(by_reason, ["exposure", "medal", "unexamined"], "class"),
        counts=counts,
        visits=visits,
        sanctions=sanctions,
        medals=medals,
        exposed=exposed,
    )


def _registered(store: Store, as_of: int) -> int:
    """Return how many enterprises the register knows on a day, those that have closed too."""
    codes = codes_on(store, "enterprise", as_of)
    bare = bare_cases("enterprise", codes, np.full(len(codes), as_of, np.int64))
    cases, _ = registered_cases(engine_of(store), bare)
    return len(cases)
