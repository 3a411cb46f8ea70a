"""Faults injected by count: `make torture` runs each kind at its full count and prints a table.

    python -m benchmarks.torture [--kind NAME ...] [--count N] [--out FILE]

Each kind is a test of `tests/test_torture.py`, which `make test` runs at a small count. One kind after the other is run in a
process of its own, and its figures are added to FILE as a line of JSON, so that a run that was stopped has them so far.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

COUNT = "LSSI_TORTURE_COUNT"
"""How often each kind is done: a number, or `full` for the counts of `make torture`; unset for those of `make test`."""
OUT = "LSSI_TORTURE_OUT"
ROOT = Path(__file__).parents[1]


@dataclass(frozen=True, slots=True)
class TortureKind:
    """A kind of fault: the law that its test holds, and how often it is injected in `make torture` and `make test`."""

    test: str
    full: int
    quick: int


KINDS = {
    "append killed": TortureKind("killed_appends_lose_nothing", 200, 3),
    "batch killed": TortureKind("a_killed_batch_ends_as_one", 30, 1),
    "promotion killed": TortureKind("a_promotion_killed_at_any_step", 5, 1),
    "outcome killed": TortureKind("an_outcome_killed_anywhere", 100, 3),
    "service killed": TortureKind("workers_killed_under_load", 20, 1),
    "one key": TortureKind("fifty_posts_on_one_key", 200, 10),
    "disk full": TortureKind("a_full_disk_takes_nothing", 50, 4),
    "read-only": TortureKind("a_ledger_that_may_only_be_read", 20, 2),
    "ledger changed": TortureKind("a_changed_ledger_is_found", 1_000, 60),
    "database away": TortureKind("a_database_that_is_away", 10, 1),
    "bundle damaged": TortureKind("a_damaged_bundle_is_refused", 4_500, 150),
    "bundle resealed": TortureKind("a_resealed_bundle_never_crashes", 500, 1),
    "registry away": TortureKind("a_registry_that_is_dead_or_hangs", 3, 1),
    "clock wrong": TortureKind("a_clock_that_is_a_day_off", 100, 4),
    "outcomes in any order": TortureKind("outcomes_repeated_and_reordered", 2_000, 4),
    "client gone": TortureKind("clients_that_vanish", 1_000, 80),
    "client slow": TortureKind("slow_clients_shut_out_nobody", 20, 1),
}


def times(kind: str) -> int:
    """Return how often a kind is done in this run."""
    asked = os.environ.get(COUNT, "")
    if asked == "full":
        return KINDS[kind].full
    return int(asked) if asked else KINDS[kind].quick


def tally(kind: str, **figures: int) -> None:
    """Print the figures of a kind, and add them to the file that the run names."""
    line = json.dumps({"kind": kind, **figures}, ensure_ascii=False)
    print(line)
    place = os.environ.get(OUT)
    if place:
        with Path(place).open("a", encoding="utf-8") as file:
            file.write(f"{line}\n")


def main() -> int:
    """Run kinds one after another, print their figures, and return how many failed."""
    words = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    words.add_argument("--kind", action="append", choices=list(KINDS))
    words.add_argument("--count", type=int)
    words.add_argument("--out", type=Path, default=ROOT / ".lssi" / "torture.jsonl")
    asked = words.parse_args()
    asked.out.parent.mkdir(parents=True, exist_ok=True)
    count = "full" if asked.count is None else str(asked.count)
    room = os.environ | {COUNT: count, OUT: str(asked.out.resolve())}
    failed = sum(not _passed(kind, room) for kind in asked.kind or KINDS)
    print(f"{failed} kinds failed")
    return min(failed, 1)


def _passed(kind: str, room: dict[str, str]) -> bool:
    """Run one kind, print a row of its figures, and tell whether its law held."""
    before = _lines(Path(room[OUT]))
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-m",
        "slow or not slow",
        "tests/test_torture.py",
    ]
    ended = subprocess.run(
        [*command, "-k", KINDS[kind].test],
        cwd=ROOT,
        env=room,
        text=True,
        capture_output=True,
        check=False,
    )
    added = [json.loads(line) for line in _lines(Path(room[OUT]))[len(before) :]]
    figures = [_figures(one) for one in added if one["kind"] == kind]
    said = "; ".join(figures) or "no figures"
    print(f"{kind:22} | {'held' if ended.returncode == 0 else 'FAILED'} | {said}", flush=True)
    if ended.returncode:
        print(ended.stdout[-3_000:], flush=True)
    return ended.returncode == 0


def _lines(path: Path) -> list[str]:
    return path.read_text("utf-8").splitlines() if path.exists() else []


def _figures(figures: dict[str, Any]) -> str:
    return ", ".join(f"{name} {value}" for name, value in figures.items() if name != "kind")


if __name__ == "__main__":
    sys.exit(main())
