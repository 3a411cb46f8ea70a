"""Which visit or review an outcome is of: a line of a plan, a drawn unit or an alert, and what the journal says of it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from features.calendar import day_of
from models.policy.plan_unit import KINDS, UnitKind
from serving.errors import ActRefused
from serving.loop.alert_index import alert_rows
from serving.loop.journal_rows import Row, rows_where
from serving.requests import PostedOutcome, PostedReview

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
    """A visit or a review that was ordered: of which kind of unit, why, its list's cell or team, its minutes, and its draw.

    A drawn unit's visit is a lottery visit, whatever else would have listed it: so its outcome keeps its inclusion probability.
    """

    of: UnitKind
    kind: str
    since: int
    room: str | None = None
    planned_minutes: int | None = None
    draw: str | None = None
    inclusion_probability: float | None = None


def visit_mark(asked: PostedOutcome | PostedReview) -> str:
    """Return the mark of the visit that an outcome names, under which its outcomes are found again."""
    return _marks_of_orders(asked)[0]


def further_marks(asked: PostedOutcome | PostedReview) -> tuple[str, ...]:
    """Return the marks of whatever else an outcome says ordered its visit, under which it is found again too."""
    return _marks_of_orders(asked)[1:]


def _marks_of_orders(asked: PostedOutcome | PostedReview) -> tuple[str, ...]:
    _, unit = asked.unit
    return tuple(f"visit {order} {number} {unit}" for order, number in _orders_of(asked))


def visit_marks(
    journal: Path, asked: PostedOutcome | PostedReview, visit: OrderedVisit
) -> tuple[str, ...]:
    """Return every mark under which an outcome of the same visit may stand.

    They are those of all that the outcome names; a drawn visit is named by its plan or its draw.
    """
    name, unit = asked.unit
    marks = list(_marks_of_orders(asked))
    if visit.draw is not None:
        marks.append(f"visit draw {visit.draw} {unit}")
        lines = _lines_of_draw(journal, visit.draw, unit, KINDS[name])
        marks += [f"visit plan {line['plan']} {unit}" for line in lines]
    return tuple(dict.fromkeys(marks))


def _lines_of_draw(journal: Path, draw: str, unit: str, kind: UnitKind) -> list[Row]:
    """Return the lines of plans that list a drawn unit in the week of its draw, for the same target."""
    lines: list[Row] = []
    of_draw: dict[str, str | int] = {"draw": draw, kind.name: unit, "drawn": 1}
    for ticket in rows_where(journal, kind.draws, **of_draw):
        target, _, _ = ticket["row_id"].partition(".")
        of_unit = rows_where(journal, kind.plans, **{kind.name: unit, "week": ticket["drawn_on"]})
        lines += [line for line in of_unit if line["row_id"].startswith(f"{target}.")]
    return lines


def check_same_visit(asked: PostedOutcome | PostedReview, earlier: list[Row]) -> None:
    """Raise ActRefused where the outcome that stands is of another unit or visit: nobody else's outcome is superseded.

    Its number is not told: who may correct it has it from the answer to its own act.
    """
    if not earlier:
        return
    standing = earlier[-1]
    kind, unit = asked.unit
    order, number = _order_of(asked)
    if (standing.get(kind), standing.get(order)) != (unit, number):
        raise ActRefused(
            f"another visit has its outcome under this number; name unit and {order} as that outcome does to correct it, "
            "or give this visit a number of its own"
        )


def _order_of(asked: PostedOutcome | PostedReview) -> tuple[str, str]:
    """Return what ordered the visit of an outcome, and its number: the plan where it names several."""
    return _orders_of(asked)[0]


def _orders_of(asked: PostedOutcome | PostedReview) -> list[tuple[str, str]]:
    """Return all that an outcome says ordered its visit, each with its number, the one that decides first."""
    numbers = ((order, getattr(asked, order, None)) for order in ("plan", "draw", "alert"))
    return [(order, number) for order, number in numbers if number is not None]


def ordered_visit(journal: Path, asked: PostedOutcome | PostedReview) -> OrderedVisit:
    """Return the visit or review that an outcome names; ActRefused unless each plan, draw and alert that it names ordered it."""
    name, unit = asked.unit
    kind = KINDS[name]
    visit_of = {"plan": visit_of_plan, "draw": _of_draw, "alert": _of_alert}
    visits = [visit_of[order](journal, number, unit, kind) for order, number in _orders_of(asked)]
    return visits[0]


def plan_line(journal: Path, plan: str, unit: str, kind: UnitKind) -> Row:
    """Return the line of a plan that lists a unit; ActRefused where there is none."""
    lines = rows_where(journal, kind.plans, **{"plan": plan, kind.name: unit})
    if not lines:
        raise ActRefused(
            f"the plan that is named does not list this {kind.name}; "
            f"give the plan and the {kind.name} as `lssi plan` printed them"
        )
    return lines[-1]


def visit_of_plan(journal: Path, plan: str, unit: str, kind: UnitKind) -> OrderedVisit:
    """Return the visit, or the review, that a plan lists; ActRefused where it lists none of the unit."""
    line = plan_line(journal, plan, unit, kind)
    ticket = _ticket_of(journal, line, kind)
    return OrderedVisit(
        of=kind,
        kind="lottery" if ticket else KIND_OF.get(line["why"], "routine"),
        since=day_of(line["week"]),
        room=line[kind.room],
        planned_minutes=line["planned_minutes"],
        draw=ticket["draw"] if ticket else None,
        inclusion_probability=ticket["inclusion_probability"] if ticket else None,
    )


def _ticket_of(journal: Path, line: Row, kind: UnitKind) -> Row | None:
    """Return the row of the draw that took the unit of a plan's line: of the same target and week."""
    drawn = rows_where(journal, kind.draws, **{kind.name: line[kind.name], "drawn": 1})
    # the id of a journal's row begins with its target, and other targets have draws of the same week
    target, _, _ = line["row_id"].partition(".")
    of_week = [
        ticket
        for ticket in drawn
        if ticket["drawn_on"] == line["week"] and ticket["row_id"].startswith(f"{target}.")
    ]
    return of_week[-1] if of_week else None


def _of_draw(journal: Path, draw: str, unit: str, kind: UnitKind) -> OrderedVisit:
    of_unit: dict[str, str | int] = {kind.name: unit, "drawn": 1}
    tickets = rows_where(journal, kind.draws, draw=draw, **of_unit)
    if not tickets:
        raise ActRefused(
            f"the draw that is named did not take this {kind.name}; "
            f"give draw and {kind.name} as the plan's draw has them"
        )
    ticket = tickets[-1]
    return OrderedVisit(
        of=kind,
        kind="lottery",
        since=day_of(ticket["drawn_on"]),
        draw=draw,
        inclusion_probability=ticket["inclusion_probability"],
    )


def _of_alert(journal: Path, alert: str, unit: str, kind: UnitKind) -> OrderedVisit:
    alerts = [row for row in alert_rows(journal, alert) if row.get(kind.name) == unit]
    if not alerts:
        raise ActRefused(
            f"the alert that is named is not of this {kind.name}; "
            f"give alert and {kind.name} as `lssi alerts` printed them"
        )
    return OrderedVisit(of=kind, kind="alert", since=day_of(alerts[-1]["issued_on"]))
