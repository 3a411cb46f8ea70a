"""The parting proof: no case teaches whose outcome is known only when the test has begun, and no fold looks back."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from features.calendar import day_of
from features.catalogue import Catalogue
from features.ingest.source_toml import Split, Target
from training.certificate.read_paths import nobody
from training.data.cases import TEST, TRAIN, UNUSED, TargetCases, case_parts, unlabelled
from training.data.dataset import Dataset
from training.data.folds import Fold, folds_of
from training.data.labels import Codes
from training.data.recipe import recipe_of

ON_DAYS = ("enterprise-day", "provider")
PARTED = ("part", "folds")
WIDER = 30
"""Days by which a gap is tried that is wider than that between training and test."""
MANY, FEW = 2_000, 37


def part_faults(name: str, target: Target, cases: TargetCases) -> dict[str, int]:
    """Return how many cases, and days around the split, stand in another part than it says, and how many folds part nothing."""
    split = target.split
    assert split is not None
    gap = target.horizon if target.unit in ON_DAYS else 0
    around = np.arange(day_of(split.train_until) - 2 * gap - 9, day_of(split.test_until) + 9)
    whole = Dataset(name, target, nobody(""), cases, Catalogue({}, {}, {}))
    literal = parts_read(cases.day, split, gap)
    wrong = (literal != cases.part) | (whole.taught() != (literal == TRAIN))
    wide = day_of(split.test_from) - day_of(split.train_until) + WIDER
    strange = [
        parts_read(around, split, days) != case_parts(around, split, days) for days in (gap, wide)
    ]
    made_up = plenty()
    taught = cases.take(np.flatnonzero((cases.part == TRAIN) & ~np.isnan(cases.label)))
    keys = taught.subject.astype(np.str_)
    recipe = recipe_of(target.fit, target=name)
    folds = sum(not parts(fold, keys, taught, gap) for fold in folds_of(keys, taught, recipe, gap))
    folds += sum(
        not parts(fold, made_up.ids, made_up, WIDER)
        for fold in folds_of(made_up.ids, made_up, recipe, WIDER)
    )
    return {
        kind: int(count)
        for kind, count in zip(PARTED, (wrong.sum() + np.sum(strange), folds), strict=True)
        if count
    }


def plenty() -> TargetCases:
    """Return cases enough for any recipe to look forward: every second has a violation, two a day, of a few keys."""
    place = np.arange(MANY)
    days = place // 2 + WIDER
    cases = unlabelled(
        place % FEW, days, days, (place % FEW).astype(np.str_), np.full(MANY, TRAIN, np.int8)
    )
    return replace(cases, label=(place % 2).astype(np.float64))


def parts_read(days: Codes, split: Split, gap: int) -> Codes:
    """Return the part of each day as a split says it: a day teaches whose `gap` days after it end by the first of the test."""
    first, last, until = (
        day_of(split.test_from),
        day_of(split.test_until),
        day_of(split.train_until),
    )
    return np.array(
        [
            TRAIN
            if day <= until and day + gap <= first
            else TEST
            if first <= day <= last
            else UNUSED
            for day in days.tolist()
        ],
        np.int64,
    )


def parts(
    fold: Fold, keys: np.ndarray[tuple[int], np.dtype[np.str_]], cases: TargetCases, gap: int
) -> bool:
    """Tell whether what a fold holds back lies `gap` days after all that it has seen, or shares no key with it."""
    seen, held = cases.day[fold.seen], cases.day[fold.held]
    if not len(seen) or not len(held) or int(seen.max()) + max(gap, 1) <= int(held.min()):
        return True
    return not np.isin(keys[fold.held], keys[fold.seen]).any()
