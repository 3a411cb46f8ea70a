"""Load, guesses and greed at the gate: over real sockets, so that what waits is what waits in the service."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route as Path_

from serving.gate import other_workers
from serving.gate.access import Access, LimitCounts, RequestLimits
from serving.gate.count_table import CountTable
from serving.gate.keys import Ring, add
from serving.gate.other_workers import OtherWorkers
from serving.gate.refusal_counts import RefusalCounts
from serving.gate.responses import Refused
from serving.gate.routes import ROUTES
from serving.gate.shares import Shares
from serving.gate.throttle import MOST_ADDRESSES, FailedAttempts, RequestRates
from serving.ledger.act import act_of
from serving.ledger.finding import Sought, seek
from serving.ledger.ledger import Ledger
from serving.ledger.read import find
from tests.wired import wired

LIMITS = RequestLimits(
    body_seconds=60, answer_seconds=20, at_once=64, key_at_once=64, failures=5, failure_seconds=600
)


def queue() -> Starlette:
    """Return what stands behind the gate: like the desk, it answers one request after the other, and a probe at once."""
    one_at_a_time = asyncio.Semaphore(1)

    async def answer(request: Request) -> Response:
        if request.url.path not in ("/livez", "/readyz"):
            async with one_at_a_time:
                await asyncio.sleep(0.02)
        return JSONResponse({"bytes": len(await request.body())})

    return Starlette(
        routes=[Path_(route.path, answer, methods=["GET", "POST"]) for route in ROUTES]
    )


@dataclass(frozen=True)
class Door:
    """Where a gate listens, keys by name, its counts and the ledger that takes them."""

    port: int
    keys: dict[str, str]
    refusals: RefusalCounts
    ledger: Path

    def ask(self, key: str, path: str = "/v1/info") -> httpx.Response:
        """Return the answer to one request with a key."""
        return httpx.post(
            f"http://127.0.0.1:{self.port}{path}",
            json={},
            headers={"authorization": f"Bearer {key}"},
            timeout=30,
        )

    def probe(self, path: str) -> httpx.Response:
        """Return the answer to a probe."""
        return httpx.get(f"http://127.0.0.1:{self.port}{path}", timeout=30)


@pytest.fixture
def door(tmp_path: Path, register: Path) -> Iterator[Door]:
    with door_of(tmp_path, register, LIMITS) as opened:
        yield opened


@contextmanager
def door_of(tmp_path: Path, register: Path, limits: RequestLimits) -> Iterator[Door]:
    """Yield a gate of some limits on a port of its own, with three keys and a ledger."""
    today = date(2015, 7, 1)
    keys = {name: add(register, name, role="system", today=today) for name in ("a", "b")}
    keys["slow"] = add(register, "slow", role="system", today=today, a_minute=2)
    refusals = RefusalCounts()
    with Ledger(tmp_path / "ledger.db") as ledger:
        refusals.write_to(ledger, lambda: datetime.now(UTC))
        gate = Access(queue(), ring=Ring(register), limits=limits, refusals=refusals)
        with wired(gate) as port:
            yield Door(port, keys, refusals, ledger.path)


def code_of(refused: httpx.Response) -> str:
    """Return the code of a refusal."""
    return str(refused.json()["error"]["code"])


def test_64_slow_bodies_shut_out_no_probe(door: Door) -> None:
    head = (
        "POST /v1/info HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 9\r\n"
        f"Authorization: Bearer {door.keys['a']}\r\n\r\n{{"
    ).encode()
    with ExitStack() as lines:
        for _ in range(64):
            line = lines.enter_context(socket.create_connection(("127.0.0.1", door.port)))
            line.sendall(head)
        until = time.monotonic() + 30
        while code_of(refused := door.ask(door.keys["b"])) != "busy":
            assert time.monotonic() < until, refused.text
        assert [door.probe(path).status_code for path in ("/livez", "/readyz") * 10] == [200] * 20


class Crowd:
    """Requests of two keys at once to one gate, in this process; who was answered, in their order, and with which status."""

    def __init__(self, register: Path, limits: RequestLimits) -> None:
        today = date(2015, 7, 1)
        self.keys = {name: add(register, name, role="system", today=today) for name in ("a", "b")}
        self.gate = Access(queue(), ring=Ring(register), limits=limits)
        self.answered: list[tuple[str, int]] = []

    async def ask(self, client: httpx.AsyncClient, name: str) -> None:
        """Ask once with a key."""
        headers = {"authorization": f"Bearer {self.keys[name]}"}
        answer = await client.post("/v1/info", json={}, headers=headers)
        self.answered.append((name, answer.status_code))

    async def many(self, number: int) -> int:
        """Ask so often with one key, then once with the other; return how many were answered before that."""
        transport = httpx.ASGITransport(app=self.gate)
        async with httpx.AsyncClient(transport=transport, base_url="http://gate") as client:
            greedy = [asyncio.create_task(self.ask(client, "a")) for _ in range(number)]
            await asyncio.wait(greedy, return_when=asyncio.FIRST_COMPLETED)
            before = len(self.answered)
            await self.ask(client, "b")
            await asyncio.gather(*greedy)
            return before


def test_a_key_that_sends_many_requests_does_not_keep_another_waiting(register: Path) -> None:
    crowd = Crowd(register, LIMITS)
    before = asyncio.run(crowd.many(40))
    assert [status for _, status in crowd.answered] == [200] * 41
    # 40 stood before it; of them only the turns of one key, and one that came back meanwhile, are answered first
    assert crowd.answered.index(("b", 200)) <= before + LIMITS.key_turns + 1


def test_a_key_that_holds_all_its_places_leaves_the_others_to_others(register: Path) -> None:
    crowd = Crowd(register, RequestLimits(at_once=6, key_at_once=3))
    asyncio.run(crowd.many(8))
    statuses = [status for name, status in crowd.answered if name == "a"]
    assert (statuses.count(200), statuses.count(429)) == (3, 5)
    assert ("b", 200) in crowd.answered


def test_repeated_failures_from_an_address_wait_and_are_logged_with_it(
    door: Door, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO):
        codes = [code_of(door.ask("lssi_guess")) for _ in range(8)]
    assert codes == ["key_unknown"] * 5 + ["throttled"] * 3
    refused = door.ask("lssi_guess")
    assert refused.status_code == 429 and 1 <= int(refused.headers["retry-after"]) <= 600
    [line] = [text for text in caplog.messages if text.startswith("throttled")]
    assert line == "throttled address=127.0.0.1 failures=5"
    # whoever shares the address and has a key is answered
    assert door.ask(door.keys["a"]).status_code == 200


def test_a_key_above_its_requests_a_minute_waits_and_no_other_does(door: Door) -> None:
    answers = [door.ask(door.keys["slow"]) for _ in range(4)]
    # the third comes back after half a minute
    assert [one.status_code for one in answers] == [200, 200, 429, 429]
    assert code_of(answers[-1]) == "rate_limited"
    assert 1 <= int(answers[-1].headers["retry-after"]) <= 30
    assert door.ask(door.keys["a"]).status_code == 200


def test_refused_attempts_are_one_entry_of_counts_that_names_no_address(door: Door) -> None:
    for _ in range(7):
        door.ask("lssi_guess")
    door.ask(door.keys["a"], "/v1/records/get")
    door.ask(door.keys["a"])
    door.refusals.write()
    door.refusals.write()
    until = time.monotonic() + 10
    while not (hits := seek(door.ledger, Sought(who="lssi-serve")).records):
        assert time.monotonic() < until
    [hit] = hits
    payload = find(door.ledger, hit.record_id).payload or b""
    assert (hit.about, act_of(payload).content) == (
        "refused_attempts",
        {
            "counts": {
                "key_unknown loopback": 5,
                "role_refused loopback": 1,
                "throttled loopback": 2,
            }
        },
    )
    assert b"127.0.0.1" not in payload and b"lssi_guess" not in payload


def test_what_a_ledger_did_not_take_is_counted_on(tmp_path: Path) -> None:
    refusals = RefusalCounts()
    refusals.count("key_unknown", "10.0.0.1")
    refusals.write()
    closed = Ledger(tmp_path / "closed.db")
    closed.close()
    refusals.write_to(closed, lambda: datetime.now(UTC))
    refusals.write()
    with Ledger(tmp_path / "ledger.db") as ledger:
        refusals.write_to(ledger, lambda: datetime.now(UTC))
        refusals.write()
    [hit] = seek(tmp_path / "ledger.db", Sought(who="lssi-serve")).records
    payload = find(tmp_path / "ledger.db", hit.record_id).payload or b"{}"
    assert json.loads(payload)["content"] == {"counts": {"key_unknown private": 1}}


def test_an_address_is_looked_at_again_once_its_window_is_over() -> None:
    failed = FailedAttempts(most=2, seconds=60)
    assert [failed.count("a", moment) for moment in (0.0, 10.0)] == [False, True]
    assert [failed.wait("a", moment) for moment in (10.0, 59.5, 60.0)] == [50, 1, 0]
    assert failed.wait("b", 10.0) == 0
    assert not failed.count("a", 61.0) and failed.wait("a", 61.0) == 0


def test_failures_from_ever_new_addresses_fill_no_memory() -> None:
    failed = FailedAttempts(most=3, seconds=60)
    for number in range(MOST_ADDRESSES + 500):
        failed.count(f"address {number}", 0.0)
    failed.count("address 0", 0.0)
    assert os.fstat(failed.windows._file).st_size <= MOST_ADDRESSES * 32


def test_a_rate_comes_back_evenly_and_never_beyond_a_minute() -> None:
    rates = RequestRates()
    assert [rates.wait("a", 60, 0.0) for _ in range(61)] == [0] * 60 + [1]
    assert [rates.wait("a", 60, moment) for moment in (0.5, 1.1, 1.2)] == [1, 0, 1]
    assert [rates.wait("a", 60, 10_000.0) for _ in range(61)] == [0] * 60 + [1]
    assert rates.wait("b", 1, 0.0) == 0 and rates.wait("b", 1, 0.0) == 60


async def statuses(gates: list[Access], key: str, number: int) -> list[int]:
    """Ask some workers in turn with a key, and return the status of each answer."""
    headers = {"authorization": f"Bearer {key}"}
    answers = []
    for place in range(number):
        transport = httpx.ASGITransport(app=gates[place % len(gates)])
        async with httpx.AsyncClient(transport=transport, base_url="http://gate") as client:
            answer = await client.post("/v1/info", json={}, headers=headers)
            answers.append(answer.status_code)
    return answers


def test_requests_of_a_key_and_failures_of_an_address_count_over_all_workers(
    tmp_path: Path, register: Path
) -> None:
    key = add(register, "slow", role="system", today=date(2015, 7, 1), a_minute=1)
    gates = [
        Access(queue(), ring=Ring(register), limits=LIMITS, counts=LimitCounts(tmp_path / "limits"))
        for _ in range(2)
    ]
    assert asyncio.run(statuses(gates, key, 4)) == [200, 429, 429, 429]
    assert asyncio.run(statuses(gates, "nobody", 7)) == [401] * 5 + [429] * 2
    alone = Access(queue(), ring=Ring(register), limits=LIMITS)
    assert asyncio.run(statuses([alone], key, 1)) == [200]


HOLDING = """
import sys, time
from pathlib import Path
from serving.gate.other_workers import OtherWorkers
from serving.gate.shares import Shares
shares = Shares(3, 2, 1, OtherWorkers(Path(sys.argv[1])))
with shares.opened("a"):
    print("open", flush=True)
    time.sleep(600)
"""


def test_open_requests_count_over_all_workers_until_one_dies(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(other_workers, "_LOOK_AGAIN", 0.0)
    words = [sys.executable, "-c", HOLDING, str(tmp_path / "limits")]
    room = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    own = Shares(3, 2, 1, OtherWorkers(tmp_path / "limits"))
    with subprocess.Popen(words, env=room, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout is not None and other.stdout.readline() == "open\n"
        with own.opened("a"), own.opened("b"):
            for name in ("a", "c"):
                with pytest.raises(Refused, match="busy"), own.opened(name):
                    pass
        with own.opened("a"):
            other.send_signal(signal.SIGKILL)
            other.wait()
            # nobody has a place for the dead
            with own.opened("a"), own.opened("c"):
                pass
    later = OtherWorkers(tmp_path / "limits")
    with own.opened("a"):
        assert (later.opened("a"), later.opened("b"), later.opened("")) == (1, 0, 1)
    assert later.opened("a") == later.opened("") == 0
    later.close()


def test_counts_that_cannot_be_kept_together_are_kept_by_each_worker(tmp_path: Path) -> None:
    in_the_way = tmp_path / "limits"
    in_the_way.write_text("no folder")
    for table in (CountTable(in_the_way / "rates", 100), CountTable(None, 100)):
        table.put("a", (1.0, 2.0))
        assert table.get("a") == (1.0, 2.0) and table.get("b") is None
    others = OtherWorkers(in_the_way)
    others.tell("a", 3)
    assert others.opened("a") == 0
    cut = CountTable(tmp_path / "cut", 100)
    cut.put("a", (1.0, 2.0))
    os.truncate(tmp_path / "cut", 0)
    assert cut.get("a") is None


def test_a_table_whose_lock_another_holds_still_counts(tmp_path: Path) -> None:
    first, second = (CountTable(tmp_path / "rates", 100) for _ in range(2))
    with first.locked(), second.locked():
        second.put("a", (1.0, 2.0))
    assert first.get("a") == (1.0, 2.0)
