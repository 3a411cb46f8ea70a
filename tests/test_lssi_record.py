"""An auditor's commands: what they print, with which code they leave, and one line for every mistake."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from lssi import administration
from lssi.clock import now
from lssi.operator import operator
from serving.ledger.act import Act, Seen, act_entry, act_of, subject_digest
from serving.ledger.ledger import Ledger
from serving.ledger.read import find, head
from serving.scoring.transcript import KEPT_DAYS
from tests.recorded import Home, home_of
from tests.said import Answer, Say


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """A home in which one score was recorded five times."""
    return home_of(tmp_path_factory)


Run = Callable[..., Answer]


@pytest.fixture
def run(say: Say, monkeypatch: pytest.MonkeyPatch) -> Run:
    """`run(home, *words)`: what a command says whose $LSSI_HOME is that home."""

    def answer(home: Path, *words: object) -> Answer:
        monkeypatch.setenv("LSSI_HOME", str(home))
        return say(*words)

    return answer


def test_replay_says_that_a_record_is_identical(home: Home, run: Run) -> None:
    answer = run(home.path, "replay", home.record_id, "--json")
    said = json.loads(answer.out)
    assert (answer.code, answer.err, said["identical"], said["record_id"]) == (
        0,
        "",
        True,
        home.record_id,
    )
    lines = run(
        home.path, "replay", home.record_id, "--unit", home.record.cases[0].key
    ).out.splitlines()
    assert "identical to the bit" in lines[0] and lines[1].strip() == home.record.cases[0].key


def test_report_writes_one_page(home: Home, tmp_path: Path, run: Run) -> None:
    answer = run(home.path, "report", home.record_id, "--out", str(tmp_path / "page.html"))
    assert (answer.code, answer.out, answer.err) == (
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
            "records; check the id",
        ),
        (["replay", "nonsense"], "record_unknown", "a record id should look like 17-3fa91c02be"),
        (
            ["report", "9-0123456789"],
            "record_unknown",
            "records; check the id",
        ),
        (
            ["ledger", "verify", "--checkpoint", "README.md"],
            "ledger_unusable",
            "this is no checkpoint",
        ),
        (["ledger", "verify", "--checkpoint", "no-such-file"], "file_unusable", "no-such-file"),
    ],
)
def test_a_mistake_is_one_line(
    home: Home, words: list[str], code: str, said: str, run: Run
) -> None:
    answer = run(home.path, *words)
    assert (answer.code, answer.out) == (2, "")
    assert (
        answer.err.startswith(f"error: {code}: ")
        and said in answer.err
        and len(answer.err.splitlines()) == 1
    )


def test_a_home_without_a_ledger_is_one_line(tmp_path: Path, run: Run) -> None:
    answer = run(tmp_path, "replay", "9-0123456789")
    assert (answer.code, len(answer.err.splitlines())) == (2, 1)
    assert "there is no ledger" in answer.err and not (tmp_path / "ledger.db").exists()


def test_the_ledger_agrees_with_its_checkpoint_until_it_is_changed(
    home: Home, tmp_path: Path, run: Run
) -> None:
    kept = tmp_path / "checkpoint"
    kept.write_text(run(home.path, "ledger", "checkpoint").out, "utf-8")
    whole = run(home.path, "ledger", "verify", "--checkpoint", str(kept))
    assert whole.code == 0 and "everything agrees" in whole.out
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
    said = json.loads(changed.out)
    assert (changed.code, said["whole"]) == (1, False)
    assert [(fault["first"], fault["last"], fault["en"]) for fault in said["faults"]] == [
        (2, 2, "the payload was changed")
    ]


@pytest.fixture(scope="module")
def unread_home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """A home whose records nobody has read; each test copies it."""
    return home_of(tmp_path_factory)


@pytest.fixture
def own_home(unread_home: Home, tmp_path: Path) -> Home:
    """A copy for one test alone."""
    return replace(unread_home, path=shutil.copytree(unread_home.path, tmp_path / "own"))


def readings(home: Home) -> list[tuple[str, dict[str, object]]]:
    """Return who read what, as the ledger of a home says, in order."""
    size = head(home.path / "ledger.db").size
    with closing(sqlite3.connect(home.path / "ledger.db")) as connection:
        payloads = connection.execute("SELECT payload FROM payloads ORDER BY sequence").fetchall()
    assert len(payloads) == size
    acts = [act_of(bytes(payload)) for (payload,) in payloads[5:]]
    assert {act.what for act in acts} <= {"record_read"}
    return [(act.who, dict(act.content)) for act in acts]


def test_a_command_that_shows_a_record_leaves_an_entry_of_who_read_it(
    own_home: Home, tmp_path: Path, run: Run
) -> None:
    page, number = str(tmp_path / "page"), own_home.record_id
    unit = own_home.record.cases[0].key
    commands = {
        ("replay", number): {"record": number},
        ("replay", "--sample", "2", "--seed", "7"): {"sample": 2, "seed": 7},
        ("report", number, "--out", page): {"record": number},
        ("notice", number, "--unit", unit, "--out", page): {"record": number},
        ("peers", number, "--unit", unit): {"record": number},
        ("ledger", "export", "--out", page): {"exported": 10, "content": "entries"},
        ("ledger", "export", "--payloads", "--out", page): {"exported": 11, "content": "payloads"},
    }
    for words in commands:
        answer = run(own_home.path, *words)
        assert (answer.code, answer.err) == (0, ""), words
    assert readings(own_home) == [(operator(None), reading) for reading in commands.values()]
    # what is not there is not read, and what shows no record leaves no entry
    assert run(own_home.path, "replay", "9-0123456789").code == 2
    assert run(own_home.path, "ledger", "verify").code == 0
    assert len(readings(own_home)) == len(commands)


@pytest.mark.parametrize("unwritable", ["held by another program", "no file to open"])
def test_a_ledger_that_can_only_be_read_is_read_and_says_that_no_entry_was_left(
    own_home: Home, tmp_path: Path, run: Run, unwritable: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    lock, words = own_home.path / "ledger.db.lock", ("replay", own_home.record_id)
    written = run(own_home.path, *words)
    monkeypatch.setattr(administration, "PATIENCE", 0.3)
    if unwritable == "no file to open":
        lock.unlink()
        lock.mkdir()
    with closing_lock(lock):
        answer = run(own_home.path, *words)
        page = run(own_home.path, "report", own_home.record_id, "--out", str(tmp_path / "page"))
        assert len(readings(own_home)) == 1
    assert (answer.code, answer.out) == (written.code, written.out) and page.code == 0
    for said in (answer, page):
        [line] = said.err.splitlines()
        assert line.startswith("没有留下读取记录。No entry of this reading could be left: ")


@contextmanager
def closing_lock(lock: Path) -> Iterator[None]:
    """Hold a lock as another program would; of a folder, its own."""
    descriptor = os.open(lock, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def test_an_expiry_asks_what_it_would_erase_and_whether_its_clock_is_right(
    own_home: Home, run: Run
) -> None:
    home = own_home
    wrong = run(home.path, "ledger", "expire", "--dry-run")
    assert wrong.code == 2 and "a clock may be wrong" in wrong.err
    before = run(home.path, "ledger", "verify").out
    act = Act("look", "tester", "k", subject_digest({"of": "today"}), {})
    with Ledger(home.path / "ledger.db") as ledger:
        entry = act_entry(act, Seen(16_616, 16_616, ""), moment=now(), kept_days=KEPT_DAYS)
        ledger.append(entry).result(10)
    said = json.loads(run(home.path, "ledger", "expire", "--dry-run").out)
    assert said == {"would_expire": 5, "jobs": 0, "unreadable_jobs": 0}
    assert run(home.path, "ledger", "verify").out != before  # the act, and nothing else
    assert "5 待删除 overdue" in run(home.path, "ledger", "verify").out


def test_no_payload_is_erased_whose_day_ends_after_the_checkpoint_given(
    home: Home, tmp_path: Path, run: Run
) -> None:
    lines = run(home.path, "ledger", "checkpoint").out.splitlines()
    kept = tmp_path / "checkpoint"
    kept.write_text("\n".join([*lines[:3], "2015-07-02T00:00:00+00:00"]), "utf-8")
    asked = ("ledger", "expire", "--checkpoint", str(kept), "--dry-run")
    assert json.loads(run(home.path, *asked).out) == {
        "would_expire": 0,
        "jobs": 0,
        "unreadable_jobs": 0,
    }
    kept.write_text("\n".join([*lines[:2], "A" * 43 + "=", lines[3]]), "utf-8")
    refused = run(home.path, *asked)
    assert refused.code == 2 and "was rewritten" in refused.err


def test_what_has_expired_is_erased_by_somebody_and_the_ledger_still_agrees(
    own_home: Home, run: Run
) -> None:
    home = own_home
    run(home.path, "replay", home.record_id)
    said = json.loads(run(home.path, "ledger", "expire", "--who", "王芳").out)
    assert said["expired"] == 5
    act = act_of(find(home.path / "ledger.db", said["record_id"]).payload or b"")
    assert (act.what, act.who, act.content["expired"]) == ("expire", "王芳", 5)
    verdict = run(home.path, "ledger", "verify")
    assert verdict.code == 0 and "5 已到期 expired" in verdict.out
    assert "is erased; its proof remains" in run(home.path, "replay", home.record_id).err
    nothing = json.loads(run(home.path, "ledger", "expire").out)
    assert nothing == {
        "expired": 0,
        "jobs": 0,
        "unreadable_jobs": 0,
        "record_id": None,
    }
