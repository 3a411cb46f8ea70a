"""Stretches: the features of more cases than memory should hold, some at a time, to the same bits as all at once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise

import numpy as np

from features.cases import Cases
from features.catalogue import Catalogue
from features.engine import catalogue_of, matrix_for
from features.matrix import Matrix
from features.register import bare_cases, living, registered
from features.rowwise import Column
from features.store import Store

CASES_AT_ONCE = 1 << 18


def living_stretches(store: Store, entity: str, as_of: int | Iterable[int], most: int = CASES_AT_ONCE) -> Iterator[Matrix]:
    """Yield the features of all living units of a day, or of each of some days, ordered by unit and day.

    A stretch holds at most `most` cases, more only where one unit has more days; one stretch comes at least.
    """
    days = sorted({as_of} if isinstance(as_of, int) else set(as_of))
    catalogue = catalogue_of(store)
    cases = joined([living(store, catalogue, entity, day) for day in days])
    for first, last in pairwise(cuts(cases.code, most)):
        yield matrix_for(store, catalogue, cases.take(np.arange(first, last)), last=days[-1])


def cuts(code: Column, most: int) -> list[int]:
    """Return the places at which sorted codes are cut into stretches of at most `most` that part no code's rows.

    >>> cuts(np.array([3, 3, 4, 5, 5, 5, 6]), 3), cuts(np.array([], np.int64), 3)
    ([0, 3, 6, 7], [0, 0])
    """
    found = [0]
    while found[-1] < len(code):
        last = found[-1] + most
        if last < len(code):
            begin, end = (int(np.searchsorted(code, code[last], side)) for side in ("left", "right"))
            last = begin if begin > found[-1] else end
        found.append(min(last, len(code)))
    return found if len(found) > 1 else [0, 0]


def joined(parts: Sequence[Cases]) -> Cases:
    """Return the cases of some days as one, ordered by unit and day."""
    if len(parts) == 1:
        return parts[0]
    code, as_of = (np.concatenate([getattr(part, name) for part in parts]) for name in ("code", "as_of"))
    order = np.lexsort((as_of, code))
    keys = {by: np.concatenate([part.keys[by] for part in parts])[order] for by in parts[0].keys}
    return Cases(parts[0].entity, code[order], as_of[order], keys)


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
