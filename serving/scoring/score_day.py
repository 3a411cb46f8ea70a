"""The roll of a day: every living unit scored as one batch, under one record, durable before anything is shown."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np

from features.calendar import date_of
from features.engine import dormancy
from features.engine.engine import engine_of
from features.engine.matrices import matrix
from features.matrix import Matrix
from features.store.store import Store
from models.bundle.bundle import Bundle
from models.bundle.interval import plain_interval
from models.bundle.score import Scores, score
from models.explain.explain import explain
from serving.answers import PRIORITY_ONLY
from serving.database.place import ledger_place
from serving.ledger.ledger import Ledger
from serving.ledger.record import Plain
from serving.scoring.batch import write_batch_rows
from serving.scoring.transcript import RecordedOutcome, outcome_entry, question_of

TOP = 10
"""Units that the summary of a batch names; a choice: the file has them all."""


def roll(
    home: Path, store: Store, bundle: Bundle, *, caller: str, moment: datetime
) -> dict[str, Any]:
    """Score every living unit as of the last closed day, record the whole as one batch, and return its summary.

    The rows lie under `home/batches`, the record in the ledger; where that cannot be written nothing is returned.
    """
    living = matrix(store, bundle.entity, store.complete_to)
    scores = score(bundle, living)
    rows = write_batch_rows(home / "batches", living, scores)
    summary = {
        **request_of(store, bundle),
        "entity": bundle.entity,
        "model_digest": bundle.digest,
        "rows": rows.count,
        "root": rows.root,
        "priority_only": PRIORITY_ONLY,
        "unit_expected": bundle.manifest.unit_expected,
        "coverage": scores.coverage,
        "top": top_of(living, scores),
    }
    if bundle.entity == "enterprise":
        asleep = dormancy.dormancy(engine_of(store), store.complete_to)
        summary["dormant"] = dormancy.dormancy_as_json(asleep)
    # the base is the model's own: it is the same for every case, so none need be explained
    base = explain(bundle, living.take([])).base
    question = question_of(caller, request_of(store, bundle), None)
    outcome = RecordedOutcome("batch", base, summary, rows=rows)
    entry = outcome_entry(store, bundle, question, outcome, moment=moment)
    with Ledger(ledger_place(home)) as ledger:
        receipt = ledger.append(entry).result()
    return {"record_id": receipt.record_id, **summary}


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
