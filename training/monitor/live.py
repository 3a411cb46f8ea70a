"""The list as it lives: its trial against the lottery, and the gaps between groups among its visits."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from features.matrix import Matrix
from models.bundle.score import Scores
from training.data.cases import TargetCases
from training.groups.rates import Audited
from training.groups.table import group_table
from training.groups.values import Looked, partitions
from training.monitor.calibration_drift import week_of_days
from training.monitor.group_gaps import group_gaps
from training.monitor.judged_list import (
    NO_PLAN,
    OTHER_UNITS,
    JudgedList,
    few_drawn,
    judged_list,
)
from training.monitor.live_visits import PlannedCases, planned_cases, planned_units
from training.monitor.model_in_use import InUse
from training.monitor.verdict import Unknown
from training.runs.group_audit import units_of_cases

BY_PLAN, EVERY = "visits of the list", "all cases with an outcome"


@dataclass(frozen=True, slots=True, eq=False)
class NewCases:
    """Cases with an outcome that came after the training, their features, and what the model said of them."""

    matrix: Matrix
    cases: TargetCases
    scores: Scores


@dataclass(frozen=True, slots=True, eq=False)
class LiveList:
    """A list's trial, None where there is none to judge, and the gaps between groups among visits of its `basis`."""

    planned: PlannedCases | None
    trial: JudgedList | None
    unknown: Unknown | None
    basis: str
    gaps: dict[str, list[dict[str, Any]]]

    def lift_as_json(self) -> dict[str, Any]:
        """Return the trial as JSON has it; without one the word is null."""
        without = None if self.planned is None else self.planned.without_outcome
        trial = {"word": None} if self.trial is None else self.trial.plain()
        return {**trial, "drawn_without_outcome": without}


def live_list(model: InUse, new: NewCases) -> LiveList:
    """Return the trial of a model's list and its gaps."""
    planned, unknown = _planned(model, new.cases)
    trial = None if planned is None else judged_list(planned, new.cases)
    by_list = np.empty(0, np.int64) if planned is None else planned.place[~planned.drawn]
    basis = BY_PLAN if len(by_list) else EVERY
    places = by_list if len(by_list) else _over(model, new.cases)
    return LiveList(planned, trial, unknown, basis, _gaps(model, new, places))


def _planned(model: InUse, cases: TargetCases) -> tuple[PlannedCases | None, Unknown | None]:
    """Return the visits by plan, and what of their lift cannot be told."""
    if model.bundle.entity != "enterprise":
        return None, OTHER_UNITS
    days = model.days
    units = planned_units(model.store, model.bundle.target, days.trained, days.today)
    if not len(units):
        return None, NO_PLAN
    planned = planned_cases(units, cases, days.today, model.limits)
    return planned, few_drawn(planned)


def _over(model: InUse, cases: TargetCases) -> NDArray[np.int64]:
    """Return the places of the cases whose week is over."""
    this_week = week_of_days(np.array([model.days.today + 1]))
    return np.flatnonzero(week_of_days(cases.known) < this_week)


def _gaps(
    model: InUse, new: NewCases, places: NDArray[np.int64]
) -> dict[str, list[dict[str, Any]]]:
    """Return the gaps between groups among chosen cases."""
    if not len(places):
        return {"groups": [], "pairs": []}
    cases = new.cases.take(places)
    looked = Looked(model.engine, new.matrix.take(places), cases.subject)
    ones = np.ones(len(cases))
    visits = Audited(
        ids=cases.ids,
        unit=units_of_cases(model.store, model.bundle.entity, cases.subject),
        listed=ones > 0,
        label=cases.label,
        probability=new.scores.probability[places],
        chance=ones,
        weight=ones,
        days=np.full(len(cases), np.nan),
    )
    week = week_of_days(cases.known)
    return group_gaps(visits, week, partitions(looked, group_table()), model.limits)
