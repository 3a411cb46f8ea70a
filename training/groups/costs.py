"""What a feature costs a group: how much more often the group is chosen than all others, with the feature and without.

No model is fitted again: a feature's exact contribution (SHAP value) is taken off each raw score, and a list as long as before
is made anew. So it is the cost in this model; a model fitted without the feature may put others in its place, which
`lssi train --without FAMILY` shows.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from training.evaluation.capacity import Judged, list_length, listed
from training.evaluation.simultaneous import JointInterval, Membership, Sums, together
from training.groups.audit import Divided, divided
from training.groups.rates import RATES, Audited, Rate
from training.groups.table import Concern, group_table
from training.groups.values import Partition

Floats = NDArray[np.float64]
Row = dict[str, Any]
COSTS = ("selection_rate", "false_positive_rate")
ALL_FEATURES = "(all)"
"""The row of all features that a concern names, since one may stand in for another."""
SUPPRESSED = "suppressed: the group is hidden"
NOT_ESTIMABLE = "not estimable: too few units in the group or beside it"


def concerned(raising: Sequence[str]) -> dict[Concern, list[str]]:
    """Return by concern those of the features declared to raise the risk that have its word in their name."""
    by_concern: dict[Concern, list[str]] = {}
    for concern in group_table().concern:
        named = [name for name in raising if concern.word in name.split("_")]
        if named:
            by_concern[concern] = named
    return by_concern


@dataclass(frozen=True, slots=True, eq=False)
class Costing:
    """A test with its list, how it falls into groups, and the contributions of the features that are asked about."""

    tested: Audited
    judged: Judged
    capacity: float
    partitions: Sequence[Partition]
    contributions: Mapping[str, Floats]

    def tested_without(self, names: Sequence[str]) -> Audited:
        """Return the test with the list that the scores give without the contributions of some features."""
        lower = np.sum([self.contributions[name] for name in names], axis=0)
        judged = replace(self.judged, score=self.judged.score - lower)
        is_listed = np.zeros(len(self.tested), np.bool_)
        is_listed[listed_places(judged, self.capacity)] = True
        return replace(self.tested, listed=is_listed)


def listed_places(judged: Judged, capacity: float) -> NDArray[np.int64]:
    """Return the places of the cases that stand in the list that a capacity allows."""
    return listed(judged, list_length(capacity, float(judged.weight.sum())))


def cost_rows(
    costing: Costing, by_concern: Mapping[Concern, Sequence[str]], *, seed: int
) -> list[Row]:
    """Return a row for each feature, group concerned and rate: the gap to all others with it and without it, and the cost.

    The cost is the difference of the two gaps, with its interval.
    """
    divisions = divided(costing.tested, costing.partitions)
    rows: list[Row] = []
    for concern, names in by_concern.items():
        division = _division_of(divisions, concern)
        if division is None:
            continue
        for label, without_names in _features(names):
            without = costing.tested_without(without_names).take(division.order)
            gaps = _Gaps(division, _place(division, concern), without)
            rows += [_row(gaps, concern, label, rate, seed) for rate in RATES if rate.name in COSTS]
    return rows


def _features(names: Sequence[str]) -> Iterator[tuple[str, Sequence[str]]]:
    """Yield each feature by itself, and all together where there are several."""
    yield from ((name, [name]) for name in names)
    if len(names) > 1:
        yield ALL_FEATURES, names


def _division_of(divisions: Sequence[Divided], concern: Concern) -> Divided | None:
    """Return the division that has the group of a concern; None where the test knows no such group."""
    for division in divisions:
        if division.partition.attribute.name == concern.attribute:
            return division if concern.group in _names(division) else None
    return None


def _names(division: Divided) -> list[str]:
    return [group.name for group in division.groups]


def _place(division: Divided, concern: Concern) -> int:
    return _names(division).index(concern.group)


@dataclass(frozen=True, slots=True, eq=False)
class _Gaps:
    """A group beside all other cases, with the list that was made and the list without some features."""

    division: Divided
    place: int
    without: Audited

    @property
    def is_inside(self) -> NDArray[np.bool_]:
        return np.asarray(self.division.member == self.place)

    def gap(self, sums: Sums) -> float:
        """Return the rate of the group minus that of all others; NaN where one has no such case."""
        rates = []
        for rows in (self.is_inside, ~self.is_inside):
            total = sums.denominator[rows].sum()
            rates.append(sums.numerator[rows].sum() / total if total else np.nan)
        return float(rates[0] - rates[1])


def _row(gaps: _Gaps, concern: Concern, label: str, rate: Rate, seed: int) -> Row:
    """Return what some features cost a group by one rate."""
    row: Row = {
        "feature": label,
        "attribute": concern.attribute,
        "group": concern.group,
        "rate": rate.name,
    }
    nothing = dict.fromkeys(("gap", "gap_without", "cost", "low", "high"))
    if gaps.place in gaps.division.hidden:
        return {**row, **nothing, "word": SUPPRESSED}
    with_it = rate.sums(gaps.division.tested)
    without_it = rate.sums(gaps.without)
    cost = _cost(gaps, with_it, without_it, seed)
    if cost is None:
        return {**row, **nothing, "word": NOT_ESTIMABLE}
    gap = gaps.gap(with_it)
    return {
        **row,
        "gap": gap,
        "gap_without": gaps.gap(without_it),
        "cost": cost.value,
        "low": cost.low,
        "high": cost.high,
        "word": "",
    }


def _cost(gaps: _Gaps, with_it: Sums, without_it: Sums, seed: int) -> JointInterval | None:
    """Return the difference of the gaps with its interval; None where the group or the others are too few."""
    change = Sums(
        numerator=with_it.numerator - without_it.numerator,
        denominator=with_it.denominator,
        weight=with_it.weight,
        is_rate=False,
    )
    members = Membership(gaps.division.tested.unit, 1 - gaps.is_inside.astype(np.int64), 2)
    least = group_table().least
    return together(change, members, least=least, seed=seed).pairs.get((0, 1))
