"""The reasons of an enterprise's score on any closed day, as a plan of that day's week tells them."""

from __future__ import annotations

from typing import Any

from features.engine.engine import engine_of
from features.engine.evaluation import evaluation
from features.store.store import Store
from models.bundle.bundle import Bundle
from models.explain.case_reasons import case_reasons
from models.explain.explain import explain
from serving.ledger.reasons import plain_reason

STRONGEST = 3
"""Reasons that are told; a choice: what an inspector reads at a door."""


def day_reasons(store: Store, bundle: Bundle, as_of: int, enterprise: str) -> list[dict[str, Any]]:
    """Return the strongest reasons that raise an enterprise's score, by what was known on a day, as plain values."""
    engine = engine_of(store)
    evaluated = evaluation(engine, "enterprise", as_of, [enterprise])
    contributions = explain(bundle, evaluated.matrix).contributions
    [case] = case_reasons(engine, bundle, evaluated, contributions)
    return [dict(plain_reason(reason)) for reason in case.reasons[:STRONGEST]]
