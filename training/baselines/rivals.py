"""Rivals: what each declared baseline says of the cases of a sitting, or a word why it says nothing."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain

import numpy as np
from numpy.typing import NDArray

from training.baselines.declared import Baseline, BaselineTable, Reading
from training.baselines.over_origins import Answered
from training.baselines.pipelines import lightgbm_pipeline, logistic_pipeline
from training.baselines.scorecard import learned_card
from training.baselines.sitting import MODEL, Contest, ModelSaid, Sitting
from training.evaluation.estimate import NotEstimable
from training.evaluation.found_per_hour import hourly_exam
from training.evaluation.paired import Exam
from training.evaluation.visit_minutes import visit_times

Floats = NDArray[np.float64]
Said = Floats | str
"""Raw scores, (n,), or why there are none."""
MatchesOf = Callable[[int], Mapping[str, int]]
"""Tells of a day how many matches name each unit."""
NO_MATCHES = "no match names a unit of this kind"


@dataclass(frozen=True, slots=True, eq=False)
class Rivals:
    """The baselines with what they share: the table, a seed, and what tells how many matches of a day name each unit."""

    table: BaselineTable
    seed: int
    matches_of: MatchesOf

    def said(self, baseline: Baseline, sitting: Sitting) -> Said:
        """Return what a baseline says of the cases of a sitting."""
        ways: dict[Reading, Callable[[Baseline, Sitting], Said]] = {
            "lot": self._by_lot,
            "count": self._by_count,
            "matches": self._by_matches,
            "scorecard": self._by_scorecard,
            "logistic": self._by_logistic,
            "lightgbm": self._by_lightgbm,
        }
        return ways[baseline.reads](baseline, sitting)

    def _by_lot(self, _baseline: Baseline, sitting: Sitting) -> Said:
        draw = np.random.default_rng([self.seed, sitting.origin.first])
        return draw.random(len(sitting.cases))

    def _by_count(self, baseline: Baseline, sitting: Sitting) -> Said:
        name = baseline.counted(sitting.matrix.entity)
        if name not in sitting.matrix.names:
            return f"the source has no feature {name}"
        return np.nan_to_num(sitting.matrix.column(name))

    def _by_matches(self, _baseline: Baseline, sitting: Sitting) -> Said:
        # one look at the first day of a span serves all its cases, as a list made that day would
        counts = self.matches_of(int(sitting.matrix.as_of.min()))
        if not counts:
            return NO_MATCHES
        numbers = [counts.get(key, 0) for key in sitting.matrix.keys.tolist()]
        return np.array(numbers, np.float64)

    def _by_scorecard(self, _baseline: Baseline, sitting: Sitting) -> Said:
        lesson = sitting.lesson
        card = learned_card(
            lesson.matrix,
            sitting.label,
            lesson.directions,
            self.table.scorecard,
            seed=self.seed,
        )
        return card.score(sitting.matrix)

    def _by_logistic(self, _baseline: Baseline, sitting: Sitting) -> Said:
        pipeline = logistic_pipeline(sitting.matrix)
        pipeline.fit(sitting.lesson.matrix.values, sitting.label)
        return np.asarray(pipeline.decision_function(sitting.matrix.values))

    def _by_lightgbm(self, _baseline: Baseline, sitting: Sitting) -> Said:
        pipeline = lightgbm_pipeline(sitting.matrix, self.seed)
        pipeline.fit(sitting.lesson.matrix.values, sitting.label)
        return np.asarray(pipeline.decision_function(sitting.matrix.values))


def contest_of(
    sittings: Sequence[Sitting], of_model: Sequence[ModelSaid], rivals: Rivals, capacity: float
) -> Contest:
    """Return what every baseline says at every sitting beside the model's own scores, and why one says nothing at any."""
    words: dict[str, str] = {}
    answered = []
    for sitting, model in zip(sittings, of_model, strict=True):
        every = {MODEL: model.raw}
        for baseline in rivals.table.baseline:
            scores = rivals.said(baseline, sitting)
            if isinstance(scores, str):
                words[baseline.name] = scores
            else:
                every[baseline.name] = scores
        answered.append(_answered(sitting, model, every, capacity))
    heard = set(chain.from_iterable(each.raw for each in answered))
    silent = {name: word for name, word in words.items() if name not in heard}
    return Contest(sittings, answered, silent, capacity)


def _answered(
    sitting: Sitting, model: ModelSaid, every: Mapping[str, Floats], capacity: float
) -> Answered:
    """Return what all say at a sitting; the model fills minutes as a plan does, a baseline in the order of its scores."""
    exam = Exam(sitting.cases, sitting.units, capacity, sitting.chance)
    times = visit_times(sitting.matrix)
    if isinstance(times, NotEstimable):
        return Answered(sitting.origin.name, exam, every)
    by_minute = {MODEL: model.benefit / times.minutes}
    hourly = hourly_exam(exam, times.minutes)
    return Answered(sitting.origin.name, exam, every, hourly, by_minute)
