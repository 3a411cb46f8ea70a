"""Labels from reviews of claims: what a review has shown; a claim that nobody reviewed has no label, never 0."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from features.arrays import NULL
from features.contract.tables import contract
from features.errors import TargetError
from features.ingest.source_toml import Target
from features.store.store import Store
from training.data.labels import (
    Codes,
    Floats,
    Observed,
    closing_days,
    count_columns,
    first_days,
    inclusion,
)


def reviews(store: Store, target: Target, by: int) -> Observed:
    """Return every review of a claim as known by a day; fraud is 1, clean 0, unclear or open has no label."""
    if target.label != "review" or target.unit != "claim":
        raise TargetError(
            f"reviews label claims; this target is of unit {target.unit!r} and label {target.label!r}"
        )
    read = ("claim", "chosen", "inclusion_probability", "closed_on", "outcome", "known")
    # the column that counts may be one of those read anyhow
    names = dict.fromkeys((*read, *count_columns(target)))
    rows = store.live("claim_reviews", by, tuple(names))
    outcome = rows["outcome"]
    is_fraud = outcome == _place("fraud")
    is_clean = outcome == _place("clean")
    is_verdict = is_fraud | is_clean
    closed = closing_days(rows["closed_on"])
    has_label = is_verdict & (closed <= by)
    label = np.where(has_label, is_fraud.astype(np.float64), np.nan)
    # a clean claim has a count of 0; an amount that was not written is unknown
    count = np.where(has_label, 0.0, np.nan)
    count = np.where(label == 1, _amounts(rows, target), count)
    claim = rows["claim"]
    told_day = _told_on(store, claim)
    known_day = rows["known"].astype(np.int64)
    observed = Observed(
        ids=claim,
        subject=claim,
        opened=closed,
        closed=closed,
        label=label,
        count=count,
        inclusion=inclusion(rows, "claim_reviews", "chosen"),
        told=told_day,
        known=known_day,
    )
    return observed.take(np.argsort(observed.subject, kind="stable"))


def _place(outcome: str) -> int:
    """Return the place of an outcome among those that a review may have."""
    return contract()["claim_reviews"].column("outcome").choices.index(outcome)


def _told_on(store: Store, claim: Codes) -> Codes:
    """Return the day on which each claim's verdict was first told, corrected since or not; FOREVER where it never was."""
    rows = store.all_rows("claim_reviews", ("claim", "outcome", "known", "sign"))
    outcome = rows["outcome"]
    is_fraud = outcome == _place("fraud")
    is_clean = outcome == _place("clean")
    is_verdict = is_fraud | is_clean
    tells = is_verdict & (rows["sign"] > 0)
    claims_told = rows["claim"][tells]
    days_told = rows["known"][tells]
    return first_days(claim, claims_told, days_told)


def _amounts(rows: Mapping[str, NDArray[Any]], target: Target) -> Floats:
    """Return what each review has found, NaN where nothing is written."""
    if not target.count:
        return np.full(len(rows["claim"]), np.nan)
    amount = rows[target.count]
    return np.where(amount == NULL, np.nan, amount)
