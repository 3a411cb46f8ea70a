"""The service as a client meets it: a real BentoML server with two workers on loopback."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest

from features.ingest.scan import files_below, files_in
from serving.api.keys import ROLES, TEAM_ROLES, add
from serving.api.routes import ROUTES
from serving.errors import CODES
from serving.ledger.audit import verify
from serving.ledger.read import head
from serving.replay.dossier import dossier
from serving.requests import MOST_UNITS
from tests.test_api_wire import HOSTILE
from tests.wired import sent as sent_raw

PATIENCE = 240
SECRET = "X370200SECRET"
FIRMS, CLAIMS, SENT = "/v1/enterprises/score", "/v1/claims/score", "/v1/enterprises/score-history"
REGISTER = {
    "enterprise": "NEW",
    "since": "2014-01-01",
    "kind": "company",
    "recorded_on": "2014-01-05",
}


@dataclass(frozen=True)
class Served:
    """A running service: where it listens, its home, a key per role, and the file of its log."""

    address: str
    home: Path
    keys: dict[str, str]
    log: Path

    def ask(
        self,
        path: str,
        sent: Any = None,
        *,
        role: str = "system",
        method: str = "POST",
        **more: Any,
    ) -> httpx.Response:
        """Return the answer to one request; `sent` goes as JSON unless `content` is given."""
        headers = {"authorization": f"Bearer {self.keys[role]}"} | more.pop("headers", {})
        body = (
            {} if "content" in more or method == "GET" else {"json": {} if sent is None else sent}
        )
        return httpx.request(
            method, self.address + path, headers=headers, timeout=120, **body, **more
        )

    @property
    def size(self) -> int:
        """The number of records."""
        return head(self.home / "ledger.db").size

    def firms(self, number: int) -> list[str]:
        """Return some enterprises, highest of the day first."""
        [path] = files_in(self.home / "ranks", "undeclared_workers-*.npz")
        with path.open("rb") as file, np.load(file) as ranks:
            return [str(key) for key in ranks["keys"][np.argsort(-ranks["raw"])[:number]]]


def free_port() -> int:
    with socket.socket() as door:
        door.bind(("127.0.0.1", 0))
        return int(door.getsockname()[1])


@contextmanager
def serving(
    home: Path, city: Path, log: Path, *words: str
) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    """Yield address and process of `lssi serve` once it is ready; end it and everything it started."""
    port = free_port()
    command = [sys.executable, "-m", "lssi", "serve", str(city), "--port", str(port), *words]
    room = os.environ | {"LSSI_HOME": str(home), "OMP_NUM_THREADS": "1"}
    with log.open("wb") as out:
        process = subprocess.Popen(
            command,
            env=room,
            stdout=out,
            stderr=out,
            start_new_session=True,
            cwd=Path(__file__).parents[1],
        )
    try:
        wait_for(f"http://127.0.0.1:{port}/readyz", process, log)
        yield f"http://127.0.0.1:{port}", process
    finally:
        process.terminate()
        try:
            process.wait(90)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def wait_for(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        assert process.poll() is None, log.read_text("utf-8")
        try:
            if httpx.get(url, timeout=5).status_code == 200:
                return
        except httpx.HTTPError:
            time.sleep(0.2)
    pytest.fail(f"not ready within {PATIENCE} s:\n{log.read_text('utf-8')}")


@pytest.fixture(scope="module")
def home(trained_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home of this file's own, so that its keys and records meet no other test."""
    return Path(shutil.copytree(trained_home, tmp_path_factory.mktemp("served") / "home"))


@pytest.fixture(scope="module")
def served(home: Path, city_2000: Path) -> Iterator[Served]:
    keys = {
        role: add(
            home / "keys.json",
            role,
            role=role,
            today=date(2015, 7, 1),
            team="t1" if role in TEAM_ROLES else None,
        )
        for role in ROLES
    }
    log = home / "service.log"
    with serving(home, city_2000, log, "--workers", "2") as (address, _):
        yield Served(address, home, keys, log)


def code_of(answer: httpx.Response) -> str:
    """Return the code of a refusal, once it is the one error body, under its status and the security headers."""
    error = answer.json()["error"]
    assert (
        set(error) == {"code", "message", "detail"}
        and error["message"]
        and "\n" not in error["message"]
    )
    assert answer.status_code == CODES[error["code"]].status
    assert answer.headers["x-content-type-options"] == "nosniff"
    return str(error["code"])


def a_good_body(path: str, served: Served) -> Any:
    return {
        FIRMS: {"enterprises": served.firms(1)},
        SENT: {"id": "NEW", "rows": {"enterprises": [REGISTER]}},
        "/v1/info": {},
    }.get(path, {"claims": ["none"]})


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: route.path)
def test_every_route_times_every_role(served: Served, route: Any) -> None:
    body = a_good_body(route.path, served)
    for role in ROLES:
        answer = served.ask(route.path, body, role=role, method=route.method)
        if route.roles and role not in route.roles:
            assert code_of(answer) == "role_refused"
        else:
            assert answer.status_code not in (401, 403, 405, 500, 503, 504), answer.text
    bare = httpx.request(route.method, served.address + route.path, timeout=30)
    assert bare.status_code == (401 if route.roles else 200)


def test_an_answer_says_everything_a_reader_needs(served: Served) -> None:
    firms = served.firms(2)
    answer = served.ask(FIRMS, {"enterprises": firms}).json()
    told = served.ask("/v1/info").json()
    assert (answer["target"], answer["entity"], answer["complete_to"]) == (
        "undeclared_workers",
        "enterprise",
        "2015-06-30",
    )
    assert answer["model_digest"] in {model["digest"] for model in told["models"]}
    assert (
        "priority" in answer["priority_only"]["en"] and "由人决定" in answer["priority_only"]["zh"]
    )
    assert [unit["id"] for unit in answer["units"]] == firms
    first = answer["units"][0]
    assert 0 < first["score"] < 1 and first["expected"] > 0
    assert (first["rank"], first["rank_of"]) == (
        1,
        next(m["ranked"] for m in told["models"] if m["entity"] == "enterprise"),
    )
    assert first["reasons"] and all(
        reason["zh"] and reason["en"] and reason["check_zh"] for reason in first["reasons"]
    )
    assert isinstance(first["missing"], list)


def test_an_answer_replays_to_the_bit_and_an_auditor_gets_its_proof(served: Served) -> None:
    record = served.ask(FIRMS, {"enterprises": served.firms(1)}).json()["record_id"]
    [replay] = dossier(served.home, record).replays()
    assert replay.identical
    found = served.ask("/v1/records/get", {"record_id": record}, role="auditor").json()
    assert (found["record_id"], found["payload"]["caller"]) == (record, "system")
    assert found["proof"]["sequence"] < found["proof"]["size"]


def test_a_claim_is_scored(served: Served) -> None:
    [path] = files_in(served.home / "ranks", "fraudulent_claim-*.npz")
    with path.open("rb") as file, np.load(file) as ranks:
        key = str(ranks["keys"][ranks["raw"].argmax()])
    answer = served.ask(CLAIMS, {"claims": [key]}).json()
    assert (answer["target"], answer["units"][0]["rank"], answer["units"][0]["expected"]) == (
        "fraudulent_claim",
        1,
        None,
    )


def test_a_history_in_the_request_is_scored_and_names_its_peers_and_what_is_missing(
    served: Served,
) -> None:
    answer = served.ask(
        SENT, {"id": "NEW", "rows": {"enterprises": [REGISTER | {"section": "C"}]}}
    ).json()
    assert answer["peers"] == {
        "day": "2015-06-30",
        "shared": {"section": "C"},
        "tables": ["enterprises"],
    }
    assert "complaints_365d" in answer["units"][0]["missing"]


BAD: dict[str, tuple[str, Any, str]] = {
    "unknown field": (
        FIRMS,
        {"enterprises": ["E0000001"], "as_of": "2015-01-01"},
        "request_invalid",
    ),
    "missing field": (FIRMS, {"target": "undeclared_workers"}, "request_invalid"),
    "empty list": (FIRMS, {"enterprises": []}, "request_invalid"),
    "wrong type": (FIRMS, {"enterprises": "E0000001"}, "request_invalid"),
    "number for an id": (FIRMS, {"enterprises": [1]}, "request_invalid"),
    "an id twice": (FIRMS, {"enterprises": ["E0000001", "E0000001"]}, "request_invalid"),
    "too many ids": (
        FIRMS,
        {"enterprises": [str(n) for n in range(MOST_UNITS + 1)]},
        "request_invalid",
    ),
    "a list as root": (FIRMS, [1, 2], "request_invalid"),
    "unknown target": (
        FIRMS,
        {"enterprises": ["E0000001"], "target": "tax_evasion"},
        "target_unusable",
    ),
    "target of another entity": (
        CLAIMS,
        {"claims": ["K1"], "target": "undeclared_workers"},
        "target_unusable",
    ),
    "unknown enterprise": (FIRMS, {"enterprises": ["E9999999"]}, "unknown_id"),
    "unknown claim": (CLAIMS, {"claims": ["K9999999999"]}, "unknown_id"),
    "history without register": (
        SENT,
        {"id": "NEW", "rows": {"complaints": [{"enterprise": "NEW"}]}},
        "request_invalid",
    ),
    "history of no table": (SENT, {"id": "NEW", "rows": {}}, "request_invalid"),
    "history of an unknown table": (
        SENT,
        {"id": "NEW", "rows": {"gossip": [{"a": 1}]}},
        "request_invalid",
    ),
    "history of an unknown column": (
        SENT,
        {"id": "NEW", "rows": {"enterprises": [REGISTER | {"mood": 1}]}},
        "request_invalid",
    ),
    "history of a wrong day": (
        SENT,
        {"id": "NEW", "rows": {"enterprises": [REGISTER | {"since": "soon"}]}},
        "request_invalid",
    ),
    "history of a nested value": (
        SENT,
        {"id": "NEW", "rows": {"enterprises": [{"since": [1]}]}},
        "request_invalid",
    ),
    "malformed record": (
        "/v1/records/get",
        {"record_id": "1; DROP TABLE entries"},
        "request_invalid",
    ),
    "unknown record": ("/v1/records/get", {"record_id": "99999-0000000000"}, "record_unknown"),
}


@pytest.mark.parametrize("what", BAD)
def test_a_bad_request_is_one_error_body_and_leaves_no_record(served: Served, what: str) -> None:
    path, sent, code = BAD[what]
    before = served.size
    assert (
        code_of(served.ask(path, sent, role="auditor" if "records" in path else "system")) == code
    )
    assert served.size == before


RAW: dict[str, tuple[bytes, dict[str, str], str]] = {
    "not JSON": (b"enterprises=E1", {}, "json_invalid"),
    "half a JSON": (b'{"enterprises": ["E0000001"', {}, "json_invalid"),
    "not UTF-8": (b'{"enterprises": ["\xff\xfe"]}', {}, "json_invalid"),
    "a NaN": (b'{"enterprises": [NaN]}', {}, "request_invalid"),
    "a NaN in a history": (
        b'{"id": "N", "rows": {"tax_payroll": [{"employees": NaN}]}}',
        {},
        "request_invalid",
    ),
    "a number without end": (
        b'{"id": "N", "rows": {"tax_payroll": [{"employees": 1e999}]}}',
        {},
        "request_invalid",
    ),
    "nesting without end": (b"[" * 100_000, {}, "json_invalid"),
    "an empty body": (b"", {}, "request_invalid"),
    "a form": (
        b"enterprises=E1",
        {"content-type": "application/x-www-form-urlencoded"},
        "media_type_refused",
    ),
    "a pickle": (
        b"\x80\x04.",
        {"content-type": "application/vnd.bentoml+pickle"},
        "media_type_refused",
    ),
    "a compressed body": (b"\x1f\x8b", {"content-encoding": "gzip"}, "media_type_refused"),
    "a wrong idempotency key": (b"{}", {"idempotency-key": "two words"}, "request_invalid"),
    "50 MB": (b" " * 50_000_000, {}, "body_too_large"),
}


@pytest.mark.parametrize("what", RAW)
def test_a_bad_body_is_one_error_body_and_leaves_no_record(served: Served, what: str) -> None:
    content, headers, code = RAW[what]
    before = served.size
    path = SENT if b"rows" in content else FIRMS
    answer = served.ask(
        path, content=content, headers={"content-type": "application/json"} | headers
    )
    assert code_of(answer) == code
    assert served.size == before


@pytest.mark.parametrize(
    ("method", "path", "code"),
    [
        ("GET", FIRMS, "method_refused"),
        ("DELETE", FIRMS, "method_refused"),
        ("POST", "/metrics", "method_refused"),
        ("GET", "/", "route_unknown"),
        ("GET", "/docs.json", "route_unknown"),
        ("GET", "/healthz", "route_unknown"),
        ("POST", "/v2/enterprises/score", "route_unknown"),
        ("POST", "/v1/enterprises/score/", "route_unknown"),
        ("GET", "/static_content/../keys.json", "route_unknown"),
        ("POST", "/score_enterprises", "route_unknown"),
    ],
)
def test_a_path_or_method_that_is_not_documented_is_refused(
    served: Served, method: str, path: str, code: str
) -> None:
    assert code_of(served.ask(path, {}, method=method)) == code


def test_a_request_is_answered_whole_or_refused_whole(served: Served) -> None:
    before = served.size
    answer = served.ask(FIRMS, {"enterprises": [*served.firms(2), "E9999999"]})
    assert code_of(answer) == "unknown_id"
    assert (
        "E9999999" in answer.json()["error"]["message"]
        and "2015-06-30" in answer.json()["error"]["message"]
    )
    assert served.size == before


def test_a_retry_under_its_idempotency_key_is_recorded_once(served: Served) -> None:
    sent, headers, before = (
        {"enterprises": served.firms(1)},
        {"idempotency-key": "visit-27"},
        served.size,
    )
    first, again = (served.ask(FIRMS, sent, headers=headers).json() for _ in range(2))
    assert again == first
    assert served.size == before + 1
    other = served.ask(FIRMS, {"enterprises": served.firms(2)}, headers=headers)
    assert code_of(other) == "retry_conflict"
    mine = served.ask(FIRMS, sent, role="data_scientist", headers=headers).json()
    assert mine["record_id"] != first["record_id"]


def test_two_workers_write_one_log_without_a_gap(served: Served) -> None:
    before, sent = served.size, {"enterprises": served.firms(1)}
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: served.ask(FIRMS, sent).json(), range(16)))
    assert len({answer["record_id"] for answer in answers}) == 16
    assert len({json.dumps({**answer, "record_id": ""}) for answer in answers}) == 1
    assert served.size == before + 16
    verdict = verify(served.home / "ledger.db", 0)
    assert verdict.whole and verdict.size == served.size


def test_a_service_whose_ledger_is_replaced_answers_nothing_until_it_is_back(
    served: Served,
) -> None:
    ledger, aside = served.home / "ledger.db", served.home / "aside.db"
    sent, before = {"enterprises": served.firms(1)}, served.size
    with (
        closing(sqlite3.connect(ledger)) as now,
        closing(sqlite3.connect(served.home / "older.db")) as older,
    ):
        now.backup(older)
    last = served.ask(FIRMS, sent).json()["record_id"]
    # two names for the file in use, so that it never lacks one
    os.link(ledger, aside)
    logs = [ledger.with_name(f"ledger.db{end}") for end in ("-wal", "-shm")]
    for log in logs:
        log.rename(log.with_suffix(log.suffix + ".aside"))
    (served.home / "older.db").replace(ledger)
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: served.ask(FIRMS, sent), range(12)))
    assert {code_of(answer) for answer in answers} == {"ledger_unusable"}
    time.sleep(1.1)  # a probe believes a group of the last second
    assert code_of(httpx.get(f"{served.address}/readyz")) == "not_ready"
    for log in logs:
        log.with_suffix(log.suffix + ".aside").replace(log)
    aside.replace(ledger)
    assert served.ask(FIRMS, sent).status_code == 200
    assert wait_until_ready(served) and served.size > before + 1
    found = served.ask("/v1/records/get", {"record_id": last}, role="auditor")
    assert found.status_code == 200
    assert "not ready: the ledger was rolled back" in served.log.read_text("utf-8")


def wait_until_ready(served: Served) -> bool:
    """Return whether every worker is ready soon: each believes its last group for a second."""
    until = time.monotonic() + 10
    while time.monotonic() < until:
        if all(httpx.get(f"{served.address}/readyz").status_code == 200 for _ in range(6)):
            return True
        time.sleep(0.2)
    return False


def test_a_removed_key_is_refused_at_once_by_every_worker(served: Served) -> None:
    room = os.environ | {"LSSI_HOME": str(served.home)}
    lssi = [sys.executable, "-m", "lssi", "key"]
    made = subprocess.run(
        [*lssi, "add", "leaver", "--role", "system"],
        env=room,
        capture_output=True,
        text=True,
        check=True,
    )
    headers = {"authorization": f"Bearer {made.stdout.strip()}"}
    assert all(served.ask("/v1/info", headers=headers).status_code == 200 for _ in range(4))
    subprocess.run([*lssi, "remove", "leaver"], env=room, check=True)
    assert all(code_of(served.ask("/v1/info", headers=headers)) == "key_unknown" for _ in range(4))


def test_the_log_repeats_no_value_of_any_request(served: Served) -> None:
    served.ask(FIRMS, {"enterprises": [SECRET]})
    served.ask(FIRMS, {"enterprises": [SECRET * 9], SECRET: SECRET})
    served.ask(
        SENT,
        {"id": SECRET, "rows": {"enterprises": [REGISTER | {"cell": SECRET, "since": SECRET}]}},
    )
    served.ask(f"/{SECRET}?a={SECRET}", {}, headers={"idempotency-key": SECRET})
    text = served.log.read_text("utf-8")
    assert f"route={FIRMS} status=404 key=system" in text
    assert SECRET not in text
    assert not any(key in text for key in served.keys.values())


@pytest.mark.parametrize("what", ["length and chunks", "bare line feeds", "a folded header"])
def test_the_framework_s_server_reads_strictly_too(served: Served, what: str) -> None:
    port = int(served.address.rpartition(":")[2])
    key = f"Authorization: Bearer {served.keys['system']}".encode()
    answer = sent_raw(port, HOSTILE[what].replace(b"KEY", key))
    assert answer.closed and (answer.status, answer.code) == (400, "protocol_invalid")


def test_slow_bodies_shut_out_no_probe_of_the_service(served: Served) -> None:
    port = int(served.address.rpartition(":")[2])
    head = (
        f"POST {FIRMS} HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 9\r\n"
        f"Authorization: Bearer {served.keys['system']}\r\n\r\n{{"
    ).encode()
    with ExitStack() as lines:
        for _ in range(160):
            line = lines.enter_context(socket.create_connection(("127.0.0.1", port)))
            line.sendall(head)
        for path in ("/livez", "/readyz") * 6:
            assert httpx.get(served.address + path, timeout=30).status_code == 200


def test_the_log_of_the_service_holds_no_traceback(served: Served) -> None:
    for path, content in [(FIRMS, b"[" * 100_000), (SENT, b'{"id": "\\ud800", "rows": {}}')]:
        served.ask(path, content=content, headers={"content-type": "application/json"})
    text = served.log.read_text("utf-8")
    assert "Traceback" not in text and 'File "' not in text


def test_a_request_under_way_is_answered_before_the_service_stops(
    home: Path, city_2000: Path, served: Served
) -> None:
    with (
        serving(home, city_2000, home / "second.log") as (address, process),
        ThreadPoolExecutor(1) as pool,
    ):
        headers = {"authorization": f"Bearer {served.keys['system']}"}
        sent = {"enterprises": served.firms(12)}
        answer = pool.submit(httpx.post, address + FIRMS, json=sent, headers=headers, timeout=120)
        until = time.monotonic() + 30
        while not answer.running() and time.monotonic() < until:
            time.sleep(0.01)
        time.sleep(0.3)
        process.terminate()
        assert answer.result(120).status_code == 200
        assert process.wait(90) == 0


def refused_start(home: Path, source: Path, *words: str) -> str:
    """Return the one line with which `lssi serve` refuses to start."""
    command = [
        sys.executable,
        "-m",
        "lssi",
        "serve",
        str(source),
        "--port",
        str(free_port()),
        *words,
    ]
    room = os.environ | {"LSSI_HOME": str(home)}
    ended = subprocess.run(
        command,
        env=room,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        cwd=Path(__file__).parents[1],
    )
    assert (ended.returncode, ended.stdout) == (2, "")
    [line] = ended.stderr.splitlines()
    return line


def test_a_damaged_model_keeps_the_service_from_starting(
    home: Path, city_2000: Path, tmp_path: Path
) -> None:
    damaged = Path(shutil.copytree(home, tmp_path / "home"))
    [model] = [
        path
        for path in files_below(damaged / "bundles", "model_any.txt")
        if path.parent.name.startswith("undeclared_workers-")
    ]
    model.write_bytes(model.read_bytes()[:-1])
    assert refused_start(damaged, city_2000).startswith("error: bundle_unusable: ")


def test_without_a_promoted_model_the_service_does_not_start(
    home: Path, city_2000: Path, tmp_path: Path
) -> None:
    bare = tmp_path / "home"
    bare.mkdir()
    shutil.copytree(home / "stores", bare / "stores")
    assert refused_start(bare, city_2000).startswith("error: target_unusable: no model of ")


def test_a_damaged_register_of_keys_or_a_taken_port_is_one_line(
    home: Path, city_2000: Path, tmp_path: Path
) -> None:
    damaged = Path(shutil.copytree(home, tmp_path / "home"))
    (damaged / "keys.json").write_text("{")
    assert refused_start(damaged, city_2000).startswith("error: keys_unusable: ")
    with socket.socket() as door:
        door.bind(("127.0.0.1", 0))
        door.listen()
        taken = str(door.getsockname()[1])
        assert refused_start(home, city_2000, "--port", taken).startswith(
            "error: request_invalid: the service cannot listen on 127.0.0.1:"
        )


def test_a_source_that_is_no_folder_is_one_line(home: Path, tmp_path: Path) -> None:
    assert refused_start(home, tmp_path / "nothing").startswith("error: source_unreadable: ")
