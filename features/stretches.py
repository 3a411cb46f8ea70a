"""Stretches: the features of more cases than memory should hold, some at a time, to the same bits as all at once."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from features.cases import Cases
from features.catalogue import Catalogue
from features.engine import catalogue_of, matrix_for
from features.matrix import Matrix
from features.register import bare_cases, living, registered
from features.store import Store

CASES_AT_ONCE = 1 << 18


def living_stretches(store: Store, entity: str, *days: int, most: int = CASES_AT_ONCE) -> Iterator[Matrix]:
    """Yield the features of all living units of some days, day after day and ordered by unit, at most `most` at a time.

    One stretch a day comes at least.
    """
    catalogue = catalogue_of(store)
    for day in days:
        cases = living(store, catalogue, entity, day)
        for first in range(0, max(len(cases), 1), most):
            yield matrix_for(store, catalogue, cases.take(np.arange(first, min(first + most, len(cases)))), last=max(days))


def claim_stretches(store: Store, catalogue: Catalogue, most: int = CASES_AT_ONCE) -> Iterator[Matrix]:
    """Yield the features of every claim of a history, each as of the day on which it became known, ordered by claim.

    A stretch is `most` codes wide, and nothing of one is left when the next begins.
    """
    for low in range(0, len(store.dictionary("claim").texts), most):
        cases, _ = registered(store, catalogue, first_seen(store, low, low + most))
        if len(cases):
            yield matrix_for(store, catalogue, cases, last=store.complete_to)


def first_seen(store: Store, low: int, high: int) -> Cases:
    """Return the claims with low <= code < high, each on the day on which it first became known."""
    rows = store.rows("claims", by="claim", low=low, high=high, columns=("claim", "known"))
    codes, begins = np.unique(rows["claim"], return_index=True)
    days = np.minimum.reduceat(rows["known"], begins) if len(begins) else rows["known"]
    return bare_cases("claim", codes, days)
