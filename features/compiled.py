"""Compiled loops: numba, kept where there is a place to write."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar, cast

from numba import njit

Walk = TypeVar("Walk", bound=Callable[..., object])


def compiled(signature: object = None) -> Callable[[Walk], Walk]:
    """Return what compiles a function once, for one signature or on each first call, kept where there is a place to write."""

    def made(function: Walk) -> Walk:
        try:
            loop = njit(signature, nogil=True, cache=True, error_model="numpy")(function)
        except RuntimeError:  # numba found no folder for its cache
            loop = njit(signature, nogil=True, error_model="numpy")(function)
        return cast("Walk", loop)

    return made
