"""An inquiry: the same question put to every store, so that two stores can be compared.

It asks for the features of all units that live on a day, and of a few chosen units on days of their own.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from features.cases import month_ends
from features.catalogue.model import ENTITIES
from features.engine.engine import Engine, engine_of
from features.engine.matrices import matrix, matrix_of_cases
from features.engine.population import living
from features.errors import HistoryError, UnknownId
from features.matrix import Matrix, no_cases
from features.store.store import Store
from training.certificate.compare import Moved, compared_matrices
from training.certificate.visible_rows import Holdings, holdings, unlike

DAYS_BACK = (0, 17, 48)
"""How many days before the inquiry's day chosen units are looked at; a choice: not all of these lie at a month's end."""
UNITS_A_DAY = 4
"""Units of each such day; a choice: each is read through every path, which is slow."""
DAYS_TO_MID_MONTH = 17
"""Days before a month's end that lie in the middle of the month."""


@dataclass(frozen=True, slots=True)
class Inquiry:
    """What every store is asked: the day, and by entity the chosen units, each with its own day."""

    day: int
    entities: tuple[str, ...]
    cases: Mapping[str, tuple[tuple[str, int], ...]]


def inquiry_of(store: Store, day: int) -> Inquiry:
    """Return what to ask, chosen from the units that live on the day and shortly before."""
    entities = tuple(entity for entity, (table, _) in ENTITIES.items() if store.has(table))
    engine = engine_of(store)
    cases = {}
    for entity in entities:
        chosen: list[tuple[str, int]] = []
        for back in DAYS_BACK:
            chosen += _spread_units(engine, entity, day - back)
        cases[entity] = tuple(chosen)
    return Inquiry(day, entities, cases)


def _spread_units(engine: Engine, entity: str, day: int) -> list[tuple[str, int]]:
    """Return up to UNITS_A_DAY living units of a day, spread over the register; none where the history has not begun."""
    try:
        units = living(engine, entity, day)
    except HistoryError:
        return []
    texts = engine.store.dictionary(entity).texts
    # every step-th unit, so that old and new entries of the register are both among them
    step = max(1, len(units) // UNITS_A_DAY)
    spread = units.code[::step][:UNITS_A_DAY]
    return [(str(texts[int(code)]), day) for code in spread]


def city(store: Store, inquiry: Inquiry) -> dict[str, Matrix]:
    """Return by entity the features of all living units of the day."""
    return {each: matrix(store, each, inquiry.day) for each in inquiry.entities}


def own_days(store: Store, inquiry: Inquiry) -> dict[str, Matrix]:
    """Return by entity the features of the chosen units on days of their own, a day in mid-month among them."""
    views = {}
    for entity, cases in inquiry.cases.items():
        keys = [key for key, _ in cases]
        days = np.array([day for _, day in cases], np.int64)
        try:
            view = matrix_of_cases(store, entity, keys, days)
        except UnknownId:
            # a store that does not know a unit has no row of it: that differs from any store that does
            view = no_cases(entity)
        views[f"{entity} on its own day"] = view
    return views


def neighbour(day: int) -> int:
    """Return the month end before a day; where the day is one itself, a day in the middle of its month.

    >>> from features.calendar import date_of, day_of
    >>> [str(date_of(neighbour(day_of(day)))) for day in ("2015-03-22", "2015-03-31")]
    ['2015-02-28', '2015-03-14']
    """
    [end] = month_ends(np.array([day])).tolist()
    if end == day:
        return day - DAYS_TO_MID_MONTH
    return int(end)


def state_of_day(store: Store, day: int) -> tuple[Mapping[str, Matrix], Holdings]:
    """Return the features of all living units of a day, and the rows that the tables held by then."""
    return city(store, inquiry_of(store, day)), holdings(store, day)


def moved_on(
    day: int, before: tuple[Mapping[str, Matrix], Holdings], store: Store
) -> dict[str, Moved]:
    """Return what is not the same in another store: features of a day, and rows that were known by then."""
    matrices_before, rows_before = before
    matrices, rows = state_of_day(store, day)
    moves = compared_matrices(matrices_before, matrices)
    return moves | unlike(rows_before, rows)


def labelled_moves(kind: str, moved: Mapping[str, Any]) -> dict[str, Any]:
    """Return what moved under names that say by which kind of poison."""
    return {f"{kind} {name}": much for name, much in moved.items()}
