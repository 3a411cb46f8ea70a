"""What the ledger acknowledged stays, in one gapless sequence, and every change to it is found."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import wait
from pathlib import Path

import psycopg
import pytest

from features.errors import LedgerError
from serving.database.place import LedgerPlace
from serving.errors import RecordUnknown
from serving.ledger.entries import Entry
from serving.ledger.ledger import Ledger
from serving.ledger.opening import ledger_reader, ledger_writer
from serving.ledger.read import find, head, proof_holds, prove
from serving.ledger.sqlite import SCHEMA
from serving.proof.audit import verify
from serving.proof.checkpoint import checkpoint, parse_checkpoint
from tests.recorded import erased

TODAY = 16_617
ROOM = Path(__file__).parent.parent
SPELLINGS = {
    "x'7b7d'": r"'\x7b7d'",
    "x'00'": r"'\x00'",
    "zeroblob(32)": "decode(repeat('00', 32), 'hex')",
    "replace(leaf, '16616', '16615')": "convert_to(replace(convert_from(leaf, 'UTF8'), '16616', '16615'), 'UTF8')",
}
"""What SQLite spells otherwise than PostgreSQL, in what tests change by hand."""
WRITER = """
import sys
from pathlib import Path
from serving.database.place import named_place
from serving.ledger.entries import Entry
from serving.ledger.ledger import Ledger
name, count = sys.argv[3], int(sys.argv[4])
with Ledger(named_place(sys.argv[1], Path(sys.argv[2]))) as ledger:
    print("open", flush=True)
    sys.stdin.readline()
    for number in range(count):
        payload = f'{{"of":"{name}","number":{number}}}'.encode()
        entry = Entry("score", "2015-07-01T08:00:00+08:00", 16616, 16616, "ab", "cd", payload, 17000)
        print(ledger.append(entry).result().record_id, flush=True)
"""


def entry(
    text: str = "{}", *, retry_key: str | None = None, request: str = "cd", keep_until: int = TODAY
) -> Entry:
    return Entry(
        kind="score",
        at="2015-07-01T08:00:00+08:00",
        as_of=16_616,
        complete_to=16_616,
        bundle="ab" * 32,
        request=request,
        payload=text.encode(),
        keep_until=keep_until,
        retry_key=retry_key,
    )


@pytest.fixture
def place(ledger_at: Callable[[str], LedgerPlace]) -> LedgerPlace:
    """The place of one ledger."""
    return ledger_at("ledger")


def filled(path: LedgerPlace, count: int) -> list[str]:
    with Ledger(path) as ledger:
        waiting = [ledger.append(entry(f'{{"n":{number}}}')) for number in range(count)]
        return [future.result(10).record_id for future in waiting]


def change(place: LedgerPlace, *statements: str) -> None:
    """Change a ledger as somebody would who wants no trace: the triggers are there again afterwards."""
    if isinstance(place, Path):
        change_file(place, *statements)
        return
    database = place.database
    with psycopg.connect(database.url) as connection:
        connection.execute(f"SET search_path = {database.schema}")
        connection.execute("SET session_replication_role = replica")
        for statement in statements:
            connection.execute(postgres_spelling(statement))


def postgres_spelling(statement: str) -> str:
    for ours, theirs in SPELLINGS.items():
        statement = statement.replace(ours, theirs)
    return statement


def change_file(path: Path, *statements: str) -> None:
    triggers = re.findall("CREATE TRIGGER .*", SCHEMA)
    connection = sqlite3.connect(path)
    for statement in (
        "DROP TRIGGER entries_stay",
        "DROP TRIGGER entries_remain",
        *statements,
        *triggers,
    ):
        connection.execute(statement)
    connection.commit()
    connection.close()


def start(place: LedgerPlace, name: str, count: int) -> subprocess.Popen[str]:
    text, home = (str(place), "") if isinstance(place, Path) else (place.address, str(place.home))
    process = subprocess.Popen(
        [sys.executable, "-c", WRITER, text, home, name, str(count)],
        cwd=ROOM,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOM)},
    )
    assert process.stdout is not None and process.stdout.readline() == "open\n"
    return process


def go(process: subprocess.Popen[str]) -> None:
    assert process.stdin is not None
    process.stdin.write("\n")
    process.stdin.flush()


def test_a_record_is_found_as_it_was_written_and_proved(place: LedgerPlace) -> None:
    ids = filled(place, 13)
    assert [int(record_id.split("-")[0]) for record_id in ids] == list(range(13))
    found = find(place, ids[7])
    assert (found.payload, found.entry["kind"], found.entry["bundle"]) == (
        b'{"n":7}',
        "score",
        "ab" * 32,
    )
    proof = prove(place, ids[7])
    assert proof_holds(proof) and proof.size == 13 and proof.leaf.startswith(ids[7].split("-")[1])


def test_the_tree_holds_no_payload_and_no_request(place: LedgerPlace) -> None:
    with Ledger(place) as ledger:
        ledger.append(entry('{"enterprise":"firm-secret"}', request="asked-for")).result(10)
    with ledger_reader(place) as connection:
        ((leaf,),) = connection.each("SELECT leaf FROM entries")
    # Neither text can stand in a digest by chance: its digits are hexadecimal.
    assert b"firm" not in leaf and b"asked-for" not in leaf and b'"payload"' in leaf


def test_equal_payloads_have_different_digests(place: LedgerPlace) -> None:
    with Ledger(place) as ledger:
        ids = [ledger.append(entry()).result(10).record_id for _ in range(2)]
    first, second = (find(place, record_id).entry["payload"] for record_id in ids)
    assert first != second


def test_an_event_loop_waits_for_many_records_at_once(place: LedgerPlace) -> None:
    async def all_of(ledger: Ledger) -> list[int]:
        receipts = await asyncio.gather(*(ledger.record(entry()) for _ in range(50)))
        return [receipt.sequence for receipt in receipts]

    with Ledger(place) as ledger:
        assert asyncio.run(all_of(ledger)) == list(range(50))


def test_one_who_stops_waiting_stops_nobody_else(place: LedgerPlace) -> None:
    async def impatient(ledger: Ledger) -> int:
        given_up = asyncio.ensure_future(ledger.record(entry()))
        await asyncio.sleep(0)
        given_up.cancel()
        return (await ledger.record(entry())).sequence

    with Ledger(place) as ledger:
        assert asyncio.run(impatient(ledger)) == 1
    assert head(place).size == 2


def test_a_retry_meets_its_first_record(place: LedgerPlace) -> None:
    with Ledger(place) as ledger:
        first = ledger.append(entry(retry_key="k")).result(10)
        again = ledger.append(entry(retry_key="k")).result(10)
        assert (again.record_id, again.first, first.first) == (first.record_id, False, True)
        both = [ledger.append(entry(retry_key="m")) for _ in range(2)]
        assert both[0].result(10).record_id == both[1].result(10).record_id
        with pytest.raises(LedgerError, match="another request; send a new key"):
            ledger.append(entry(retry_key="k", request="other")).result(10)
    assert head(place).size == 2


def test_a_write_that_fails_fails_everyone_who_waits(place: LedgerPlace) -> None:
    with Ledger(place) as ledger:
        ledger.append(entry()).result(10)
        change(place, "ALTER TABLE payloads RENAME TO elsewhere")
        for future in [ledger.append(entry()) for _ in range(3)]:
            with pytest.raises(LedgerError, match="could not be written"):
                future.result(10)
        change(place, "ALTER TABLE elsewhere RENAME TO payloads")
        assert ledger.append(entry()).result(10).sequence == 1
    assert verify(place, TODAY).whole


def test_a_closed_ledger_refuses(place: LedgerPlace) -> None:
    ledger = Ledger(place)
    waiting = [ledger.append(entry()) for _ in range(20)]
    ledger.close()
    assert all(future.done() for future in waiting)
    with pytest.raises(LedgerError, match="closed"):
        ledger.append(entry())
    ledger.close()


def test_two_processes_write_one_gapless_sequence(place: LedgerPlace) -> None:
    writers = [start(place, name, 150) for name in ("a", "b")]
    for writer in writers:
        go(writer)
    ids = [line for writer in writers for line in writer.communicate(timeout=300)[0].split()]
    assert sorted(int(record_id.split("-")[0]) for record_id in ids) == list(range(300))
    verdict = verify(place, TODAY)
    assert verdict.whole and verdict.size == verdict.payloads == 300


def test_killing_the_writer_loses_nothing_acknowledged(place: LedgerPlace) -> None:
    acknowledged: list[str] = []
    for number in range(5):
        writer = start(place, str(number), 100_000)
        go(writer)
        assert writer.stdout is not None
        acknowledged += [writer.stdout.readline().strip() for _ in range(20 + 7 * number)]
        writer.send_signal(signal.SIGKILL)
        rest = writer.communicate(timeout=300)[0].split("\n")
        acknowledged += rest[:-1]
    for record_id in acknowledged:
        assert find(place, record_id).payload is not None
    verdict = verify(place, TODAY)
    assert verdict.whole and verdict.size >= len(acknowledged) >= 170


@pytest.mark.parametrize(
    ("statement", "first", "last", "en"),
    [
        (
            "UPDATE entries SET leaf = replace(leaf, '16616', '16615') WHERE sequence = 5",
            5,
            5,
            "hash",
        ),
        ("UPDATE payloads SET payload = x'7b7d' WHERE sequence = 6", 6, 6, "payload was changed"),
        ("UPDATE payloads SET salt = x'00' WHERE sequence = 6", 6, 6, "payload was changed"),
        ("DELETE FROM payloads WHERE sequence = 3", 3, 3, "gone before its day"),
        ("DELETE FROM entries WHERE sequence = 4", 4, 4, "missing"),
        ("DELETE FROM entries WHERE sequence >= 9", 9, 10, "missing"),
        ("UPDATE nodes SET hash = zeroblob(32) WHERE level = 0 AND place = 2", 2, 2, "hash"),
        ("UPDATE nodes SET hash = zeroblob(32) WHERE level = 2 AND place = 1", 4, 7, "hash"),
        ("UPDATE head SET size = 10", 0, 10, "head"),
        ("UPDATE entries SET leaf = x'7b7d' WHERE sequence = 8", 8, 8, "readable"),
    ],
)
def test_a_change_is_found_and_located(
    place: LedgerPlace, statement: str, first: int, last: int, en: str
) -> None:
    filled(place, 11)
    assert verify(place, TODAY).whole
    change(place, statement)
    verdict = verify(place, TODAY)
    assert not verdict.whole
    assert (first, last) in {
        (fault.first, fault.last) for fault in verdict.faults if en in fault.en
    }


def test_a_changed_entry_or_payload_is_not_given_out(place: LedgerPlace) -> None:
    ids = filled(place, 4)
    change(
        place,
        "UPDATE entries SET leaf = replace(leaf, '16616', '16615') WHERE sequence = 1",
        "UPDATE payloads SET payload = x'7b7d' WHERE sequence = 2",
    )
    with pytest.raises(LedgerError, match="record 1 was changed"):
        find(place, ids[1])
    with pytest.raises(LedgerError, match="payload of record '2-"):
        find(place, ids[2])


def test_entries_cannot_be_changed_by_accident(place: LedgerPlace) -> None:
    filled(place, 1)
    for statement, told in (
        ("UPDATE entries SET leaf = ''", "never changed"),
        ("DELETE FROM entries", "never removed"),
    ):
        with (
            pytest.raises((sqlite3.IntegrityError, LedgerError), match=told),
            ledger_writer(place) as connection,
        ):
            connection.execute(statement)


def test_an_expired_payload_leaves_a_log_that_verifies(place: LedgerPlace, tmp_path: Path) -> None:
    path = place
    with Ledger(path) as ledger:
        old = ledger.append(
            entry('{"worker":"w-old"}', keep_until=TODAY - 1, retry_key="old")
        ).result(10)
        new = ledger.append(entry(keep_until=TODAY)).result(10)
    before = verify(path, TODAY)
    kept = checkpoint(path, "2015-07-01T09:00:00+08:00")
    assert before.whole and before.overdue == 1
    assert erased(path, TODAY) == 1
    after = verify(path, TODAY, kept)
    assert after.whole and (after.expired, after.overdue) == (1, 0)
    assert find(path, old.record_id).payload is None and find(path, new.record_id).payload == b"{}"
    assert proof_holds(prove(path, old.record_id))
    left = b"".join(file.read_bytes() for file in tmp_path.iterdir() if file.is_file())
    assert b"w-old" not in left


def test_a_rebuilt_chain_shows_only_against_a_checkpoint_kept_outside(
    ledger_at: Callable[[str], LedgerPlace],
) -> None:
    path, rebuilt = ledger_at("ledger"), ledger_at("rebuilt")
    filled(path, 6)
    kept = parse_checkpoint(str(checkpoint(path, "2015-07-01T09:00:00+08:00")))
    assert verify(path, TODAY, kept).whole
    filled(rebuilt, 7)
    change(rebuilt, f"UPDATE head SET origin = '{kept.origin}'")
    assert verify(rebuilt, TODAY).whole
    (fault,) = verify(rebuilt, TODAY, kept).faults
    assert (fault.first, fault.last) == (0, 5) and "rewritten" in fault.en


def test_a_grown_log_agrees_with_its_old_checkpoint_and_a_shortened_one_does_not(
    ledger_at: Callable[[str], LedgerPlace],
) -> None:
    path, short = ledger_at("ledger"), ledger_at("short")
    filled(path, 6)
    kept = checkpoint(path, "2015-07-01T09:00:00+08:00")
    filled(path, 5)
    assert verify(path, TODAY, kept).whole
    filled(short, 3)
    faults = {fault.en for fault in verify(short, TODAY, kept).faults}
    assert faults == {
        "the checkpoint is of another ledger",
        "the log is shorter than its checkpoint",
    }


@pytest.mark.parametrize(
    "text", ["", "a\nb\nc\nd", "lssi-risk/ab\n3\nAAAA\nnow", "lssi-risk/ab\nx\n\nnow"]
)
def test_a_text_that_is_no_checkpoint_is_refused(text: str) -> None:
    with pytest.raises(LedgerError, match="no checkpoint"):
        parse_checkpoint(text)


@pytest.mark.parametrize(
    "record_id", ["", "17", "17-xyz", "-1-0123456789", "1-0123456789;", "١-0123456789"]
)
def test_an_id_that_is_none_is_refused(place: LedgerPlace, record_id: str) -> None:
    filled(place, 1)
    with pytest.raises(RecordUnknown, match="a record id should look like"):
        find(place, record_id)


def test_an_unknown_record_is_one_line(place: LedgerPlace) -> None:
    filled(place, 2)
    with pytest.raises(
        RecordUnknown,
        match="record '7-0123456789' is not in this ledger of 2 records; check the id",
    ):
        find(place, "7-0123456789")
    with pytest.raises(RecordUnknown, match="record 1 has another digest"):
        find(place, "1-0123456789")


def test_what_is_no_ledger_is_refused(tmp_path: Path) -> None:
    with pytest.raises(LedgerError, match="there is no ledger at"):
        head(tmp_path / "none.db")
    (tmp_path / "text.db").write_text(
        "this is no database, but it is long enough to be mistaken for one" * 20
    )
    with pytest.raises(LedgerError, match="not a readable ledger"):
        head(tmp_path / "text.db")
    with pytest.raises(LedgerError, match="no ledger can be kept at"):
        Ledger(tmp_path / "text.db")
    with pytest.raises(LedgerError, match="no ledger can be kept at"):
        Ledger(tmp_path)
    sqlite3.connect(tmp_path / "empty.db").close()
    (tmp_path / "empty.db").touch()
    with pytest.raises(LedgerError, match="there is no ledger yet"):
        head(tmp_path / "empty.db")


def test_a_ledger_stopped_before_it_is_made_leaves_no_file_and_is_made_by_the_next(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stop(point: str) -> None:
        if point == "before a ledger is made":
            raise KeyboardInterrupt

    path = tmp_path / "ledger.db"
    with monkeypatch.context() as patch:
        patch.setattr("features.files.reached", stop)
        with pytest.raises(KeyboardInterrupt):
            Ledger(path)
    assert [left.name for left in tmp_path.iterdir()] == ["ledger.db.lock"]
    with pytest.raises(LedgerError, match="there is no ledger at"):
        head(path)
    with Ledger(path):
        assert head(path).size == 0


def test_many_threads_share_one_ledger(place: LedgerPlace) -> None:
    with Ledger(place) as ledger:
        waiting = [ledger.append(entry(f'{{"n":{number}}}')) for number in range(1_500)]
        done, late = wait(waiting, timeout=30)
    assert not late and sorted(future.result().sequence for future in done) == list(range(1_500))
