"""The certificate: whatever is recorded after a day moves no bit of a feature of that day, and features mean what they say."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from features.calendar import date_of
from features.catalogue.digest import catalogue_digest, spelled
from features.engine.matrices import catalogue_of
from features.engine.population import check_day
from features.errors import HistoryError
from features.ingest.source import Source
from features.matrix import Matrix
from features.store.store import Store
from training.certificate.compare import Moved, compared_matrices, digest_of_matrix, greater_moves
from training.certificate.declarations import barred
from training.certificate.equivalence import misread
from training.certificate.label_check import FAULTS, READING, faults_of
from training.certificate.poison import KINDS, Poisoned, poisoned_excerpt
from training.certificate.poison_raw import Beneath, beneath
from training.certificate.poison_rows import REACH
from training.certificate.read_paths import (
    FED,
    NEIGHBOUR,
    STRETCHES,
    WAYS,
    Inquiry,
    city,
    every_way,
    in_other_ways,
    in_stretches,
    inquiry_of,
)
from training.certificate.recorded_days import misdated
from training.certificate.sample import Excerpt, accepted, excerpt_of, fed, loaded, never_later
from training.certificate.second_day import labelled_moves, moved_on, neighbour, said_of
from training.certificate.spark_equivalence import unlike_spark
from training.certificate.visible_rows import holdings, unlike


@dataclass(frozen=True, slots=True)
class Extent:
    """How much is certified: enterprises taken, seeds of the poison, kinds tried alone, units read literally."""

    enterprises: int
    seeds: tuple[int, ...]
    kinds: tuple[str, ...]
    read: int
    ways: tuple[str, ...] = WAYS


WHOLE = Extent(enterprises=300, seeds=(1, 2), kinds=tuple(KINDS), read=8)
QUICK = Extent(enterprises=30, seeds=(1,), kinds=(), read=1, ways=())
"""What a training can afford: all kinds together, once."""


@dataclass(frozen=True, slots=True)
class Tried:
    """A poisoned excerpt, how many of its rows the load refused, and what it moved."""

    made: Poisoned
    refused: int
    moved: Mapping[str, Moved]


@dataclass(slots=True)
class Findings:
    """What came to light: each poison and what it moved, features that mean something else, digests of the matrices.

    `quick` are tables in the contract's own form that never know a row later than it happened, and nobody declares them so;
    `untried` raw tables beneath the views of which the sample holds nothing to poison.
    """

    poisons: list[dict[str, Any]] = field(default_factory=list)
    moved: dict[str, Moved] = field(default_factory=dict)
    misread: dict[str, Moved] = field(default_factory=dict)
    labels: dict[str, dict[str, int]] = field(default_factory=dict)
    undeclared: dict[str, list[str]] = field(default_factory=dict)
    misdated: dict[str, int] = field(default_factory=dict)
    barred: list[str] = field(default_factory=list)
    quick: list[str] = field(default_factory=list)
    untried: list[str] = field(default_factory=list)
    digests: dict[str, str] = field(default_factory=dict)

    @property
    def clean(self) -> bool:
        return not (
            self.moved
            or self.misread
            or self.labels
            or self.undeclared
            or self.misdated
            or self.barred
            or self.quick
        )

    def take(self, tried: Tried) -> None:
        """Take in what one poison has moved."""
        self.moved = greater_moves(self.moved, tried.moved)
        self.poisons.append(
            {
                "kind": tried.made.kind,
                "seed": tried.made.seed,
                "rows": dict(tried.made.touched),
                "refused": tried.refused,
                "moved": moves_as_json(tried.moved),
            }
        )

    def add(self, raw: Beneath) -> None:
        """Take in what poison beneath the views has shown."""
        self.poisons += [
            poison | {"moved": moves_as_json(poison["moved"])} for poison in raw.poisons
        ]
        self.moved, self.undeclared = greater_moves(self.moved, raw.moved), raw.undeclared
        self.misdated |= raw.early
        self.untried = raw.untried


def certify(
    store: Store, as_of: int, extent: Extent = WHOLE, source: Source | None = None
) -> dict[str, Any]:
    """Return the certificate of a source's features as of a closed day, plain values; `verdict` is clean or leaking.

    What declarations bar is not tried. Of a `source` that is given, the raw data beneath its views are poisoned too. Raises
    HistoryError where the day is not closed, or lies before most tables begin.
    """
    check_day(store, as_of)
    check_told(store, as_of)
    begun = time.process_time()
    excerpt = excerpt_of(store, extent.enterprises)
    strange = barred(catalogue_of(store), store.source)
    found = Findings(barred=strange) if strange else trial(excerpt, as_of, extent)
    if source is not None:
        found.misdated = misdated(source, store)
        files = {table for table, place in source.tables.items() if place.suffix != ".sql"}
        found.quick = [table for table in never_later(excerpt) if table in files]
        found.add(beneath(source, as_of, extent.seeds[0]))
    said = certificate_statement(store, excerpt, as_of, found)
    return said | {
        "certificate_digest": certificate_digest(said),
        "cpu_seconds": round(time.process_time() - begun, 1),
    }


def check_told(store: Store, as_of: int) -> None:
    """Raise HistoryError where fewer than half of the tables that have rows had one by a day: its features say little."""
    days = sorted(day for table in store.tables if (day := store.begins(table)) is not None)
    first = days[(len(days) - 1) // 2] if days else as_of
    if as_of < first:
        raise HistoryError(
            f"most tables of {store.source.name!r} hold nothing recorded by {date_of(as_of)}, and a certificate "
            f"would say little; take {date_of(first)}, the first day on which half of them do, or a later one"
        )


def trial(excerpt: Excerpt, as_of: int, extent: Extent) -> Findings:
    """Poison an excerpt in every way and compare what is said of the day; read features literally, on it and days later."""
    found = Findings()
    with loaded(excerpt) as clean:
        asked = inquiry_of(clean, as_of)
        before, held = every_way(clean, asked, excerpt, extent.ways), holdings(clean, as_of)
        found.misread = {**misread(clean, excerpt, as_of, extent.read), **in_other_ways(before)}
        if STRETCHES in extent.ways:
            found.misread |= in_stretches(clean, asked) | unlike_spark(clean, as_of)
        found.labels = faults_of(clean, excerpt, FAULTS)
        if NEIGHBOUR in extent.ways and (other := neighbour(as_of)) >= clean.first_known:
            found.take(on_another_day(clean, excerpt, other, extent.seeds[0]))
    found.digests = {name: digest_of_matrix(view) for name, view in before.items()}
    poisons = [(kind, extent.seeds[0]) for kind in extent.kinds] + [
        ("together", seed) for seed in extent.seeds
    ]
    for kind, seed in poisons:
        made = poisoned_excerpt(excerpt, kind, day=as_of, seed=seed)
        with loaded(made.excerpt) as store:
            taken = accepted(store, made.excerpt)
            after = (
                every_way(store, asked, taken, extent.ways)
                if kind == "together"
                else city(store, asked)
            )
            if kind == "together":
                found.misread = greater_moves(
                    found.misread, misread(store, taken, as_of + REACH, extent.read)
                )
                found.labels |= {
                    f"{name}, poisoned": wrong
                    for name, wrong in faults_of(store, taken, READING).items()
                }
                if FED in extent.ways:
                    found.misread = greater_moves(
                        found.misread, unlike_fed(store, made, (after, asked))
                    )
            refused, apart = refused_by(store), unlike(held, holdings(store, as_of))
        found.take(
            Tried(
                made,
                refused,
                compared_matrices({view: before[view] for view in after}, after) | apart,
            )
        )
    return found


def on_another_day(clean: Store, excerpt: Excerpt, day: int, seed: int) -> Tried:
    """Poison an excerpt after another day and compare what is said of that day."""
    before, made = said_of(clean, day), poisoned_excerpt(excerpt, "together", day=day, seed=seed)
    with loaded(made.excerpt) as store:
        moved = labelled_moves(NEIGHBOUR, moved_on(day, before, store))
        return Tried(replace(made, kind=NEIGHBOUR), refused_by(store), moved)


def refused_by(store: Store) -> int:
    """Return how many rows a load refused."""
    return sum(table["refused"] for table in store.summary["tables"].values())


def unlike_fed(
    store: Store, made: Poisoned, told: tuple[Mapping[str, Matrix], Inquiry]
) -> dict[str, Moved]:
    """Return what a store that was fed by days says otherwise than one loaded at once, of the day and days after it."""
    after, asked = told
    later = replace(asked, day=asked.day + REACH)
    with fed(made.excerpt, (asked.day, asked.day + 1)) as other:
        found = compared_matrices(city(store, later), city(other, later))
        found |= compared_matrices(
            {entity: after[entity] for entity in asked.entities}, city(other, asked)
        )
    return {f"{FED} {name}": much for name, much in found.items()}


def moves_as_json(moved: Mapping[str, Moved]) -> dict[str, Any]:
    """Return moves as plain values, the most units first."""
    return {
        name: one.as_json()
        for name, one in sorted(moved.items(), key=lambda item: (-item[1].units, item[0]))
    }


def certificate_statement(
    store: Store, excerpt: Excerpt, as_of: int, found: Findings
) -> dict[str, Any]:
    """Return what a certificate says, without what it cost."""
    catalogue = catalogue_of(store)
    return {
        "source": store.source.name,
        "fingerprint": store.fingerprint,
        "as_of": date_of(as_of).isoformat(),
        "verdict": "clean" if found.clean else "leaking",
        "catalogue_digest": catalogue_digest(catalogue),
        "excerpt": {
            "enterprises": excerpt.enterprises,
            "whole": excerpt.whole,
            "rows": {name: frame.height for name, frame in excerpt.frames.items()},
        },
        "matrices": found.digests,
        "poisons": found.poisons,
        "features_moved": moves_as_json(found.moved),
        "features_misread": moves_as_json(found.misread),
        "labels": found.labels,
        "undeclared": found.undeclared,
        "misdated": found.misdated,
        "barred": found.barred,
        "never_later": never_later(excerpt),
        "quick": found.quick,
        "untried": found.untried,
        "catalogue": spelled(catalogue),
    }


def certificate_digest(said: Mapping[str, Any]) -> str:
    """Return the SHA-256 of what a certificate says."""
    return hashlib.sha256(
        json.dumps(said, sort_keys=True, ensure_ascii=False, allow_nan=False).encode()
    ).hexdigest()
