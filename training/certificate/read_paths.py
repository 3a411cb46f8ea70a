"""The ways in which features are asked for: the city of a day, cases on their own days, one unit from rows in a request."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from types import ModuleType
from typing import Any

import numpy as np
import polars as pl

from features.aggregates import prefix_sums as totals
from features.aggregates import reader as evaluate
from features.calendar import date_of, month_text
from features.catalogue.model import ALIASES, KEYS
from features.contract.millionths import CERTAIN
from features.contract.tables import COMMON, Table
from features.engine import batches
from features.engine.batches import claim_batches, living_batches
from features.engine.matrices import matrix, matrix_of_cases
from features.errors import RequestError
from features.matrix import Matrix, no_cases, stacked
from features.online.request import evaluate_rows
from features.store.store import Store
from training.certificate.compare import Moved, compared_matrices
from training.certificate.inquiry import DAYS_BACK, Inquiry, city, own_days
from training.certificate.sample import Excerpt

FED, NEIGHBOUR, BATCHES, KNOWN = "fed", "neighbour", "batches", "known rows"
WAYS = ("own days", "at scale", "online", FED, NEIGHBOUR, BATCHES, KNOWN)
ROLLUPS = ((evaluate, "MANY_UNITS"), (evaluate, "WORTHWHILE"))
RUNNING = ((totals, "PAIRS_A_ROW"),)
TOTALS = (*ROLLUPS, *RUNNING)
SWEPT = ((batches, "FEW_DAYS"),)
"""The sizes from which on the evaluator takes its other ways."""
SCALES = (" at scale", " by totals")
SIDES = (
    ("inspection", "inspections"),
    ("claim", "claims"),
    ("worker", "employment"),
    ("worker", "claims"),
)


@contextmanager
def as_if_large(sizes: Sequence[tuple[ModuleType, str]]) -> Iterator[None]:
    """Let a small history be read in a way that only large ones are."""
    sizes_before = [getattr(module, name) for module, name in sizes]
    for module, name in sizes:
        setattr(module, name, 0)
    try:
        yield
    finally:
        for (module, name), size in zip(sizes, sizes_before, strict=True):
            setattr(module, name, size)


def at_scale(store: Store, asked: Inquiry) -> dict[str, Matrix]:
    """Return the city once more by rollups, and the chosen units by totals of rows and of rollups, as large histories are."""
    with as_if_large(ROLLUPS):
        by_rollups = city(store, asked)
    with as_if_large(RUNNING):
        by_rollups |= own_days(store, asked)
    with as_if_large(TOTALS):
        by_totals = own_days(store, asked)
    views = {f"{name}{SCALES[0]}": view for name, view in by_rollups.items()}
    for name, view in by_totals.items():
        views[f"{name}{SCALES[1]}"] = view
    return views


def online(store: Store, asked: Inquiry, excerpt: Excerpt) -> dict[str, Matrix]:
    """Return by entity the features of one unit from its own rows of the excerpt, sent in a request."""
    views = {}
    for entity, cases in asked.cases.items():
        key = next((key for key, day in cases if day == asked.day), None)
        if key is None:
            continue
        rows = rows_about(excerpt, entity, key)
        try:
            view = evaluate_rows(store, entity, key, asked.day, rows)
        except RequestError:
            view = no_cases(entity)
        views[f"{entity} online"] = view
    return views


def rows_about(excerpt: Excerpt, entity: str, key: str) -> dict[str, list[dict[str, Any]]]:
    """Return the rows about a unit as a request sends them, in every version, and of its visits, claims and workers."""
    linked = _linked_keys(excerpt, entity, key)
    chosen: dict[str, pl.DataFrame] = {}
    for name, frame in excerpt.frames.items():
        links = [column for column in linked if column in frame.columns]
        if links:
            about = pl.any_horizontal(pl.col(link).is_in(linked[link]) for link in links)
            # a version may name another unit than the one before: all versions of a key are sent
            keys = frame.filter(about).select(excerpt.tables[name].key).unique()
            chosen[name] = frame.join(keys, on=keys.columns, how="semi", nulls_equal=True)
    for name, frame in excerpt.frames.items():
        for link, register in SIDES:
            if name not in chosen and link in frame.columns and register in chosen:
                linked_rows = chosen[register].select(link).unique()
                chosen[name] = frame.join(linked_rows, on=link, how="semi")
    return {name: as_sent(frame, excerpt.tables[name]) for name, frame in chosen.items()}


def _linked_keys(excerpt: Excerpt, entity: str, key: str) -> dict[str, list[Any]]:
    """Return by column the identifiers of a unit; of a claim its worker's too, and that worker's other claims."""
    linked: dict[str, list[Any]] = {name: [key] for name in (KEYS[entity][0], *ALIASES[entity])}
    if entity != "claim":
        return linked
    claims = excerpt.frames["claims"]
    workers = claims.filter(claim=key)["worker"].drop_nulls().unique().to_list()
    of_workers = claims.filter(pl.col("worker").is_in(workers))["claim"]
    linked["worker"] = workers
    linked["claim"] = [key, *of_workers.unique().to_list()]
    return linked


def every_way(
    store: Store, asked: Inquiry, excerpt: Excerpt, ways: Collection[str] = WAYS
) -> dict[str, Matrix]:
    """Return what a store says in some of the WAYS in which it can be asked, the city of the day always."""
    views = city(store, asked)
    if "own days" in ways:
        views |= own_days(store, asked)
    if "at scale" in ways:
        views |= at_scale(store, asked)
    if "online" in ways:
        views |= online(store, asked, excerpt)
    return views


def in_other_ways(said: Mapping[str, Matrix]) -> dict[str, Moved]:
    """Return what the other ways say otherwise than the plain matrices of the same cases."""
    scaled = {}
    plain = {}
    for name, view in said.items():
        for scale in SCALES:
            other = name.removesuffix(scale)
            if other != name and other in said:
                scaled[name] = view
                plain[name] = said[other]
    moves = compared_matrices(scaled, plain)
    for name, view in said.items():
        if name.endswith(" online"):
            moves |= compared_matrices({name: view}, {name: _same_units(view, said[view.entity])})
    return moves


def _same_units(view: Matrix, whole: Matrix) -> Matrix:
    """Return the rows of a whole city that are about the units of a view; all of them where it has none."""
    if not len(view):
        return whole
    is_shared = np.isin(whole.keys, view.keys)
    return whole.take(np.flatnonzero(is_shared))


def misread_in_batches(store: Store, asked: Inquiry) -> dict[str, Moved]:
    """Return what features in batches, of two days and of every claim, say otherwise than the same cases in one batch."""
    moves: dict[str, Moved] = {}
    days = [day for day in (asked.day - DAYS_BACK[1], asked.day) if day >= store.first_known]
    for entity in asked.entities:
        parts = stacked(list(living_batches(store, entity, *days, most=_half(store, entity))))
        for day in days:
            of_day = parts.take(np.flatnonzero(parts.as_of == day))
            view = f"batches {entity}"
            moves |= compared_matrices({view: matrix(store, entity, day)}, {view: of_day})
    if "claim" in asked.entities:
        half = _half(store, "claim")
        with as_if_large(SWEPT):
            swept = stacked(list(claim_batches(store, most=half)))
        swept = swept.take(np.flatnonzero(swept.as_of <= asked.day))
        cases_days = swept.as_of.astype(np.int64)
        alone = matrix_of_cases(store, "claim", swept.keys.tolist(), cases_days)
        moves |= compared_matrices({"swept claim": alone}, {"swept claim": swept})
    return moves


def _half(store: Store, entity: str) -> int:
    """Return how many of an entity's units are half of them, so that there are two batches."""
    return max(1, store.dictionary(entity).size // 2)


def as_sent(rows: pl.DataFrame, table: Table) -> list[dict[str, Any]]:
    """Return rows as a request sends them: days and months as texts, what is empty left out."""
    kinds = {column.name: column.kind for column in table.columns + COMMON}
    sent = []
    for row in rows.iter_rows(named=True):
        filled = {name: value for name, value in row.items() if value is not None}
        sent.append({name: _sent(kinds[name], value) for name, value in filled.items()})
    return sent


def _sent(kind: str, value: Any) -> Any:
    match kind:
        case "day":
            return date_of(value).isoformat()
        case "month":
            return month_text(value)
        case "probability":
            return value / CERTAIN
        case _:
            return value
