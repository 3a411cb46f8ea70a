"""HiGHS without what it prints: some of its versions write a line of their own to standard output whatever they are told."""

from __future__ import annotations

import ctypes
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from threading import Lock
from typing import Any

from scipy.optimize import milp

STANDARD_OUTPUT = 1
"""Its file descriptor, as POSIX has it."""
_ONE_AT_A_TIME = Lock()
"""The descriptor belongs to the whole process: of two that changed it at once one would restore what the other had put there."""


def quiet_milp(*arguments: Any, **options: Any) -> Any:
    """Return what `scipy.optimize.milp` returns, with standard output as it was.

    HiGHS 1.12 prints "transformNewIntegerFeasibleSolution" of some models (ERGO-Code/HiGHS issue 2783), which would stand
    before the JSON of a plan.
    """
    with _ONE_AT_A_TIME, standard_output_aside():
        return milp(*arguments, **options)


@contextmanager
def standard_output_aside() -> Iterator[None]:
    """Let everything that compiled code writes to standard output go nowhere, until the block ends."""
    _flush_output()
    try:
        outside = os.dup(STANDARD_OUTPUT)
    except OSError:
        # a process without standard output has nothing to keep clean
        yield
        return
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, STANDARD_OUTPUT)
        yield
    finally:
        # what C still buffers would follow the descriptor to where it is put back
        _flush_output()
        os.dup2(outside, STANDARD_OUTPUT)
        os.close(nowhere)
        os.close(outside)


def _flush_output() -> None:
    """Write out what Python and the C library buffer of standard output, where the process has one."""
    with suppress(AttributeError, ValueError, OSError):
        sys.stdout.flush()
    with suppress(AttributeError, TypeError, OSError):
        ctypes.CDLL(None).fflush(None)
