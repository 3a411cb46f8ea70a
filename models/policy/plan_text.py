"""The sheet of a plan: as plain values, as text for a terminal, and as rows of the journal."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from features.calendar import date_of
from features.engine import dormancy
from features.store.journal import write_journal_part
from models.policy.plan import CellPlan
from models.policy.week import Made


def plan_as_json(plan: Made) -> dict[str, Any]:
    """Return a plan as plain values: what it rests on, and one list per cell."""
    policy, cells = plan.plan.policy, plan.plan.cells
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
            "draw": plan.plan.draw.number,
            "seed": plan.plan.draw.seed,
            "percent": policy.lottery.percent,
        },
        "units": len(plan.place),
        "dormant": dormancy.dormancy_as_json(plan.dormancy),
        "minutes": sum(cell.minutes for cell in cells),
        "planned_minutes": sum(cell.planned for cell in cells),
        "cells": [_cell_json(plan, cell) for cell in cells],
    }


def _cell_json(plan: Made, cell: CellPlan) -> dict[str, Any]:
    lucky = set(cell.drawn)
    return {
        "cell": cell.cell or None,
        "minutes": cell.minutes,
        "planned_minutes": cell.planned,
        "units": len(cell.tickets),
        "inclusion_probability": float(cell.probability),
        "complaints_left": cell.complaints_left,
        "visits": [
            {
                "position": position,
                "enterprise": visit.unit.name,
                "why": visit.why,
                "minutes": visit.minutes,
                "needed_minutes": plan.plan.policy.visit.minutes_of(visit.unit.staff),
                "drawn": visit.unit.name in lucky,
                "class": visit.unit.standing.grade,
                "medal": visit.unit.standing.waived,
                "exposed": visit.unit.standing.intensified,
                "dormant": visit.unit.dormant,
                **_score_json(plan, visit.unit.name),
            }
            for position, visit in enumerate(cell.visits, 1)
        ],
    }


def _score_json(plan: Made, name: str) -> dict[str, float | None]:
    place, expected = plan.place[name], plan.scores.expected
    return {
        "probability": float(plan.scores.probability[place]),
        "expected": None if expected is None else float(expected[place]),
    }


def write_journal(plan: Made, folder: Path) -> tuple[Path, Path]:
    """Write the plan's visits and its whole draw as rows of `plans` and `draws`, known from its Monday on.

    The parts are named by target too: a source has one journal, in which no target replaces another's plan.
    """
    monday, cells, target = plan.week.monday, plan.plan.cells, plan.bundle.target
    visits = [
        (cell.cell or None, place, visit)
        for cell in cells
        for place, visit in enumerate(cell.visits, 1)
    ]
    plans: dict[str, Sequence[Any]] = {
        "plan": [plan.number] * len(visits),
        "enterprise": [visit.unit.name for _, _, visit in visits],
        "cell": [cell for cell, _, _ in visits],
        "week": [monday] * len(visits),
        "position": [place for _, place, _ in visits],
        "planned_minutes": [visit.minutes for _, _, visit in visits],
        "why": [visit.why for _, _, visit in visits],
        "recorded_on": [monday] * len(visits),
    }
    tickets = [
        (name, float(cell.probability), int(name in lucky))
        for cell in cells
        for lucky in [set(cell.drawn)]
        if cell.probability
        for name in cell.tickets
    ]
    draws: dict[str, Sequence[Any]] = {
        "draw": [plan.plan.draw.number] * len(tickets),
        "enterprise": [name for name, _, _ in tickets],
        "drawn_on": [monday] * len(tickets),
        "inclusion_probability": [chance for _, chance, _ in tickets],
        "drawn": [drawn for _, _, drawn in tickets],
        "recorded_on": [monday] * len(tickets),
    }
    return (
        write_journal_part(folder, "plans", f"{target}.{plan.number}", plans),
        write_journal_part(folder, "draws", f"{target}.{plan.plan.draw.number}", draws),
    )


def plan_as_text(plan: Made, most: int = 3) -> str:
    """Return a plan for reading in a terminal: a line per cell and its first visits, zh and en."""
    words = plan_as_json(plan)
    lines = [f"计划 plan {words['plan']}  规则 rule {words['rule']}  截至 as of {words['as_of']}"]
    lines.append(dormancy.dormancy_line(words["dormant"]))
    for cell in words["cells"]:
        lines.append(f"{cell['cell'] or '-'}: {cell['planned_minutes']}/{cell['minutes']} min")
        lines += [
            f"  {visit['position']} {visit['enterprise']} {visit['why']} {visit['minutes']} min "
            f"p={visit['probability']:.3f}"
            for visit in cell["visits"][:most]
        ]
    return "\n".join(lines)
