"""What a visit found comes back: one outcome a visit, of a visit that was ordered, corrected by name only."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import chain
from typing import Any

from features.calendar import date_of, day_of
from features.contract.tables import contract
from features.ingest.posted_outcomes import VIOLATIONS
from serving.errors import ActRefused
from serving.ledger.entries import Receipt
from serving.loop.act_once import ActRecord, Deed, Doer, Loop, carried_out, one_row
from serving.loop.journal_rows import Row, marked_rows
from serving.loop.responsible_team import check_team, team_of_room, team_of_unit
from serving.loop.visits import (
    OrderedVisit,
    check_same_visit,
    further_marks,
    ordered_visit,
    visit_mark,
    visit_marks,
)
from serving.requests import PostedOutcome, PostedReview


def post_outcome(loop: Loop, asked: PostedOutcome, doer: Doer) -> Receipt:
    """Record what a visit found; its labels are known from the day of the act on.

    ActRefused where no plan, draw or alert ordered the visit, or it has an outcome that this one does not supersede.
    """
    deed = Deed(
        what="outcome",
        asked=asked.model_dump(mode="json"),
        table="outcomes",
        marks=(f"inspection {asked.inspection}", visit_mark(asked)),
        check=lambda: _check(loop, asked, doer),
        rows=lambda recorded: one_row(_columns(loop, asked, recorded)),
        further_marks=further_marks(asked),
    )
    return carried_out(loop, deed, doer)


def _check(loop: Loop, asked: PostedOutcome, doer: Doer) -> None:
    visit = ordered_visit(loop.journal, asked)
    check_team_of_visit(loop, asked, visit, doer)
    _check_days(asked, visit, doer)
    earlier = marked_rows(loop.journal, "outcomes", f"inspection {asked.inspection}")
    if is_told_by_source(loop, "inspections", asked.inspection, earlier):
        raise ActRefused(
            "the source itself holds this inspection, and its rows tell what it found; correct them there or by `lssi appeal`"
        )
    check_same_visit(asked, earlier)
    check_succession(asked.supersedes, earlier, "inspection")
    marks = visit_marks(loop.journal, asked, visit)
    of_visit = chain.from_iterable(marked_rows(loop.journal, "outcomes", mark) for mark in marks)
    others = {row["inspection"] for row in of_visit} - {asked.inspection}
    if others:
        raise ActRefused(
            f"this visit has its outcome under inspection {min(others)!r}; send a correction of that one"
        )


def check_team_of_visit(
    loop: Loop, asked: PostedOutcome | PostedReview, visit: OrderedVisit, doer: Doer
) -> None:
    """Raise TeamRefused unless the team that acts has the unit on its list, or answers for it where no list names it."""
    kind, unit = asked.unit
    if visit.room is None:
        responsible = team_of_unit(loop.store, kind, unit, doer.day)
    else:
        responsible = team_of_room(loop.store, visit.of, visit.room, doer.day)
    check_team(doer.team, responsible, doer.day)


def _check_days(asked: PostedOutcome, visit: OrderedVisit, doer: Doer) -> None:
    """Raise ActRefused unless a visit was opened once it was ordered, and closed by the day of the act."""
    days = [visit.since, day_of(asked.opened), day_of(asked.closed_on), doer.day]
    if days != sorted(days):
        raise ActRefused(
            "a visit should be opened from the day it was ordered, closed no earlier, and posted no earlier than closed; "
            f"it was ordered on {date_of(visit.since)}, and this is posted on {date_of(doer.day)}"
        )


def is_told_by_source(loop: Loop, table: str, subject: str, earlier: list[Row]) -> bool:
    """Tell whether the source has rows of an inspection, or reviews of a claim, beside those of the outcomes before."""
    store = loop.store
    if not store.has(table):
        return False
    [key] = contract()[table].key
    code = store.dictionary(key).code(subject)
    if code is None:
        return False
    rows = store.rows(table, by=key, low=code, high=code + 1, columns=("row_id",))
    return bool(set(rows["row_id"]) - {row["row_id"] for row in earlier})


def check_succession(supersedes: str | None, earlier: list[Row], of: str) -> None:
    """Raise ActRefused unless an outcome is the first of its inspection or review, or supersedes the one that stands."""
    standing = earlier[-1]["outcome"] if earlier else None
    if supersedes == standing:
        return
    if standing is None:
        raise ActRefused(
            f"there is no outcome of this {of} to supersede; send it without supersedes"
        )
    raise ActRefused(
        f"this {of} has an outcome, record {standing}; to correct it send supersedes = {standing!r}"
    )


def _columns(loop: Loop, asked: PostedOutcome, recorded: ActRecord) -> Mapping[str, Any]:
    """Return the row of `outcomes`."""
    visit = ordered_visit(loop.journal, asked)
    row: dict[str, Any] = {
        "inspection": asked.inspection,
        "alert": asked.alert,
        "enterprise": asked.enterprise,
        "provider": asked.provider,
        "closed_on": day_of(asked.closed_on),
        "outcome": recorded.record_id,
        "supersedes": asked.supersedes,
        "plan": asked.plan,
        "kind": visit.kind,
        "planned_minutes": visit.planned_minutes,
        "spent_minutes": asked.spent_minutes,
        "opened": day_of(asked.opened),
        "staff_on_site": asked.staff_on_site,
        "draw": visit.draw,
        "inclusion_probability": visit.inclusion_probability,
        "workers_total": asked.workers_total,
    }
    return {**row, **_of_violations(asked)}


def _of_violations(asked: PostedOutcome) -> dict[str, int | None]:
    """Return the columns of an outcome that it has for each violation, and the workers of any."""
    finding_of = {one.violation: one for one in asked.found}
    columns: dict[str, int | None] = {}
    for violation in VIOLATIONS:
        finding = finding_of.get(violation)
        columns[f"examined_{violation}"] = int(violation in asked.examined)
        columns[f"found_{violation}"] = int(finding is not None)
        columns[f"workers_{violation}"] = finding.workers if finding else None
        columns[f"amount_{violation}"] = finding.amount if finding else None
    numbers = [one.workers for one in asked.found if one.workers is not None]
    return {**columns, "workers_in_violation": max(numbers, default=None)}
