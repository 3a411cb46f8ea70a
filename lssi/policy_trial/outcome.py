"""What a month under an arm came to: what visits found, what is true of the city, and what letters did."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from features.calendar import first_day
from lssi.policy_trial.orders import MonthOrders, Plain, local_numbers
from simulation.ground.setting import Flags
from simulation.inspection.findings import P as FINDINGS
from simulation.inspection.visits import KINDS
from simulation.month import Truth
from simulation.stepped import SteppedCity

REOPENED_WITHIN = 120
"""Days from a letter in which a firm that closes and opens again is watched for; a choice: a letter hurries within weeks."""


def month_outcome(orders: MonthOrders, truths: Sequence[Truth]) -> Plain:
    """Return what the visits of a month came to in truth, and how the city stands after it."""
    visits = [truth.visits for truth in truths]
    kinds = np.concatenate([part["kind"] for part in visits])
    workers = np.concatenate([part["workers"] for part in visits])
    registered = np.concatenate([part["registered"] for part in visits])
    minutes = np.concatenate([part["minutes"] for part in visits])
    states = [truth.enterprises for truth in truths]
    uncovered = np.concatenate([part["uncovered"] for part in states])
    return {
        "month": orders.month,
        "minutes": orders.minutes,
        "spent": int(minutes.sum()),
        "visits": len(kinds),
        "visits_by_kind": {kind: int((kinds == code).sum()) for code, kind in enumerate(KINDS)},
        "by_why": by_why(orders, visits),
        "workers_found": int(workers.sum()),
        "workers_registered": int(registered.sum()),
        "uncovered": int(uncovered.sum()),
        "violators": int((uncovered > 0).sum()),
        "enterprises": len(uncovered),
        "staff": int(sum(part["staff"].sum() for part in states)),
        "seen_if_all": seen_if_all(orders, states),
        "groups": orders.groups,
    }


def by_why(orders: MonthOrders, visits: Sequence[Mapping[str, Any]]) -> dict[str, list[int]]:
    """Return by why visits were ordered how many were made, their minutes, and the workers that they found."""
    why_of = {int(visit.enterprise[1:]): visit.why for visit in orders.visits}
    sums = {why: [0, 0, 0] for why in sorted(set(why_of.values()))}
    for part in visits:
        columns = [part[name].tolist() for name in ("enterprise", "minutes", "workers")]
        for enterprise, minutes, workers in zip(*columns, strict=True):
            row = sums[why_of[enterprise]]
            row[0] += 1
            row[1] += minutes
            row[2] += workers
    return sums


def seen_if_all(orders: MonthOrders, states: Sequence[Mapping[str, Any]]) -> float:
    """Return how many workers the lottery's visits would find, were all enterprises drawn: what its estimate estimates.

    A visit that is never closed or sees nothing finds none, a closed one each worker with a known probability, and one that is
    shorter than it should be its part of them.
    """
    total = 0.0
    for part in states:
        names = [f"E{number:07d}" for number in part["enterprise"].tolist()]
        share = np.array([orders.seen_if_all.get(name, 1.0) for name in names])
        total += float((part["uncovered"] * share).sum())
    return round(total * FINDINGS["each"] * (1 - FINDINGS["missed"]), 3)


def letter_watch(city: SteppedCity, orders: Sequence[MonthOrders]) -> Plain:
    """Return of firms on lists, with a letter and without one by lot, how many there are, and how many closed and reopened."""
    counts = {"letter": [0, 0], "no_letter": [0, 0]}
    for of_month in orders:
        others = sorted(set(of_month.listed) - set(of_month.letters))
        for name, firms in (("letter", of_month.letters), ("no_letter", others)):
            counts[name][0] += len(firms)
            counts[name][1] += _reopened(city, of_month.month, firms)
    return {
        name: {"firms": firms, "reopened": reopened} for name, (firms, reopened) in counts.items()
    }


def _reopened(city: SteppedCity, month: int, names: Sequence[str]) -> int:
    """Count the firms that closed within the days watched, with a successor that opened in them."""
    first = first_day(month)
    total = 0
    for state in city.states:
        local = local_numbers(names, state.block)
        heir = state.phoenix.heir[local]
        has_heir = heir >= 0
        is_gone = state.firms.closed[local] <= first + REOPENED_WITHIN
        begins = state.firms.registered[heir]
        is_new: Flags = (begins >= first) & (begins <= first + REOPENED_WITHIN)
        total += int((has_heir & is_gone & is_new).sum())
    return total


def registered_on_letters(
    before: Sequence[Truth], after: Sequence[Truth], orders: MonthOrders
) -> dict[str, list[int]]:
    """Return of firms with and without a letter the workers without cover at the end of the month before and of this one."""
    others = sorted(set(orders.listed) - set(orders.letters))
    return {
        name: [_uncovered_of(before, firms), _uncovered_of(after, firms)]
        for name, firms in (("letter", orders.letters), ("no_letter", others))
    }


def _uncovered_of(truths: Sequence[Truth], names: Sequence[str]) -> int:
    numbers = np.array([int(name[1:]) for name in names], dtype=np.int64)
    parts = [truth.enterprises for truth in truths]
    return sum(int(part["uncovered"][np.isin(part["enterprise"], numbers)].sum()) for part in parts)
