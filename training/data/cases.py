"""Cases: what a model learns from and is judged on, one row each, with whatever label is known."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from features.calendar import day_of
from features.errors import TargetError
from features.ingest.source_toml import Split, Target
from training.data.labels import Codes, Floats, Observed

UNUSED, TRAIN, TEST = 0, 1, 2


@dataclass(frozen=True, slots=True, eq=False)
class TargetCases:
    """Arrays of one length: subject codes, as-of days, the case's own day and id, its part, and what is known of it.

    `label` is 1, 0 or NaN (nobody looked); `count` what was found; `random_label` the label of a random look only, and
    `inclusion` that look's probability; `weight` how many cases a sampled unlabelled one stands for.
    """

    subject: Codes
    as_of: Codes
    day: Codes
    ids: NDArray[np.str_]
    part: NDArray[np.int8]
    label: Floats
    count: Floats
    random_label: Floats
    inclusion: Floats
    weight: Floats

    def __len__(self) -> int:
        return len(self.subject)

    def take(self, rows: NDArray[np.bool_] | Codes) -> TargetCases:
        """Return the chosen cases."""
        return TargetCases(*(getattr(self, field.name)[rows] for field in fields(self)))


def joined_parts(parts: list[TargetCases]) -> TargetCases:
    """Return the cases of all parts, one after another."""
    return TargetCases(
        *(
            np.concatenate([getattr(part, field.name) for part in parts])
            for field in fields(TargetCases)
        )
    )


def target_split(target: Target) -> Split:
    """Return a target's split; TargetError when it has none or its days do not follow each other."""
    split = target.split
    if split is None:
        raise TargetError(
            "the target has no split; add [target.NAME.split] with train_until, test_from and test_until"
        )
    if not split.train_until < split.test_from <= split.test_until:
        raise TargetError(
            f"a split should have train_until < test_from <= test_until; got {split.train_until}, "
            f"{split.test_from} and {split.test_until}"
        )
    return split


def case_parts(day: Codes, split: Split, gap: int) -> NDArray[np.int8]:
    """Return each day's part; a training case's `gap` days after it must have passed when the test begins.

    >>> from datetime import date
    >>> split = Split(train_until=date(1970, 1, 10), test_from=date(1970, 1, 15), test_until=date(1970, 1, 20))
    >>> case_parts(np.array([4, 9, 10, 14, 19, 20]), split, 5).tolist(), case_parts(np.array([9, 10]), split, 6).tolist()
    ([1, 1, 0, 2, 2, 0], [0, 0])
    """
    first, last = day_of(split.test_from), day_of(split.test_until)
    train = (day <= day_of(split.train_until)) & (day + gap <= first)
    test = (day >= first) & (day <= last)
    return np.where(train, TRAIN, np.where(test, TEST, UNUSED)).astype(np.int8)


def unlabelled(
    subject: Codes, as_of: Codes, day: Codes, ids: NDArray[np.str_], part: NDArray[np.int8]
) -> TargetCases:
    """Return cases of which nothing is known yet."""
    nothing = np.full(len(subject), np.nan)
    return TargetCases(
        subject, as_of, day, ids, part, nothing, nothing, nothing, nothing, np.ones(len(subject))
    )


def of_looks(
    looks: Observed, as_of: Codes, ids: NDArray[np.str_], part: NDArray[np.int8], day: Codes
) -> TargetCases:
    """Return one case a look, with the look's own label."""
    random_label = np.where(np.isnan(looks.inclusion), np.nan, looks.label)
    return TargetCases(
        looks.subject,
        as_of,
        day,
        ids,
        part,
        looks.label,
        looks.count,
        random_label,
        looks.inclusion,
        np.ones(len(ids)),
    )


def with_looks(cases: TargetCases, looks: Observed, horizon: int) -> TargetCases:
    """Return the cases of one as-of day with the labels of the looks opened and closed in (as_of, as_of + horizon].

    Several looks count as one: a violation that any of them found is found, and the largest count holds;
    `random_label` is that of the first random look.
    """
    day = int(cases.as_of[0]) if len(cases) else 0
    seen = looks.take(
        (looks.opened > day) & (looks.closed <= day + horizon) & ~np.isnan(looks.label)
    )
    label = _largest(cases.subject, seen.subject, seen.label)
    count = _largest(cases.subject, seen.subject, seen.count)
    count[(label == 1) & (count == 0)] = np.nan  # the visit that found something did not count it
    random = seen.take(~np.isnan(seen.inclusion))
    first = random.take(np.unique(random.subject, return_index=True)[1])
    return TargetCases(
        cases.subject,
        cases.as_of,
        cases.day,
        cases.ids,
        cases.part,
        label,
        count,
        _largest(cases.subject, first.subject, first.label),
        _largest(cases.subject, first.subject, first.inclusion),
        cases.weight,
    )


def _largest(wanted: Codes, subject: Codes, values: Floats) -> Floats:
    """Return the largest known value of each wanted subject, NaN where there is none."""
    if not len(subject):
        return np.full(len(wanted), np.nan)
    distinct, member = np.unique(subject, return_inverse=True)
    largest = np.full(len(distinct), np.nan)
    np.fmax.at(largest, member, values)
    place = np.minimum(np.searchsorted(distinct, wanted), len(distinct) - 1)
    return np.where(distinct[place] == wanted, largest[place], np.nan)
