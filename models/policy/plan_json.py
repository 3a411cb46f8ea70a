"""A plan as plain values: what it rests on, how good it is, who is on no list and why, and one list per cell."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from itertools import chain
from typing import Any

from features.calendar import date_of
from features.engine import dormancy
from features.errors import PolicyError
from models.bundle.interval import plain_interval
from models.optimum.travel import visiting_order
from models.policy.left_out import Reconciliation
from models.policy.plan import CellPlan
from models.policy.plan_unit import ENTERPRISE, PlannedVisit, PlanUnit
from models.policy.week import WeekPlan

SHOWN = 5
"""Names that an error tells; a choice: enough to see their form."""


def plan_as_json(plan: WeekPlan) -> dict[str, Any]:
    """Return a plan as plain values."""
    policy = plan.plan.policy
    draw = plan.plan.draw
    cells = plan.plan.cells
    manifest = plan.bundle.manifest
    dormant = {}
    if plan.dormancy is not None:
        dormant = {"dormant": dormancy.dormancy_as_json(plan.dormancy)}
    return {
        "plan": plan.number,
        "unit": plan.kind.name,
        "week": str(date_of(plan.week.monday)),
        "as_of": str(date_of(plan.week.as_of)),
        "retrospective": plan.is_retrospective,
        "rule": policy.rule,
        "rule_digest": policy.digest,
        "rule_zh": policy.zh,
        "rule_en": policy.en,
        "model": {
            "target": plan.bundle.target,
            "digest": plan.bundle.digest,
            "as_of": manifest.as_of,
            "halt": None if plan.halt is None else asdict(plan.halt),
        },
        "draw": {
            "draw": draw.number,
            "seed": draw.seed,
            "commitment": plan.week.commitment,
            "percent": policy.lottery.percent,
        },
        "unit_expected": manifest.unit_expected,
        "units": len(plan.units),
        **dormant,
        "reconciliation": _reconciliation_json(plan.reconciliation),
        "optimum": _optimum_json(plan),
        "floors": [asdict(floor) for floor in plan.plan.floors],
        "statutory_percent": policy.statutory.percent,
        "minutes": sum(cell.minutes for cell in cells),
        "planned_minutes": sum(cell.planned for cell in cells),
        "cells": [cell_json(plan, cell) for cell in cells],
    }


def listed_units(shown: dict[str, Any]) -> list[str]:
    """Return the units on the lists of a plan as plain values, in their order."""
    visits = chain.from_iterable(cell["visits"] for cell in shown["cells"])
    return [visit[shown["unit"]] for visit in visits]


def with_reasons(
    shown: dict[str, Any], reasons: Mapping[str, Sequence[Mapping[str, Any]]]
) -> dict[str, Any]:
    """Return a plan as plain values whose visits have the reasons of their units' scores, by unit and strongest first."""
    cells = []
    for cell in shown["cells"]:
        visits = [
            {**visit, "reasons": list(reasons[visit[shown["unit"]]])} for visit in cell["visits"]
        ]
        cells.append({**cell, "visits": visits})
    return {**shown, "cells": cells}


def of_cell(shown: dict[str, Any], cell: str) -> dict[str, Any]:
    """Return a plan as plain values with the list of one cell alone; `-` is the list of units in no cell."""
    lists = {each["cell"] or "-": each for each in shown["cells"]}
    if cell not in lists:
        first_names = ", ".join(list(lists)[:SHOWN])
        raise PolicyError(
            f"cell {cell!r} has no list in this plan of {len(lists)}; ask for one such as {first_names}"
        )
    return {**shown, "cells": [lists[cell]]}


def _reconciliation_json(reconciliation: Reconciliation) -> dict[str, Any]:
    return {
        **asdict(reconciliation),
        "scored": reconciliation.scored,
        "whole": reconciliation.is_whole,
    }


def _optimum_json(plan: WeekPlan) -> dict[str, Any]:
    """Return what the visits by score are worth beside their bound, and what the visits of all lists are expected to bring.

    `value` and `bound` are weighted by class, as the plan weighs them; `workers`, or `yuan`, are not.
    """
    choice = plan.plan.choice
    visits = chain.from_iterable(cell.visits for cell in plan.plan.cells)
    return {
        "value": choice.value,
        "bound": choice.bound,
        "gap": choice.gap,
        "floors_cost": choice.floors_cost,
        plan.kind.worth.removeprefix("expected_"): _brought(visits),
    }


def _brought(visits: Iterable[PlannedVisit]) -> float:
    """Return what visits are expected to bring: one that is cut counts by the part that is planned."""
    return sum(visit.unit.benefit * min(1.0, visit.minutes / visit.needed) for visit in visits)


def cell_json(plan: WeekPlan, cell: CellPlan) -> dict[str, Any]:
    """Return a cell's list as plain values."""
    drawn = set(cell.drawn)
    stop_of = _stops(cell)
    visits = []
    for place, visit in enumerate(cell.visits):
        order = {"position": place + 1, "stop": stop_of.get(place)}
        visits.append({**order, **_visit_json(plan, visit, is_drawn=visit.unit.name in drawn)})
    return {
        "cell": cell.cell or None,
        "team": plan.teams.get(cell.cell),
        "minutes": cell.minutes,
        "planned_minutes": cell.planned,
        "units": len(cell.tickets),
        "routine_units": cell.routine,
        "inclusion_probability": float(cell.probability),
        "complaints_left": cell.complaints_left,
        **_inspectors_json(cell),
        "visits": visits,
    }


def _inspectors_json(cell: CellPlan) -> dict[str, int]:
    """Return the minutes of inspectors that a list leaves and those that its draw lacks; nothing without duties."""
    if cell.inspectors_left is None:
        return {}
    return {
        "inspector_minutes_left": max(0, cell.inspectors_left),
        "inspector_minutes_short": max(0, -cell.inspectors_left),
    }


def _stops(cell: CellPlan) -> dict[int, int]:
    """Return by place in a cell's list the number of the stop on a short round, of those whose coordinates are known."""
    places = [visit.unit.place for visit in cell.visits]
    order = [place for place in visiting_order(places) if places[place] is not None]
    return {place: stop for stop, place in enumerate(order, 1)}


def _visit_json(plan: WeekPlan, visit: PlannedVisit, *, is_drawn: bool) -> dict[str, Any]:
    unit = visit.unit
    place = plan.place[unit.name]
    particulars = _enterprise_json(unit) if plan.kind is ENTERPRISE else _reviewed_json(unit)
    duty = plan.plan.policy.duty
    if duty is not None:
        particulars["made_by"] = duty.made_by(visit.why, unit.staff)
    return {
        plan.kind.name: unit.name,
        "why": visit.why,
        "minutes": visit.minutes,
        "needed_minutes": visit.needed,
        "travel_minutes": visit.travel,
        "drawn": is_drawn,
        **particulars,
        "probability": float(plan.scores.probability[place]),
        "rank": plan.rank(unit.name),
        "rank_in_cell": visit.rank,
        "expected": plan.scores.expected_of(place),
        "interval": plain_interval(plan.scores.interval_of(place)),
        plan.kind.worth: unit.benefit,
    }


def _enterprise_json(unit: PlanUnit) -> dict[str, Any]:
    """Return what the policy says of an enterprise."""
    standing = unit.standing
    return {
        "class": standing.grade,
        "level": standing.level,
        "level_by": standing.level_by,
        "medal": standing.level_by == "medal",
        "exposed": standing.intensified,
        "complaint": _day(standing.complaint),
        "dormant": unit.dormant,
        "rural": unit.rural,
    }


def _reviewed_json(unit: PlanUnit) -> dict[str, Any]:
    """Return what the rules say of a claim or a provider, and its particulars."""
    return {"complaint": _day(unit.standing.complaint), **dict(unit.particulars)}


def _day(day: int | None) -> str | None:
    return None if day is None else str(date_of(day))
