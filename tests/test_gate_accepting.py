"""Connections that one client opens at once and keeps are shared by the workers that listen."""

from __future__ import annotations

import socket
import subprocess
import sys
from contextlib import ExitStack

CONNECTIONS = 16
WORKER = """
import asyncio, socket, sys
from serving.gate.accepting import CountedProtocol, accept_in_turn

class Told(CountedProtocol):
    def connection_made(self, transport):
        super().connection_made(transport)
        transport.write(sys.argv[2].encode())

async def main():
    accept_in_turn()
    listening = socket.socket(fileno=int(sys.argv[1]))
    server = await asyncio.get_running_loop().create_server(Told, sock=listening)
    print("ready", flush=True)
    await asyncio.sleep(60)

asyncio.run(main())
"""


def test_each_of_two_workers_takes_about_half_of_the_connections() -> None:
    with ExitStack() as room:
        listening = room.enter_context(socket.socket())
        listening.bind(("127.0.0.1", 0))
        listening.listen(100)
        for name in ("a", "b"):
            worker = subprocess.Popen(
                [sys.executable, "-c", WORKER, str(listening.fileno()), name],
                pass_fds=[listening.fileno()],
                stdout=subprocess.PIPE,
            )
            room.enter_context(worker)
            room.callback(worker.kill)
            assert worker.stdout is not None and worker.stdout.readline() == b"ready\n"
        clients = [room.enter_context(socket.socket()) for _ in range(CONNECTIONS)]
        for client in clients:
            client.connect(listening.getsockname())
        takers = [client.recv(1) for client in clients]
    assert set(takers) == {b"a", b"b"}
    # between 35 and 65 of 100, as the share of the work is to be
    assert 0.35 * CONNECTIONS <= takers.count(b"a") <= 0.65 * CONNECTIONS
