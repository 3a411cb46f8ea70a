"""Bystanders: cases of the training days that nobody looked at, drawn by lot to stand for all of them."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from features.engine.engine import Engine
from features.engine.population import living
from features.ingest.source_toml import Target
from training.data.cases import (
    TRAIN,
    TargetCases,
    drawn_evenly,
    joined_parts,
    standing_for,
    unlabelled,
)
from training.data.day_cases import ON_DAYS
from training.data.events import marks
from training.data.labels import SUBJECT, Codes
from training.data.unit_cases import unreviewed

LOOKED_AT = ("visit", "review")
"""Labels that somebody chose to look for; whether an event happened is known of every case."""
MOST_DAYS = 24
"""Days on which units are drawn where each visit has a day of its own; a choice: each month of two years has one."""


def drawn_bystanders(
    engine: Engine, target: Target, taught: TargetCases, *, most: int, seed: int
) -> TargetCases | None:
    """Return at most `most` cases that a list could have named and nobody looked at; None where there are none.

    Whether somebody looked is what was known when the test began. The draw rests on the day and the seed alone.
    """
    if target.label not in LOOKED_AT or not most or not len(taught):
        return None
    if target.unit == "claim":
        drawn = unreviewed(engine.store, target, most=most, seed=seed)
    else:
        drawn = joined_parts(list(_of_days(engine, target, taught, most, seed)))
    return drawn if len(drawn) else None


def thinned_evenly(cases: TargetCases, most: int, seed: int) -> TargetCases:
    """Return at most so many cases, in their order, each then weighing as many as it stands for."""
    drawn = cases.take(drawn_evenly(len(cases), most, seed))
    return standing_for(drawn, len(cases))


def _of_days(
    engine: Engine, target: Target, taught: TargetCases, most: int, seed: int
) -> Iterator[TargetCases]:
    """Yield for each chosen day some of the units that live on it and have no label from it."""
    subject = SUBJECT[target.unit]
    texts = np.array(engine.store.texts(subject), np.str_)
    has_label = marks(taught.subject, taught.as_of)
    days = np.unique(taught.as_of) if target.unit in ON_DAYS else _spread_days(taught.as_of)
    to_the_opening = 0 if target.unit in ON_DAYS else 1
    for day in days.tolist():
        units = living(engine, subject, day)
        is_bystander = ~np.isin(marks(units.code, units.as_of), has_label)
        code = units.code[is_bystander]
        as_of = units.as_of[is_bystander]
        part = np.full(len(code), TRAIN, np.int8)
        cases = unlabelled(code, as_of, as_of + to_the_opening, texts[code], part)
        yield thinned_evenly(cases, max(most // len(days), 1), seed + day)


def _spread_days(as_of: Codes) -> Codes:
    """Return of the days of visits those that part the visits evenly."""
    shares = (np.arange(MOST_DAYS) + 0.5) / MOST_DAYS
    ascending = np.sort(as_of)
    places = shares * len(ascending)
    return np.unique(ascending[places.astype(np.int64)])
