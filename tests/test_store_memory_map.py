"""Mapped files: what they hold stays good when its memory is given back."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from features.store.memory_map import Mapped


def resident(path: Path) -> int:
    """Return how many kB of a mapped file lie in this process's memory."""
    found, here = 0, False
    for line in Path("/proc/self/smaps").read_text("utf-8").splitlines():
        if "-" in line.split(" ")[0]:
            here = line.endswith(str(path))
        elif here and line.startswith("Rss:"):
            found += int(line.split()[1])
    return found


def test_what_is_given_back_is_read_again(tmp_path: Path) -> None:
    values = np.arange(1_000_000)
    values.tofile(tmp_path / "x")
    held = Mapped(tmp_path / "x", np.dtype(np.int64))
    assert int(held.values.sum()) == int(values.sum())
    assert resident(tmp_path / "x") > 7_000
    held.give_back()
    assert resident(tmp_path / "x") < 1_000
    np.testing.assert_array_equal(held.values, values)


def test_an_empty_file_holds_nothing(tmp_path: Path) -> None:
    (tmp_path / "x").touch()
    held = Mapped(tmp_path / "x", np.dtype(np.int32))
    held.give_back()
    assert held.values.tolist() == []
