"""The audit by groups: for whom a list errs, with intervals that hold for all groups and pairs of an attribute together.

It returns long tables of plain values, which docs/evaluation.md describes: rows of attributes, groups, rates and pairs.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import chain, product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from training.evaluation.simultaneous import (
    CONFIDENCE,
    JointInterval,
    Membership,
    Sums,
    Together,
    together,
    units_speaking,
)
from training.groups.rates import RATES, Audited, Rate
from training.groups.suppression import SMALL, hidden_groups
from training.groups.table import AuditGroup, group_table
from training.groups.values import Partition

Codes = NDArray[np.int64]
Row = dict[str, Any]
NO_CASES = "no case of the test"
ONE_GROUP = "one group only: nothing to compare"
ASSUMED_DAYS = "not known: the days on which the source learned of outcomes are assumed"


@dataclass(frozen=True, slots=True, eq=False)
class Divided:
    """A test divided by one attribute: the cases in the `order` of their ids, each one's group, the groups hidden, and why."""

    partition: Partition
    order: Codes
    tested: Audited
    member: Codes
    hidden: Mapping[int, str]

    @property
    def groups(self) -> tuple[AuditGroup, ...]:
        return self.partition.groups

    @property
    def shown(self) -> Codes:
        """The places of the groups that have cases and are not hidden, in the order of their first case.

        No name of a group orders them, so another name changes no draw.
        """
        places, first_case = np.unique(self.member, return_index=True)
        in_order = places[np.argsort(first_case)]
        return np.array([place for place in in_order.tolist() if place not in self.hidden], int)

    def intervals(self, sums: Sums, least: int, seed: int) -> Together:
        """Return the intervals of a rate in the groups that are shown, by their places."""
        shown = self.shown
        rank = np.full(len(self.groups), -1)
        rank[shown] = np.arange(len(shown))
        rows = rank[self.member] >= 0
        members = Membership(self.tested.unit[rows], rank[self.member[rows]], len(shown))
        by_rank = together(sums.take(rows), members, least=least, seed=seed)
        groups = {int(shown[each]): interval for each, interval in by_rank.groups.items()}
        pairs = {}
        for (first, second), interval in by_rank.pairs.items():
            pair = (int(shown[first]), int(shown[second]))
            in_order = pair[0] < pair[1]
            pairs[min(pair), max(pair)] = interval if in_order else interval.turned()
        return Together(groups, pairs)


def divided(tested: Audited, partitions: Sequence[Partition]) -> list[Divided]:
    """Return a test divided by each attribute that is known of it, the small groups hidden."""
    # the order of the rows moves no bit of a sum
    order = np.lexsort((tested.label, tested.probability, tested.unit, tested.ids))
    _, unit = np.unique(tested.unit[order], return_inverse=True)
    in_order = replace(tested.take(order), unit=unit.astype(np.int64))
    there = [partition for partition in partitions if partition.groups and len(order)]
    members = [partition.member[order] for partition in there]
    sizes = [len(partition.groups) for partition in there]
    hidden = hidden_groups(members, sizes, unit, group_table().least)
    return [
        Divided(partition, order, in_order, member, of_attribute)
        for partition, member, of_attribute in zip(there, members, hidden, strict=True)
    ]


def group_report(
    tested: Audited, partitions: Sequence[Partition], *, seed: int, not_known: Mapping[str, str]
) -> dict[str, Any]:
    """Return the tables of the audit, plain values: `attributes`, `groups`, `rates`, `pairs`, and what they rest on.

    `not_known` says by name why the source does not tell a rate of anybody.
    """
    divisions = divided(tested, partitions)
    measured = [
        _Measured(division, rate, seed, not_known.get(rate.name, ""))
        for division, rate in product(divisions, RATES)
    ]
    has_chance = bool((tested.chance[tested.labelled] != 1).any())
    return {
        "least": group_table().least,
        "confidence": CONFIDENCE,
        "weights": "inverse_propensity" if has_chance else "equal",
        "attributes": [_attribute_row(partition, divisions) for partition in partitions],
        "groups": list(chain.from_iterable(map(_group_rows, divisions))),
        "rates": list(chain.from_iterable(each.rate_rows() for each in measured)),
        "pairs": list(chain.from_iterable(each.pair_rows() for each in measured)),
    }


def _attribute_row(partition: Partition, divisions: Sequence[Divided]) -> Row:
    """Return what an attribute is, and the word on why it tells nothing, where it does not."""
    attribute = partition.attribute
    [*there] = [each for each in divisions if each.partition is partition]
    word = partition.word
    if not word and not there:
        word = NO_CASES
    elif there and len(np.unique(there[0].member)) == 1:
        word = ONE_GROUP
    return {"attribute": attribute.name, "zh": attribute.zh, "en": attribute.en, "word": word}


def _group_rows(division: Divided) -> Iterator[Row]:
    """Yield for each group how many units, cases, labels, violations and places in the list it has; none where it is hidden."""
    tested = division.tested
    for place, group in enumerate(division.groups):
        inside = division.member == place
        row: Row = {
            "attribute": division.partition.attribute.name,
            "group": group.name,
            "zh": group.zh,
            "en": group.en,
        }
        counts: dict[str, int | None] = {
            "units": len(np.unique(tested.unit[inside])),
            "cases": int(inside.sum()),
            "labelled": int(tested.labelled[inside].sum()),
            "positives": int((tested.label[inside] == 1).sum()),
            "listed": int(tested.listed[inside].sum()),
        }
        if place in division.hidden:
            counts = dict.fromkeys(counts)
        yield {**row, **counts, "word": _word(division, place)}


def _word(division: Divided, place: int) -> str:
    """Return why a group has no numbers; "" where it has."""
    if place in division.hidden:
        if division.hidden[place] != SMALL:
            return "suppressed: else a small group could be had by subtraction"
        return f"suppressed: fewer than {group_table().least} units"
    return "" if (division.member == place).any() else NO_CASES


@dataclass(frozen=True, eq=False)
class _Measured:
    """A rate in the groups of an attribute; `why_not` says why the source does not tell it of anybody, "" where it does."""

    division: Divided
    rate: Rate
    seed: int
    why_not: str

    @cached_property
    def sums(self) -> Sums:
        return self.rate.sums(self.division.tested)

    @cached_property
    def intervals(self) -> Together:
        if self.why_not:
            return Together({}, {})
        return self.division.intervals(self.sums, group_table().least, self.seed)

    @property
    def head(self) -> Row:
        return {"attribute": self.division.partition.attribute.name, "rate": self.rate.name}

    def rate_rows(self) -> Iterator[Row]:
        """Yield the rate of each group with its interval, or the word why there is none."""
        for place, group in enumerate(self.division.groups):
            interval = self.intervals.groups.get(place)
            word = "" if interval else self._word(place)
            yield {**self.head, "group": group.name, **_ends("value", interval), "word": word}

    def pair_rows(self) -> Iterator[Row]:
        """Yield the difference of each pair of groups with its interval, and whether this excludes 0."""
        groups = self.division.groups
        for (first, second), interval in sorted(self.intervals.pairs.items()):
            yield {
                **self.head,
                "group": groups[first].name,
                "other": groups[second].name,
                **_ends("difference", interval),
                "differ": not interval.low <= 0 <= interval.high,
            }

    def _word(self, place: int) -> str:
        """Return why a group has no rate."""
        word = _word(self.division, place) or self.why_not
        if word:
            return word
        division = self.division
        members = Membership(division.tested.unit, division.member, len(division.groups))
        units = int(units_speaking(self.sums, members)[place])
        return f"not estimable: it would rest on {units} units"


def _ends(name: str, interval: JointInterval | None) -> Row:
    if interval is None:
        return {name: None, "low": None, "high": None}
    return {name: interval.value, "low": interval.low, "high": interval.high}
