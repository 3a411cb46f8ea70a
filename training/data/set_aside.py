"""What the day on which an outcome was known does to cases: which are none, and which teach what was later told otherwise."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import NDArray

from training.data.cases import TEST, TRAIN, TargetCases

Mask = NDArray[np.bool_]


@dataclass(slots=True)
class SetAside:
    """How many cases are none, since their outcome was known by their own day or only after the test had begun.

    `told_otherwise_later` counts cases that do train, with the label known when the test began, and whose label is another
    today. Leaving them out would use what nobody knew then; many of them say that the horizon ends too soon before the test.
    """

    known_by_its_own_day: int = 0
    known_after_the_test_began: int = 0
    told_otherwise_later: int = 0

    def counts(self) -> dict[str, int]:
        """Return the counts by reason."""
        return asdict(self)

    def usable(self, cases: TargetCases) -> TargetCases:
        """Return the cases that test, or have a label to learn from, without those whose own day knew their outcome.

        A row that tells the outcome by the case's day is among the rows that its features rest on.
        """
        is_useful = (cases.part == TEST) | has_label(cases)
        is_known = cases.told <= cases.as_of
        self.known_by_its_own_day += int((is_useful & is_known).sum())
        return cases.take(is_useful & ~is_known)

    def count_late(self, taught: TargetCases, known_today: TargetCases) -> None:
        """Count the training cases that have a label today and had none, or another, when the test began."""
        today = known_today.take(has_label(known_today) & (known_today.part == TRAIN))
        then = taught.take(has_label(taught))
        was_known = np.isin(today.ids, then.ids)
        self.known_after_the_test_began += int((~was_known).sum())
        if not was_known.any():
            return
        order = np.argsort(then.ids, kind="stable")
        place = order[np.searchsorted(then.ids, today.ids[was_known], sorter=order)]
        is_other = then.label[place] != today.label[was_known]
        self.told_otherwise_later += int(is_other.sum())


NO_CASE = ("不算样本", "no case of")
LABEL = ("标签", "labels of")
WHY = {
    "known_by_its_own_day": (
        *NO_CASE,
        "结果当日已知",
        "had an outcome that was known by their own day",
    ),
    "known_after_the_test_began": (
        *NO_CASE,
        "测试开始后才知结果，不训练",
        "had no outcome yet when the test began, and do not train",
    ),
    "told_otherwise_later": (
        *LABEL,
        "按测试开始时所知训练，之后入库的行另有说法",
        "train as known when the test began, and later rows say otherwise",
    ),
}
"""By reason: what a line is about, and what it says, in both languages."""


def set_aside_lines(target: str, counts: Mapping[str, int]) -> Iterator[str]:
    """Yield a line for each reason for which cases of a target were set aside or counted."""
    for reason, number in counts.items():
        if number:
            about_zh, about_en, zh, en = WHY[reason]
            yield f"{about_zh} {about_en} {target}: {number:,} 例{zh} {en}"


def has_label(cases: TargetCases) -> Mask:
    """Return which cases have a label."""
    return np.asarray(~np.isnan(cases.label))
