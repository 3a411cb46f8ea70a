"""Who works at the command line, as the ledger keeps it."""

from __future__ import annotations

import getpass
import os


def operator(who: str | None) -> str:
    """Return who does something: the name that was given, else the login name, else the number of the user."""
    if who:
        return who
    try:
        return getpass.getuser()
    except (OSError, KeyError):  # a container's user may have no name
        return f"user {os.getuid()}"
