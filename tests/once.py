"""What tests share is made once in a run, by whichever worker needs it first."""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest


def made_once(factory: pytest.TempPathFactory, name: str, make: Callable[[Path], None]) -> Path:
    """Return a folder that one worker of a run makes; the others wait until it is whole.

    A run in parallel gives each worker a folder of its own in one that they share.
    """
    own = factory.getbasetemp()
    shared = own.parent if "PYTEST_XDIST_WORKER" in os.environ else own
    place, whole = shared / "once" / name, shared / "once" / f"{name}.whole"
    place.parent.mkdir(exist_ok=True)
    with whole.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not whole.exists():
            # What a worker left that failed half-way is no part of the next try.
            shutil.rmtree(place, ignore_errors=True)
            make(place)
            whole.touch()
    return place


def home_copied(factory: pytest.TempPathFactory, home: Path) -> Path:
    """Return a copy of a home, since tests write into theirs."""
    return Path(shutil.copytree(home, factory.mktemp(home.parent.name) / "home"))
