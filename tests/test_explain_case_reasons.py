"""Laws of reasons for many: a batch tells of each case what it is told alone, whichever cases stand beside it."""

from __future__ import annotations

from pathlib import Path

import lightgbm
import numpy as np
import pytest

from features.engine.engine import engine_of
from features.engine.evaluation import evaluation_of
from features.engine.matrices import catalogue_of, matrix
from features.engine.population import cases_of
from features.matrix import Matrix, stacked
from features.online.counterfactual import Counterfactuals
from features.store.store import Store
from models.bundle.bundle import Bundle, Parts, load_bundle, write_bundle
from models.bundle.calibration import Calibration
from models.bundle.manifest import frozen_features
from models.explain import case_reasons as room
from models.explain.case_reasons import CaseReasons, case_reasons, reasons_in_batches
from models.explain.explain import explain
from tests.random_history import LAST, loaded_history

DAYS = (LAST - 30, LAST - 61, LAST - 200)
ENTITIES = ("enterprise", "claim", "provider")


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    return loaded_history(tmp_path_factory, seed=8)


def units_of(store: Store, entity: str) -> Matrix:
    """All units of three days, those of one day beside those of another."""
    units = stacked([matrix(store, entity, day) for day in DAYS])
    return units.take(np.random.default_rng(4).permutation(len(units)))


def model_of(store: Store, units: Matrix, folder: Path) -> Bundle:
    """A model of a label drawn by lot, which splits on whatever there is."""
    label = np.random.default_rng(2).random(len(units)) < 0.5
    table = lightgbm.Dataset(
        units.values,
        label,
        feature_name=list(units.names),
        categorical_feature=list(units.categories),
    )
    choices = {
        "objective": "binary",
        "num_leaves": 12,
        "min_data_in_leaf": 3,
        "feature_fraction": 0.3,
        "seed": 1,
        "num_threads": 1,
        "verbosity": -1,
        "deterministic": True,
    }
    text = lightgbm.train(choices, table, 40).model_to_string()
    features = frozen_features(catalogue_of(store).features(units.entity), units)
    line = Calibration((-5.0, 5.0), (0.01, 0.99))
    parts = Parts(
        "undeclared_workers", "2015-06-30", features, line, text, None, units, {"source": "x"}, {}
    )
    return load_bundle(write_bundle(folder, parts))


def alone(store: Store, bundle: Bundle, units: Matrix) -> list[CaseReasons]:
    """The reasons of each unit asked by itself."""
    engine = engine_of(store)
    told = []
    for place in range(len(units)):
        unit = units.row(place)
        cases = cases_of(engine, units.entity, unit.keys.tolist(), unit.as_of.astype(np.int64))
        evaluated = evaluation_of(engine, cases)
        told += case_reasons(engine, bundle, evaluated, explain(bundle, unit).contributions)
    return told


@pytest.mark.parametrize("entity", ENTITIES)
def test_a_batch_tells_of_each_unit_what_it_is_told_alone(
    store: Store, entity: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    units = units_of(store, entity)
    bundle = model_of(store, units, tmp_path)
    some = units.take(np.arange(min(len(units), 12)))
    contributions = explain(bundle, some).contributions
    one_by_one = alone(store, bundle, some)
    for size in (5, 512):
        monkeypatch.setattr(room, "AT_ONCE", size)
        batches = reasons_in_batches(engine_of(store), bundle, some, contributions)
        for batch, single in zip(batches, one_by_one, strict=True):
            assert list(batch.facts.items()) == list(single.facts.items())
            assert batch == single
    assert sum(len(one.reasons) for one in one_by_one) > len(some) / 2


@pytest.mark.parametrize("entity", ENTITIES)
def test_facts_taken_from_many_cases_at_once_change_each_as_if_it_stood_alone(
    store: Store, entity: str
) -> None:
    engine = engine_of(store)
    units = units_of(store, entity).take(np.arange(4))
    days = units.as_of.astype(np.int64)
    cases = cases_of(engine, entity, units.keys.tolist(), days)
    together = Counterfactuals(engine, evaluation_of(engine, cases))
    asked = [(place, name) for place in range(len(units)) for name in units.names[::2]]
    facts = together.facts(asked)
    taken = sorted(
        {(place, fact) for (place, _), made in zip(asked, facts, strict=True) for fact in made},
        key=repr,
    )[::2]
    assert len(taken) > 5
    many = together.without(taken)
    changed = 0
    for place in range(len(units)):
        case = cases.take(np.array([place]))
        single = Counterfactuals(engine, evaluation_of(engine, case))
        of_case = [at for at, (owner, _) in enumerate(taken) if owner == place]
        for at in of_case:
            less = single.without([(0, taken[at][1])])
            assert less.values.tobytes() == many.values[at : at + 1].tobytes()
            changed += less.values.tobytes() != units.values[place : place + 1].tobytes()
    assert changed > 3
