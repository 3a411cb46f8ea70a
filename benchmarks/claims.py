"""Features of claims: every claim of a history on the day it became known, in batches, and of providers on many days.

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
from collections import Counter, deque
from collections.abc import Iterable
from itertools import product
from pathlib import Path

import numpy as np

from benchmarks.features import DAY, DAYS, apart, city_of, cpu, forget, spent
from benchmarks.network import peak_memory
from features.aggregates.table_plan import read_by
from features.calendar import date_of, month_of_day
from features.catalogue.language import Atom
from features.engine.batches import claim_batches, every_claim, spilled
from features.engine.engine import engine_of
from features.engine.matrices import matrix
from features.store.column_codes import month_columns
from features.store.opening import open_store
from features.store.store import Store

ROUNDS = 3
ATOMS = [
    Atom("sum", f"{whose}_{what}", window)
    for whose, what, window in product(
        ("worker", "provider"), ("claims", "claimed"), ("30d", "90d", "365d")
    )
]


def floor_sql(store: Store, atoms: Iterable[Atom]) -> str:
    """Return the floor of some aggregates: one query that sums the columns that they read, of the last 24 months.

    A table whose rows are placed by several columns is cut by that of most aggregates.
    """
    catalogue = engine_of(store).catalogue
    asked = [(atom, catalogue.measure(atom.measure)) for atom in atoms]
    said = []
    for table in sorted({measure.table for _, measure in asked}):
        own = [measure for _, measure in asked if measure.table == table]
        columns = sorted(
            set().union(*(read_by(measure) | {measure.by} for measure in own)) | {"known", "sign"}
        )
        ((when, _),) = Counter(measure.when for measure in own).most_common(1)
        first, last = (
            (month_of_day(DAY) - 24, month_of_day(DAY))
            if month_columns(store, table, {when} - {""})
            else (DAY - 730, DAY)
        )
        within = f" WHERE {when} > {first} AND {when} <= {last}" if when else ""
        said.append(
            f"(SELECT {' + '.join(f'SUM({column})' for column in columns)} FROM {table}{within})"
        )
    return f"SELECT {', '.join(said)}"


def all_atoms(store: Store) -> frozenset[Atom]:
    """Return all aggregates that the features of claims read."""
    return engine_of(store).needs_of_entity("claim").atoms


def floor(store: Store) -> list[float]:
    """Measure the floor of all features of claims."""
    return [spent(lambda: store.sql(floor_sql(store, all_atoms(store)))) for _ in range(ROUNDS)]


def floor_of_windows(store: Store) -> list[float]:
    """Measure the floor of windows alone."""
    return [spent(lambda: store.sql(floor_sql(store, ATOMS))) for _ in range(ROUNDS)]


def first_use(store: Store) -> list[float]:
    """Measure every claim of the history from sorted rows: panels, columns and stored values are laid out on the way."""
    forget(store)
    return warm(store)


def warm(store: Store) -> list[float]:
    """Measure every claim of the history after a first use."""
    return [spent(lambda: deque(claim_batches(store), 0))]


def windows(store: Store) -> list[float]:
    """Measure claims and amounts of the claimant and of the provider over 30, 90 and 365 days alone, for every claim."""
    engine = engine_of(store)

    def every() -> None:
        claims = every_claim(engine)
        nobody = claims.cases(slice(0, 0))
        with spilled(engine, claims, frozenset(ATOMS), frozenset()) as spill:
            for batch in range(spill.batches):
                spill.take(batch, nobody)

    every()
    return [spent(every) for _ in range(ROUNDS)]


def providers(store: Store) -> list[float]:
    """Measure all providers on eight quarterly days, after a first use."""
    matrix(store, "provider", DAYS[0])
    return [spent(lambda: [matrix(store, "provider", day) for day in DAYS]) for _ in range(ROUNDS)]


MEASURED = {
    run.__name__: run for run in (floor, floor_of_windows, first_use, warm, windows, providers)
}


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
        claims, days = (
            store.dictionary("claim").size,
            np.unique(store.all_rows("claims", ("known",))["known"]),
        )
        print(
            f"{claims:,} claims, {store.size('claims'):,} rows known on {len(days):,} days from {date_of(int(days[0]))} on; "
            f"load {cpu() - began:.1f} cpu s (next to nothing where it was loaded before)"
        )
        print(f"floor of all features: {floor_sql(store, all_atoms(store))}")
        print(f"floor of windows: {floor_sql(store, ATOMS)}")
        floors = {name: typical(name, city)[0] for name in ("floor", "floor_of_windows")}
        print(", ".join(f"{name} {middle:.3f} cpu s" for name, middle in floors.items()))
        for name, bound in (
            ("first_use", "no bound"),
            ("warm", "20 floors, 3 GB"),
            ("windows", "20 floors, 3 GB"),
            ("providers", "3 GB"),
        ):
            middle, peak = typical(name, city)
            base = floors["floor_of_windows" if name == "windows" else "floor"]
            each = f", {1e6 * middle / claims:.1f} µs a claim" if name != "providers" else ""
            print(
                f"{name}: {middle:.2f} cpu s = {middle / base:.1f} floors{each}, peak {peak:.2f} GB (asked: {bound})"
            )


if __name__ == "__main__":
    if len(sys.argv) == 3:
        results = MEASURED[sys.argv[1]](open_store(Path(sys.argv[2])))
        print(json.dumps([results, peak_memory() / 1000]))
    else:
        main()
