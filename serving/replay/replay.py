"""Replaying a record: its score, contributions and reasons rebuilt, and compared with what was answered, bit by bit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from features.matrix import Matrix
from features.online.fact import Fact
from features.store.store import Store
from models.bundle.bundle import Bundle
from models.bundle.interval import Interval
from models.bundle.score import Scores, score
from models.bundle.second_engine import SecondEngine
from models.explain.expected_words import expected_words
from models.explain.explain import EXPLAINER, explain
from models.explain.reasons import FORM, Reason, reasons_of
from serving.ledger.float_bits import float_bits
from serving.ledger.reasons import fact_of, reason_of
from serving.ledger.record import Case, Floats, Record, record_matrix
from serving.replay.checks import (
    SECOND_ENGINE,
    CaseReplay,
    Check,
    different_names,
    differs,
    of_floats,
    of_interval,
    of_number,
    of_words,
    other_form,
    widest_gap,
)
from serving.replay.provenance import from_history
from serving.scoring.batch import columns_of, inputs_of_batch

RANK = Check(
    "rank", "not_rebuilt", "名次取决于当日全部单位", "a rank rests on all units of the day"
)


def replay_case(record: Record, case: Case, bundle: Bundle, store: Store | None) -> CaseReplay:
    """Rebuild one case from the record and its bundle, its vector and facts from the history where that is at hand."""
    inputs = record_matrix(record, case)
    scores = score(bundle, inputs)
    explained = explain(bundle, inputs)
    contributions = explained.contributions[0]
    facts = _recorded_facts(case)
    reasons = reasons_of(bundle, inputs, contributions, facts)
    checks = _score_checks(case, scores)
    words = expected_words(bundle, inputs, scores, 0)
    checks += _number_checks(record, case, scores.interval_of(0), words)
    checks.append(_explainer(record))
    checks.append(of_number("base", record.base, explained.base))
    checks.append(_contributions(record, case, contributions))
    checks += _reason_checks(record, case, reasons)
    checks += from_history(record, case, facts, bundle, store)
    checks.append(RANK)
    return CaseReplay(case.key, tuple(checks))


def second_case(record: Record, case: Case, bundle: Bundle, engine: SecondEngine) -> Check:
    """Return whether both engines compute the same score of a case."""
    return second_check(bundle, engine, record_matrix(record, case))


def second_rows(matrix: Matrix, bundle: Bundle, engine: SecondEngine) -> Check:
    """Return whether both engines compute the same scores of every row of a batch."""
    return second_check(bundle, engine, _without_outputs(matrix))


def second_check(bundle: Bundle, engine: SecondEngine, matrix: Matrix) -> Check:
    """Return whether both engines compute the same scores of a matrix, to the bit."""
    first = columns_of(score(bundle, matrix))
    second = columns_of(engine.scores(bundle, bundle.matrix(matrix)))
    names = [f"{name.removeprefix('score.')} {key}" for name in first for key in matrix.keys]
    return of_floats(
        SECOND_ENGINE,
        names,
        np.concatenate(list(first.values())),
        np.concatenate(list(second.values())),
    )


def _score_checks(case: Case, scores: Scores) -> list[Check]:
    """Return the checks of one case's three outputs."""
    return [
        of_number("raw", case.raw, float(scores.raw[0])),
        of_number("probability", case.probability, float(scores.probability[0])),
        of_number("expected", case.expected, scores.expected_of(0)),
    ]


def _number_checks(
    record: Record, case: Case, interval: Interval | None, words: Mapping[str, str] | None
) -> list[Check]:
    """Return the checks of the interval and of the words of a case's number, none where neither side has any."""
    checks = []
    if case.interval is not None or interval is not None:
        checks.append(of_interval("interval", case.interval, interval))
    if case.expected_words is not None and record.reasons_form != FORM:
        checks.append(other_form("expected_words", record))
    elif case.expected_words is not None or words is not None:
        checks.append(of_words("expected_words", case.expected_words, words))
    return checks


def _recorded_facts(case: Case) -> dict[str, tuple[Fact, ...]]:
    """Return the facts that a case records, by feature."""
    facts: dict[str, tuple[Fact, ...]] = {}
    for name, facts_of_feature in case.facts.items():
        facts[name] = tuple(fact_of(plain) for plain in facts_of_feature)
    return facts


def replay_rows(matrix: Matrix, bundle: Bundle) -> CaseReplay:
    """Rebuild the scores of every row of a batch; `matrix` is what `serving.scoring.batch.read_rows` gave."""
    scores = score(bundle, _without_outputs(matrix))
    outputs = columns_of(scores)
    keys = [f"row {place}" for place in range(len(matrix))]
    checks = []
    for name in matrix.names:
        if name in outputs:
            field = name.removeprefix("score.")
            checks.append(of_floats(field, keys, matrix.column(name), outputs[name]))
    return CaseReplay("", tuple(checks))


def _without_outputs(matrix: Matrix) -> Matrix:
    """Return the features of a batch, without the scores that stand in its last columns."""
    names = inputs_of_batch(matrix)
    values = matrix.values[:, : len(names)]
    categories = {name: texts for name, texts in matrix.categories.items() if name in names}
    return replace(matrix, names=names, values=values, categories=categories)


def _explainer(record: Record) -> Check:
    if record.explainer == EXPLAINER:
        return Check("explainer", "identical")
    words = f"{record.explainer} -> {EXPLAINER}"
    return Check(
        "explainer", "different", f"说明方法已换：{words}", f"the explainer has changed: {words}"
    )


def _contributions(record: Record, case: Case, rebuilt: Floats) -> Check:
    if not len(case.contributions):
        return Check(
            "contributions", "not_rebuilt", "此记录不存贡献值", "this record keeps no contributions"
        )
    return of_floats("contributions", record.features, case.contributions, rebuilt)


def _reason_checks(record: Record, case: Case, rebuilt: Sequence[Reason]) -> list[Check]:
    """Return the checks of the reasons; of those of another form, features, contributions and facts without the words."""
    if not len(case.contributions):
        none = Check("reasons", "not_rebuilt", "此记录不存理由", "this record keeps no reasons")
        return [none]
    recorded = [reason_of(plain) for plain in case.reasons]
    if record.reasons_form == FORM:
        return [_reasons(recorded, rebuilt)]
    without_words = _reasons(_wordless(recorded), _wordless(rebuilt))
    return [without_words, other_form("reason_words", record)]


def _wordless(reasons: Sequence[Reason]) -> list[Reason]:
    return [replace(reason, zh="", en="", check_zh="", check_en="") for reason in reasons]


def _reasons(recorded: Sequence[Reason], rebuilt: Sequence[Reason]) -> Check:
    recorded_bits = {reason.feature: _reason_bits(reason) for reason in recorded}
    rebuilt_bits = {reason.feature: _reason_bits(reason) for reason in rebuilt}
    # as lists, because the order of the reasons counts too
    if list(recorded_bits.items()) == list(rebuilt_bits.items()):
        return Check("reasons", "identical")
    different = different_names(recorded_bits, rebuilt_bits)
    check = differs("reasons", "理由或其次序不同", "the reasons or their order differ", different)
    if _said_alike(recorded) != _said_alike(rebuilt):
        return check
    gap = widest_gap(_shares(recorded), _shares(rebuilt))
    return replace(check, gap=gap)


def _said_alike(reasons: Sequence[Reason]) -> list[Reason]:
    """Return reasons without their contributions."""
    return [replace(reason, contribution=0.0) for reason in reasons]


def _shares(reasons: Sequence[Reason]) -> Floats:
    return np.array([reason.contribution for reason in reasons])


def _reason_bits(reason: Reason) -> tuple[object, ...]:
    """Return what tells a reason apart, its contribution by its bits."""
    words = (reason.zh, reason.en, reason.check_zh, reason.check_en)
    return (reason.feature, float_bits(reason.contribution), *words, *reason.facts)
