"""Overrides and acceptances against the list: what visits to decided units found, each rate with its interval."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

from scipy.stats import beta

from features.store.store import Store
from models.policy.plan_unit import UnitKind
from serving.loop.decided_visits import Visited, kind_of_target, table_rows, visits_by_unit

FEWEST = 30
"""Visits below which no rate is told; a choice: an exact interval of fewer spans a third of all rates."""
WITHIN_DAYS = 365
"""Days from a plan's Monday within which a visit counts for its line; a choice: a year reaches most routine visits."""
COVERAGE = 0.95
"""The share of draws in which an interval holds the rate; the usual choice, as of all intervals of a test here."""
GROUPS = ("overridden", "accepted", "undecided")


@dataclass(frozen=True, slots=True)
class DecidedGroup:
    """Lines of plans that were decided alike: how many, how many were visited since, and what the visits found.

    `rate` with `lower` and `upper` is the share of visits that found the violation; None with too few visits.
    """

    group: str
    lines: int
    visited: int
    found: int
    rate: float | None
    lower: float | None
    upper: float | None


def exact_interval(found: int, visited: int) -> tuple[float, float]:
    """Return the exact binomial interval of a rate (Clopper and Pearson 1934), at COVERAGE.

    >>> [round(end, 3) for end in exact_interval(0, 30)]
    [0.0, 0.116]
    """
    tail = (1 - COVERAGE) / 2
    lower = beta.ppf(tail, found, visited - found + 1) if found else 0.0
    upper = beta.ppf(1 - tail, found + 1, visited - found) if found < visited else 1.0
    return float(lower), float(upper)


def decided_groups(store: Store, target: str, as_of: int) -> list[DecidedGroup]:
    """Return the groups of a target's planned lines, as known by a day; TargetError where neither visits nor reviews label it."""
    kind = kind_of_target(store, target)
    visits = visits_by_unit(store, target, as_of)
    decisions = _decisions(store, kind, as_of)
    lines_of: dict[str, list[Visited | None]] = {group: [] for group in GROUPS}
    for plan, unit, week in _lines(store, kind, target, as_of):
        group = decisions.get((plan, unit), "undecided")
        lines_of[group].append(_first_within(visits.get(unit, []), week))
    return [_group(group, lines) for group, lines in lines_of.items()]


def _lines(store: Store, kind: UnitKind, target: str, as_of: int) -> Iterator[tuple[int, int, int]]:
    """Yield plan, unit and Monday of each line of a target's plans."""
    columns = ("plan", kind.name, "week", "row_id")
    for plan, unit, week, row_id in table_rows(store, kind.plans, as_of, columns):
        if row_id.startswith(f"{target}."):
            yield plan, unit, week


def _decisions(store: Store, kind: UnitKind, as_of: int) -> dict[tuple[int, int], str]:
    """Return how each decided line was decided, by plan and unit; an empty decision is an override."""
    if not store.has(kind.overrides):
        return {}
    accept = store.column(kind.overrides, "decision").choices.index("accept")
    rows = table_rows(store, kind.overrides, as_of, ("plan", kind.name, "decision"))
    return {
        (plan, unit): "accepted" if decision == accept else "overridden"
        for plan, unit, decision in rows
    }


def _first_within(visits: list[Visited], week: int) -> Visited | None:
    """Return the first visit from a plan's Monday on, within the days that count."""
    in_time = (visit for visit in visits if week <= visit.opened < week + WITHIN_DAYS)
    return next(in_time, None)


def _group(group: str, lines: list[Visited | None]) -> DecidedGroup:
    visits = [visit for visit in lines if visit is not None]
    hits = sum(visit.found for visit in visits)
    if len(visits) < FEWEST:
        return DecidedGroup(group, len(lines), len(visits), hits, None, None, None)
    lower, upper = exact_interval(hits, len(visits))
    return DecidedGroup(group, len(lines), len(visits), hits, hits / len(visits), lower, upper)


WORDS = {
    "overridden": "调整未查 overridden",
    "accepted": "认可 accepted",
    "undecided": "未表态 undecided",
}
CAUTION = {
    "zh": "被调整的单位只有因其他原因受检才有结果，其比率不代表全部被调整的单位。",
    "en": "Overridden units have a result only where another reason led to a visit, so their rate is not that of all of them.",
}


def decided_as_json(groups: list[DecidedGroup]) -> dict[str, Any]:
    """Return the groups as plain values, with what limits them."""
    return {
        "fewest": FEWEST,
        "coverage": COVERAGE,
        "within_days": WITHIN_DAYS,
        "caution": CAUTION,
        "groups": [asdict(group) for group in groups],
    }


def decided_group_lines(groups: list[DecidedGroup]) -> list[str]:
    """Return the groups in lines for a reader, what limits them last."""
    return [*map(_line, groups), CAUTION["zh"], CAUTION["en"]]


def _line(group: DecidedGroup) -> str:
    head = f"{WORDS[group.group]} | {group.lines} 行 lines | {group.visited} 已查 visited | {group.found} 查实 found"
    if group.rate is None:
        return f"{head} | 太少 too few: {FEWEST} 次起 visits at least"
    return f"{head} | {group.rate:.3f} [{group.lower:.3f}, {group.upper:.3f}]"
