"""The sheet of a plan: as plain values, as text for a terminal, and as rows of the journal."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from features.calendar import date_of
from features.engine import dormancy
from features.store.journal import write_journal_part
from models.bundle.interval import number_line, plain_interval
from models.policy.plan import CellPlan, PlannedVisit
from models.policy.week import Made


def plan_as_json(plan: Made) -> dict[str, Any]:
    """Return a plan as plain values: what it rests on, and one list per cell."""
    policy = plan.plan.policy
    draw = plan.plan.draw
    cells = plan.plan.cells
    return {
        "plan": plan.number,
        "week": str(date_of(plan.week.monday)),
        "as_of": str(date_of(plan.week.as_of)),
        "rule": policy.rule,
        "rule_digest": policy.digest,
        "rule_zh": policy.zh,
        "rule_en": policy.en,
        "model": {
            "target": plan.bundle.target,
            "digest": plan.bundle.digest,
            "as_of": plan.bundle.manifest.as_of,
        },
        "draw": {
            "draw": draw.number,
            "seed": draw.seed,
            "percent": policy.lottery.percent,
        },
        "unit_expected": plan.bundle.manifest.unit_expected,
        "units": len(plan.place),
        "dormant": dormancy.dormancy_as_json(plan.dormancy),
        "minutes": sum(cell.minutes for cell in cells),
        "planned_minutes": sum(cell.planned for cell in cells),
        "cells": [_cell_json(plan, cell) for cell in cells],
    }


def _cell_json(plan: Made, cell: CellPlan) -> dict[str, Any]:
    drawn = set(cell.drawn)
    visits = [
        _visit_json(plan, visit, position, is_drawn=visit.unit.name in drawn)
        for position, visit in enumerate(cell.visits, 1)
    ]
    return {
        "cell": cell.cell or None,
        "minutes": cell.minutes,
        "planned_minutes": cell.planned,
        "units": len(cell.tickets),
        "inclusion_probability": float(cell.probability),
        "complaints_left": cell.complaints_left,
        "visits": visits,
    }


def _visit_json(
    plan: Made, visit: PlannedVisit, position: int, *, is_drawn: bool
) -> dict[str, Any]:
    unit = visit.unit
    standing = unit.standing
    place = plan.place[unit.name]
    return {
        "position": position,
        "enterprise": unit.name,
        "why": visit.why,
        "minutes": visit.minutes,
        "needed_minutes": plan.plan.policy.visit.minutes_of(unit.staff),
        "drawn": is_drawn,
        "class": standing.grade,
        "medal": standing.waived,
        "exposed": standing.intensified,
        "dormant": unit.dormant,
        "probability": float(plan.scores.probability[place]),
        "expected": plan.scores.expected_of(place),
        "interval": plain_interval(plan.scores.interval_of(place)),
    }


def write_journal(plan: Made, folder: Path) -> tuple[Path, Path]:
    """Write the plan's visits and its whole draw as rows of `plans` and `draws`, known from its Monday on.

    The parts are named by target too: a source has one journal, in which no target replaces another's plan.
    """
    target = plan.bundle.target
    plan_part = f"{target}.{plan.number}"
    draw_part = f"{target}.{plan.plan.draw.number}"
    return (
        write_journal_part(folder, "plans", plan_part, _plan_columns(plan)),
        write_journal_part(folder, "draws", draw_part, _draw_columns(plan)),
    )


def _plan_columns(plan: Made) -> dict[str, Sequence[Any]]:
    """Return the columns of `plans`, one row a visit."""
    cells: list[str | None] = []
    positions: list[int] = []
    visits: list[PlannedVisit] = []
    for cell in plan.plan.cells:
        cells += [cell.cell or None] * len(cell.visits)
        positions += range(1, len(cell.visits) + 1)
        visits += cell.visits
    monday = plan.week.monday
    return {
        "plan": [plan.number] * len(visits),
        "enterprise": [visit.unit.name for visit in visits],
        "cell": cells,
        "week": [monday] * len(visits),
        "position": positions,
        "planned_minutes": [visit.minutes for visit in visits],
        "why": [visit.why for visit in visits],
        "recorded_on": [monday] * len(visits),
    }


def _draw_columns(plan: Made) -> dict[str, Sequence[Any]]:
    """Return the columns of `draws`, one row a unit that could be drawn."""
    names: list[str] = []
    chances: list[float] = []
    drawn: list[int] = []
    for cell in plan.plan.cells:
        if not cell.probability:
            continue
        drawn_in_cell = set(cell.drawn)
        names += cell.tickets
        chances += [float(cell.probability)] * len(cell.tickets)
        drawn += [int(name in drawn_in_cell) for name in cell.tickets]
    monday = plan.week.monday
    return {
        "draw": [plan.plan.draw.number] * len(names),
        "enterprise": names,
        "drawn_on": [monday] * len(names),
        "inclusion_probability": chances,
        "drawn": drawn,
        "recorded_on": [monday] * len(names),
    }


def plan_as_text(plan: Made, most: int = 3) -> str:
    """Return a plan for reading in a terminal: a line per cell and its first visits, zh and en."""
    shown = plan_as_json(plan)
    number, rule, day = shown["plan"], shown["rule"], shown["as_of"]
    lines = [f"计划 plan {number}  规则 rule {rule}  截至 as of {day}"]
    lines.append(dormancy.dormancy_line(shown["dormant"]))
    for cell in shown["cells"]:
        lines.append(f"{cell['cell'] or '-'}: {cell['planned_minutes']}/{cell['minutes']} min")
        lines += [_visit_line(visit, shown["unit_expected"]) for visit in cell["visits"][:most]]
    return "\n".join(lines)


def _visit_line(visit: dict[str, Any], unit: str) -> str:
    position, enterprise, why = visit["position"], visit["enterprise"], visit["why"]
    minutes, probability = visit["minutes"], visit["probability"]
    line = f"  {position} {enterprise} {why} {minutes} min p={probability:.3f}"
    return " ".join([line, *number_line(visit, unit)])
