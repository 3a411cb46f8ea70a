"""Whether this process is one of the project's own, which needs none of LightGBM's estimators: its entry says so."""

from __future__ import annotations

import os

_CLAIMED: set[int] = set()
"""The numbers of claimed processes: one that is forked has another number, and its entry claims it anew."""


def claim_process() -> None:
    """Say that this process is one of the project's own; before anything of LightGBM is imported."""
    _CLAIMED.add(os.getpid())


def is_own_process() -> bool:
    """Tell whether the entry of this process has claimed it."""
    return os.getpid() in _CLAIMED
