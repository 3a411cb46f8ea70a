"""An auditor's commands: what they print, with which code they leave, and one line for every mistake."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from tests.recorded import Home, home_of

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """A home in which one score was recorded five times."""
    folder = tmp_path_factory.mktemp("audited")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LSSI_HOME", str(folder / "home"))
        return home_of(folder)


def run(home: Path, *words: str) -> subprocess.CompletedProcess[str]:
    room = os.environ | {"LSSI_HOME": str(home), "OMP_NUM_THREADS": "1"}
    return subprocess.run(
        [sys.executable, "-m", "lssi", *words], cwd=ROOT, env=room, capture_output=True, text=True
    )


def test_replay_says_that_a_record_is_identical(home: Home) -> None:
    answer = run(home.path, "replay", home.record_id, "--json")
    said = json.loads(answer.stdout)
    assert (answer.returncode, answer.stderr, said["identical"], said["record_id"]) == (
        0,
        "",
        True,
        home.record_id,
    )
    lines = run(
        home.path, "replay", home.record_id, "--unit", home.record.cases[0].key
    ).stdout.splitlines()
    assert "identical to the bit" in lines[0] and lines[1].strip() == home.record.cases[0].key


def test_report_writes_one_page(home: Home, tmp_path: Path) -> None:
    answer = run(home.path, "report", home.record_id, "--out", str(tmp_path / "page.html"))
    assert (answer.returncode, answer.stdout, answer.stderr) == (
        0,
        f"{tmp_path / 'page.html'}\n",
        "",
    )
    page = (tmp_path / "page.html").read_text("utf-8")
    assert home.record_id in page and "由人决定" in page


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (
            ["replay", "9-0123456789"],
            "record_unknown",
            "is not in this ledger of 5 records; check the id",
        ),
        (["replay", "nonsense"], "record_unknown", "a record id should look like 17-3fa91c02be"),
        (
            ["report", "9-0123456789"],
            "record_unknown",
            "is not in this ledger of 5 records; check the id",
        ),
        (
            ["ledger", "verify", "--checkpoint", "README.md"],
            "ledger_unusable",
            "this is no checkpoint",
        ),
        (["ledger", "verify", "--checkpoint", "no-such-file"], "file_unusable", "no-such-file"),
    ],
)
def test_a_mistake_is_one_line(home: Home, words: list[str], code: str, said: str) -> None:
    answer = run(home.path, *words)
    assert (answer.returncode, answer.stdout) == (2, "")
    assert (
        answer.stderr.startswith(f"error: {code}: ")
        and said in answer.stderr
        and len(answer.stderr.splitlines()) == 1
    )


def test_a_home_without_a_ledger_is_one_line(tmp_path: Path) -> None:
    answer = run(tmp_path, "replay", "9-0123456789")
    assert (answer.returncode, len(answer.stderr.splitlines())) == (2, 1)
    assert "there is no ledger" in answer.stderr and not (tmp_path / "ledger.db").exists()


def test_the_ledger_agrees_with_its_checkpoint_until_it_is_changed(
    home: Home, tmp_path: Path
) -> None:
    kept = tmp_path / "checkpoint"
    kept.write_text(run(home.path, "ledger", "checkpoint").stdout, "utf-8")
    whole = run(home.path, "ledger", "verify", "--checkpoint", str(kept))
    assert whole.returncode == 0 and "everything agrees" in whole.stdout
    copy = tmp_path / "home"
    copy.mkdir()
    with (
        sqlite3.connect(home.path / "ledger.db") as source,
        sqlite3.connect(copy / "ledger.db") as target,
    ):
        source.backup(target)
        target.execute("UPDATE payloads SET payload = '{}' WHERE sequence = 2")
    source.close()
    target.close()
    changed = run(copy, "ledger", "verify", "--json")
    said = json.loads(changed.stdout)
    assert (changed.returncode, said["whole"]) == (1, False)
    assert [(fault["first"], fault["last"], fault["en"]) for fault in said["faults"]] == [
        (2, 2, "the payload was changed")
    ]


def test_what_has_expired_is_erased_and_the_ledger_still_agrees(home: Home) -> None:
    assert json.loads(run(home.path, "ledger", "expire").stdout) == {"expired": 5}
    verdict = run(home.path, "ledger", "verify")
    assert verdict.returncode == 0 and "5 已到期 expired" in verdict.stdout
    assert "is erased; its proof remains" in run(home.path, "replay", home.record_id).stderr
