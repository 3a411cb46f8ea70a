"""Provenance: a case's vector and facts computed again from the history of its day, and compared with the record."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from features.engine.matrices import catalogue_of, matrix_of_cases
from features.matrix import Matrix
from features.online.counterfactual import (
    Counterfactual,
    sent_counterfactual,
    stored_counterfactual,
)
from features.online.lineage import Fact
from features.online.request import evaluate_rows
from features.store.store import Store
from models.bundle.bundle import Bundle
from models.explain.evidence import evidence
from models.explain.explain import explain
from models.explain.reasons import reasons_of
from serving.ledger.record import Case, Record, record_matrix, vector_of
from serving.replay.checks import Check, differs, of_floats
from serving.scoring.scorer import plain_reason

Facts = Mapping[str, tuple[Fact, ...]]


def from_history(
    record: Record, case: Case, facts: Facts, bundle: Bundle, store: Store | None
) -> list[Check]:
    """Return the checks of vector and facts: from the rows that the request sent, else from the store's."""
    if store is None:
        words = ("当日数据不在手边", "the history of that day is not at hand")
        return [Check("vector", "not_rebuilt", *words), Check("facts", "not_rebuilt", *words)]
    known = _known(record, case, store)
    gone = [name for name in record.features if name not in known.names]
    if gone:
        words = ("特征目录已改变", "the catalogue of features has changed")
        return [
            differs("vector", "目录中已无", "no longer in the catalogue", gone),
            Check("facts", "not_rebuilt", *words),
        ]
    return [
        _vector(record, case, known),
        _facts(case, facts, bundle, known, _history(case, known, store)),
    ]


def retold_row(record: Record, case: Case, bundle: Bundle, store: Store | None) -> Case:
    """Return a row of a batch with its contributions, and with reasons where the history is at hand: made now."""
    inputs = record_matrix(record, case)
    contributions = explain(bundle, inputs).contributions[0]
    if store is None:
        return replace(case, contributions=contributions)
    known = _known(record, case, store)
    facts = evidence(bundle, known, contributions, _history(case, known, store))
    reasons = [plain_reason(reason) for reason in reasons_of(bundle, inputs, contributions, facts)]
    return replace(case, contributions=contributions, reasons=reasons)


def _known(record: Record, case: Case, store: Store) -> Matrix:
    if case.history is not None:
        return evaluate_rows(store, record.entity, case.key, case.as_of, case.history)
    return matrix_of_cases(store, record.entity, [case.key], np.array([case.as_of]))


def _history(case: Case, known: Matrix, store: Store) -> Counterfactual:
    if case.history is not None:
        return sent_counterfactual(store, catalogue_of(store), known, case.history)
    return stored_counterfactual(store, catalogue_of(store), known)


def _vector(record: Record, case: Case, known: Matrix) -> Check:
    values, texts = vector_of(known, 0, record.features)
    other = [name for name in record.categories if texts.get(name) != case.texts.get(name)]
    if other:
        return differs(
            "vector", f"{len(other)} 项类别不同", f"{len(other)} categories differ", other
        )
    return of_floats("vector", record.features, case.values, values)


def _facts(
    case: Case, facts: Facts, bundle: Bundle, known: Matrix, history: Counterfactual
) -> Check:
    if not len(case.contributions):
        return Check("facts", "not_rebuilt", "批量记录不存事实", "a batch records no facts")
    rebuilt = evidence(bundle, known, case.contributions, history)
    if rebuilt == facts:
        return Check("facts", "identical")
    other = [name for name in {**facts, **rebuilt} if facts.get(name) != rebuilt.get(name)]
    return differs("facts", f"{len(other)} 项事实不同", f"{len(other)} facts differ", other)
