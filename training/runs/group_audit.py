"""The audit of a training by groups: the test as the list met it, the groups read for it, and what features cost them."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain
from typing import Any

import numpy as np

from features.arrays import NULL
from features.engine.engine import engine_of
from features.matrix import Matrix
from features.store.store import Store
from models.bundle.forest import forest_of
from models.explain.shap_kernel import contributions
from training.data.dataset import Dataset
from training.data.labels import FOREVER, Codes, Floats
from training.data.protected import claimants
from training.groups.audit import ASSUMED_DAYS, group_report
from training.groups.costs import Costing, concerned, cost_rows, listed_places
from training.groups.rates import Audited
from training.groups.table import group_table
from training.groups.values import Looked, Partition, partitions
from training.runs.contender import TestedModel

OUTCOMES = {"visit": ("inspections", "findings"), "review": ("claim_reviews",)}
"""The tables whose rows tell the outcome, by kind of label; of an event its own table does."""
BLOCK = 4_096
"""Cases whose contributions are computed at a time; a choice: those of all features are made and few are kept."""


def groups_of_test(store: Store, whole: Dataset) -> list[Partition]:
    """Return how the test cases of a data set, which has all features, fall into groups by each declared attribute."""
    tested = whole.tested()
    looked = Looked(engine_of(store), whole.matrix.take(tested), whole.cases.subject[tested])
    return partitions(looked, group_table())


def group_audit(
    store: Store, whole: Dataset, model: TestedModel, falls: Sequence[Partition]
) -> dict[str, Any]:
    """Return the audit of a model by groups, plain values: the tables of `group_report`, and `costs` of features."""
    tested = _tested(store, whole, model)
    not_known = _assumed_days(store, whole)
    report = group_report(tested, falls, seed=model.seed, not_known=not_known)
    return {**report, "costs": _costs(whole, model, tested, falls)}


def _tested(store: Store, whole: Dataset, model: TestedModel) -> Audited:
    """Return the test cases as the list at capacity met them."""
    cases = whole.cases.take(whole.tested())
    is_listed = np.zeros(len(cases), np.bool_)
    is_listed[listed_places(model.judged, model.capacity)] = True
    # where nobody can tell the chance of a label, the labelled cases stand for themselves
    chance = np.nan_to_num(model.judged.propensity, nan=1.0)
    passed = (cases.told - cases.day).astype(np.float64)
    return Audited(
        ids=cases.ids,
        unit=units_of_cases(store, whole.matrix.entity, cases.subject),
        listed=is_listed,
        label=cases.label,
        probability=model.answers.probability,
        chance=chance,
        weight=cases.weight,
        days=np.where(cases.told < FOREVER, passed, np.nan),
    )


def units_of_cases(store: Store, entity: str, subject: Codes) -> Codes:
    """Return whom cases are about: the claimant of a claim, or the claim itself where it names nobody."""
    if entity != "claim":
        return subject
    worker = claimants(store, subject)
    return np.where(worker == NULL, -1 - subject, worker)


def _assumed_days(store: Store, whole: Dataset) -> dict[str, str]:
    """Return why the days to detection are not known where the source has no days of its own on which it learned of outcomes."""
    target = whole.target
    tables = OUTCOMES.get(target.label, ())
    if target.event is not None:
        tables = (target.event.table,)
    is_assumed = any(store.source.assumed_delays.get(table, 0) for table in tables)
    return {"days_to_detection": ASSUMED_DAYS} if is_assumed else {}


def _costs(
    whole: Dataset, model: TestedModel, tested: Audited, falls: Sequence[Partition]
) -> list[dict[str, Any]]:
    """Return what the features that raise the risk cost the groups that they name."""
    by_concern = concerned(_raising(whole))
    if not by_concern or not len(tested):
        return []
    names = sorted(set(chain.from_iterable(by_concern.values())))
    shares = _contributions(model.text, whole.matrix.take(whole.tested()), names)
    costing = Costing(tested, model.judged, model.capacity, falls, shares)
    return cost_rows(costing, by_concern, seed=model.seed)


def _raising(whole: Dataset) -> list[str]:
    """Return the features of a data set that are declared to raise the risk."""
    declared = whole.catalogue.features(whole.matrix.entity)
    raising = {feature.name for feature in declared if feature.direction == "up"}
    return [name for name in whole.matrix.names if name in raising]


def _contributions(text: str, matrix: Matrix, names: Sequence[str]) -> dict[str, Floats]:
    """Return the exact contribution of some features to each raw score, float64 (n,)."""
    forest = forest_of(text)
    places = [matrix.names.index(name) for name in names]
    if not np.isin(places, forest.nodes.feature).any():
        # no tree asks for any of them
        return {name: np.zeros(len(matrix)) for name in names}
    parts = []
    for first in range(0, len(matrix), BLOCK):
        every = contributions(forest, matrix.values[first : first + BLOCK])
        parts.append(every[:, places])
    columns = np.concatenate(parts)
    return {name: columns[:, place] for place, name in enumerate(names)}
