"""Over origins: how models do at each rolling origin, and what one gains over another, paired case by case and day by day."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from scipy.stats import t as student

from training.evaluation.discrimination import LEAST_KNOWN
from training.evaluation.found_per_hour import PER_HOUR, HourlyExam, HourlyOrder
from training.evaluation.paired import DRAWS, METRICS, Exam, Ranking, Weighed, exam_order

Floats = NDArray[np.float64]
COMPARED = (*METRICS, PER_HOUR)
"""The metrics by which models are compared."""
SURE = 0.975
"""Share of draws, or of origins, below the upper end of a 95 % interval."""


@dataclass(frozen=True, slots=True, eq=False)
class Answered:
    """An origin's exam and the raw scores that each model gave it, by name; a model that said nothing is not there.

    `hourly` is the exam by the hour, None where nobody knows the minutes or the number. A model that fills the minutes in
    another order than that of its raw scores has the scores of that order in `by_minute`.
    """

    name: str
    exam: Exam
    raw: Mapping[str, Floats]
    hourly: HourlyExam | None = None
    by_minute: Mapping[str, Floats] = field(default_factory=dict)

    def orders(self) -> dict[str, ModelOrder]:
        """Return how each model orders the cases."""
        return {name: self._order(name, raw) for name, raw in self.raw.items()}

    def _order(self, name: str, raw: Floats) -> ModelOrder:
        ranking = exam_order(self.exam, raw)
        if self.hourly is None:
            return ModelOrder(ranking, None)
        return ModelOrder(ranking, self.hourly.ordered(self.by_minute.get(name, raw)))


@dataclass(frozen=True, slots=True, eq=False)
class ModelOrder:
    """How a model orders the cases of an origin: by its scores, and in the minutes there are."""

    ranking: Ranking
    hourly: HourlyOrder | None

    def metrics(self, weighed: Weighed) -> Floats:
        """Return COMPARED of a weighed exam, float64 (4,); NaN where undefined."""
        number_per_hour = None if self.hourly is None else self.hourly.per_hour(weighed.weight)
        per_hour = np.nan if number_per_hour is None else number_per_hour
        return np.append(self.ranking.metrics(weighed), per_hour)


@dataclass(frozen=True, slots=True, eq=False)
class OriginScores:
    """COMPARED of one model, NaN where undefined: `point` (origins, 4), and `drawn` (draws, origins, 4) on draws of units."""

    point: Floats
    drawn: Floats


@dataclass(frozen=True, slots=True)
class Gain:
    """What a model gains over another by a metric: the mean over origins, its 95 % interval, and how many origins tell.

    The ends are None where one origin, or none, tells.
    """

    mean: float | None
    low: float | None
    high: float | None
    origins: int


def standings(
    answered: Sequence[Answered], names: Sequence[str], *, seed: int
) -> list[OriginScores]:
    """Return how each named model stands at every origin, all on the same draws.

    A draw takes whole units with replacement, the same at every origin: a firm that is asked about twice is drawn twice.
    """
    units = np.concatenate([each.exam.units for each in answered])
    distinct, member = np.unique(units, return_inverse=True)
    ends = np.cumsum([len(each.exam.units) for each in answered])
    members = np.split(member, ends[:-1])
    orders = [each.orders() for each in answered]
    point = np.full((len(names), len(answered), len(COMPARED)), np.nan)
    drawn = np.full((DRAWS, *point.shape), np.nan)
    draw = np.random.default_rng(seed)
    once = np.ones(len(distinct))
    for place, each in enumerate(answered):
        point[:, place] = _metrics(each.exam, orders[place], names, once[members[place]])
    for number in range(DRAWS):
        chosen = draw.integers(0, len(distinct), len(distinct))
        times = np.bincount(chosen, minlength=len(distinct)).astype(np.float64)
        for place, each in enumerate(answered):
            counted = times[members[place]]
            drawn[number, :, place] = _metrics(each.exam, orders[place], names, counted)
    return [OriginScores(point[model], drawn[:, model]) for model in range(len(names))]


def _metrics(
    exam: Exam, orders: Mapping[str, ModelOrder], names: Sequence[str], counted: Floats
) -> Floats:
    """Return COMPARED of each model at an origin with each case `counted` so often, float64 (models, 4)."""
    values = np.full((len(names), len(COMPARED)), np.nan)
    # a draw of units of other origins alone asks nothing here
    if not counted.any():
        return values
    weighed = exam.weighed(counted)
    for place, name in enumerate(names):
        if name in orders:
            values[place] = orders[name].metrics(weighed)
    return values


def gains(model: OriginScores, other: OriginScores) -> dict[str, Gain]:
    """Return by metric what a model gains over another."""
    point = model.point - other.point
    drawn = model.drawn - other.drawn
    by_metric = {}
    for place, name in enumerate(COMPARED):
        by_metric[name] = _gain(point[:, place], drawn[:, :, place])
    return by_metric


def _gain(point: Floats, drawn: Floats) -> Gain:
    """Return the mean difference over the origins, with the wider of two intervals on either side.

    One is that of draws of units: what is due to who was asked. The other is that of the origins, by Student's t: what is
    due to the day. Either alone is too sure: few units may happen to be right every day, many units wrong on the next.
    """
    tells = ~np.isnan(point)
    number = int(tells.sum())
    if not number:
        return Gain(None, None, None, 0)
    mean = float(point[tells].mean())
    by_units = _of_draws(drawn[:, tells])
    if number == 1 or by_units is None:
        return Gain(mean, None, None, number)
    reach = float(student.ppf(SURE, number - 1) * point[tells].std(ddof=1) / np.sqrt(number))
    return Gain(mean, min(by_units[0], mean - reach), max(by_units[1], mean + reach), number)


def _of_draws(drawn: Floats) -> tuple[float, float] | None:
    """Return the middle 95 % of the draws in which every origin tells; None of too few."""
    means = drawn.mean(axis=1)
    defined = means[~np.isnan(means)]
    if len(defined) < LEAST_KNOWN:
        return None
    low, high = np.quantile(defined, [1 - SURE, SURE])
    return float(low), float(high)
