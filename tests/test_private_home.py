"""What lies in a home is open to its owner alone, whatever the umask of whoever ran the commands."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from features.files import exclusive_lock, own_folder
from serving.gate.keys import add
from serving.ledger.ledger import Ledger
from serving.loop.decisions import decide_line
from serving.requests import DecidedLine
from tests.loop_town import begin, doer, loop_of
from tests.modes import everything, open_to_others, umask
from tests.test_ledger_ledger import entry
from tests.test_lssi_paths import walked

QUICK = ("city", "check", "key add", "key rotate", "load")


def test_no_file_or_folder_of_a_home_is_open_to_others_under_umask_000(tmp_path: Path) -> None:
    """After a few commands; `test_lssi_paths` walks all of them under this umask."""
    with umask(0):
        walk = walked(tmp_path / "walk", QUICK)
    home = walk.place / "home"
    assert len(everything(home)) > 20
    assert open_to_others(home) == {}


def test_what_a_user_asked_for_is_as_open_as_the_umask_says(tmp_path: Path) -> None:
    room = os.environ | {"LSSI_HOME": str(tmp_path / "home"), "PYTHONPATH": str(Path.cwd())}
    words = ["city", str(tmp_path / "out" / "city"), "--enterprises", "50", "--months", "3"]
    with umask(0o022):
        subprocess.run(
            [sys.executable, "-m", "lssi", *words], env=room, check=True, capture_output=True
        )
    modes = {stat.S_IMODE(path.stat().st_mode) for path in everything(tmp_path / "out")}
    assert modes == {0o755, 0o644}


def test_a_ledger_a_journal_and_keys_made_by_the_library_are_private_too(loaded_town: Path) -> None:
    from features.home import home

    place = begin(loaded_town)
    before = everything(home())
    with umask(0), loop_of(place) as loop:
        asked = DecidedLine(plan="P", enterprise="e1", decision="accept", reason="agrees")
        decide_line(loop, asked, doer())
        add(home() / "keys.json", "a", role="system", today=date(2015, 7, 1))
        made = everything(home()) - before
        names = {path.name for path in made}
        assert {"ledger.db", "ledger.db-wal", "ledger.db-shm", "ledger.db.lock"} <= names
        assert {"acts.lock", "keys.json", "keys.lock"} <= names
        modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in made}
    assert {name: f"{mode:o}" for name, mode in modes.items() if mode & 0o077} == {}


def test_files_of_a_ledger_that_an_earlier_version_left_open_are_closed(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    with Ledger(path) as ledger:
        ledger.append(entry()).result()
        for name in ("ledger.db", "ledger.db-wal", "ledger.db-shm", "ledger.db.lock"):
            (tmp_path / name).chmod(0o666)
    with Ledger(path) as ledger:
        ledger.append(entry()).result()
        modes = {one.name: stat.S_IMODE(one.stat().st_mode) for one in tmp_path.iterdir()}
    assert set(modes.values()) == {0o600}, modes


@pytest.mark.skipif(os.geteuid() != 0, reason="another user is needed: run as root")
def test_another_user_cannot_hold_the_lock_that_records_wait_for() -> None:
    # the test's own folder is the owner's alone, and would hide what the files themselves allow
    with TemporaryDirectory() as name, umask(0):
        place = Path(name)
        place.chmod(0o755)
        (place / "open").touch(0o666)
        with Ledger(place / "ledger.db") as ledger, exclusive_lock(place / "x.lock"):
            assert _held_by_nobody(place / "open")
            for file in ("ledger.db.lock", "x.lock", "ledger.db"):
                assert not _held_by_nobody(place / file), file
            assert ledger.append(entry()).result(5).first


def _held_by_nobody(file: Path) -> bool:
    """Tell whether the user nobody can open a file for reading and hold its lock."""
    program = (
        "import fcntl, os, sys; os.setgid(65534); os.setuid(65534); "
        "fcntl.flock(os.open(sys.argv[1], os.O_RDONLY), fcntl.LOCK_EX | fcntl.LOCK_NB)"
    )
    words = [sys.executable, "-I", "-c", program, str(file)]
    tried = subprocess.run(words, capture_output=True, text=True, timeout=300)
    assert tried.returncode == 0 or "PermissionError" in tried.stderr, tried.stderr
    return tried.returncode == 0


def test_a_folder_and_all_that_are_missing_above_it_are_the_owner_s(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    with umask(0):
        own_folder(tmp_path / "a" / "b" / "c")
        own_folder(tmp_path / "a" / "b" / "c")
    modes = [stat.S_IMODE((tmp_path / name).stat().st_mode) for name in ("a", "a/b", "a/b/c")]
    assert modes == [0o700] * 3 and stat.S_IMODE(tmp_path.stat().st_mode) == 0o755
