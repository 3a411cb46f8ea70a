"""The other side of the certificate: a feature must move when the known rows are altered that it declares to rest on.

A feature that no alteration moves is reported; that is no leak, but its declaration may be wrong.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import chain

import numpy as np
import polars as pl
from numpy.typing import NDArray

from features.aggregates.reader import atom_values
from features.catalogue.dependencies import closure, stored_behind
from features.catalogue.joins import base_tables
from features.catalogue.language import Atom
from features.catalogue.model import ENTITIES, KEYS, Catalogue, Feature
from features.engine.engine import Engine
from features.engine.matrices import matrix
from features.engine.population import living
from features.matrix import Matrix
from training.certificate.compare import differing
from training.certificate.excerpt_store import loaded
from training.certificate.poison_rows import Dose, beside_key, scrambled
from training.certificate.sample import Excerpt

GONE, CHANGED, THINNED = "gone", "changed", "thinned"
"""Known rows are taken away or say something else; of a register every second unit goes, and of others the newest entry."""
ROUNDS = {True: (CHANGED, THINNED), False: (GONE, CHANGED)}
"""What is tried of a register, or of another table; the second is asked only of what the first has not moved."""
ENDINGS = ("closed", "ended")
"""Columns that end a unit: they stay, or the unit is not there to be compared."""
Tables = dict[str, list[str]]
"""By feature, some of the tables that it declares to rest on."""
Names = dict[str, set[str]]
"""By table, the features that read known rows of it."""


@dataclass(frozen=True, slots=True)
class Resting:
    """Which features do not move when the known rows of a table are altered on which they say they rest.

    `unmoved` are told; of the tables in `not_shown` the sample holds no known row that such a feature reads.
    """

    unmoved: Tables
    not_shown: Tables


NOTHING_ASKED = Resting({}, {})


def resting(engine: Engine, excerpt: Excerpt, day: int, seed: int) -> Resting:
    """Return the features that no alteration of the known rows of a table moves, though they declare to rest on it.

    Tables that no feature reads together are altered in one store, so that few stores have to be made.
    """
    entities = [entity for entity, (table, _) in ENTITIES.items() if engine.store.has(table)]
    before = {entity: matrix(engine, entity, day) for entity in entities}
    shown = shown_features(engine, before, day)
    unmoved_features = {
        table: set(names) for table, names in shown.items() if table in excerpt.tables
    }
    # the second way of altering a table is tried only on what the first has not moved
    for attempt in range(2):
        for group in apart(unmoved_features):
            changed = altered(excerpt, group, attempt, day=day, seed=seed)
            in_question = {table: unmoved_features[table] for table in group}
            moved = _moved(changed, in_question, before, engine.catalogue)
            for table in group:
                unmoved_features[table] -= moved
    features = list(chain.from_iterable(map(engine.catalogue.features, entities)))
    unmoved: Tables = {}
    not_shown: Tables = {}
    for feature in features:
        tables = sorted(base_tables(feature.tables))
        hidden = [table for table in tables if feature.name not in shown.get(table, ())]
        idle = [table for table in tables if feature.name in unmoved_features.get(table, ())]
        if hidden:
            not_shown[feature.name] = hidden
        if idle:
            unmoved[feature.name] = idle
    return Resting(unmoved, not_shown)


def shown_features(engine: Engine, before: Mapping[str, Matrix], day: int) -> Names:
    """Return by table of the contract the features of which some living unit has a known row there that they read.

    A feature that is the same for all units shows nothing of what it rests on.
    """
    shown: Names = defaultdict(set)
    for entity, view in before.items():
        for name, tables in _tables_read(engine, entity, day).items():
            if _varies(view.column(name)):
                for table in tables:
                    shown[table].add(name)
    return dict(shown)


def _varies(values: NDArray[np.float64]) -> bool:
    """Tell whether a feature has two values, missing ones aside."""
    present = values[~np.isnan(values)]
    return bool(len(present)) and bool((present != present[0]).any())


def apart(names: Names) -> list[list[str]]:
    """Return the tables of which some features are left, in groups in which no feature reads two of them.

    >>> apart({"a": {"x"}, "b": {"x", "y"}, "c": {"z"}, "d": set()})
    [['a', 'c'], ['b']]
    """
    groups: list[list[str]] = []
    for table in sorted(names):
        if not names[table]:
            continue
        for group in groups:
            if all(names[table].isdisjoint(names[other]) for other in group):
                group.append(table)
                break
        else:
            groups.append([table])
    return groups


def _tables_read(engine: Engine, entity: str, day: int) -> dict[str, set[str]]:
    """Return by feature of an entity the tables of which it reads a row for any living unit of a day."""
    catalogue = engine.catalogue
    units = living(engine, entity, day)
    features = catalogue.features(entity)
    counts = {feature.name: _counts(catalogue, feature) for feature in features}
    # all features at once, as each aggregate is read once however many features need it
    every_count = set().union(*counts.values()) if counts else set()
    rows = atom_values(engine, units, every_count)
    looked_up = {feature.name: stored_behind(catalogue, feature) for feature in features}
    every_value = set().union(*looked_up.values()) if looked_up else set()
    stored = engine.stored_values(units, every_value)
    read: dict[str, set[str]] = {}
    for feature in features:
        tables = [
            catalogue.measure(count.measure).table
            for count in counts[feature.name]
            if np.nansum(rows[count]) > 0
        ]
        for name in looked_up[feature.name]:
            if np.nansum(np.abs(stored[name])) > 0:
                tables += catalogue.stored_value(name).tables
        read[feature.name] = base_tables(tables)
    return read


def _counts(catalogue: Catalogue, feature: Feature) -> set[Atom]:
    """Return the counts of the rows that a feature's aggregates read."""
    atoms, _ = closure(catalogue, feature)
    return {Atom("count", atom.measure, atom.window) for atom in atoms}


def _moved(
    changed: Excerpt, names: Names, before: Mapping[str, Matrix], catalogue: Catalogue
) -> set[str]:
    """Return the features that an altered excerpt moves, of the entities that have any in question."""
    names_in_question: set[str] = set().union(*names.values())
    moved: set[str] = set()
    with loaded(changed) as store:
        for entity, view in before.items():
            if names_in_question.isdisjoint(view.names):
                continue
            day = int(view.as_of[0])
            after = matrix(Engine(store, catalogue), entity, day)
            moved.update(differing(view, after))
    return moved


def altered(
    excerpt: Excerpt, tables: Iterable[str], attempt: int, *, day: int, seed: int
) -> Excerpt:
    """Return an excerpt in which the rows of some tables that are known by a day are altered, in one of two ways each."""
    frames = dict(excerpt.frames)
    registers = {register for register, _ in ENTITIES.values()}
    for table in tables:
        rng = np.random.default_rng([seed, sorted(excerpt.tables).index(table)])
        dose = Dose(excerpt.tables[table], excerpt.frames[table], day, rng, ())
        way = ROUNDS[table in registers][attempt]
        frames[table] = pl.concat([_known_rows(dose, way), dose.late])
    return excerpt.altered(frames, excerpt.complete_to)


def _known_rows(dose: Dose, way: str) -> pl.DataFrame:
    """Return the rows of a table that are known by the day, altered in a way."""
    if way == GONE:
        return dose.early.clear()
    if way == CHANGED:
        names = [name for name in beside_key(dose) if name not in ENDINGS]
        return scrambled(dose, dose.early, names)
    return _thinned(dose)


def _thinned(dose: Dose) -> pl.DataFrame:
    """Return the known rows of every second unit of a register, without its newest entry where it has several."""
    [(entity, when)] = [
        (entity, when) for entity, (table, when) in ENTITIES.items() if table == dose.table.name
    ]
    unit, *_ = KEYS[entity]
    stays = dose.early[unit].unique().sort().gather_every(2)
    entry = pl.col(when)
    is_newest = entry == entry.max().over(unit)
    is_only = entry.n_unique().over(unit) == 1
    return dose.early.filter(pl.col(unit).is_in(stays.to_list()) & (~is_newest | is_only))
