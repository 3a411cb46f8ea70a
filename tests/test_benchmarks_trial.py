"""Laws of the trial: what was answered is not asked again, other arguments are, and an hour finds what is true."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from benchmarks.trial import HALTED, WRONGLY, Kept, arguments
from benchmarks.trial_city import hourly
from features.matrix import Matrix


def test_a_trial_that_was_stopped_goes_on_with_what_was_answered(tmp_path: Path) -> None:
    asked: list[int] = []

    def made() -> int:
        asked.append(1)
        return len(asked)

    kept = Kept(tmp_path / "trial")
    assert kept.answer("seed-1", {"labels": 5}, made) == 1
    assert Kept(tmp_path / "trial").answer("seed-1", {"labels": 5}, made) == 1
    # another question has another answer, in the place of the first
    assert kept.answer("seed-1", {"labels": 6}, made) == 2
    assert kept.answer("seed-2", {"labels": 6}, made) == 3 == len(asked)


def test_the_trial_is_that_of_the_figures_asked_unless_it_is_made_smaller() -> None:
    whole = arguments([])
    assert (whole.redraws, whole.seeds, whole.enterprises, whole.labels) == (
        2_000,
        10,
        50_000,
        7_500,
    )
    assert (HALTED, WRONGLY) == (0.9, 0.05)
    assert arguments(["--seeds", "2", "--only", "cities"]).seeds == 2


def test_an_hour_finds_the_truth_of_the_firms_that_fill_the_minutes() -> None:
    # visits of 4 and 32 hours; a tenth of 20 firms has the minutes of two mean visits, 36 hours
    staff = np.array([5.0, 1_000.0] * 10)
    keys = np.array([f"e{place:02d}" for place in range(20)])
    living = Matrix(
        "enterprise", keys, np.full(20, 16_436, np.int32), ("staff",), staff[:, None], {}
    )
    truth = np.where(staff > 100, 64.0, 1.0)
    large_first = hourly(living, staff, truth, 0.1)
    small_first = hourly(living, -staff, truth, 0.1)
    assert large_first == pytest.approx(2 * 64 / 64)
    assert small_first == pytest.approx(9 / 36)
