"""A plan as rows of the journal: its visits in the table of its unit's plans, its whole draw in that of draws."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from features.store.journal import write_journal_part
from models.policy.plan_unit import PlannedVisit
from models.policy.week import WeekPlan


def write_journal(plan: WeekPlan, folder: Path) -> tuple[Path, Path]:
    """Write the plan's visits and its whole draw as rows of the journal, known from its Monday on.

    The parts are named by target too: a source has one journal, in which no target replaces another's plan.
    """
    target = plan.bundle.target
    plan_part = f"{target}.{plan.number}"
    draw_part = f"{target}.{plan.plan.draw.number}"
    return (
        write_journal_part(folder, plan.kind.plans, plan_part, _plan_columns(plan)),
        write_journal_part(folder, plan.kind.draws, draw_part, _draw_columns(plan)),
    )


def _plan_columns(plan: WeekPlan) -> dict[str, Sequence[Any]]:
    """Return the columns of a plan, one row a visit."""
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
        plan.kind.name: [visit.unit.name for visit in visits],
        plan.kind.room: cells,
        "week": [monday] * len(visits),
        "position": positions,
        "planned_minutes": [visit.minutes for visit in visits],
        "why": [visit.why for visit in visits],
        "recorded_on": [monday] * len(visits),
    }


def _draw_columns(plan: WeekPlan) -> dict[str, Sequence[Any]]:
    """Return the columns of a draw, one row a unit that could be drawn."""
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
        plan.kind.name: names,
        "drawn_on": [monday] * len(names),
        "inclusion_probability": chances,
        "drawn": drawn,
        "recorded_on": [monday] * len(names),
    }
