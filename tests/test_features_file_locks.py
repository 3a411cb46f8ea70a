"""A lock that another program holds is waited for a declared time, and then one line names its file and who holds it."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from features.errors import LedgerError, LockHeld, RequestError
from features.files import LOCK_SECONDS, USUAL_SECONDS, exclusive_lock, lock_seconds
from serving.ledger.entries import Entry
from serving.ledger.ledger import Ledger

HOLDER = """
import fcntl, sys, time
with open(sys.argv[1], "a") as file:
    fcntl.flock(file, fcntl.LOCK_EX)
    print("held", flush=True)
    time.sleep(float(sys.argv[2]))
"""
ENTRY = Entry(
    kind="score",
    at="2015-07-01T08:00:00+08:00",
    as_of=16_616,
    complete_to=16_616,
    bundle="ab" * 32,
    request="cd" * 32,
    payload=b"{}",
    keep_until=17_000,
)


@contextmanager
def holding(lock: Path, seconds: float = 60) -> Iterator[subprocess.Popen[bytes]]:
    """Let another process hold a lock, as a program does that hangs."""
    words = [sys.executable, "-c", HOLDER, str(lock), str(seconds)]
    with subprocess.Popen(words, stdout=subprocess.PIPE) as process:
        try:
            assert process.stdout is not None and process.stdout.readline() == b"held\n"
            yield process
        finally:
            process.kill()


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(LOCK_SECONDS, "0.2")


def check_line(line: str, lock: Path, process: subprocess.Popen[bytes]) -> None:
    """Check that a line names the lock's file, who holds it, and what to do."""
    assert "\n" not in line and str(lock) in line
    assert f"process {process.pid}" in line
    assert "wait until it ends, or end it, and try again" in line


@pytest.mark.usefixtures("impatient")
def test_a_lock_that_is_not_released_is_one_line_that_names_its_file(tmp_path: Path) -> None:
    lock = tmp_path / "acts.lock"
    with holding(lock) as process:
        with pytest.raises(LockHeld) as refused, exclusive_lock(lock):
            pass
        check_line(str(refused.value), lock, process)
    with exclusive_lock(lock):  # the kernel frees it when its holder ends
        pass


def test_a_lock_that_is_released_in_time_is_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(LOCK_SECONDS, "30")
    lock = tmp_path / "acts.lock"
    begun = time.monotonic()
    with holding(lock, 0.3), exclusive_lock(lock):
        assert 0.2 < time.monotonic() - begun < 30


@pytest.mark.usefixtures("impatient")
def test_a_ledger_behind_a_stuck_program_is_refused_at_its_opening_and_at_a_record(
    tmp_path: Path,
) -> None:
    path = tmp_path / "ledger.db"
    lock = tmp_path / "ledger.db.lock"
    with holding(lock) as process:
        with pytest.raises(LockHeld) as refused:
            Ledger(path)
        check_line(str(refused.value), lock, process)
    with Ledger(path) as ledger:
        with holding(lock) as process:
            with pytest.raises(LedgerError) as late:
                ledger.append(ENTRY).result(20)
            check_line(str(late.value), lock, process)
        assert ledger.append(ENTRY).result(20).sequence == 0  # nothing of the refused one is there


def test_a_service_is_late_and_tells_no_path_of_the_lock(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    with Ledger(path, patience=0.2) as ledger, holding(tmp_path / "ledger.db.lock"):
        with pytest.raises(LedgerError, match="did not confirm") as late:
            asyncio.run(ledger.record(ENTRY))
        assert str(tmp_path) not in str(late.value)


def test_a_command_behind_a_stuck_program_ends_with_one_line(tmp_path: Path) -> None:
    lock = tmp_path / "keys.lock"
    with holding(lock) as process:
        ended = subprocess.run(
            [sys.executable, "-m", "lssi", "key", "add", "mobile", "--role", "system"],
            env={**os.environ, "LSSI_HOME": str(tmp_path), LOCK_SECONDS: "0"},
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
    assert ended.returncode == 2 and ended.stdout == ""
    [line] = ended.stderr.splitlines()
    assert line.startswith("error: lock_held: ")
    check_line(line, lock, process)


@pytest.mark.parametrize("text", ["-1", "soon", "nan", "inf"])
def test_a_time_to_wait_that_is_none_is_refused(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(LOCK_SECONDS, text)
    with pytest.raises(RequestError, match=LOCK_SECONDS):
        lock_seconds()
    monkeypatch.delenv(LOCK_SECONDS)
    assert lock_seconds() == USUAL_SECONDS
