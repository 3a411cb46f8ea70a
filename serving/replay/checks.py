"""Checks: whether each replayed field equals the recorded one, to the bit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import astuple, dataclass
from typing import Literal

import numpy as np

from models.bundle.interval import Interval
from models.explain.reasons import FORM
from serving.ledger.float_bits import float_bits
from serving.ledger.record import Floats, Record

State = Literal["identical", "different", "not_rebuilt"]
NAMED = 5
"""Differences that a check names; the others are only counted."""


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
    return Check(field, "different", zh, en)


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
    return differs(field, f"{len(places)} 项不同", f"{len(places)} differ", changes)
