"""Features of a file outside the package: read and checked, proven free of leakage, and what computing them costs."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from features.calendar import date_of
from features.cases import Cases
from features.catalogue.dependencies import feature_names
from features.catalogue.model import Catalogue
from features.catalogue.validate import check_feature, check_measure, every_table
from features.engine.engine import Engine, engine_of
from features.engine.matrices import catalogue_of, matrix, matrix_for, matrix_of_cases
from features.engine.population import living
from features.errors import CatalogueError
from features.matrix import Matrix
from features.store.store import Store
from training.certificate.compare import Moved, compared_matrices, digest_of_matrix, greater_moves
from training.certificate.declarations import barred
from training.certificate.equivalence import misread
from training.certificate.excerpt_store import loaded
from training.certificate.known_rows import resting
from training.certificate.poison import poisoned_excerpt
from training.certificate.poison_rows import REACH
from training.certificate.sample import accepted, excerpt_of

ENTERPRISES = 60
"""Enterprises of the excerpt on which new features are tried; a choice: few, since their author waits for the answer."""
SEEDS = (1, 2)
"""The seeds of poison; a choice: what one draw misses another may show."""
READ = 2
"""Units that are evaluated literally for each way to read features, which is slow; a choice."""
ONLINE_CASES = 20
"""Cases whose online cost is timed; a choice: enough for a median."""


@dataclass(frozen=True, slots=True, eq=False)
class Newcomers:
    """The new features of one entity, a catalogue of them and what they rest on alone, and the file that declares them."""

    path: Path
    entity: str
    names: tuple[str, ...]
    catalogue: Catalogue

    def engine(self, store: Store) -> Engine:
        """Return an engine that computes the new features of a store and no others."""
        return Engine(store, self.catalogue)

    def of(self, whole: Matrix) -> Matrix:
        """Return the new features' columns of a matrix."""
        return whole.columns(self.names)


def declared_candidates(store: Store, path: Path, entity: str) -> Newcomers:
    """Return the features that a file declares for an entity; CatalogueError says in one line what is wrong with it."""
    package = catalogue_of(store)
    whole = catalogue_of(store, path)
    attributes = {attribute.name for attribute in store.source.attribute}
    tables = every_table()
    for name in whole.measures.keys() - package.measures.keys():
        check_measure(whole.measures[name], tables, attributes)
    for name, why in whole.left_out.items():
        if name not in package.left_out:
            raise CatalogueError(
                f"{path.name}: feature {name!r} needs table {why}, which source "
                f"{store.source.name!r} does not hold"
            )
    fresh = [each for each in whole.declared.values() if each.name not in package.declared]
    for feature in fresh:
        check_feature(whole, feature)
        if feature.entity != entity:
            raise CatalogueError(
                f"{path.name}: feature {feature.name!r} describes a {feature.entity}; this target ranks "
                f"by features of a {entity}, declare it with `{entity} | ...`"
            )
    if not fresh:
        raise CatalogueError(
            f"{path.name} declares no feature; write a line `{entity} | name | formula | ...`"
        )
    _check_declarations(store, path, package, whole)
    names = tuple(feature.name for feature in fresh)
    return Newcomers(path, entity, names, restricted_to(whole, names))


def _check_declarations(store: Store, path: Path, package: Catalogue, whole: Catalogue) -> None:
    """Raise CatalogueError where a file declares what the certificate bars, the package's own declarations aside."""
    before = set(barred(package, store.source))
    faults = [fault for fault in barred(whole, store.source) if fault not in before]
    if faults:
        listed = "; ".join(faults)
        raise CatalogueError(f"{path.name}: {listed}; no certificate would be clean, leave it out")


def restricted_to(whole: Catalogue, names: tuple[str, ...]) -> Catalogue:
    """Return a catalogue of some features and all that they rest on."""
    needed: set[str] = set()

    def visit(name: str) -> None:
        if name not in needed:
            needed.add(name)
            for other in feature_names(whole.feature(name)):
                visit(other)

    for name in names:
        visit(name)
    declared = {name: feature for name, feature in whole.declared.items() if name in needed}
    return replace(whole, declared=declared)


def joined_to(store: Store, fresh: Newcomers, whole: Matrix) -> Matrix:
    """Return a matrix with the new features of its own cases beside what it has."""
    keys = whole.keys.tolist()
    days = whole.as_of.astype(np.int64)
    added = fresh.of(matrix_of_cases(fresh.engine(store), fresh.entity, keys, days))
    return replace(
        whole,
        names=whole.names + added.names,
        values=np.hstack([whole.values, added.values]),
        categories={**whole.categories, **added.categories},
    )


def certificate(store: Store, fresh: Newcomers, as_of: int) -> dict[str, Any]:
    """Return whether anything recorded after a day moves a new feature of that day, or reads otherwise than declared.

    An excerpt of the history is poisoned in all kinds together, once a seed, and compared to the bit; the compiled statement
    and the literal reading must agree with the matrix, on the day and on the poisoned history days later. A feature that
    does not move when known rows of a table are altered on which it says it rests is told (`unmoved`).
    """
    excerpt = excerpt_of(store, ENTERPRISES)
    with loaded(excerpt) as clean:
        before = _of_day(clean, fresh, as_of)
        wrong = misread(fresh.engine(clean), excerpt, as_of, READ)
        rows_rested_on = resting(fresh.engine(clean), excerpt, as_of, SEEDS[0])
    moved: dict[str, Moved] = {}
    poisons = []
    for seed in SEEDS:
        poisoned = poisoned_excerpt(excerpt, "together", day=as_of, seed=seed)
        with loaded(poisoned.excerpt) as store_after:
            after = _of_day(store_after, fresh, as_of)
            rows = accepted(store_after, poisoned.excerpt)
            wrong_later = misread(fresh.engine(store_after), rows, as_of + REACH, READ)
        wrong = greater_moves(wrong, wrong_later)
        moved = greater_moves(moved, compared_matrices({"day": before}, {"day": after}))
        poisons.append({"seed": seed, "rows": sum(poisoned.touched.values())})
    return {
        "as_of": date_of(as_of).isoformat(),
        "verdict": "leaking" if moved or wrong else "clean",
        "enterprises": excerpt.enterprises,
        "cases": len(before),
        "matrix": digest_of_matrix(before),
        "poisons": poisons,
        "moved": _by_name(moved),
        "misread": _by_name(wrong),
        "unmoved": {
            name: rows_rested_on.unmoved[name]
            for name in fresh.names
            if name in rows_rested_on.unmoved
        },
        "not_shown": {
            name: rows_rested_on.not_shown[name]
            for name in fresh.names
            if name in rows_rested_on.not_shown
        },
    }


def _of_day(store: Store, fresh: Newcomers, as_of: int) -> Matrix:
    """Return the new features of all living units of a day."""
    return fresh.of(matrix(fresh.engine(store), fresh.entity, as_of))


def _by_name(moves: Mapping[str, Moved]) -> dict[str, Any]:
    return {name: move.as_json() for name, move in sorted(moves.items())}


def digest_of_file(path: Path) -> str:
    """Return the SHA-256 of a file's bytes."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def cost(store: Store, fresh: Newcomers, as_of: int) -> dict[str, Any]:
    """Return cpu seconds of the new features and of the whole catalogue, for the living units of a day and online a case.

    What peers and the network keep for a month end is laid up before the clock starts. What no unit tells is None.
    """
    whole = engine_of(store)
    units = living(whole, fresh.entity, as_of)
    places = np.linspace(0, len(units) - 1, min(ONLINE_CASES, len(units))).astype(np.int64)
    new = _seconds_of(fresh.engine(store), units, places)
    of_all = _seconds_of(whole, units, places)
    return {
        "as_of": date_of(as_of).isoformat(),
        "units": len(units),
        "new": new,
        "catalogue": of_all,
        "day_ratio": _ratio(new["day_cpu_seconds"], of_all["day_cpu_seconds"]),
        "online_ratio": _ratio(new["online_cpu_seconds"], of_all["online_cpu_seconds"]),
    }


def _seconds_of(engine: Engine, units: Cases, places: NDArray[np.int64]) -> dict[str, float | None]:
    """Return the cpu seconds of a catalogue's features, of all units at once and of a few of them one by one."""
    # the first question lays up what is kept for a month end, before the clock starts
    matrix_for(engine, units.take(places[:1]))
    day = _seconds(partial(matrix_for, engine, units))
    online = None
    if len(places):
        online = _online(engine, units, places) / len(places)
    return {"day_cpu_seconds": day, "online_cpu_seconds": online}


def _ratio(seconds: float | None, of_all: float | None) -> float | None:
    """Return a part of the seconds of the whole catalogue; None where either is not known, or the whole took none."""
    if seconds is None or not of_all:
        return None
    return seconds / of_all


def _online(engine: Engine, units: Cases, places: NDArray[np.int64]) -> float:
    """Return the cpu seconds of some units, each evaluated alone."""
    total = 0.0
    for place in places[:, None]:
        unit = units.take(place)
        total += _seconds(partial(matrix_for, engine, unit))
    return total


def _seconds(work: Callable[[], object]) -> float:
    begun = time.process_time()
    work()
    return time.process_time() - begun
