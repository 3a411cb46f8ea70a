"""The command line `lssi`: `app` holds the commands, `main` runs one of them."""

from __future__ import annotations

import sys

# before any other import: an older Python would fail in one of them with a traceback
if not (3, 11) <= sys.version_info[:2] < (3, 14):
    sys.exit(f"lssi needs Python 3.11 to 3.13; this is {sys.version_info[0]}.{sys.version_info[1]}")

from lssi.entry import run
from lssi.program import app

__all__ = ["app", "main"]


def main() -> None:
    """Run the command that was typed after `lssi`."""
    run(app)
