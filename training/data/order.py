"""The order of time: a target is judged by days that follow each other, or, where it says so, by groups of units."""

from __future__ import annotations

import numpy as np

from features.calendar import date_of
from features.errors import TargetError
from features.ingest.source_toml import Target
from features.store.store import Store
from training.data.dataset import Dataset, labelled_days
from training.data.labels import Codes

GROUPS = '[target.{name}.judged] with by = "groups"'
"""The lines by which a source says that a target is judged without any order of time."""


def check_order(store: Store, whole: Dataset) -> None:
    """Raise TargetError where a target is judged by an order of time that its cases lack, or does without one unsaid.

    Cases that all stand on one day have no order; they are judged by groups of units once the source declares it. Cases of
    several days have one, and are judged by groups only where the source says why their days tell nothing.
    """
    if whole.target.judged is not None:
        _check_undated(whole.name, whole.target, whole.cases.day)
    elif not (whole.taught().any() and whole.tested().any()):
        _check_dated(whole.name, labelled_days(store, whole.name))


def _check_undated(name: str, target: Target, day: Codes) -> None:
    days = np.unique(day)
    assert target.judged is not None
    if len(days) > 1 and not target.judged.because:
        first = date_of(int(days[0]))
        last = date_of(int(days[-1]))
        raise TargetError(
            f"target {name!r} is to be judged by groups, but its cases stand on {len(days)} days from {first} to {last}: "
            f"state [target.{name}.split] in place of `judged`, or say in `because` why these days tell no order"
        )


def _check_dated(name: str, day: Codes) -> None:
    days = np.unique(day)
    if len(days) == 1 and len(day) > 1:
        declaration = GROUPS.format(name=name)
        raise TargetError(
            f"all {len(day)} labelled cases of target {name!r} stand on {date_of(int(days[0]))}, so no day parts training "
            f"from test: give them their own days, or, if nobody knows them, state {declaration} in place of the split"
        )
