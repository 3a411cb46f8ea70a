"""Contributions against peers: rows a processor second beside `pred_contrib` and the shap library, in turns of one run.

A model of 500 trees of 63 leaves on 150 features, of which 15 are categories, is taught a label of noise; BENCH_TREES says of how
many trees (500), BENCH_LEAVES of how many leaves (63; our trained models have 7 to 31), BENCH_ROWS (4,096) how many rows are
explained, BENCH_PEERS (1,000) against how many. The shap library knows no categories here, so it stands beside ours on a model
of numbers alone.
"""

from __future__ import annotations

import os
import statistics
import warnings
from collections.abc import Callable

import lightgbm
import numpy as np

from benchmarks.features import spent
from models.bundle.booster import Floats
from models.bundle.forest import forest_of
from models.explain.peer_kernel import contributions_against
from models.explain.shap_kernel import contributions

FEATURES, CATEGORIES = 150, 15
TURNS = 3
FEW = 128
"""Rows for what is slow: a choice, enough that what a call costs once does not show."""
FEWEST = 8
"""Rows for the shap library, whose time grows with the peers."""


def leaves_of_a_tree() -> int:
    """Return how many leaves a tree of the model has."""
    return int(os.environ.get("BENCH_LEAVES", "63"))


def inputs(rows: int) -> Floats:
    """Return made-up rows: numbers and categories of 30, of which one in twenty is missing."""
    draw = np.random.default_rng(1)
    values = draw.normal(size=(rows, FEATURES))
    values[:, -CATEGORIES:] = draw.integers(0, 30, (rows, CATEGORIES))
    values[draw.random(values.shape) < 0.05] = np.nan
    return values


def taught(values: Floats, trees: int, categories: list[int]) -> lightgbm.Booster:
    """Return a model of a label in which pairs of numbers and all categories matter."""
    filled = np.nan_to_num(values)
    pairs = (filled[:, 0:40:2] * filled[:, 1:40:2]).sum(axis=1)
    kinds = (filled[:, -CATEGORIES:] % 3 == 1).sum(axis=1)
    chance = 1 / (1 + np.exp(2 - 0.3 * pairs - 0.1 * filled[:, 40:130].sum(axis=1) - 0.4 * kinds))
    label = np.random.default_rng(2).random(len(values)) < chance
    choices = {
        "objective": "binary",
        "num_leaves": leaves_of_a_tree(),
        "learning_rate": 0.05,
        "seed": 1,
        "num_threads": 1,
        "verbosity": -1,
        "deterministic": True,
    }
    table = lightgbm.Dataset(values, label, categorical_feature=categories)
    return lightgbm.train(choices, table, trees)


def of_the_library(booster: lightgbm.Booster, rows: Floats, peers: Floats) -> Floats:
    """Return the interventional contributions of the shap library."""
    import shap

    explainer = shap.TreeExplainer(
        booster, data=peers, feature_perturbation="interventional", model_output="raw"
    )
    return np.asarray(explainer.shap_values(rows, check_additivity=False))


def main() -> None:
    """Print the figures."""
    trees = int(os.environ.get("BENCH_TREES", "500"))
    rows_asked = int(os.environ.get("BENCH_ROWS", "4096"))
    peers_asked = int(os.environ.get("BENCH_PEERS", "1000"))
    values = inputs(20_000 + rows_asked)
    booster = taught(values[:20_000], trees, list(range(FEATURES - CATEGORIES, FEATURES)))
    forest = forest_of(booster.model_to_string())
    numeric = taught(values[:20_000], trees, [])
    numeric_forest = forest_of(numeric.model_to_string())
    peers, rows = values[:peers_asked], values[20_000:]
    works: dict[str, tuple[Callable[[], object], int]] = {
        "against peers, all rows": (lambda: contributions_against(forest, rows, peers), len(rows)),
        "against peers, one row": (lambda: contributions_against(forest, rows[:1], peers), 1),
        "against the training cases": (lambda: contributions(forest, rows[:1024]), 1024),
        "pred_contrib": (
            lambda: booster.predict(rows[:FEW], pred_contrib=True, num_threads=1),
            FEW,
        ),
        "against peers, numbers alone": (
            lambda: contributions_against(numeric_forest, rows, peers),
            len(rows),
        ),
        "the shap library, numbers alone": (
            lambda: of_the_library(numeric, rows[:FEWEST], peers),
            FEWEST,
        ),
    }
    # compiled before anything is measured
    contributions_against(forest, rows[:1], peers[:2])
    contributions(forest, rows[:300])
    seconds: dict[str, list[float]] = {name: [] for name in works}
    for _ in range(TURNS):
        for name, (work, _) in works.items():
            seconds[name].append(spent(work))
    print(
        f"{trees} trees of {leaves_of_a_tree()} leaves, {len(peers)} peers; cpu ms a row, rows a cpu second"
    )
    for name, (_, count) in works.items():
        least, middle = min(seconds[name]), statistics.median(seconds[name])
        print(
            f"{name}: {1000 * least / count:.3f}, {1000 * middle / count:.3f}; {count / least:,.0f}"
        )
    alone, together = (
        min(seconds["against peers, one row"]),
        min(seconds["against peers, all rows"]),
    )
    print(f"each further row: {(len(rows) - 1) / (together - alone):,.0f} rows a cpu second")
    ours = contributions_against(numeric_forest, rows[:FEWEST], peers)
    gap = np.abs(ours - of_the_library(numeric, rows[:FEWEST], peers)).max()
    print(f"largest difference from the shap library: {gap:.1e}")


if __name__ == "__main__":
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        main()
