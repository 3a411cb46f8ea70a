"""A model in use, as it is watched: its day of training and a later one, its units on either, and what it says of them."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import chain

import numpy as np
from numpy.typing import NDArray

from features.calendar import date_of, day_of, first_day, month_of_day
from features.catalogue.joins import base_tables
from features.engine.engine import Engine, engine_of
from features.engine.matrices import matrix_for
from features.engine.population import living
from features.errors import HistoryError, RequestError
from features.ingest.source_toml import Target
from features.matrix import Matrix
from features.store.store import Store
from models.bundle.bundle import Bundle
from models.bundle.score import score
from training.data.dataset import target_of
from training.data.population import population
from training.data.recipe import Recipe, recipe_of
from training.monitor.feeds import Watched
from training.monitor.limits import MonitorLimits, monitor_limits
from training.monitor.shared_values import DayUnits
from training.monitor.unlabelled import Scored


@dataclass(frozen=True, slots=True, eq=False)
class InUse:
    """A model in use: its engine, bundle, target and recipe, the two days, and the limits by which it is watched."""

    engine: Engine
    bundle: Bundle
    target: Target
    recipe: Recipe
    days: Watched
    limits: MonitorLimits

    @property
    def store(self) -> Store:
        return self.engine.store

    def units_of(self, day: int, most: int | None = None) -> DayUnits:
        """Return the living units of a day of whom the target is asked, with their features; by lot where there are more."""
        units = living(self.engine, self.bundle.entity, day)
        if most is not None:
            units = units.take(places_by_lot(len(units), most, self.recipe.seed))
        matrix = matrix_for(self.engine, units)
        condition = self.target.population.filter if self.target.population else ""
        return DayUnits(matrix, units.keys).take(population(matrix, condition))

    def scored(self, matrix: Matrix) -> Scored:
        """Return a matrix as the model reads it, and what the model says of it."""
        names = self.bundle.manifest.names
        frozen = {each.name: each.categories for each in self.bundle.features if each.categories}
        inputs = Matrix(
            entity=matrix.entity,
            keys=matrix.keys,
            as_of=matrix.as_of,
            names=names,
            values=self.bundle.matrix(matrix),
            categories=frozen,
        )
        return Scored(inputs, score(self.bundle, matrix))


def places_by_lot(number: int, most: int, seed: int) -> NDArray[np.int64]:
    """Return the places of at most so many of some units, ascending."""
    if number <= most:
        return np.arange(number)
    return np.sort(np.random.default_rng(seed).choice(number, most, replace=False))


def in_use(store: Store, bundle: Bundle, today: int) -> InUse:
    """Return a promoted model as it is watched on a day.

    Raises RequestError for a day before its training, HistoryError where the source lacks a table that it rests on.
    """
    trained = day_of(bundle.manifest.as_of)
    if today <= trained:
        raise RequestError(
            f"the model of {bundle.target!r} was trained as of {date_of(trained)}; "
            f"--as-of should be a later day, got {date_of(today)}"
        )
    _check_tables(store, bundle)
    target = target_of(store, bundle.target)
    recipe = recipe_of(target.fit, target=bundle.target)
    days = Watched(trained, like_day(trained, today, store.first_known), today)
    return InUse(engine_of(store), bundle, target, recipe, days, monitor_limits())


def like_day(trained: int, today: int, first: int) -> int:
    """Return the last day up to the training's on which a month stands as it does today, or the training's if none is known.

    Many tables come once a month, so that the middle of one month is unlike the end of another.

    >>> days = [day_of(text) for text in ("2014-12-24", "2015-06-30", "2012-01-01")]
    >>> date_of(like_day(*days)).isoformat()
    '2014-11-30'
    """
    month = month_of_day(trained)
    day = in_month(month, today)
    if day > trained:
        day = in_month(month - 1, today)
    return day if day >= first else trained


def in_month(month: int, today: int) -> int:
    """Return the day of a month that stands as far from its beginning as another day, or from its end if that is a last day."""
    begin = first_day(month_of_day(today))
    last = first_day(month + 1) - 1
    is_last = today + 1 == first_day(month_of_day(today) + 1)
    return last if is_last else min(first_day(month) + today - begin, last)


def tables_of_model(bundle: Bundle) -> set[str]:
    """Return the tables of the contract on which a model's features rest."""
    return set(chain.from_iterable(base_tables(each.tables) for each in bundle.features))


def _check_tables(store: Store, bundle: Bundle) -> None:
    absent = sorted(table for table in tables_of_model(bundle) if not store.has(table))
    if absent:
        raise HistoryError(
            f"source {store.source.name!r} holds no table {', '.join(absent)}, on which features of the model of "
            f"{bundle.target!r} rest; add it, or train again"
        )
