"""Laws of what features cost groups: one that lifts a group is told by an interval above 0, another costs nothing."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tests.test_groups_audit import CAPACITY, NUMBER, list_of, parted
from training.evaluation.capacity import Judged
from training.groups.costs import ALL_FEATURES, SUPPRESSED, Costing, concerned, cost_rows

BONUS = 0.2


def costs(is_rural: np.ndarray) -> dict[tuple[str, str], dict[str, Any]]:
    """Return by feature and rate what two features cost rural units: one adds a bonus to them, the other nothing to anybody."""
    cases, group = list_of(bonus=BONUS)
    nothing = np.zeros(NUMBER)
    score = cases.probability + BONUS * group
    unseen = np.full(NUMBER, np.nan)
    judged = Judged(
        ids=cases.ids,
        score=score,
        label=cases.label,
        propensity=cases.chance,
        random_label=unseen,
        inclusion=unseen,
        weight=cases.weight,
    )
    falls = [parted("area", is_rural, "urban", "rural")]
    shares = {"rural": BONUS * group, "rural_share": nothing}
    costing = Costing(cases, judged, CAPACITY, falls, shares)
    by_concern = concerned(["staff", "rural", "rural_share", "plural", "migrant_staff"])
    rows = cost_rows(costing, by_concern, seed=1)
    return {(row["feature"], row["rate"]): row for row in rows}


def test_a_feature_that_lifts_a_group_costs_it_and_one_that_does_not_costs_nothing() -> None:
    _, group = list_of(bonus=BONUS)
    by_feature = costs(group)
    assert {feature for feature, _ in by_feature} == {"rural", "rural_share", ALL_FEATURES}
    for rate in ("selection_rate", "false_positive_rate"):
        lifted = by_feature["rural", rate]
        assert lifted["low"] > 0
        assert lifted["cost"] == pytest.approx(lifted["gap"] - lifted["gap_without"])
        assert abs(lifted["gap_without"]) < 0.1 < lifted["gap"]
        assert by_feature["rural_share", rate]["cost"] == 0
        assert by_feature[ALL_FEATURES, rate]["cost"] == lifted["cost"]


def test_what_a_feature_costs_a_hidden_group_is_not_told() -> None:
    by_feature = costs((np.arange(NUMBER) < 3).astype(int))
    for row in by_feature.values():
        assert row["word"] == SUPPRESSED and row["cost"] is row["gap"] is row["low"] is None
