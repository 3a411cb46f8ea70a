"""Provenance: a case's vector and facts computed again from the history of its day, and compared with the record."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from features.engine.engine import engine_of
from features.engine.evaluated import Evaluation
from features.engine.evaluation import evaluation
from features.matrix import Matrix
from features.online.fact import Fact
from features.online.request import sent_evaluation
from features.store.store import Store
from models.bundle.bundle import Bundle
from models.bundle.score import score
from models.explain.case_reasons import case_reasons
from models.explain.expected_words import expected_words
from models.explain.explain import explain
from models.explain.reasons import FORM
from serving.ledger.reasons import plain_reason
from serving.ledger.record import Case, Record, record_matrix, vector_of
from serving.replay.checks import Check, different_names, differs, of_floats, other_form

Facts = Mapping[str, tuple[Fact, ...]]


def from_history(
    record: Record, case: Case, facts: Facts, bundle: Bundle, store: Store | None
) -> list[Check]:
    """Return the checks of vector and facts: from the rows that the request sent, else from the store's."""
    if store is None:
        zh, en = "当日数据不在手边", "the history of that day is not at hand"
        return [Check("vector", "not_rebuilt", zh, en), Check("facts", "not_rebuilt", zh, en)]
    evaluated = case_evaluation(record, case, store)
    inputs = evaluated.matrix
    gone = [name for name in record.features if name not in inputs.names]
    if gone:
        vector = differs("vector", "目录中已无", "no longer in the catalogue", gone)
        zh, en = "特征目录已改变", "the catalogue of features has changed"
        return [vector, Check("facts", "not_rebuilt", zh, en)]
    vector = _vector(record, case, inputs)
    if record.reasons_form != FORM and len(case.contributions):
        return [vector, other_form("facts", record)]
    return [vector, _facts(case, facts, bundle, evaluated, store)]


def retold_row(record: Record, case: Case, bundle: Bundle, store: Store | None) -> Case:
    """Return a row of a batch with its contributions, and with reasons where the history is at hand: made now."""
    inputs = record_matrix(record, case)
    contributions = explain(bundle, inputs).contributions
    words = expected_words(bundle, inputs, score(bundle, inputs), 0)
    if store is None:
        return replace(case, contributions=contributions[0], expected_words=words)
    evaluated = case_evaluation(record, case, store)
    [why] = case_reasons(engine_of(store), bundle, evaluated, contributions)
    return replace(
        case,
        contributions=contributions[0],
        expected_words=words,
        reasons=[plain_reason(reason) for reason in why.reasons],
    )


def case_evaluation(record: Record, case: Case, store: Store) -> Evaluation:
    """Return the evaluation of a case from the rows that its request sent, else from the store's."""
    engine = engine_of(store)
    if case.history is not None:
        return sent_evaluation(engine, record.entity, case.key, case.as_of, case.history)
    return evaluation(engine, record.entity, case.as_of, [case.key])


def _vector(record: Record, case: Case, inputs: Matrix) -> Check:
    values, texts = vector_of(inputs, 0, record.features)
    different = [name for name in record.categories if texts.get(name) != case.texts.get(name)]
    if different:
        zh, en = f"{len(different)} 项类别不同", f"{len(different)} categories differ"
        return differs("vector", zh, en, different)
    return of_floats("vector", record.features, case.values, values)


def _facts(case: Case, facts: Facts, bundle: Bundle, evaluated: Evaluation, store: Store) -> Check:
    if not len(case.contributions):
        return Check("facts", "not_rebuilt", "此记录不存事实", "this record keeps no facts")
    contributions = np.atleast_2d(case.contributions)
    [why] = case_reasons(engine_of(store), bundle, evaluated, contributions)
    rebuilt = why.facts
    if rebuilt == facts:
        return Check("facts", "identical")
    different = different_names(facts, rebuilt)
    zh, en = f"{len(different)} 项事实不同", f"{len(different)} facts differ"
    return differs("facts", zh, en, different)
