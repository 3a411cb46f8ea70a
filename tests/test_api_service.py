"""The service as a client meets it: a real BentoML server with two workers on loopback."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import re
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from functools import cached_property
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, given, seed, settings

from features.arrays import NULL
from features.calendar import day_of
from features.ingest.scan import files_below, files_in
from features.store.journal import write_journal_part
from features.store.opening import open_store
from models.bundle.champions import ModelKey
from serving.api.openapi import document
from serving.day.reach import ReasonReach
from serving.errors import CODES
from serving.gate.keys import ROLES, TEAM_ROLES, add
from serving.gate.route import Route
from serving.gate.routes import ROUTES
from serving.ledger.act import Act, Seen, act_entry, subject_digest
from serving.ledger.ledger import Ledger
from serving.ledger.read import head
from serving.proof.audit import verify
from serving.replay.dossier import dossier
from serving.replay.peer_words import peers_as_json
from serving.replay.peers import the_comparison
from serving.requests import MOST_UNITS
from serving.scoring.batch_job import JobFolder
from serving.scoring.promoted_models import promoted
from serving.scoring.score_day import roll
from tests.api_client import CheckedClient, path_of
from tests.api_requests import KINDS, Asked, Requests, requests_of
from tests.conftest import program
from tests.said import Say
from tests.sample import full
from tests.test_api_prometheus import DEPLOY
from tests.test_gate_wire import HOSTILE
from tests.wired import sent as sent_raw

PATIENCE = 600
WEEK, CELL, TEAM = "2015-07-06", "C001", "T001"
MOMENT = datetime(2015, 7, 10, 8, tzinfo=UTC)
SECRET = "X370200SECRET"
FEW_REASONS = ReasonReach(least=120, share=0.01)
"""The scored day keeps reasons of so many units: those of a city's 1,000 take as long as all else before the service."""
FIRMS, CLAIMS, SENT = "/v1/enterprises/score", "/v1/claims/score", "/v1/enterprises/score-history"
REGISTER = {
    "enterprise": "NEW",
    "since": "2014-01-01",
    "kind": "company",
    "recorded_on": "2014-01-05",
}


@dataclass(frozen=True)
class Served:
    """A running service: its process and address, home, a key per role, log, a recorded batch, and a claim to review."""

    process: subprocess.Popen[bytes]
    address: str
    home: Path
    keys: dict[str, str]
    log: Path
    city: Path
    batch: str
    claim: str

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
        headers = more.pop("headers", {})
        content = more.pop("content", None)
        if content is None and method != "GET":
            content = json.dumps({} if sent is None else sent).encode()
            headers = {"content-type": "application/json"} | headers
        reply = self.client(role).send(method, path, content, headers)
        return httpx.Response(reply.status, headers=reply.headers, content=reply.body)

    def client(self, role: str) -> Any:
        """Return the generated client with the key of a role; each reply is checked against the document."""
        return CheckedClient(self.address, self.keys[role])

    @property
    def listed(self) -> str:
        """The enterprise that stands first on the list of the week."""
        return self.firms(1)[0]

    @cached_property
    def record(self) -> str:
        """A recorded score."""
        answer = self.client("system").score_enterprises(enterprises=[self.listed])
        return str(answer["record_id"])

    @cached_property
    def job(self) -> str:
        """A batch job of the system's key."""
        asked = {"ids": [self.listed], "idempotency_key": "a-batch"}
        return str(self.client("system").start_batch(**asked)["job"])

    @cached_property
    def appealed(self) -> dict[str, str]:
        """An enterprise of the team's cell with a row of a table that names it."""
        page = self.client("system").list_ranks(cell=CELL, limit=1000)
        of_cell = {unit["id"] for unit in page["units"]}
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("LSSI_HOME", str(self.home))
            store = open_store(self.city)
        names = store.texts("enterprise")
        rows = store.live("complaints", store.complete_to, ("enterprise", "row_id"))
        pairs = zip(rows["enterprise"].tolist(), rows["row_id"].tolist(), strict=True)
        code, row_id = next(pair for pair in pairs if pair[0] != NULL and names[pair[0]] in of_cell)
        return {"enterprise": names[code], "table": "complaints", "row_id": row_id}

    @property
    def size(self) -> int:
        """The number of records, once no batch job is under way: each records when it ends, also one that another test began."""
        jobs = JobFolder(self.home / "jobs")
        until = time.monotonic() + PATIENCE
        while jobs.waiting() and time.monotonic() < until:
            time.sleep(0.1)
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
            team=TEAM if role in TEAM_ROLES else None,
        )
        for role in ROLES
    }
    log = home / "service.log"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LSSI_HOME", str(home))
        batch = begin_week(city_2000, home)
        claim = plan_review(city_2000, home)
    with serving(home, city_2000, log, "--workers", "2") as (address, process):
        yield Served(process, address, home, keys, log, city_2000, batch, claim)


def plan_review(city: Path, home: Path) -> str:
    """Plan a review of a claim that nobody has reviewed by the team of the keys, and return the claim."""
    store = open_store(city)
    reviewed = store.live("claim_reviews", store.complete_to, ("claim",))["claim"]
    claims = store.live("claims", store.complete_to, ("claim",))["claim"]
    claim = store.texts("claim")[np.setdiff1d(claims, reviewed)[0]]
    monday = day_of(WEEK)
    plan = {
        "plan": ["R"],
        "claim": [claim],
        "team": [TEAM],
        "week": [monday],
        "position": [1],
        "planned_minutes": [60],
        "why": ["score"],
        "recorded_on": [monday],
    }
    write_journal_part(home / "journal" / "city", "claim_plans", "fraudulent_claim.R", plan)
    return str(claim)


def begin_week(city: Path, home: Path) -> str:
    """Record a batch of the city, a plan of a week and alerts for the team of the keys; return the batch's record."""
    store = open_store(city)
    bundle = promoted(home / "bundles", ModelKey("city", "undeclared_workers"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("serving.scoring.day_units.reason_reach", lambda: FEW_REASONS)
        summary = roll(home, store, bundle, caller="tests", moment=MOMENT)
    firms = [unit["id"] for unit in summary["top"]]
    monday, count = day_of(WEEK), len(firms)
    plan = {
        "plan": ["P"] * count,
        "enterprise": firms,
        "cell": [CELL] * count,
        "week": [monday] * count,
        "position": list(range(1, count + 1)),
        "planned_minutes": [240] * count,
        "why": ["score"] * count,
        "recorded_on": [monday] * count,
    }
    write_journal_part(home / "journal" / "city", "plans", "undeclared_workers.P", plan)
    content = {"alert": "A", "enterprise": firms[0], "team": TEAM}
    act = Act("alert", "lssi-alerts", "A", subject_digest(content), content)
    entry = act_entry(act, Seen(monday, monday, ""), moment=MOMENT, kept_days=30_000)
    with Ledger(home / "ledger.db") as ledger:
        record = ledger.append(entry).result().record_id
    alert = {
        "alert": ["A"],
        "enterprise": [firms[0]],
        "team": [TEAM],
        "issued_on": [monday],
        "violation": [1],
        "rule": ["r"],
        "record": [record],
        "recorded_on": [monday],
    }
    write_journal_part(home / "journal" / "city", "alerts", "alerts-00000000", alert)
    return str(summary["record_id"])


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


def live_example(served: Served, route: Route) -> dict[str, Any]:
    """Return the example of a route, the numbers that no example could know replaced by those of this service."""
    asked = dict(route.example)
    record = served.batch if route.name == "list_batch_rows" else served.record
    live = {
        "record_id": record,
        "unit": served.listed,
        "plan": "P",
        "alert": "A",
        "job": served.job,
    }
    asked |= {name: value for name, value in live.items() if name in asked}
    if "plan" in asked:
        asked["enterprise"] = served.listed
    if route.name == "post_review":
        del asked["enterprise"]
        asked |= {"plan": "R", "claim": served.claim}
    if route.name == "explain_line":
        asked["enterprise"] = served.appealed["enterprise"]
    if route.name == "lodge_appeal":
        asked |= served.appealed
    return asked


OF_FIRMS = {("post_outcome", "reviewer"), ("decide_line", "reviewer")}
"""The routes whose example is about an enterprise, which a reviewer's key may not decide on."""


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: route.name)
def test_every_route_times_every_role(served: Served, route: Route) -> None:
    asked = live_example(served, route)
    path = path_of(route, asked)
    for role in ROLES:
        answer = served.ask(path, dict(asked), role=role, method=route.method)
        if route.roles and role not in route.roles:
            assert code_of(answer) == "role_refused"
        elif (route.name, role) in OF_FIRMS:
            assert code_of(answer) == "team_refused"
        else:
            assert answer.status_code not in (401, 403, 405, 500, 503, 504), answer.text
    bare = httpx.request(route.method, served.address + path, timeout=30)
    assert bare.status_code == (401 if route.roles else 200)


def test_an_answer_says_everything_a_reader_needs(served: Served) -> None:
    firms = served.firms(2)
    answer = served.ask(FIRMS, {"enterprises": firms}).json()
    told = served.ask("/v1/info", method="GET").json()
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
    found = served.ask(f"/v1/records/{record}", role="auditor", method="GET").json()
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
        ("POST", "/openapi.json", "method_refused"),
        ("GET", "/", "route_unknown"),
        ("GET", "/docs.json", "route_unknown"),
        ("GET", "/docs/", "route_unknown"),
        ("POST", "/v1/plans/{week}", "method_refused"),
        ("POST", "/v1/ranks", "method_refused"),
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
    assert code_of(httpx.get(f"{served.address}/readyz", timeout=60)) == "not_ready"
    for log in logs:
        log.with_suffix(log.suffix + ".aside").replace(log)
    aside.replace(ledger)
    assert served.ask(FIRMS, sent).status_code == 200
    assert wait_until_ready(served) and served.size > before + 1
    found = served.ask(f"/v1/records/{last}", role="auditor", method="GET")
    assert found.status_code == 200
    assert "not ready: the ledger was rolled back" in served.log.read_text("utf-8")


def wait_until_ready(served: Served) -> bool:
    """Return whether every worker is ready soon: each believes its last group for a second."""
    until = time.monotonic() + 60
    while time.monotonic() < until:
        probes = [httpx.get(f"{served.address}/readyz", timeout=60) for _ in range(6)]
        if all(probe.status_code == 200 for probe in probes):
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
    assert all(
        served.ask("/v1/info", method="GET", headers=headers).status_code == 200 for _ in range(4)
    )
    subprocess.run([*lssi, "remove", "leaver"], env=room, check=True)
    assert all(
        code_of(served.ask("/v1/info", method="GET", headers=headers)) == "key_unknown"
        for _ in range(4)
    )


def test_a_key_has_its_requests_a_minute_once_whichever_worker_answers(served: Served) -> None:
    key = add(served.home / "keys.json", "slow", role="system", today=date(2015, 7, 1), a_minute=20)
    headers = {"authorization": f"Bearer {key}"}
    begun = time.monotonic()
    # connections that are open at once are shared by the two workers
    with ExitStack() as connections:
        clients = [connections.enter_context(httpx.Client(headers=headers)) for _ in range(8)]
        answers = [
            client.get(f"{served.address}/v1/info", timeout=60).status_code
            for _ in range(5)
            for client in clients
        ]
    gained = 20 / 60 * (time.monotonic() - begun)
    assert set(answers) <= {200, 429} and 20 <= answers.count(200) <= 20 + gained


def test_the_home_of_a_running_service_is_not_upgraded(
    served: Served, say: Say, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LSSI_HOME", str(served.home))
    assert "is in use by another command or service" in say("upgrade").line


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


@pytest.fixture
def refused_start(say: Say, monkeypatch: pytest.MonkeyPatch) -> Callable[..., str]:
    """`refused_start(home, source, *words)`: the one line with which `lssi serve` refuses to start."""

    def start(home: Path, source: Path, *words: str) -> str:
        monkeypatch.setenv("LSSI_HOME", str(home))
        return say("serve", source, "--port", free_port(), *words).line

    def become(program: str, words: list[str], _environment: object) -> None:
        raise AssertionError(f"it starts: {program} {words}")

    # a start that is not refused would put the server in the place of the process of the tests
    monkeypatch.setattr("os.execve", become)
    return start


def test_a_damaged_model_keeps_the_service_from_starting(
    home: Path, city_2000: Path, tmp_path: Path, refused_start: Callable[..., str]
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
    home: Path, city_2000: Path, tmp_path: Path, refused_start: Callable[..., str]
) -> None:
    bare = tmp_path / "home"
    bare.mkdir()
    shutil.copytree(home / "stores", bare / "stores")
    assert refused_start(bare, city_2000).startswith("error: target_unusable: no model of ")


def test_a_damaged_register_of_keys_or_a_taken_port_is_one_line(
    home: Path, city_2000: Path, tmp_path: Path, refused_start: Callable[..., str]
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


def test_a_source_that_is_no_folder_is_one_line(
    home: Path, tmp_path: Path, refused_start: Callable[..., str]
) -> None:
    assert refused_start(home, tmp_path / "nothing").startswith("error: source_unreadable: ")


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: route.name)
def test_every_example_of_the_document_is_answered(served: Served, route: Route) -> None:
    asked = live_example(served, route)
    role = route.roles[0] if route.roles else "system"
    headers = {"idempotency-key": f"example-{route.name}"} if route.key != "none" else {}
    answer = served.ask(
        path_of(route, asked), asked, role=role, method=route.method, headers=headers
    )
    if "provider" in route.name:
        # the city is too small for a model of providers
        assert code_of(answer) == "target_unusable"
    else:
        assert answer.status_code == 200, answer.text


def test_pages_of_ranks_join_to_the_whole_list_without_a_gap(served: Served) -> None:
    client, cursor, units = served.client("system"), None, []
    while True:
        page = client.list_ranks(after=cursor, limit=700)
        units += page["units"]
        cursor = page["cursor"]
        if cursor is None:
            break
    [path] = files_in(served.home / "ranks", "undeclared_workers-*.npz")
    with path.open("rb") as file, np.load(file) as ranks:
        by_score = sorted(zip(-ranks["raw"], ranks["keys"], strict=True))
    assert [unit["id"] for unit in units] == [key for _, key in by_score]
    best = -by_score[0][0]
    assert [unit["rank"] for unit in units[:1]] == [1] and best > 0
    of_cell = client.list_ranks(cell=CELL, limit=1000)["units"]
    assert of_cell == [unit for unit in units if unit["cell"] == CELL] and of_cell
    assert client.list_ranks(cell="none", limit=5)["units"] == []


def test_a_rank_and_a_score_of_the_list_are_those_of_the_unit(served: Served) -> None:
    client = served.client("system")
    last = client.list_ranks(cell=CELL, limit=3)["units"][-1]
    [unit] = client.score_enterprises(enterprises=[last["id"]])["units"]
    assert (unit["rank"], unit["score"]) == (last["rank"], last["score"])


def test_a_cursor_of_another_day_or_model_is_refused(served: Served) -> None:
    cursor = served.client("system").list_ranks(limit=1)["cursor"]
    day, model, key = cursor.split(".")
    for wrong in (f"2015-06-29.{model}.{key}", f"{day}.00000000.{key}", f"{day}.{model}.x", "x"):
        answer = served.ask(f"/v1/ranks?after={wrong}", method="GET")
        assert code_of(answer) == "request_invalid"


def test_an_explanation_sums_to_the_raw_score_and_says_the_reasons_of_the_answer(
    served: Served,
) -> None:
    scored = served.client("system").score_enterprises(enterprises=[served.listed])
    explained = served.client("auditor").explain_record(record_id=scored["record_id"])
    [unit], [answered] = explained["units"], scored["units"]
    path = f"/v1/records/{scored['record_id']}/explanation?unit=none"
    assert code_of(served.ask(path, role="auditor", method="GET")) == "unknown_id"
    total = unit["base"] + sum(one["contribution"] for one in unit["contributions"])
    assert total == pytest.approx(unit["raw"], abs=1e-9)
    assert {name: unit[name] for name in ("id", "score", "rank", "reasons", "missing")} == {
        name: answered[name] for name in ("id", "score", "rank", "reasons", "missing")
    }


def test_a_comparison_with_peers_is_that_of_the_command_and_leaves_an_entry(
    served: Served,
) -> None:
    # both leave entries of their own when they are first asked for
    auditor, record = served.client("auditor"), served.record
    before = served.size
    compared = auditor.compare_record(record_id=record, unit=served.listed)
    assert served.size == before + 1
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LSSI_HOME", str(served.home))
        by_command = peers_as_json(
            the_comparison(dossier(served.home, served.record, served.listed))
        )
    del compared["priority_only"]
    assert compared == by_command
    row = auditor.compare_record(record_id=served.batch, unit=served.listed)
    assert row["contributions"] == compared["contributions"]


def test_a_comparison_is_refused_as_an_explanation_is(served: Served) -> None:
    path = f"/v1/records/{served.record}/peers"
    for asked, code in {
        f"{path}?unit=none": "unknown_id",
        f"/v1/records/{served.batch}/peers": "request_invalid",
        "/v1/records/1-0000000000/peers": "record_unknown",
    }.items():
        assert code_of(served.ask(asked, role="auditor", method="GET")) == code
    claim = served.client("system").score_claims(target="fraudulent_claim", claims=[served.claim])[
        "record_id"
    ]
    answer = served.ask(f"/v1/records/{claim}/peers", role="auditor", method="GET")
    assert code_of(answer) == "request_invalid" and served.claim not in answer.text


def test_rows_of_a_batch_come_in_pages_and_are_the_scores(served: Served) -> None:
    client, cursor, rows = served.client("auditor"), None, []
    while True:
        page = client.list_batch_rows(record_id=served.batch, after=cursor, limit=1000)
        rows += page["units"]
        cursor = page["cursor"]
        if cursor is None:
            break
    assert len(rows) == page["rows"] == len({row["id"] for row in rows})
    [unit] = served.client("system").score_enterprises(enterprises=[served.listed])["units"]
    [row] = [row for row in rows if row["id"] == served.listed]
    assert {name: unit[name] for name in row} == row


def test_a_plan_shows_a_team_its_own_lines_and_why_a_unit_is_on_one(served: Served) -> None:
    page = served.client("inspector").get_plan(week="2015-07-08", limit=4)
    assert [line["position"] for line in page["lines"]] == [1, 2, 3, 4]
    assert {line["team"] for line in page["lines"]} == {TEAM}
    rest = served.client("system").get_plan(week=WEEK, after=page["cursor"])
    assert [line["position"] for line in rest["lines"]][:1] == [5] and rest["cursor"] is None
    why = served.client("system").explain_line(enterprise=served.listed, week=WEEK)
    assert why["listed"] and why["lines"] == page["lines"][:1] and why["reasons"]
    none = served.ask("/v1/plans/2015-01-05", method="GET")
    assert code_of(none) == "plan_unknown"


def test_a_read_records_nothing_and_a_value_of_it_is_in_no_metric(served: Served) -> None:
    before = served.size
    served.ask(f"/v1/why/{SECRET}?week={WEEK}", method="GET")
    served.ask(f"/v1/ranks?cell={SECRET}", method="GET")
    assert served.size == before
    assert SECRET not in served.client("metrics").get_metrics()
    assert SECRET not in served.log.read_text("utf-8")


def test_the_metrics_name_models_and_ledger_and_grow_with_it(served: Served) -> None:
    client = served.client("system")
    before = served.size
    client.score_enterprises(enterprises=[served.listed])
    client.list_ranks(limit=1)
    text = served.client("metrics").get_metrics()
    [size] = re.findall(r"^lssi_ledger_records (\S+)$", text, re.MULTILINE)
    # what is counted in the background, as refused attempts, may be recorded meanwhile
    assert before < float(size) <= served.size
    assert re.search(r'^lssi_model_info\{target="undeclared_workers",digest="', text, re.MULTILINE)
    assert "\nlssi_ledger_ready 1\n" in text and "\nlssi_day_age_seconds " in text
    assert 'bentoml_service_request_duration_seconds_count{endpoint="/v1/ranks"' in text


def test_the_metrics_are_as_prometheus_wants_them(served: Served) -> None:
    text = served.client("metrics").get_metrics()
    checked = subprocess.run(
        [program("promtool"), "check", "metrics"], input=text, capture_output=True, text=True
    )
    assert (checked.returncode, checked.stderr) == (0, "")


def test_prometheus_reads_the_service_by_the_configuration_of_a_deployment(
    served: Served, tmp_path: Path
) -> None:
    configuration = (DEPLOY / "prometheus.yml").read_text("utf-8")
    address = served.address.removeprefix("http://")
    assert "lssi:3000" in configuration and "scrape_interval: 30s" in configuration
    configuration = configuration.replace("lssi:3000", address).replace("30s", "1s")
    (tmp_path / "prometheus.yml").write_text(configuration, "utf-8")
    (tmp_path / "metrics.key").write_text(served.keys["metrics"], "utf-8")
    shutil.copy(DEPLOY / "alerts.yml", tmp_path)
    port = free_port()
    log = tmp_path / "log"
    with log.open("wb") as out:
        process = subprocess.Popen(
            [
                program("prometheus"),
                f"--config.file={tmp_path / 'prometheus.yml'}",
                f"--storage.tsdb.path={tmp_path / 'data'}",
                f"--web.listen-address=127.0.0.1:{port}",
            ],
            stdout=out,
            stderr=out,
        )
    try:
        here = f"http://127.0.0.1:{port}"
        wait_for(f"{here}/-/ready", process, log)
        for metric in (
            "up",
            "lssi_ledger_ready",
            'bentoml_service_request_total{endpoint="/readyz"}',
        ):
            assert first_value(here, metric) is not None, metric
        assert (first_value(here, "up"), first_value(here, "lssi_ledger_ready")) == ("1", "1")
    finally:
        process.terminate()
        process.wait(60)


def first_value(prometheus: str, question: str) -> str | None:
    """Return what Prometheus answers a question with, once it has an answer; None if it never has."""
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        answer = httpx.get(f"{prometheus}/api/v1/query", params={"query": question}, timeout=60)
        if found := answer.json()["data"]["result"]:
            return str(found[0]["value"][1])
        time.sleep(0.2)
    return None


def test_the_page_of_the_document_asks_for_nothing_and_its_style_is_allowed(
    served: Served,
) -> None:
    answer = httpx.get(f"{served.address}/docs", timeout=60)
    page = answer.text
    [style] = re.findall(r"<style>(.*?)</style>", page, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    assert f"style-src 'sha256-{digest}'" in answer.headers["content-security-policy"]
    assert not re.search(r"<script|<link|<img|<iframe|@import|url\(|style=|https?://", page)
    assert all(f'id="{route.name}"' in page for route in ROUTES)


CALLS = [10, full(720)]
"""Requests of each route: what a quick suite bears, and more than 20,000 in all."""
FEWEST_GOOD = 0.4
"""The share of requests that must be answered 200, so that not only refusals are tried."""


@pytest.mark.parametrize("calls", CALLS)
def test_requests_made_from_the_document_get_what_it_says(
    served: Served, counted: dict[str, int], calls: int
) -> None:
    requests = Requests(document(), known_values(served))
    total = good = 0
    for route in ROUTES:
        statuses = statuses_of(served, requests, route, calls)
        said = ", ".join(f"{count} x {status}" for status, count in sorted(statuses.items()))
        sys.stdout.write(f"{route.method} {route.path}: {said}\n")
        total += statuses.total()
        good += statuses[200]
    assert good >= FEWEST_GOOD * total
    counted["requests made from the document"] = total
    counted["of them answered 200"] = good


def statuses_of(served: Served, requests: Requests, route: Route, calls: int) -> Counter[int]:
    """Return how often requests of one route got which status; each reply is what the document says, and none is a 5xx."""
    statuses: Counter[int] = Counter()
    for kind, share in KINDS.items():
        of_kind = replace(requests, kind=kind)
        statuses += statuses_of_kind(served, of_kind, route, max(1, round(share * calls)))
    return statuses


def statuses_of_kind(served: Served, requests: Requests, route: Route, calls: int) -> Counter[int]:
    """The same of one kind of requests."""
    client = served.client(route.roles[0] if route.roles else "system")
    statuses: Counter[int] = Counter()

    @seed(calls)
    @settings(
        max_examples=calls,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(requests_of(requests, route.path, route.method.lower()))
    def each(asked: Asked) -> None:
        # the client checks each reply against the document
        reply = client.send(asked.method, asked.path, asked.body, dict(asked.headers))
        statuses[reply.status] += 1
        assert reply.status < 500, (asked, reply.body)
        assert not asked.is_valid or reply.status not in (405, 415), asked

    each()
    return statuses


def known_values(served: Served) -> dict[str, list[Any]]:
    """Return what this service knows, by field or by operation: what a client would have from earlier answers."""
    firms = served.firms(8)
    auditor, system = served.client("auditor"), served.client("system")
    rows = auditor.list_batch_rows(record_id=served.batch, limit=3)
    plan = system.get_plan(week=WEEK, limit=3)
    visits = [
        {
            "inspection": "",
            "enterprise": firm,
            "plan": "P",
            "opened": "2015-07-07",
            "closed_on": "2015-07-09",
            "examined": [1],
            "found": [{"violation": 1, "workers": 3}],
        }
        for firm in firms
    ]
    lines = [
        {"plan": "P", "enterprise": firm, "decision": decision, "reason": "agrees"}
        for firm in firms
        for decision in ("override", "accept")
    ]
    appeal = {"appeal": "", "lodged": "2015-07-10", **served.appealed}
    return {
        "enterprises": [firms[:1], firms[1:3]],
        "target": ["undeclared_workers"],
        "score_claims.target": ["fraudulent_claim"],
        "record_id": [served.record],
        "list_batch_rows.record_id": [served.batch],
        "unit": [served.listed],
        "job": [served.job],
        "start_batch.ids": [firms[:1], firms[1:3]],
        "week": [WEEK, "2015-07-10"],
        "enterprise": [firms[0], served.appealed["enterprise"]],
        "cell": [CELL],
        "list_ranks.after": [system.list_ranks(limit=1)["cursor"]],
        "list_batch_rows.after": [rows["cursor"]],
        "get_plan.after": [plan["cursor"]],
        "list_alerts.after": ["alerts-00000000-0"],
        "get_record_by_post": [{"record_id": served.record}],
        "acknowledge_alert": [{"alert": "A"}],
        "post_outcome": visits,
        "decide_line": lines,
        "lodge_appeal": [appeal],
    }


def test_a_batch_is_scored_to_its_end_and_read_in_pages(served: Served) -> None:
    client, key = served.client("system"), "whole-day"
    before = served.size
    status = client.start_batch(idempotency_key=key)
    until = time.monotonic() + PATIENCE
    while status["state"] == "running" and time.monotonic() < until:
        time.sleep(0.2)
        again = client.get_batch(job=status["job"])
        assert again["done"] >= status["done"]
        status = again
    assert (status["state"], status["done"]) == ("done", status["of"])
    assert client.start_batch(idempotency_key=key) == status
    assert served.size == before + 1
    units, cursor = [], None
    while True:
        page = client.list_batch_rows(record_id=status["record_id"], after=cursor, limit=900)
        units += page["units"]
        cursor = page["cursor"]
        if cursor is None:
            break
    assert [unit["id"] for unit in units] == sorted(served.firms(10_000))
    assert len(units) == page["rows"] == status["of"]
    [scored] = client.score_enterprises(enterprises=[served.listed])["units"]
    assert {unit["id"]: unit["score"] for unit in units}[served.listed] == scored["score"]
    foreign = served.ask(f"/v1/batches/{status['job']}", role="data_scientist", method="GET")
    assert code_of(foreign) == "record_unknown"


def test_a_request_under_way_is_answered_before_the_service_stops(served: Served) -> None:
    """The last one: it stops the service that the others ask."""
    with ThreadPoolExecutor(1) as pool:
        answer = pool.submit(served.ask, FIRMS, {"enterprises": served.firms(12)})
        until = time.monotonic() + 30
        while not answer.running() and time.monotonic() < until:
            time.sleep(0.01)
        time.sleep(0.3)
        served.process.terminate()
        assert answer.result(120).status_code == 200
        assert served.process.wait(90) == 0
