"""Laws of a calibration."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from features.errors import BundleError
from models.bundle.calibration import Calibration

LINE = Calibration((-2.0, 0.1, 3.0), (0.05, 0.3, 0.9))


def test_knots_are_met_exactly_and_the_ends_are_level() -> None:
    assert LINE([-2.0, 0.1, 3.0]).tolist() == [0.05, 0.3, 0.9]
    assert LINE([-1e300, 1e300, -np.inf, np.inf]).tolist() == [0.05, 0.9, 0.05, 0.9]


@given(st.lists(st.floats(-1e6, 1e6), min_size=1))
def test_probabilities_never_fall_as_scores_rise_and_do_not_depend_on_the_batch(
    scores: list[float],
) -> None:
    ordered = sorted(scores)
    together = LINE(ordered)
    assert (np.diff(together) >= 0).all() and together.min() >= 0.05 and together.max() <= 0.9
    assert together.tolist() == [float(LINE([value])[0]) for value in ordered]


def test_one_knot_is_a_constant() -> None:
    assert Calibration((0.0,), (0.4,))([-5.0, 5.0]).tolist() == [0.4, 0.4]


def test_a_missing_score_has_no_probability() -> None:
    assert np.isnan(LINE([np.nan])[0])


@pytest.mark.parametrize(
    ("raw", "probability"),
    [
        ((), ()),
        ((0.0,), ()),
        ((0.0, 0.0), (0.1, 0.2)),
        ((0.0, 1.0), (0.2, 0.1)),
        ((0.0, 1.0), (0.1, 1.1)),
        ((0.0, np.nan), (0.1, 0.2)),
        ((0.0, 1.0), (-0.1, 0.2)),
    ],
)
def test_knots_that_fall_or_leave_the_unit_interval_are_refused(
    raw: tuple[float, ...], probability: tuple[float, ...]
) -> None:
    with pytest.raises(BundleError):
        Calibration(raw, probability)
