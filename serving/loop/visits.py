"""Which visit an outcome is of: a line of a plan, a drawn unit or an alert, and what the journal says of it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from features.calendar import day_of
from models.policy.plan_unit import ENTERPRISE, UnitKind
from serving.errors import ActRefused
from serving.loop.journal_rows import Row, rows_where
from serving.requests import PostedOutcome

KIND_OF = {
    "complaint": "complaint",
    "exposure": "special",
    "match": "alert",
    "score": "routine",
    "lottery": "lottery",
}
"""The kind of an inspection or a review by the reason for which a plan lists it; any other reason is a routine one."""


@dataclass(frozen=True, slots=True)
class OrderedVisit:
    """A visit that was ordered: why it is made, its cell, its minutes, and its draw where a lottery took it.

    A drawn unit's visit is a lottery visit, whatever else would have listed it: so its outcome keeps its inclusion probability.
    """

    kind: str
    since: int
    cell: str | None = None
    planned_minutes: int | None = None
    draw: str | None = None
    inclusion_probability: float | None = None


def visit_mark(asked: PostedOutcome) -> str:
    """Return the mark of the visit that an outcome names, under which its outcomes are found again."""
    if asked.plan is not None:
        return f"visit plan {asked.plan} {asked.enterprise}"
    if asked.draw is not None:
        return f"visit draw {asked.draw} {asked.enterprise}"
    return f"visit alert {asked.alert} {asked.enterprise}"


def ordered_visit(journal: Path, asked: PostedOutcome) -> OrderedVisit:
    """Return the visit that an outcome names; ActRefused where no plan, draw or alert ordered it."""
    if asked.plan is not None:
        return visit_of_plan(journal, asked.plan, asked.enterprise)
    if asked.draw is not None:
        return _of_draw(journal, asked.draw, asked.enterprise)
    return _of_alert(journal, asked.alert or "", asked.enterprise)


def plan_line(journal: Path, plan: str, unit: str, kind: UnitKind = ENTERPRISE) -> Row:
    """Return the line of a plan that lists a unit; ActRefused where there is none."""
    lines = rows_where(journal, kind.plans, **{"plan": plan, kind.name: unit})
    if not lines:
        raise ActRefused(
            f"the plan that is named does not list this {kind.name}; "
            f"give the plan and the {kind.name} as `lssi plan` printed them"
        )
    return lines[-1]


def visit_of_plan(journal: Path, plan: str, unit: str, kind: UnitKind = ENTERPRISE) -> OrderedVisit:
    """Return the visit, or the review, that a plan lists; ActRefused where it lists none of the unit."""
    line = plan_line(journal, plan, unit, kind)
    ticket = _ticket_of(journal, line, kind)
    return OrderedVisit(
        kind="lottery" if ticket else KIND_OF.get(line["why"], "routine"),
        since=day_of(line["week"]),
        cell=line[kind.room],
        planned_minutes=line["planned_minutes"],
        draw=ticket["draw"] if ticket else None,
        inclusion_probability=ticket["inclusion_probability"] if ticket else None,
    )


def _ticket_of(journal: Path, line: Row, kind: UnitKind) -> Row | None:
    """Return the row of the draw that took the unit of a plan's line: of the same target and week."""
    drawn = rows_where(journal, kind.draws, **{kind.name: line[kind.name], "drawn": 1})
    target, _, _ = line["row_id"].partition(".")
    of_week = [
        ticket
        for ticket in drawn
        if ticket["drawn_on"] == line["week"] and ticket["row_id"].startswith(f"{target}.")
    ]
    return of_week[-1] if of_week else None


def _of_draw(journal: Path, draw: str, enterprise: str) -> OrderedVisit:
    tickets = rows_where(journal, "draws", draw=draw, enterprise=enterprise, drawn=1)
    if not tickets:
        raise ActRefused(
            "the draw that is named did not take this enterprise; give draw and enterprise as the plan's draw has them"
        )
    ticket = tickets[-1]
    return OrderedVisit(
        kind="lottery",
        since=day_of(ticket["drawn_on"]),
        draw=draw,
        inclusion_probability=ticket["inclusion_probability"],
    )


def _of_alert(journal: Path, alert: str, enterprise: str) -> OrderedVisit:
    alerts = rows_where(journal, "alerts", alert=alert, enterprise=enterprise)
    if not alerts:
        raise ActRefused(
            "the alert that is named is not of this enterprise; give alert and enterprise as `lssi alerts` printed them"
        )
    return OrderedVisit(
        kind="alert",
        since=day_of(alerts[-1]["issued_on"]),
    )
