"""A data set: cases with their labels and the features that were known of each on its day."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from features.catalogue.model import Catalogue
from features.engine.engine import Engine, engine_of
from features.engine.matrices import matrix_for
from features.engine.population import bare_cases, registered_cases
from features.errors import LssiError, TargetError
from features.ingest.source_toml import GroupJudging, Target
from features.matrix import Matrix, stacked
from features.store.store import Store
from training.data.bystanders import drawn_bystanders
from training.data.cases import BOTH, TEST, TRAIN, Bystanders, TargetCases, joined_parts
from training.data.day_cases import ON_DAYS, day_cases
from training.data.events import marks
from training.data.labels import SUBJECT
from training.data.population import population
from training.data.protected import persons_of
from training.data.set_aside import SetAside
from training.data.unit_cases import unit_cases

MOST_UNLABELLED = 10_000
"""Unlabelled claims to test on at most: as many tell how a list would do, and each one costs its features."""


@dataclass(frozen=True, slots=True, eq=False)
class Dataset:
    """The cases of a target, one matrix row each: training cases with a label, test cases with or without.

    `set_aside` counts by reason what looked like a case and is none. `bystanders` are cases of the training days without a
    label, where any were asked for. Judged by groups, labelled cases train and test, and `persons` are those who file the
    claims, so that nobody is parted.
    """

    name: str
    target: Target
    matrix: Matrix
    cases: TargetCases
    catalogue: Catalogue
    set_aside: Mapping[str, int] = field(default_factory=dict)
    bystanders: Bystanders | None = None
    persons: NDArray[np.str_] | None = None

    @property
    def units(self) -> NDArray[np.str_]:
        """The unit that each case is about, (n,): `persons` where they are told, else the key of its row."""
        return self.matrix.keys if self.persons is None else self.persons

    @property
    def gap(self) -> int:
        """How many days lie between what teaches and what is asked about; 0 where each outcome's own day says it.

        A label of declared days is known only when its horizon has passed.
        """
        return self.target.horizon if self.target.as_of else 0

    def take(self, rows: NDArray[np.int64]) -> Dataset:
        """Return the chosen cases with their features."""
        persons = None if self.persons is None else self.persons[rows]
        return replace(
            self, matrix=self.matrix.take(rows), cases=self.cases.take(rows), persons=persons
        )

    def taught(self) -> NDArray[np.bool_]:
        """Return which cases train."""
        trains = np.asarray(self.cases.part == TRAIN)
        return trains | self.in_folds()

    def tested(self) -> NDArray[np.bool_]:
        """Return which cases test, labelled or not."""
        tests = np.asarray(self.cases.part == TEST)
        return tests | self.in_folds()

    def in_folds(self) -> NDArray[np.bool_]:
        """Return which cases train and test, in folds by unit."""
        return np.asarray(self.cases.part == BOTH)


def target_of(store: Store, name: str) -> Target:
    """Return a declared target; TargetError when the source declares none of that name."""
    declared = store.source.target
    if name not in declared:
        names = ", ".join(sorted(declared)) or "none"
        raise TargetError(
            f"target {name!r} is not declared by source {store.source.name!r}; it declares {names}"
        )
    return declared[name]


def dataset(store: Store, name: str, *, seed: int, bystanders: int = 0) -> Dataset:
    """Return the data set of a declared target; `seed` draws the unlabelled test claims where there are too many.

    It also draws as many bystanders as are asked for.

    Only the whole population of the test tells how a list would do, so test cases need no label. Raises TargetError.
    """
    target = target_of(store, name)
    engine = engine_of(store)
    if target.unit in ON_DAYS:
        matrix, cases, aside = _of_days(engine, target)
    else:
        every_unit, aside = unit_cases(store, target)
        some_units = thinned(every_unit, seed)
        matrix, cases = _of_units(engine, some_units, SUBJECT[target.unit])
    condition = target.population.filter if target.population else ""
    inside = population(matrix, condition)
    population_matrix = matrix.take(inside)
    chosen = cases.take(inside)
    whole = Dataset(name, target, population_matrix, chosen, engine.catalogue, aside.counts())
    beside = _bystanders(engine, whole, condition, most=bystanders, seed=seed)
    persons = None
    if target.judged is not None and target.unit == "claim":
        persons = persons_of(store, chosen.subject)
    return replace(whole, bystanders=beside, persons=persons)


def _bystanders(
    engine: Engine, whole: Dataset, condition: str, *, most: int, seed: int
) -> Bystanders | None:
    """Return bystanders of the target's population with their features; none where no days part training from test."""
    if whole.target.judged is not None:
        return None
    taught = whole.cases.take(whole.taught())
    drawn = drawn_bystanders(engine, whole.target, taught, most=most, seed=seed)
    if drawn is None:
        return None
    matrix, cases = _of_units(engine, drawn, SUBJECT[whole.target.unit])
    inside = population(matrix, condition)
    return Bystanders(matrix.take(inside), cases.take(inside))


def labelled(store: Store, name: str) -> TargetCases:
    """Return the cases of a declared target with their labels, before any feature or condition on features."""
    return _every_case(store, target_of(store, name))[0]


def labelled_days(store: Store, name: str) -> NDArray[np.int64]:
    """Return the days of all labelled cases of a declared target, whatever its split says of them."""
    undated = {"split": None, "judged": GroupJudging(by="groups")}
    cases, _ = _every_case(store, target_of(store, name).model_copy(update=undated))
    return cases.day


def cases_set_aside(store: Store, name: str) -> dict[str, int]:
    """Return how many cases of a declared target are none, by why; the reasons are those of `SetAside`."""
    return _every_case(store, target_of(store, name))[1].counts()


def every_set_aside(store: Store) -> dict[str, dict[str, int]]:
    """Return by declared target how many cases are none, by why; a target that its history cannot label is left out."""
    counts = {}
    for name in store.source.target:
        with suppress(LssiError):
            counts[name] = cases_set_aside(store, name)
    return counts


def _every_case(store: Store, target: Target) -> tuple[TargetCases, SetAside]:
    if target.unit not in ON_DAYS:
        return unit_cases(store, target)
    aside = SetAside()
    days = day_cases(engine_of(store), target, aside)
    return joined_parts([cases for _, cases in days]), aside


def _of_days(engine: Engine, target: Target) -> tuple[Matrix, TargetCases, SetAside]:
    """Return every living unit on each test day, and on each training day those that get a label."""
    aside = SetAside()
    matrices = []
    parts = []
    for units, cases in day_cases(engine, target, aside):
        matrices.append(matrix_for(engine, units))
        parts.append(cases)
    return stacked(matrices), joined_parts(parts), aside


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


def _of_units(engine: Engine, cases: TargetCases, entity: str) -> tuple[Matrix, TargetCases]:
    """Return the cases that the register knew on their day, with their features."""
    every = bare_cases(entity, cases.subject, cases.as_of)
    registered, _ = registered_cases(engine, every)
    marks_of_registered = marks(registered.code, registered.as_of)
    is_registered = np.isin(marks(cases.subject, cases.as_of), marks_of_registered)
    return matrix_for(engine, registered), cases.take(is_registered)
