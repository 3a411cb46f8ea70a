"""The compiled walks against a plain reading of the same rows: windows, months, order statistics, and sums too large."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from features.aggregates.aggregate import amount_sums
from features.aggregates.order_statistics import of_members
from features.aggregates.plan import AggregationPlan, aggregation_plan, members_of
from features.aggregates.row_ranges import row_ranges
from features.arrays import Column
from features.cases import Units
from features.catalogue.language import ADDITIVE, LIMIT, SERIES, Atom
from features.catalogue.model import Window
from features.errors import CatalogueError

WINDOWS = {
    window.name: window
    for window in (
        Window("3m", "month", 3, 0, "", ""),
        Window("6m", "month", 6, 0, "", ""),
        Window("prev3m", "month", 6, 3, "", ""),
        Window("all", "month", 0, 0, "", ""),
        Window("90d", "day", 90, 0, "", ""),
        Window("prev", "day", 400, 90, "", ""),
        Window("ever", "day", 0, 0, "", ""),
    )
}
BOUNDED = ("3m", "6m", "prev3m")
MONTHLY = [
    Atom(kind, measure, window)
    for kind in (*ADDITIVE, *SERIES)
    for measure in "ab"
    for window in BOUNDED
]
ATOMS = {
    "months": MONTHLY,
    "months and all": [
        *MONTHLY,
        *(Atom(kind, measure, "all") for kind in ADDITIVE for measure in "ab"),
    ],
    "days": [
        Atom(kind, measure, window)
        for kind in ADDITIVE
        for measure in "ab"
        for window in ("90d", "prev")
    ],
    "days and ever": [
        Atom(kind, measure, window)
        for kind in ADDITIVE
        for measure in "ab"
        for window in ("90d", "ever")
    ],
}


def read(atom: Atom, rows: list[tuple[int, int, int]], month: int) -> float:
    """Return an aggregate of rows (month or day, sign, value) that a unit knows on a month or a day, in fractions."""
    window = WINDOWS[atom.window]
    first, last = window.first or LIMIT, window.last
    near = [
        (month - placed, sign, value)
        for placed, sign, value in rows
        if last <= month - placed < first
    ]
    if atom.aggregate in ADDITIVE:
        return float(
            sum(sign * value if atom.aggregate == "sum" else sign for _, sign, value in near)
        )
    width = first - last
    totals, counts = [0] * width, [0] * width
    for distance, sign, value in near:
        totals[distance - last] += sign * value
        counts[distance - last] += sign
    there = [total for total, count in zip(totals, counts, strict=True) if count > 0]
    filled = [total if count > 0 else 0 for total, count in zip(totals, counts, strict=True)]
    if atom.aggregate == "months":
        return float(len(there))
    if atom.aggregate == "variance":
        mean = Fraction(sum(filled), width)
        return float(sum((x - mean) ** 2 for x in filled) / (width - 1))
    if atom.aggregate == "slope":
        steps = [Fraction(width - 1, 2) - place for place in range(width)]
        return float(
            sum(step * x for step, x in zip(steps, filled, strict=True))
            / sum(step * step for step in steps)
        )
    if not there:
        return float("nan")
    return float(
        max(there)
        if atom.aggregate == "peak"
        else min(there)
        if atom.aggregate == "low"
        else there[0]
    )


def asked_and_amounts(
    atoms: list[Atom], sign: Column, value: Column
) -> tuple[AggregationPlan, Column]:
    asked = aggregation_plan(atoms, WINDOWS)
    own = {"a": value, "b": value + 7}
    return asked, np.array(
        [sign if kind == "count" else sign * own[measure] for kind, measure in asked.sums]
    )


@pytest.mark.parametrize("order", ["as drawn", "days ascending", "one month after another"])
@pytest.mark.parametrize("kind", ATOMS)
def test_windows_and_months_are_those_of_a_plain_reading(kind: str, order: str) -> None:
    rng = np.random.default_rng(4)
    units, size, monthly = 200, 1_500, kind.startswith("months")
    key = np.sort(rng.integers(0, 60, size))
    columns = {
        "known": rng.integers(0, 900, size),
        "placed": rng.integers(0, 30, size) * (1 if monthly else 30),
        "sign": rng.choice([1, 1, -1], size),
    }
    value = rng.integers(-50, 1_000, size)
    unit, day = rng.integers(0, 70, units), rng.integers(300, 950, units)
    if order == "one month after another":
        unit, day = np.repeat(rng.permutation(70)[:10], 20), np.tile(np.arange(340, 940, 30), 10)
    places = np.argsort(unit, kind="stable") if order == "as drawn" else np.lexsort((day, unit))
    held = Units(unit[places], day[places])
    rows = row_ranges(held, key, columns, frozenset({"placed"} if monthly else ()))
    atoms = ATOMS[kind]
    asked, amounts = asked_and_amounts(atoms, columns["sign"], value)
    found = dict(zip(asked.summed, amount_sums(rows, "placed", amounts, asked), strict=True))
    assert set(found) == set(atoms)
    for place in range(units):
        mine = (key == held.key[place]) & (columns["known"] <= held.day[place])
        for atom in atoms:
            own = value + 7 * (atom.measure == "b")
            told = list(
                zip(
                    *(
                        column[mine].tolist()
                        for column in (columns["placed"], columns["sign"], own)
                    ),
                    strict=True,
                )
            )
            expected = read(atom, told, int(rows.reference("placed")[place]))
            assert found[atom][place] == pytest.approx(expected, rel=1e-12, nan_ok=True), atom


@pytest.mark.parametrize("aggregate", ["sum", "peak", "variance", "slope"])
def test_a_sum_too_large_to_be_exact_is_an_error(aggregate: str) -> None:
    asked = aggregation_plan([Atom(aggregate, "a", "3m")], WINDOWS)
    for amount, sound in ((2**20, True), (2**53, False)):
        columns = {
            "known": np.zeros(1, np.int64),
            "placed": np.full(1, 8),
            "sign": np.ones(1, np.int64),
        }
        rows = row_ranges(
            Units(np.zeros(1, np.int64), np.full(1, 300)),
            np.zeros(1, np.int64),
            columns,
            frozenset({"placed"}),
        )
        columns["placed"][0] = rows.month[0]
        amounts = np.array([[1 if kind == "count" else amount] for kind, _ in asked.sums])
        if sound:
            assert np.isfinite(amount_sums(rows, "placed", amounts, asked)).all()
        else:
            with pytest.raises(CatalogueError, match=r"2\^53"):
                amount_sums(rows, "placed", amounts, asked)


@pytest.mark.parametrize("kind", ["value", "placed"])
def test_order_statistics_are_those_of_the_net_multiset(kind: str) -> None:
    rng = np.random.default_rng(5)
    units, size = 200, 1_500
    key = np.sort(rng.integers(0, 60, size))
    columns = {
        "known": rng.integers(0, 900, size),
        "placed": rng.integers(0, 900, size),
        "sign": rng.choice([1, 1, -1], size),
    }
    item = columns["placed"] if kind == "placed" else rng.integers(-9, 9, size)
    held = Units(np.sort(rng.integers(0, 70, units)), rng.integers(300, 950, units))
    rows = row_ranges(held, key, columns, frozenset())
    first, last = ("since", "first_since") if kind == "placed" else ("largest", "smallest")
    spans = {"90d": (90, 0), "prev": (400, 90), "all": (LIMIT, 0)}
    windows = {
        name: Window(name, "day", high % LIMIT, low, "", "") for name, (high, low) in spans.items()
    }
    alone = [Atom(first, "a", name) for name in spans]
    several = [*alone, *(Atom(last, "a", name) for name in spans)]
    several += [Atom("distinct", "a", name) for name in spans if kind == "value"]
    several += [Atom("median", "a", name) for name in spans if kind == "value"]
    told = {}
    for atoms in (alone, several):
        (asked,) = members_of(atoms, windows)
        told[len(atoms)] = of_members(rows, "placed", item, columns["sign"], asked)
    assert all(
        np.array_equal(told[len(alone)][atom], told[len(several)][atom], equal_nan=True)
        for atom in alone
    )
    for place in range(units):
        mine = (key == held.key[place]) & (columns["known"] <= held.day[place])
        for atom, values in told[len(several)].items():
            high, low = spans[atom.window]
            far = held.day[place] - columns["placed"]
            near = mine & (low <= far) & (far < high)
            signs = {
                one: int(columns["sign"][near & (item == one)].sum())
                for one in np.unique(item[near]).tolist()
            }
            there = [one for one, times in sorted(signs.items()) for _ in range(max(times, 0))]
            assert values[place] == pytest.approx(
                plainly(atom, there, int(held.day[place])), nan_ok=True
            ), atom


def plainly(atom: Atom, there: list[int], day: int) -> float:
    """Return an order statistic of the items that are there, ascending, as often as they are."""
    if atom.aggregate == "distinct":
        return float(len(set(there)))
    if not there:
        return float("nan")
    chosen = {
        "largest": there[-1],
        "smallest": there[0],
        "median": there[(len(there) - 1) // 2],
        "since": day - there[-1],
        "first_since": day - there[0],
    }
    return float(chosen[atom.aggregate])
