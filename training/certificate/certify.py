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
from features.engine.engine import engine_of
from features.engine.matrices import catalogue_of
from features.engine.population import check_day
from features.errors import HistoryError
from features.ingest.source import Source
from features.matrix import Matrix
from features.store.store import Store
from training.certificate.compare import Moved, compared_matrices, digest_of_matrix, greater_moves
from training.certificate.declarations import barred
from training.certificate.equivalence import misread
from training.certificate.excerpt_store import fed, loaded
from training.certificate.inquiry import (
    Inquiry,
    city,
    inquiry_of,
    labelled_moves,
    moved_on,
    neighbour,
    state_of_day,
)
from training.certificate.known_rows import NOTHING_ASKED, Resting, resting
from training.certificate.label_check import FAULTS, READING, faults_of
from training.certificate.poison import KINDS, Poisoned, poisoned_excerpt
from training.certificate.poison_raw import Before, Beneath, beneath
from training.certificate.poison_rows import REACH
from training.certificate.read_paths import (
    BATCHES,
    FED,
    KNOWN,
    NEIGHBOUR,
    WAYS,
    every_way,
    in_other_ways,
    misread_in_batches,
)
from training.certificate.recorded_days import misdated
from training.certificate.sample import Excerpt, accepted, excerpt_of, never_later
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
class PoisonResult:
    """One poisoned excerpt: how many of its rows the load refused, and which features it moved."""

    poisoned: Poisoned
    refused: int
    moved: Mapping[str, Moved]


@dataclass(slots=True)
class Findings:
    """What came to light: each poison and what it moved, features that mean something else, digests of the matrices.

    `training` counts what is wrong with a data set and how a model learns from it, where one is asked about;
    `quick` are tables in the contract's own form that never know a row later than it happened, and nobody declares them so;
    `untried` raw tables beneath the views of which the sample holds nothing to poison; `resting` says which features
    do not move with what they declare to rest on, which is told and is no leak.
    """

    poisons: list[dict[str, Any]] = field(default_factory=list)
    moved: dict[str, Moved] = field(default_factory=dict)
    misread: dict[str, Moved] = field(default_factory=dict)
    labels: dict[str, dict[str, int]] = field(default_factory=dict)
    training: Mapping[str, int] = field(default_factory=dict)
    undeclared: dict[str, list[str]] = field(default_factory=dict)
    misdated: dict[str, int] = field(default_factory=dict)
    barred: list[str] = field(default_factory=list)
    quick: list[str] = field(default_factory=list)
    untried: list[str] = field(default_factory=list)
    resting: Resting = NOTHING_ASKED
    digests: dict[str, str] = field(default_factory=dict)

    @property
    def clean(self) -> bool:
        return not (
            self.moved
            or self.misread
            or self.labels
            or self.training
            or self.undeclared
            or self.misdated
            or self.barred
            or self.quick
        )

    def take(self, result: PoisonResult) -> None:
        """Take in what one poison has moved."""
        self.moved = greater_moves(self.moved, result.moved)
        self.poisons.append(
            {
                "kind": result.poisoned.kind,
                "seed": result.poisoned.seed,
                "rows": dict(result.poisoned.touched),
                "refused": result.refused,
                "moved": moves_as_json(result.moved),
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
    store: Store,
    as_of: int,
    extent: Extent = WHOLE,
    source: Source | None = None,
    training: Mapping[str, int] | None = None,
) -> dict[str, Any]:
    """Return the certificate of a source's features as of a closed day, plain values; `verdict` is clean or leaking.

    What declarations bar is not tried. Of a `source` that is given, the raw data beneath its views are poisoned too;
    `training` counts the faults of a data set, as `training_faults` does, and any of them is a leak. Raises HistoryError
    where the day is not closed, or lies before most tables begin.
    """
    check_day(store, as_of)
    check_enough_recorded(store, as_of)
    begun = time.process_time()
    excerpt = excerpt_of(store, extent.enterprises)
    offences = barred(catalogue_of(store), store.source)
    findings = Findings(barred=offences) if offences else trial(excerpt, as_of, extent)
    findings.training = training or {}
    if source is not None:
        findings.misdated = misdated(source, store)
        findings.quick = _undeclared_quick(source, excerpt)
        findings.add(beneath(source, as_of, extent.seeds[0]))
    statement = certificate_statement(store, excerpt, as_of, findings)
    seconds = time.process_time() - begun
    return {
        **statement,
        "certificate_digest": certificate_digest(statement),
        "cpu_seconds": round(seconds, 1),
    }


def _undeclared_quick(source: Source, excerpt: Excerpt) -> list[str]:
    """Return the tables in the contract's own form that never know a row later than it happened.

    What views read is left to the poison beneath them.
    """
    files = {table for table, place in source.tables.items() if place.suffix != ".sql"}
    return [table for table in never_later(excerpt) if table in files]


def check_enough_recorded(store: Store, as_of: int) -> None:
    """Raise HistoryError where fewer than half of the tables that have rows had one by a day: its features say little."""
    first = first_telling_day(store)
    if first is not None and as_of < first:
        raise HistoryError(
            f"most tables of {store.source.name!r} hold nothing recorded by {date_of(as_of)}, and a certificate "
            f"would say little; take {date_of(first)}, the first day on which half of them do, or a later one"
        )


def first_telling_day(store: Store) -> int | None:
    """Return the first day on which half of the tables that have rows had one; None where none has any."""
    # by the median table, as one that began late must not hold up the certificate of all others
    beginnings = [store.begins(table) for table in store.tables]
    days = sorted(day for day in beginnings if day is not None)
    middle = (len(days) - 1) // 2
    return days[middle] if days else None


def trial(excerpt: Excerpt, as_of: int, extent: Extent) -> Findings:
    """Return what comes to light when an excerpt is read in every way, and again each time it is poisoned after the day.

    First the clean excerpt: features by each way of reading, literal meaning, labels. Then each kind of poison alone, and
    all kinds together under each seed; after these nothing known by the day may differ.
    """
    findings = Findings()
    seed = extent.seeds[0]
    with loaded(excerpt) as clean:
        inquiry = inquiry_of(clean, as_of)
        before = every_way(clean, inquiry, excerpt, extent.ways)
        rows_before = holdings(clean, as_of)
        findings.misread = misread(clean, excerpt, as_of, extent.read) | in_other_ways(before)
        if BATCHES in extent.ways:
            findings.misread |= misread_in_batches(clean, inquiry) | unlike_spark(clean, as_of)
        findings.labels = faults_of(clean, excerpt, FAULTS)
        if KNOWN in extent.ways:
            findings.resting = resting(engine_of(clean), excerpt, as_of, seed)
        other_day = neighbour(as_of)
        if NEIGHBOUR in extent.ways and other_day >= clean.first_known:
            findings.take(on_another_day(clean, excerpt, other_day, seed))
    findings.digests = {name: digest_of_matrix(view) for name, view in before.items()}
    clean_state = Before(inquiry, before, rows_before)
    poisons = [(kind, seed) for kind in extent.kinds]
    poisons += [("together", each) for each in extent.seeds]
    for kind, poison_seed in poisons:
        poisoned = poisoned_excerpt(excerpt, kind, day=as_of, seed=poison_seed)
        findings.take(_poison_result(findings, poisoned, clean_state, extent))
    return findings


def _poison_result(
    findings: Findings, poisoned: Poisoned, clean: Before, extent: Extent
) -> PoisonResult:
    """Return what a poisoned excerpt moves of the day; of all kinds together, note what is read otherwise too."""
    inquiry = clean.inquiry
    with loaded(poisoned.excerpt) as store:
        # only all kinds together are read in every way: each way costs as much as the city itself
        if poisoned.kind == "together":
            excerpt = accepted(store, poisoned.excerpt)
            after = every_way(store, inquiry, excerpt, extent.ways)
            _read_poisoned(findings, store, excerpt, inquiry.day + REACH, extent.read)
            if FED in extent.ways:
                unlike_loaded = unlike_fed(store, poisoned, (after, inquiry))
                findings.misread = greater_moves(findings.misread, unlike_loaded)
        else:
            after = city(store, inquiry)
        refused = refused_by(store)
        moved_rows = unlike(clean.rows, holdings(store, inquiry.day))
    before = {view: clean.features[view] for view in after}
    return PoisonResult(poisoned, refused, compared_matrices(before, after) | moved_rows)


def _read_poisoned(
    findings: Findings, store: Store, excerpt: Excerpt, day: int, units: int
) -> None:
    """Note the features and labels of a poisoned history that mean something else, read literally days later."""
    misread_later = misread(store, excerpt, day, units)
    findings.misread = greater_moves(findings.misread, misread_later)
    for name, faults in faults_of(store, excerpt, READING).items():
        findings.labels[f"{name}, poisoned"] = faults


def on_another_day(clean: Store, excerpt: Excerpt, day: int, seed: int) -> PoisonResult:
    """Poison an excerpt after another day and compare what is said of that day."""
    before = state_of_day(clean, day)
    poisoned = poisoned_excerpt(excerpt, "together", day=day, seed=seed)
    with loaded(poisoned.excerpt) as store:
        moved = labelled_moves(NEIGHBOUR, moved_on(day, before, store))
        renamed = replace(poisoned, kind=NEIGHBOUR)
        return PoisonResult(renamed, refused_by(store), moved)


def refused_by(store: Store) -> int:
    """Return how many rows a load refused."""
    return sum(table["refused"] for table in store.summary["tables"].values())


def unlike_fed(
    store: Store, poisoned: Poisoned, read_of_loaded: tuple[Mapping[str, Matrix], Inquiry]
) -> dict[str, Moved]:
    """Return what a store that was fed by days says otherwise than one loaded at once, of the day and days after it."""
    after, inquiry = read_of_loaded
    later = replace(inquiry, day=inquiry.day + REACH)
    cities = {entity: after[entity] for entity in inquiry.entities}
    with fed(poisoned.excerpt, (inquiry.day, inquiry.day + 1)) as other:
        moves = compared_matrices(city(store, later), city(other, later))
        moves |= compared_matrices(cities, city(other, inquiry))
    return labelled_moves(FED, moves)


def moves_as_json(moved: Mapping[str, Moved]) -> dict[str, Any]:
    """Return moves as plain values, the most units first."""
    most_first = sorted(moved, key=lambda name: (-moved[name].units, name))
    return {name: moved[name].as_json() for name in most_first}


def certificate_statement(
    store: Store, excerpt: Excerpt, as_of: int, findings: Findings
) -> dict[str, Any]:
    """Return what a certificate says, without what it cost."""
    catalogue = catalogue_of(store)
    return {
        "source": store.source.name,
        "fingerprint": store.fingerprint,
        "as_of": date_of(as_of).isoformat(),
        "verdict": "clean" if findings.clean else "leaking",
        "catalogue_digest": catalogue_digest(catalogue),
        "excerpt": {
            "enterprises": excerpt.enterprises,
            "whole": excerpt.whole,
            "rows": {name: frame.height for name, frame in excerpt.frames.items()},
        },
        "matrices": findings.digests,
        "poisons": findings.poisons,
        "features_moved": moves_as_json(findings.moved),
        "features_misread": moves_as_json(findings.misread),
        "labels": findings.labels,
        "training": dict(findings.training),
        "undeclared": findings.undeclared,
        "misdated": findings.misdated,
        "barred": findings.barred,
        "never_later": never_later(excerpt),
        "quick": findings.quick,
        "untried": findings.untried,
        "unmoved": findings.resting.unmoved,
        "not_shown": findings.resting.not_shown,
        "catalogue": spelled(catalogue),
    }


def certificate_digest(statement: Mapping[str, Any]) -> str:
    """Return the SHA-256 of what a certificate says."""
    text = json.dumps(statement, sort_keys=True, ensure_ascii=False, allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()
