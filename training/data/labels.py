"""Labels from looking: what a visit or a review has shown; whoever was not looked at has no label, never 0."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from features.aggregates.row_expressions import row_filter
from features.arrays import NULL
from features.catalogue.language import row_columns
from features.catalogue.syntax import parse_row
from features.contract.millionths import probabilities
from features.contract.tables import contract
from features.errors import TargetError
from features.ingest.source_toml import Target
from features.store.column_codes import literal_of
from features.store.store import Store

Floats = NDArray[np.float64]
Codes = NDArray[np.int64]
SUBJECT = {
    "enterprise-day": "enterprise",
    "inspection": "enterprise",
    "provider": "provider",
    "claim": "claim",
}
FOREVER = 2**31
"""The closing day of a visit that is open: above every day that int32 holds."""


@dataclass(frozen=True, slots=True, eq=False)
class Observed:
    """Looks at a subject, one row a visit or review, sorted by subject and opening.

    `label` is 1, 0, or NaN where the look was not closed or did not examine the violation; `count` what it found;
    `inclusion` the recorded probability of a random look, NaN for any other. `closed` is FOREVER when open.
    """

    ids: Codes
    subject: Codes
    opened: Codes
    closed: Codes
    label: Floats
    count: Floats
    inclusion: Floats

    def take(self, rows: NDArray[np.bool_] | Codes) -> Observed:
        """Return the chosen looks."""
        return Observed(*(getattr(self, name)[rows] for name in self.__slots__))

    def within(self, as_of: Codes, horizon: int) -> Observed:
        """Return the same looks without the label of those that closed after their case's horizon (0: no limit)."""
        is_late = self.closed >= FOREVER
        if horizon:
            is_late = self.closed > as_of + horizon
        label = np.where(is_late, np.nan, self.label)
        count = np.where(is_late, np.nan, self.count)
        return replace(self, label=label, count=count)


def visits(store: Store, target: Target) -> Observed:
    """Return every visit to the target's kind of subject, as the rows known today tell it."""
    subject = SUBJECT[target.unit]
    if target.label != "visit" or subject == "claim":
        raise TargetError(
            f"a {target.unit} target with label {target.label!r} has no visits; see sources/README.md"
        )
    examined = f"examined_{target.violation}"
    read = (
        "inspection",
        subject,
        "kind",
        "opened",
        "closed_on",
        examined,
        "inclusion_probability",
    )
    rows = _of_population(store, target, read)
    visit = rows["inspection"]
    finders, counts = _findings(store, target)
    label = np.isin(visit, finders).astype(np.float64)
    count = np.where(label == 1, _looked_up(visit, finders, counts), 0.0)
    closed = _closing_days(rows["closed_on"])
    # who was not examined for the violation, or whose visit is still open, has no label: never 0
    unseen = (rows[examined] != 1) | (closed > store.complete_to)
    observed = Observed(
        visit,
        rows[subject],
        rows["opened"],
        closed,
        np.where(unseen, np.nan, label),
        np.where(unseen, np.nan, count),
        _inclusion(rows, "inspections", "kind"),
    )
    order = np.lexsort((observed.ids, observed.opened, observed.subject))
    has_subject = observed.subject[order] != NULL
    return observed.take(order[has_subject])


def _closing_days(closed_on: Codes) -> Codes:
    """Return the day on which each look was closed, FOREVER where it is open."""
    return np.where(closed_on == NULL, FOREVER, closed_on)


def _inclusion(rows: Mapping[str, NDArray[Any]], table: str, column: str) -> Floats:
    """Return the recorded probability of each look that a lottery chose, NaN of any other."""
    lottery = contract()[table].column(column).choices.index("lottery")
    recorded = probabilities(rows["inclusion_probability"], NULL)
    return np.where(rows[column] == lottery, recorded, np.nan)


def _of_population(store: Store, target: Target, read: tuple[str, ...]) -> dict[str, NDArray[Any]]:
    """Return the live visits that the target's population asks for, by a condition on a visit's own row."""
    if not target.population or not target.population.visits:
        return store.live("inspections", store.complete_to, read)
    tree = parse_row(target.population.visits, "population visits")
    names = dict.fromkeys((*read, *sorted(row_columns(tree))))
    rows = store.live("inspections", store.complete_to, tuple(names))
    size = len(rows["inspection"])
    is_asked = row_filter(tree, rows, size, literal_of(store, "inspections"))
    return {name: rows[name][is_asked] for name in read}


def _findings(store: Store, target: Target) -> tuple[Codes, Floats]:
    """Return the visits that found the violation, sorted, and the largest count of each, NaN where none is written."""
    rows = store.live("findings", store.complete_to, ("inspection", "violation", *_counted(target)))
    is_violation = rows["violation"] == target.violation
    if target.count:
        count = rows[target.count][is_violation].astype(np.int64)
    else:
        count = np.full(int(is_violation.sum()), NULL, np.int64)
    visit, member = np.unique(rows["inspection"][is_violation], return_inverse=True)
    # NULL is below any count, so it stays only where no finding of the visit has one
    largest = np.full(len(visit), NULL, np.int64)
    np.maximum.at(largest, member, count)
    return visit, np.where(largest == NULL, np.nan, largest)


def _counted(target: Target) -> tuple[str, ...]:
    """Return the column that tells how much was found, where the target names one."""
    return (target.count,) if target.count else ()


def _looked_up(wanted: Codes, keys: Codes, values: Floats) -> Floats:
    """Return the value of each wanted key; of one that is not among the sorted keys, any value."""
    if not len(keys):
        return np.full(len(wanted), np.nan)
    place = np.searchsorted(keys, wanted)
    return values[np.minimum(place, len(keys) - 1)]


def reviews(store: Store, target: Target) -> Observed:
    """Return every review of a claim; fraud is 1, clean 0, unclear or open has no label."""
    if target.label != "review" or target.unit != "claim":
        raise TargetError(
            f"reviews label claims; this target is of unit {target.unit!r} and label {target.label!r}"
        )
    read = ("claim", "chosen", "inclusion_probability", "closed_on", "outcome", *_counted(target))
    # the column that counts may be one of those read anyhow
    rows = store.live("claim_reviews", store.complete_to, tuple(dict.fromkeys(read)))
    outcomes = contract()["claim_reviews"].column("outcome").choices
    is_fraud = rows["outcome"] == outcomes.index("fraud")
    is_clean = rows["outcome"] == outcomes.index("clean")
    closed = _closing_days(rows["closed_on"])
    has_label = (is_fraud | is_clean) & (closed <= store.complete_to)
    label = np.where(has_label, is_fraud.astype(np.float64), np.nan)
    # a clean claim has a count of 0; an amount that was not written is unknown
    count = np.where(has_label, 0.0, np.nan)
    count = np.where(label == 1, _amounts(rows, target), count)
    inclusion = _inclusion(rows, "claim_reviews", "chosen")
    claim = rows["claim"]
    observed = Observed(claim, claim, closed, closed, label, count, inclusion)
    return observed.take(np.argsort(observed.subject, kind="stable"))


def _amounts(rows: Mapping[str, NDArray[Any]], target: Target) -> Floats:
    """Return what each review has found, NaN where nothing is written."""
    if not target.count:
        return np.full(len(rows["claim"]), np.nan)
    amount = rows[target.count]
    return np.where(amount == NULL, np.nan, amount)
