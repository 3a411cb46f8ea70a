"""The interval of an expected number: as a value, as JSON says it, and as a line of a terminal says it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

UNITS = {"persons": (1, "人 persons"), "fen": (100, "元 yuan")}
"""By what a number of a unit is divided to be said, and what the rest is called in both languages."""


@dataclass(frozen=True, slots=True)
class Interval:
    """The whole numbers from and to which what a visit finds lies in a share `coverage` of visits.

    `upper` is infinite where nothing bounds the number.
    """

    lower: float
    upper: float
    coverage: float


def plain_interval(interval: Interval | None) -> dict[str, Any] | None:
    """Return an interval as JSON says it: an upper end that nothing bounds is null."""
    if interval is None:
        return None
    upper = None if math.isinf(interval.upper) else interval.upper
    return {"lower": interval.lower, "upper": upper, "coverage": interval.coverage}


def number_line(answered: Mapping[str, Any], unit: str) -> list[str]:
    """Return the words of a line on the number of a unit, in both languages at once, none where there is no number.

    `answered` holds `expected` and `interval` as JSON says them.

    >>> number_line({"expected": 12.24, "interval": {"lower": 3.0, "upper": 31.0, "coverage": 0.9}}, "persons")
    ['预计 expected', '12.2', '(90 %: 3–31)', '人 persons']
    >>> number_line({"expected": 1e6, "interval": {"lower": 0.0, "upper": None, "coverage": 0.9}}, "fen")
    ['预计 expected', '10,000.0', '(90 %: 0–∞)', '元 yuan']
    >>> number_line({"expected": 0.5, "interval": None}, "")
    ['预计 expected', '0.5']
    """
    if answered["expected"] is None:
        return []
    divisor, noun = UNITS.get(unit, (1, None))
    words = ["预计 expected", f"{answered['expected'] / divisor:,.1f}"]
    interval = answered["interval"]
    if interval is not None:
        upper = "∞" if interval["upper"] is None else f"{interval['upper'] / divisor:,.0f}"
        lower = f"{interval['lower'] / divisor:,.0f}"
        words.append(f"({100 * interval['coverage']:.0f} %: {lower}–{upper})")
    return words if noun is None else [*words, noun]
