"""Gaps between groups: whether a list errs more for some units than for others, judged at any time.

A group's excess is what visits to it found less what was told. It is compared, not the share of finds, since a list that
ranks by persons found in a minute visits large firms at lower probabilities on purpose. All groups of all attributes share
one error, so that what is said of any of them after any week is false with that chance at most.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray

from training.evaluation.estimate import Estimate, NotEstimable
from training.groups.audit import Divided, divided
from training.groups.rates import Audited
from training.groups.table import group_table
from training.groups.values import Partition
from training.monitor.limits import MonitorLimits
from training.monitor.sequences import Excesses, MeanExcess, mean_excess

Codes = NDArray[np.int64]
Row = dict[str, Any]


def group_gaps(
    visits: Audited, week: Codes, partitions: Sequence[Partition], limits: MonitorLimits
) -> dict[str, list[Row]]:
    """Return the excess of each group, and of each pair how far the first exceeds the second; small groups are hidden."""
    divisions = divided(visits, partitions)
    # every group that could be shown, since a share of the error that depends on those shown so far is spent again
    judged = sum(len(partition.groups) for partition in partitions)
    groups: list[Row] = []
    pairs: list[Row] = []
    for division in divisions:
        excesses = _excesses(division, week, limits.error / max(judged, 1), limits)
        groups += _group_rows(division, excesses)
        pairs += _pair_rows(division, excesses, limits)
    return {"groups": groups, "pairs": pairs}


def _excesses(
    division: Divided, week: Codes, error: float, limits: MonitorLimits
) -> dict[int, MeanExcess | NotEstimable]:
    """Return the mean excess of each group that is shown, by its place."""
    tested = division.tested
    in_order = week[division.order]
    by_week = np.argsort(in_order, kind="stable")
    every = Excesses((tested.label - tested.probability)[by_week], in_order[by_week])
    member = division.member[by_week]
    return {
        place: mean_excess(every.take(member == place), error=error, least=limits.least_visits)
        for place in sorted(division.shown.tolist())
    }


def _group_rows(division: Divided, excesses: dict[int, MeanExcess | NotEstimable]) -> list[Row]:
    rows = []
    for place, group in enumerate(division.groups):
        visits = int((division.member == place).sum())
        row: Row = {
            "attribute": division.partition.attribute.name,
            "group": group.name,
            "zh": group.zh,
            "en": group.en,
        }
        if place in excesses:
            rows.append({**row, "visits": visits, "excess": excesses[place].plain()})
        elif visits:
            word = f"suppressed: fewer than {group_table().least} units, or beside such a group"
            rows.append({**row, "visits": None, "excess": word})
    return rows


def _pair_rows(
    division: Divided, excesses: dict[int, MeanExcess | NotEstimable], limits: MonitorLimits
) -> list[Row]:
    """Return the difference of each pair: its limits hold where those of both groups do."""
    # a group whose excess has changed has no one mean to compare
    estimates = {
        place: excess
        for place, excess in excesses.items()
        if isinstance(excess, MeanExcess) and excess.steady
    }
    rows = []
    for first, second in combinations(estimates, 2):
        gap = gap_of(estimates[first], estimates[second])
        rows.append(
            {
                "attribute": division.partition.attribute.name,
                "group": division.groups[first].name,
                "other": division.groups[second].name,
                **gap.plain(),
                "apart": gap.low > 0 or gap.high < 0,
                "far_apart": gap.low > limits.gap or gap.high < -limits.gap,
            }
        )
    return rows


def gap_of(first: MeanExcess, second: MeanExcess) -> Estimate:
    """Return how far a first excess is above a second, with limits that hold where both pairs of limits do.

    >>> gap_of(MeanExcess(3, 1, 5), MeanExcess(2, 0, 4))
    Estimate(value=1, low=-3, high=5)
    """
    value = first.value - second.value
    return Estimate(value, first.above - second.below, first.below - second.above)
