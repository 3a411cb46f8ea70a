"""A whole day: every model in use scores it under a record of its own, and only then all of it is answered from at once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from features.catalogue.digest import catalogue_digest
from features.engine.engine import engine_of
from features.files import reached
from features.store.store import Store
from models.bundle.bundle import Bundle
from models.bundle.generation import DayPointer, Generation, publish_days
from models.explain.explain import EXPLAINER
from models.explain.reasons import FORM
from serving.database.place import ledger_place
from serving.day.scored_day import ScoredDay
from serving.errors import DayUnusable
from serving.ledger.by_key import record_by_retry_key
from serving.ledger.day_reference import day_folder
from serving.ledger.entries import canonical, sha256_of
from serving.ledger.record import record_of
from serving.scoring.opening import history_of
from serving.scoring.score_day import Rolling, pointer_to, recorded_roll
from serving.scoring.transcript import question_of

CALLER = "lssi day"
"""Who scores a whole day, as the ledger names it."""


@dataclass(frozen=True, slots=True)
class ScoredTarget:
    """A model's scored day: the record of its batch, its units, and whether a run before this one had written it."""

    target: str
    record_id: str
    units: int
    was_there: bool


@dataclass(frozen=True, slots=True)
class PublishedWhole:
    """What was published: the generation, and the scored day of each model."""

    generation: Generation
    scored: tuple[ScoredTarget, ...]


def publish_whole_day(
    home: Path, store: Store, bundles: Mapping[str, Bundle], moment: datetime
) -> PublishedWhole:
    """Score the last closed day with every model, then let all of it be answered from at once.

    A run that was stopped is gone on with: what it has recorded is not scored again. Until the end the former day serves.
    """
    pointers: dict[str, DayPointer] = {}
    scored: list[ScoredTarget] = []
    for target, bundle in bundles.items():
        one = _recorded(home, store, bundle)
        if one is None:
            retry = retry_of(store, bundle)
            record_id, summary = recorded_roll(home, store, bundle, Rolling(CALLER, moment, retry))
            pointers[target] = pointer_to(store, bundle, record_id, summary["day"])
            scored.append(ScoredTarget(target, record_id, summary["rows"], was_there=False))
        else:
            pointers[target], units = one
            scored.append(ScoredTarget(target, pointers[target].batch, units, was_there=True))
        reached("a target of the day is scored")
    generation = publish_days(home / "bundles", store.source.name, history_of(store), pointers)
    return PublishedWhole(generation, tuple(scored))


def retry_of(store: Store, bundle: Bundle) -> str:
    """Return the key under which a day is scored once: it changes with history, day, model and the forms of words."""
    rests_on = {
        "store": store.fingerprint,
        "day": store.complete_to,
        "bundle": bundle.digest,
        "catalogue": catalogue_digest(engine_of(store).catalogue),
        "forms": [EXPLAINER, FORM],
    }
    return sha256_of(canonical(rests_on))[:32]


def _recorded(home: Path, store: Store, bundle: Bundle) -> tuple[DayPointer, int] | None:
    """Return the day that an earlier run scored and recorded, with its units; None where there is none, or it is damaged."""
    question = question_of(CALLER, {}, retry_of(store, bundle))
    stored = record_by_retry_key(ledger_place(home), question.retry_key or "")
    rows = None if stored is None or stored.payload is None else record_of(stored.payload).rows
    if stored is None or rows is None or rows.day is None:
        return None
    folder = day_folder(bundle.target, store.complete_to, rows.day)
    try:
        ScoredDay(home / "days" / folder, rows.day.digest)
    except DayUnusable:
        return None
    day = {"folder": folder, "digest": rows.day.digest}
    return pointer_to(store, bundle, stored.record_id, day), rows.count
