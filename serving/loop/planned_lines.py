"""The lines of a week's plans as the journal holds them, and an enterprise's tickets in the draws of the week."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from features.calendar import date_of
from features.errors import RequestError
from features.store.store import Store
from models.policy.policy_facts import teams_of_cells
from serving.loop.journal_rows import Row, rows_where


@dataclass(frozen=True, slots=True)
class PlannedLine:
    """One visit of a plan: its target, list and place, and why it is there; `row_id` is its number in the journal."""

    row_id: str
    plan: str
    target: str
    cell: str | None
    team: str | None
    position: int
    enterprise: str
    planned_minutes: int
    why: str

    @property
    def place(self) -> tuple[str, str, str, int]:
        """Where it stands: by target and plan, then by cell, then by position."""
        return self.target, self.plan, self.cell or "", self.position


@dataclass(frozen=True, slots=True)
class DrawTicket:
    """An enterprise's ticket in a draw for a target: its chance, and whether it was drawn."""

    draw: str
    inclusion_probability: float
    drawn: bool


def planned_lines(store: Store, journal: Path, monday: int) -> list[PlannedLine]:
    """Return the lines of all plans of the week of a Monday, each with the team that its cell has on that day."""
    team_of = teams_of_cells(store, min(monday, store.complete_to), monday)
    rows = rows_where(journal, "plans", week=date_of(monday))
    lines = [_line(row, team_of.get(row["cell"] or "")) for row in rows]
    return sorted(lines, key=lambda line: line.place)


def tickets_of(journal: Path, monday: int, target: str, enterprise: str) -> list[DrawTicket]:
    """Return the tickets of an enterprise in the draws of a target in the week of a Monday."""
    rows = rows_where(journal, "draws", drawn_on=date_of(monday), enterprise=enterprise)
    return [
        DrawTicket(row["draw"], row["inclusion_probability"], bool(row["drawn"]))
        for row in rows
        if _target_of(row) == target
    ]


def lines_behind(lines: Sequence[PlannedLine], cursor: str | None) -> Sequence[PlannedLine]:
    """Return the lines behind the one whose number is the cursor; RequestError where none has it."""
    if cursor is None:
        return lines
    for number, line in enumerate(lines, 1):
        if line.row_id == cursor:
            return lines[number:]
    raise RequestError(
        "this cursor is of no line of the week's plans: a plan may have been made again; leave out `after`"
    )


def _line(row: Row, team: str | None) -> PlannedLine:
    return PlannedLine(
        row_id=row["row_id"],
        plan=row["plan"],
        target=_target_of(row),
        cell=row["cell"],
        team=team,
        position=row["position"],
        enterprise=row["enterprise"],
        planned_minutes=row["planned_minutes"],
        why=row["why"],
    )


def _target_of(row: Row) -> str:
    """Return the target of a row: a part of the journal is named by it, and a row by its part."""
    target, _, _ = row["row_id"].partition(".")
    return str(target)
