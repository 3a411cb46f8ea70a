"""A home that an earlier version left is opened by this one: models, registry, journal, ledger and its records.

`fixtures/home_before_12.tar.xz` is such a home; `fixtures/home_before_12.py` says how it was made. Whatever changes,
these laws stay: what was recorded is read and replayed, or refused in one line, and nothing of it is lost.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tarfile
import warnings
from dataclasses import dataclass
from pathlib import Path

import pytest

from features.ingest.scan import files_below, files_in
from features.store import open_store
from models.bundle import load_bundle
from training.loader import Loaded

ROOT = Path(__file__).parents[1]
ARCHIVE = ROOT / "tests" / "fixtures" / "home_before_12.tar.xz"
TARGET = "undeclared_workers"
REBUILT = {"raw", "probability", "expected", "base", "contributions", "reasons"}


@dataclass(frozen=True)
class Old:
    """The unpacked archive: its home, the folders of its sources, the numbers of its records by what they hold."""

    home: Path
    sources: Path
    records: dict[str, str]

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Run a command of this version on the old home."""
        room = os.environ | {"LSSI_HOME": str(self.home), "OMP_NUM_THREADS": "1"}
        return subprocess.run([sys.executable, "-m", "lssi", *words], cwd=ROOT, env=room, capture_output=True, text=True)


def unpacked(folder: Path) -> Old:
    """Return the old home, unpacked into a folder."""
    with tarfile.open(ARCHIVE) as archive:
        archive.extractall(folder, filter="data")
    return Old(folder / "home", folder / "sources", json.loads((folder / "records.json").read_text("utf-8")))


@pytest.fixture(scope="module")
def once(tmp_path_factory: pytest.TempPathFactory) -> Old:
    """The old home, unpacked once for all tests that leave its records as they are."""
    return unpacked(tmp_path_factory.mktemp("old"))


@pytest.fixture
def old(once: Old, monkeypatch: pytest.MonkeyPatch) -> Old:
    """The old home, which is $LSSI_HOME of the test too."""
    monkeypatch.setenv("LSSI_HOME", str(once.home))
    return once


def said(answer: subprocess.CompletedProcess[str]) -> str:
    """Return what a command printed, once it has succeeded."""
    assert answer.returncode == 0, answer.stderr[-2000:]
    return answer.stdout


def test_the_ledger_of_an_old_home_is_whole(old: Old) -> None:
    verdict = json.loads(said(old.run("ledger", "verify", "--json")))
    assert verdict["whole"] and verdict["faults"] == []


@pytest.mark.parametrize("kind", ["enterprises", "claims", "history"])
def test_an_old_score_replays_from_its_recorded_vector(old: Old, kind: str) -> None:
    replayed = json.loads(old.run("replay", old.records[kind], "--json").stdout)
    assert replayed["kind"] == "score" and replayed["units"]
    for unit in replayed["units"]:
        states = {field["field"]: field["state"] for field in unit["fields"]}
        assert {field: states[field] for field in REBUILT} == dict.fromkeys(REBUILT, "identical")


def test_an_old_batch_replays_row_by_row_and_its_rows_verify(old: Old) -> None:
    whole = json.loads(said(old.run("replay", old.records["batch"], "--json")))
    assert whole["kind"] == "batch" and whole["identical"]
    one = json.loads(old.run("replay", old.records["batch"], "--unit", "e007", "--json").stdout)
    assert [unit["id"] for unit in one["units"]] == ["e007"]


@pytest.mark.parametrize("kind", ["enterprises", "claims", "history"])
def test_an_old_record_is_reported(old: Old, kind: str, tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    said(old.run("report", old.records[kind], "--out", str(page)))
    assert old.records[kind] in page.read_text("utf-8")


def test_a_row_of_an_old_batch_is_reported_with_its_proof(old: Old, tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    said(old.run("report", old.records["batch"], "--unit", "e007", "--out", str(page)))
    assert old.records["batch"] in page.read_text("utf-8")


def test_an_old_payload_that_expired_is_told_in_one_line(old: Old) -> None:
    answer = old.run("replay", old.records["expired"])
    assert (answer.returncode, len(answer.stderr.splitlines())) == (2, 1)
    assert "is erased; its proof remains" in answer.stderr


def test_the_bundles_of_an_old_home_load(old: Old) -> None:
    bundles = [path for path in sorted((old.home / "bundles").iterdir()) if path.is_dir() and (path / "bundle.json").exists()]
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


def test_the_keys_of_an_old_home_are_held(old: Old) -> None:
    assert said(old.run("key", "remove", "inspectorate")) == ""
    assert files_in(old.home, "keys.json")
