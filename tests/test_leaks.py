"""Planted leaks: a stranger's edit of catalogue, compiler, evaluator, loader or labels does not pass; the clean packages do."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.leaks import LEAKS, ROOT, SOME

TRIED = LEAKS[1::5]


@pytest.fixture(scope="module")
def said(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    """What the certificate says of the clean packages and of every fifth leak; `python tests/leaks.py FOLDER` tries all."""
    place = tmp_path_factory.mktemp("leaks") / "at"
    command = [sys.executable, "-W", "ignore", str(ROOT / "tests" / "leaks.py"), str(place), SOME]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return {one["name"]: one for one in map(json.loads, done.stdout.splitlines())}


def test_the_clean_packages_raise_no_alarm(said: dict[str, dict[str, Any]]) -> None:
    assert said["clean"]["verdict"] == "clean", said["clean"]


@pytest.mark.parametrize("name", [leak.en for leak in TRIED])
def test_a_planted_leak_is_caught(said: dict[str, dict[str, Any]], name: str) -> None:
    assert said[name].get("verdict") == "leaking", said[name]


def test_every_leak_is_one_edit_of_the_packages_as_they_stand() -> None:
    assert len(LEAKS) >= 60
    for leak in LEAKS:
        assert (ROOT / leak.file).read_text("utf-8").count(leak.old) == 1, leak.en


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
