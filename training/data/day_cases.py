"""Enterprises and providers as cases on declared days: what trains has the label that was known when the test began."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from features.calendar import date_of, day_of
from features.cases import Cases as Units
from features.engine.engine import Engine
from features.engine.population import living
from features.errors import TargetError
from features.ingest.source_toml import Target
from features.store.store import Store
from training.data.cases import (
    BOTH,
    TEST,
    TRAIN,
    UNUSED,
    TargetCases,
    first_asked,
    target_parts,
    unlabelled,
    with_looks,
)
from training.data.events import marks
from training.data.labels import SUBJECT, visits
from training.data.set_aside import SetAside
from training.data.unit_cases import Labelling, event_labelling

ON_DAYS = ("enterprise-day", "provider")
"""Units that are looked at on declared days; others each have a day of their own."""


def day_cases(
    engine: Engine, target: Target, aside: SetAside
) -> Iterator[tuple[Units, TargetCases]]:
    """Yield for each as-of day its living units and their cases; of those that train, the labelled ones.

    No row recorded after the test began reaches the label of a training case. `aside` counts what is no case.
    """
    store = engine.store
    known_today = _labelling(store, target, store.complete_to)
    label_of = {
        TRAIN: _labelling(store, target, min(first_asked(target), store.complete_to)),
        TEST: known_today,
        BOTH: known_today,
    }
    subject = SUBJECT[target.unit]
    texts = np.array(store.texts(subject), np.str_)
    for day, part in _days(store, target):
        units = living(engine, subject, day)
        parts = np.full(len(units), part, np.int8)
        ids = texts[units.code]
        bare = unlabelled(units.code, units.as_of, units.as_of, ids, parts)
        cases = label_of[part](bare)
        if part == TRAIN:
            aside.count_late(cases, label_of[TEST](bare))
        usable = aside.usable(cases)
        is_usable = np.isin(marks(units.code, units.as_of), marks(usable.subject, usable.as_of))
        yield units.take(np.flatnonzero(is_usable)), usable


def _days(store: Store, target: Target) -> list[tuple[int, int]]:
    """Return each usable as-of day and its part; event labels need the whole horizon to have passed."""
    distinct = {day_of(day) for day in target.as_of}
    days = np.array(sorted(distinct), np.int64)
    parts = target_parts(days, target, target.horizon)
    if target.label == "event":
        is_open = days + target.horizon > store.complete_to
        parts[is_open] = UNUSED
    is_used = parts != UNUSED
    used = list(zip(days[is_used].tolist(), parts[is_used].tolist(), strict=True))
    needed = {TRAIN, TEST} if target.judged is None else {BOTH}
    if {part for _, part in used} != needed:
        usable = [str(date_of(day)) for day, _ in used]
        raise TargetError(
            f"the as_of days should leave one to train and one to test, {target.horizon} days "
            f"apart, in a history complete to {date_of(store.complete_to)}; usable are "
            f"{usable}: add days or move the split"
        )
    return used


def _labelling(store: Store, target: Target, by: int) -> Labelling:
    """Return what puts on the cases of one day the labels that were known by another."""
    horizon = target.horizon
    if target.label == "visit":
        looks = visits(store, target, by)
        return lambda cases: with_looks(cases, looks, horizon)
    if target.label == "event":
        return event_labelling(store, target, by)
    raise TargetError(
        f'label = "{target.label}" cannot label unit = "{target.unit}"; use visit or event'
    )
