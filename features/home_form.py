"""The form of a home, which a newer version may raise; a shared lock of whoever uses it; and the note of an upgrade."""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from features.errors import HomeError
from features.files import OWNER, close_to_others

HOME_FORM = 1
"""The form of a home that this version writes. A home without a note is of form 0: each part tells its own form."""
NOTE = "home.json"
UPGRADE_NOTE = "upgrade.json"
"""It stands in a home from the first change of an upgrade to the last."""
USERS_LOCK = "home.lock"
"""Whoever uses a home shares this lock, and an upgrade has it alone."""


def home_form(home: Path) -> int:
    """Return the form that the note of a home says, 0 where there is none; HomeError where it cannot be read."""
    path = home / NOTE
    try:
        form = json.loads(path.read_bytes())["form"]
    except (FileNotFoundError, NotADirectoryError):
        # a home that is a file is refused by whatever writes to it first
        return 0
    except (OSError, ValueError, KeyError, TypeError):
        form = None
    if not isinstance(form, int) or form < 0:
        raise HomeError(
            f"{path} does not say of which form this home is; restore it from a copy of the home"
        )
    return form


def check_home(home: Path) -> None:
    """Raise HomeError where a newer version wrote a home, or an upgrade of it was stopped."""
    check_form(home)
    if (home / UPGRADE_NOTE).exists():
        raise HomeError(f"an upgrade of the home {home} was stopped; run `lssi upgrade` to end it")


def check_form(home: Path) -> None:
    """Raise HomeError where a newer version wrote a home."""
    form = home_form(home)
    if form > HOME_FORM:
        raise HomeError(
            f"the home {home} is of form {form}, which a newer version wrote, and this version reads"
            f" form {HOME_FORM}; use the newer version, or another home (LSSI_HOME)"
        )


@contextmanager
def sharing_home(home: Path) -> Iterator[None]:
    """Use a home beside others; HomeError while an upgrade has it, and where `check_home` refuses it."""
    descriptor = _opened(home)
    try:
        if descriptor is not None:
            _lock(descriptor, fcntl.LOCK_SH, f"the home {home} is being upgraded")
        check_home(home)
        yield
    finally:
        if descriptor is not None:
            os.close(descriptor)


@contextmanager
def home_alone(home: Path) -> Iterator[None]:
    """Have a home alone; HomeError while any other command or service of this version uses it."""
    if not home.is_dir():
        raise HomeError(f"there is no home at {home}; name yours with LSSI_HOME")
    descriptor = _opened(home)
    if descriptor is None:
        raise HomeError(f"{home} cannot be written; run this as the user who owns the home")
    try:
        _lock(descriptor, fcntl.LOCK_EX, f"the home {home} is in use by another command or service")
        yield
    finally:
        os.close(descriptor)


def _opened(home: Path) -> int | None:
    """Return the open lock of a home, None where there is no home, or none that may be written."""
    path = home / USERS_LOCK
    if not home.is_dir():
        return None
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, OWNER)
    except OSError:
        return None
    close_to_others(path)
    # the service becomes another program, and uses the home as before
    os.set_inheritable(descriptor, True)
    return descriptor


def _lock(descriptor: int, kind: int, refusal: str) -> None:
    try:
        fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        raise HomeError(f"{refusal}; try again when that has ended") from None
    except OSError:  # a file system without locks
        return


def note_of(path: Path) -> dict[str, Any]:
    """Return what a note of a home says; HomeError where it cannot be read."""
    try:
        return dict(json.loads(path.read_bytes()))
    except (OSError, ValueError, TypeError):
        raise HomeError(f"{path} cannot be read; restore it from a copy of the home") from None
