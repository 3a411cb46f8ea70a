"""Cases: what a model learns from and is judged on, one row each, with whatever label is known."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from features.calendar import date_of, day_of
from features.errors import TargetError
from features.ingest.source_toml import Split, Target
from features.matrix import Matrix
from training.data.labels import FOREVER, Codes, Floats, Observed, first_days

UNUSED, TRAIN, TEST, BOTH = 0, 1, 2, 3
"""The codes of the part in which a case stands; BOTH trains and tests, in folds by unit."""


@dataclass(frozen=True, slots=True, eq=False)
class TargetCases:
    """Arrays of one length: subject codes, as-of days, the case's own day and id, its part, and what is known of it.

    `label` is 1, 0 or NaN (nobody looked); `count` what was found; `random_label` the label of a random look only, and
    `inclusion` that look's probability; `weight` how many cases a sampled unlabelled one stands for. Its outcome was
    first `told` on a day, and is `known` as it stands from a day, FOREVER where it has none.
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
    told: Codes
    known: Codes

    def __len__(self) -> int:
        return len(self.subject)

    def take(self, rows: NDArray[np.bool_] | Codes) -> TargetCases:
        """Return the chosen cases."""
        columns = [getattr(self, field.name) for field in fields(self)]
        return TargetCases(*(column[rows] for column in columns))


@dataclass(frozen=True, slots=True, eq=False)
class Bystanders:
    """Cases without a label and their features, a row each; a case weighs as many as it stands for."""

    matrix: Matrix
    cases: TargetCases

    def __len__(self) -> int:
        return len(self.cases)


def joined_parts(parts: list[TargetCases]) -> TargetCases:
    """Return the cases of all parts, one after another."""
    columns = []
    for field in fields(TargetCases):
        arrays = [getattr(part, field.name) for part in parts]
        columns.append(np.concatenate(arrays))
    return TargetCases(*columns)


def drawn_evenly(size: int, most: int, seed: int) -> Codes:
    """Return the places of at most so many of some cases, drawn by a seed, ascending."""
    if size <= most:
        return np.arange(size, dtype=np.int64)
    return np.sort(np.random.default_rng(seed).choice(size, most, replace=False))


def standing_for(cases: TargetCases, size: int) -> TargetCases:
    """Return cases that together weigh as many as they were drawn from."""
    if len(cases) in (0, size):
        return cases
    return replace(cases, weight=cases.weight * (size / len(cases)))


def target_split(target: Target) -> Split:
    """Return a target's split, whose days follow each other as declared; TargetError when it has none."""
    split = target.split
    if split is None:
        raise TargetError(
            "the target has no split; add [target.NAME.split] with train_until, test_from and test_until, or, where its "
            'cases have no order of time, [target.NAME.judged] with by = "groups"'
        )
    return split


def first_asked(target: Target) -> int:
    """Return the day from which the first case of the test is seen; what became known later must not teach.

    A visit is seen from the eve of its opening, every other case on its own day. Judged by groups, no day begins a test.
    """
    if target.judged is not None:
        return FOREVER
    begin = day_of(target_split(target).test_from)
    return begin - 1 if target.unit == "inspection" else begin


def case_parts(day: Codes, split: Split, gap: int) -> NDArray[np.int8]:
    """Return each day's part; a training case's `gap` days after it must have passed when the test begins.

    >>> from datetime import date
    >>> split = Split(train_until=date(1970, 1, 10), test_from=date(1970, 1, 15), test_until=date(1970, 1, 20))
    >>> case_parts(np.array([4, 9, 10, 14, 19, 20]), split, 5).tolist(), case_parts(np.array([9, 10]), split, 6).tolist()
    ([1, 1, 0, 2, 2, 0], [0, 0])
    """
    first = day_of(split.test_from)
    last = day_of(split.test_until)
    train = (day <= day_of(split.train_until)) & (day + gap <= first)
    test = (day >= first) & (day <= last)
    part = np.full(len(day), UNUSED, np.int8)
    part[test] = TEST
    part[train] = TRAIN
    return part


def target_parts(day: Codes, target: Target, gap: int) -> NDArray[np.int8]:
    """Return each day's part as a target's split says it; judged by groups, every case trains and tests."""
    if target.judged is not None:
        return np.full(len(day), BOTH, np.int8)
    return case_parts(day, target_split(target), gap)


def unlabelled(
    subject: Codes, as_of: Codes, day: Codes, ids: NDArray[np.str_], part: NDArray[np.int8]
) -> TargetCases:
    """Return cases of which nothing is known yet."""
    nothing = np.full(len(subject), np.nan)
    return TargetCases(
        subject=subject,
        as_of=as_of,
        day=day,
        ids=ids,
        part=part,
        label=nothing,
        count=nothing,
        random_label=nothing,
        inclusion=nothing,
        weight=np.ones(len(subject)),
        told=np.full(len(subject), FOREVER, np.int64),
        known=np.full(len(subject), FOREVER, np.int64),
    )


def of_looks(
    looks: Observed, as_of: Codes, ids: NDArray[np.str_], part: NDArray[np.int8], day: Codes
) -> TargetCases:
    """Return one case a look, with the look's own label."""
    random_label = np.where(np.isnan(looks.inclusion), np.nan, looks.label)
    cases = unlabelled(looks.subject, as_of, day, ids, part)
    return replace(
        cases,
        label=looks.label,
        count=looks.count,
        random_label=random_label,
        inclusion=looks.inclusion,
        told=looks.told,
        known=looks.known,
    )


def with_looks(cases: TargetCases, looks: Observed, horizon: int) -> TargetCases:
    """Return the cases of one as-of day with the labels of the looks opened and closed in (as_of, as_of + horizon].

    Several looks count as one: a violation that any of them found is found, and the largest count holds;
    `random_label` is that of the first random look.
    """
    day = int(cases.as_of[0]) if len(cases) else 0
    inside = (looks.opened > day) & (looks.closed <= day + horizon)
    seen = looks.take(inside & ~np.isnan(looks.label))
    label = _largest(cases.subject, seen.subject, seen.label)
    count = _largest(cases.subject, seen.subject, seen.count)
    count[(label == 1) & (count == 0)] = np.nan  # the visit that found something did not count it
    random = seen.take(~np.isnan(seen.inclusion))
    # looks are sorted by subject and opening, so the first place of a subject is its first random look
    _, first_places = np.unique(random.subject, return_index=True)
    first = random.take(first_places)
    random_label = _largest(cases.subject, first.subject, first.label)
    inclusion = _largest(cases.subject, first.subject, first.inclusion)
    told_day = first_days(cases.subject, seen.subject, seen.told)
    # that nothing else was found is known when the horizon has passed
    last_known = -first_days(cases.subject, seen.subject, -seen.known)
    known_day = np.where(np.isnan(label), FOREVER, np.maximum(last_known, day + horizon))
    return replace(
        cases,
        label=label,
        count=count,
        random_label=random_label,
        inclusion=inclusion,
        told=told_day,
        known=known_day,
    )


def _largest(wanted: Codes, subject: Codes, values: Floats) -> Floats:
    """Return the largest known value of each wanted subject, NaN where there is none."""
    if not len(subject):
        return np.full(len(wanted), np.nan)
    distinct, member = np.unique(subject, return_inverse=True)
    largest = np.full(len(distinct), np.nan)
    np.fmax.at(largest, member, values)
    insertion = np.searchsorted(distinct, wanted)
    place = np.minimum(insertion, len(distinct) - 1)
    is_known = distinct[place] == wanted
    return np.where(is_known, largest[place], np.nan)


def part_size(cases: TargetCases) -> dict[str, Any]:
    """Return the size of a part: labelled rows, positives among them, all cases that it stands for, and its days."""
    has_label = ~np.isnan(cases.label)
    size: dict[str, Any] = {
        "rows": int(has_label.sum()),
        "positives": int(np.nansum(cases.label)),
        "population": round(float(cases.weight.sum())),
    }
    if len(cases):
        size["from"] = date_of(int(cases.day.min())).isoformat()
        size["until"] = date_of(int(cases.day.max())).isoformat()
    return size
