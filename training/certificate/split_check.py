"""The parting proof: no case teaches whose outcome is known only when the test has begun, and no fold looks back."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from features.calendar import day_of
from features.catalogue.model import Catalogue
from features.ingest.source_toml import Split, Target
from features.matrix import no_cases
from training.data.cases import BOTH, TEST, TRAIN, UNUSED, TargetCases, case_parts, unlabelled
from training.data.dataset import Dataset
from training.data.day_cases import ON_DAYS
from training.data.folds import Fold, folds_by_key, folds_of
from training.data.labels import Codes
from training.data.recipe import recipe_of

PARTED = ("part", "folds")
WIDER = 30
"""Days by which a gap is tried that is wider than that between training and test; a choice: about a month."""
AROUND = 9
"""Days before and after those that the split names, on which its edges are tried too; a choice: more than a week."""
MANY, FEW = 2_000, 37
"""Made-up cases and the subjects that they belong to; a choice: enough cases for the folds of any recipe, of a few subjects."""


def part_faults(name: str, target: Target, cases: TargetCases) -> dict[str, int]:
    """Return how many cases, and days around the split, stand in another part than it says, and how many folds part nothing."""
    if target.judged is not None:
        return _group_faults(name, target, cases)
    split = target.split
    assert split is not None
    gap = target.horizon if target.unit in ON_DAYS else 0
    counts = {
        "part": _misplaced_cases(name, target, cases, gap) + _misplaced_days(split, gap),
        "folds": _open_folds(name, target, cases, gap),
    }
    return {kind: count for kind, count in counts.items() if count}


def _group_faults(name: str, target: Target, cases: TargetCases) -> dict[str, int]:
    """Return how many cases of a target that is judged by groups stand in one part alone, and how many folds share a unit."""
    keys = cases.subject.astype(np.str_)
    folds = folds_by_key(keys, recipe_of(target.fit, target=name))
    shared = [bool(np.isin(keys[fold.held], keys[fold.seen]).any()) for fold in folds]
    counts = {"part": int((cases.part != BOTH).sum()), "folds": sum(shared)}
    return {kind: count for kind, count in counts.items() if count}


def _misplaced_cases(name: str, target: Target, cases: TargetCases, gap: int) -> int:
    """Return how many cases stand in another part than the split says, or teach from it."""
    split = target.split
    assert split is not None
    whole = Dataset(name, target, no_cases(""), cases, Catalogue({}, {}, {}))
    expected = parts_read(cases.day, split, gap)
    other_part = expected != cases.part
    taught_wrongly = whole.taught() != (expected == TRAIN)
    return int((other_part | taught_wrongly).sum())


def _misplaced_days(split: Split, gap: int) -> int:
    """Return how many days around the split get another part than it says, with the target's gap and with a wide one."""
    first_day = day_of(split.train_until) - 2 * gap - AROUND
    last_day = day_of(split.test_until) + AROUND
    days = np.arange(first_day, last_day)
    between = day_of(split.test_from) - day_of(split.train_until)
    misplaced = 0
    for some_gap in (gap, between + WIDER):
        other_part = parts_read(days, split, some_gap) != case_parts(days, split, some_gap)
        misplaced += int(np.sum(other_part))
    return misplaced


def _open_folds(name: str, target: Target, cases: TargetCases, gap: int) -> int:
    """Return how many folds part nothing: those of the training cases, and those of made-up cases."""
    recipe = recipe_of(target.fit, target=name)
    has_label = ~np.isnan(cases.label)
    taught = cases.take(np.flatnonzero((cases.part == TRAIN) & has_label))
    keys = taught.subject.astype(np.str_)
    real_folds = folds_of(keys, taught, recipe, gap)
    # a history may hold too few labels for folds that go forward in time; these cases never do
    made_up = plenty()
    made_up_folds = folds_of(made_up.ids, made_up, recipe, WIDER)
    open_folds = sum(not parts(fold, keys, taught, gap) for fold in real_folds)
    return open_folds + sum(not parts(fold, made_up.ids, made_up, WIDER) for fold in made_up_folds)


def plenty() -> TargetCases:
    """Return cases enough for any recipe to look forward: every second has a violation, two a day, of a few keys."""
    place = np.arange(MANY)
    days = place // 2 + WIDER
    key = place % FEW
    part = np.full(MANY, TRAIN, np.int8)
    cases = unlabelled(key, days, days, key.astype(np.str_), part)
    return replace(cases, label=(place % 2).astype(np.float64), known=days + place % (2 * WIDER))


def parts_read(days: Codes, split: Split, gap: int) -> Codes:
    """Return the part of each day as a split says it: a day teaches whose `gap` days after it end by the first of the test."""
    test_from = day_of(split.test_from)
    test_until = day_of(split.test_until)
    train_until = day_of(split.train_until)
    day_parts = []
    for day in days.tolist():
        if day <= train_until and day + gap <= test_from:
            day_parts.append(TRAIN)
        elif test_from <= day <= test_until:
            day_parts.append(TEST)
        else:
            day_parts.append(UNUSED)
    return np.array(day_parts, np.int64)


def parts(
    fold: Fold, keys: np.ndarray[tuple[int], np.dtype[np.str_]], cases: TargetCases, gap: int
) -> bool:
    """Tell whether what a fold holds back lies `gap` days after all that it has seen, or shares no key with it.

    What lies after must not teach before it was known: all outcomes that a fold has seen are known by the first as-of day
    of what it holds back.
    """
    seen_days = cases.day[fold.seen]
    held_days = cases.day[fold.held]
    if not len(seen_days) or not len(held_days):
        return True
    is_after = int(seen_days.max()) + max(gap, 1) <= int(held_days.min())
    if is_after and int(cases.known[fold.seen].max()) <= int(cases.as_of[fold.held].min()):
        return True
    is_shared = np.isin(keys[fold.held], keys[fold.seen])
    return not is_shared.any()
