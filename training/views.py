"""The ways in which features are asked for: the city of a day, cases on their own days, one unit from rows in a request."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from features.catalogue.declared import ENTITIES
from features.contract import COMMON, Table
from features.days import date_of, month_text
from features.engine import catalogue_of, evaluate_rows, matrix, matrix_of_cases
from features.errors import HistoryError, UnknownId
from features.matrix import Matrix
from features.register import living
from features.store import Store
from training.excerpt import Excerpt

BACK = (0, 17, 48)
SAMPLE = 6
ONLINE = 2
LARGE = 20_000


@dataclass(frozen=True, slots=True)
class Asked:
    """What is asked of every store alike: the day, and by entity the units that are asked for on days of their own."""

    day: int
    entities: tuple[str, ...]
    cases: Mapping[str, tuple[tuple[str, int], ...]]


def asked_of(store: Store, day: int) -> Asked:
    """Return what to ask, chosen from the units that live on the day and shortly before."""
    entities = tuple(entity for entity, (table, _) in ENTITIES.items() if store.has(table))
    cases = {entity: tuple(case for back in BACK for case in _some(store, entity, day - back)) for entity in entities}
    return Asked(day, entities, cases)


def _some(store: Store, entity: str, day: int) -> list[tuple[str, int]]:
    try:
        units = living(store, catalogue_of(store), entity, day)
    except HistoryError:
        return []
    texts = store.dictionary(entity).texts
    step = max(1, len(units) // SAMPLE)
    return [(str(texts[int(code)]), day) for code in units.code[::step][:SAMPLE]]


def city(store: Store, asked: Asked) -> dict[str, Matrix]:
    """Return by entity the features of all living units of the day."""
    return {entity: matrix(store, entity, asked.day) for entity in asked.entities}


def own_days(store: Store, asked: Asked) -> dict[str, Matrix]:
    """Return by entity the features of the chosen units on days of their own, a day in mid-month among them."""
    found = {}
    for entity, cases in asked.cases.items():
        keys, days = [key for key, _ in cases], np.array([day for _, day in cases], np.int64)
        try:
            found[f"{entity} on its own day"] = matrix_of_cases(store, entity, keys, days)
        except UnknownId:
            found[f"{entity} on its own day"] = nobody(entity)
    return found


def online(store: Store, asked: Asked, excerpt: Excerpt) -> dict[str, Matrix]:
    """Return by entity the features of a few units from the excerpt's rows sent in a request; none where they are too many."""
    if sum(frame.height for frame in excerpt.frames.values()) > LARGE:
        return {}
    sent = {name: as_sent(excerpt.frames[name], table) for name, table in excerpt.tables.items()}
    found = {}
    for entity, cases in asked.cases.items():
        for number, (key, day) in enumerate(case for case in cases if case[1] == asked.day):
            if number < ONLINE:
                found[f"{entity} {number + 1} online"] = evaluate_rows(store, entity, key, day, sent)
    return found


def nobody(entity: str) -> Matrix:
    """Return a matrix without rows."""
    return Matrix(entity, np.array([], np.str_), np.array([], np.int32), (), np.empty((0, 0)), {})


def as_sent(rows: pl.DataFrame, table: Table) -> list[dict[str, Any]]:
    """Return rows as a request sends them: days and months as texts, what is empty left out."""
    kinds = {column.name: column.kind for column in table.columns + COMMON}
    return [{name: _sent(kinds[name], value) for name, value in row.items() if value is not None}
            for row in rows.iter_rows(named=True)]


def _sent(kind: str, value: Any) -> Any:
    return date_of(value).isoformat() if kind == "day" else month_text(value) if kind == "month" else value
