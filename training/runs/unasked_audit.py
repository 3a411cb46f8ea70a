"""The audit by unasked outcomes: the list of the day on which the test begins, and what befell its units in the months after."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from features.calendar import date_of
from features.engine.matrices import matrix
from features.matrix import Matrix
from features.store.store import Store
from models.bundle.bundle import Bundle
from models.bundle.score import Scores, score
from training.data.dataset import Dataset
from training.data.events import events, happened
from training.data.population import population
from training.evaluation.estimate import NotEstimable
from training.evaluation.unasked import struck_figures, without_figures
from training.evaluation.unasked_table import UnaskedEvent, unasked_table
from training.evaluation.visit_minutes import (
    VisitTimes,
    by_worth,
    filling,
    minutes_of_capacity,
    visit_times,
)

Flags = NDArray[np.bool_]
NO_ENTERPRISES = "events are told of enterprises alone"
NO_ORDER = "the order of time is not known"
NO_UNIT = "no unit lives on the day"


@dataclass(frozen=True, slots=True)
class DaysAfter:
    """The day of a list, and the last day on which what befalls its units counts."""

    as_of: int
    until: int

    @property
    def days(self) -> int:
        """How many days count."""
        return self.until - self.as_of


def unasked_audit(store: Store, whole: Dataset, bundle: Bundle, capacity: float) -> dict[str, Any]:
    """Return what befell the units of the list that a plan would have made on the first day of the test, beside all units.

    The list is of all living units of the target's population, so it has those too that nobody visited. `word` says why
    nothing is told, "" where something is.
    """
    day = int(whole.cases.as_of[whole.tested()].min())
    span = DaysAfter(day, min(day + unasked_table().days, store.complete_to))
    reason = _why_not(whole, span)
    if reason:
        return _report(span, reason, [], (0, 0))
    living = matrix(store, whole.matrix.entity, day)
    condition = whole.target.population.filter if whole.target.population else ""
    candidates = living.take(population(living, condition))
    times = visit_times(candidates) if len(candidates) else NotEstimable(NO_UNIT)
    if isinstance(times, NotEstimable):
        return _report(span, times.reason, [], (len(candidates), 0))
    on_list = _listed(candidates, score(bundle, candidates), times, capacity)
    event_rows = [
        _event_row(store, event, candidates, on_list, span) for event in unasked_table().event
    ]
    return _report(span, "", event_rows, (len(candidates), int(on_list.sum())))


def _why_not(whole: Dataset, span: DaysAfter) -> str:
    """Return why nothing is told of a target, "" where something is."""
    if whole.matrix.entity != "enterprise":
        return NO_ENTERPRISES
    if whole.target.judged is not None:
        return NO_ORDER
    least = unasked_table().least_days
    if span.days < least:
        ends = date_of(span.until)
        return (
            f"the history ends on {ends}, {span.days} days after the list; at least {least} needed"
        )
    return ""


def _listed(asked: Matrix, scores: Scores, times: VisitTimes, capacity: float) -> Flags:
    """Return which units are on the list that fills the minutes of a capacity as a plan does."""
    benefit = scores.probability if scores.expected is None else scores.expected
    once = np.ones(len(asked))
    order = by_worth(asked.keys, benefit, times.minutes)
    room = minutes_of_capacity(capacity, times.minutes, once)
    on_list = np.zeros(len(asked), np.bool_)
    on_list[filling(order, times.minutes, once, room)] = True
    return on_list


def _report(
    span: DaysAfter, word: str, events_told: list[dict[str, Any]], units: tuple[int, int]
) -> dict[str, Any]:
    """Return the plain values of the audit; `units` counts all and those on the list."""
    every, listed = units
    return {
        "as_of": date_of(span.as_of).isoformat(),
        "until": date_of(span.until).isoformat(),
        "word": word,
        "units": every,
        "listed": listed,
        "events": events_told,
    }


def _event_row(
    store: Store, event: UnaskedEvent, asked: Matrix, on_list: Flags, span: DaysAfter
) -> dict[str, Any]:
    """Return what an event did to the units of the list and to all, or why nobody knows."""
    names = {"event": event.name, "zh": event.zh, "en": event.en}
    if not store.has(event.table):
        return {**names, **without_figures(f"the source has no table {event.table}")}
    event_rows = events(store, event.target(), store.complete_to)
    code_of = {text: code for code, text in enumerate(store.texts("enterprise"))}
    codes = np.array([code_of[key] for key in asked.keys.tolist()], np.int64)
    struck = happened(event_rows.marks, codes, asked.as_of.astype(np.int64), span.days)
    return {**names, **struck_figures(struck > 0, on_list)}
