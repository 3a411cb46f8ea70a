"""Float64 values as the hex digits of their bits, so that a record holds exactly what was computed, NaN included."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def bits_of(values: NDArray[np.float64]) -> str:
    """Return the big-endian bits of float64 values, 16 hex digits each.

    >>> bits_of(np.array([1.0, -0.0]))
    '3ff00000000000008000000000000000'
    """
    return np.ascontiguousarray(values, dtype=">f8").tobytes().hex()


def floats_of_bits(bits: str) -> NDArray[np.float64]:
    """Return the float64 values whose bits these are; ValueError when they are none."""
    return np.frombuffer(bytes.fromhex(bits), dtype=">f8").astype(np.float64)


def float_bits(value: float) -> str:
    """Return the bits of one float64.

    >>> float_bits(0.1)
    '3fb999999999999a'
    """
    return bits_of(np.array([value]))


def float_of(bits: str) -> float:
    """Return the float64 whose bits these are; ValueError when they are not one."""
    (value,) = floats_of_bits(bits)
    return float(value)
