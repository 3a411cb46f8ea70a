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
    `inclusion` the recorded probability of a random look, NaN for any other. `closed` is FOREVER when open. The outcome
    was first `told` on a day, corrected since or not, and the rows that tell it now are `known` from a day.
    """

    ids: Codes
    subject: Codes
    opened: Codes
    closed: Codes
    label: Floats
    count: Floats
    inclusion: Floats
    told: Codes
    known: Codes

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


def visits(store: Store, target: Target, by: int) -> Observed:
    """Return every visit to the target's kind of subject, as the rows known by a day tell it."""
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
        "known",
    )
    rows = _of_population(store, target, read, by)
    visit = rows["inspection"]
    finders = _findings(store, target, by)
    label = np.isin(visit, finders.visit).astype(np.float64)
    count = np.where(label == 1, _looked_up(visit, finders.visit, finders.count), 0.0)
    found_on = np.where(label == 1, _looked_up(visit, finders.visit, finders.known), rows["known"])
    closed = closing_days(rows["closed_on"])
    # who was not examined for the violation, or whose visit is still open, has no label: never 0
    unseen = (rows[examined] != 1) | (closed > by)
    observed = Observed(
        visit,
        rows[subject],
        rows["opened"],
        closed,
        np.where(unseen, np.nan, label),
        np.where(unseen, np.nan, count),
        inclusion(rows, "inspections", "kind"),
        _told_on(store, target, visit),
        np.maximum(rows["known"], found_on).astype(np.int64),
    )
    order = np.lexsort((observed.ids, observed.opened, observed.subject))
    has_subject = observed.subject[order] != NULL
    return observed.take(order[has_subject])


def closing_days(closed_on: Codes) -> Codes:
    """Return the day on which each look was closed, FOREVER where it is open."""
    return np.where(closed_on == NULL, FOREVER, closed_on)


def inclusion(rows: Mapping[str, NDArray[Any]], table: str, column: str) -> Floats:
    """Return the recorded probability of each look that a lottery chose, NaN of any other."""
    lottery = contract()[table].column(column).choices.index("lottery")
    recorded = probabilities(rows["inclusion_probability"], NULL)
    return np.where(rows[column] == lottery, recorded, np.nan)


def _told_on(store: Store, target: Target, visit: Codes) -> Codes:
    """Return the day on which each visit's outcome was first told by any row, FOREVER where it never was.

    A version that was corrected since has told it too: features of its days have seen it.
    """
    examined = f"examined_{target.violation}"
    looks = store.all_rows("inspections", ("inspection", "closed_on", examined, "known", "sign"))
    tells = (looks["sign"] > 0) & (looks["closed_on"] != NULL) & (looks[examined] == 1)
    findings = store.all_rows("findings", ("inspection", "violation", "known", "sign"))
    is_violation = (findings["sign"] > 0) & (findings["violation"] == target.violation)
    telling = np.concatenate((looks["inspection"][tells], findings["inspection"][is_violation]))
    days = np.concatenate((looks["known"][tells], findings["known"][is_violation]))
    return first_days(visit, telling, days)


def first_days(wanted: Codes, keys: Codes, days: Codes) -> Codes:
    """Return the earliest day of each wanted key, FOREVER of one that is not among the keys.

    >>> first_days(np.array([7, 8]), np.array([8, 3, 8]), np.array([5, 1, 4])).tolist() == [FOREVER, 4]
    True
    """
    distinct, member = np.unique(keys, return_inverse=True)
    # the last place stands for keys that no row has
    earliest = np.full(len(distinct) + 1, FOREVER, np.int64)
    np.minimum.at(earliest, member, days)
    place = np.searchsorted(distinct, wanted)
    is_there = np.isin(wanted, distinct)
    return earliest[np.where(is_there, place, len(distinct))]


def _of_population(
    store: Store, target: Target, read: tuple[str, ...], by: int
) -> dict[str, NDArray[Any]]:
    """Return the live visits that the target's population asks for, by a condition on a visit's own row."""
    if not target.population or not target.population.visits:
        return store.live("inspections", by, read)
    tree = parse_row(target.population.visits, "population visits")
    names = dict.fromkeys((*read, *sorted(row_columns(tree))))
    rows = store.live("inspections", by, tuple(names))
    size = len(rows["inspection"])
    is_asked = row_filter(tree, rows, size, literal_of(store, "inspections"))
    return {name: rows[name][is_asked] for name in read}


@dataclass(frozen=True, slots=True, eq=False)
class Finders:
    """The visits that found a violation, sorted: the largest count of each, NaN where none is written, and its last day."""

    visit: Codes
    count: Floats
    known: Codes


def _findings(store: Store, target: Target, by: int) -> Finders:
    """Return the visits that found the violation, as the rows known by a day tell it."""
    read = ("inspection", "violation", "known", *count_columns(target))
    rows = store.live("findings", by, read)
    is_violation = rows["violation"] == target.violation
    if target.count:
        count = rows[target.count][is_violation].astype(np.int64)
    else:
        count = np.full(int(is_violation.sum()), NULL, np.int64)
    visit, member = np.unique(rows["inspection"][is_violation], return_inverse=True)
    # NULL is below any count, so it stays only where no finding of the visit has one
    largest = np.full(len(visit), NULL, np.int64)
    np.maximum.at(largest, member, count)
    last_day = np.full(len(visit), NULL, np.int64)
    np.maximum.at(last_day, member, rows["known"][is_violation])
    return Finders(visit, np.where(largest == NULL, np.nan, largest), last_day)


def count_columns(target: Target) -> tuple[str, ...]:
    """Return the column that tells how much was found, where the target names one."""
    return (target.count,) if target.count else ()


def _looked_up(wanted: Codes, keys: Codes, values: NDArray[Any]) -> NDArray[Any]:
    """Return the value of each wanted key; of one that is not among the sorted keys, any value."""
    if not len(keys):
        return np.full(len(wanted), np.nan)
    place = np.searchsorted(keys, wanted)
    return values[np.minimum(place, len(keys) - 1)]
