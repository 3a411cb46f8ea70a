"""Planted leaks: a stranger's edit of catalogue, compiler, evaluator, loader or labels does not pass; the clean packages do."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.leaks import LEAKS, ROOT
from tests.sample import one_of_each_kind

Said = dict[str, dict[str, Any]]
SAMPLE = [
    LEAKS[place].en
    for place in one_of_each_kind([[(leak.stage, bool(leak.ways))] for leak in LEAKS])
]
"""A leak of each kind: seen in what is read or in what is loaded, or only by an extra way of the certificate."""
OTHERS = [leak.en for leak in LEAKS if leak.en not in SAMPLE]


@pytest.fixture(scope="module")
def said(tmp_path_factory: pytest.TempPathFactory) -> Said:
    """What the certificate says of the clean packages and of the sample."""
    return said_of(tmp_path_factory.mktemp("leaks") / "at", SAMPLE)


@pytest.fixture(scope="module")
def said_of_others(tmp_path_factory: pytest.TempPathFactory) -> Said:
    """What the certificate says of all other leaks."""
    return said_of(tmp_path_factory.mktemp("leaks") / "at", OTHERS)


def said_of(place: Path, names: list[str]) -> Said:
    """Return what the certificate says of the clean packages and of some leaks."""
    program = [sys.executable, "-W", "ignore", str(ROOT / "tests" / "leaks.py"), str(place)]
    done = subprocess.run([*program, *names], capture_output=True, text=True, check=True)
    return {one["name"]: one for one in map(json.loads, done.stdout.splitlines())}


def test_the_clean_packages_raise_no_alarm(said: Said) -> None:
    assert said["clean"]["verdict"] == "clean", said["clean"]


@pytest.mark.parametrize("name", SAMPLE)
def test_a_planted_leak_of_each_kind_is_caught(said: Said, name: str) -> None:
    assert said[name].get("verdict") == "leaking", said[name]


@pytest.mark.slow
@pytest.mark.parametrize("name", OTHERS)
def test_every_other_planted_leak_is_caught(said_of_others: Said, name: str) -> None:
    assert said_of_others[name].get("verdict") == "leaking", said_of_others[name]


def test_every_leak_is_one_edit_of_the_packages_as_they_stand() -> None:
    assert len(LEAKS) >= 60
    for leak in LEAKS:
        assert (ROOT / leak.file).read_text("utf-8").count(leak.old) == 1, leak.en


def test_every_leak_names_what_its_file_knows(tmp_path: Path) -> None:
    """A leak that ends in an error is caught by nobody's certificate, and shows nothing."""
    for number, leak in enumerate(LEAKS):
        text = (ROOT / leak.file).read_text("utf-8").replace(leak.old, leak.new)
        if leak.file.endswith(".py"):
            (tmp_path / f"leak_{number}.py").write_text(text, "utf-8")
    ruff = [sys.executable, "-m", "ruff", "check", "--isolated", "--no-cache", "--select", "F821"]
    done = subprocess.run([*ruff, str(tmp_path)], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout


def test_the_document_shows_what_leaks_moved() -> None:
    rows = [
        line.split(" | ")
        for line in Path(ROOT / "docs" / "certificate.md").read_text("utf-8").splitlines()
        if re.match(r"\| .* \| `(features|training)/", line)
    ]
    assert [row[1] for row in rows] == [
        leak.en for leak in LEAKS if leak.en in {row[1] for row in rows}
    ]
    assert len(rows) >= 29
    assert all(sum(map(int, row[3:7])) > 0 for row in rows)
