"""Laws of unasked outcomes: shares are those of all units, a list by lot has a lift of 1, and few events tell nothing."""

from __future__ import annotations

import numpy as np
import pytest

from features.contract.tables import contract
from training.evaluation.unasked import FIGURES, struck_figures, without_figures
from training.evaluation.unasked_table import unasked_table


def flags(*counts: tuple[int, bool, bool]) -> tuple[np.ndarray, np.ndarray]:
    """Return who was struck and who is on the list, so many units of each kind."""
    numbers, struck, listed = zip(*counts, strict=True)
    return np.repeat(struck, numbers), np.repeat(listed, numbers)


def test_the_shares_are_those_of_the_units_counted_on_paper() -> None:
    # of 100 units 20 are listed; of 24 struck 12 are
    struck, listed = flags(
        (12, True, True), (8, False, True), (12, True, False), (68, False, False)
    )
    figures = struck_figures(struck, listed)
    assert figures["struck"] == 24 and figures["struck_on_list"] == 12
    expected = {"rate": 0.24, "precision": 0.6, "recall": 0.5, "lift": 2.5}
    for name, value in expected.items():
        told = figures[name]
        assert told["value"] == pytest.approx(value)
        assert told["low"] < value < told["high"]
    assert figures["lift"]["low"] > 1


def test_a_list_by_lot_is_told_to_be_better_as_seldom_as_its_interval_says() -> None:
    draw = np.random.default_rng(1)
    wrong = 0
    for _ in range(400):
        listed = np.zeros(1_000, np.bool_)
        listed[draw.choice(1_000, 100, replace=False)] = True
        told = struck_figures(draw.random(1_000) < 0.08, listed)["lift"]
        wrong += not told["low"] <= 1 <= told["high"]
    assert wrong / 400 < 0.07


def test_an_event_that_befell_few_units_tells_nothing() -> None:
    struck, listed = flags((9, True, True), (91, False, False))
    figures = struck_figures(struck, listed)
    assert figures["struck"] == 9
    assert {figures[name] for name in FIGURES} == {
        "not estimable: it befell 9 units, at least 10 needed"
    }
    absent = without_figures("the source has no table complaints")
    assert absent["struck"] is None
    assert absent["lift"] == "not estimable: the source has no table complaints"


def test_every_declared_event_reads_a_day_of_an_enterprise() -> None:
    for event in unasked_table().event:
        columns = {column.name: column.kind for column in contract()[event.table].columns}
        assert columns[event.when] == "day" and "enterprise" in columns
        assert event.target().event is not None
