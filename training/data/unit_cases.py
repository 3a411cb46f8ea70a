"""Visits and claims as cases, each seen on a day of its own: what trains has the label that was known when the test began."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from features.ingest.source_toml import Target
from features.store.store import Store
from training.data.cases import (
    TEST,
    TRAIN,
    UNUSED,
    TargetCases,
    drawn_evenly,
    first_asked,
    joined_parts,
    of_looks,
    standing_for,
    target_parts,
    unlabelled,
)
from training.data.events import events, every_telling, first_told, happened, last_known
from training.data.labels import FOREVER, Codes, Observed, visits
from training.data.reviews import reviews
from training.data.set_aside import SetAside, has_label

Labelling = Callable[[TargetCases], TargetCases]
"""What puts labels on cases."""


@dataclass(frozen=True, slots=True, eq=False)
class _Filed:
    """Claims by code, ascending, with the day on which each became known and its part, (n,); nothing else is held of so many."""

    code: Codes
    day: Codes
    part: NDArray[np.int8]

    def take(self, rows: NDArray[np.bool_] | Codes) -> _Filed:
        """Return the chosen claims."""
        return _Filed(self.code[rows], self.day[rows], self.part[rows])

    def cases(self, store: Store) -> TargetCases:
        """Return each as a case of which nothing is known yet, seen on its day."""
        ids = store.dictionary("claim").texts_of(self.code)
        return unlabelled(self.code, self.day, self.day, ids, self.part)


def unit_cases(store: Store, target: Target) -> tuple[TargetCases, SetAside]:
    """Return the visits or claims of both parts, those that train with a label, and what was set aside.

    No row recorded after the test began reaches a training case. Judged by groups, every labelled case stands in both parts.
    """
    # what teaches comes first: of some thirty million claims of a full city, both answers at once took 5 GB
    known_then = labelled_by(store, target, _begin(store, target))
    taught = known_then.take((known_then.part == TRAIN) & has_label(known_then))
    del known_then
    known_today = labelled_by(store, target, store.complete_to, unreviewed_part=TEST)
    aside = SetAside()
    aside.count_late(taught, known_today)
    tested = known_today.take(known_today.part != TRAIN)
    return aside.usable(joined_parts([taught, tested])), aside


def unreviewed(store: Store, target: Target, *, most: int, seed: int) -> TargetCases:
    """Return the claims of the training days of which no verdict was known when the test began, nor by their own day.

    Of more than `most` so many are drawn, each then weighing as many as it stands for.
    """
    begin = _begin(store, target)
    filed = _filed(store, target, begin)
    looks = reviews(store, target, begin)
    looked_at = filed.take(np.isin(filed.code, looks.subject))
    seen = _reviewed(looks, looked_at.cases(store), target.horizon)
    has_outcome = has_label(seen) | (seen.told <= seen.as_of)
    is_waiting = ~np.isin(filed.code, seen.subject[has_outcome])
    waiting = filed.take((filed.part == TRAIN) & is_waiting)
    drawn = drawn_evenly(len(waiting.code), most, seed)
    cases = _reviewed(looks, waiting.take(drawn).cases(store), target.horizon)
    return standing_for(cases, len(waiting.code))


def _begin(store: Store, target: Target) -> int:
    """Return the day by which a label was known when the test began."""
    return min(first_asked(target), store.complete_to)


def labelled_by(
    store: Store, target: Target, by: int, *, unreviewed_part: int = UNUSED
) -> TargetCases:
    """Return the visits or claims of both parts with the labels that were known by a day.

    Of claims whose reviews are asked for, those that nobody reviewed are left out, but for those of one part.
    """
    if target.unit == "claim":
        return _claims(store, target, by, unreviewed_part)
    cases = _inspections(store, target, by)
    in_history = (cases.as_of >= store.first_known) & (cases.as_of <= by)
    return cases.take((cases.part != UNUSED) & in_history)


def _inspections(store: Store, target: Target, by: int) -> TargetCases:
    """Return one case a visit, seen from the eve of its opening."""
    looks = visits(store, target, by)
    as_of = looks.opened - 1
    texts = np.array(store.texts("inspection"), np.str_)
    ids = texts[looks.ids]
    part = target_parts(looks.opened, target, 0)
    in_time = looks.within(as_of, target.horizon)
    return of_looks(in_time, as_of, ids, part, looks.opened)


def _claims(store: Store, target: Target, by: int, unreviewed_part: int) -> TargetCases:
    """Return one case a claim of either part, seen on the day that it became known."""
    filed = _filed(store, target, by)
    if target.label == "event":
        return event_labelling(store, target, by)(filed.cases(store))
    looks = reviews(store, target, by)
    is_case = np.isin(filed.code, looks.subject) | (filed.part == unreviewed_part)
    return _reviewed(looks, filed.take(is_case).cases(store), target.horizon)


def _filed(store: Store, target: Target, by: int) -> _Filed:
    """Return the claims of either part that became known in the history and by a day."""
    rows = store.all_rows("claims", ("claim", "known"))
    claim = rows["claim"]
    # a place for each code: to sort all rows takes several times the memory
    first = np.full(int(claim.max(initial=-1)) + 1, FOREVER, np.int64)
    np.minimum.at(first, claim, rows["known"])
    in_history = (first >= store.first_known) & (first <= by)
    code = np.asarray(np.flatnonzero(in_history), np.int64)
    day = first[code]
    part = target_parts(day, target, 0)
    every = _Filed(code, day, part)
    return every.take(part != UNUSED)


def event_labelling(store: Store, target: Target, by: int) -> Labelling:
    """Return what tells of cases whether their event happened within the horizon, as the rows known by a day say it."""
    known_events = events(store, target, by)
    tellings = every_telling(store, target)

    def with_events(cases: TargetCases) -> TargetCases:
        window = (cases.subject, cases.as_of, target.horizon)
        end = cases.as_of + target.horizon
        # before its horizon has passed nobody knows that nothing happened
        is_open = end > by
        label = np.where(is_open, np.nan, happened(known_events.marks, *window))
        label_known = np.maximum(end, last_known(known_events, *window))
        return replace(
            cases,
            label=label,
            told=first_told(tellings, *window),
            known=np.where(is_open, FOREVER, label_known),
        )

    return with_events


def _reviewed(every_look: Observed, cases: TargetCases, horizon: int) -> TargetCases:
    """Return the claims with what their reviews said; the subjects are sorted, and a claim has one live review.

    A review of a claim that nobody recorded is nobody's.
    """
    looks = every_look.take(np.isin(every_look.subject, cases.subject))
    place = np.searchsorted(cases.subject, looks.subject)
    claims = cases.take(place)
    in_time = looks.within(claims.as_of, horizon)
    reviewed = of_looks(in_time, claims.as_of, claims.ids, claims.part, claims.day)
    merged = {}
    for name in ("label", "count", "random_label", "inclusion", "told", "known"):
        column = getattr(cases, name).copy()
        column[place] = getattr(reviewed, name)
        merged[name] = column
    return replace(cases, **merged)
