"""A case scored again after an appeal: as it was, and as if its decision had been known on the last closed day."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from features.calendar import date_of
from features.engine.engine import engine_of
from features.engine.matrices import matrix_of_cases
from features.engine.population import check_day
from features.errors import UnknownId
from features.store.appeals.foreseen import foreseen_store
from features.store.store import Store
from models.bundle.bundle import Bundle
from models.bundle.score import score
from serving.ledger.act import Act, Seen, act_entry, subject_digest
from serving.ledger.entries import Receipt
from serving.loop.act_once import Doer, Loop
from serving.requests import LodgedAppeal
from serving.scoring.transcript import KEPT_DAYS

_SHORT = 16
"""Hex digits of a model's digest in an idempotency key; a choice: 64 bits, so that two models never share a key."""


def rescore(
    loop: Loop,
    bundles: Mapping[str, Bundle],
    asked: LodgedAppeal,
    *,
    appealed: Receipt,
    doer: Doer,
) -> list[dict[str, Any]]:
    """Return what each model in use says of the appellant as it was and as decided, each pair recorded in the ledger.

    Nothing for an appeal that is not upheld, where no model scores the appellant, or where the register of the last closed
    day lacks it.
    """
    kind, unit = asked.unit
    of_kind = {target: bundle for target, bundle in bundles.items() if bundle.entity == kind}
    if not (asked.upheld and of_kind):
        return []
    with foreseen_store(loop.store, loop.journal, asked.appeal) as corrected:
        pairs = {
            target: (_scored(loop.store, bundle, unit), _scored(corrected, bundle, unit))
            for target, bundle in of_kind.items()
        }
    rescored: list[dict[str, Any]] = []
    for target, (was, now) in pairs.items():
        if was is not None and now is not None:
            comparison = {
                "appeal_record": appealed.record_id,
                kind: unit,
                "target": target,
                "as_of": date_of(loop.store.complete_to).isoformat(),
                "unit_expected": of_kind[target].manifest.unit_expected,
                "was": was,
                "corrected": now,
            }
            receipt = _recorded(loop, comparison, of_kind[target], doer)
            rescored.append({**comparison, "record_id": receipt.record_id})
    return rescored


def _scored(store: Store, bundle: Bundle, unit: str) -> dict[str, float | None] | None:
    """Return score and expected number of a unit on the last closed day, None where its register lacks it."""
    day = store.complete_to
    check_day(store, day)
    try:
        features = matrix_of_cases(engine_of(store), bundle.entity, [unit], np.array([day]))
    except UnknownId:
        return None
    scores = score(bundle, features)
    return {"score": float(scores.probability[0]), "expected": scores.expected_of(0)}


def _recorded(loop: Loop, said: Mapping[str, Any], bundle: Bundle, doer: Doer) -> Receipt:
    """Record a pair of scores: no score leaves without its record."""
    content = {"source": loop.source, **said}
    subject = subject_digest({"appeal": said["appeal_record"]})
    key = f"rescored-{said['appeal_record']}-{bundle.digest[:_SHORT]}"
    act = Act("rescored", doer.who, key, subject, content)
    seen = Seen(loop.store.complete_to, loop.store.complete_to, bundle.digest)
    entry = act_entry(act, seen, moment=doer.moment, kept_days=KEPT_DAYS)
    return loop.ledger.append(entry).result()
