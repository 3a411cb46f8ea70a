"""Accepting in turn: of the workers that listen at one socket, the one with the fewest open connections takes the next.

An event loop takes all that wait when it wakes, so the connections of a system that opens several at once, and keeps them, all
lay with one worker while the other was idle: it did 65 to 98 % of the work.
"""

from __future__ import annotations

import asyncio
from asyncio.selector_events import BaseSelectorEventLoop
from typing import Any

STEP, MOST = 0.001, 0.02
"""Seconds for which a worker leaves a connection to the others, for each that it has, and at most; a choice: a loop that is
busy with one request takes about one step to look, and a connection is opened once for many requests."""


class Open:
    """How many connections this process has open."""

    number = 0


_accept = BaseSelectorEventLoop._accept_connection  # type: ignore[attr-defined]
"""What the loop itself does with a socket at which connections wait."""


def accept_in_turn() -> None:
    """Let every loop of this process take one connection at a time, later the more it has; no framework has a setting for it."""
    BaseSelectorEventLoop._accept_connection = _accept_later  # type: ignore[attr-defined]


def _accept_later(loop: Any, factory: Any, sock: Any, *more: Any) -> None:
    """Take one connection now where there is none open; else stop looking for a moment, in which others may take it."""
    if not Open.number:
        _accept_one(loop, factory, sock, *more)
        return
    loop._remove_reader(sock.fileno())
    wait = min(MOST, STEP * Open.number)
    loop.call_later(wait, _accept_one_and_look, loop, factory, sock, *more)


def _accept_one_and_look(loop: Any, factory: Any, sock: Any, *more: Any) -> None:
    if sock.fileno() < 0:  # closed while this worker waited
        return
    _accept_one(loop, factory, sock, *more)
    loop._start_serving(factory, sock, *more)


def _accept_one(
    loop: Any, factory: Any, sock: Any, sslcontext: Any = None, server: Any = None, *more: Any
) -> None:
    _backlog, *timeouts = more or (1,)
    _accept(loop, factory, sock, sslcontext, server, 1, *timeouts)


class CountedProtocol(asyncio.Protocol):
    """A protocol whose open connections are counted."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Count one more."""
        Open.number += 1
        super().connection_made(transport)

    def connection_lost(self, exc: Exception | None) -> None:
        """Count one less."""
        Open.number -= 1
        super().connection_lost(exc)
