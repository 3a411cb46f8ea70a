"""Run the benchmarks of this folder one after another, or those named: `python -m benchmarks [NAME ...]`.

The trial (`make trial`) and the torture (`make torture`) take hours and have options of their own, so they run only where named.
"""

from __future__ import annotations

import runpy
import sys
from pathlib import Path

from features.ingest.scan import files_in

BY_NAME_ALONE = {"torture", "trial", "trial_city"}


def main(asked: list[str]) -> None:
    """Run each benchmark as a program of its own kind and print its name before its figures."""
    known = sorted(
        path.stem
        for path in files_in(Path(__file__).parent, "*.py")
        if not path.stem.startswith("_")
    )
    if unknown := sorted(set(asked) - set(known)):
        sys.exit(f"no benchmark is called {', '.join(unknown)}; there are {', '.join(known)}")
    for name in asked or sorted(set(known) - BY_NAME_ALONE):
        print(f"\n== {name}", flush=True)
        sys.argv = [name]
        runpy.run_module(f"benchmarks.{name}", run_name="__main__")


if __name__ == "__main__":
    main(sys.argv[1:])
