"""Which processes have a file of a home open: those of earlier versions share no lock of it."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

from features.errors import HomeError

_PROCESSES = Path("/proc")


def check_unused(home: Path) -> None:
    """Raise HomeError where another process has a file of a home open or mapped, as far as this user may see."""
    numbers = [number for number in _other_processes() if _uses(_PROCESSES / str(number), home)]
    if numbers:
        named = ", ".join(map(str, sorted(numbers)))
        raise HomeError(
            f"the home {home} is in use by process {named}; stop it, and run `lssi upgrade` again"
        )


def _other_processes() -> list[int]:
    names = [path.name for path in _PROCESSES.iterdir()] if _PROCESSES.is_dir() else []
    numbers = [int(name) for name in names if name.isdecimal()]
    return [number for number in numbers if number != os.getpid()]


def _uses(process: Path, home: Path) -> bool:
    within = f"{home.resolve()}{os.sep}"
    # a process ends while it is looked at, and others' processes are not ours to see
    with suppress(OSError):
        places = [_place(descriptor) for descriptor in (process / "fd").iterdir()]
        places += (process / "maps").read_text("utf-8", "replace").splitlines()
        return any(within in place for place in places)
    return False


def _place(descriptor: Path) -> str:
    """Return what an open descriptor is of, "" where it was closed meanwhile."""
    with suppress(OSError):
        return str(descriptor.readlink())
    return ""
