"""An audit finds what it claims to find, says where, and says apart what it cannot judge."""

from __future__ import annotations

import os
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from features.errors import LedgerError
from serving.database.place import LedgerPlace
from serving.ledger.ledger import Ledger
from serving.ledger.read import head
from serving.proof.audit import Verdict, verify
from tests.database_server import DatabaseServer, database_place
from tests.said import Say
from tests.test_ledger_act import LIFTED, written
from tests.test_ledger_ledger import TODAY, change, entry, filled

SIZE = 11


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A ledger of eleven records; two have idempotency keys, and one of these is an act."""
    eleven_records(tmp_path / "ledger.db")
    return tmp_path / "ledger.db"


def eleven_records(place: LedgerPlace) -> None:
    filled(place, 9)
    with Ledger(place) as ledger:
        ledger.append(entry('{"request":"cd"}', retry_key="k9")).result(10)
        written(ledger, LIFTED)


FAULTS = {
    "a payload without its entry": (
        "INSERT INTO payloads SELECT 77, keep_until, salt, payload FROM payloads WHERE sequence = 1",
        (77, 77, "a payload has no entry"),
    ),
    "a key without its payload": (
        "INSERT INTO retries VALUES ('old', 'cd', 99)",
        (99, 99, "an idempotency key has no payload"),
    ),
    "a key of another record": (
        "UPDATE retries SET sequence = 10 WHERE retry_key = 'k9'",
        (10, 10, "a record has two idempotency keys"),
    ),
    "a key of another request": (
        "UPDATE retries SET request = 'ef' WHERE retry_key = 'k9'",
        (9, 9, "an idempotency key is of another request"),
    ),
    "a key of another act": (
        "UPDATE retries SET request = 'ef' WHERE retry_key LIKE 'act:%'",
        (10, 10, "an idempotency key is of another request"),
    ),
    "a node beyond the log": (
        "INSERT INTO nodes VALUES (0, 11, zeroblob(32))",
        (11, 11, "a node has no entry"),
    ),
    "a node above the log": (
        "INSERT INTO nodes VALUES (4, 0, zeroblob(32))",
        (0, 0, "a node has no entry"),
    ),
    "a node of no tree": (
        "INSERT INTO nodes VALUES (-1, 3, zeroblob(32))",
        (3, 3, "a node has no entry"),
    ),
    "a later day of keeping": (
        "UPDATE payloads SET keep_until = keep_until + 400 WHERE sequence = 4",
        (4, 4, "the last day of keeping is not the entry's"),
    ),
    "a second head": (
        "PRAGMA ignore_check_constraints = ON | INSERT INTO head SELECT 2, origin, 3, frontier FROM head",
        (0, 0, "there are 2 heads and not one"),
    ),
    "no head": ("DELETE FROM head", (0, 0, "there are 0 heads and not one")),
    "a size that is no number": (
        "UPDATE head SET size = 'many'",
        (0, 0, "the file is damaged and cannot be read from here on"),
    ),
    "a size beyond all entries": (
        "UPDATE head SET size = 1000000000000",
        (11, 999_999_999_999, "entries are missing"),
    ),
    "an entry far beyond": (
        "INSERT INTO entries VALUES (1000000000000, '{}')",
        (11, 999_999_999_999, "entries are missing"),
    ),
    "an end that is gone": (
        "DELETE FROM entries WHERE sequence > 8 | DELETE FROM nodes WHERE level = 0 AND place > 8",
        (9, 10, "entries are missing"),
    ),
    "a foreign trigger": (
        "CREATE TRIGGER more AFTER INSERT ON payloads BEGIN DELETE FROM retries; END;",
        (0, 10, "the trigger more is not the ledger's"),
    ),
}


OF_A_FILE = {"a second head", "a size that is no number", "a foreign trigger"}
"""What a database spells otherwise or does not let in; its guards are tried in test_ledger_database."""


@pytest.mark.parametrize("fault", FAULTS)
def test_a_planted_fault_is_found_and_located(path: Path, fault: str) -> None:
    statements, (first, last, en) = FAULTS[fault]
    assert verify(path, TODAY).whole
    change(path, *statements.split(" | "))
    assert (first, last) in places(verify(path, TODAY), en)


@pytest.mark.parametrize("fault", sorted(FAULTS.keys() - OF_A_FILE))
def test_a_planted_fault_is_found_and_located_in_a_database(
    database_server: DatabaseServer, tmp_path: Path, fault: str
) -> None:
    statements, (first, last, en) = FAULTS[fault]
    place = database_place(database_server, tmp_path)
    eleven_records(place)
    change(place, *statements.split(" | "))
    assert (first, last) in places(verify(place, TODAY), en)


def places(verdict: Verdict, en: str) -> set[tuple[int, int]]:
    """Return where an audit found a fault that is told in these words."""
    return {(fault.first, fault.last) for fault in verdict.faults if en in fault.en}


@pytest.mark.parametrize("name", ["entries_stay", "entries_remain"])
@pytest.mark.parametrize(
    "instead", ["", "CREATE TRIGGER {} BEFORE UPDATE ON head BEGIN SELECT 1; END"]
)
def test_a_trigger_that_is_gone_or_another_is_found(path: Path, name: str, instead: str) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute(f"DROP TRIGGER {name}")
        if instead:
            connection.execute(instead.format(name))
    assert places(verify(path, TODAY), f"the trigger {name} is") == {(0, SIZE - 1)}


def whole_bytes(path: Path) -> bytes:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return path.read_bytes()


def test_a_file_cut_anywhere_is_a_fault_or_cannot_be_judged_and_nothing_else(path: Path) -> None:
    content, judged = whole_bytes(path), set()
    for size in range(0, len(content), 1_021):  # a prime: cuts fall anywhere in a page
        path.write_bytes(content[:size])
        try:
            verdict = verify(path, TODAY)
        except LedgerError as unknown:
            judged.add("no ledger yet" if "no ledger yet" in str(unknown) else "unknown")
        else:
            assert not verdict.whole
            judged.add("fault")
    assert judged == {"no ledger yet", "unknown", "fault"}


def test_bytes_changed_anywhere_are_a_fault_or_cannot_be_judged_or_say_nothing(path: Path) -> None:
    content = whole_bytes(path)
    before = verify(path, TODAY)
    for place in range(0, len(content), 1_021):
        path.write_bytes(content[:place] + bytes([content[place] ^ 0xFF]) + content[place + 1 :])
        try:
            verdict = verify(path, TODAY)
        except LedgerError:
            continue
        # where the byte is no part of any record, such as free space, the records are still those
        assert not verdict.whole or (verdict.size, verdict.root) == (before.size, before.root)


@pytest.mark.parametrize("content", [b"", b"\0" * 4_096])
def test_a_file_without_tables_is_no_ledger_yet(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "ledger.db"
    path.write_bytes(content[:0])
    with pytest.raises(LedgerError, match="there is no ledger yet"):
        verify(path, TODAY)
    with pytest.raises(LedgerError, match="there is no ledger yet"):
        head(path)
    with Ledger(path) as ledger:
        ledger.append(entry()).result(10)
    assert verify(path, TODAY).whole


def test_the_command_ends_by_a_code_for_what_it_found(
    path: Path, say: Say, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LSSI_HOME", str(path.parent))
    copy = shutil.copy(path, path.with_name("copy"))
    assert say("ledger", "verify").code == 0
    change(path, "UPDATE payloads SET payload = x'7b7d' WHERE sequence = 6")
    assert say("ledger", "verify").code == 1
    shutil.copy(copy, path)
    os.truncate(path, 3_000)
    unknown = say("ledger", "verify")
    assert unknown.code == 2 and len(unknown.err.splitlines()) == 1
