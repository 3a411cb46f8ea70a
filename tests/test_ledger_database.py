"""A ledger in PostgreSQL: what its server says and suffers is told in time, and nothing acknowledged is lost."""

from __future__ import annotations

import asyncio
import re
import shutil
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

import pytest

from features.errors import LedgerError, RequestError
from serving.database.place import DatabaseLedger, ledger_place, named_place
from serving.ledger.act import Act, Seen, act_entry
from serving.ledger.ledger import Ledger
from serving.ledger.read import find, head
from serving.ledger.retention import due
from serving.proof.audit import verify
from serving.replay.plan_replay import plan_record
from tests.database_server import PASSWORD, DatabaseServer, database_place
from tests.recorded import erased
from tests.said import Say
from tests.test_ledger_ledger import TODAY, entry, filled, go, start

SOON = 10
IN_TIME = 2.0
BACK = 5.0
"""Seconds within which a service refuses, and within which it goes on once its database does, as promised."""
SLACK = 4.0
"""Seconds more that a busy machine may take."""


@pytest.fixture
def place(database_server: DatabaseServer, tmp_path: Path) -> DatabaseLedger:
    return database_place(database_server, tmp_path / "home")


@contextmanager
def head_locked(server: DatabaseServer, place: DatabaseLedger) -> Iterator[None]:
    with server.connected(place.database.schema) as other:
        other.execute("SELECT size FROM head FOR UPDATE")
        yield


async def refused_in_time(ledger: Ledger) -> None:
    begun = time.monotonic()
    with pytest.raises(LedgerError) as refused:
        await ledger.record(entry())
    assert time.monotonic() - begun < IN_TIME + SLACK
    assert "sesame" not in str(refused.value) and "127.0.0.1" not in str(refused.value)
    assert await ledger.trouble()


def recovered(ledger: Ledger) -> None:
    """Fail unless a record is taken soon after the database is back."""
    until = time.monotonic() + BACK + SLACK
    while True:
        try:
            ledger.append(entry()).result(SOON)
            return
        except LedgerError:
            assert time.monotonic() < until
            time.sleep(0.05)


FAULTS = {
    "down": lambda server, _: server.away(),
    "shut down": lambda server, _: server.away("fast"),
    "locked": head_locked,
    "frozen": lambda server, _: server.frozen(),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_database_that_fails_is_told_in_time_and_its_return_is_enough_to_go_on(
    database_server: DatabaseServer, place: DatabaseLedger, fault: str
) -> None:
    with Ledger(place, patience=IN_TIME * 0.6) as ledger:
        acknowledged = [ledger.append(entry()).result(SOON) for _ in range(3)]
        with FAULTS[fault](database_server, place):
            for _ in range(2):
                asyncio.run(refused_in_time(ledger))
        recovered(ledger)
        assert asyncio.run(ledger.trouble()) == ""
        acknowledged.append(ledger.append(entry()).result(SOON))
    assert all(find(place, receipt.record_id).payload for receipt in acknowledged)
    assert verify(place, TODAY).whole


def test_a_restart_between_two_records_is_seen_by_nobody(
    database_server: DatabaseServer, place: DatabaseLedger
) -> None:
    with Ledger(place) as ledger:
        first = ledger.append(entry()).result(SOON)
        with database_server.away("fast"):
            pass
        assert ledger.append(entry()).result(SOON).sequence == 1
        assert find(place, first.record_id).payload
    assert verify(place, TODAY).whole


def test_a_database_restored_to_an_older_state_takes_no_record_until_the_newer_is_back(
    database_server: DatabaseServer, place: DatabaseLedger
) -> None:
    server, aside = database_server, database_server.folder
    with Ledger(place) as ledger:
        acknowledged = [ledger.append(entry()).result(SOON) for _ in range(3)]
        with server.away("fast"):
            subprocess.run(["cp", "-a", server.cluster, aside / "older"], check=True)
        acknowledged += [ledger.append(entry()).result(SOON) for _ in range(4)]
        with server.away("fast"):
            server.cluster.rename(aside / "newer")
            (aside / "older").rename(server.cluster)
        with pytest.raises(LedgerError, match="7 records were acknowledged and it holds 3"):
            ledger.append(entry()).result(SOON)
        with server.away("fast"):
            shutil.rmtree(server.cluster)
            (aside / "newer").rename(server.cluster)
        assert ledger.append(entry()).result(SOON).sequence == 7
    assert all(find(place, receipt.record_id).payload for receipt in acknowledged)


class Proxy:
    """A way to the server that is cut once a statement has passed, before its answer does."""

    def __init__(self, port: int, cut_at: bytes) -> None:
        self.goal, self.cut_at = port, cut_at
        self.is_armed = False
        self.ends: list[socket.socket] = []
        self.door = socket.create_server(("127.0.0.1", 0))
        self.port = int(self.door.getsockname()[1])
        self.threads: list[threading.Thread] = []
        self._run(self._accept)

    def _run(self, work: Callable[..., None], *ends: object) -> None:
        self.threads.append(threading.Thread(target=work, args=ends, daemon=True))
        self.threads[-1].start()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self.door.accept()
                server = socket.create_connection(("127.0.0.1", self.goal))
                self.ends += [client, server]
                self._run(self._carry, client, server, True)
                self._run(self._carry, server, client, False)

    def _carry(self, source: socket.socket, goal: socket.socket, is_request: bool) -> None:
        with suppress(OSError):
            while content := source.recv(65_536):
                is_last = is_request and self.is_armed and self.cut_at in content
                if is_last:
                    self.is_armed = False
                    source.shutdown(socket.SHUT_RDWR)  # nobody hears what the server answers
                    goal.sendall(content)
                    return
                goal.sendall(content)
            goal.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        for end in (self.door, *self.ends):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
        for thread in self.threads:
            thread.join()
        for end in (self.door, *self.ends):
            end.close()


def test_a_way_lost_between_commit_and_answer_gives_no_answer_and_a_retry_gives_the_first_record(
    database_server: DatabaseServer, place: DatabaseLedger, monkeypatch: pytest.MonkeyPatch
) -> None:
    # the server's file of passwords names its own port, and the proxy has another
    monkeypatch.setenv("PGPASSWORD", PASSWORD)
    proxy = Proxy(database_server.port, b"COMMIT\0")
    through = DatabaseLedger(
        place.address.replace(f":{database_server.port}/", f":{proxy.port}/"), place.home
    )
    with Ledger(through) as ledger:
        ledger.append(entry()).result(SOON)
        proxy.is_armed = True
        with pytest.raises(LedgerError, match="whether it stands is not known"):
            ledger.append(entry(retry_key="k")).result(SOON)
        again = ledger.append(entry(retry_key="k")).result(SOON)
    proxy.close()
    assert (again.first, again.sequence, head(place).size) == (False, 1, 2)
    assert verify(place, TODAY).whole


def test_four_processes_that_are_killed_leave_one_gapless_tree_and_lose_nothing_acknowledged(
    place: DatabaseLedger,
) -> None:
    acknowledged: list[str] = []
    for round_ in range(2):
        writers = [start(place, f"{round_}-{number}", 100_000) for number in range(4)]
        for writer in writers:
            go(writer)
        for number, writer in enumerate(writers):
            assert writer.stdout is not None
            acknowledged += [writer.stdout.readline().strip() for _ in range(20 + 9 * number)]
            writer.send_signal(signal.SIGKILL)
            acknowledged += writer.communicate(timeout=300)[0].split("\n")[:-1]
    verdict = verify(place, TODAY)
    assert verdict.whole and verdict.size >= len(acknowledged) >= 200
    assert len({record_id.split("-")[0] for record_id in acknowledged}) == len(acknowledged)
    assert all(find(place, record_id).payload for record_id in acknowledged)


def test_homes_on_two_machines_write_one_ledger(place: DatabaseLedger, tmp_path: Path) -> None:
    elsewhere = DatabaseLedger(place.address, tmp_path / "elsewhere")
    with Ledger(place) as here, Ledger(elsewhere) as there:
        places = [each.append(entry()).result(SOON).sequence for each in (here, there, there, here)]
    assert places == [0, 1, 2, 3] and verify(place, TODAY).whole


def test_rights_that_a_careful_administrator_gives_are_enough_for_each_and_for_no_more(
    database_server: DatabaseServer, place: DatabaseLedger
) -> None:
    schema = place.database.schema
    filled(place, 2)
    grants = re.findall(
        "^GRANT .*?;$", Path("docs/home.md").read_text("utf-8"), re.MULTILINE | re.DOTALL
    )
    roles = ("lssi_writer", "lssi_retention", "lssi_auditor")
    database_server.execute(
        *(f"DROP ROLE IF EXISTS {role}" for role in roles),
        *(f"CREATE ROLE {role} LOGIN PASSWORD 'open sesame'" for role in roles),
        *(
            grant.replace("ledger.", f"{schema}.").replace(" ledger ", f" {schema} ")
            for grant in grants
        ),
    )
    writer, retention, auditor = (
        DatabaseLedger(place.address.replace("lssi@", f"{role}@"), place.home) for role in roles
    )
    assert len(filled(writer, 3)) == 3
    assert verify(auditor, TODAY).whole and due(auditor, TODAY) == 0
    with pytest.raises(LedgerError, match="permission denied"):
        filled(auditor, 1)
    with pytest.raises(LedgerError, match="permission denied"):
        erased(writer, TODAY + 1)
    assert erased(retention, TODAY + 1) == 5
    for statement in ("UPDATE entries SET leaf = ''", "DELETE FROM entries", "TRUNCATE entries"):
        for user in roles:
            with pytest.raises(Exception, match="permission denied"):
                database_server.execute(statement, schema=schema, user=user)
    database_server.execute(*(f"DROP OWNED BY {role}" for role in roles))


GUARDS = {
    "a trigger that is gone": ("DROP TRIGGER entries_stay ON entries", "entries_stay is missing"),
    "a trigger that sleeps": (
        "ALTER TABLE entries DISABLE TRIGGER entries_remain",
        "entries_remain is not the ledger's",
    ),
    "a function that lets all pass": (
        "CREATE OR REPLACE FUNCTION entry_changed() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN new; END'",
        "entries_stay is not the ledger's",
    ),
    "a rule": ("CREATE RULE quiet AS ON DELETE TO payloads DO INSTEAD NOTHING", "quiet is not"),
}


@pytest.mark.parametrize("guard", GUARDS)
def test_what_guards_the_entries_is_compared(
    database_server: DatabaseServer, place: DatabaseLedger, guard: str
) -> None:
    statement, told = GUARDS[guard]
    filled(place, 2)
    assert verify(place, TODAY).whole
    database_server.execute(statement, schema=place.database.schema)
    (fault,) = verify(place, TODAY).faults
    assert told in fault.en


@pytest.mark.parametrize(
    "address",
    [
        "postgresql://lssi:s3cret@host/name",
        "postgresql://host/name?user=lssi&password=s3cret",
        "postgresql://host/name?sslpassword=s3cret",
        "postgresql://lssi:s3cret/host@place/name",
        "mysql://lssi:s3cret@host/name",
        "s3cret",
    ],
)
def test_an_address_with_a_password_or_of_another_form_is_refused_and_not_repeated(
    tmp_path: Path, address: str
) -> None:
    with pytest.raises(Exception, match=r"password|should be") as refused:
        ledger_place(tmp_path, {"LSSI_LEDGER": address})
    assert "s3cret" not in str(refused.value)


def test_a_wrong_password_and_a_missing_ledger_are_one_line(
    database_server: DatabaseServer, place: DatabaseLedger, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(LedgerError, match=r"there is no ledger at postgresql://127\.0\.0\.1"):
        head(place)
    monkeypatch.setenv("PGPASSFILE", "/dev/null")
    monkeypatch.setenv("PGPASSWORD", "s3cret")
    stranger = named_place(database_server.address("elsewhere"), place.home)
    assert isinstance(stranger, DatabaseLedger)
    with pytest.raises(LedgerError, match="password authentication failed") as refused:
        Ledger(stranger)
    assert "s3cret" not in str(refused.value) and "\n" not in str(refused.value)


def test_the_replay_of_a_plan_reads_the_ledger_in_the_database(
    place: DatabaseLedger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LSSI_LEDGER", place.address)
    act = Act("plan", "lssi plan", "plan-0", "ab" * 32, {"plan": "2015-07-06-a"})
    moment = datetime(2015, 7, 1, tzinfo=UTC)
    with Ledger(place) as ledger:
        written = ledger.append(
            act_entry(act, Seen(16_616, 16_616, ""), moment=moment, kept_days=9)
        )
        record_id = written.result().record_id
    found = plan_record(place.home, record_id)
    assert found is not None
    assert found[1] == act
    assert not (place.home / "ledger.db").exists()


def test_every_command_reads_the_ledger_in_the_database_and_says_in_one_line_that_it_is_away(
    database_server: DatabaseServer,
    place: DatabaseLedger,
    say: Say,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    record, *_ = filled(place, 3)
    monkeypatch.setenv("LSSI_HOME", str(place.home))
    monkeypatch.setenv("LSSI_LEDGER", place.address)
    for words in (
        ("verify",),
        ("key",),
        ("prove", record),
        ("checkpoint", "--out", str(tmp_path / "mark")),
        ("consistent", str(tmp_path / "mark")),
        ("export", "--out", str(tmp_path / "export")),
        ("find", "--day", "2015-07-01"),
        ("copy", place.address, str(tmp_path / "copy.db")),
        ("verify", "--checkpoint", str(tmp_path / "mark")),
    ):
        assert say("ledger", *words).code == 0, words
    assert len((tmp_path / "export").read_text("utf-8").splitlines()) == 4
    # the three, and who read them all
    assert verify(tmp_path / "copy.db", TODAY).size == 4
    assert sorted(file.name for file in place.home.iterdir()) == [
        "home.lock",
        "ledger.db.lock",
        "ledger.key",
        "ledger.key.lock",
    ]
    with database_server.away():
        assert "cannot be used" in say("ledger", "verify").line


def test_an_address_needs_the_form_of_one(tmp_path: Path) -> None:
    assert ledger_place(tmp_path, {}) == tmp_path / "ledger.db"
    with pytest.raises(RequestError, match="LSSI_LEDGER should be the address"):
        ledger_place(tmp_path, {"LSSI_LEDGER": "ledger.db"})
