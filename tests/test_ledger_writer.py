"""A writer acknowledges only what stands in the ledger's file; it refuses at once otherwise, and goes on when it can."""

from __future__ import annotations

import asyncio
import fcntl
import os
import re
import resource
import shutil
import signal
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import cast

import pytest

from features import files
from features.errors import LedgerError
from serving.ledger.ledger import Ledger
from serving.ledger.read import find, head
from serving.proof.audit import verify
from tests.test_ledger_ledger import TODAY, entry, filled

SOON = 10
ASKED = 12
"""So many records were lost by a service whose file was replaced, before its writer looked at the file."""


@dataclass(frozen=True)
class Room:
    """A ledger that a writer has open, an older copy of it, and a place to put its files aside."""

    ledger: Path
    older: Path
    aside: Path

    def files(self, place: Path) -> list[tuple[Path, Path]]:
        """Return each file of the ledger with its place in another folder."""
        return [
            (file, place / file.name)
            for file in (
                self.ledger.with_name(self.ledger.name + end) for end in ("", "-wal", "-shm")
            )
        ]


def put_aside(room: Room) -> None:
    for file, place in room.files(room.aside):
        file.rename(place)


def put_back(room: Room) -> None:
    for file, place in room.files(room.aside):
        place.rename(file)


def an_older_copy(room: Room) -> None:
    put_aside(room)
    shutil.copy(room.older, room.ledger)


def another_ledger(room: Room) -> None:
    filled(room.older.with_name("other.db"), 9)
    put_aside(room)
    room.older.with_name("other.db").rename(room.ledger)


def an_empty_file(room: Room) -> None:
    put_aside(room)
    room.ledger.touch()


def something_else(room: Room) -> None:
    put_aside(room)
    room.ledger.write_bytes(b"no ledger " * 4_096)


def a_cut(room: Room) -> None:
    with closing(sqlite3.connect(room.ledger)) as connection:
        connection.execute("PRAGMA wal_checkpoint(PASSIVE)")
    shutil.copy(room.ledger, room.aside / "whole")
    os.truncate(room.ledger, room.ledger.stat().st_size // 2)


def a_cut_mended(room: Room) -> None:
    # written into the same file, which a writer and its connection have open
    with room.ledger.open("r+b") as file:
        file.write((room.aside / "whole").read_bytes())


def a_lower_head(room: Room) -> None:
    with closing(sqlite3.connect(room.ledger, isolation_level=None)) as connection:
        connection.execute("UPDATE head SET size = size - 1")


def a_head_mended(room: Room) -> None:
    with closing(sqlite3.connect(room.ledger, isolation_level=None)) as connection:
        connection.execute("UPDATE head SET size = size + 1")


HARMS: dict[str, tuple[Callable[[Room], None], Callable[[Room], None], str]] = {
    "the file is gone": (put_aside, put_back, "file is gone"),
    "an older copy in its place": (an_older_copy, put_back, "rolled back"),
    "another ledger in its place": (another_ledger, put_back, "another ledger"),
    "an empty file in its place": (an_empty_file, put_back, "no such table"),
    "something else in its place": (something_else, put_back, "not a database"),
    "the file is cut": (a_cut, a_cut_mended, "was cut from"),
    "its head is lowered": (a_lower_head, a_head_mended, "head and entries disagree"),
}


def refusals(ledger: Ledger, count: int) -> list[str]:
    """Return why each of so many entries was refused; fails where one is acknowledged or not answered soon."""
    told = []
    for number in range(count):
        with pytest.raises(LedgerError) as refused:
            ledger.append(entry(f'{{"after":{number}}}')).result(SOON)
        told.append(str(refused.value))
    return told


@pytest.mark.parametrize("harm", HARMS)
def test_nothing_is_acknowledged_while_the_file_is_not_the_ledger_and_all_is_once_it_is(
    tmp_path: Path, harm: str
) -> None:
    do, undo, why = HARMS[harm]
    (tmp_path / "aside").mkdir()
    room = Room(tmp_path / "ledger.db", tmp_path / "older.db", tmp_path / "aside")
    with Ledger(room.ledger) as ledger:
        acknowledged = [ledger.append(entry(f'{{"n":{n}}}')).result(SOON) for n in range(3)]
        with (
            closing(sqlite3.connect(room.ledger)) as now,
            closing(sqlite3.connect(room.older)) as copy,
        ):
            now.backup(copy)
        acknowledged += [ledger.append(entry(f'{{"m":{n}}}')).result(SOON) for n in range(4)]
        do(room)
        assert all(re.search(why, told) for told in refusals(ledger, ASKED))
        assert re.search(why, asyncio.run(ledger.trouble()))
        undo(room)
        acknowledged += [ledger.append(entry(f'{{"o":{n}}}')).result(SOON) for n in range(2)]
        assert asyncio.run(ledger.trouble()) == ""
    assert [receipt.sequence for receipt in acknowledged] == list(range(9))
    assert all(find(room.ledger, receipt.record_id).payload for receipt in acknowledged)
    assert verify(room.ledger, TODAY).whole


def test_a_log_that_is_removed_under_a_writer_takes_no_record_with_it(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    with Ledger(path) as ledger:
        acknowledged = [ledger.append(entry()).result(SOON) for _ in range(5)]
        path.with_name("ledger.db-wal").unlink()
        acknowledged += [ledger.append(entry()).result(SOON) for _ in range(ASKED)]
    assert all(find(path, receipt.record_id).payload for receipt in acknowledged)
    verdict = verify(path, TODAY)
    assert verdict.whole and verdict.size == 5 + ASKED


def test_a_writer_refuses_what_another_writer_would_lose(tmp_path: Path) -> None:
    """One that was idle, or began after a restore, knows by the lock's file what others acknowledged."""
    path, older = tmp_path / "ledger.db", tmp_path / "older.db"
    with Ledger(path) as idle:
        idle.append(entry()).result(SOON)
        with closing(sqlite3.connect(path)) as now, closing(sqlite3.connect(older)) as copy:
            now.backup(copy)
        filled(path, 4)
    older.replace(path)
    with Ledger(path) as begun_after:
        assert "5 records were acknowledged and it holds 1" in refusals(begun_after, 1)[0]
        path.with_name("ledger.db.lock").unlink()  # the message says: if it is meant
        assert begun_after.append(entry()).result(SOON).sequence == 1


def test_a_newer_copy_in_the_place_of_the_file_is_written_on(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    with Ledger(path) as ledger:
        before = [ledger.append(entry()).result(SOON) for _ in range(5)]
        with (
            closing(sqlite3.connect(path)) as now,
            closing(sqlite3.connect(tmp_path / "copy")) as copy,
        ):
            now.backup(copy)
        for end in ("-wal", "-shm"):
            path.with_name(path.name + end).unlink()
        (tmp_path / "copy").replace(path)
        after = [ledger.append(entry()).result(SOON) for _ in range(3)]
    assert [receipt.sequence for receipt in before + after] == list(range(8))
    assert verify(path, TODAY).whole and head(path).size == 8


def test_a_file_that_is_replaced_between_check_and_commit_acknowledges_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, elsewhere = tmp_path / "ledger.db", tmp_path / "elsewhere.db"
    filled(elsewhere, 1)
    with Ledger(path) as ledger:
        ledger.append(entry()).result(SOON)

        def replaced(point: str) -> None:
            if point == "before a group of records is committed" and elsewhere.exists():
                elsewhere.rename(path)
                for end in ("-wal", "-shm"):
                    path.with_name(path.name + end).unlink()

        monkeypatch.setattr(files, "reached", replaced)
        assert "was replaced while" in refusals(ledger, 1)[0]
        assert "another ledger" in refusals(ledger, 1)[0]


class Raising:
    """A payload that raises an error as soon as the writer looks at it."""

    def __init__(self, error: type[BaseException]) -> None:
        self.error = error

    def __radd__(self, _: object) -> bytes:
        raise self.error


@pytest.mark.parametrize("error", [TypeError, KeyError, MemoryError, SystemExit, KeyboardInterrupt])
def test_whatever_an_entry_raises_in_the_writer_it_breaks_nothing_after_it(
    tmp_path: Path, error: type[BaseException]
) -> None:
    broken = replace(entry(), payload=cast(bytes, Raising(error)))
    with Ledger(tmp_path / "ledger.db") as ledger:
        with pytest.raises(LedgerError, match="could not be written"):
            ledger.append(broken).result(SOON)
        assert ledger.append(entry()).result(SOON).sequence == 0


@contextmanager
def files_of_at_most(size: int) -> Iterator[None]:
    """Let the disk seem full: no file of this process grows beyond so many bytes."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    quiet = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, quiet)


def test_a_full_disk_is_told_at_once_and_room_is_enough_to_go_on(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    with Ledger(path) as ledger:
        first = ledger.append(entry()).result(SOON)
        with files_of_at_most(path.with_name("ledger.db-wal").stat().st_size + 8_192):
            with pytest.raises(LedgerError, match="could not be written"):
                ledger.append(entry("x" * 100_000)).result(SOON)
            assert "could not be written" in asyncio.run(ledger.trouble())
        second = ledger.append(entry("x" * 100_000)).result(SOON)
    assert (first.sequence, second.sequence) == (0, 1)
    assert verify(path, TODAY).whole


async def refused_within(ledger: Ledger, seconds: float) -> None:
    begun = time.monotonic()
    with pytest.raises(LedgerError, match="did not confirm the record in time"):
        await ledger.record(entry())
    assert time.monotonic() - begun < seconds


@pytest.mark.parametrize("holds", ["the lock of writers", "the lock of the database"])
def test_a_lock_that_another_program_holds_is_told_in_time_and_its_end_is_enough_to_go_on(
    tmp_path: Path, holds: str
) -> None:
    path = tmp_path / "ledger.db"

    async def asked(ledger: Ledger) -> None:
        with pytest.raises(LedgerError):
            await asyncio.wait_for(ledger.record(entry()), SOON)
        assert await asyncio.wait_for(ledger.trouble(), SOON)

    with Ledger(path, patience=0.2) as ledger:
        ledger.append(entry()).result(SOON)
        with held(path) if holds == "the lock of writers" else writing_elsewhere(path):
            asyncio.run(asked(ledger))
        asyncio.run(recovered(ledger))
        last = ledger.append(entry()).result(SOON)
        assert asyncio.run(ledger.record(entry())).sequence == last.sequence + 1
    assert verify(path, TODAY).whole


async def recovered(ledger: Ledger) -> None:
    """Return once a ledger is well; fails where it is not soon."""
    until = time.monotonic() + SOON
    while trouble := await ledger.trouble():
        assert time.monotonic() < until, trouble


@contextmanager
def held(path: Path) -> Iterator[None]:
    with path.with_name("ledger.db.lock").open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


@contextmanager
def writing_elsewhere(path: Path) -> Iterator[None]:
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        yield
        connection.execute("ROLLBACK")


def test_who_comes_late_to_a_writer_that_hangs_does_not_wait(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"

    async def three(ledger: Ledger) -> None:
        await refused_within(ledger, SOON)
        # the writer began a little later than who waited, so its own patience ends later too
        await asyncio.sleep(1)
        for _ in range(2):
            late = ledger.record(entry())
            # one step without a pause: where it waited for anything, it would hand that over
            with pytest.raises(LedgerError, match="did not confirm the record in time"):
                late.send(None)

    with Ledger(path, patience=0.2) as ledger, held(path):
        asyncio.run(three(ledger))
