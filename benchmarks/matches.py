"""Matches in the simulated city: how many of each kind, what they cost, and how many of them its truth confirms.

`python -m benchmarks.matches [CITY]`: a folder that `lssi city` wrote; without one, a city of 2,000 enterprises is made.
A match need not be a wrong: a late booking matches too, so the share confirmed stands beside the share of all.
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path

import polars as pl

from features.ingest.scan import files_in, read_parquet, scan_parquet
from features.matches.find import Match, available, matches_of
from features.store.opening import open_store
from simulation.ground.setting import setting_of
from simulation.run import write_city

TRUE_OF = {"enrolled_against_tax": "uncovered", "base_under_wage": "short"}


def confirmed(city: Path, kind: str, found: list[Match]) -> str:
    """Return the share of a kind's matches that the truth confirms, and the share of all units for which it holds."""
    if kind in TRUE_OF:
        last = pl.col("month") == pl.col("month").max()
        true = read_parquet(files_in(city / "truth" / "enterprises")).filter(last)
        wrong, everyone = true.filter(pl.col(TRUE_OF[kind]) > 0)["enterprise"], len(true)
        named = [match.subjects["enterprise"] for match in found]
    elif found and "claim" in found[0].subjects:
        true = read_parquet(files_in(city / "truth" / "claims"))
        everyone = int(
            scan_parquet(files_in(city / "claims"))
            .select(pl.col("claim").n_unique())
            .collect()
            .item()
        )
        wrong = true.filter(pl.col("kind").is_not_null())["claim"]
        named = [match.subjects["claim"] for match in found]
    else:
        return "no truth to compare with"
    hits = len(set(named) & set(wrong.to_list()))
    return f"confirmed {hits} of {len(set(named))}; of all units {wrong.n_unique()} of {everyone}"


def main() -> None:
    """Print a line for each kind."""
    with tempfile.TemporaryDirectory() as place:
        city = Path(sys.argv[1]) if len(sys.argv) == 2 else Path(place) / "city"
        if len(sys.argv) != 2:
            write_city(
                city, setting_of(2_000, 36, until="2015-06-30", seed=1), lambda _done, _of: None
            )
        store = open_store(city)
        for kind in available(store)[0]:
            began = time.process_time()
            found = list(matches_of(store, kind, store.complete_to))
            spent = time.process_time() - began
            print(
                f"{kind.name}: {len(found)} matches, {spent:.2f} cpu s; {confirmed(city, kind.name, found)}",
                flush=True,
            )


if __name__ == "__main__":
    main()
