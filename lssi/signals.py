"""Signals that stop a command: it ends as after an error, so that it removes its working folders."""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

STOPS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
"""The signals that ask a command to stop: Ctrl-C, a plain kill, and a terminal that closes."""


def listened() -> list[signal.Signals]:
    """Return the stop signals that the caller of this process does not ignore."""
    return [number for number in STOPS if signal.getsignal(number) is not signal.SIG_IGN]


@contextmanager
def stoppable() -> Iterator[None]:
    """Let a signal to stop end the command as an error would; exit code 128 + its number.

    A second signal ends it at once; the next command clears what is left. A signal that the
    caller ignores stays ignored. One that comes while a folder is cleared cannot end that early:
    it is told by the exit code, not by a traceback.
    """
    received: list[int] = []
    with interrupting(received), quiet_finalizers(received):
        try:
            yield
        except BaseException:
            if received:  # whatever an engine made of the signal
                sys.exit(128 + received[0])
            raise


@contextmanager
def interrupting(received: list[int]) -> Iterator[None]:
    """Raise KeyboardInterrupt at the first signal to stop, and note its number in `received`."""

    def stop(number: int, _frame: FrameType | None) -> None:
        received.append(number)
        for other in handlers:
            signal.signal(other, signal.SIG_DFL)
        raise KeyboardInterrupt

    handlers = {number: signal.signal(number, stop) for number in listened()}
    try:
        yield
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)


@contextmanager
def quiet_finalizers(received: list[int]) -> Iterator[None]:
    """Print no traceback of a KeyboardInterrupt that a signal raised where nothing can catch it."""
    print_traceback = sys.unraisablehook

    def unraisable(event: sys.UnraisableHookArgs) -> None:
        if not (received and event.exc_type is KeyboardInterrupt):
            print_traceback(event)

    sys.unraisablehook = unraisable
    try:
        yield
    finally:
        sys.unraisablehook = print_traceback


def restore_defaults() -> None:
    """Give signals back to a program that stops its own workers, such as a server."""
    for number in listened():
        if number == signal.SIGINT:
            signal.signal(number, signal.default_int_handler)
        else:
            signal.signal(number, signal.SIG_DFL)
