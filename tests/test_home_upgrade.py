"""`lssi upgrade`: a home of an earlier version gets today's form, whole or not at all, and what it recorded still replays."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections import namedtuple
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

from features.errors import HomeError, LedgerError
from features.home_form import HOME_FORM, NOTE, UPGRADE_NOTE, home_alone, sharing_home
from features.ingest.scan import files_below
from lssi.home_upgrade.home_plan import open_to_others
from lssi.home_upgrade.upgrade import planned_upgrade, upgrade
from models.bundle.folder import read_folder, write_folder
from serving.gate.key_register import VERSION, read
from serving.ledger import head as ledger_head
from serving.ledger.entries import Entry
from serving.ledger.ledger import Ledger
from tests.said import Say
from tests.sample import slow
from tests.test_ledger_ledger import entry
from tests.test_lssi_paths import digest
from tests.test_old_home import Old, printed, unpacked

LOCKS = (".lock", "-wal", "-shm")


@pytest.fixture
def old(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Old:
    """The home of an earlier version, which is $LSSI_HOME of the test too."""
    home = unpacked(tmp_path)
    monkeypatch.setenv("LSSI_HOME", str(home.home))
    return home


@pytest.fixture
def light(old: Old) -> Path:
    """The same home without registry and stores: MLflow takes seconds to move a name."""
    (old.home / "mlflow.db").unlink()
    shutil.rmtree(old.home / "stores")
    return old.home


def contents(home: Path, leaving_out: Sequence[str] = ()) -> dict[str, str]:
    """Return a digest of each file of a home by its place; locks and the ledger's log are left out."""
    files = {str(path.relative_to(home)): digest(path) for path in files_below(home)}
    return {
        name: value
        for name, value in files.items()
        if not name.endswith(LOCKS) and not name.startswith(tuple(leaving_out))
    }


def unrecorded(_form: int, _parts: Sequence[str]) -> None:
    """Write nothing into the ledger."""


class Killed(BaseException):
    """A process ends here."""


@contextmanager
def killed_after(points: int) -> Iterator[list[str]]:
    """End what runs within at its write point of this number; yield the points that it passed."""
    passed: list[str] = []

    def reached(point: str) -> None:
        passed.append(point)
        if len(passed) > points:
            raise Killed

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("features.files.reached", reached)
        yield passed


def test_a_dry_run_names_each_file_and_changes_none(old: Old, say: Say) -> None:
    before, modes = contents(old.home), open_to_others(old.home)
    planned = say("upgrade", "--dry-run", "--json").json
    assert contents(old.home) == before
    assert {*open_to_others(old.home)} == {*modes}
    parts = {part["part"]: part["files"] for part in planned["parts"]}
    assert list(parts) == ["pointers", "registry", "keys", "generations"]
    assert (
        parts["pointers"]["bundles/undeclared_workers.json"]
        == "-> hill-side.undeclared_workers.json"
    )
    assert (planned["form"], planned["to"]) == (0, HOME_FORM)
    assert planned["open_to_others"] == len(modes) > 100
    assert "keys.json: 1 -> 2" in printed(say("upgrade", "--dry-run"))


@pytest.mark.slow
def test_an_upgraded_home_verifies_replays_and_has_nothing_left_to_change(
    old: Old, say: Say
) -> None:
    done = say("upgrade", "--json", "--who", "Li").json
    assert [part["part"] for part in done["parts"]] == [
        "pointers",
        "registry",
        "keys",
        "generations",
    ]
    assert open_to_others(old.home) == []
    assert say("upgrade", "--dry-run", "--json").json["changes_nothing"]
    assert "已是现行格式" in printed(say("upgrade"))
    assert (old.home / done["backup"] / "mlflow.db").is_file()
    assert read(old.home / "keys.json").version == VERSION
    assert say("ledger", "verify", "--json").json["whole"]
    [act] = say("ledger", "find", "--caller", "Li", "--json").json["records"]
    assert act["about"] == "home_upgraded"
    for kind in ("enterprises", "claims", "history"):
        fields = say("replay", old.records[kind], "--json").json["units"][0]["fields"]
        states = {field["field"]: field["state"] for field in fields}
        assert states["raw"] == states["probability"] == states["contributions"] == "identical"
    assert say("replay", old.records["batch"], "--json").json["identical"]


def test_an_upgrade_that_was_killed_anywhere_is_ended_by_the_next_one(
    light: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, say: Say
) -> None:
    whole = shutil.copytree(light, tmp_path / "whole")
    assert upgrade(whole, unrecorded) is not None
    aim = contents(whole)
    assert NOTE in aim and UPGRADE_NOTE not in aim
    with killed_after(1_000) as points:
        upgrade(shutil.copytree(light, tmp_path / "points"), unrecorded)
    assert len(points) > 20
    refused = 0
    for number in range(len(points)):
        home = shutil.copytree(light, tmp_path / f"killed-{number}")
        with killed_after(number), pytest.raises(Killed):
            upgrade(home, unrecorded)
        monkeypatch.setenv("LSSI_HOME", str(home))
        if (home / UPGRADE_NOTE).exists():
            refused += 1
            answer = say("contract")
            assert answer.code == 2 and "run `lssi upgrade` to end it" in answer.line
            assert planned_upgrade(home).is_stopped
        else:
            # nothing was changed yet, or all of it
            made = contents(home, leaving_out=["backups", ".unfinished"])
            assert made in (contents(light), contents(whole, leaving_out=["backups"]))
        upgrade(home, unrecorded)
        ended = contents(home, leaving_out=[".unfinished"])
        assert ended == aim, points[number]
        shutil.rmtree(home)
    assert refused > 10


@pytest.mark.parametrize("kept", ["light", slow("whole")])
def test_an_upgrade_that_fails_leaves_the_home_as_it_was(
    kept: str, request: pytest.FixtureRequest, old: Old
) -> None:
    if kept == "light":
        request.getfixturevalue("light")
    before = contents(old.home, leaving_out=["mlflow.db"])

    def unwritable(_form: int, _parts: Sequence[str]) -> None:
        raise LedgerError("no room")

    names = planned_upgrade(old.home).parts
    with pytest.raises(LedgerError, match="no room"):
        upgrade(old.home, unwritable)
    assert contents(old.home, leaving_out=["mlflow.db"]) == before
    # this process holds the registry open as it was before it was put back, so another one looks
    look = "import sys; from pathlib import Path; from lssi.home_upgrade.upgrade import planned_upgrade; "
    look += "print(*planned_upgrade(Path(sys.argv[1])).parts)"
    again = subprocess.run(
        [sys.executable, "-c", look, str(old.home)], capture_output=True, text=True, check=True
    )
    assert again.stdout.split() == list(names)


def newer_note(home: Path) -> None:
    (home / NOTE).write_text(json.dumps({"form": HOME_FORM + 1}), "utf-8")


def damaged_note(home: Path) -> None:
    (home / NOTE).write_text("{", "utf-8")


def newer_entry(home: Path) -> None:
    def leaf_of_later(given: Entry, salt: bytes) -> bytes:
        content = json.loads(written(given, salt))
        return json.dumps(content | {"version": 2}).encode()

    written = ledger_head.leaf_of
    with pytest.MonkeyPatch.context() as patch, Ledger(home / "ledger.db") as ledger:
        patch.setattr(ledger_head, "leaf_of", leaf_of_later)
        ledger.append(entry()).result(10)


def newer_keys(home: Path) -> None:
    (home / "keys.json").write_text('{"version": 3, "keys": []}', "utf-8")


def open_keys(home: Path) -> None:
    (home / "keys.json").chmod(0o644)


def newer_bundle(home: Path) -> None:
    [manifest, *_] = files_below(home / "bundles", "bundle.json")
    files = read_folder(manifest.parent)
    content = json.loads(files["bundle.json"]) | {"format": 99}
    files["bundle.json"] = json.dumps(content).encode()
    write_folder(home / "bundles" / "later", files)


def no_home(home: Path) -> None:
    shutil.rmtree(home)


REFUSALS = {
    newer_note: "is of form 2, which a newer version wrote",
    damaged_note: "does not say of which form this home is",
    newer_entry: "an entry of the ledger is of form 2, which a newer version wrote",
    newer_keys: "of a later version",
    open_keys: "run `chmod 600 keys.json`",
    newer_bundle: "bundle.json is wrong at format",
    no_home: "there is no home at",
}


@pytest.mark.parametrize("spoil", REFUSALS)
def test_an_upgrade_is_refused_in_one_line_and_changes_nothing(
    light: Path, spoil: Callable[[Path], None], say: Say
) -> None:
    spoil(light)
    before = contents(light)
    answer = say("upgrade")
    assert contents(light) == before
    assert answer.code == 2 and REFUSALS[spoil] in answer.line


def test_every_command_refuses_the_home_of_a_newer_version(light: Path, say: Say) -> None:
    newer_note(light)
    for words in (["contract"], ["ledger", "verify"], ["key", "list"], ["upgrade", "--dry-run"]):
        assert "use the newer version, or another home" in say(*words).line


def test_an_upgrade_waits_for_no_one_who_uses_the_home(light: Path) -> None:
    before = contents(light)
    with sharing_home(light), pytest.raises(HomeError, match="in use by another command"):
        upgrade(light, unrecorded)
    # a process of an earlier version shares no lock, but has the ledger open
    program = f"import time; file = open({str(light / 'ledger.db')!r}); print(1, flush=True); time.sleep(60)"
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        try:
            with pytest.raises(HomeError, match=f"in use by process {process.pid};"):
                upgrade(light, unrecorded)
        finally:
            process.kill()
    assert contents(light) == before


def test_an_upgrade_without_room_changes_nothing(
    light: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr("shutil.disk_usage", lambda _place: usage(10, 9, 1))
    before = contents(light)
    with pytest.raises(HomeError, match="make room, nothing was changed"):
        upgrade(light, unrecorded)
    assert contents(light) == before


def test_a_command_is_refused_while_an_upgrade_has_the_home(light: Path, say: Say) -> None:
    with home_alone(light):
        assert "is being upgraded" in say("contract").line
    assert say("contract", "--json").code == 0
