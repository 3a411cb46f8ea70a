"""Paired differences: what several models say of the same test cases, compared on the same draws of whole units."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from training.data.cases import TargetCases
from training.evaluation.capacity import list_length
from training.evaluation.discrimination import (
    LEAST_KNOWN,
    Sorted,
    auc_and_precision,
    sort_by_score,
)

Floats = NDArray[np.float64]
Advance = Callable[[int, int | None], None]
METRICS = ("auc", "average_precision", "precision_at_capacity")
DRAWS = 400
"""Bootstrap draws of an interval; a choice: ten of them lie beyond each end of 95 %."""


@dataclass(frozen=True, slots=True, eq=False)
class Exam:
    """The test cases that every model answers, the unit of each (whole units are drawn), and the list's capacity.

    With a `chance` to be looked at, (n,), each labelled case of a list counts 1 / its chance; without, all count alike.
    """

    cases: TargetCases
    units: NDArray[np.str_]
    capacity: float
    chance: Floats | None = None

    def seen(self) -> NDArray[np.bool_]:
        """Return which cases have a label."""
        return np.asarray(~np.isnan(self.cases.label))

    def weighed(self, weight: Floats) -> Weighed:
        """Return the exam with each case counting `weight` times, float64 (n,)."""
        stands_for = weight * self.cases.weight
        length = list_length(self.capacity, float(stands_for.sum()))
        return Weighed(weight, weight[self.seen()], stands_for, length)


@dataclass(frozen=True, slots=True, eq=False)
class Weighed:
    """How often each case counts, the labelled among them, how many of the population each then is, and the list's length."""

    weight: Floats
    labelled: Floats
    stands_for: Floats
    length: int


@dataclass(frozen=True, slots=True, eq=False)
class Ranking:
    """One model's order of an exam: labelled cases ascending by score, all cases descending with their labels.

    `speaks_for` is how many cases like it each of these speaks for, by its chance of a label.
    """

    labelled: Sorted
    order: NDArray[np.int64]
    label: Floats
    speaks_for: Floats

    def metrics(self, weighed: Weighed) -> Floats:
        """Return METRICS of a weighed exam, float64 (3,); NaN where undefined."""
        area, precision = auc_and_precision(self.labelled, weighed.labelled)
        values = (area, precision, self._at_capacity(weighed))
        return np.array([np.nan if value is None else value for value in values])

    def _at_capacity(self, weighed: Weighed) -> float | None:
        """Return the share of positives among the list's labelled cases, as `precision_at` has it."""
        listed = self._listed(weighed)
        label = self.label[:listed]
        weight = weighed.weight[self.order[:listed]] * self.speaks_for[:listed]
        has_label = ~np.isnan(label)
        known_weight = weight[has_label]
        total = float(known_weight.sum())
        if not total:
            return None
        return float((known_weight * label[has_label]).sum()) / total

    def _listed(self, weighed: Weighed) -> int:
        """Return how many cases of the order fill the list.

        A list is far shorter than the order: of the order no more is read than fills it.
        """
        size = len(self.order)
        # a case is drawn once on average, so twice as many nearly always fill the list
        reach = min(size, 2 * weighed.length + 64)
        while True:
            filled = np.cumsum(weighed.stands_for[self.order[:reach]])
            if reach == size or filled[-1] >= weighed.length:
                return int(np.searchsorted(filled, weighed.length)) + 1
            reach = min(size, 2 * reach)


def exam_order(exam: Exam, raw: Floats) -> Ranking:
    """Return how raw scores (n,) order an exam; ties by id."""
    seen = exam.seen()
    labelled = sort_by_score(exam.cases.label[seen], raw[seen])
    order = np.lexsort((exam.cases.ids, -raw))
    chance = np.ones(len(order)) if exam.chance is None else exam.chance
    return Ranking(labelled, order, exam.cases.label[order], 1.0 / chance[order])


@dataclass(frozen=True, slots=True, eq=False)
class Outcome:
    """METRICS of each model: `point` (fits, 3) on the test as it is, `drawn` (draws, 3) on draws of units and fits."""

    point: Floats
    drawn: Floats


def points(exam: Exam, fits: Sequence[Floats]) -> Floats:
    """Return METRICS of one model on the exam as it is, float64 (fits, 3); `fits` holds its raw scores once a fit."""
    once = exam.weighed(np.ones(len(exam.units)))
    return np.array([exam_order(exam, raw).metrics(once) for raw in fits])


def outcomes(
    exam: Exam, answers: Mapping[str, Sequence[Floats]], *, seed: int, advance: Advance
) -> dict[str, Outcome]:
    """Return the outcome of each model by name; `answers` holds its raw scores once a fit, all models fitted alike.

    Each draw takes units with replacement and one of the fits, the same for every model and whatever other models are
    asked, so that differences are paired and their intervals hold the chance of the fit as well as that of the test.
    """
    rankings = {name: [exam_order(exam, raw) for raw in fits] for name, fits in answers.items()}
    _, member = np.unique(exam.units, return_inverse=True)
    number = int(member.max()) + 1
    generator = np.random.default_rng(seed)
    drawn: dict[str, list[Floats]] = {name: [] for name in rankings}
    for draw in range(DRAWS):
        units = generator.integers(0, number, number)
        times = np.bincount(units, minlength=number)
        weighed = exam.weighed(times[member].astype(np.float64))
        for name, fits in rankings.items():
            ranking = fits[draw % len(fits)]
            drawn[name].append(ranking.metrics(weighed))
        advance(draw + 1, DRAWS)
    return {
        name: Outcome(points(exam, fits), np.array(drawn[name])) for name, fits in answers.items()
    }


def mean_metrics(point: Floats) -> dict[str, float | None]:
    """Return each metric, its mean over the fits; None where undefined."""
    return {name: _number(point[:, place].mean()) for place, name in enumerate(METRICS)}


def worth(with_it: Outcome, without: Outcome) -> dict[str, dict[str, object]]:
    """Return by metric the mean paired difference, above 0 where having it helps, and its 95 % interval."""
    difference = (with_it.point - without.point).mean(axis=0)
    drawn = with_it.drawn - without.drawn
    worths: dict[str, dict[str, object]] = {}
    for place, name in enumerate(METRICS):
        worths[name] = {
            "difference": _number(difference[place]),
            "interval": _middle(drawn[:, place]),
        }
    return worths


def ratio_interval(
    units: NDArray[np.str_], part: Floats, whole: Floats, *, seed: int
) -> list[float] | None:
    """Return between which ratios the sum of `part` over that of `whole` lies in 95 % of draws of whole units; (n,) each.

    None where a draw has nothing to divide by, and of a single unit, of which every draw is the same.
    """
    _, member = np.unique(units, return_inverse=True)
    part_of_unit = np.bincount(member, part)
    whole_of_unit = np.bincount(member, whole)
    number = len(part_of_unit)
    if number < 2:
        return None
    generator = np.random.default_rng(seed)
    ratios = []
    for _ in range(DRAWS):
        drawn = generator.integers(0, number, number)
        divisor = whole_of_unit[drawn].sum()
        if divisor == 0:
            return None
        ratios.append(part_of_unit[drawn].sum() / divisor)
    low, high = np.quantile(ratios, [0.025, 0.975])
    return [float(low), float(high)]


def _middle(values: Floats) -> list[float] | None:
    defined = values[~np.isnan(values)]
    if len(defined) < LEAST_KNOWN:
        return None
    low, high = np.percentile(defined, [2.5, 97.5])
    return [float(low), float(high)]


def _number(value: float) -> float | None:
    return None if np.isnan(value) else float(value)
