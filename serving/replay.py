"""Replaying a record: its score, contributions and reasons rebuilt, and compared with what was answered, bit by bit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from features.days import day_of
from features.engine import matrix_of_cases
from features.matrix import Matrix
from features.store import Store
from features.trace import Fact, trace
from models.bundle import Bundle
from models.explain import EXPLAINER, explain
from models.reasons import Reason, reasons_of
from models.score import score
from serving.batch import OUTPUTS
from serving.bits import float_bits
from serving.record import Case, Floats, Plain, Record, matrix_of, vector_of

State = Literal["identical", "different", "not_rebuilt"]
NAMED = 5


@dataclass(frozen=True, slots=True)
class Check:
    """One field of a case: whether its rebuilt value has the bits of the recorded one, and what is to be said."""

    field: str
    state: State
    zh: str = ""
    en: str = ""


@dataclass(frozen=True, slots=True)
class CaseReplay:
    """The checks of one case, in the order in which they were made."""

    key: str
    checks: tuple[Check, ...]

    @property
    def identical(self) -> bool:
        """Whether everything that was rebuilt is identical to the bit."""
        return all(check.state != "different" for check in self.checks)


def replay_case(record: Record, case: Case, bundle: Bundle, store: Store | None) -> CaseReplay:
    """Rebuild one case from the record and its bundle, and its vector from the history where that is at hand."""
    inputs = matrix_of(record, case)
    scores, explained = score(bundle, inputs), explain(bundle, inputs)
    expected = None if scores.expected is None else float(scores.expected[0])
    checks = [
        _number("raw", case.raw, float(scores.raw[0])),
        _number("probability", case.probability, float(scores.probability[0])),
        _number("expected", case.expected, expected),
        _explainer(record),
        _number("base", record.base, explained.base),
        _contributions(record, case, explained.contributions[0]),
        _reasons(case, bundle, inputs, explained.contributions[0]),
        *_history(record, case, store),
        Check("rank", "not_rebuilt", "名次取决于当日全部单位", "a rank rests on all units of the day"),
    ]
    return CaseReplay(case.key, tuple(checks))


def replay_rows(matrix: Matrix, bundle: Bundle) -> CaseReplay:
    """Rebuild the scores of every row of a batch; `matrix` is what `serving.batch.read_rows` gave."""
    names = matrix.names[: -len(OUTPUTS)]
    known = {name: texts for name, texts in matrix.categories.items() if name in names}
    inputs = replace(matrix, names=names, values=matrix.values[:, : len(names)], categories=known)
    scores = score(bundle, inputs)
    expected = np.full(len(matrix), np.nan) if scores.expected is None else scores.expected
    rebuilt = dict(zip(OUTPUTS, (scores.raw, scores.probability, expected), strict=True))
    keys = [f"row {place}" for place in range(len(matrix))]
    checks = [_floats(name.removeprefix("score."), keys, matrix.column(name), rebuilt[name]) for name in OUTPUTS]
    return CaseReplay("", tuple(checks))


def _number(field: str, recorded: float | None, rebuilt: float | None) -> Check:
    if _bits(recorded) == _bits(rebuilt):
        return Check(field, "identical")
    return Check(field, "different", f"记录 {recorded!r}，重算 {rebuilt!r}", f"recorded {recorded!r}, rebuilt {rebuilt!r}")


def _bits(value: float | None) -> str | None:
    return None if value is None else float_bits(value)


def _explainer(record: Record) -> Check:
    if record.explainer == EXPLAINER:
        return Check("explainer", "identical")
    words = f"{record.explainer} -> {EXPLAINER}"
    return Check("explainer", "different", f"说明方法已换：{words}", f"the explainer has changed: {words}")


def _contributions(record: Record, case: Case, rebuilt: Floats) -> Check:
    if not len(case.contributions):
        return Check("contributions", "not_rebuilt", "批量记录不存贡献值", "a batch records no contributions")
    return _floats("contributions", record.features, case.contributions, rebuilt)


def _floats(field: str, names: Sequence[str], recorded: Floats, rebuilt: Floats) -> Check:
    if len(recorded) != len(rebuilt):
        return Check(field, "different", "项数不同", f"{len(recorded)} recorded, {len(rebuilt)} rebuilt")
    places = np.flatnonzero(recorded.view(np.uint64) != rebuilt.view(np.uint64))
    if not len(places):
        return Check(field, "identical")
    named = ", ".join(f"{names[place]} {recorded[place]!r} -> {rebuilt[place]!r}" for place in places[:NAMED])
    return Check(field, "different", f"{len(places)} 项不同：{named}", f"{len(places)} differ: {named}")


def _reasons(case: Case, bundle: Bundle, inputs: Matrix, contributions: Floats) -> Check:
    if not len(case.contributions):
        return Check("reasons", "not_rebuilt", "批量记录不存理由", "a batch records no reasons")
    facts = {name: tuple(fact_of(fact) for fact in found) for name, found in case.facts.items()}
    rebuilt = reasons_of(bundle, inputs, contributions, facts)
    recorded = [_reason_of(reason) for reason in case.reasons]
    if [_reason_bits(reason) for reason in rebuilt] == [_reason_bits(reason) for reason in recorded]:
        return Check("reasons", "identical")
    told, now = ([reason.feature for reason in reasons] for reasons in (recorded, rebuilt))
    words = f"{', '.join(told[:NAMED])} -> {', '.join(now[:NAMED])}"
    return Check("reasons", "different", f"理由不同：{words}", f"the reasons differ: {words}")


def fact_of(plain: Plain) -> Fact:
    """Return the fact that a record holds."""
    first, last = (day_of(day) if isinstance(day, str) else day for day in (plain["first"], plain["last"]))
    words = {name: plain[name] for name in ("measure", "table", "zh", "en", "value", "unit")}
    return Fact(**words, first=first, last=last, row_ids=tuple(plain["row_ids"]), n_rows=plain["rows"])


def _reason_of(plain: Plain) -> Reason:
    facts = tuple(fact_of(fact) for fact in plain["facts"])
    return Reason(plain["feature"], plain["contribution"], plain["zh"], plain["en"], facts)


def _reason_bits(reason: Reason) -> tuple[object, ...]:
    return (reason.feature, float_bits(reason.contribution), reason.zh, reason.en, *reason.facts)


def _history(record: Record, case: Case, store: Store | None) -> list[Check]:
    if store is None:
        words = ("当日数据不在手边", "the history of that day is not at hand")
        return [Check("vector", "not_rebuilt", *words), Check("facts", "not_rebuilt", *words)]
    if case.history is not None:
        sent = ("历史由请求所附", "its history was sent by the request")
        return [Check("vector", "not_rebuilt", *sent), Check("facts", "not_rebuilt", *sent)]
    known = matrix_of_cases(store, record.entity, [case.key], np.array([case.as_of]))
    return [_against(record, case, known), _facts(record, case, store)]


def _facts(record: Record, case: Case, store: Store) -> Check:
    other = []
    for feature, facts in case.facts.items():
        traced = trace(store, record.entity, case.key, as_of=case.as_of, feature=feature)
        other += [fact["measure"] for fact in facts if fact_of(fact) not in traced]
    if not other:
        return Check("facts", "identical")
    named = ", ".join(other[:NAMED])
    return Check("facts", "different", f"数据中不再如此：{named}", f"no longer so in the history: {named}")


def _against(record: Record, case: Case, known: Matrix) -> Check:
    gone = [name for name in record.features if name not in known.names]
    if gone:
        named = ", ".join(gone[:NAMED])
        return Check("vector", "different", f"目录中已无：{named}", f"no longer in the catalogue: {named}")
    values, texts = vector_of(known, 0, record.features)
    other = [name for name in record.categories if texts.get(name) != case.texts.get(name)]
    if other:
        named = ", ".join(other[:NAMED])
        return Check("vector", "different", f"{len(other)} 项类别不同：{named}", f"{len(other)} categories differ: {named}")
    return _floats("vector", record.features, case.values, values)
