"""The engine: matrices of the catalogue's features for the city of a day, for cases on their own days, for one case."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from features.aggregates.reader import atom_values
from features.aggregates.row_ranges import Rows
from features.arrays import Values
from features.cases import Cases
from features.catalogue.language import Peer, atom_of, row_columns
from features.catalogue.model import ENTITIES, Catalogue, Feature
from features.engine.engine import Engine, engine_of
from features.engine.formulas import Environment
from features.engine.needs import Needs
from features.engine.peer_medians import peer_values
from features.engine.population import cases_of, living
from features.errors import CatalogueError, RequestError
from features.matrix import Matrix
from features.store.column_codes import texts_of
from features.store.store import Store

MOST_CATEGORIES = 1_000
"""Texts up to which a column may be declared a category, with more the catalogue is refused; a choice: an identifier has more."""
Computed = Mapping[Any, Values]
"""Values of some cases that are computed already, by aggregate or by `stored_name`."""
NOTHING: Computed = MappingProxyType({})


def catalogue_of(store: Store, extra: Path | None = None) -> Catalogue:
    """Return the catalogue for a store: what absent tables would need is left out by name; without `extra` read once."""
    return engine_of(store, extra).catalogue


def check_entity(entity: str) -> None:
    """Raise RequestError unless an entity is one that features describe."""
    if entity not in ENTITIES:
        raise RequestError(f"the entity should be one of {', '.join(ENTITIES)}; got {entity!r}")


def matrix(
    place: Store | Engine, entity: str, as_of: int, keys: Sequence[str] | None = None
) -> Matrix:
    """Return the features of all living units of a day, or of the given ids, as a Matrix ordered by unit.

    A store is described by the package's catalogue, an engine by its own. Raises HistoryError when the day is not closed,
    UnknownId for an id that the register of the day does not have.
    """
    check_entity(entity)
    engine = engine_of(place)
    if keys is not None:
        days = np.full(len(keys), as_of, np.int64)
        return matrix_of_cases(engine, entity, keys, days)
    return matrix_for(engine, living(engine, entity, as_of))


def columns_of_living(engine: Engine, entity: str, as_of: int, names: Sequence[str]) -> Matrix:
    """Return some features of all living units of a day, the same bits as in their whole matrix; only what they need is read.

    A name that the engine's catalogue leaves out has no column.
    """
    described_features = engine.catalogue.names(entity)
    cases = living(engine, entity, as_of)
    needs = engine.needs(tuple(name for name in names if name in described_features))
    inputs = environment(engine, cases, needs)
    values = needs.program.values(inputs, needs.names)
    return _with_categories(engine, needs, cases, values, as_of)


def matrix_of_cases(
    place: Store | Engine, entity: str, keys: Sequence[str], as_of: NDArray[np.int64]
) -> Matrix:
    """Return the features of each id as of its own day (n,), in the order given."""
    check_entity(entity)
    engine = engine_of(place)
    cases = cases_of(engine, entity, keys, np.asarray(as_of, np.int64))
    return matrix_for(engine, cases)


def matrix_for(
    engine: Engine,
    cases: Cases,
    rows: Rows | None = None,
    last: int | None = None,
    computed: Computed = NOTHING,
) -> Matrix:
    """Return the features of cases, one batch; `rows` replaces the store as the place where rows come from.

    Categories are those known on the day `last`, the latest of the cases' where none is named. What is `computed` of the
    aggregates and stored values is not computed again.
    """
    needs = engine.needs_of_entity(cases.entity)
    if last is None:
        last = int(cases.as_of.max()) if len(cases) else engine.store.complete_to
    inputs = environment(engine, cases, needs, rows, computed)
    values = needs.program.values(inputs, needs.names)
    return described(engine, cases, values, last)


def described(engine: Engine, cases: Cases, values: Values, last: int) -> Matrix:
    """Return a matrix of all features' values (n, F), which it takes over; categories are those known on the day `last`."""
    needs = engine.needs_of_entity(cases.entity)
    return _with_categories(engine, needs, cases, values, last)


def _with_categories(
    engine: Engine, needs: Needs, cases: Cases, values: Values, last: int
) -> Matrix:
    """Return a matrix of what some needs name, which takes over the values (n, F)."""
    categories = {
        name: categories_of(engine, engine.catalogue.feature(name), last)
        for name in needs.categories
    }
    forget_later_texts(values, needs.names, categories)
    return Matrix(
        entity=cases.entity,
        keys=ids_of(engine.store, cases),
        as_of=cases.as_of.astype(np.int32),
        names=needs.names,
        values=values,
        categories=categories,
    )


def forget_later_texts(
    values: Values, names: Sequence[str], categories: Mapping[str, Sequence[str]]
) -> None:
    """Make missing, in values (n, F), each category that is none of the texts known on the day: it came up later."""
    for name, texts in categories.items():
        column = values[:, names.index(name)]
        column[column >= len(texts)] = np.nan


def ids_of(store: Store, cases: Cases) -> NDArray[np.str_]:
    """Return the identifiers of cases, empty where the store has none."""
    return store.dictionary(cases.entity).texts_of(cases.code)


def environment(
    engine: Engine,
    cases: Cases,
    needs: Needs,
    rows: Rows | None = None,
    computed: Computed = NOTHING,
) -> Environment:
    """Return all that the formulas of some features read, for some cases, less what is `computed` already."""
    atoms, stored = needs.atoms, needs.stored
    if computed:
        atoms = frozenset(atom for atom in atoms if atom not in computed)
        stored = frozenset(name for name in stored if stored_name(name) not in computed)
    atom_columns = atom_values(engine, cases, atoms, rows)
    stored_columns = engine.stored_values(cases, stored)
    for atom in needs.atoms - atoms:
        atom_columns[atom] = computed[atom]
    for name in needs.stored - stored:
        stored_columns[name] = computed[stored_name(name)]
    return Environment(
        size=len(cases),
        as_of=cases.as_of.astype(np.float64),
        atoms=atom_columns,
        peers=values_of_peers(engine, cases, needs.peers),
        stored=stored_columns,
        features={},
    )


def stored_name(name: str) -> Hashable:
    """Return the name of a stored value among values computed already."""
    return "stored", name


def values_of_peers(engine: Engine, cases: Cases, peers: Iterable[Peer]) -> dict[Peer, Values]:
    """Return each case's peer values, float64 (n,), NaN where its key has none; those of a month end are computed once."""
    values_of_living = partial(_values_of_living, engine, cases.entity)
    return peer_values(engine, cases, peers, values_of_living)


def _values_of_living(
    engine: Engine, entity: str, names: tuple[str, ...], day: int
) -> tuple[Cases, Values]:
    """Return the units that live on a day, and features of them that rest on aggregates alone, float64 (n, F)."""
    cases = living(engine, entity, day)
    needs = engine.needs(names)
    inputs = Environment(
        size=len(cases),
        as_of=cases.as_of.astype(np.float64),
        atoms=atom_values(engine, cases, needs.atoms),
        peers={},
        stored={},
        features={},
    )
    return cases, needs.program.values(inputs, needs.names)


def categories_of(engine: Engine, feature: Feature, day: int | None = None) -> tuple[str, ...]:
    """Return the texts that a category feature's values stand for, on a closed day those that were known then."""
    atom = atom_of(feature.tree)
    if atom is None:
        raise CatalogueError(
            f"category {feature.name!r} should be attr(column); got {feature.expression!r}"
        )
    measure = engine.catalogue.measure(atom.measure)
    (column,) = row_columns(measure.value)
    texts = texts_of(engine.store, measure.table, column, day)
    if len(texts) > MOST_CATEGORIES:
        raise CatalogueError(
            f"category {feature.name!r} has {len(texts)} values; at most {MOST_CATEGORIES} make a category"
        )
    return texts
