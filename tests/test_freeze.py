"""What comes out stays what it was while code is moved and renamed; `tests/freeze.py` says what, and how to keep it anew."""

from __future__ import annotations

import importlib
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from features.ingest.scan import files_below
from tests import freeze
from tests.sample import slow

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of all parts: the city is written and loaded once."""
    return tmp_path_factory.mktemp("freeze")


SLOW = ("serving", "training", "core_platform")
"""Parts that take long: `make test-slow` compares them."""


@pytest.mark.parametrize("part", [slow(part) if part in SLOW else part for part in freeze.PARTS])
def test_what_comes_out_is_what_was_kept(
    place: Path, request: pytest.FixtureRequest, part: str
) -> None:
    data = request.getfixturevalue("shared_data") if part == "chicago" else None
    said = freeze.PARTS[part](freeze.Room(place, data))
    assert freeze.differences(freeze.frozen()[part], said) == []


def test_every_part_is_kept_and_says_much() -> None:
    kept = freeze.frozen()
    assert set(kept) == set(freeze.PARTS)
    assert {part: len(digests) for part, digests in kept.items() if len(digests) < 40} == {}


def test_every_renamed_key_was_kept_and_stands_in_the_changelog() -> None:
    before = json.loads(freeze.FROZEN.read_text("utf-8"))
    keys = {key for digests in before.values() for key in digests}
    told = (ROOT / "CHANGELOG.md").read_text("utf-8").splitlines()
    for name, line in zip(
        sorted(freeze.renames()), freeze.lines_of_renames(freeze.renames()), strict=True
    ):
        assert any(f"{key}/".startswith(f"{name}/") for key in keys), (
            f"{name} is no key that was kept"
        )
        assert line in told, f"CHANGELOG.md lacks: {line}"


def test_a_renamed_key_is_the_same_key() -> None:
    kept = {"plan/cells/minutes": "a", "plan/cells_left": "b"}
    table = {"plan/cells": "plan/lists"}
    moved = {freeze.renamed(key, table): value for key, value in kept.items()}
    assert freeze.differences(moved, {"plan/lists/minutes": "a", "plan/cells_left": "b"}) == []
    assert freeze.differences(moved, kept) == [
        "gone: plan/lists/minutes",
        "new: plan/cells/minutes",
    ]


def test_a_changed_value_is_named() -> None:
    before = freeze.of_plain(
        "plan", {"cells": [{"cell": "a", "minutes": 1}, {"cell": "b", "minutes": 2}], "week": None}
    )
    after = freeze.of_plain(
        "plan", {"cells": [{"cell": "a", "minutes": 1}, {"cell": "b", "minutes": 3}], "week": None}
    )
    assert freeze.differences(before, after) == ["changed: plan/cells/minutes"]
    assert set(before) == {"plan/cells/cell", "plan/cells/minutes", "plan/week"}


@pytest.mark.parametrize(
    ("one", "other"), [(0.1 + 0.2, 0.3), (1.0, 1), ([1.5, None], [1.5, 0.0]), ("1", 1), (0.0, -0.0)]
)
def test_values_that_differ_have_other_digests(one: object, other: object) -> None:
    assert freeze.digest(one) != freeze.digest(other)


def test_a_last_bit_of_what_is_trained_is_no_change() -> None:
    assert freeze.rounded({"auc": [0.1 + 0.2]}) == freeze.rounded({"auc": [0.3]}) == {"auc": [0.3]}
    assert freeze.rounded([0.30000001]) != [0.3]


def test_registered_models_find_their_loader_by_the_name_that_they_keep() -> None:
    """A registered model names the module that opens it, so that module keeps its name wherever its code goes."""
    loader = importlib.import_module("training.loader")
    assert callable(loader._load_pyfunc)
    texts = [path.read_text("utf-8") for path in files_below(ROOT / "training", "*.py")]
    named = [text for text in texts if 'loader_module="training.loader"' in text]
    assert len(named) == 1, "what is registered from now on names another loader"


OTHERWISE = {
    "TZ": "Asia/Shanghai",
    "PYTHONHASHSEED": "7",
    "OMP_NUM_THREADS": "3",
    "NUMBA_NUM_THREADS": "1",
    "POLARS_MAX_THREADS": "3",
    "NPY_DISABLE_CPU_FEATURES": "X86_V3",
    "OPENBLAS_CORETYPE": "Prescott",
    "NUMBA_CPU_NAME": "x86-64",
    "NUMBA_CPU_FEATURES": "",
    "GLIBC_TUNABLES": "glibc.cpu.hwcaps=-AVX,-AVX2,-FMA",
}
"""Another zone, order of sets and number of threads, and an x86-64 processor of 2003 as far as libraries let one say it."""


@pytest.mark.slow
@pytest.mark.parametrize("part", ["city", "statements", "training"])
def test_another_processor_zone_and_number_of_threads_change_nothing(part: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.freeze", "--part", part],
        cwd=ROOT,
        env=os.environ | OTHERWISE,
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stdout) == (0, "nothing changed\n"), (
        done.stdout[-3000:] + done.stderr[-2000:]
    )
