"""Features of claims: every claim of a history on the day it became known, in stretches, and of providers on many days.

Processor seconds as ratios to a scan floor in the same run, medians of 3, each figure in a process of its own, with the
peak of its memory. A folder with a city may stand in BENCH_CITY; without it one of BENCH_ENTERPRISES (2,000) is made:
`python -m benchmarks claims`.
"""

from __future__ import annotations

import json
import os
import statistics
import sys
import tempfile
from collections import deque
from itertools import product
from pathlib import Path

import numpy as np

from benchmarks.features import DAY, DAYS, apart, city_of, cpu, forget, spent
from benchmarks.network import peak_memory
from features.days import date_of
from features.engine import catalogue_of, matrix
from features.evaluate import atom_values
from features.language import Atom
from features.register import registered
from features.store import Store, open_store
from features.stretches import CASES_AT_ONCE, claim_stretches, first_seen

ROUNDS = 3
FLOOR = """SELECT SUM(sign * amount), SUM(filed_on), SUM(claim), SUM(worker), SUM(provider), SUM(enterprise), SUM(scheme),
       SUM(inpatient), SUM(admitted), SUM(discharged), SUM(known)
FROM claims WHERE filed_on > {first} AND filed_on <= {last}"""


def floor_sql() -> str:
    """Return the floor: one query that sums the claims' columns needed of the last 24 months."""
    return FLOOR.format(first=DAY - 730, last=DAY)


def floor(store: Store) -> list[float]:
    """Measure the floor."""
    return [spent(lambda: store.sql(floor_sql())) for _ in range(ROUNDS)]


def first_use(store: Store) -> list[float]:
    """Measure every claim of the history from sorted rows: panels, columns and stored values are laid out on the way."""
    forget(store)
    return warm(store)


def warm(store: Store) -> list[float]:
    """Measure every claim of the history after a first use."""
    return [spent(lambda: deque(claim_stretches(store, catalogue_of(store)), 0))]


def windows(store: Store) -> list[float]:
    """Measure claims and amounts of the claimant and of the provider over 30, 90 and 365 days alone, for every claim."""
    catalogue = catalogue_of(store)
    atoms = [Atom("sum", f"{whose}_{what}", window) for whose, what, window in
             product(("worker", "provider"), ("claims", "claimed"), ("30d", "90d", "365d"))]

    def every() -> None:
        for low in range(0, len(store.texts("claim")), CASES_AT_ONCE):
            cases, _ = registered(store, catalogue, first_seen(store, low, low + CASES_AT_ONCE))
            atom_values(store, catalogue, cases, atoms)

    every()
    return [spent(every) for _ in range(ROUNDS)]


def providers(store: Store) -> list[float]:
    """Measure all providers on eight quarterly days, after a first use."""
    matrix(store, "provider", DAYS[0])
    return [spent(lambda: [matrix(store, "provider", day) for day in DAYS]) for _ in range(ROUNDS)]


MEASURED = {run.__name__: run for run in (floor, first_use, warm, windows, providers)}


def typical(name: str, city: Path) -> tuple[float, float]:
    """Return the median of a measurement in a process of its own, and the peak of its memory in GB."""
    values, peak = apart(name, city, "claims")
    return statistics.median(values), peak


def main() -> None:
    """Print every figure beside the floor."""
    with tempfile.TemporaryDirectory() as scratch:
        os.environ.setdefault("LSSI_HOME", scratch)
        city = city_of(Path(scratch), 2_000)
        began = cpu()
        store = open_store(city)
        claims, days = len(store.texts("claim")), np.unique(store.all_rows("claims", ("known",))["known"])
        print(f"{claims:,} claims, {store.size('claims'):,} rows known on {len(days):,} days from {date_of(int(days[0]))} on; "
              f"load {cpu() - began:.1f} cpu s (next to nothing where it was loaded before)")
        print(f"floor: {' '.join(floor_sql().split())}")
        base, _ = typical("floor", city)
        print(f"floor {base:.3f} cpu s")
        for name, bound in (("first_use", "no bound"), ("warm", "3 GB"), ("windows", "20 floors, 3 GB"), ("providers", "3 GB")):
            middle, peak = typical(name, city)
            each = f", {1e6 * middle / claims:.1f} µs a claim" if name != "providers" else ""
            print(f"{name}: {middle:.2f} cpu s = {middle / base:.1f} floors{each}, peak {peak:.2f} GB (asked: {bound})")


if __name__ == "__main__":
    if len(sys.argv) == 3:
        results = MEASURED[sys.argv[1]](open_store(Path(sys.argv[2])))
        print(json.dumps([results, peak_memory() / 1000]))
    else:
        main()
