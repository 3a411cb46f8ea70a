"""One unit from history sent in a request; peers, cell and what others share come from the store of the same day."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import lru_cache
from types import MappingProxyType

import numpy as np

from features.aggregates.reader import cached_rows
from features.cases import Cases
from features.catalogue.language import atoms_of, stored_values_read
from features.catalogue.model import STORED_BY, Catalogue
from features.engine.engine import Engine, engine_of
from features.engine.evaluated import Evaluation
from features.engine.evaluation import evaluation_of
from features.engine.matrices import check_entity
from features.engine.population import bare_cases
from features.matrix import Matrix
from features.online.request_case import OWN, History, rows_beside, sent_case
from features.online.request_rows import FRESH, Sent
from features.store.store import Store


def evaluate_rows(store: Store, entity: str, key: str, as_of: int, rows: History) -> Matrix:
    """Return the features of one unit from history sent as rows by table, shape (1, F).

    Peers, cell and what others share come from the store of that day; a feature whose tables were not sent is missing.
    """
    return sent_evaluation(engine_of(store), entity, key, as_of, rows).matrix


def sent_evaluation(engine: Engine, entity: str, key: str, as_of: int, rows: History) -> Evaluation:
    """Return the evaluation of one unit from history sent as rows by table, whose matrix `evaluate_rows` returns."""
    check_entity(entity)
    store, catalogue = engine.store, engine.catalogue
    sent = Sent(store, rows)
    code = np.array([sent.code(entity, key)], np.int64)
    bare = bare_cases(entity, code, np.array([as_of], np.int64))
    case = sent_case(engine, bare, sent)
    rows_of_case = cached_rows(rows_beside(store, entity, sent))
    evaluated = evaluation_of(engine, case, rows_of_case)
    computed = evaluated.matrix
    lacking = {**not_computed(catalogue, entity, sent), **not_looked_up(catalogue, case)}
    blank = np.array([name in lacking for name in computed.names])
    values = np.where(blank, np.nan, computed.values)
    sent_matrix = replace(computed, keys=np.array([key]), values=values)
    return replace(evaluated, matrix=sent_matrix)


def not_looked_up(catalogue: Catalogue, case: Cases) -> Mapping[str, str]:
    """Return by feature the stored values that it reads and that the store has for no unit of this identifier."""
    # Codes from FRESH on are of identifiers that the store never saw.
    unseen = set()
    for by, key in case.keys.items():
        if (key >= FRESH).any():
            unseen.add(by)
    return _without_keys(catalogue, case.entity, frozenset(unseen))


@lru_cache(256)
def _without_keys(catalogue: Catalogue, entity: str, unseen: frozenset[str]) -> Mapping[str, str]:
    lacking_of: dict[str, str] = {}
    for feature in catalogue.features(entity):
        lacking: list[str] = []
        for link in catalogue.chain([feature.name]):
            for name in stored_values_read(link.tree):
                keys = STORED_BY[catalogue.stored_value(name).of]
                if unseen.intersection(keys):
                    lacking.append(name)
        if lacking:
            lacking_of[feature.name] = ", ".join(sorted(lacking))
    return MappingProxyType(lacking_of)


def not_computed(catalogue: Catalogue, entity: str, sent: Sent) -> Mapping[str, str]:
    """Return by feature the tables that were not sent and without which it cannot be computed."""
    return _without_tables(catalogue, entity, sent.tables)


@lru_cache(256)
def _without_tables(catalogue: Catalogue, entity: str, tables: frozenset[str]) -> Mapping[str, str]:
    lacking_of: dict[str, str] = {}
    for feature in catalogue.features(entity):
        lacking: set[str] = set()
        for link in catalogue.chain([feature.name]):
            for atom in atoms_of(link.tree):
                measure = catalogue.measure(atom.measure)
                if measure.by in OWN[entity] and measure.table not in tables:
                    lacking.add(measure.table)
        if lacking:
            lacking_of[feature.name] = ", ".join(sorted(lacking))
    return MappingProxyType(lacking_of)
