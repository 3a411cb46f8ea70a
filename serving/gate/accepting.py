"""Accepting in turn: of the workers that listen at one socket, the one with the fewest open connections takes the next.

An event loop takes all that wait when it wakes, so the connections of a system that opens several at once, and keeps them, all
lay with one worker while the other was idle: it did 65 to 98 % of the work.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from ssl import SSLContext
from typing import Any

STEP, MOST = 0.001, 0.02
"""Seconds for which a worker leaves a connection to the others, for each that it has, and at most; a choice: a loop that is
busy with one request takes about one step to look, and a connection is opened once for many requests."""
RETRY_SECONDS = 1.0
"""How long a worker that may open no further file waits before it looks again; a choice, the same as asyncio's own."""

Factory = Callable[[], asyncio.BaseProtocol]


class Open:
    """How many connections this process has open."""

    number = 0


class TurnLoop(asyncio.SelectorEventLoop):
    """An event loop whose servers take one connection at a time from a socket that they are given, as `TurnServer` does."""

    async def create_server(  # type: ignore[override]
        self, protocol_factory: Factory, *place: Any, sock: socket.socket | None = None, **more: Any
    ) -> asyncio.AbstractServer:
        """Return a server; one that opens its own socket shares it with nobody, and is asyncio's own."""
        if sock is None:
            return await super().create_server(protocol_factory, *place, **more)
        sock.setblocking(False)
        sock.listen(more.pop("backlog", 100))
        return TurnServer(self, protocol_factory, sock, more)


def turn_loop(*, use_subprocess: bool = False) -> Callable[[], TurnLoop]:  # noqa: ARG001 - the server's signature
    """Return what makes the loop of a server, as the server asks for it."""
    return TurnLoop


class TurnServer(asyncio.AbstractServer):
    """A server at a listening socket that it shares with other processes; `security` are the words of a TLS connection."""

    def __init__(
        self, loop: TurnLoop, factory: Factory, listening: socket.socket, security: dict[str, Any]
    ) -> None:
        self.sockets = (listening,)
        self._loop, self._factory, self._security = loop, factory, security
        self._greetings: set[asyncio.Task[None]] = set()
        self._accepting = loop.create_task(self._accept(listening))

    def get_loop(self) -> asyncio.AbstractEventLoop:
        """Return the loop in which connections are taken."""
        return self._loop

    def is_serving(self) -> bool:
        """Tell whether connections are taken."""
        return not self._accepting.done()

    async def start_serving(self) -> None:
        """Do nothing: connections are taken from the start."""

    async def serve_forever(self) -> None:
        """Wait until no more connections are taken."""
        await asyncio.wait([self._accepting])

    def close(self) -> None:
        """Take no more connections; those that are open stay."""
        self._accepting.cancel()
        for listening in self.sockets:
            self._look_away(listening)
            listening.close()

    async def wait_closed(self) -> None:
        """Wait until no more connections are taken."""
        await asyncio.wait([self._accepting])

    async def _accept(self, listening: socket.socket) -> None:
        """Take one connection at a time: at once where there is none open, else after a moment in which others may take it."""
        while True:
            await self._waiting_connection(listening)
            if Open.number:
                await asyncio.sleep(min(MOST, STEP * Open.number))
            try:
                connection, _ = listening.accept()
            except (BlockingIOError, InterruptedError, ConnectionAbortedError):
                continue  # another worker has it, or it is gone
            except OSError as error:  # out of files or memory: the socket stays ready, and looking at once would spin
                self._tell("a connection could not be taken", error)
                await asyncio.sleep(RETRY_SECONDS)
                continue
            await self._greet(connection)

    async def _waiting_connection(self, listening: socket.socket) -> None:
        """Wait until a connection waits at the socket."""
        ready = self._loop.create_future()
        self._loop.add_reader(listening, _set_ready, ready)
        try:
            await ready
        finally:
            self._look_away(listening)

    def _look_away(self, listening: socket.socket) -> None:
        if listening.fileno() >= 0:
            self._loop.remove_reader(listening)

    async def _greet(self, connection: socket.socket) -> None:
        """Begin to speak with a connection; one that is counted at once is waited for, so that the next look counts it."""
        connection.setblocking(False)
        greeting = self._loop.create_task(self._connected(connection))
        self._greetings.add(greeting)
        greeting.add_done_callback(self._greetings.discard)
        context: SSLContext | None = self._security.get("ssl")
        if context is None:  # a handshake takes as long as its client likes
            await asyncio.wait([greeting])

    async def _connected(self, connection: socket.socket) -> None:
        try:
            await self._loop.connect_accepted_socket(self._factory, connection, **self._security)
        except Exception as error:  # noqa: BLE001 - one connection that fails, however it does, ends no other
            connection.close()
            if self._loop.get_debug():
                self._tell("a connection could not be begun", error)

    def _tell(self, message: str, error: Exception) -> None:
        self._loop.call_exception_handler({"message": message, "exception": error})


def _set_ready(ready: asyncio.Future[None]) -> None:
    if not ready.done():
        ready.set_result(None)


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
