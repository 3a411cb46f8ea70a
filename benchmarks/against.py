"""The feature benchmarks of this tree beside those of an earlier commit, in turn in one run, as ratios.

Run `python -m benchmarks.against REVISION`. BENCH_CITY names a city that exists; else BENCH_ENTERPRISES says how large
a one is made (43,319: a tenth of Qingdao's). BENCH_TURNS says how often each figure is taken (3). Each tree loads the
city into a home of its own. Without a revision nothing is measured, so that `make bench` takes no figure twice.
"""

from __future__ import annotations

import io
import json
import os
import statistics
import subprocess
import sys
import tarfile
import tempfile
from collections import defaultdict
from pathlib import Path

from simulation.ground.setting import setting_of
from simulation.run import write_city

HERE = Path(__file__).parents[1]
TENTH = 43_319
TURNS = 3
FIGURES = ("floor", "warm", "eight", "lookup", "online")
"""Figures of benchmarks/features.py that leave a store as it was, so that they can be taken in turn."""
OF_REQUESTS = ("lookup", "online")
"""Figures of many requests, of which their p50 and p99 are measured and not one value after another."""


def unpacked(revision: str, folder: Path) -> Path:
    """Return a folder with the files of a revision; CalledProcessError where there is none of that name."""
    packed = subprocess.run(
        ["git", "archive", revision], cwd=HERE, stdout=subprocess.PIPE, check=True
    )
    with tarfile.open(fileobj=io.BytesIO(packed.stdout)) as archive:
        # Python 3.11.2 knows no filter of members yet, later ones warn where none is named
        filtered = {"filter": "data"} if hasattr(tarfile, "data_filter") else {}
        archive.extractall(folder, **filtered)
    return folder


def city_of(folder: Path) -> Path:
    """Return the city to measure on, made if none is given."""
    if given := os.environ.get("BENCH_CITY"):
        return Path(given).resolve()
    size = int(os.environ.get("BENCH_ENTERPRISES", TENTH))
    write_city(folder, setting_of(size, 36, until="2015-06-30", seed=1), lambda _done, _of: None)
    return folder


def figure(tree: Path, home: Path, city: Path, name: str) -> dict[str, float]:
    """Return one figure, taken by the code of a tree in a process of its own: its median, or its quantiles by their names."""
    room = os.environ | {"PYTHONPATH": str(tree), "LSSI_HOME": str(home)}
    command = [sys.executable, "-m", "benchmarks.features", name, str(city)]
    answer = subprocess.run(
        command, cwd=tree, env=room, stdout=subprocess.PIPE, text=True, check=True
    )
    values, _peak = json.loads(answer.stdout.splitlines()[-1])
    if name in OF_REQUESTS:
        middle, high = values
        return {f"{name} p50": middle, f"{name} p99": high}
    return {name: float(statistics.median(values))}


def main(revision: str) -> None:
    """Print each figure of both trees and the ratio of their medians."""
    with tempfile.TemporaryDirectory() as scratch:
        place = Path(scratch)
        trees = {"before": unpacked(revision, place / "before"), "now": HERE}
        city = city_of(place / "city")
        taken: dict[tuple[str, str], list[float]] = defaultdict(list)
        for turn in range(int(os.environ.get("BENCH_TURNS", TURNS))):
            for name in FIGURES:
                # the order changes from turn to turn, so that neither tree always finds the files warm
                for tree in sorted(trees, reverse=turn % 2 == 0):
                    measured = figure(trees[tree], place / f"home-{tree}", city, name)
                    for part, value in measured.items():
                        taken[tree, part].append(value)
        print(f"| figure | {revision} | now | ratio |\n|---|---|---|---|")
        for part in [part for tree, part in taken if tree == "now"]:
            before, now = (statistics.median(taken[tree, part]) for tree in ("before", "now"))
            print(f"| {part} | {before:.4g} | {now:.4g} | {now / before:.3f} |")


if __name__ == "__main__":
    if len(sys.argv) == 2:
        main(sys.argv[1])
    else:
        print("not run: name the commit to compare with, as in python -m benchmarks.against HEAD~1")
