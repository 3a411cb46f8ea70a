"""Arrears that were adjudicated: what enterprises owe after sanctions that they have not obeyed in their term."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

from features.arrays import NULL
from features.store.store import Store
from models.policy.campaign_rules import Appraisal
from models.policy.fact_rows import FactRows, fact_rows, is_refused, sanction_rows

Case = tuple[int, int]
"""An inspection by its code, and a type of violation."""


@dataclass(slots=True)
class Debt:
    """What an enterprise owes, in fen, and the rows that say so as (table, row id), in the order in which they were read."""

    contributions: int = 0
    wages: int = 0
    facts: list[tuple[str, str]] = field(default_factory=list)

    @property
    def total(self) -> int:
        """Contributions and wages together, in fen."""
        return self.contributions + self.wages


def adjudicated_arrears(store: Store, appraisal: Appraisal, as_of: int) -> dict[int, Debt]:
    """Return by enterprise code what was owed by the end of a day after sanctions refused, as far as it was known then.

    Contributions: the amounts of findings that such a sanction answers, less what was repaid. Wages: arrears not settled
    that began by the day of such a sanction which names no type of violation, for none of the five types is wages.
    """
    sanctions = sanction_rows(store, appraisal, as_of)
    refused_sanctions = sanctions.where(is_refused(sanctions, appraisal.term, as_of))
    debts: dict[int, Debt] = defaultdict(Debt)
    _add_contributions(debts, store, refused_sanctions, as_of)
    _add_wages(debts, store, refused_sanctions, as_of)
    sanction_ids = refused_sanctions.row_ids()
    for enterprise, debt in debts.items():
        debt.facts += [("sanctions", row_id) for row_id in sanction_ids[enterprise]]
    return dict(debts)


def _add_contributions(
    debts: dict[int, Debt], store: Store, refused_sanctions: FactRows, as_of: int
) -> None:
    """Add what is still owed of the findings that the sanctions answer; each counts once, however many answer it."""
    answered = set(_cases(refused_sanctions))
    inspections = refused_sanctions.columns["inspection"]
    repaid = _repaid(store, as_of)
    columns = ("inspection", "violation", "amount")
    findings = fact_rows(store, "found", as_of, day="opened", columns=columns)
    named_findings = findings.where(np.isin(findings.columns["inspection"], inspections))
    for place, case in enumerate(_cases(named_findings)):
        # a sanction that names no type of violation answers all that its visit found
        if case not in answered and (case[0], NULL) not in answered:
            continue
        amount = int(named_findings.columns["amount"][place])
        still_owed = max(amount, 0) - repaid[case]
        if still_owed > 0:
            debt = debts[int(named_findings.enterprise[place])]
            debt.contributions += still_owed
            debt.facts.append(("findings", named_findings.row_id[place]))


def _cases(rows: FactRows) -> Iterator[Case]:
    """Yield of each row the inspection and the type of violation, NULL where it names none."""
    inspections = rows.columns["inspection"].tolist()
    violations = rows.columns["violation"].tolist()
    return zip(inspections, violations, strict=True)


def _repaid(store: Store, as_of: int) -> dict[Case, int]:
    """Return what was repaid by a day of each inspection's findings of a type, 0 where nothing was."""
    columns = ("inspection", "violation", "amount_repaid")
    remedies = fact_rows(store, "remedied", as_of, day="remedied_on", columns=columns)
    repaid: dict[Case, int] = defaultdict(int)
    amounts = remedies.columns["amount_repaid"].tolist()
    for case, amount in zip(_cases(remedies), amounts, strict=True):
        # an empty amount lies below zero
        repaid[case] += max(amount, 0)
    return repaid


def _add_wages(
    debts: dict[int, Debt], store: Store, refused_sanctions: FactRows, as_of: int
) -> None:
    """Add the wages that were owed when a sanction that names no type of violation was decided, and still are."""
    is_untyped = refused_sanctions.columns["violation"] == NULL
    last_sanctions = refused_sanctions.where(is_untyped).latest()
    decided_of = dict(
        zip(last_sanctions.enterprise.tolist(), last_sanctions.day.tolist(), strict=True)
    )
    columns = ("amount", "settled_on")
    arrears = fact_rows(store, "wage_arrears", as_of, day="started", columns=columns)
    settled = arrears.columns["settled_on"]
    unsettled = arrears.where((settled == NULL) | (settled > as_of))
    of_sanctioned = unsettled.where(np.isin(unsettled.enterprise, last_sanctions.enterprise))
    for place, enterprise in enumerate(of_sanctioned.enterprise.tolist()):
        amount = int(of_sanctioned.columns["amount"][place])
        if of_sanctioned.day[place] <= decided_of[enterprise] and amount > 0:
            debt = debts[enterprise]
            debt.wages += amount
            debt.facts.append(("wage_arrears", of_sanctioned.row_id[place]))
