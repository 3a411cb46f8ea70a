"""Visits and claims as cases, each seen on a day of its own: what trains has the label that was known when the test began."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from features.ingest.source_toml import Target
from features.store.store import Store
from training.data.cases import (
    TRAIN,
    UNUSED,
    TargetCases,
    first_asked,
    joined_parts,
    of_looks,
    target_parts,
    unlabelled,
)
from training.data.events import events, every_telling, first_told, happened, last_known
from training.data.labels import FOREVER, visits
from training.data.reviews import reviews
from training.data.set_aside import SetAside

Labelling = Callable[[TargetCases], TargetCases]
"""What puts labels on cases."""


def unit_cases(store: Store, target: Target) -> tuple[TargetCases, SetAside]:
    """Return the visits or claims of both parts, those that train with a label, and what was set aside.

    No row recorded after the test began reaches a training case. Judged by groups, every labelled case stands in both parts.
    """
    known_today = labelled_by(store, target, store.complete_to)
    known_then = _known_then(store, target)
    taught = known_then.take(known_then.part == TRAIN)
    aside = SetAside()
    aside.count_late(taught, known_today)
    tested = known_today.take(known_today.part != TRAIN)
    return aside.usable(joined_parts([taught, tested])), aside


def unreviewed(store: Store, target: Target) -> TargetCases:
    """Return the claims of the training days of which no verdict was known when the test began, nor by their own day."""
    cases = _known_then(store, target)
    has_verdict = ~np.isnan(cases.label)
    is_known = cases.told <= cases.as_of
    return cases.take((cases.part == TRAIN) & ~has_verdict & ~is_known)


def _known_then(store: Store, target: Target) -> TargetCases:
    """Return the visits or claims of both parts with the labels that were known when the test began."""
    begin = min(first_asked(target), store.complete_to)
    return labelled_by(store, target, begin)


def labelled_by(store: Store, target: Target, by: int) -> TargetCases:
    """Return the visits or claims of both parts with the labels that were known by a day."""
    cases_of = _claims if target.unit == "claim" else _inspections
    cases = cases_of(store, target, by)
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


def _claims(store: Store, target: Target, by: int) -> TargetCases:
    """Return one case a claim of either part, seen on the day that it became known."""
    rows = store.all_rows("claims", ("claim", "known"))
    codes, member = np.unique(rows["claim"], return_inverse=True)
    first = np.full(len(codes), np.iinfo(np.int64).max)
    np.minimum.at(first, member, rows["known"])
    part = target_parts(first, target, 0)
    is_used = part != UNUSED
    codes = codes[is_used]
    first = first[is_used]
    texts = np.array(store.texts("claim"), np.str_)
    cases = unlabelled(codes, first, first, texts[codes], part[is_used])
    if target.label != "event":
        return _reviewed(store, target, cases, by)
    return event_labelling(store, target, by)(cases)


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


def _reviewed(store: Store, target: Target, cases: TargetCases, by: int) -> TargetCases:
    """Return the claims with what their reviews said; the subjects are sorted, and a claim has one live review.

    A review of a claim that nobody recorded is nobody's.
    """
    looks = reviews(store, target, by)
    looks = looks.take(np.isin(looks.subject, cases.subject))
    place = np.searchsorted(cases.subject, looks.subject)
    claims = cases.take(place)
    in_time = looks.within(claims.as_of, target.horizon)
    reviewed = of_looks(in_time, claims.as_of, claims.ids, claims.part, claims.day)
    merged = {}
    for name in ("label", "count", "random_label", "inclusion", "told", "known"):
        column = getattr(cases, name).copy()
        column[place] = getattr(reviewed, name)
        merged[name] = column
    return replace(cases, **merged)
