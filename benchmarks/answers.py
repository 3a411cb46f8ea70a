"""Recorded answers from the scored day a second, beside bare Starlette on the same day: `python -m benchmarks answers`.

Both have two worker processes on this machine, which also makes the load. They take turns within one run, so what else the
machine does befalls both. Of each: requests a second, the median and the 99th percentile of the time to an answer, processor
milliseconds a request of all its processes, and the share of the busier worker. BENCH_ENTERPRISES (2,000), BENCH_SECONDS (5) a
turn, BENCH_ROUNDS (5). BENCH_HOME and BENCH_CITY take a home with a published day and its source.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from features.ingest.scan import files_in
from models.bundle.generation import read_generation
from serving.day.scored_day import ScoredDay
from serving.gate.keys import add

ENTERPRISES = int(os.environ.get("BENCH_ENTERPRISES", "2000"))
SECONDS = float(os.environ.get("BENCH_SECONDS", "5"))
ROUNDS = int(os.environ.get("BENCH_ROUNDS", "5"))
CONNECTIONS = (1, 8, 16)
WORKERS, UNITS = "2", 500
TARGET, PATH = "undeclared_workers", "/v1/enterprises/score"
TICK = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Turn:
    """What one server did in one turn: seconds of each answer, answers that were no 200, processor seconds by process."""

    waits: Sequence[float]
    failures: int
    spent: Sequence[float]
    seconds: float

    @property
    def rate(self) -> float:
        """Answers a second."""
        return len(self.waits) / self.seconds


@dataclass(frozen=True)
class Server:
    """A running server: its name, its port, and the key that it asks for."""

    name: str
    process: subprocess.Popen[bytes]
    port: int
    key: str


def lssi(home: Path, *words: str) -> None:
    """Run one command in a home."""
    room = os.environ | {"LSSI_HOME": str(home)}
    subprocess.run([sys.executable, "-m", "lssi", *words], env=room, check=True, stdout=sys.stderr)


def home_with_day(folder: Path) -> tuple[Path, Path]:
    """Return a home with a published day, and its source."""
    if "BENCH_HOME" in os.environ:
        return Path(os.environ["BENCH_HOME"]), Path(os.environ["BENCH_CITY"])
    home, city = folder / "home", folder / "city"
    lssi(home, "city", str(city), "--enterprises", str(ENTERPRISES), "--seed", "1")
    lssi(home, "train", TARGET, str(city))
    lssi(home, "batch", TARGET, str(city))
    return home, city


@contextmanager
def running(name: str, words: Sequence[str], room: dict[str, str], key: str) -> Iterator[Server]:
    """Yield a server once it answers; end it and all that it started."""
    with socket.socket() as door:
        door.bind(("127.0.0.1", 0))
        port = int(door.getsockname()[1])
    command = [sys.executable, "-m", *words, "--port", str(port), "--workers", WORKERS]
    process = subprocess.Popen(
        command, env=os.environ | room, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        start_new_session=True,
    )  # fmt: skip
    try:
        server = Server(name, process, port, key)
        for _ in range(2000):
            try:
                asyncio.run(load(server, 1, ["none"], 0.01))
                break
            except OSError:
                time.sleep(0.2)
        yield server
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait(60)


async def asked(server: Server, ids: Sequence[str], until: float, waits: list[float]) -> int:
    """Ask on one connection until a moment, and return how many answers were no 200."""
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    place = failures = 0
    while time.monotonic() < until:
        body = json.dumps({"enterprises": [ids[place % len(ids)]]}).encode()
        head = (
            f"POST {PATH} HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer {server.key}\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        begun = time.monotonic()
        writer.write(head.encode() + body)
        answer = await reader.readuntil(b"\r\n\r\n")
        lines = answer.decode().lower().split("\r\n")
        [length] = [line.split(":")[1] for line in lines if line.startswith("content-length:")]
        await reader.readexactly(int(length))
        waits.append(time.monotonic() - begun)
        failures += " 200 " not in lines[0]
        place += 1
    writer.close()
    return failures


async def load(server: Server, connections: int, ids: Sequence[str], seconds: float) -> Turn:
    """Ask on some connections for some seconds."""
    waits: list[float] = []
    before = spent_by(server)
    until = time.monotonic() + seconds
    runs = []
    for first in range(connections):
        start = first * len(ids) // connections
        own_ids = [*ids[start:], *ids[:start]]
        runs.append(asked(server, own_ids, until, waits))
    failures = sum(await asyncio.gather(*runs))
    after = spent_by(server)
    spent = [after[process] - before.get(process, 0.0) for process in after]
    return Turn(waits, failures, spent, seconds)


def spent_by(server: Server) -> dict[int, float]:
    """Return the processor seconds of a server and of all that it started, by process, so far."""
    parents, seconds = {}, {}
    for folder in Path("/proc").iterdir():
        if not folder.name.isdecimal():
            continue
        path = folder / "stat"
        try:
            fields = path.read_text("utf-8").rpartition(")")[2].split()
        except OSError:
            continue
        process = int(path.parent.name)
        parents[process] = int(fields[1])
        seconds[process] = (int(fields[11]) + int(fields[12])) / TICK
    own = {server.process.pid}
    while more := {each for each, parent in parents.items() if parent in own} - own:
        own |= more
    return {process: seconds[process] for process in own & seconds.keys()}


def line(name: str, connections: int, turns: Sequence[Turn]) -> str:
    """Return the figures of a server in all its turns."""
    waits = sorted(wait for turn in turns for wait in turn.waits)
    spent = sum(sum(turn.spent) for turn in turns)
    rates = [turn.rate for turn in turns]
    busiest = statistics.median(max(turn.spent) / max(sum(turn.spent), 1e-9) for turn in turns)
    return (
        f"{name:9} {connections:2} connections: {statistics.median(rates):6.0f} /s"
        f" (of {min(rates):.0f} to {max(rates):.0f}), p50 {1e3 * waits[len(waits) // 2]:6.1f} ms,"
        f" p99 {1e3 * waits[len(waits) * 99 // 100]:6.1f} ms, {1e3 * spent / len(waits):5.2f} cpu ms,"
        f" busier worker {100 * busiest:.0f} %, {sum(turn.failures for turn in turns)} failures"
    )


def main() -> None:
    """Print the figures of both."""
    with tempfile.TemporaryDirectory() as folder:
        home, city = home_with_day(Path(folder))
        [path, *_] = files_in(home / "bundles" / "generations", "*.json")
        name = path.stem
        generation = read_generation(home / "bundles", name)
        published = generation.day(TARGET) if generation else None
        if published is None:
            sys.exit("no day is published; run `lssi batch` first")
        place = home / "days" / published.folder
        day = ScoredDay(place)
        rows = [day.row_at(at) for at in range(0, len(day), max(1, len(day) // 2000))]
        ids = [row.case.key for row in rows if row.has_reasons][:UNITS]
        caller = f"bench{os.getpid()}"
        key = add(home / "keys.json", caller, role="system", today=date(2015, 7, 1))
        threads = {"OMP_NUM_THREADS": "1"}
        own = ("lssi", "serve", str(city))
        peer = (
            "uvicorn",
            "--factory",
            "benchmarks.answers_peer:application",
            "--log-level",
            "error",
        )
        with (
            running("lssi", own, threads | {"LSSI_HOME": str(home)}, key) as ours,
            running("starlette", peer, threads | {"BENCH_DAY": str(place)}, key) as theirs,
        ):
            compare(ours, theirs, ids)


def compare(ours: Server, theirs: Server, ids: Sequence[str]) -> None:
    """Let both take turns, and print their figures with the ratios of their rates and of their processor time."""
    for server in (ours, theirs):
        asyncio.run(load(server, max(CONNECTIONS), ids, 1.0))
    for connections in CONNECTIONS:
        turns: dict[str, list[Turn]] = {ours.name: [], theirs.name: []}
        for turn in range(ROUNDS):
            # who begins takes turns too
            order = (ours, theirs) if turn % 2 else (theirs, ours)
            for server in order:
                turns[server.name].append(asyncio.run(load(server, connections, ids, SECONDS)))
        for name, some in turns.items():
            print(line(name, connections, some))
        pairs = zip(turns[ours.name], turns[theirs.name], strict=True)
        ratios = [one.rate / other.rate for one, other in pairs]
        print(f"ratio of rates {statistics.median(ratios):.2f}, of {ROUNDS} rounds", flush=True)


if __name__ == "__main__":
    main()
