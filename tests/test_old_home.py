"""A home that an earlier version left is opened by this one: models, registry, journal, ledger and its records.

`fixtures/home_before_12.tar.xz` is such a home; `fixtures/home_before_12.py` says how it was made. Whatever changes,
these laws stay: what was recorded is read and replayed, or refused in one line, and nothing of it is lost.
"""

from __future__ import annotations

import json
import shutil
import sqlite3
import subprocess
import sys
import tarfile
import warnings
from collections.abc import Callable
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path

import pytest

from features.errors import TargetError
from features.ingest.scan import files_below, files_in
from features.store.opening import open_store
from models.bundle.bundle import load_bundle
from models.bundle.champions import ModelKey
from tests.said import Answer, Say
from tests.sample import slow
from tests.unpacking import unpack
from training.loader import Loaded
from training.models.registry import champion, client, digest_of_version, registered_key, runs

ROOT = Path(__file__).parents[1]
ARCHIVE = ROOT / "tests" / "fixtures" / "home_before_12.tar.xz"
TARGET = "undeclared_workers"
HILL, TOWN = ModelKey("hill-side", TARGET), ModelKey("old_town", TARGET)
CLAIM = ModelKey("hill-side", "fraudulent_claim")
REBUILT = {"raw", "probability", "expected", "base", "contributions", "reasons"}


@dataclass(frozen=True)
class Old:
    """The unpacked archive: its home, the folders of its sources, the numbers of its records by what they hold."""

    home: Path
    sources: Path
    records: dict[str, str]


def unpacked(folder: Path) -> Old:
    """Return the old home, unpacked into a folder."""
    with tarfile.open(ARCHIVE) as archive:
        unpack(archive, folder)
    return Old(
        folder / "home",
        folder / "sources",
        json.loads((folder / "records.json").read_text("utf-8")),
    )


@pytest.fixture(scope="module")
def once(tmp_path_factory: pytest.TempPathFactory) -> Old:
    """The old home, unpacked once for all tests that leave its records as they are."""
    return unpacked(tmp_path_factory.mktemp("old"))


@pytest.fixture
def old(once: Old, monkeypatch: pytest.MonkeyPatch) -> Old:
    """The old home, which is $LSSI_HOME of the test too."""
    monkeypatch.setenv("LSSI_HOME", str(once.home))
    return once


def printed(answer: Answer) -> str:
    """Return what a command printed, once it has succeeded."""
    assert answer.code == 0, answer.err[-2000:]
    return answer.out


def test_the_ledger_of_an_old_home_is_whole(old: Old, say: Say) -> None:
    verdict = json.loads(printed(say("ledger", "verify", "--json")))
    assert verdict["whole"] and verdict["faults"] == []


@pytest.mark.parametrize("kind", ["enterprises", slow("claims"), slow("history")])
def test_an_old_score_replays_from_its_recorded_vector(old: Old, kind: str, say: Say) -> None:
    replayed = json.loads(say("replay", old.records[kind], "--json").out)
    assert replayed["kind"] == "score" and replayed["units"]
    for unit in replayed["units"]:
        states = {field["field"]: field["state"] for field in unit["fields"]}
        assert {field: states[field] for field in REBUILT} == dict.fromkeys(REBUILT, "identical")


def test_an_old_batch_replays_row_by_row_and_its_rows_verify(old: Old, say: Say) -> None:
    whole = json.loads(printed(say("replay", old.records["batch"], "--json")))
    assert whole["kind"] == "batch" and whole["identical"]
    one = json.loads(say("replay", old.records["batch"], "--unit", "e007", "--json").out)
    assert [unit["id"] for unit in one["units"]] == ["e007"]


@pytest.mark.parametrize("kind", ["enterprises", slow("claims"), slow("history")])
def test_an_old_record_is_reported(old: Old, kind: str, tmp_path: Path, say: Say) -> None:
    page = tmp_path / "page.html"
    printed(say("report", old.records[kind], "--out", str(page)))
    assert old.records[kind] in page.read_text("utf-8")


def test_a_row_of_an_old_batch_is_reported_with_its_proof(
    old: Old, tmp_path: Path, say: Say
) -> None:
    page = tmp_path / "page.html"
    printed(say("report", old.records["batch"], "--unit", "e007", "--out", str(page)))
    assert old.records["batch"] in page.read_text("utf-8")


def test_an_old_payload_that_expired_is_told_in_one_line(old: Old, say: Say) -> None:
    answer = say("replay", old.records["expired"])
    assert (answer.code, len(answer.err.splitlines())) == (2, 1)
    assert "is erased; its proof remains" in answer.err


def test_the_bundles_of_an_old_home_load(old: Old) -> None:
    bundles = [
        path
        for path in sorted((old.home / "bundles").iterdir())
        if path.is_dir() and (path / "bundle.json").exists()
    ]
    targets = [load_bundle(path).target for path in bundles]
    assert targets == ["fraudulent_claim", TARGET, TARGET, TARGET]


def test_the_models_that_mlflow_keeps_name_a_loader_that_still_opens_them(old: Old) -> None:
    logged = [path.parent for path in files_below(old.home / "mlflow", "MLmodel")]
    assert len(logged) == 4
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from mlflow import pyfunc

        models = [pyfunc.load_model(str(folder))._model_impl for folder in logged]
    assert all(isinstance(model, Loaded) for model in models)


def test_the_journal_of_an_old_home_is_read_beside_its_source(old: Old) -> None:
    store = open_store(old.sources / "hill-side")
    assert store.has("plans") and store.has("draws")
    drawn = store.sql("SELECT count(*) AS n FROM draws WHERE sign = 1")["n"][0].as_py()
    assert drawn == 90


def test_the_keys_of_an_old_home_are_held(old: Old, say: Say) -> None:
    assert printed(say("key", "remove", "inspectorate")) == ""
    assert files_in(old.home, "keys.json")


@pytest.fixture
def apart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Old:
    """The old home, unpacked for one test that changes it."""
    found = unpacked(tmp_path)
    monkeypatch.setenv("LSSI_HOME", str(found.home))
    return found


def versions(home: Path) -> dict[str, list[object]]:
    """Return the registered versions by source and target: their numbers, the latest first, and the champion."""
    return {
        f"{key.source} {key.target}": [
            *(run["version"] for run in runs(home, key)),
            champion(home, key),
        ]
        for key in (HILL, TOWN, CLAIM)
    }


MOVED = {
    f"hill-side {TARGET}": [2, 1, 2],
    f"old_town {TARGET}": [3, None],
    "hill-side fraudulent_claim": [1, 1],
}


def test_the_registry_of_an_old_home_gives_each_source_its_versions_and_champion(
    apart: Old, caplog: pytest.LogCaptureFixture
) -> None:
    assert versions(apart.home) == MOVED
    [line] = [record.getMessage() for record in caplog.records if record.name == "lssi"]
    assert line == (
        "registered models are now named by source and target: "
        "version 1 of lssi-fraudulent_claim is 1 of lssi-hill-side-fraudulent_claim; "
        f"version 1 of lssi-{TARGET} is 1 of lssi-hill-side-{TARGET}; "
        f"version 2 of lssi-{TARGET} is 2 of lssi-hill-side-{TARGET}; "
        f"version 3 of lssi-{TARGET} is 3 of lssi-old_town-{TARGET}"
    )
    with client(apart.home) as registry:
        names = sorted(model.name for model in registry.search_registered_models())
    assert names == sorted(key.registered for key in (HILL, TOWN, CLAIM))
    assert [digest_of_version(apart.home, key, 1)[:12] for key in (HILL, CLAIM)] == [
        "26160a777b83",
        "5a619ac9c2c4",
    ]
    assert {run["source"] for key in (HILL, CLAIM) for run in runs(apart.home, key)} == {
        "hill-side"
    }
    with pytest.raises(
        TargetError, match="for 2 sources; name one with --source: hill-side, old_town"
    ):
        registered_key(apart.home, TARGET, None)


class Killed(Exception):
    """A run ends here."""


def killed_after(points: int) -> Callable[[str], None]:
    """Return a `reached` that ends the run at its last point but so many."""
    left = iter(range(points))

    def reached(_point: str) -> None:
        if next(left, None) is None:
            raise Killed

    return reached


def test_a_move_of_the_registry_that_was_killed_anywhere_is_carried_on(
    apart: Old, monkeypatch: pytest.MonkeyPatch
) -> None:
    kills = 0
    for points in range(20):
        home = apart.home.parent / f"killed-{points}"
        shutil.copytree(
            apart.home, home, ignore=shutil.ignore_patterns("stores", "bundles", "mlflow")
        )
        with monkeypatch.context() as patch, suppress(Killed):
            patch.setattr("training.models.old_registry.reached", killed_after(points))
            champion(home, HILL)
            break
        kills += 1
        assert versions(home) == MOVED, points
    assert kills == 6


def test_a_version_whose_run_names_no_source_stays_where_it_is(
    apart: Old, caplog: pytest.LogCaptureFixture
) -> None:
    with closing(sqlite3.connect(apart.home / "mlflow.db")) as database, database:
        database.execute("DELETE FROM tags WHERE key = 'source' AND value = 'old_town'")
        database.execute(
            "DELETE FROM tags WHERE key = 'source' AND run_uuid IN "
            "(SELECT run_id FROM model_versions WHERE name = 'lssi-fraudulent_claim')"
        )
    assert champion(apart.home, HILL) == 2 and champion(apart.home, CLAIM) is None
    assert (
        caplog.records[0]
        .getMessage()
        .endswith(f"version 3 of lssi-{TARGET} stays: its run has no tag `source`")
    )
    assert len(caplog.records) == 1
    with client(apart.home) as registry:
        kept = {
            made.name: int(made.version)
            for made in registry.search_model_versions()
            if made.name.count("-") == 1
        }
    assert kept == {f"lssi-{TARGET}": 3, "lssi-fraudulent_claim": 1}
    with pytest.raises(
        TargetError,
        match="lssi-fraudulent_claim do not say on which source they were trained; give each",
    ):
        registered_key(apart.home, "fraudulent_claim", None)


@pytest.mark.slow
def test_an_old_version_is_promoted_for_its_source_and_answers_for_no_other(
    apart: Old, say: Say
) -> None:
    town, hill = str(apart.sources / "old_town"), str(apart.sources / "hill-side")
    week = ["--week", "2015-07-01", "--minutes", "300", "--json"]
    # the line is a warning of the log, which only a process of its own writes on standard error
    words = [sys.executable, "-m", "lssi", "plan", hill, *week]
    first = subprocess.run(words, capture_output=True, text=True, check=True)
    assert json.loads(first.stdout)["model"]["target"] == TARGET
    assert first.stderr == (
        "models in use are now named by source and target: fraudulent_claim.json -> "
        f"hill-side.fraudulent_claim.json, {TARGET}.json -> hill-side.{TARGET}.json\n"
    )
    refused = say("plan", town, *week)
    assert (
        refused.code == 2
        and "is promoted for source 'old_town' (it is for hill-side)" in refused.err
    )
    several = say("promote", TARGET, "3")
    assert several.code == 2 and "name one with --source: hill-side, old_town" in several.err
    printed(say("promote", TARGET, "3", "--source", "old_town"))
    printed(say("promote", TARGET, "1", "--source", "hill-side"))
    other = say("plan", shutil.copytree(hill, apart.sources / "copy"), *week)
    assert (
        other.code == 2
        and f"is held by {hill}, and {apart.sources / 'copy'} claims it too" in other.err
    )
    digests = [
        json.loads(printed(say("plan", source, *week, "--preview")))["model"]["digest"][:12]
        for source in (town, hill)
    ]
    assert digests == ["99e762df57a5", "26160a777b83"]
