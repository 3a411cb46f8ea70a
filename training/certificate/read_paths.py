"""The ways in which features are asked for: the city of a day, cases on their own days, one unit from rows in a request."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from types import ModuleType
from typing import Any

import numpy as np
import polars as pl

from features.aggregates import prefix_sums as totals
from features.aggregates import reader as evaluate
from features.calendar import date_of, month_text
from features.catalogue import Catalogue
from features.catalogue.model import ALIASES, ENTITIES, KEYS
from features.contract.millionths import CERTAIN
from features.contract.tables import COMMON, Table
from features.engine.batches import claim_stretches, living_stretches
from features.engine.matrices import catalogue_of, matrix, matrix_of_cases
from features.engine.population import living
from features.errors import HistoryError, RequestError, UnknownId
from features.matrix import Matrix
from features.online.request import evaluate_rows
from features.store.store import Store
from training.certificate.compare import Moved, compared_matrices
from training.certificate.sample import Excerpt
from training.data.dataset import stacked

FED, NEIGHBOUR, STRETCHES = "fed", "neighbour", "stretches"
WAYS = ("own days", "at scale", "online", FED, NEIGHBOUR, STRETCHES)
PANELS, RUNNING = ((evaluate, "MANY_UNITS"), (evaluate, "WORTHWHILE")), ((totals, "PAIRS_A_ROW"),)
TOTALS = (*PANELS, *RUNNING)
"""The sizes from which on the evaluator takes its other ways."""
SCALES = (" at scale", " by totals")
BACK = (0, 17, 48)
SAMPLE = 4
SIDES = (
    ("inspection", "inspections"),
    ("claim", "claims"),
    ("worker", "employment"),
    ("worker", "claims"),
)


@dataclass(frozen=True, slots=True)
class Inquiry:
    """What is asked of every store alike: the day, and by entity the units that are asked for on days of their own."""

    day: int
    entities: tuple[str, ...]
    cases: Mapping[str, tuple[tuple[str, int], ...]]


def inquiry_of(store: Store, day: int) -> Inquiry:
    """Return what to ask, chosen from the units that live on the day and shortly before."""
    entities = tuple(entity for entity, (table, _) in ENTITIES.items() if store.has(table))
    declared = catalogue_of(store)
    cases = {
        entity: tuple(case for back in BACK for case in _some(store, declared, entity, day - back))
        for entity in entities
    }
    return Inquiry(day, entities, cases)


def _some(store: Store, declared: Catalogue, entity: str, day: int) -> list[tuple[str, int]]:
    try:
        units = living(store, declared, entity, day)
    except HistoryError:
        return []
    texts = store.dictionary(entity).texts
    step = max(1, len(units) // SAMPLE)
    return [(str(texts[int(code)]), day) for code in units.code[::step][:SAMPLE]]


def city(store: Store, asked: Inquiry) -> dict[str, Matrix]:
    """Return by entity the features of all living units of the day."""
    declared = catalogue_of(store)
    return {
        entity: matrix(store, entity, asked.day, catalogue=declared) for entity in asked.entities
    }


def own_days(store: Store, asked: Inquiry) -> dict[str, Matrix]:
    """Return by entity the features of the chosen units on days of their own, a day in mid-month among them."""
    found, declared = {}, catalogue_of(store)
    for entity, cases in asked.cases.items():
        keys, days = [key for key, _ in cases], np.array([day for _, day in cases], np.int64)
        try:
            found[f"{entity} on its own day"] = matrix_of_cases(store, entity, keys, days, declared)
        except UnknownId:
            found[f"{entity} on its own day"] = nobody(entity)
    return found


@contextmanager
def as_if_large(sizes: Sequence[tuple[ModuleType, str]]) -> Iterator[None]:
    """Let a small history be read in a way that only large ones are."""
    kept = [getattr(module, name) for module, name in sizes]
    for module, name in sizes:
        setattr(module, name, 0)
    try:
        yield
    finally:
        for (module, name), size in zip(sizes, kept, strict=True):
            setattr(module, name, size)


def at_scale(store: Store, asked: Inquiry) -> dict[str, Matrix]:
    """Return the city once more by panels, and the chosen units by totals of rows and of panels, as large histories are."""
    with as_if_large(PANELS):
        found = city(store, asked)
    with as_if_large(RUNNING):
        found |= own_days(store, asked)
    with as_if_large(TOTALS):
        summed = own_days(store, asked)
    return {name + SCALES[0]: view for name, view in found.items()} | {
        name + SCALES[1]: view for name, view in summed.items()
    }


def online(store: Store, asked: Inquiry, excerpt: Excerpt) -> dict[str, Matrix]:
    """Return by entity the features of one unit from its own rows of the excerpt, sent in a request."""
    found = {}
    for entity, cases in asked.cases.items():
        for key, _ in [case for case in cases if case[1] == asked.day][:1]:
            try:
                found[f"{entity} online"] = evaluate_rows(
                    store, entity, key, asked.day, rows_about(excerpt, entity, key)
                )
            except RequestError:
                found[f"{entity} online"] = nobody(entity)
    return found


def rows_about(excerpt: Excerpt, entity: str, key: str) -> dict[str, list[dict[str, Any]]]:
    """Return the rows about a unit as a request sends them, in every version, and of its visits, claims and workers."""
    linked: dict[str, list[Any]] = {name: [key] for name in (KEYS[entity][0], *ALIASES[entity])}
    if entity == "claim":
        claims = excerpt.frames["claims"]
        linked["worker"] = claims.filter(claim=key)["worker"].drop_nulls().unique().to_list()
        linked["claim"] = [
            key,
            *claims.filter(pl.col("worker").is_in(linked["worker"]))["claim"].unique().to_list(),
        ]
    kept: dict[str, pl.DataFrame] = {}
    for name, frame in excerpt.frames.items():
        held = [column for column in linked if column in frame.columns]
        if held:
            own = frame.filter(
                pl.any_horizontal(pl.col(column).is_in(linked[column]) for column in held)
            )
            versions = list(excerpt.tables[name].key)
            kept[name] = frame.join(
                own.select(versions).unique(), on=versions, how="semi", nulls_equal=True
            )
    for name, frame in excerpt.frames.items():
        for link, register in SIDES:
            if name not in kept and link in frame.columns and register in kept:
                kept[name] = frame.join(kept[register].select(link).unique(), on=link, how="semi")
    return {name: as_sent(frame, excerpt.tables[name]) for name, frame in kept.items()}


def every_way(
    store: Store, asked: Inquiry, excerpt: Excerpt, ways: Collection[str] = WAYS
) -> dict[str, Matrix]:
    """Return what a store says in some of the WAYS in which it can be asked, the city of the day always."""
    found = city(store, asked)
    found |= own_days(store, asked) if "own days" in ways else {}
    found |= at_scale(store, asked) if "at scale" in ways else {}
    return found | (online(store, asked, excerpt) if "online" in ways else {})


def in_other_ways(said: Mapping[str, Matrix]) -> dict[str, Moved]:
    """Return what the other ways say otherwise than the plain matrices of the same cases."""
    pairs = {
        name: name.removesuffix(scale) for name in said for scale in SCALES if name.endswith(scale)
    }
    pairs = {name: other for name, other in pairs.items() if other in said}
    found = compared_matrices(
        {one: said[one] for one in pairs}, {one: said[other] for one, other in pairs.items()}
    )
    for name, view in said.items():
        if name.endswith(" online"):
            whole = said[view.entity]
            found |= compared_matrices(
                {name: view},
                {name: whole.take(np.flatnonzero(np.isin(whole.keys, view.keys)))}
                if len(view)
                else {name: whole},
            )
    return found


def in_stretches(store: Store, asked: Inquiry) -> dict[str, Moved]:
    """Return what the features of two days, written in stretches, say otherwise than the matrix of each of the days."""
    found: dict[str, Moved] = {}
    days = [day for day in (asked.day - BACK[1], asked.day) if day >= store.first_known]
    for entity in asked.entities:
        size = max(1, len(store.dictionary(entity).texts) // 2)
        parts = list(living_stretches(store, entity, *days, most=size))
        for day in days:
            whole = matrix(store, entity, day)
            told = stacked([part.take(np.flatnonzero(part.as_of == day)) for part in parts])
            found |= compared_matrices(
                {f"stretches {entity}": whole}, {f"stretches {entity}": told}
            )
    return found | (every_claim_in_turn(store, asked.day) if "claim" in asked.entities else {})


def every_claim_in_turn(store: Store, day: int) -> dict[str, Moved]:
    """Return what the claims known by a day, swept key by key with all of the history, say otherwise than one by one."""
    declared = catalogue_of(store)
    parts = list(claim_stretches(store, declared, most=max(1, store.dictionary("claim").size // 2)))
    if not parts:
        return {}
    told = stacked([part.take(np.flatnonzero(part.as_of <= day)) for part in parts])
    alone = matrix_of_cases(
        store, "claim", told.keys.tolist(), told.as_of.astype(np.int64), declared
    )
    return compared_matrices({"swept claim": alone}, {"swept claim": told})


def nobody(entity: str) -> Matrix:
    """Return a matrix without rows."""
    return Matrix(entity, np.array([], np.str_), np.array([], np.int32), (), np.empty((0, 0)), {})


def as_sent(rows: pl.DataFrame, table: Table) -> list[dict[str, Any]]:
    """Return rows as a request sends them: days and months as texts, what is empty left out."""
    kinds = {column.name: column.kind for column in table.columns + COMMON}
    return [
        {name: _sent(kinds[name], value) for name, value in row.items() if value is not None}
        for row in rows.iter_rows(named=True)
    ]


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
