"""Do features mean what the catalogue says? Matrix against the compiled statement, and against the literal reading."""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from features.catalogue.language import call_name, peers_of
from features.catalogue.model import ENTITIES, Catalogue
from features.engine.engine import Engine, engine_of
from features.engine.matrices import matrix_for
from features.engine.population import living
from features.matrix import Matrix
from features.sql.duckdb_oracle import compiled_values
from features.store.store import Store
from training.certificate.compare import REGISTER, Moved
from training.certificate.reference_evaluator import Reading
from training.certificate.reference_language import Value
from training.certificate.sample import Excerpt


def misread(place: Store | Engine, excerpt: Excerpt, day: int, units: int) -> dict[str, Moved]:
    """Return by `statement ENTITY: feature` and `reference ENTITY: feature` what the matrix of a day says otherwise.

    The statement describes every living unit of the excerpt, the reference `units` of each entity.
    """
    engine = engine_of(place)
    catalogue = engine.catalogue
    differences: dict[str, Moved] = {}
    reading = Reading(excerpt, catalogue, day)
    for entity, (table, _) in ENTITIES.items():
        if not engine.store.has(table) or not catalogue.features(entity):
            continue
        cases = living(engine, entity, day)
        whole = matrix_for(engine, cases)
        names = [name for name in whole.names if not rests_on_stored(catalogue, name)]
        compiled = compiled_values(engine, cases, names)
        for name, moved in unlike_columns(whole, compiled, names).items():
            differences[f"statement {entity}: {name}"] = moved
        for name, moved in _literal(reading, whole, names, units).items():
            differences[f"reference {entity}: {name}"] = moved
    return differences


def unlike_columns(
    whole: Matrix, others: Mapping[str, NDArray[np.float64]], names: Sequence[str]
) -> dict[str, Moved]:
    """Return the features of a matrix whose other column has other bits in any unit."""
    differences = {}
    for name in names:
        column = whole.column(name)
        other = np.asarray(others[name])
        is_unlike = bits(column) != bits(other)
        if is_unlike.any():
            gap = largest_gap(column, other, is_unlike)
            differences[name] = Moved(int(is_unlike.sum()), gap)
    return differences


def rests_on_stored(catalogue: Catalogue, name: str) -> bool:
    """Tell whether a feature looks a stored value up, which only poison can prove."""
    chain = catalogue.chain([name])
    peers = [peer.feature for feature in chain for peer in peers_of(feature.tree)]
    return any(_looks_up(feature.tree) for feature in chain + catalogue.chain(peers))


def _looks_up(tree: ast.expr) -> bool:
    """Tell whether an expression calls `stored`."""
    nodes = (node for node in ast.walk(tree) if isinstance(node, ast.expr))
    return any(call_name(node) == "stored" for node in nodes)


def bits(values: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return float64 as the integers that their bits are."""
    return np.ascontiguousarray(values, np.float64).view(np.int64)


def largest_gap(
    first: NDArray[np.float64], second: NDArray[np.float64], where: NDArray[np.bool_]
) -> float:
    """Return the largest distance between two columns where they are unlike; a missing value counts as 1."""
    apart = np.abs(first[where] - second[where])
    return float(np.where(np.isnan(apart), 1.0, apart).max())


def _literal(reading: Reading, whole: Matrix, names: Sequence[str], units: int) -> dict[str, Moved]:
    """Return what the literal reading says otherwise; units that it alone, or the matrix alone, sees come first."""
    living_units = reading.living(whole.entity)
    matrix_units = whole.keys.tolist()
    if living_units != matrix_units:
        # the same units in another order are a difference too
        different = len(set(living_units) ^ set(matrix_units)) or 1
        return {REGISTER: Moved(different, 1.0)}
    differences: dict[str, Moved] = {}
    step = max(1, len(living_units) // units) if units else 1
    for place in range(0, len(living_units), step)[:units]:
        values = reading.features(whole.entity, living_units[place], names)
        for name in names:
            gap = distance(values[name], value_in(whole, place, name))
            if gap:
                before = differences.get(name, Moved(0, 0.0))
                largest = max(gap, before.largest)
                differences[name] = Moved(before.units + 1, largest)
    return differences


def value_in(whole: Matrix, place: int, name: str) -> Value:
    """Return one value of a matrix: a number, the text of a category, None where missing."""
    value = float(whole.column(name)[place])
    if np.isnan(value):
        return None
    return whole.categories[name][int(value)] if name in whole.categories else value


def distance(first: Value, second: Value) -> float:
    """Return how far two values lie apart: 0 where they are the same, 1 where one is missing or a text."""
    if first == second:
        return 0.0
    if first is None or second is None or isinstance(first, str) or isinstance(second, str):
        return 1.0
    return abs(first - second)
