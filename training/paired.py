"""Paired differences: what several models say of the same test cases, compared on the same draws of whole units."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from training.capacity import list_length
from training.cases import Cases
from training.discrimination import Sorted, auc, average_precision, sort_by_score

Floats = NDArray[np.float64]
METRICS = ("auc", "average_precision", "precision_at_capacity")
DRAWS = 400
LEAST_KNOWN = 100


@dataclass(frozen=True, slots=True, eq=False)
class Exam:
    """The test cases that every model answers, the unit of each (whole units are drawn), and the list's capacity."""

    cases: Cases
    units: NDArray[np.str_]
    capacity: float

    def seen(self) -> NDArray[np.bool_]:
        """Return which cases have a label."""
        return np.asarray(~np.isnan(self.cases.label))


@dataclass(frozen=True, slots=True, eq=False)
class Ranking:
    """One model's order of an exam: labelled cases ascending by score, all cases descending."""

    exam: Exam
    labelled: Sorted
    order: NDArray[np.int64]

    def metrics(self, weight: Floats) -> Floats:
        """Return METRICS where each case counts `weight` times, float64 (3,); NaN where undefined."""
        area, precision = (measure(self.labelled, weight[self.exam.seen()]) for measure in (auc, average_precision))
        found = (area, precision, self._at_capacity(weight))
        return np.array([np.nan if value is None else value for value in found])

    def _at_capacity(self, weight: Floats) -> float | None:
        """Return the share of positives among the labelled cases of the list, as `precision_at` has it."""
        cases = self.exam.cases
        stands_for = (weight * cases.weight)[self.order]
        length = list_length(self.exam.capacity, float(stands_for.sum()))
        top = self.order[np.cumsum(stands_for) - stands_for < length]
        top = top[~np.isnan(cases.label[top])]
        total = float(weight[top].sum())
        return float((weight[top] * cases.label[top]).sum()) / total if total else None


def ranked(exam: Exam, raw: Floats) -> Ranking:
    """Return how raw scores (n,) order an exam; ties by id."""
    seen = exam.seen()
    return Ranking(exam, sort_by_score(exam.cases.label[seen], raw[seen]), np.lexsort((exam.cases.ids, -raw)))


@dataclass(frozen=True, slots=True, eq=False)
class Outcome:
    """METRICS of each model: `point` (fits, 3) on the test as it is, `drawn` (draws, 3) on draws of units and fits."""

    point: Floats
    drawn: Floats


def outcomes(exam: Exam, answers: Mapping[str, list[Floats]], *, seed: int,
             advance: Callable[[int, int | None], None]) -> dict[str, Outcome]:
    """Return the outcome of each model by name; `answers` holds its raw scores once a fit, all models fitted alike.

    Each draw takes units with replacement and one of the fits, the same for every model, so that differences are paired
    and their intervals hold the chance of the fit as well as that of the test.
    """
    rankings = {name: [ranked(exam, raw) for raw in fits] for name, fits in answers.items()}
    _, member = np.unique(exam.units, return_inverse=True)
    number = int(member.max()) + 1
    generator = np.random.default_rng(seed)
    drawn: dict[str, list[Floats]] = {name: [] for name in rankings}
    for draw in range(DRAWS):
        weight = np.bincount(generator.integers(0, number, number), minlength=number)[member].astype(np.float64)
        for name, fits in rankings.items():
            drawn[name].append(fits[draw % len(fits)].metrics(weight))
        advance(draw + 1, DRAWS)
    once = np.ones(len(member))
    return {name: Outcome(np.array([fit.metrics(once) for fit in fits]), np.array(drawn[name]))
            for name, fits in rankings.items()}


def means(outcome: Outcome) -> dict[str, float | None]:
    """Return each metric, its mean over the fits; None where undefined."""
    return {name: _number(outcome.point[:, place].mean()) for place, name in enumerate(METRICS)}


def worth(with_it: Outcome, without: Outcome) -> dict[str, dict[str, object]]:
    """Return by metric the mean paired difference, above 0 where having it helps, and its 95 % interval."""
    gap, drawn = (with_it.point - without.point).mean(axis=0), with_it.drawn - without.drawn
    return {name: {"difference": _number(gap[place]), "interval": _middle(drawn[:, place])}
            for place, name in enumerate(METRICS)}


def _middle(values: Floats) -> list[float] | None:
    known = values[~np.isnan(values)]
    if len(known) < LEAST_KNOWN:
        return None
    low, high = np.percentile(known, [2.5, 97.5])
    return [float(low), float(high)]


def _number(value: float) -> float | None:
    return None if np.isnan(value) else float(value)
