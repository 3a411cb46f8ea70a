"""Laws of numbers told beside numbers found: sums with the chance of the visits, and coverage by size."""

from __future__ import annotations

import numpy as np
import pytest

from features.matrix import Matrix
from models.bundle.number import Correction, Number, Reach
from training.evaluation.number_found import number_found
from training.evaluation.paired import ratio_interval

NUMBER = Number(
    staff=("staff",),
    stake=("staff",),
    least=1.0,
    corrections=(Correction(staff=0.0, factor=1.0),),
    reaches=(Reach(up_to=9, spreads=1.0), Reach(up_to=None, spreads=None)),
    coverage=0.9,
)


def visited(cases: int, seed: int) -> tuple[Matrix, np.ndarray]:
    """Return visited firms and their staff."""
    draw = np.random.default_rng(seed)
    staff = np.round(np.exp(draw.normal(2, 1, cases)))
    keys = np.array([f"e{place:04d}" for place in range(cases)])
    days = np.full(cases, 16000, np.int32)
    return Matrix("enterprise", keys, days, ("staff",), staff[:, None], {}), staff


def test_the_sums_are_of_the_cases_whose_number_is_written() -> None:
    matrix, staff = visited(60, 1)
    count = np.where(np.arange(60) < 50, 2.0, np.nan)
    metrics = number_found(matrix, count, np.full(60, 3.0), NUMBER, seed=1)
    assert (metrics["cases"], metrics["told"], metrics["found"]) == (50, 150.0, 100.0)
    assert metrics["mean_absolute_error"] == 1.0 and metrics["interval"] == [1.5, 1.5]
    assert sum(size["cases"] for size in metrics["by_size"]) == 50
    assert metrics["by_size"][0]["cases"] == int((staff[:50] <= 9).sum())
    # of the larger class the interval is all that is at stake
    assert metrics["by_size"][1]["inside"] == 1.0


def test_a_true_model_has_one_within_its_interval_and_one_that_tells_twice_has_not() -> None:
    holds = 0
    for seed in range(40):
        matrix, staff = visited(300, seed)
        draw = np.random.default_rng(seed)
        mean = 0.1 * staff
        count = draw.poisson(mean).astype(np.float64)
        interval = ratio_interval(matrix.keys, mean, count, seed=1)
        twice = ratio_interval(matrix.keys, 2 * mean, count, seed=1)
        assert interval is not None and twice is not None and twice[0] > 1
        holds += interval[0] <= 1 <= interval[1]
    assert holds >= 34


def test_cases_of_one_unit_are_drawn_together() -> None:
    draw = np.random.default_rng(3)
    keys = np.array([f"e{place // 10}" for place in range(200)])
    count = np.repeat(draw.poisson(2, 20), 10).astype(np.float64)
    alone = ratio_interval(np.arange(200).astype(np.str_), np.full(200, 2.0), count, seed=1)
    together = ratio_interval(keys, np.full(200, 2.0), count, seed=1)
    assert alone is not None and together is not None
    assert together[1] - together[0] > 2 * (alone[1] - alone[0])


def test_one_unit_alone_has_no_interval() -> None:
    alone = np.array(["e1", "e1", "e1"])
    assert ratio_interval(alone, np.ones(3), np.ones(3), seed=1) is None


def test_where_nothing_is_found_there_is_no_ratio_and_a_model_without_a_way_no_coverage() -> None:
    matrix, _ = visited(20, 1)
    nothing = number_found(matrix, np.zeros(20), np.ones(20), None, seed=1)
    assert nothing["interval"] is None and nothing["inside"] is None
    assert nothing["told"] == pytest.approx(20)
