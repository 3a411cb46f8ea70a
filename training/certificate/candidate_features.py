"""Features of a file outside the package: read and checked, proven free of leakage, and what computing them costs."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from features.calendar import date_of
from features.cases import Cases
from features.catalogue import Catalogue
from features.catalogue.dependencies import feature_names
from features.catalogue.validate import check_feature, check_measure, every_table
from features.engine.matrices import catalogue_of, matrix, matrix_for, matrix_of_cases
from features.engine.population import living
from features.errors import CatalogueError
from features.matrix import Matrix
from features.store.store import Store
from training.certificate.compare import compared_matrices, digest_of_matrix, greater_moves
from training.certificate.equivalence import misread
from training.certificate.poison import poisoned_excerpt
from training.certificate.poison_rows import REACH
from training.certificate.sample import accepted, excerpt_of, loaded

ENTERPRISES = 60
SEEDS = (1, 2)
READ = 2
ONLINE_CASES = 20


@dataclass(frozen=True, slots=True, eq=False)
class Newcomers:
    """The new features of one entity, a catalogue of them and what they rest on alone, and the file that declares them."""

    path: Path
    entity: str
    names: tuple[str, ...]
    catalogue: Catalogue

    def of(self, found: Matrix) -> Matrix:
        """Return the new features' columns of a matrix."""
        return columns(found, [found.names.index(name) for name in self.names])


def columns(found: Matrix, places: list[int]) -> Matrix:
    """Return some columns of a matrix, in the order given."""
    names = tuple(found.names[place] for place in places)
    kept = {name: texts for name, texts in found.categories.items() if name in names}
    return replace(
        found, names=names, values=np.ascontiguousarray(found.values[:, places]), categories=kept
    )


def declared_candidates(store: Store, path: Path, entity: str) -> Newcomers:
    """Return the features that a file declares for an entity; CatalogueError says in one line what is wrong with it."""
    known, whole = catalogue_of(store), catalogue_of(store, path)
    own = {attribute.name for attribute in store.source.attribute}
    tables = every_table()
    for name in whole.measures.keys() - known.measures.keys():
        check_measure(whole.measures[name], tables, own)
    for name, why in whole.left_out.items():
        if name not in known.left_out:
            raise CatalogueError(
                f"{path.name}: feature {name!r} needs table {why}, which source "
                f"{store.source.name!r} does not hold"
            )
    fresh = [feature for feature in whole.declared.values() if feature.name not in known.declared]
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
    names = tuple(feature.name for feature in fresh)
    return Newcomers(path, entity, names, restricted_to(whole, names))


def restricted_to(whole: Catalogue, names: tuple[str, ...]) -> Catalogue:
    """Return a catalogue of some features and all that they rest on."""
    kept: set[str] = set()

    def visit(name: str) -> None:
        if name not in kept:
            kept.add(name)
            for other in feature_names(whole.feature(name)):
                visit(other)

    for name in names:
        visit(name)
    return replace(
        whole, declared={name: feature for name, feature in whole.declared.items() if name in kept}
    )


def joined_to(store: Store, fresh: Newcomers, found: Matrix) -> Matrix:
    """Return a matrix with the new features of its own cases beside what it has."""
    more = fresh.of(
        matrix_of_cases(
            store, fresh.entity, found.keys.tolist(), found.as_of.astype(np.int64), fresh.catalogue
        )
    )
    return replace(
        found,
        names=found.names + more.names,
        values=np.hstack([found.values, more.values]),
        categories=dict(found.categories) | dict(more.categories),
    )


def certificate(store: Store, fresh: Newcomers, as_of: int) -> dict[str, Any]:
    """Return whether anything recorded after a day moves a new feature of that day, or reads otherwise than declared.

    An excerpt of the history is poisoned in all kinds together, once a seed, and compared to the bit; the compiled statement
    and the literal reading must agree with the matrix, on the day and on the poisoned history days later.
    """
    excerpt = excerpt_of(store, ENTERPRISES)
    with loaded(excerpt) as clean:
        before = {"day": fresh.of(matrix(clean, fresh.entity, as_of, catalogue=fresh.catalogue))}
        wrong = misread(clean, excerpt, as_of, READ, fresh.catalogue)
    moved: dict[str, Any] = {}
    poisons = []
    for seed in SEEDS:
        made = poisoned_excerpt(excerpt, "together", day=as_of, seed=seed)
        with loaded(made.excerpt) as store_after:
            after = {
                "day": fresh.of(matrix(store_after, fresh.entity, as_of, catalogue=fresh.catalogue))
            }
            taken = accepted(store_after, made.excerpt)
            wrong = greater_moves(
                wrong, misread(store_after, taken, as_of + REACH, READ, fresh.catalogue)
            )
        moved = greater_moves(moved, compared_matrices(before, after))
        poisons.append({"seed": seed, "rows": sum(made.touched.values())})
    return {
        "as_of": date_of(as_of).isoformat(),
        "verdict": "leaking" if moved or wrong else "clean",
        "enterprises": excerpt.enterprises,
        "cases": len(before["day"]),
        "matrix": digest_of_matrix(before["day"]),
        "poisons": poisons,
        "moved": {name: one.as_json() for name, one in sorted(moved.items())},
        "misread": {name: one.as_json() for name, one in sorted(wrong.items())},
    }


def digest_of_file(path: Path) -> str:
    """Return the SHA-256 of a file's bytes."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def cost(store: Store, fresh: Newcomers, as_of: int) -> dict[str, Any]:
    """Return cpu seconds of the new features and of the whole catalogue, for the living units of a day and online a case.

    What peers and the network keep for a month end is laid up before the clock starts. What no unit tells is None.
    """
    whole = catalogue_of(store)
    units = living(store, whole, fresh.entity, as_of)
    some = np.linspace(0, len(units) - 1, min(ONLINE_CASES, len(units))).astype(np.int64)
    found: dict[str, Any] = {"as_of": date_of(as_of).isoformat(), "units": len(units)}
    for name, catalogue in (("new", fresh.catalogue), ("catalogue", whole)):
        matrix_for(store, catalogue, units.take(some[:1]))
        found[name] = {
            "day_cpu_seconds": _seconds(lambda c=catalogue: matrix_for(store, c, units)),  # type: ignore[misc]
            "online_cpu_seconds": _online(store, catalogue, units, some) / len(some)
            if len(some)
            else None,
        }
    for way in ("day", "online"):
        own, of_all = (found[name][f"{way}_cpu_seconds"] for name in ("new", "catalogue"))
        found[f"{way}_ratio"] = own / of_all if own is not None and of_all else None
    return found


def _online(store: Store, catalogue: Catalogue, units: Cases, places: Any) -> float:
    def evaluate_one(place: Any) -> object:
        return matrix_for(store, catalogue, units.take(place))

    return sum(_seconds(partial(evaluate_one, place)) for place in places[:, None])


def _seconds(work: Callable[[], object]) -> float:
    begun = time.process_time()
    work()
    return time.process_time() - begun
