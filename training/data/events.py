"""Labels from events: whether something of a declared kind happened to a case within its horizon."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from features.aggregates.row_expressions import row_filter
from features.arrays import NULL
from features.catalogue.language import row_columns
from features.catalogue.syntax import parse_row
from features.errors import TargetError
from features.ingest.source_toml import Event, Target
from features.store.column_codes import literal_of
from features.store.store import Store
from training.data.labels import SUBJECT

Codes = NDArray[np.int64]
DAYS = 2**21
"""Room for days in a mark: 2 ** 20 of them, nearly 2,900 years, before 1970 and as many after."""
SHIFT = 2**20
"""Added to a day, so that one before 1970 is no negative number: half of DAYS."""


def marks(subject: Codes, day: Codes) -> Codes:
    """Return one integer a pair that sorts by subject, then day; days before 1970 included."""
    return subject * DAYS + day + SHIFT


def events(store: Store, target: Target) -> Codes:
    """Return the sorted marks of a target's events, as the rows known today tell them."""
    event = target.event
    subject = SUBJECT[target.unit]
    if event is None:
        raise TargetError('a target with label = "event" needs its event: table, when and filter')
    _check(store, event, subject)
    tree = parse_row(event.filter, f"event filter of {event.table}") if event.filter else None
    names = {subject, event.when}
    if tree is not None:
        names |= row_columns(tree)
    rows = store.live(event.table, store.complete_to, tuple(sorted(names)))
    subjects = rows[subject]
    days = rows[event.when]
    counts = (subjects != NULL) & (days != NULL)
    if tree is not None:
        counts &= row_filter(tree, rows, len(counts), literal_of(store, event.table))
    return np.sort(marks(subjects[counts].astype(np.int64), days[counts].astype(np.int64)))


def _check(store: Store, event: Event, subject: str) -> None:
    if not store.has(event.table):
        raise TargetError(
            f"the event's table {event.table!r} is absent from this source; name another"
        )
    store.column(event.table, subject)
    kind = store.column(event.table, event.when).kind
    if kind != "day":
        raise TargetError(f"the event's day should be a day; {event.table}.{event.when} is {kind}")


def happened(known: Codes, subject: Codes, as_of: Codes, horizon: int) -> NDArray[np.float64]:
    """Return 1.0 where a mark of the subject lies in (as_of, as_of + horizon], else 0.0."""
    begin = marks(subject, as_of)
    end = marks(subject, as_of + horizon)
    until_begin = np.searchsorted(known, begin, side="right")
    until_end = np.searchsorted(known, end, side="right")
    return (until_end > until_begin).astype(np.float64)
