"""The reasons of a unit's score on any closed day, as a plan of that day's week tells them."""

from __future__ import annotations

from typing import Any

from features.engine.engine import engine_of
from features.engine.evaluation import evaluation
from features.online.counterfactual import Counterfactual
from features.store.store import Store
from models.bundle.bundle import Bundle
from models.explain.evidence import evidence
from models.explain.explain import explain
from models.explain.reasons import reasons_of
from serving.ledger.reasons import plain_reason

STRONGEST = 3
"""Reasons that are told; a choice: what an inspector reads at a door."""


def day_reasons(store: Store, bundle: Bundle, as_of: int, unit: str) -> list[dict[str, Any]]:
    """Return the strongest reasons that raise a unit's score, by what was known on a day, as plain values."""
    engine = engine_of(store)
    evaluated = evaluation(engine, bundle.entity, as_of, [unit])
    row = evaluated.matrix.row(0)
    contributions = explain(bundle, evaluated.matrix).contributions[0]
    history = Counterfactual(engine, evaluated.case(0))
    facts = evidence(bundle, row, contributions, history)
    reasons = reasons_of(bundle, row, contributions, facts)
    return [dict(plain_reason(reason)) for reason in reasons[:STRONGEST]]
