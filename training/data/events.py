"""Labels from events: whether something of a declared kind happened to a case within its horizon."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

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
from training.data.labels import FOREVER, SUBJECT

Codes = NDArray[np.int64]
DAYS = 2**21
"""Room for days in a mark: 2 ** 20 of them, nearly 2,900 years, before 1970 and as many after."""
SHIFT = 2**20
"""Added to a day, so that one before 1970 is no negative number: half of DAYS."""


def marks(subject: Codes, day: Codes) -> Codes:
    """Return one integer a pair that sorts by subject, then day; days before 1970 included."""
    return subject * DAYS + day + SHIFT


@dataclass(frozen=True, slots=True, eq=False)
class Events:
    """What happened to subjects, as sorted marks, and the day from which each row that tells it was known."""

    marks: Codes
    known: Codes


def events(store: Store, target: Target, by: int) -> Events:
    """Return a target's events, as the rows known by a day tell them."""
    event = _event_of(store, target)
    rows = store.live(event.table, by, _columns(target, event))
    return _marked(store, target, event, rows)


def every_telling(store: Store, target: Target) -> Events:
    """Return a target's events as any row has told them, corrected since or not: features of its days have seen it."""
    event = _event_of(store, target)
    rows = store.all_rows(event.table, (*_columns(target, event), "sign"))
    is_told = rows["sign"] > 0
    return _marked(store, target, event, {name: rows[name][is_told] for name in rows})


def _event_of(store: Store, target: Target) -> Event:
    if target.event is None:
        raise TargetError('a target with label = "event" needs its event: table, when and filter')
    _check(store, target.event, SUBJECT[target.unit])
    return target.event


def _filter_of(event: Event) -> ast.expr | None:
    return parse_row(event.filter, f"event filter of {event.table}") if event.filter else None


def _columns(target: Target, event: Event) -> tuple[str, ...]:
    """Return the columns that tell whether, to whom, when, and from which day on it was known."""
    tree = _filter_of(event)
    filtered = row_columns(tree) if tree is not None else set()
    return tuple(sorted({SUBJECT[target.unit], event.when, "known"} | filtered))


def _marked(store: Store, target: Target, event: Event, rows: Mapping[str, NDArray[Any]]) -> Events:
    """Return the rows that count as events, by mark."""
    subjects = rows[SUBJECT[target.unit]]
    days = rows[event.when]
    counts = (subjects != NULL) & (days != NULL)
    tree = _filter_of(event)
    if tree is not None:
        counts &= row_filter(tree, rows, len(counts), literal_of(store, event.table))
    every_mark = marks(subjects[counts].astype(np.int64), days[counts].astype(np.int64))
    order = np.argsort(every_mark, kind="stable")
    return Events(every_mark[order], rows["known"][counts][order].astype(np.int64))


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
    begin, end = _windows(known, subject, as_of, horizon)
    return (end > begin).astype(np.float64)


def _windows(known: Codes, subject: Codes, as_of: Codes, horizon: int) -> tuple[Codes, Codes]:
    """Return between which places of the sorted marks the window of each case lies, the second not included."""
    begin = np.searchsorted(known, marks(subject, as_of), side="right")
    end = np.searchsorted(known, marks(subject, as_of + horizon), side="right")
    return begin, end


def first_told(told: Events, subject: Codes, as_of: Codes, horizon: int) -> Codes:
    """Return the earliest day on which an event of each case's window was told, FOREVER where there is none."""
    begin, end = _windows(told.marks, subject, as_of, horizon)
    return _reduced(np.minimum, told.known, (begin, end), FOREVER)


def last_known(known: Events, subject: Codes, as_of: Codes, horizon: int) -> Codes:
    """Return the latest day from which the events of each case's window were known, NULL where there is none."""
    begin, end = _windows(known.marks, subject, as_of, horizon)
    return _reduced(np.maximum, known.known, (begin, end), NULL)


def _reduced(extreme: np.ufunc, days: Codes, windows: tuple[Codes, Codes], empty: int) -> Codes:
    """Return the extreme of the days in each window."""
    begin, end = windows
    # the day behind the last lets a window end there
    padded = np.append(days, empty)
    pairs = np.stack((begin, end), axis=1).ravel()
    extremes = extreme.reduceat(padded, pairs)[::2]
    return np.where(end > begin, extremes, empty)
