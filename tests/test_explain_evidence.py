"""The law that makes reasons worth checking: take the rows away, load the history again, and the score is lower."""

from __future__ import annotations

import shutil
from pathlib import Path

import lightgbm
import numpy as np
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from features.catalogue.joins import left_of
from features.engine.engine import engine_of
from features.engine.evaluation import evaluation
from features.engine.matrices import catalogue_of, matrix
from features.ingest.scan import files_in, read_table
from features.matrix import Matrix
from features.store.opening import open_store
from features.store.store import Store
from models.bundle.bundle import Bundle, Parts, load_bundle, write_bundle
from models.bundle.calibration import Calibration
from models.bundle.manifest import frozen_features
from models.bundle.score import score
from models.explain.explain import explain
from models.explain.reasons import Reason, reasons_of
from simulation.ground.setting import setting_of
from simulation.run import write_city
from tests.alone import Counterfactual, evidence

SAMPLED = 40


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("city")
    write_city(folder, setting_of(700, 18, until="2015-06-30", seed=5), lambda *_: None)
    return folder


@pytest.fixture(scope="module")
def store(city: Path, tmp_path_factory: pytest.TempPathFactory) -> Store:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LSSI_HOME", str(tmp_path_factory.mktemp("home")))
        return open_store(city)


@pytest.fixture(scope="module")
def known(store: Store) -> Matrix:
    return matrix(store, "enterprise", store.complete_to)


@pytest.fixture(scope="module")
def bundle(store: Store, known: Matrix, tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    """A model of a label that rests, with noise, on staff not enrolled, on complaints and on late contributions."""
    share, complaints, late = (
        np.nan_to_num(known.column(name))
        for name in ("share_filed_not_enrolled", "complaints_all", "late_rows_12m")
    )
    draw = np.random.default_rng(3)
    label = draw.random(len(known)) < 1 / (1 + np.exp(2 - 4 * share - complaints - 0.2 * late))
    table = lightgbm.Dataset(
        known.values,
        label,
        feature_name=list(known.names),
        categorical_feature=list(known.categories),
    )
    choices = {
        "objective": "binary",
        "num_leaves": 15,
        "min_data_in_leaf": 10,
        "seed": 1,
        "num_threads": 1,
        "verbosity": -1,
        "deterministic": True,
        "force_row_wise": True,
    }
    text = lightgbm.train(choices, table, 60).model_to_string()
    features = frozen_features(catalogue_of(store).features("enterprise"), known)
    line = Calibration((-5.0, 5.0), (0.01, 0.99))
    parts = Parts(
        "undeclared_workers",
        "2015-06-30",
        features,
        line,
        text,
        None,
        known,
        {"source": "city"},
        {},
    )
    return load_bundle(write_bundle(tmp_path_factory.mktemp("bundles"), parts))


def without_rows(city: Path, target: Path, gone: dict[str, set[str]]) -> Path:
    """Copy a source without some rows of some tables."""
    shutil.copytree(city, target)
    for table, numbers in gone.items():
        for part in files_in(target / table, "*.parquet"):
            rows = read_table(part)
            lost = np.isin(
                pc.cast(rows["row_id"], "string").to_numpy(zero_copy_only=False).astype(str),
                sorted(numbers),
            )
            pq.write_table(rows.filter(~lost), part)
    return target


def test_a_score_falls_when_the_rows_of_its_first_reason_are_taken_out_of_the_source(
    city: Path, store: Store, known: Matrix, bundle: Bundle, tmp_path: Path
) -> None:
    engine = engine_of(store)
    known = known.take(np.sort(np.argsort(-score(bundle, known).raw, kind="stable")[:SAMPLED]))
    contributions = explain(bundle, known).contributions
    told: dict[str, Reason] = {}
    gone: dict[str, set[str]] = {}
    for position, key in enumerate(known.keys.tolist()):
        evaluated = evaluation(engine, "enterprise", int(known.as_of[position]), [key])
        row = evaluated.matrix
        history = Counterfactual(engine, evaluated)
        facts = evidence(bundle, row, contributions[position], history)
        reasons = reasons_of(bundle, row, contributions[position], facts)
        # the sampled units must stay, and a main source without rows has none to take out
        with_rows = [one for one in reasons if one.facts and one.facts[0].table != "enterprises"]
        for reason in with_rows[:1]:
            told[key] = reason
            for fact in reason.facts:
                gone.setdefault(left_of(fact.table), set()).update(history.rows_of(fact))
    assert len(told) >= 0.8 * SAMPLED
    less = open_store(without_rows(city, tmp_path / "less", gone))
    after = matrix(less, "enterprise", less.complete_to, list(told))
    before = known.take(np.isin(known.keys, list(told)))
    fell = score(bundle, after).raw < score(bundle, before).raw
    assert before.keys.tolist() == after.keys.tolist() and fell.mean() >= 0.9
    for reason in told.values():
        [fact] = reason.facts
        assert (
            all(number in reason.zh and number in reason.en for number in fact.row_ids)
            and fact.n_rows > 0
        )
