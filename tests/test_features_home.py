"""One function reads LSSI_HOME, and an empty value means that none was given."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from features.home import home
from features.ingest.scan import files_below

ROOT = Path(__file__).parents[1]
READER = ROOT / "features" / "home.py"
SETTERS = {ROOT / "serving" / "settings.py", ROOT / "docs" / "demo.py"}


@pytest.mark.parametrize("given", [{}, {"LSSI_HOME": ""}])
def test_an_empty_home_is_the_home_that_was_not_given(given: dict[str, str]) -> None:
    assert home(given) == Path(".lssi").resolve()


def test_a_home_is_absolute() -> None:
    assert home({"LSSI_HOME": "a/b"}) == Path("a/b").resolve()


def test_no_other_module_reads_the_variable() -> None:
    packages = ("features", "models", "training", "serving", "simulation", "lssi")
    for path in [path for package in packages for path in files_below(ROOT / package, "*.py")]:
        if path not in {READER, *SETTERS}:
            assert 'environ.get("LSSI_HOME"' not in path.read_text("utf-8"), path.name
            assert 'environ["LSSI_HOME"' not in path.read_text("utf-8"), path.name


def test_a_command_with_an_empty_home_keeps_its_state_in_one_place(tmp_path: Path) -> None:
    code = "import lssi, features.store.current, features.ingest.source as s; print(lssi.program.home(), s.home())"
    room = os.environ | {"LSSI_HOME": "", "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", code]
    answer = subprocess.run(command, cwd=tmp_path, env=room, capture_output=True, text=True)
    assert answer.stdout.split() == [str(tmp_path / ".lssi")] * 2, answer.stderr
