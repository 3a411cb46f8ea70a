"""Run `python -m lssi`, which is the same program as the script `lssi`."""

from __future__ import annotations

from lssi import main

if __name__ == "__main__":
    main()
