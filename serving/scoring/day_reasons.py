"""The reasons of units' scores on any closed day, as a plan of that day's week tells them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from features.engine.engine import engine_of
from features.engine.evaluation import evaluation
from features.store.store import Store
from models.bundle.bundle import Bundle
from models.explain.case_reasons import AT_ONCE, case_reasons
from models.explain.explain import explain
from models.explain.reasons import Reason
from models.explain.sentence import without_rows
from models.explain.wording import LANGUAGES
from serving.ledger.reasons import plain_reason

STRONGEST = 3
"""Reasons that are told; a choice: what an inspector reads at a door."""


def day_reasons(store: Store, bundle: Bundle, as_of: int, unit: str) -> list[dict[str, Any]]:
    """Return the strongest reasons that raise a unit's score, by what was known on a day, as plain values."""
    return [dict(plain_reason(reason)) for reason in _strongest(store, bundle, as_of, [unit])[unit]]


def listed_reasons(
    store: Store, bundle: Bundle, as_of: int, units: Iterable[str]
) -> dict[str, list[dict[str, Any]]]:
    """Return by unit the strongest reasons that raise its score on a day, as plain values.

    Their sentences name no row, so that a list of many units can be read: the rows stand in the reasons' facts alone.
    """
    # in this order their rows lie side by side, which is how they are read fastest
    names = sorted(set(units))
    reasons_of: dict[str, list[dict[str, Any]]] = {}
    for first in range(0, len(names), AT_ONCE):
        batch = names[first : first + AT_ONCE]
        for name, reasons in _strongest(store, bundle, as_of, batch).items():
            reasons_of[name] = [_for_a_list(reason) for reason in reasons]
    return reasons_of


def _strongest(
    store: Store, bundle: Bundle, as_of: int, units: list[str]
) -> dict[str, list[Reason]]:
    """Return by unit its strongest reasons, evaluated together."""
    engine = engine_of(store)
    evaluated = evaluation(engine, bundle.entity, as_of, units)
    contributions = explain(bundle, evaluated.matrix).contributions
    cases = case_reasons(engine, bundle, evaluated, contributions)
    return {name: case.reasons[:STRONGEST] for name, case in zip(units, cases, strict=True)}


def _for_a_list(reason: Reason) -> dict[str, Any]:
    """Return a reason as plain values, its sentences without the numbers of rows."""
    plain = dict(plain_reason(reason))
    for language in LANGUAGES:
        plain[language] = without_rows(plain[language], reason.facts, language)
    return plain
