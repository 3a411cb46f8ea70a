"""Reasons with their counterfactuals: processor time a unit, in batches and one by one, beside a score without reasons.

BENCH_BUNDLE names the folder of a model, BENCH_CITY a city, else one of BENCH_ENTERPRISES (2,000) is made. Without a model one
of 300 trees is taught a label drawn by lot from complaints and staff. BENCH_UNITS (512) says of how many units. `PYTHONPATH=TREE
python benchmarks/reasons.py` takes the same figures of another tree that has `reasons_in_batches`.
"""

from __future__ import annotations

import os
import statistics
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path

import lightgbm
import numpy as np

from benchmarks.features import city_of, spent
from benchmarks.network import peak_memory
from features.engine.engine import Engine, engine_of
from features.engine.evaluation import evaluation
from features.engine.matrices import matrix
from features.matrix import Matrix
from features.store.opening import open_store
from models.bundle.bundle import Bundle, Parts, load_bundle, write_bundle
from models.bundle.calibration import Calibration
from models.bundle.manifest import frozen_features
from models.explain.case_reasons import case_reasons, reasons_in_batches
from models.explain.explain import explain

UNITS = 512
ALONE = 32
"""Units that are asked one by one; a choice: each takes many times as long as in a batch."""
TURNS = 3


def made_up(engine: Engine, units: Matrix, folder: Path) -> Bundle:
    """Return a model of 300 trees of 31 leaves, taught a label drawn by lot that staff and complaints make likelier."""
    share = np.nan_to_num(units.column("share_filed_not_enrolled"))
    complaints = np.nan_to_num(units.column("complaints_all"))
    chance = 1 / (1 + np.exp(2 - 4 * share - complaints))
    label = np.random.default_rng(3).random(len(units)) < chance
    table = lightgbm.Dataset(
        units.values,
        label,
        feature_name=list(units.names),
        categorical_feature=list(units.categories),
    )
    choices = {
        "objective": "binary",
        "num_leaves": 31,
        "feature_fraction": 0.5,
        "seed": 1,
        "num_threads": 1,
        "verbosity": -1,
        "deterministic": True,
    }
    text = lightgbm.train(choices, table, 300).model_to_string()
    parts = Parts(
        target="undeclared_workers",
        as_of="2015-06-30",
        features=frozen_features(engine.catalogue.features(units.entity), units),
        calibration=Calibration((-5.0, 5.0), (0.01, 0.99)),
        any_text=text,
        count_text=None,
        probe=units,
        origin={"source": "benchmark"},
        metrics={},
    )
    return load_bundle(write_bundle(folder, parts))


def scored(engine: Engine, bundle: Bundle, units: Matrix) -> None:
    """Evaluate units and explain their scores, without reasons."""
    day = int(units.as_of[0])
    explain(bundle, evaluation(engine, units.entity, day, units.keys.tolist()).matrix)


def in_batches(engine: Engine, bundle: Bundle, units: Matrix) -> None:
    """Score units and tell their reasons, in batches."""
    contributions = explain(bundle, units).contributions
    list(reasons_in_batches(engine, bundle, units, contributions))


def one_by_one(engine: Engine, bundle: Bundle, units: Matrix) -> None:
    """Score units and tell their reasons, each by itself."""
    for key, day in zip(units.keys.tolist(), units.as_of.tolist(), strict=True):
        evaluated = evaluation(engine, units.entity, day, [key])
        contributions = explain(bundle, evaluated.matrix).contributions
        case_reasons(engine, bundle, evaluated, contributions)


def main() -> None:
    """Print the figures."""
    with tempfile.TemporaryDirectory() as folder:
        os.environ.setdefault("LSSI_HOME", f"{folder}/home")
        engine = engine_of(open_store(city_of(Path(folder) / "city", 2_000)))
        living = matrix(engine, "enterprise", engine.store.complete_to)
        given = os.environ.get("BENCH_BUNDLE")
        bundle = load_bundle(Path(given)) if given else made_up(engine, living, Path(folder))
        size = min(int(os.environ.get("BENCH_UNITS", UNITS)), len(living))
        # units that lie side by side, as those of a whole day do
        some = living.take(np.arange(size))
        few = some.take(np.arange(min(ALONE, size)))
        works: dict[str, tuple[Callable[[Engine, Bundle, Matrix], None], Matrix]] = {
            "scored and explained without reasons": (scored, some),
            "with reasons, in batches": (in_batches, some),
            "with reasons, one by one": (one_by_one, few),
        }
        taken: dict[str, list[float]] = {name: [] for name in works}
        for _ in range(TURNS):
            for name, (work, units) in works.items():
                seconds = spent(partial(work, engine, bundle, units))
                taken[name].append(1000 * seconds / len(units))
        print(f"{size} units, {len(bundle.features)} features, {len(bundle.forest.points)} trees")
        for name, times in taken.items():
            print(f"{name}: {min(times):.2f}, {statistics.median(times):.2f} cpu ms a unit")
        print(f"peak of memory: {peak_memory():.0f} MB")


if __name__ == "__main__":
    main()
