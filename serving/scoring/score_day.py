"""The roll of a day: every living unit scored as one batch, under one record, durable before anything is shown."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np

from features.calendar import date_of, day_of
from features.engine import dormancy
from features.engine.matrices import catalogue_of, matrix
from features.matrix import Matrix
from features.store.store import Store
from models.bundle.bundle import Bundle
from models.bundle.score import Scores, score
from models.explain.explain import EXPLAINER, explain
from serving.answers import PRIORITY_ONLY
from serving.ledger.entries import canonical, sha256_of
from serving.ledger.ledger import Ledger
from serving.ledger.record import Plain, Record, entry_of
from serving.scoring.batch import write_batch_rows
from serving.scoring.transcript import KEPT_DAYS

TOP = 10


def roll(
    home: Path, store: Store, bundle: Bundle, *, caller: str, moment: datetime
) -> dict[str, Any]:
    """Score every living unit as of the last closed day, record the whole as one batch, and return its summary.

    The rows lie under `home/batches`, the record in `home/ledger.db`; where that cannot be written nothing is returned.
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
        "top": top_of(living, scores),
    }
    if bundle.entity == "enterprise":
        summary["dormant"] = dormancy.dormancy_as_json(
            dormancy.dormancy(store, catalogue_of(store), store.complete_to)
        )
    record = Record(
        kind="batch",
        at=moment.isoformat(timespec="milliseconds"),
        caller=caller,
        request=sha256_of(canonical(request_of(store, bundle))),
        store=f"{store.summary['name']}-{store.fingerprint}",
        target=bundle.target,
        entity=bundle.entity,
        as_of=store.complete_to,
        complete_to=store.complete_to,
        bundle=bundle.digest,
        explainer=EXPLAINER,
        base=explain(bundle, living.take([])).base,
        features=bundle.manifest.names,
        cases=(),
        answer=summary,
        rows=rows,
        categories=tuple(
            feature.name for feature in bundle.features if feature.categories is not None
        ),
    )
    keep_until = day_of((moment + timedelta(days=KEPT_DAYS)).date())
    with Ledger(home / "ledger.db") as ledger:
        receipt = ledger.append(entry_of(record, keep_until)).result()
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
    order = np.argsort(-scores.raw, kind="stable")[:TOP].tolist()
    return [
        {
            "id": str(living.keys[place]),
            "rank": 1 + int((scores.raw > scores.raw[place]).sum()),
            "score": float(scores.probability[place]),
            "expected": None if scores.expected is None else float(scores.expected[place]),
        }
        for place in order
    ]
