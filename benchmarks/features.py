"""Features of the whole city: processor seconds as ratios to a scan floor in the same run, medians of 5; memory; online.

A folder with a city may stand in BENCH_CITY; without it one of BENCH_ENTERPRISES (20,000) is made. Each figure is measured
in a process of its own: `python -m benchmarks features`. Network values are made before the clock starts and counted apart
(benchmarks/network.py); what distinct counts over rows cost is printed beside the days that hold them.
"""

from __future__ import annotations

import json
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks.network import peak_memory
from features.aggregates.reader import atom_values
from features.calendar import day_of, month_of_day
from features.catalogue.language import atoms_of
from features.engine.batches import living_batches
from features.engine.engine import engine_of
from features.engine.matrices import matrix
from features.engine.population import living
from features.network.stored import kept_values
from features.store.opening import open_store
from features.store.store import Store
from serving.gate.startup import settle_memory
from simulation.ground.setting import setting_of
from simulation.run import write_city

ROUNDS = 5
MOST_FOR_PANDAS = 50_000_000
DAY = day_of("2015-03-31")
DAYS = tuple(
    day_of(f"{year}-{end}") for year in (2013, 2014) for end in ("03-31", "06-30", "09-30", "12-31")
)
ONES = tuple(
    day_of(text) for text in ("2015-03-31", "2015-02-28", "2015-01-31", "2014-11-30", "2014-10-31")
)
FLOOR = """SELECT SUM(sign * base), SUM(sign * due_unit), SUM(sign * due_person), SUM(sign * paid_unit), SUM(sign * paid_person),
       SUM(paid_on), SUM(booked), SUM(scheme), SUM(kind), SUM(enterprise), SUM(known),
       (SELECT SUM(sign * employees) + SUM(payroll) + SUM(enterprise) + SUM(known)
        FROM tax_payroll WHERE month > {first} AND month <= {last}),
       (SELECT SUM(sign * kwh) + SUM(enterprise) + SUM(known) FROM utilities WHERE month > {first} AND month <= {last})
FROM contributions WHERE month > {first} AND month <= {last}"""


def cpu() -> float:
    """Return the processor seconds that this process has used."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def spent(work: Callable[[], object]) -> float:
    """Return the processor seconds of some work."""
    began = cpu()
    work()
    return cpu() - began


def floor_sql() -> str:
    """Return the floor: one query that sums the columns needed of the last 24 months."""
    last = month_of_day(DAY)
    return FLOOR.format(first=last - 24, last=last)


def forget(store: Store) -> None:
    """Take away all that a first use leaves beside the sorted rows."""
    flat = [path for path in (store.folder / "base").iterdir() if path.suffix == ".flat"]
    for folder in [*flat, *(store.folder / name for name in ("panels", "peers", "stored"))]:
        shutil.rmtree(folder, ignore_errors=True)


def connected(store: Store, *days: int) -> None:
    """Make the network values of some days, which are counted apart."""
    for day in days:
        kept_values(store, "enterprise", day)


def floor(store: Store) -> list[float]:
    """Measure the floor."""
    return [spent(lambda: store.sql(floor_sql())) for _ in range(ROUNDS)]


def warm(store: Store) -> list[float]:
    """Measure one as-of day, each time another, after a first use."""
    matrix(store, "enterprise", day_of("2014-09-30"))
    connected(store, *ONES)
    return [spent(lambda day=day: matrix(store, "enterprise", day)) for day in ONES]  # type: ignore[misc]


def nothing(store: Store) -> list[float]:
    """Measure one as-of day from rows sorted by business key and nothing else."""
    forget(store)
    connected(store, DAY)
    return [spent(lambda: matrix(store, "enterprise", DAY))]


def eight(store: Store) -> list[float]:
    """Measure eight quarterly as-of days at once, after a first use; the first time makes their peers on the way."""
    matrix(store, "enterprise", day_of("2014-08-31"))
    connected(store, *DAYS)

    def all_days() -> int:
        return sum(len(part) for part in living_batches(store, "enterprise", *DAYS))

    return [spent(all_days) for _ in range(ROUNDS)]


def distinct(store: Store) -> list[float]:
    """Measure the distinct counts and medians over rows of one as-of day alone, warm."""
    engine = engine_of(store)
    cases = living(engine, "enterprise", DAY)
    atoms = {
        atom
        for feature in engine.catalogue.features("enterprise")
        for atom in atoms_of(feature.tree)
        if atom.aggregate in ("distinct", "median")
    }
    atom_values(engine, cases, atoms)
    return [spent(lambda: atom_values(engine, cases, atoms)) for _ in range(ROUNDS)]


def online(store: Store) -> list[float]:
    """Measure wall milliseconds of all features of one enterprise from the store, in a process settled as the service's workers
    are: p50 and p99 of 300."""
    ids = matrix(store, "enterprise", DAY).keys[:300].tolist()
    for key in ids[:20]:
        matrix(store, "enterprise", DAY, [key])
    settle_memory()
    took = []
    for key in ids:
        began = time.perf_counter()
        matrix(store, "enterprise", DAY, [key])
        took.append(1000 * (time.perf_counter() - began))
    return [float(np.percentile(took, 50)), float(np.percentile(took, 99))]


def lookup(store: Store) -> list[float]:
    """Measure wall milliseconds of looking up one enterprise's contributions: p50 and p99 of 1,000."""
    columns = ("month", "base", "due_unit", "paid_unit", "known", "sign")
    store.rows("contributions", by="enterprise", low=0, high=1, columns=columns)
    took = []
    for code in range(1_000):
        began = time.perf_counter()
        store.rows("contributions", by="enterprise", low=code, high=code + 1, columns=columns)
        took.append(1000 * (time.perf_counter() - began))
    return [float(np.percentile(took, 50)), float(np.percentile(took, 99))]


def pandas_peer(store: Store) -> list[float]:
    """Measure pandas on a small part of the same work: five sums over two windows, as of the day."""
    columns = (
        "enterprise",
        "month",
        "due_unit",
        "due_person",
        "paid_unit",
        "paid_person",
        "base",
        "known",
        "sign",
    )
    rows = store.all_rows("contributions", columns)

    def sums() -> None:
        frame = pd.DataFrame(rows)
        frame = frame[frame["known"] <= DAY]
        for months in (3, 12):
            part = frame[frame["month"] > month_of_day(DAY) - months]
            part[list(columns[2:7])].mul(part["sign"], axis=0).groupby(part["enterprise"]).sum()

    return [spent(sums) for _ in range(3)]


MEASURED = {
    run.__name__: run
    for run in (floor, nothing, warm, eight, distinct, lookup, online, pandas_peer)
}


def apart(name: str, city: Path, program: str = "features") -> tuple[list[float], float]:
    """Return what a measurement of a benchmark gives in a process of its own, and the peak of its memory in GB."""
    command = [sys.executable, "-m", f"benchmarks.{program}", name, str(city)]
    told = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    values, peak = json.loads(told.stdout.splitlines()[-1])
    return values, peak


def city_of(folder: Path, enterprises: int = 20_000) -> Path:
    """Return the city to measure on, made if none is given."""
    if given := os.environ.get("BENCH_CITY"):
        return Path(given)
    size = int(os.environ.get("BENCH_ENTERPRISES", enterprises))
    write_city(
        folder / "city", setting_of(size, 36, until="2015-06-30", seed=1), lambda _done, _of: None
    )
    return folder / "city"


def main() -> None:
    """Print every figure beside the floor."""
    with tempfile.TemporaryDirectory() as scratch:
        os.environ.setdefault("LSSI_HOME", scratch)
        city = city_of(Path(scratch))
        began = cpu()
        store = open_store(city)
        units = len(store.texts("enterprise"))
        print(f"{units:,} enterprises, {store.size('contributions'):,} contribution rows")
        print(f"load, sort included: {cpu() - began:.1f} cpu s (0 where it was loaded before)")
        print(f"floor: {' '.join(floor_sql().split())}")
        base = statistics.median(apart("floor", city)[0])
        print(f"floor {base:.2f} cpu s")
        for name, bound in (
            ("nothing", "at most 14"),
            ("warm", "at most 4"),
            ("eight", "at most 4 of one"),
        ):
            values, peak = apart(name, city)
            middle = statistics.median(values)
            print(
                f"{name}: {middle:.2f} cpu s = {middle / base:.2f} floors ({bound}), peak {peak:.2f} GB"
            )
        part = statistics.median(apart("distinct", city)[0])
        print(
            f"of a warm day, distinct counts and medians over rows: {part:.2f} cpu s = {part / base:.2f} floors"
        )
        for name in ("lookup", "online"):
            (middle, high), _ = apart(name, city)
            print(f"{name}: p50 {middle:.2f} ms, p99 {high:.2f} ms")
        if store.size("contributions") > MOST_FOR_PANDAS:
            print(
                f"pandas: not tried, {store.size('contributions'):,} rows do not fit beside it; try a tenth of the city"
            )
            return
        part = statistics.median(apart("pandas_peer", city)[0])
        print(
            f"pandas, ten sums of contributions alone: {part:.2f} cpu s = {part / base:.2f} floors"
        )


if __name__ == "__main__":
    if len(sys.argv) == 3:
        results = MEASURED[sys.argv[1]](open_store(Path(sys.argv[2])))
        print(json.dumps([results, peak_memory() / 1000]))
    else:
        main()
