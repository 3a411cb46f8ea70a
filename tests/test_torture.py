"""Faults that are injected and survived, each by count: a small one in `make test`, the full one in `make torture`."""

from __future__ import annotations

import asyncio
import json
import os
import random
import shutil
import signal
import socket
import sqlite3
import subprocess
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from itertools import cycle, islice
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test

from benchmarks.torture import tally, times
from features.errors import BundleError, LedgerError
from features.home import home
from features.ingest.scan import files_in
from features.store.opening import open_store
from models.bundle.bundle import Bundle, Parts, load_bundle, write_bundle
from models.bundle.score import score
from serving.database.place import DatabaseLedger
from serving.errors import ActRefused, RetryConflict
from serving.gate.keys import add
from serving.ledger.ledger import Ledger
from serving.ledger.read import find, head
from serving.ledger.retention import Expiry, expire
from serving.proof.audit import verify
from serving.proof.checkpoint import Checkpoint, checkpoint
from tests.database_server import DatabaseServer, database_place
from tests.loop_town import POSTED, begin, outcome, posted, write_plan
from tests.loop_town import loaded_town as write_loaded_town
from tests.said import Say
from tests.stops import Server, Stop
from tests.test_api_generation import asked_again_and_again, highest, workers_of
from tests.test_api_service import serving
from tests.test_bundle_bundle import resealed
from tests.test_gate_limits import LIMITS, Door, code_of, door, door_of  # noqa: F401
from tests.test_ledger_database import FAULTS, IN_TIME, recovered, refused_in_time
from tests.test_ledger_ledger import TODAY, change_file, entry, filled
from tests.test_ledger_writer import files_of_at_most
from tests.test_loop_outcomes import labels
from tests.test_proof_audit import whole_bytes
from tests.test_stops import Stage, scene_of, stopped, whole
from training.models import registry

SOON = 10
HEAD = (
    "POST /v1/info HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n"
    "Content-Length: 9\r\nAuthorization: Bearer {key}\r\n\r\n"
)
APPENDS = """
import os, threading
from pathlib import Path
from serving.ledger.entries import Entry
from serving.ledger.ledger import Ledger

begun = threading.Event()

# the program runs within a function, so that this one sees no name but its own
def kill(begun):
    import os, time
    begun.wait()
    time.sleep({delay})
    os.kill(os.getpid(), 9)

with Ledger(Path({path!r})) as ledger:
    threading.Thread(target=kill, args=(begun,), daemon=True).start()
    for place in range(100_000):
        key = f"{number}-{{place}}"
        entry = Entry("score", "2015-07-01T08:00:00+08:00", 16616, 16616, "ab", "cd", b"{{}}", 17000, key)
        receipt = ledger.append(entry).result(10)
        os.write(1, f"{{key}} {{receipt.record_id}}\\n".encode())
        if place == {after}:
            begun.set()
"""
OUTCOME = """
from pathlib import Path
from tests.loop_town import outcome, posted
print(posted(Path("town"), outcome(), "k1"))
"""
UNWRITABLE = """
import os
from pathlib import Path
from features.errors import LedgerError
from serving.ledger.ledger import Ledger
from tests.test_ledger_ledger import entry
os.setuid(65534)
try:
    with Ledger(Path({path!r})) as ledger:
        ledger.append(entry()).result(10)
except LedgerError as error:
    print(error)
"""


@pytest.fixture(scope="module")
def forking(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server that forks a process for each program, with what the loop and the ledger import."""
    place = tmp_path_factory.mktemp("forking") / "place"
    (place / "out").mkdir(parents=True)
    one = Server(place, ("serving/ledger", "serving/loop"))
    yield one
    one.close()


@pytest.fixture
def server(forking: Server) -> Server:
    """The server, with a home in which nothing is."""
    shutil.rmtree(forking.home, ignore_errors=True)
    forking.home.mkdir()
    return forking


def test_killed_appends_lose_nothing_and_leave_a_ledger_that_verifies(server: Server) -> None:
    draw, acknowledged = random.Random(1), {}
    path, kills = server.home / "ledger.db", times("append killed")
    for number in range(kills):
        delay, after = draw.uniform(0, 0.03), draw.randrange(4)
        program = APPENDS.format(delay=delay, after=after, path=str(path), number=number)
        ended = server.run(["-c", program])
        assert ended.code == -signal.SIGKILL, ended
        acknowledged |= dict(line.split() for line in ended.out.splitlines())
    assert verify(path, TODAY).whole
    written = head(path).size
    with Ledger(path) as ledger:
        for key, record_id in acknowledged.items():
            retry = entry("{}", retry_key=key)
            assert ledger.append(retry).result(SOON).record_id == record_id
    assert head(path).size == written >= len(acknowledged) >= kills
    tally("append killed", kills=kills, acknowledged=len(acknowledged), lost=0, written=written)


def test_fifty_posts_on_one_key_are_one_record(tmp_path: Path) -> None:
    path, rounds = tmp_path / "ledger.db", times("one key")
    with Ledger(path) as one, Ledger(path) as other, ThreadPoolExecutor(50) as threads:
        for number in range(rounds):
            asked = entry(retry_key=f"k{number}")
            writers = [one, other] * 25
            appended = threads.map(lambda writer, asked=asked: writer.append(asked), writers)
            receipts = [receipt.result(SOON) for receipt in appended]
            assert len({receipt.record_id for receipt in receipts}) == 1
            assert sum(receipt.first for receipt in receipts) == 1
    assert head(path).size == rounds and verify(path, TODAY).whole
    tally("one key", rounds=rounds, posts=50 * rounds, records=rounds)


def test_a_full_disk_takes_nothing_that_was_acknowledged(tmp_path: Path) -> None:
    draw, path, fills = random.Random(2), tmp_path / "ledger.db", times("disk full")
    acknowledged = []
    with Ledger(path) as ledger:
        for _ in range(fills):
            acknowledged.append(ledger.append(entry()).result(SOON).record_id)
            size = path.with_name("ledger.db-wal").stat().st_size
            with files_of_at_most(size + draw.randrange(40_000)), pytest.raises(LedgerError):
                ledger.append(entry("x" * 100_000)).result(SOON)
            acknowledged.append(ledger.append(entry("x" * 1_000)).result(SOON).record_id)
    assert all(find(path, record_id).payload for record_id in acknowledged)
    assert head(path).size == len(acknowledged) and verify(path, TODAY).whole
    tally("disk full", fills=fills, acknowledged=len(acknowledged), lost=0)


def test_a_ledger_that_may_only_be_read_is_told_in_one_line_and_still_verifies(
    server: Server,
) -> None:
    tries = times("read-only")
    with tempfile.TemporaryDirectory(dir="/tmp") as folder:
        path = Path(folder) / "ledger.db"
        filled(path, 3)
        whole_bytes(path)
        for place in (*Path(folder).iterdir(), Path(folder)):
            place.chmod(0o555 if place.is_dir() else 0o444)
        for _ in range(tries):
            ended = server.run(["-c", UNWRITABLE.format(path=str(path))])
            assert ended.code == 0 and "Traceback" not in ended.err, ended
            assert len(ended.out.splitlines()) == 1 and str(path) in ended.out, ended
        Path(folder).chmod(0o700)
        assert verify(path, TODAY).whole and head(path).size == 3
    tally("read-only", tries=tries, refused=tries, lost=0)


TABLES = {
    "entries": ("leaf",),
    "nodes": ("hash",),
    "payloads": ("payload", "salt", "keep_until"),
    "retries": ("request", "sequence"),
    "head": ("size", "frontier", "origin"),
}


class ChangedLedger:
    """A ledger that is changed in every way, and judged with and without the checkpoint that was kept outside."""

    def __init__(self, place: Path) -> None:
        self.path = place / "ledger.db"
        self._write(0)
        self.older = whole_bytes(self.path)
        self._write(20)
        self.content = whole_bytes(self.path)
        self.outside: Checkpoint = checkpoint(self.path, "2015-07-01T09:00:00+08:00")
        self.records = self.said()
        rebuilt = place / "rebuilt.db"
        filled(rebuilt, 40)
        change_file(rebuilt, f"UPDATE head SET origin = '{self.outside.origin}'")
        other = place / "other.db"
        filled(other, 41)
        self.others = {"rebuilt": whole_bytes(rebuilt), "replaced": whole_bytes(other)}

    def _write(self, first: int) -> None:
        """Write twenty records, each of a question of its own under a key of its own."""
        with Ledger(self.path) as ledger:
            for number in range(first, first + 20):
                asked = f"{number:02x}"
                payload = json.dumps({"request": asked})
                ledger.append(entry(payload, request=asked, retry_key=asked)).result(SOON)

    def said(self) -> list[Any]:
        """Return all that the tables say."""
        with closing(sqlite3.connect(self.path)) as connection:
            return [sorted(connection.execute(f"SELECT * FROM {table}")) for table in TABLES]

    def change(self, way: str, draw: random.Random) -> None:
        """Put the ledger back and change it in one way."""
        for ending in ("-wal", "-shm"):
            self.path.with_name(f"ledger.db{ending}").unlink(missing_ok=True)
        self.path.write_bytes(self.others.get(way, self.content))
        if way == "rolled back":
            self.path.write_bytes(self.older)
        if way == "truncated":
            self.path.write_bytes(self.content[: draw.randrange(len(self.content))])
        if way == "bytes":
            content = bytearray(self.content)
            for place in draw.sample(range(len(content)), draw.randint(1, 8)):
                content[place] ^= draw.randint(1, 255)
            self.path.write_bytes(content)
        if way == "edited":
            self._edit(draw)

    def _edit(self, draw: random.Random) -> None:
        """Change one value of a row, as whoever may write the file can."""
        table = draw.choice([*TABLES])
        column = draw.choice(TABLES[table])
        with closing(sqlite3.connect(self.path)) as connection, connection:
            guards = connection.execute(
                "SELECT name, sql FROM sqlite_master WHERE type = 'trigger'"
            )
            for name, _ in (triggers := guards.fetchall()):
                connection.execute(f"DROP TRIGGER {name}")
            rows = connection.execute(f"SELECT * FROM {table}").fetchall()
            names = [one[1] for one in connection.execute(f"PRAGMA table_info({table})")]
            row = dict(zip(names, draw.choice(rows), strict=True))
            keys = {"nodes": ("level", "place"), "retries": ("retry_key",)}.get(table, names[:1])
            where = " AND ".join(f"{name} = ?" for name in keys)
            connection.execute(
                f"UPDATE {table} SET {column} = ? WHERE {where}",
                (_another(row[column], draw), *(row[name] for name in keys)),
            )
            for _, text in triggers:
                connection.execute(text)

    def judged(self, outside: Checkpoint | None) -> str:
        """Return what an audit says: found, without effect, or missed."""
        try:
            if not verify(self.path, TODAY, outside).whole:
                return "found"
        except LedgerError:
            return "found"
        return "without effect" if self.said() == self.records else "missed"


def _another(value: Any, draw: random.Random) -> Any:
    """Return another value of the same type."""
    if isinstance(value, int):
        return value + draw.choice([-2, -1, 1, 2, 400])
    content = bytearray(value if isinstance(value, bytes) else value.encode())
    place = draw.randrange(len(content))
    content[place] = content[place] % 26 + 97 if content[place] % 26 + 97 != content[place] else 48
    return bytes(content) if isinstance(value, bytes) else content.decode("latin-1")


def test_a_changed_ledger_is_found_given_a_checkpoint_kept_outside(tmp_path: Path) -> None:
    ledger, draw = ChangedLedger(tmp_path), random.Random(3)
    ways = ("bytes", "edited", "truncated", "rolled back", "rebuilt", "replaced")
    changes = times("ledger changed")
    judged: Counter[str] = Counter()
    invisible: Counter[str] = Counter()
    for way in islice(cycle(ways), changes):
        ledger.change(way, draw)
        verdict = ledger.judged(ledger.outside)
        assert verdict != "missed", way
        judged[verdict] += 1
        if verdict == "found" and ledger.judged(None) == "missed":
            invisible[way] += 1
    # whoever may write the file can make a log that agrees with itself: only what is kept outside shows it
    assert {*invisible} <= {"rolled back", "rebuilt", "replaced", "edited"} and invisible["rebuilt"]
    tally(
        "ledger changed",
        changes=changes,
        found=judged["found"],
        without_effect=judged["without effect"],
        missed=0,
        invisible_without_checkpoint=sum(invisible.values()),
    )


def test_a_database_that_is_away_is_told_in_time_and_goes_on_when_it_is_back(
    database_server: DatabaseServer, tmp_path: Path
) -> None:
    place: DatabaseLedger = database_place(database_server, tmp_path / "home")
    rounds = times("database away")
    with Ledger(place, patience=IN_TIME * 0.6) as ledger:
        acknowledged = [ledger.append(entry()).result(SOON)]
        for _ in range(rounds):
            for fault in FAULTS.values():
                with fault(database_server, place):
                    asyncio.run(refused_in_time(ledger))
                recovered(ledger)
                acknowledged.append(ledger.append(entry()).result(SOON))
    assert all(find(place, receipt.record_id).payload for receipt in acknowledged)
    assert verify(place, TODAY).whole
    tally(
        "database away",
        times_away=rounds * len(FAULTS),
        refused_in_2_s=rounds * len(FAULTS),
        lost=0,
    )


def damaged(content: bytes, draw: random.Random) -> bytes:
    """Return a file's content with a bit turned, a part cut, left out or doubled, or a digit changed."""
    at = draw.randrange(len(content))
    end = min(len(content), at + draw.randint(1, 40))
    digit = next(
        (place for place in range(at, len(content)) if content[place : place + 1].isdigit()), at
    )
    return draw.choice(
        [
            content[:at] + bytes([content[at] ^ (1 << draw.randrange(8))]) + content[at + 1 :],
            content[:at],
            content[:at] + content[end:],
            content[:end] + content[at:],
            content[:digit] + str(draw.randrange(10)).encode() + content[digit + 1 :],
        ]
    )


@pytest.fixture
def folder(model_parts: Parts, tmp_path: Path) -> Path:
    """The folder of a bundle, which has passed its self-test."""
    path = write_bundle(tmp_path, model_parts)
    load_bundle(path)
    return path


def test_a_damaged_bundle_is_refused_before_anything_parses_it(folder: Path) -> None:
    draw, count = random.Random(4), times("bundle damaged")
    files = {path: path.read_bytes() for path in sorted(folder.iterdir())}
    changed = 0
    for _ in range(count):
        path = draw.choice([*files])
        path.write_bytes(damaged(files[path], draw))
        if path.read_bytes() != files[path]:
            changed += 1
            with pytest.raises(BundleError) as refused:
                load_bundle(folder)
            assert "\n" not in str(refused.value)
        path.write_bytes(files[path])
    assert load_bundle(folder) and changed > 0.9 * count
    tally("bundle damaged", damaged=changed, refused=changed, crashes=0, silent_differences=0)


def test_a_resealed_bundle_never_crashes_and_never_passes_for_the_promoted_one(
    folder: Path, model_parts: Parts, model_bundle: Bundle
) -> None:
    draw, count = random.Random(5), times("bundle resealed")
    digest = load_bundle(folder).digest
    files = {path: path.read_bytes() for path in sorted(folder.iterdir())}
    sealed = [path for path in files if path.name != "SHA256SUMS"]
    before = score(model_bundle, model_parts.probe)
    outcomes: Counter[str] = Counter()
    while outcomes.total() < count:
        path = draw.choice(sealed)
        path.write_bytes(damaged(files[path], draw))
        resealed(folder)
        if path.read_bytes() != files[path]:
            with pytest.raises(BundleError, match=digest[:12]):
                load_bundle(folder, digest)
            outcomes[_met(folder, model_parts, before.raw)] += 1
        for place, content in files.items():
            place.write_bytes(content)
    tally(
        "bundle resealed",
        resealed=count,
        refused_by_the_promoted_digest=count,
        refused_by_itself=outcomes["refused"],
        same_scores=outcomes["same"],
        other_scores_as_another_bundle=outcomes["other"],
        crashes=0,
    )


def _met(folder: Path, parts: Parts, raw: np.ndarray) -> str:
    """Return what happens to whoever knows no digest that was promoted."""
    try:
        found = score(load_bundle(folder), parts.probe)
    except BundleError:
        return "refused"
    return "same" if np.array_equal(found.raw, raw) else "other"


def test_a_clock_that_is_a_day_off_spoils_no_record_and_erases_nothing_early(
    tmp_path: Path,
) -> None:
    path, entries = tmp_path / "ledger.db", times("clock wrong")
    draw = random.Random(6)
    noon = datetime(2015, 7, 1, 12, tzinfo=UTC)
    with Ledger(path) as ledger:
        for _ in range(entries):
            moment = noon + timedelta(days=draw.choice([-1, 0, 1]))
            at = moment.isoformat(timespec="milliseconds")
            ledger.append(replace(entry(keep_until=TODAY + 400), at=at)).result(SOON)
    assert verify(path, TODAY).whole
    beyond = noon + timedelta(days=3)
    with pytest.raises(LedgerError):
        expire(path, Expiry(TODAY + 500, "tester", beyond, kept_days=1_000))
    assert head(path).size == entries
    erased, *_ = expire(path, Expiry(TODAY, "tester", noon + timedelta(days=1), kept_days=1_000))
    assert erased == 0 and verify(path, TODAY).whole
    tally("clock wrong", entries=entries, spoilt=0, erased_early=0)


def test_an_outcome_killed_anywhere_and_sent_again_has_one_effect(
    server: Server, hand_source: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    write_loaded_town(server.place, hand_source)
    monkeypatch.setenv("LSSI_HOME", str(server.home))
    write_plan("hand")
    shutil.copytree(server.home, server.place / "begun")
    points = server.run(["-c", OUTCOME]).points
    assert len(points) > 4
    kills = times("outcome killed")
    for point in islice(cycle(points), kills):
        shutil.rmtree(server.home)
        shutil.copytree(server.place / "begun", server.home)
        killed = server.run(["-c", OUTCOME], Stop(point, signal.SIGKILL))
        assert killed.code == -signal.SIGKILL, killed
        retries = {server.run(["-c", OUTCOME]).out for _ in range(2)}
        assert len(retries) == 1, point
        assert head(server.home / "ledger.db").size == 1, point
        parts = files_in(server.home / "journal" / "hand" / "outcomes", "[!.]*.parquet")
        assert len(parts) == 1 and verify(server.home / "ledger.db", TODAY).whole, point
    tally("outcome killed", kills=kills, points=len(points), effects_each=1)


class OutcomesInAnyOrder(RuleBasedStateMachine):
    """Outcomes of two visits are posted, repeated, corrected and reordered; the journal holds each that was accepted, once."""

    loaded = Path()

    @initialize()
    def begin(self) -> None:
        self.folder = tempfile.TemporaryDirectory()
        self.patch = pytest.MonkeyPatch()
        self.patch.setenv("LSSI_HOME", self.folder.name)
        self.place = begin(self.loaded)
        self.accepted: dict[str, tuple[str, tuple[str, int]]] = {}
        self.newest: dict[str, tuple[str, int]] = {}

    @rule(
        visit=st.sampled_from(["i1", "i2"]),
        workers=st.integers(0, 3),
        key=st.sampled_from(["k1", "k2", "k3", "k4", "k5"]),
        corrects=st.booleans(),
    )
    def post(self, visit: str, workers: int, key: str, corrects: bool) -> None:
        newest = self.newest.get(visit)
        found = [{"violation": 1, "workers": workers}] if workers else []
        enterprise = {"i1": "e1", "i2": "e3"}[visit]
        supersedes = newest[0] if newest and corrects else None
        content = (visit, workers) if supersedes is None else (visit, workers, supersedes)
        asked = outcome(inspection=visit, enterprise=enterprise, found=found, supersedes=supersedes)
        earlier = self.accepted.get(key)
        try:
            record = posted(self.place, asked, key)
        except RetryConflict:
            assert earlier is not None and earlier[1] != content
            return
        except ActRefused:
            assert earlier is None and newest is not None and supersedes is None
            return
        if earlier is not None:
            assert earlier == (record, content)
            return
        assert newest is None or supersedes is not None
        self.accepted[key] = (record, content)
        self.newest[visit] = (record, workers)

    def teardown(self) -> None:
        if not hasattr(self, "patch"):
            return
        size = head(home() / "ledger.db").size if self.accepted else 0
        assert size == len(self.accepted)
        seen = labels(open_store(self.place), POSTED)
        for visit, (_, workers) in self.newest.items():
            assert seen[visit][:2] == (float(workers > 0), float(workers)), visit
        self.patch.undo()
        self.folder.cleanup()


def test_outcomes_repeated_and_reordered_leave_what_was_accepted_once(loaded_town: Path) -> None:
    sequences = times("outcomes in any order")
    OutcomesInAnyOrder.loaded = loaded_town
    run_state_machine_as_test(
        OutcomesInAnyOrder,
        settings=settings(
            max_examples=sequences,
            stateful_step_count=8,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
    tally("outcomes in any order", sequences=sequences, wrong=0)


def test_clients_that_vanish_within_a_body_take_no_place_with_them(door: Door) -> None:  # noqa: F811
    draw, gone = random.Random(7), times("client gone")
    line_head = HEAD.format(key=door.keys["a"]).encode()
    for _ in range(gone):
        sent = line_head + b'{"a": 1}'[: draw.randrange(8)]
        with socket.create_connection(("127.0.0.1", door.port)) as line:
            line.sendall(sent[: draw.randint(1, len(sent))])
    until = time.monotonic() + SOON
    while door.ask(door.keys["b"]).status_code != 200:
        assert time.monotonic() < until
    assert [door.probe(path).status_code for path in ("/livez", "/readyz")] == [200, 200]
    tally("client gone", gone=gone, answered_afterwards=1)


BODY_SECONDS = 2.0
"""A body may take so long: less than at a real door, so that the test need not wait for it."""


def test_slow_clients_shut_out_nobody_for_longer_than_a_body_may_take(
    tmp_path: Path, register: Path
) -> None:
    rounds, limits = times("client slow"), replace(LIMITS, body_seconds=BODY_SECONDS)
    with door_of(tmp_path, register, limits) as opened:
        line_head = HEAD.format(key=opened.keys["a"]).encode() + b"{"
        for _ in range(rounds):
            with ExitStack() as lines:
                for _ in range(64):
                    line = lines.enter_context(socket.create_connection(("127.0.0.1", opened.port)))
                    line.sendall(line_head)
                assert opened.probe("/livez").status_code == 200
                # a busy machine may take several times as long as a body may
                until = time.monotonic() + 15 * BODY_SECONDS
                while (answer := opened.ask(opened.keys["b"])).status_code != 200:
                    assert code_of(answer) == "busy" and time.monotonic() < until
    tally("client slow", rounds=rounds, slow_clients=64 * rounds, probes_refused=0)


@pytest.fixture(scope="module")
def stage(
    tmp_path_factory: pytest.TempPathFactory, hand_source: Callable[..., Path]
) -> Iterator[Stage]:
    """A server with the sources of the tests of stops, and a trained home."""
    one = Stage(tmp_path_factory.mktemp("torture") / "place", hand_source)
    yield one
    one.server.close()


@pytest.mark.slow
def test_a_killed_batch_ends_as_one_that_nobody_killed(stage: Stage) -> None:
    scene, kills = scene_of("batch"), times("batch killed")
    well = whole(stage, scene)
    for point in islice(cycle(well.points), kills):
        stopped(stage, scene, Stop(point, signal.SIGKILL), well)
    tally("batch killed", kills=kills, points=len(well.points), other_output=0)


@pytest.mark.slow
def test_a_promotion_killed_at_any_step_is_whole_or_not_at_all(stage: Stage) -> None:
    scene, each = scene_of("promote"), times("promotion killed")
    well = whole(stage, scene)
    for point in well.points:
        for _ in range(each):
            stopped(stage, scene, Stop(point, signal.SIGKILL), well)
    tally("promotion killed", kills=each * len(well.points), steps=len(well.points), half=0)


def test_a_registry_that_is_dead_or_hangs_is_told_in_one_line(
    tmp_path: Path, say: Say, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LSSI_HOME", str(tmp_path))
    monkeypatch.setattr(registry, "REGISTRY_PATIENCE", 0.2)
    promote = ("promote", "undeclared_workers", 1)
    (tmp_path / "mlflow.db").write_bytes(b"nothing" * 1_000)
    assert "cannot be read (file is not a database)" in say(*promote).line
    (tmp_path / "mlflow.db").unlink()
    with closing(sqlite3.connect(tmp_path / "mlflow.db", isolation_level=None)) as other:
        other.execute("CREATE TABLE one (two)")
        other.execute("BEGIN EXCLUSIVE")
        assert "cannot be read (database is locked)" in say(*promote).line


@pytest.mark.slow
def test_a_registry_that_is_dead_or_hangs_stops_no_score(stage: Stage) -> None:
    scene, rounds = scene_of("replay"), times("registry away")
    stage.begin(scene)
    database = stage.server.home / "mlflow.db"
    content = database.read_bytes()
    for _ in range(rounds):
        database.write_bytes(b"nothing" * 1_000)
        assert stage.run(scene).code == 0
        assert stage.server.run(["batch", "undeclared_workers", "hill-side"]).code == 0
        promoted = stage.server.run(["promote", "undeclared_workers", "1", "--although", "trial"])
        assert promoted.refused_in_one_line, promoted
        database.write_bytes(content)
        with closing(sqlite3.connect(database, isolation_level=None)) as other:
            other.execute("BEGIN EXCLUSIVE")
            assert stage.run(scene).code == 0
            begun = time.monotonic()
            hanging = stage.server.run(
                ["promote", "undeclared_workers", "1", "--although", "trial"]
            )
            assert hanging.refused_in_one_line and time.monotonic() - begun < 120, hanging
        assert (
            stage.server.run(["promote", "undeclared_workers", "1", "--although", "trial"]).code
            == 0
        )
    tally("registry away", rounds=rounds, scores_stopped=0)


@pytest.mark.slow
def test_workers_killed_under_load_lose_nothing_acknowledged(
    trained_home: Path, city_2000: Path, tmp_path: Path
) -> None:
    place = Path(shutil.copytree(trained_home, tmp_path / "home"))
    key = add(place / "keys.json", "system", role="system", today=date(2015, 7, 1))
    over, kills = threading.Event(), times("service killed")
    with serving(place, city_2000, tmp_path / "log", "--workers", "2") as (address, served):
        asked = (address, key, highest(place), over)
        with ThreadPoolExecutor(2) as pool:
            runs = [pool.submit(asked_again_and_again, *asked) for _ in range(2)]
            try:
                for _ in range(kills):
                    os.kill(two_workers(served)[0], signal.SIGKILL)
                    time.sleep(1)
                two_workers(served)
            finally:
                over.set()
            seen = [one.record for run in runs for one in run.result()]
    assert len(seen) == len({*seen}) > kills
    assert all(find(place / "ledger.db", record).payload for record in seen)
    assert verify(place / "ledger.db", 20_000).whole
    tally("service killed", kills=kills, acknowledged=len(seen), lost=0, repeated=0)


def two_workers(served: subprocess.Popen[bytes]) -> list[int]:
    """Return the workers of a service once both are alive: the framework looks for dead ones every ten seconds."""
    until = time.monotonic() + 120
    while len(workers := workers_of(served)) < 2:
        assert time.monotonic() < until
        time.sleep(0.2)
    return workers
