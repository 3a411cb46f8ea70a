"""A trial: a bundle new to this machine is parsed in a child process, so that an abort takes no caller with it."""

from __future__ import annotations

import hashlib
import os
import platform
import subprocess
import sys
from contextlib import suppress
from importlib.metadata import version
from pathlib import Path

from features.errors import BundleError
from features.files import write_points

SECONDS = 300
"""Seconds after which a self-test has hung, since a damaged model text can keep LightGBM busy for ever; a choice."""


def passed_in_a_child(path: Path, digest: str, cache: Path) -> None:
    """Return once this bundle has passed its self-test on this machine, now or before; else raise BundleError."""
    marker = cache / _marker(digest)
    if marker.exists():
        return
    command = [sys.executable, "-m", "models.bundle.selftest", str(path.resolve()), digest]
    home = Path(__file__).resolve().parents[2]
    try:
        child = subprocess.run(
            command,
            cwd=home,
            env=_surroundings(),
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise BundleError(
            f"{path} did not finish its self-test in {SECONDS} s; take a fresh copy"
        ) from None
    if child.returncode != 0:
        raise BundleError(
            f"{path} failed its self-test: {_cause(child)}; take a fresh copy or train again"
        )
    with suppress(OSError):  # a cache that cannot be written only means another self-test next time
        cache.mkdir(parents=True, exist_ok=True)
        with write_points("a self-test is noted"):
            marker.touch()


def _marker(digest: str) -> str:
    machine = [
        digest,
        platform.node(),
        platform.machine(),
        platform.python_version(),
        version("lightgbm"),
    ]
    return f"{digest[:12]}-{hashlib.sha256('|'.join(machine).encode()).hexdigest()[:16]}"


def _surroundings() -> dict[str, str]:
    return {
        **os.environ,
        "OMP_NUM_THREADS": "1",
        "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),
    }


def _cause(child: subprocess.CompletedProcess[str]) -> str:
    if child.returncode < 0:
        return f"the model text stopped the process with signal {-child.returncode}"
    lines = child.stderr.strip().splitlines()
    return lines[-1] if lines else f"exit code {child.returncode}"
