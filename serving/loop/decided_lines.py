"""Overrides and acceptances against the list: what visits to decided units found, each rate with its interval."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

from scipy.stats import beta

from features.arrays import NULL
from features.errors import TargetError
from features.store.store import Store

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


@dataclass(frozen=True, slots=True)
class Visited:
    """A visit that examined the violation: when it was opened, and whether it found it."""

    opened: int
    found: bool


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
    """Return the groups of a target's planned lines, as known by a day; TargetError where it has no visits."""
    violation = _violation_of(store, target)
    visits = _visits_by_enterprise(store, violation, as_of)
    decisions = _decisions(store, as_of)
    lines_of: dict[str, list[Visited | None]] = {group: [] for group in GROUPS}
    for plan, enterprise, week in _lines(store, target, as_of):
        group = decisions.get((plan, enterprise), "undecided")
        lines_of[group].append(_first_within(visits.get(enterprise, []), week))
    return [_group(group, lines) for group, lines in lines_of.items()]


def _violation_of(store: Store, target: str) -> int:
    declared = store.source.target.get(target)
    if declared is None or declared.violation is None or declared.label != "visit":
        raise TargetError(
            f"overrides are scored for targets that visits label; {target!r} is none of {store.source.name!r}"
        )
    return declared.violation


def _table(
    store: Store, table: str, as_of: int, columns: tuple[str, ...]
) -> Iterator[tuple[Any, ...]]:
    """Yield the live rows of a table as of a day; nothing where there is no such table."""
    if store.has(table):
        rows = store.live(table, as_of, columns)
        yield from zip(*(rows[name].tolist() for name in columns), strict=True)


def _lines(store: Store, target: str, as_of: int) -> Iterator[tuple[int, int, int]]:
    """Yield plan, enterprise and Monday of each line of a target's plans."""
    columns = ("plan", "enterprise", "week", "row_id")
    for plan, enterprise, week, row_id in _table(store, "plans", as_of, columns):
        if row_id.startswith(f"{target}."):
            yield plan, enterprise, week


def _decisions(store: Store, as_of: int) -> dict[tuple[int, int], str]:
    """Return how each decided line was decided, by plan and enterprise; an empty decision is an override."""
    if not store.has("overrides"):
        return {}
    accept = store.column("overrides", "decision").choices.index("accept")
    rows = _table(store, "overrides", as_of, ("plan", "enterprise", "decision"))
    return {
        (plan, enterprise): "accepted" if decision == accept else "overridden"
        for plan, enterprise, decision in rows
    }


def _visits_by_enterprise(store: Store, violation: int, as_of: int) -> dict[int, list[Visited]]:
    """Return the closed visits that examined a violation, by enterprise and in the order of their opening."""
    findings = _table(store, "findings", as_of, ("inspection", "violation"))
    finders = {inspection for inspection, found in findings if found == violation}
    examined = f"examined_{violation}"
    columns = ("inspection", "enterprise", "opened", "closed_on", examined)
    visits: dict[int, list[Visited]] = {}
    for inspection, enterprise, opened, closed, is_examined in _table(
        store, "inspections", as_of, columns
    ):
        if is_examined == 1 and closed != NULL:
            visit = Visited(opened, inspection in finders)
            visits.setdefault(enterprise, []).append(visit)
    for of_enterprise in visits.values():
        of_enterprise.sort(key=lambda visit: visit.opened)
    return visits


def _first_within(visits: list[Visited], week: int) -> Visited | None:
    """Return the first visit from a plan's Monday on, within the days that count."""
    in_time = (visit for visit in visits if week <= visit.opened < week + WITHIN_DAYS)
    return next(in_time, None)


def _group(group: str, lines: list[Visited | None]) -> DecidedGroup:
    visits = [visit for visit in lines if visit is not None]
    found = sum(visit.found for visit in visits)
    if len(visits) < FEWEST:
        return DecidedGroup(group, len(lines), len(visits), found, None, None, None)
    lower, upper = exact_interval(found, len(visits))
    return DecidedGroup(group, len(lines), len(visits), found, found / len(visits), lower, upper)


WORDS = {
    "overridden": "调整未查 overridden",
    "accepted": "认可 accepted",
    "undecided": "未表态 undecided",
}
CAUTION = {
    "zh": "被调整的企业只有因其他原因受检才有结果，其比率不代表全部被调整企业。",
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
