"""Checks: whether each replayed field equals the recorded one, to the bit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import astuple, dataclass, replace
from typing import Literal

import numpy as np

from models.bundle.interval import Interval
from models.explain.reasons import FORM
from serving.ledger.float_bits import float_bits
from serving.ledger.record import Floats, Record

State = Literal["identical", "different", "not_rebuilt"]
Agreement = Literal["bits", "close", "different"]
"""How a replay agrees: to the bit, within CLOSE in all that is not, or not."""
AGREEMENTS: dict[Agreement, str] = {
    "bits": "逐位一致 identical to the bit",
    "close": "不逐位一致，相差在 1e-9 以内 NOT to the bit, within 1e-9",
    "different": "不一致 DIFFERENT",
}
"""What is said of each agreement."""
CLOSE = 1e-9
"""By how much a number may differ on a processor of another family: its last bits may be rounded otherwise."""
SECOND_ENGINE = "second_engine"
"""The check that the two engines computed the same score; a difference is an alarm, whatever was recorded."""
NAMED = 5
"""Differences that a check names; the others are only counted."""


@dataclass(frozen=True, slots=True)
class Check:
    """One field of a case: whether its rebuilt value has the bits of the recorded one, and what is to be said.

    `gap` is how far apart the numbers are at most, relative above 1; None where something else than a number differs.
    """

    field: str
    state: State
    zh: str = ""
    en: str = ""
    gap: float | None = None

    @property
    def is_close(self) -> bool:
        """Whether the field differs in nothing but the last bits of a number."""
        return self.state != "different" or (self.gap is not None and self.gap <= CLOSE)


@dataclass(frozen=True, slots=True)
class CaseReplay:
    """The checks of one case, in the order in which they were made."""

    key: str
    checks: tuple[Check, ...]

    @property
    def identical(self) -> bool:
        """Whether everything that was rebuilt is identical to the bit."""
        return all(check.state != "different" for check in self.checks)

    @property
    def agreement(self) -> Agreement:
        """How what was rebuilt agrees with what was recorded."""
        if self.identical:
            return "bits"
        return "close" if all(check.is_close for check in self.checks) else "different"

    @property
    def is_alarm(self) -> bool:
        """Whether the two engines computed different scores."""
        states = {check.field: check.state for check in self.checks}
        return states.get(SECOND_ENGINE) == "different"


def with_check(replay: CaseReplay, check: Check) -> CaseReplay:
    """Return a replay with one check more."""
    return CaseReplay(replay.key, (*replay.checks, check))


def agreement_of(replays: Sequence[CaseReplay]) -> Agreement:
    """Return the agreement of the case that agrees least."""
    agreements = {replay.agreement for replay in replays}
    order: tuple[Agreement, ...] = ("different", "close")
    return next((agreement for agreement in order if agreement in agreements), "bits")


def differs(field: str, zh: str, en: str, names: Sequence[str]) -> Check:
    """Return that a field is different, naming the first few of what differs."""
    named = ", ".join(names[:NAMED])
    return Check(field, "different", f"{zh}：{named}", f"{en}: {named}")


def different_names(recorded: Mapping[str, object], rebuilt: Mapping[str, object]) -> list[str]:
    """Return the names under which two tables differ, those of the first in its order, then those of the second."""
    names = {**recorded, **rebuilt}
    return [name for name in names if recorded.get(name) != rebuilt.get(name)]


def of_number(field: str, recorded: float | None, rebuilt: float | None) -> Check:
    """Return the check of one float64."""
    if _bits(recorded) == _bits(rebuilt):
        return Check(field, "identical")
    zh = f"记录 {recorded!r}，重算 {rebuilt!r}"
    en = f"recorded {recorded!r}, rebuilt {rebuilt!r}"
    if recorded is None or rebuilt is None:
        return Check(field, "different", zh, en)
    gap = widest_gap(np.array([recorded]), np.array([rebuilt]))
    return Check(field, "different", zh, en, gap)


def of_interval(field: str, recorded: Interval | None, rebuilt: Interval | None) -> Check:
    """Return the check of an interval's three numbers; a record of an earlier version holds none."""
    if recorded is None:
        return not_recorded(field)
    if rebuilt is None:
        return Check(field, "different", "模型没有区间", "the model has no interval")
    names = Interval.__slots__
    return of_floats(field, names, _numbers(recorded), _numbers(rebuilt))


def _numbers(interval: Interval) -> Floats:
    return np.array(astuple(interval))


def of_words(
    field: str, recorded: Mapping[str, str] | None, rebuilt: Mapping[str, str] | None
) -> Check:
    """Return the check of words in each language; a record of an earlier version, or of a batch, holds none."""
    if recorded is None:
        return not_recorded(field)
    different = different_names(recorded, rebuilt or {})
    if not different:
        return Check(field, "identical")
    return differs(field, "文字不同", "the words differ", different)


def not_recorded(field: str) -> Check:
    """Return that a field was not compared, because the record does not hold it."""
    return Check(field, "not_rebuilt", "记录中没有此项", "this record does not hold it")


def other_form(field: str, record: Record) -> Check:
    """Return that words or facts were not compared, because this version chooses and words them in another form."""
    form = record.reasons_form
    zh = f"按第 {form} 版理由规则选取和措辞，本版为第 {FORM} 版，未作比较"
    en = f"made by form {form} of reasons; this version makes form {FORM}, so they are not compared"
    return Check(field, "not_rebuilt", zh, en)


def _bits(value: float | None) -> str | None:
    return None if value is None else float_bits(value)


def of_floats(field: str, names: Sequence[str], recorded: Floats, rebuilt: Floats) -> Check:
    """Return the check of named float64 values (n,)."""
    if len(recorded) != len(rebuilt):
        lengths = f"{len(recorded)} recorded, {len(rebuilt)} rebuilt"
        return Check(field, "different", "项数不同", lengths)
    # compared as integers of the same bits, for which NaN equals itself and 0.0 does not equal -0.0
    recorded_bits = recorded.view(np.uint64)
    rebuilt_bits = rebuilt.view(np.uint64)
    places = np.flatnonzero(recorded_bits != rebuilt_bits)
    if not len(places):
        return Check(field, "identical")
    changes = []
    for place in places[:NAMED]:
        before = float(recorded[place])
        after = float(rebuilt[place])
        changes.append(f"{names[place]} {before!r} -> {after!r}")
    check = differs(field, f"{len(places)} 项不同", f"{len(places)} differ", changes)
    return replace(check, gap=widest_gap(recorded[places], rebuilt[places]))


def widest_gap(recorded: Floats, rebuilt: Floats) -> float | None:
    """Return how far numbers (n,) are apart at most, relative above 1; None where one of a pair is no finite number."""
    with np.errstate(invalid="ignore", over="ignore"):
        gaps = np.abs(rebuilt - recorded) / np.maximum(1.0, np.abs(recorded))
    largest = float(gaps.max())
    return largest if np.isfinite(largest) else None
