"""Public exposure: who may be named for adjudicated arrears, who has been named, who has paid, and who is inspected more."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from features.arrays import NULL, Column
from features.engine.engine import engine_of
from features.engine.population import living
from features.store.store import Store
from models.campaign.arrears import Debt, adjudicated_arrears
from models.policy.fact_rows import FactRows
from models.policy.policy import Policy
from models.policy.policy_facts import exposure_rows, is_intensified, running_exposures

NEXT_DAY = 1
"""Days after the publication by which whoever pays has paid by the next day, as the city counts it."""


@dataclass(frozen=True, slots=True, eq=False)
class Exposures:
    """Public exposure as known by the end of the day `as_of`, in a register of so many `living` enterprises.

    `candidates` are (enterprise code, debt), who owes most first, of which the first `quota` may be named at once;
    `published` are the exposures of before, and `below` counts the enterprises whose debts are too small to be named.
    """

    policy: Policy
    as_of: int
    living: int
    quota: int
    candidates: tuple[tuple[int, Debt], ...]
    below: int
    already_named: int
    published: FactRows


def exposures(store: Store, policy: Policy, as_of: int) -> Exposures:
    """Return public exposure on a closed day: candidates by sanctions not obeyed, and the exposures of before."""
    codes = living(engine_of(store), "enterprise", as_of).code
    rules = policy.exposure
    still_named = set(running_exposures(store, policy, as_of).enterprise.tolist())
    debts = _debts_of_living(store, policy, as_of, codes)
    large_debts = {code: debt for code, debt in debts.items() if debt.total >= rules.least_fen}
    new_debts = [pair for pair in large_debts.items() if pair[0] not in still_named]
    numbers = store.dictionary("enterprise")
    new_debts.sort(key=lambda pair: (-pair[1].total, numbers.text(pair[0])))
    return Exposures(
        policy=policy,
        as_of=as_of,
        living=len(codes),
        quota=rules.quota.of(len(codes)),
        candidates=tuple(new_debts),
        below=len(debts) - len(large_debts),
        already_named=len(large_debts) - len(new_debts),
        published=exposure_rows(store, as_of),
    )


def _debts_of_living(store: Store, policy: Policy, as_of: int, codes: Column) -> dict[int, Debt]:
    """Return the adjudicated arrears of the enterprises that still live."""
    living_codes = set(codes.tolist())
    debts = adjudicated_arrears(store, policy.appraisal, as_of)
    return {code: debt for code, debt in debts.items() if code in living_codes}


@dataclass(frozen=True, slots=True)
class Publication:
    """The enterprises named on one day: how many, what they owed, how many have paid, and by the next day."""

    published_on: int
    exposed: int
    wage_arrears: int
    contribution_arrears: int
    paid_by_next_day: int
    repaid: int
    intensified: int


def publications(given: Exposures) -> list[Publication]:
    """Return the publications known by the day, the first one first."""
    rows = given.published
    repaid_on = rows.columns["repaid_on"]
    has_repaid = (repaid_on != NULL) & (repaid_on <= given.as_of)
    is_prompt = has_repaid & (repaid_on <= rows.day + NEXT_DAY)
    still_runs = is_intensified(rows, given.policy, given.as_of)
    listed: list[Publication] = []
    for day in np.unique(rows.day).tolist():
        is_of_day = rows.day == day
        publication = Publication(
            published_on=day,
            exposed=int(is_of_day.sum()),
            wage_arrears=_sum(rows.columns["wage_arrears"][is_of_day]),
            contribution_arrears=_sum(rows.columns["contribution_arrears"][is_of_day]),
            paid_by_next_day=int(np.sum(is_of_day & is_prompt)),
            repaid=int(np.sum(is_of_day & has_repaid)),
            intensified=int(np.sum(is_of_day & still_runs)),
        )
        listed.append(publication)
    return listed


def _sum(amounts: Column) -> int:
    """Return the sum of amounts; an empty one counts as nothing."""
    return int(amounts[amounts != NULL].sum())
