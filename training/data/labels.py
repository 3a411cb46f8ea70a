"""Labels from looking: what a visit or a review has shown; whoever was not looked at has no label, never 0."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from features.aggregates.row_expressions import row_filter
from features.arrays import NULL
from features.catalogue.language import parse_row, row_columns
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
        late = self.closed > as_of + horizon if horizon else self.closed >= FOREVER
        blind = [np.where(late, np.nan, part) for part in (self.label, self.count)]
        return Observed(
            self.ids, self.subject, self.opened, self.closed, blind[0], blind[1], self.inclusion
        )


def visits(store: Store, target: Target) -> Observed:
    """Return every visit to the target's kind of subject, as the rows known today tell it."""
    subject = SUBJECT[target.unit]
    if target.label != "visit" or subject == "claim":
        raise TargetError(
            f"a {target.unit} target with label {target.label!r} has no visits; see docs/sources.md"
        )
    examined = f"examined_{target.violation}"
    columns = (
        "inspection",
        subject,
        "kind",
        "opened",
        "closed_on",
        examined,
        "inclusion_probability",
    )
    rows = _of_population(store, target, columns)
    found = _findings(store, target)
    label = np.isin(rows["inspection"], found[0]).astype(np.float64)
    count = np.where(label == 1, _looked_up(rows["inspection"], *found), 0.0)
    closed = np.where(rows["closed_on"] == NULL, FOREVER, rows["closed_on"])
    unseen = (rows[examined] != 1) | (closed > store.complete_to)
    random = rows["kind"] == contract()["inspections"].column("kind").choices.index("lottery")
    inclusion = np.where(random, probabilities(rows["inclusion_probability"], NULL), np.nan)
    observed = Observed(
        rows["inspection"],
        rows[subject],
        rows["opened"],
        closed,
        np.where(unseen, np.nan, label),
        np.where(unseen, np.nan, count),
        inclusion,
    )
    order = np.lexsort((observed.ids, observed.opened, observed.subject))
    return observed.take(order[observed.subject[order] != NULL])


def _of_population(
    store: Store, target: Target, columns: tuple[str, ...]
) -> dict[str, NDArray[Any]]:
    """Return the live visits that the target's population asks for, by a condition on a visit's own row."""
    condition = target.population.visits if target.population else ""
    if not condition:
        return store.live("inspections", store.complete_to, columns)
    tree = parse_row(condition, "population visits")
    rows = store.live(
        "inspections",
        store.complete_to,
        tuple(dict.fromkeys((*columns, *sorted(row_columns(tree))))),
    )
    kept = row_filter(tree, rows, len(rows["inspection"]), literal_of(store, "inspections"))
    return {name: rows[name][kept] for name in columns}


def _findings(store: Store, target: Target) -> tuple[Codes, Floats]:
    """Return the visits that found the violation, sorted, and the largest count of each, NaN where none is written."""
    columns = ("inspection", "violation", *((target.count,) if target.count else ()))
    rows = store.live("findings", store.complete_to, columns)
    kept = rows["violation"] == target.violation
    count = rows[target.count][kept] if target.count else np.full(int(kept.sum()), NULL)
    distinct, member = np.unique(rows["inspection"][kept], return_inverse=True)
    largest = np.full(len(distinct), NULL, np.int64)
    np.maximum.at(largest, member, count.astype(np.int64))
    return distinct, np.where(largest == NULL, np.nan, largest)


def _looked_up(wanted: Codes, known: Codes, values: Floats) -> Floats:
    if not len(known):
        return np.full(len(wanted), np.nan)
    return values[np.minimum(np.searchsorted(known, wanted), len(known) - 1)]


def reviews(store: Store, target: Target) -> Observed:
    """Return every review of a claim; fraud is 1, clean 0, unclear or open has no label."""
    if target.label != "review" or target.unit != "claim":
        raise TargetError(
            f"reviews label claims; this target is of unit {target.unit!r} and label {target.label!r}"
        )
    counted = (target.count,) if target.count else ()
    columns = tuple(
        dict.fromkeys(
            ("claim", "chosen", "inclusion_probability", "closed_on", "outcome", *counted)
        )
    )
    rows = store.live("claim_reviews", store.complete_to, columns)
    table = contract()["claim_reviews"]
    fraud, clean = (table.column("outcome").choices.index(name) for name in ("fraud", "clean"))
    closed = np.where(rows["closed_on"] == NULL, FOREVER, rows["closed_on"])
    told = np.isin(rows["outcome"], (fraud, clean)) & (closed <= store.complete_to)
    label = np.where(told, (rows["outcome"] == fraud).astype(np.float64), np.nan)
    amount = rows[target.count] if target.count else np.full(len(label), NULL)
    count = np.where(
        label == 1, np.where(amount == NULL, np.nan, amount), np.where(told, 0.0, np.nan)
    )
    random = rows["chosen"] == table.column("chosen").choices.index("lottery")
    inclusion = np.where(random, probabilities(rows["inclusion_probability"], NULL), np.nan)
    observed = Observed(rows["claim"], rows["claim"], closed, closed, label, count, inclusion)
    return observed.take(np.argsort(observed.subject, kind="stable"))
