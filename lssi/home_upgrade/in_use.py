"""Which processes have a file of a home open: those of earlier versions share no lock of it."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

from features.errors import HomeError

_PROCESSES = Path("/proc")


def check_unused(home: Path) -> None:
    """Raise HomeError where another process has a file of a home open or mapped, as far as this user may see."""
    within = f"{home.resolve()}{os.sep}"
    users = [name for name in _other_processes() if _uses(_PROCESSES / name, within)]
    if users:
        named = ", ".join(users)
        raise HomeError(
            f"the home {home} is in use by process {named}; stop it, and run `lssi upgrade` again"
        )


def _other_processes() -> list[str]:
    """Return the numbers of all processes but this one; none where the system does not list them."""
    if not _PROCESSES.is_dir():
        return []
    this_process = str(os.getpid())
    names = [path.name for path in _PROCESSES.iterdir()]
    return [name for name in names if name.isdecimal() and name != this_process]


def _uses(process: Path, within: str) -> bool:
    """Tell whether a process has something open or mapped whose path begins so."""
    # a process ends while it is looked at, and others' processes are not ours to see
    with suppress(OSError):
        descriptors = (process / "fd").iterdir()
        places = [_place(descriptor) for descriptor in descriptors]
        maps = (process / "maps").read_text("utf-8", "replace")
        places += maps.splitlines()
        return any(within in place for place in places)
    return False


def _place(descriptor: Path) -> str:
    """Return what an open descriptor is of, "" where it was closed meanwhile."""
    with suppress(OSError):
        return str(descriptor.readlink())
    return ""
