"""What is set aside: cases that look like cases and are none, because of the day on which their outcome was known."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import NDArray

from training.data.cases import TEST, TRAIN, TargetCases

Mask = NDArray[np.bool_]


@dataclass(slots=True)
class SetAside:
    """How many cases are none: their outcome was known by their own day, or only after the test had begun."""

    known_by_its_own_day: int = 0
    known_after_the_test_began: int = 0

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
        """Count the training cases that have a label today and had none when the test began."""
        with_label = has_label(known_today) & (known_today.part == TRAIN)
        was_known = np.isin(known_today.ids[with_label], taught.ids[has_label(taught)])
        self.known_after_the_test_began += int((~was_known).sum())


WHY = {
    "known_by_its_own_day": ("结果当日已知", "had an outcome that was known by their own day"),
    "known_after_the_test_began": (
        "测试开始后才知结果，不训练",
        "had no outcome yet when the test began, and do not train",
    ),
}


def set_aside_lines(target: str, counts: Mapping[str, int]) -> Iterator[str]:
    """Yield a line for each reason for which cases of a target were set aside."""
    for reason, number in counts.items():
        if number:
            zh, en = WHY[reason]
            yield f"不算样本 no case of {target}: {number:,} 例{zh} {en}"


def has_label(cases: TargetCases) -> Mask:
    """Return which cases have a label."""
    return np.asarray(~np.isnan(cases.label))
