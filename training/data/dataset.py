"""A data set: cases with their labels and the features that were known of each on its day."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from features.calendar import date_of, day_of
from features.cases import Cases as Units
from features.catalogue import Catalogue
from features.engine.matrices import catalogue_of, matrix_for
from features.engine.population import bare_cases, living, registered_cases
from features.errors import TargetError
from features.ingest.source_toml import Target
from features.matrix import Matrix
from features.store.store import Store
from training.data.cases import (
    TEST,
    TRAIN,
    UNUSED,
    TargetCases,
    case_parts,
    joined_parts,
    of_looks,
    target_split,
    unlabelled,
    with_looks,
)
from training.data.events import events, happened, marks
from training.data.labels import SUBJECT, reviews, visits
from training.data.population import population

MOST_UNLABELLED = 10_000
Labelling = Callable[[TargetCases], TargetCases]


@dataclass(frozen=True, slots=True, eq=False)
class Dataset:
    """The cases of a target, one matrix row each: training cases with a label, test cases with or without."""

    name: str
    target: Target
    matrix: Matrix
    cases: TargetCases
    catalogue: Catalogue

    def taught(self) -> NDArray[np.bool_]:
        """Return which cases train."""
        return np.asarray(self.cases.part == TRAIN)

    def tested(self) -> NDArray[np.bool_]:
        """Return which cases test, labelled or not."""
        return np.asarray(self.cases.part == TEST)


def target_of(store: Store, name: str) -> Target:
    """Return a declared target; TargetError when the source declares none of that name."""
    declared = store.source.target
    if name not in declared:
        known = ", ".join(sorted(declared)) or "none"
        raise TargetError(
            f"target {name!r} is not declared by source {store.source.name!r}; it declares {known}"
        )
    return declared[name]


def dataset(store: Store, name: str, *, seed: int) -> Dataset:
    """Return the data set of a declared target; `seed` draws the unlabelled test claims where there are too many.

    Only the whole population of the test tells how a list would do, so test cases need no label. Raises TargetError.
    """
    target, catalogue = target_of(store, name), catalogue_of(store)
    if target.unit in ("enterprise-day", "provider"):
        matrix, cases = _of_days(store, catalogue, target)
    else:
        matrix, cases = _of_units(
            store, catalogue, thinned(_units(store, target), seed), SUBJECT[target.unit]
        )
    kept = population(matrix, target.population.filter if target.population else "")
    return Dataset(name, target, matrix.take(kept), cases.take(kept), catalogue)


def labelled(store: Store, name: str) -> TargetCases:
    """Return the cases of a declared target with their labels, before any feature or condition on features."""
    target = target_of(store, name)
    if target.unit in ("enterprise-day", "provider"):
        return joined_parts(
            [cases for _, cases in _labelled_days(store, catalogue_of(store), target)]
        )
    return _units(store, target)


def _labelled_days(
    store: Store, catalogue: Catalogue, target: Target
) -> Iterator[tuple[Units, TargetCases]]:
    """Yield for each as-of day its living units and their cases; of those that train, the labelled ones."""
    label, subject = _labelling(store, target), SUBJECT[target.unit]
    texts = np.array(store.texts(subject), np.str_)
    for day, part in _days(store, target):
        units = living(store, catalogue, subject, day)
        parts = np.full(len(units), part, np.int8)
        cases = label(unlabelled(units.code, units.as_of, units.as_of, texts[units.code], parts))
        kept = np.flatnonzero((cases.part == TEST) | ~np.isnan(cases.label))
        yield units.take(kept), cases.take(kept)


def _of_days(store: Store, catalogue: Catalogue, target: Target) -> tuple[Matrix, TargetCases]:
    """Return every living unit on each test day, and on each training day those that get a label."""
    found = [
        (matrix_for(store, catalogue, units), cases)
        for units, cases in _labelled_days(store, catalogue, target)
    ]
    return stacked([matrix for matrix, _ in found]), joined_parts([cases for _, cases in found])


def _days(store: Store, target: Target) -> list[tuple[int, int]]:
    """Return each usable as-of day and its part; event labels need the whole horizon to have passed."""
    days = np.array(sorted({day_of(day) for day in target.as_of}), np.int64)
    parts = case_parts(days, target_split(target), target.horizon)
    if target.label == "event":
        parts[days + target.horizon > store.complete_to] = UNUSED
    used = [
        (day, part)
        for day, part in zip(days.tolist(), parts.tolist(), strict=True)
        if part != UNUSED
    ]
    if {part for _, part in used} != {TRAIN, TEST}:
        raise TargetError(
            f"the as_of days should leave one to train and one to test, {target.horizon} days "
            f"apart, in a history complete to {date_of(store.complete_to)}; usable are "
            f"{[f'{date_of(day)}' for day, _ in used]}: add days or move the split"
        )
    return used


def _labelling(store: Store, target: Target) -> Labelling:
    """Return what puts labels on the cases of one day."""
    if target.label == "visit":
        looks = visits(store, target)
        return lambda cases: with_looks(cases, looks, target.horizon)
    if target.label == "event":
        known = events(store, target)
        return lambda cases: replace(
            cases, label=happened(known, cases.subject, cases.as_of, target.horizon)
        )
    raise TargetError(
        f'label = "{target.label}" cannot label unit = "{target.unit}"; use visit or event'
    )


def _units(store: Store, target: Target) -> TargetCases:
    """Return the visits or claims of both parts; of those that train, the labelled ones."""
    cases = _inspections(store, target) if target.unit == "inspection" else _claims(store, target)
    usable = (
        (cases.part != UNUSED)
        & (cases.as_of >= store.first_known)
        & (cases.as_of <= store.complete_to)
    )
    return cases.take(usable & ((cases.part == TEST) | ~np.isnan(cases.label)))


def _inspections(store: Store, target: Target) -> TargetCases:
    """Return one case a visit, seen from the eve of its opening."""
    looks = visits(store, target)
    as_of = looks.opened - 1
    texts = np.array(store.texts("inspection"), np.str_)
    part = case_parts(looks.opened, target_split(target), 0)
    return of_looks(
        looks.within(as_of, target.horizon), as_of, texts[looks.ids], part, looks.opened
    )


def _claims(store: Store, target: Target) -> TargetCases:
    """Return one case a claim, seen on the day that it became known."""
    rows = store.all_rows("claims", ("claim", "known"))
    codes, member = np.unique(rows["claim"], return_inverse=True)
    first = np.full(len(codes), np.iinfo(np.int64).max)
    np.minimum.at(first, member, rows["known"])
    texts = np.array(store.texts("claim"), np.str_)
    cases = unlabelled(
        codes, first, first, texts[codes], case_parts(first, target_split(target), 0)
    )
    if target.label == "event":
        label = happened(events(store, target), codes, first, target.horizon)
        return replace(
            cases, label=np.where(first + target.horizon > store.complete_to, np.nan, label)
        )
    return _reviewed(store, target, cases)


def _reviewed(store: Store, target: Target, cases: TargetCases) -> TargetCases:
    """Return the claims with what their reviews said; the subjects are sorted, and a claim has one live review.

    A review of a claim that nobody recorded is nobody's.
    """
    looks = reviews(store, target)
    looks = looks.take(np.isin(looks.subject, cases.subject))
    place = np.searchsorted(cases.subject, looks.subject)
    known = of_looks(
        looks.within(cases.as_of[place], target.horizon),
        cases.as_of[place],
        cases.ids[place],
        cases.part[place],
        cases.day[place],
    )
    merged = {
        name: getattr(cases, name).copy()
        for name in ("label", "count", "random_label", "inclusion")
    }
    for name, column in merged.items():
        column[place] = getattr(known, name)
    return replace(cases, **merged)


def thinned(cases: TargetCases, seed: int) -> TargetCases:
    """Return the cases with at most MOST_UNLABELLED unlabelled ones, each then weighing as many as it stands for."""
    without = np.flatnonzero(np.isnan(cases.label))
    if len(without) <= MOST_UNLABELLED:
        return cases
    drawn = np.random.default_rng(seed).choice(without, MOST_UNLABELLED, replace=False)
    weight = cases.weight.copy()
    weight[drawn] = len(without) / MOST_UNLABELLED
    kept = ~np.isnan(cases.label)
    kept[drawn] = True
    return replace(cases, weight=weight).take(kept)


def _of_units(
    store: Store, catalogue: Catalogue, cases: TargetCases, entity: str
) -> tuple[Matrix, TargetCases]:
    """Return the cases that the register knew on their day, with their features."""
    there, _ = registered_cases(store, catalogue, bare_cases(entity, cases.subject, cases.as_of))
    kept = np.isin(marks(cases.subject, cases.as_of), marks(there.code, there.as_of))
    return matrix_for(store, catalogue, there), cases.take(kept)


def stacked(parts: list[Matrix]) -> Matrix:
    """Return matrices of one store, one below the other."""
    first = parts[0]
    keys, as_of, values = (
        np.concatenate([getattr(part, name) for part in parts])
        for name in ("keys", "as_of", "values")
    )
    return Matrix(first.entity, keys, as_of, first.names, values, first.categories)
