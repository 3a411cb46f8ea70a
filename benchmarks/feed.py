"""What a day costs that is fed to a city: `python -m benchmarks feed`, or `python -m benchmarks.feed FOLDER` for a city there is.

Each load is a process of its own; a day's cost is set against the cost of the first load, which reads every row.
"""

from __future__ import annotations

import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import polars as pl

from features.ingest.scan import files_in, scan_parquet

ENTERPRISES, WHOLE, DAYS = 20_000, 433_193, 5
LAST = date(2015, 6, 30)
TIMED = (
    "import resource, sys, lssi\n"
    "try: lssi.main()\n"
    "finally: print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, file=sys.stderr)"
)


@dataclass(frozen=True, slots=True)
class Cost:
    """Seconds by the clock and of the processor, and the peak of memory in GB."""

    wall: float
    cpu: float
    peak: float

    def __str__(self) -> str:
        return f"{self.wall:.1f} s, {self.cpu:.1f} cpu s, {self.peak:.2f} GB"


def lssi(home: Path, *words: object) -> Cost:
    """Run one command in a process of its own and return what it cost."""
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-c", TIMED, *map(str, words)],
        check=True,
        text=True,
        capture_output=True,
        env=os.environ | {"LSSI_HOME": str(home)},
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Cost(time.perf_counter() - began, cpu, int(done.stderr.split()[-1]) / 2**20)


def day_folder(city: Path, day: date, place: Path) -> tuple[Path, int]:
    """Write the rows that a city's tables recorded on a day to a folder, and return it with their number."""
    place.mkdir()
    rows = 0
    for table in sorted(
        path for path in city.iterdir() if path.is_dir() and files_in(path, "*.parquet")
    ):
        if table.name == "truth":
            continue
        found = (
            scan_parquet(files_in(table, "*.parquet"))
            .filter(pl.col("recorded_on") == day)
            .collect()
        )
        found.write_parquet(place / f"{table.name}.parquet")
        rows += found.height
    return place, rows


def measure(city: Path, work: Path, days: int = DAYS) -> tuple[Cost, list[Cost]]:
    """Print what the first load and each of the last days of a city cost, and return it."""
    home = work / "home"
    first = lssi(home, "load", city, "--day", LAST - timedelta(days=days))
    print(f"first load, complete to {LAST - timedelta(days=days)}: {first}", flush=True)
    costs = []
    for back in range(days - 1, -1, -1):
        day = LAST - timedelta(days=back)
        place, rows = day_folder(city, day, work / day.isoformat())
        costs.append(lssi(home, "load", city, "--day", day, "--rows", place))
        print(f"{day}: {rows:,} rows: {costs[-1]}", flush=True)
    return first, costs


def report(first: Cost, costs: Sequence[Cost]) -> None:
    """Print the median day and its ratio to the first load."""
    wall, cpu = (
        statistics.median(cost.wall for cost in costs),
        statistics.median(cost.cpu for cost in costs),
    )
    print(f"median day: {wall:.1f} s, {cpu:.1f} cpu s: 1/{first.cpu / cpu:.1f} of the first load")


def main() -> None:
    """Measure a city that is there, or a small one made for it."""
    with tempfile.TemporaryDirectory() as work:
        city = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(work) / "city"
        if not city.exists():
            lssi(Path(work) / "home", "city", city, "--enterprises", ENTERPRISES)
        report(*measure(city, Path(work)))


if __name__ == "__main__":
    main()
