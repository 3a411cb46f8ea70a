"""Contributions: processor time of ours beside LightGBM's `pred_contrib`, for many rows and for one, in turns of one run.

The model is that of `against_peers`: 500 trees (BENCH_TREES) of 63 leaves on 150 features, of which 15 are categories; BENCH_ROWS
says how many rows are explained (5,000). Both sides use one thread. The peer explains fewer rows, since its time is even.
"""

from __future__ import annotations

import os
import resource
import statistics
from collections.abc import Callable
from dataclasses import dataclass

import lightgbm
import numpy as np
from llvmlite.binding import get_host_cpu_features  # type: ignore[import-untyped]

from benchmarks.against_peers import CATEGORIES, FEATURES, inputs, taught
from benchmarks.features import spent
from models.bundle.booster import Floats
from models.bundle.forest import forest_of
from models.explain.shap_kernel import contributions

TURNS = 5
TAUGHT = 20_000
"""Rows that teach the model, a choice."""
OF_THE_PEER = 50
"""Rows that the peer explains in a turn, a choice: enough that what a call costs once does not show."""
SINGLE_CALLS = 10
"""Calls with one row in a turn, a choice: one alone is too short to time."""
FEW_ROWS = (2, 4, 8, 16, 32, 64)


@dataclass(frozen=True, slots=True)
class Work:
    """Something that explains `rows` rows in `calls` calls."""

    name: str
    act: Callable[[], object]
    rows: int
    calls: int = 1

    def milliseconds(self) -> float:
        """Do it and return processor milliseconds a row."""
        seconds = spent(self._all_calls)
        return 1000 * seconds / (self.rows * self.calls)

    def _all_calls(self) -> None:
        for _ in range(self.calls):
            self.act()


def widest_vectors() -> str:
    """Return the widest vectors that this machine has."""
    features = get_host_cpu_features()
    widths = {"avx512f": "AVX-512", "avx2": "AVX2"}
    named = [name for feature, name in widths.items() if features.get(feature)]
    return named[0] if named else "neither AVX-512 nor AVX2"


def works_of(booster: lightgbm.Booster, rows: Floats) -> list[Work]:
    """Return what is measured; each of ours has run once, so that it is compiled."""
    forest = forest_of(booster.model_to_string())

    def ours(count: int) -> Callable[[], Floats]:
        return lambda: contributions(forest, rows[:count])

    def of_the_peer(count: int) -> Callable[[], object]:
        return lambda: booster.predict(rows[:count], pred_contrib=True, num_threads=1)

    works = [
        Work("many", ours(len(rows)), len(rows)),
        Work("many, pred_contrib", of_the_peer(OF_THE_PEER), OF_THE_PEER),
        Work("one", ours(1), 1, SINGLE_CALLS),
        Work("one, pred_contrib", of_the_peer(1), 1, SINGLE_CALLS),
    ]
    for count in FEW_ROWS:
        works.append(Work(f"{count} rows", ours(count), count))
        ours(count)()
    gap = np.abs(ours(OF_THE_PEER)() - np.asarray(of_the_peer(OF_THE_PEER)())[:, :-1]).max()
    print(f"largest difference from pred_contrib: {gap:.1e}")
    return works


def main() -> None:
    """Print the figures."""
    trees = int(os.environ.get("BENCH_TREES", "500"))
    values = inputs(TAUGHT + int(os.environ.get("BENCH_ROWS", "5000")))
    booster = taught(values[:TAUGHT], trees, list(range(FEATURES - CATEGORIES, FEATURES)))
    works = works_of(booster, values[TAUGHT:])
    turns: dict[str, list[float]] = {work.name: [] for work in works}
    for _ in range(TURNS):
        for work in works:
            turns[work.name].append(work.milliseconds())
    medians = {name: statistics.median(each) for name, each in turns.items()}
    print(f"{trees} trees, widest vectors {widest_vectors()}; cpu ms a row, least and median")
    for name, each in turns.items():
        print(f"{name}: {min(each):.4f}, {medians[name]:.4f}")
    for name in ("many", "one"):
        print(f"{name}: {medians[f'{name}, pred_contrib'] / medians[name]:.1f} x pred_contrib")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    print(f"peak memory with the training: {peak:.2f} GB")


if __name__ == "__main__":
    main()
