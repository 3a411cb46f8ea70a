"""The monitor's report: a model in use between the day of its training and a later one, as plain values with a verdict."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from features.calendar import date_of
from features.errors import HistoryError
from features.store.store import Store
from models.bundle.bundle import Bundle
from models.bundle.score import Scores, score
from training.data.new_cases import new_cases
from training.evaluation.estimate import NotEstimable
from training.monitor.calibration_drift import CalibrationDrift, calibration_drift
from training.monitor.feeds import Feed, feeds
from training.monitor.live import LiveList, NewCases, live_list
from training.monitor.model_in_use import InUse, in_use, places_by_lot, tables_of_model
from training.monitor.reasons import (
    calibration_reasons,
    feature_reasons,
    feed_reasons,
    group_reasons,
    lift_reasons,
    score_reasons,
)
from training.monitor.score_drift import ScoreDrift, score_drift
from training.monitor.shared_values import DayUnits
from training.monitor.unlabelled import expected_at_capacity, weighted_precision
from training.monitor.verdict import Unknown, VerdictReason, verdict
from training.monitor.watched_features import WatchedFeatures, watched_features

MOST_UNITS = 50_000
"""Units of a day whose features are compared, by lot where there are more; a choice: a bin's share is known to .002."""

NO_TABLES = Unknown(
    about="feeds",
    zh="模型包未写明特征依赖哪些表，所以不知哪些表停了；重新训练即可",
    en="the bundle does not say on which tables its features rest, so whether a feed has stopped is not known; train again",
)


@dataclass(frozen=True, eq=False)
class Monitored:
    """All parts of a report, each computed once."""

    model: InUse

    @cached_property
    def then(self) -> DayUnits:
        """At most MOST_UNITS units of the day that is compared."""
        return self.model.units_of(self.model.days.compared, MOST_UNITS)

    @cached_property
    def now(self) -> DayUnits:
        """All units of today, since a list is made of all."""
        return self.model.units_of(self.model.days.today)

    @cached_property
    def some_now(self) -> DayUnits:
        """At most MOST_UNITS units of today."""
        return self.now.take(places_by_lot(len(self.now), MOST_UNITS, self.model.recipe.seed))

    @cached_property
    def today(self) -> Scores:
        """What the model says of all units of today."""
        return score(self.model.bundle, self.now.matrix)

    @cached_property
    def features(self) -> WatchedFeatures:
        manifest = self.model.bundle.manifest
        return watched_features(manifest, self.then, self.some_now, self.model.limits)

    @cached_property
    def feeds(self) -> list[Feed]:
        tables = tables_of_model(self.model.bundle)
        return feeds(self.model.store, tables, self.model.days, self.model.limits)

    @cached_property
    def scores(self) -> ScoreDrift:
        before = score(self.model.bundle, self.then.matrix)
        return score_drift(before, self.today, self.model.limits)

    @cached_property
    def new(self) -> NewCases:
        """The cases with an outcome that came after the training."""
        days = self.model.days
        matrix, cases = new_cases(self.model.engine, self.model.target, days.trained, days.today)
        return NewCases(matrix, cases, score(self.model.bundle, matrix))

    @cached_property
    def calibration(self) -> CalibrationDrift:
        new = self.new
        return calibration_drift(new.cases, new.scores, self.model.days.today, self.model.limits)

    @cached_property
    def live(self) -> LiveList:
        """The trial of the list and the gaps between groups."""
        return live_list(self.model, self.new)

    @cached_property
    def without_labels(self) -> dict[str, Any]:
        """What a list of today is expected to find."""
        recipe = self.model.recipe
        capacity = self.model.target.capacity or recipe.capacity
        expected = expected_at_capacity(self.now.matrix, self.today, capacity)
        least = expected.pop("least_raw")
        judged = self.model.scored(self.new.matrix)
        today = self.model.scored(self.some_now.matrix)
        weighted = weighted_precision(self.new.cases, judged, today, least, recipe)
        return {"by_probability": expected, "by_weighted_outcomes": weighted}

    def reasons(self) -> Iterator[VerdictReason]:
        """Yield what was seen."""
        limits = self.model.limits
        yield from feed_reasons(self.feeds, self.features, limits)
        yield from feature_reasons(self.features, self.feeds, limits)
        yield from score_reasons(self.scores, limits)
        yield from calibration_reasons(self.calibration, limits)
        if self.live.trial is not None:
            yield from lift_reasons(self.live.trial, limits)
        yield from group_reasons(self.live.gaps["pairs"], limits)

    def unknown(self) -> Iterator[Unknown]:
        """Yield what cannot be told yet."""
        if not tables_of_model(self.model.bundle):
            yield NO_TABLES
        excess = self.calibration.excess
        if isinstance(excess, NotEstimable):
            least = self.model.limits.least_visits
            cases = self.calibration.cases
            yield Unknown(
                about="calibration",
                zh=f"训练之后有结果的 {cases} 例中，已过完的各周不足 {least} 例，校准与分组差距尚不可知",
                en=f"calibration and gaps between groups: {excess.plain()}, of {cases} cases since the training",
            )
        if self.live.unknown is not None:
            yield self.live.unknown


def monitor(store: Store, bundle: Bundle, today: int) -> dict[str, Any]:
    """Return the report of a promoted model on a day: what `lssi monitor --json` prints.

    The same history, journal, model and day give the same report. Raises RequestError or HistoryError as `in_use` does.
    """
    seen = Monitored(in_use(store, bundle, today))
    model = seen.model
    _check_units(seen)
    return {
        "target": bundle.target,
        "source": store.source.name,
        "fingerprint": store.fingerprint,
        "as_of": date_of(today).isoformat(),
        "trained_as_of": bundle.manifest.as_of,
        "compared_with": date_of(model.days.compared).isoformat(),
        "model_digest": bundle.digest,
        "entity": bundle.entity,
        "verdict": verdict(list(seen.reasons()), list(seen.unknown())),
        "feeds": [_feed_row(feed) for feed in seen.feeds],
        "features": seen.features.plain(),
        "scores": seen.scores.plain(),
        "calibration": seen.calibration.plain(),
        "without_labels": seen.without_labels,
        "lift": seen.live.lift_as_json(),
        "groups": {"basis": seen.live.basis, **seen.live.gaps},
        "limits": model.limits.model_dump(mode="json"),
    }


def _check_units(seen: Monitored) -> None:
    """Raise HistoryError where a day has no unit that the model scores."""
    model = seen.model
    for units, day in ((seen.then, model.days.compared), (seen.now, model.days.today)):
        if not len(units):
            raise HistoryError(
                f"no {model.bundle.entity} lives on {date_of(day)} of whom target {model.bundle.target!r} is asked, so "
                f"that there is nothing to watch; ask for another day"
            )
    # a model of features that the catalogue no longer has is refused by its bundle, which names them
    model.bundle.matrix(seen.now.matrix.take([0]))


def _feed_row(feed: Feed) -> dict[str, Any]:
    last = None if feed.last_day is None else date_of(feed.last_day).isoformat()
    return {
        "table": feed.table,
        "word": feed.word,
        "rows": feed.rows,
        "least_before": feed.least,
        "last_day": last,
    }
