"""An inquiry: what every store is asked alike, the city of a day and cases on days of their own; once more of a second day."""

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

BACK = (0, 17, 48)
"""Days before the day of the inquiry on which units are looked at alone; not all lie at the end of a month."""
SAMPLE = 4
"""Units of each such day; a choice: each is read through every path, which is slow."""
MIDDLE = 17
"""Days before a month's end that lie in the middle of the month."""


@dataclass(frozen=True, slots=True)
class Inquiry:
    """What is asked of every store alike: the day, and by entity the units that are asked for on days of their own."""

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
        for back in BACK:
            chosen += _some(engine, entity, day - back)
        cases[entity] = tuple(chosen)
    return Inquiry(day, entities, cases)


def _some(engine: Engine, entity: str, day: int) -> list[tuple[str, int]]:
    """Return up to SAMPLE living units of a day, spread over the register; none where the history has not begun."""
    try:
        units = living(engine, entity, day)
    except HistoryError:
        return []
    texts = engine.store.dictionary(entity).texts
    step = max(1, len(units) // SAMPLE)
    spread = units.code[::step][:SAMPLE]
    return [(str(texts[int(code)]), day) for code in spread]


def city(store: Store, asked: Inquiry) -> dict[str, Matrix]:
    """Return by entity the features of all living units of the day."""
    return {each: matrix(store, each, asked.day) for each in asked.entities}


def own_days(store: Store, asked: Inquiry) -> dict[str, Matrix]:
    """Return by entity the features of the chosen units on days of their own, a day in mid-month among them."""
    views = {}
    for entity, cases in asked.cases.items():
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
        return day - MIDDLE
    return int(end)


def said_of(store: Store, day: int) -> tuple[Mapping[str, Matrix], Holdings]:
    """Return what a store says of the city of a day, and what its tables held by then."""
    return city(store, inquiry_of(store, day)), holdings(store, day)


def moved_on(
    day: int, before: tuple[Mapping[str, Matrix], Holdings], store: Store
) -> dict[str, Moved]:
    """Return what another store says otherwise of a day."""
    matrices_before, rows_before = before
    matrices, rows = said_of(store, day)
    moves = compared_matrices(matrices_before, matrices)
    return moves | unlike(rows_before, rows)


def labelled_moves(kind: str, moved: Mapping[str, Any]) -> dict[str, Any]:
    """Return what moved under names that say by which kind of poison."""
    return {f"{kind} {name}": much for name, much in moved.items()}
