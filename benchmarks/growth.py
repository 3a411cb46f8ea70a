"""How cost grows with the city: processor seconds of one as-of day of all enterprises, warm, at three sizes, and the exponent.

Cities of 10, 30 and 100 % of BENCH_ENTERPRISES (40,000) are made, or those in BENCH_CITIES, folders parted by `:`, are taken.
The exponent is the slope of the line of least squares through the logarithms of units and cost, asked: at most 1.10. What each
run pays whatever its size flattens it, so the exponent from each size to the next stands beside it; below 2,000 living units
no panel is used, and a cost there belongs to another way of computing: `python -m benchmarks growth`.
"""

from __future__ import annotations

import os
import statistics
import tempfile
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import numpy as np

from benchmarks.features import apart
from features.store.opening import open_store
from simulation.ground.setting import setting_of
from simulation.run import write_city

SHARES = (0.1, 0.3, 1.0)


def cities(folder: Path) -> Iterator[Path]:
    """Yield the cities to measure on, made if none are given."""
    if given := os.environ.get("BENCH_CITIES"):
        yield from map(Path, given.split(":"))
        return
    whole = int(os.environ.get("BENCH_ENTERPRISES", "40000"))
    for size in (round(share * whole) for share in SHARES):
        write_city(
            folder / f"city-{size}",
            setting_of(size, 36, until="2015-06-30", seed=1),
            lambda _done, _of: None,
        )
        yield folder / f"city-{size}"


def exponent(points: list[tuple[int, float]]) -> float:
    """Return the slope of the line of least squares through the logarithms of (size, cost).

    >>> round(exponent([(10, 2.0), (100, 20.0), (1000, 200.0)]), 6)
    1.0
    """
    sizes, costs = np.log(np.array(points, np.float64)).T
    return float(np.polyfit(sizes, costs, 1)[0])


def main() -> None:
    """Print the cost at each size and the exponents."""
    points: list[tuple[int, float]] = []
    with tempfile.TemporaryDirectory() as scratch:
        os.environ.setdefault("LSSI_HOME", scratch)
        for city in cities(Path(scratch)):
            units = len(open_store(city).texts("enterprise"))
            values, peak = apart("warm", city)
            points.append((units, statistics.median(values)))
            print(
                f"{units:,} enterprises: {points[-1][1]:.3f} cpu s, peak {peak:.2f} GB", flush=True
            )
    steps = ", ".join(f"{exponent(list(pair)):.2f}" for pair in pairwise(points))
    print(
        f"exponent of growth {exponent(points):.2f} (asked: at most 1.10); from each size to the next {steps}"
    )


if __name__ == "__main__":
    main()
