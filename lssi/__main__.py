"""Run `python -m lssi`, which is the same program as the script `lssi`."""

from __future__ import annotations

from lssi.entry import run
from lssi.program import app

if __name__ == "__main__":
    run(app)
