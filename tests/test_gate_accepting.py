"""Connections that one client opens at once and keeps are shared by the workers that listen."""

from __future__ import annotations

import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import pytest

CONNECTIONS = 16
WORKER = """
import asyncio, resource, socket, sys, time
from serving.gate.accepting import CountedProtocol, TurnLoop

class Told(CountedProtocol):
    def connection_made(self, transport):
        super().connection_made(transport)
        transport.write(sys.argv[2].encode())

async def main():
    loop = asyncio.get_running_loop()
    listening = socket.socket(fileno=int(sys.argv[1]))
    server = await loop.create_server(Told, sock=listening, ssl=None, backlog=100)
    BODY

with asyncio.Runner(loop_factory=TurnLoop) as runner:
    runner.run(main())
"""
SERVES = """print("ready", flush=True)
    await asyncio.sleep(60)"""
SHORT_OF_FILES = """loop.set_exception_handler(lambda loop, told: print(told["exception"].errno, flush=True))
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    fewest = socket.socket()
    resource.setrlimit(resource.RLIMIT_NOFILE, (fewest.fileno() + 1, limits[1]))
    print("ready", flush=True)
    begun = time.process_time()
    await asyncio.sleep(0.9)
    print(time.process_time() - begun, flush=True)
    fewest.close()
    await asyncio.sleep(60)"""
CLOSES = """print("ready", flush=True)
    await asyncio.to_thread(sys.stdin.readline)
    server.close()
    await server.wait_closed()
    assert not server.is_serving() and listening.fileno() < 0
    print("closed", flush=True)
    await asyncio.sleep(60)"""


@contextmanager
def listening_socket() -> Iterator[socket.socket]:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen(100)
        yield listening


@contextmanager
def worker(
    listening: socket.socket, name: str, body: str = SERVES
) -> Iterator[subprocess.Popen[bytes]]:
    """Start a process that listens at a socket and answers each connection with its name, and wait until it is ready."""
    number = listening.fileno()
    words = [sys.executable, "-W", "error", "-c", WORKER.replace("BODY", body), str(number), name]
    process = subprocess.Popen(
        words, pass_fds=[number], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    with process:
        try:
            assert said(process) == b"ready"
            yield process
        finally:
            process.kill()


def said(process: subprocess.Popen[bytes]) -> bytes:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def test_each_of_two_workers_takes_about_half_of_the_connections() -> None:
    with ExitStack() as room:
        listening = room.enter_context(listening_socket())
        for name in ("a", "b"):
            room.enter_context(worker(listening, name))
        clients = [room.enter_context(socket.socket()) for _ in range(CONNECTIONS)]
        for client in clients:
            client.connect(listening.getsockname())
        takers = [client.recv(1) for client in clients]
    assert set(takers) == {b"a", b"b"}
    # between 35 and 65 of 100, as the share of the work is to be
    assert 0.35 * CONNECTIONS <= takers.count(b"a") <= 0.65 * CONNECTIONS


def test_a_worker_that_may_open_no_more_files_waits_without_spinning_and_then_goes_on() -> None:
    with ExitStack() as room:
        listening = room.enter_context(listening_socket())
        process = room.enter_context(worker(listening, "a", SHORT_OF_FILES))
        client = room.enter_context(socket.create_connection(listening.getsockname()))
        assert said(process) == b"24"  # EMFILE
        assert float(said(process)) < 0.3
        assert client.recv(1) == b"a"


def test_a_server_that_is_closed_takes_no_more_and_keeps_what_it_has() -> None:
    with listening_socket() as listening, worker(listening, "a", CLOSES) as process:
        place = listening.getsockname()
        with socket.create_connection(place) as client:
            assert client.recv(1) == b"a"
            assert process.stdin is not None
            process.stdin.write(b"\n")
            process.stdin.flush()
            assert said(process) == b"closed"
            listening.close()
            with pytest.raises(ConnectionRefusedError):
                socket.create_connection(place)
            client.settimeout(0.2)
            with pytest.raises(TimeoutError):  # still open
                client.recv(1)
