"""A plan as rows of the journal: its visits in the table of its unit's plans, its whole draw in that of draws."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from features.store.journal import write_journal_part
from models.policy.plan_unit import PlannedVisit
from models.policy.week import WeekPlan


@dataclass(frozen=True, slots=True)
class PlanPart:
    """A part of a journal table that a plan fills: the table, the part's name, and its columns."""

    table: str
    part: str
    columns: Mapping[str, Sequence[Any]]


def plan_parts(plan: WeekPlan) -> tuple[PlanPart, PlanPart]:
    """Return a plan's visits and its whole draw as parts of the journal, known from its Monday on.

    The parts are named by target too: a source has one journal, in which no target replaces another's plan.
    """
    target = plan.bundle.target
    visits = PlanPart(plan.kind.plans, f"{target}.{plan.number}", _plan_columns(plan))
    draw = PlanPart(plan.kind.draws, f"{target}.{plan.plan.draw.number}", _draw_columns(plan))
    return visits, draw


def write_journal(plan: WeekPlan, folder: Path) -> tuple[Path, Path]:
    """Write the plan's visits and its whole draw as rows of the journal."""
    visits, draw = plan_parts(plan)
    return (
        write_journal_part(folder, visits.table, visits.part, visits.columns),
        write_journal_part(folder, draw.table, draw.part, draw.columns),
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
