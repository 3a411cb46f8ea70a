"""Replaying a record: its score, contributions and reasons rebuilt, and compared with what was answered, bit by bit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from features.calendar import day_of
from features.matrix import Matrix
from features.online.lineage import Fact
from features.store.store import Store
from models.bundle.bundle import Bundle
from models.bundle.score import score
from models.explain.explain import EXPLAINER, explain
from models.explain.reasons import Reason, reasons_of
from serving.ledger.float_bits import float_bits
from serving.ledger.record import Case, Floats, Plain, Record, record_matrix
from serving.replay.checks import CaseReplay, Check, differs, of_floats, of_number
from serving.replay.provenance import from_history
from serving.scoring.batch import OUTPUTS


def replay_case(record: Record, case: Case, bundle: Bundle, store: Store | None) -> CaseReplay:
    """Rebuild one case from the record and its bundle, its vector and facts from the history where that is at hand."""
    inputs = record_matrix(record, case)
    scores, explained = score(bundle, inputs), explain(bundle, inputs)
    contributions = explained.contributions[0]
    expected = None if scores.expected is None else float(scores.expected[0])
    facts = {name: tuple(fact_of(fact) for fact in found) for name, found in case.facts.items()}
    checks = [
        of_number("raw", case.raw, float(scores.raw[0])),
        of_number("probability", case.probability, float(scores.probability[0])),
        of_number("expected", case.expected, expected),
        _explainer(record),
        of_number("base", record.base, explained.base),
        _contributions(record, case, contributions),
        _reasons(case, reasons_of(bundle, inputs, contributions, facts)),
        *from_history(record, case, facts, bundle, store),
        Check(
            "rank", "not_rebuilt", "名次取决于当日全部单位", "a rank rests on all units of the day"
        ),
    ]
    return CaseReplay(case.key, tuple(checks))


def replay_rows(matrix: Matrix, bundle: Bundle) -> CaseReplay:
    """Rebuild the scores of every row of a batch; `matrix` is what `serving.scoring.batch.read_rows` gave."""
    names = matrix.names[: -len(OUTPUTS)]
    known = {name: texts for name, texts in matrix.categories.items() if name in names}
    inputs = replace(matrix, names=names, values=matrix.values[:, : len(names)], categories=known)
    scores = score(bundle, inputs)
    expected = np.full(len(matrix), np.nan) if scores.expected is None else scores.expected
    rebuilt = dict(zip(OUTPUTS, (scores.raw, scores.probability, expected), strict=True))
    keys = [f"row {place}" for place in range(len(matrix))]
    checks = [
        of_floats(name.removeprefix("score."), keys, matrix.column(name), rebuilt[name])
        for name in OUTPUTS
    ]
    return CaseReplay("", tuple(checks))


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
            "contributions", "not_rebuilt", "批量记录不存贡献值", "a batch records no contributions"
        )
    return of_floats("contributions", record.features, case.contributions, rebuilt)


def _reasons(case: Case, rebuilt: Sequence[Reason]) -> Check:
    if not len(case.contributions):
        return Check("reasons", "not_rebuilt", "批量记录不存理由", "a batch records no reasons")
    told = {reason["feature"]: _reason_bits(_reason_of(reason)) for reason in case.reasons}
    now = {reason.feature: _reason_bits(reason) for reason in rebuilt}
    if list(told.items()) == list(now.items()):
        return Check("reasons", "identical")
    other = [name for name in {**told, **now} if told.get(name) != now.get(name)]
    return differs("reasons", "理由或其次序不同", "the reasons or their order differ", other)


def fact_of(plain: Plain) -> Fact:
    """Return the fact that a record holds."""
    first, last = (
        day_of(day) if isinstance(day, str) else day for day in (plain["first"], plain["last"])
    )
    words = {name: plain[name] for name in ("measure", "table", "zh", "en", "value", "unit")}
    return Fact(
        **words, first=first, last=last, row_ids=tuple(plain["row_ids"]), n_rows=plain["rows"]
    )


def _reason_of(plain: Plain) -> Reason:
    facts = tuple(fact_of(fact) for fact in plain["facts"])
    return Reason(plain["feature"], plain["contribution"], plain["zh"], plain["en"], facts)


def _reason_bits(reason: Reason) -> tuple[object, ...]:
    return (reason.feature, float_bits(reason.contribution), reason.zh, reason.en, *reason.facts)
