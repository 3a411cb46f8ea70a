"""Who may open what lies in a folder, and a umask that would let everybody."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def umask(mask: int) -> Iterator[None]:
    """Run under a umask."""
    before = os.umask(mask)
    try:
        yield
    finally:
        os.umask(before)


def everything(place: Path) -> set[Path]:
    """Return a folder, and every folder and file in it at whatever depth."""
    return {Path(folder, name) for folder, _, names in os.walk(place) for name in ("", *names)}


def open_to_others(home: Path) -> dict[str, str]:
    """Return what in a home others than its owner may open, with its mode."""
    modes = {path: stat.S_IMODE(path.stat().st_mode) for path in everything(home)}
    return {
        str(path.relative_to(home)): f"{mode:04o}" for path, mode in modes.items() if mode & 0o077
    }
