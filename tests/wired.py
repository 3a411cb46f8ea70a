"""A real server with the strict protocol on a port of its own, and raw bytes sent to it."""

from __future__ import annotations

import json
import logging
import re
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import uvicorn
from starlette.types import ASGIApp

from serving.gate.wire import StrictProtocol


@dataclass(frozen=True)
class Received:
    """What a socket got: status (0: nothing), the JSON body, the head's lines, and whether the server closed it."""

    status: int
    body: Any
    head: list[str]
    closed: bool

    @property
    def code(self) -> str:
        """The code of a refusal."""
        return str(self.body["error"]["code"])


@contextmanager
def wired(app: ASGIApp) -> Iterator[int]:
    """Yield the port of a server in a thread that answers with an application."""
    config = uvicorn.Config(
        app,
        port=0,
        http=StrictProtocol,
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    logging.getLogger("uvicorn.error").setLevel(logging.INFO)
    thread.start()
    until = time.monotonic() + 30
    while not server.started and time.monotonic() < until:
        time.sleep(0.01)
    try:
        yield int(server.servers[0].sockets[0].getsockname()[1])
    finally:
        server.should_exit = True
        thread.join(30)


def sent(port: int, *parts: bytes, pause: float = 0.0, patience: float = 10.0) -> Received:
    """Send bytes in parts and return what comes back until the server closes, or the answer is whole."""
    with socket.create_connection(("127.0.0.1", port), timeout=patience) as line:
        for part in parts:
            line.sendall(part)
            time.sleep(pause)
        return received(line)


def received(line: socket.socket) -> Received:
    """Return one answer, and whether the server then closes the connection."""
    content, closed = b"", False
    try:
        while not _is_whole(content):
            part = line.recv(65_536)
            if not part:
                closed = True
                break
            content += part
        line.settimeout(1.0)
        closed = closed or not line.recv(1)
    except TimeoutError:
        pass
    except ConnectionResetError:
        closed = True
    head, _, body = content.partition(b"\r\n\r\n")
    lines = head.decode("latin-1").split("\r\n")
    if not content:
        return Received(0, None, [], closed)
    return Received(int(lines[0].split()[1]), json.loads(body or b"null"), lines[1:], closed)


def statuses(port: int, *parts: bytes, pause: float = 0.0) -> list[int]:
    """Return the status of every answer on one connection until the server closes it."""
    content = b""
    with socket.create_connection(("127.0.0.1", port), timeout=10) as line:
        for part in parts:
            line.sendall(part)
            time.sleep(pause)
        while part := line.recv(65_536):
            content += part
    return [int(status) for status in re.findall(rb"HTTP/1.1 (\d{3}) ", content)]


def _is_whole(content: bytes) -> bool:
    head, end, body = content.partition(b"\r\n\r\n")
    for line in head.split(b"\r\n"):
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            return bool(end) and len(body) >= int(value)
    return False
