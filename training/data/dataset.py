"""A data set: cases with their labels and the features that were known of each on its day."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from features.calendar import date_of, day_of
from features.cases import Cases as Units
from features.catalogue.model import Catalogue
from features.engine.matrices import catalogue_of, matrix_for
from features.engine.population import bare_cases, living, registered_cases
from features.errors import TargetError
from features.ingest.source_toml import Target
from features.matrix import Matrix, stacked
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
"""Unlabelled claims to test on at most: as many tell how a list would do, and each one costs its features."""
ON_DAYS = ("enterprise-day", "provider")
"""Units that are looked at on declared days; others each have a day of their own."""
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
        names = ", ".join(sorted(declared)) or "none"
        raise TargetError(
            f"target {name!r} is not declared by source {store.source.name!r}; it declares {names}"
        )
    return declared[name]


def dataset(store: Store, name: str, *, seed: int) -> Dataset:
    """Return the data set of a declared target; `seed` draws the unlabelled test claims where there are too many.

    Only the whole population of the test tells how a list would do, so test cases need no label. Raises TargetError.
    """
    target = target_of(store, name)
    catalogue = catalogue_of(store)
    if target.unit in ON_DAYS:
        matrix, cases = _of_days(store, catalogue, target)
    else:
        chosen = thinned(_units(store, target), seed)
        matrix, cases = _of_units(store, catalogue, chosen, SUBJECT[target.unit])
    condition = target.population.filter if target.population else ""
    inside = population(matrix, condition)
    return Dataset(name, target, matrix.take(inside), cases.take(inside), catalogue)


def labelled(store: Store, name: str) -> TargetCases:
    """Return the cases of a declared target with their labels, before any feature or condition on features."""
    target = target_of(store, name)
    if target.unit not in ON_DAYS:
        return _units(store, target)
    days = _labelled_days(store, catalogue_of(store), target)
    return joined_parts([cases for _, cases in days])


def _labelled_days(
    store: Store, catalogue: Catalogue, target: Target
) -> Iterator[tuple[Units, TargetCases]]:
    """Yield for each as-of day its living units and their cases; of those that train, the labelled ones."""
    label = _labelling(store, target)
    subject = SUBJECT[target.unit]
    texts = np.array(store.texts(subject), np.str_)
    for day, part in _days(store, target):
        units = living(store, catalogue, subject, day)
        parts = np.full(len(units), part, np.int8)
        ids = texts[units.code]
        cases = label(unlabelled(units.code, units.as_of, units.as_of, ids, parts))
        useful = np.flatnonzero(_is_useful(cases))
        yield units.take(useful), cases.take(useful)


def _is_useful(cases: TargetCases) -> NDArray[np.bool_]:
    """Return which cases test, or have a label to learn from."""
    has_label = ~np.isnan(cases.label)
    return np.asarray((cases.part == TEST) | has_label)


def _of_days(store: Store, catalogue: Catalogue, target: Target) -> tuple[Matrix, TargetCases]:
    """Return every living unit on each test day, and on each training day those that get a label."""
    matrices = []
    parts = []
    for units, cases in _labelled_days(store, catalogue, target):
        matrices.append(matrix_for(store, catalogue, units))
        parts.append(cases)
    return stacked(matrices), joined_parts(parts)


def _days(store: Store, target: Target) -> list[tuple[int, int]]:
    """Return each usable as-of day and its part; event labels need the whole horizon to have passed."""
    distinct = {day_of(day) for day in target.as_of}
    days = np.array(sorted(distinct), np.int64)
    parts = case_parts(days, target_split(target), target.horizon)
    if target.label == "event":
        is_open = days + target.horizon > store.complete_to
        parts[is_open] = UNUSED
    is_used = parts != UNUSED
    used = list(zip(days[is_used].tolist(), parts[is_used].tolist(), strict=True))
    if {part for _, part in used} != {TRAIN, TEST}:
        usable = [str(date_of(day)) for day, _ in used]
        raise TargetError(
            f"the as_of days should leave one to train and one to test, {target.horizon} days "
            f"apart, in a history complete to {date_of(store.complete_to)}; usable are "
            f"{usable}: add days or move the split"
        )
    return used


def _labelling(store: Store, target: Target) -> Labelling:
    """Return what puts labels on the cases of one day."""
    horizon = target.horizon
    if target.label == "visit":
        looks = visits(store, target)
        return lambda cases: with_looks(cases, looks, horizon)
    if target.label == "event":
        marks_of_events = events(store, target)

        def with_events(cases: TargetCases) -> TargetCases:
            label = happened(marks_of_events, cases.subject, cases.as_of, horizon)
            return replace(cases, label=label)

        return with_events
    raise TargetError(
        f'label = "{target.label}" cannot label unit = "{target.unit}"; use visit or event'
    )


def _units(store: Store, target: Target) -> TargetCases:
    """Return the visits or claims of both parts; of those that train, the labelled ones."""
    cases = _inspections(store, target) if target.unit == "inspection" else _claims(store, target)
    in_history = (cases.as_of >= store.first_known) & (cases.as_of <= store.complete_to)
    usable = (cases.part != UNUSED) & in_history
    return cases.take(usable & _is_useful(cases))


def _inspections(store: Store, target: Target) -> TargetCases:
    """Return one case a visit, seen from the eve of its opening."""
    looks = visits(store, target)
    as_of = looks.opened - 1
    texts = np.array(store.texts("inspection"), np.str_)
    ids = texts[looks.ids]
    part = case_parts(looks.opened, target_split(target), 0)
    in_time = looks.within(as_of, target.horizon)
    return of_looks(in_time, as_of, ids, part, looks.opened)


def _claims(store: Store, target: Target) -> TargetCases:
    """Return one case a claim, seen on the day that it became known."""
    rows = store.all_rows("claims", ("claim", "known"))
    codes, member = np.unique(rows["claim"], return_inverse=True)
    first = np.full(len(codes), np.iinfo(np.int64).max)
    np.minimum.at(first, member, rows["known"])
    texts = np.array(store.texts("claim"), np.str_)
    part = case_parts(first, target_split(target), 0)
    cases = unlabelled(codes, first, first, texts[codes], part)
    if target.label != "event":
        return _reviewed(store, target, cases)
    label = happened(events(store, target), codes, first, target.horizon)
    # before its horizon has passed nobody knows that nothing happened
    is_open = first + target.horizon > store.complete_to
    return replace(cases, label=np.where(is_open, np.nan, label))


def _reviewed(store: Store, target: Target, cases: TargetCases) -> TargetCases:
    """Return the claims with what their reviews said; the subjects are sorted, and a claim has one live review.

    A review of a claim that nobody recorded is nobody's.
    """
    looks = reviews(store, target)
    looks = looks.take(np.isin(looks.subject, cases.subject))
    place = np.searchsorted(cases.subject, looks.subject)
    claims = cases.take(place)
    in_time = looks.within(claims.as_of, target.horizon)
    reviewed = of_looks(in_time, claims.as_of, claims.ids, claims.part, claims.day)
    merged = {}
    for name in ("label", "count", "random_label", "inclusion"):
        column = getattr(cases, name).copy()
        column[place] = getattr(reviewed, name)
        merged[name] = column
    return replace(cases, **merged)


def thinned(cases: TargetCases, seed: int) -> TargetCases:
    """Return the cases with at most MOST_UNLABELLED unlabelled ones, each then weighing as many as it stands for."""
    has_label = ~np.isnan(cases.label)
    without = np.flatnonzero(~has_label)
    if len(without) <= MOST_UNLABELLED:
        return cases
    drawn = np.random.default_rng(seed).choice(without, MOST_UNLABELLED, replace=False)
    weight = cases.weight.copy()
    weight[drawn] = len(without) / MOST_UNLABELLED
    chosen = has_label.copy()
    chosen[drawn] = True
    return replace(cases, weight=weight).take(chosen)


def _of_units(
    store: Store, catalogue: Catalogue, cases: TargetCases, entity: str
) -> tuple[Matrix, TargetCases]:
    """Return the cases that the register knew on their day, with their features."""
    every = bare_cases(entity, cases.subject, cases.as_of)
    registered, _ = registered_cases(store, catalogue, every)
    marks_of_registered = marks(registered.code, registered.as_of)
    is_registered = np.isin(marks(cases.subject, cases.as_of), marks_of_registered)
    return matrix_for(store, catalogue, registered), cases.take(is_registered)
