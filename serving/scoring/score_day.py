"""The roll of a day: every living unit scored as one batch, under one record, durable before anything is shown."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np

from features.calendar import date_of
from features.engine import dormancy
from features.engine.engine import engine_of
from features.matrix import Matrix
from features.store.store import Store
from models.bundle.bundle import Bundle
from models.bundle.generation import DayPointer, publish_days
from models.bundle.interval import plain_interval
from models.bundle.score import Scores
from serving.answers import PRIORITY_ONLY
from serving.database.place import ledger_place
from serving.day.write import write_day
from serving.ledger.ledger import Ledger
from serving.ledger.record import Plain
from serving.scoring.batch import write_batch_rows
from serving.scoring.day_units import day_head, day_units
from serving.scoring.living_scores import LivingScoring, scored_here
from serving.scoring.opening import history_of
from serving.scoring.ranks import Ranks
from serving.scoring.scorer import Scorer
from serving.scoring.transcript import RecordedOutcome, outcome_entry, question_of

TOP = 10
"""Units that the summary of a batch names; a choice: the file has them all."""


@dataclass(frozen=True, slots=True)
class Rolling:
    """Who rolls a day, when, and under which idempotency key, so that a run that was stopped is not recorded twice.

    `scoring` says where the units are scored; it changes no bit of what is recorded.
    """

    caller: str
    moment: datetime
    retry_key: str | None
    scoring: LivingScoring = scored_here


def roll(
    home: Path, store: Store, bundle: Bundle, *, caller: str, moment: datetime
) -> dict[str, Any]:
    """Score every living unit in this process, as `published_roll` does."""
    return published_roll(home, store, bundle, Rolling(caller, moment, retry_key=None))


def published_roll(home: Path, store: Store, bundle: Bundle, rolling: Rolling) -> dict[str, Any]:
    """Score every living unit as of the last closed day, record the whole as one batch, and return its summary.

    The rows lie under `home/batches`, the scored day under `home/days`, the record in the ledger; where that cannot
    be written nothing is returned. The day is answered from at once.
    """
    record_id, summary = recorded_roll(home, store, bundle, rolling)
    pointer = pointer_to(store, bundle, record_id, summary["day"])
    publish_days(home / "bundles", store.source.name, history_of(store), {bundle.target: pointer})
    return {"record_id": record_id, **summary}


def recorded_roll(
    home: Path, store: Store, bundle: Bundle, rolling: Rolling
) -> tuple[str, dict[str, Any]]:
    """Score every living unit as `roll` does, and return record and summary; the day is not answered from yet."""
    scored = rolling.scoring(store, bundle)
    living, scores = scored.living, scored.scores
    scorer = scorer_of_day(store, bundle, living, scores)
    # the files come first, as the record names their digests
    rows = write_batch_rows(home / "batches", living, scores)
    head = day_head(scorer, bundle, scored)
    folder, day = write_day(home / "days", head, day_units(scorer, bundle, scored))
    rows = replace(rows, day=day)
    summary = {
        **request_of(store, bundle),
        "entity": bundle.entity,
        "model_digest": bundle.digest,
        "rows": rows.count,
        "root": rows.root,
        "day": {"folder": folder.name, "digest": day.digest, "root": day.root},
        "priority_only": PRIORITY_ONLY,
        "unit_expected": bundle.manifest.unit_expected,
        "coverage": scores.coverage,
        "top": top_of(living, scores),
    }
    if scorer.dormancy is not None:
        summary["dormant"] = dormancy.dormancy_as_json(scorer.dormancy)
    question = question_of(rolling.caller, request_of(store, bundle), rolling.retry_key)
    outcome = RecordedOutcome("batch", bundle.forest.base, summary, rows=rows)
    entry = outcome_entry(store, bundle, question, outcome, moment=rolling.moment)
    with Ledger(ledger_place(home)) as ledger:
        receipt = ledger.append(entry).result()
    return receipt.record_id, summary


def pointer_to(store: Store, bundle: Bundle, record_id: str, day: Mapping[str, Any]) -> DayPointer:
    """Return what names a scored day that is whole and recorded, to be answered from."""
    return DayPointer(
        folder=day["folder"],
        digest=day["digest"],
        batch=record_id,
        store=f"{store.summary['name']}-{store.fingerprint}",
        bundle=bundle.digest,
    )


def scorer_of_day(store: Store, bundle: Bundle, living: Matrix, scores: Scores) -> Scorer:
    """Return what scores a unit of the day alone, as a service does, with the ranks that these scores give."""
    engine = engine_of(store)
    asleep = None
    if bundle.entity == "enterprise":
        asleep = dormancy.dormancy(engine, store.complete_to)
    # a unit's rank is looked up in ascending keys
    order = np.argsort(living.keys)
    ranks = Ranks(living.keys[order], scores.raw[order])
    return Scorer(engine, {bundle.target: bundle}, {bundle.target: ranks}, asleep)


def request_of(store: Store, bundle: Bundle) -> dict[str, str]:
    """Return what a roll was asked for: target, source and day."""
    return {
        "target": bundle.target,
        "source": store.fingerprint,
        "as_of": date_of(store.complete_to).isoformat(),
    }


def top_of(living: Matrix, scores: Scores) -> list[Plain]:
    """Return the TOP units by raw score, equal scores sharing a rank."""
    highest_first = np.argsort(-scores.raw, kind="stable")
    units: list[Plain] = []
    for place in highest_first[:TOP].tolist():
        higher = int((scores.raw > scores.raw[place]).sum())
        unit = {
            "id": str(living.keys[place]),
            "rank": 1 + higher,
            "score": float(scores.probability[place]),
            "expected": scores.expected_of(place),
            "interval": plain_interval(scores.interval_of(place)),
        }
        units.append(unit)
    return units
