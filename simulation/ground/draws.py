"""Draws that many mechanisms share: chances that come true, delays in whole days, money in whole yuan."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from simulation.ground.setting import Flags, Floats, Ints, Turn

FEN_A_YUAN = 100
"""Amounts are drawn in yuan and written in whole fen."""


def happens(chance: np.random.Generator, share: float | Floats, count: int) -> Flags:
    """Return for each of `count` entries whether an event of this probability comes true; one draw each."""
    draw = chance.random(count)
    return np.asarray(draw < share)


def exponential_days(chance: np.random.Generator, mean: float | Floats, count: int) -> Ints:
    """Return `count` exponential delays of a mean in days, cut to whole days."""
    days = chance.exponential(mean, count)
    return whole_numbers(days)


def whole_numbers(values: npt.NDArray[Any]) -> Ints:
    """Return values cut to whole numbers.

    >>> whole_numbers(np.array([2.9])).tolist()
    [2]
    """
    return np.asarray(values.astype(np.int64))


def whole_yuan(fen: npt.NDArray[Any]) -> Ints:
    """Return amounts in fen rounded down to whole yuan.

    >>> whole_yuan(np.array([12_345.6])).tolist()
    [12300]
    """
    yuan = whole_numbers(fen) // FEN_A_YUAN
    return yuan * FEN_A_YUAN


def days_within(turn: Turn, chance: np.random.Generator, count: int) -> Ints:
    """Return `count` days of a turn's month, each as probable as the other."""
    day_of_month = chance.integers(0, turn.days, count)
    return np.asarray(turn.day + day_of_month)
