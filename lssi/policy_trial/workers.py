"""What a worker process of a trial does first; this module imports nothing, so that it comes before every engine."""

from __future__ import annotations

import sys


def named_as_program() -> None:
    """Give the main module of a worker a file: DuckDB takes a process without one for a terminal and draws bars in it."""
    vars(sys.modules["__main__"]).setdefault("__file__", __file__)
