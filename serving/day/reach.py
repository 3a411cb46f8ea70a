"""Reach: the units that a list of the day can reach, whose reasons are made together with the scored day."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from features.parameters import Count, Share, parameter_values, parameters_in
from features.text_files import declaration_text
from models.bundle.booster import Floats

FILE = "reach.txt"


@dataclass(frozen=True, slots=True)
class ReasonReach:
    """How far down the day's ranks reasons are made; reach.txt says what each value means."""

    least: Count
    share: Share


@cache
def reason_reach() -> ReasonReach:
    """Return what reach.txt declares."""
    text = declaration_text(FILE, "serving.day")
    return parameter_values(ReasonReach, parameters_in(text, ReasonReach, FILE))


def within_reach(raw: Floats, reach: ReasonReach) -> NDArray[np.intp]:
    """Return the places of the units whose reasons are made, ascending; all whose score equals the last one's are among them.

    >>> within_reach(np.array([1.0, 3.0, 2.0, 2.0]), ReasonReach(least=2, share=0.05)).tolist()
    [1, 2, 3]
    """
    number = max(reach.least, math.ceil(reach.share * len(raw)))
    if number >= len(raw):
        return np.arange(len(raw))
    lowest = np.partition(raw, len(raw) - number)[len(raw) - number]
    return np.flatnonzero(raw >= lowest)
