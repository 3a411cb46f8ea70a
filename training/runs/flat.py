"""Flat metrics: nested ones by dotted name, as bundle and registry keep them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def numbers(metrics: Mapping[str, Any], before: str = "") -> dict[str, float]:
    """Return every single number among nested metrics, by dotted name; what is None is left out.

    >>> numbers({"auc": 0.5, "capacity": {"listed": 3, "random_visits": None}})
    {'auc': 0.5, 'capacity.listed': 3.0}
    """
    flat: dict[str, float] = {}
    for name, value in metrics.items():
        dotted = f"{before}{name}"
        if isinstance(value, Mapping):
            flat |= numbers(value, f"{dotted}.")
        elif isinstance(value, int | float):
            flat[dotted] = float(value)
    return flat
