"""What the journal says of a week: a page of the lines of its plans, and why an enterprise is on a list or on none."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from itertools import islice
from pathlib import Path
from typing import Any

from features.calendar import date_of, day_of
from models.policy.capacity import monday_of
from models.policy.plan_text import WHY_WORDS
from models.policy.week import week_of
from serving.answers import PRIORITY_ONLY
from serving.errors import PlanUnknown
from serving.gate.questions import AskedWhy, PlanOfWeek
from serving.gate.read_answers import PlanPage, WhyListed
from serving.loop.planned_lines import PlannedLine, lines_behind, planned_lines, tickets_of
from serving.loop.responsible_team import cell_of_unit, check_team, team_of_cell
from serving.scoring.day_reasons import day_reasons
from serving.scoring.scorer import Scorer

NO_SEED = "0"
"""The seed of a week of which only the day is asked that it is seen from."""


def plan_page(scorer: Scorer, journal: Path, asked: PlanOfWeek, team: str | None) -> PlanPage:
    """Return one page of the lines of a week's plans, of a team's cells alone where one asks; PlanUnknown without a plan."""
    monday = monday_of(day_of(asked.week))
    lines = planned_lines(scorer.store, journal, monday)
    if not lines:
        raise _unknown(monday)
    wanted = (line for line in lines_behind(lines, asked.after) if _is_asked(line, asked, team))
    # one more than a page has says whether another follows
    page = list(islice(wanted, asked.limit + 1))
    shown = page[: asked.limit]
    cursor = shown[-1].row_id if len(page) > len(shown) else None
    content = {"week": date_of(monday), "lines": _plain_lines(shown), "cursor": cursor}
    return PlanPage.model_validate(content)


def _is_asked(line: PlannedLine, asked: PlanOfWeek, team: str | None) -> bool:
    wanted = ((asked.target, line.target), (asked.cell, line.cell), (team, line.team))
    return all(value is None or value == of_line for value, of_line in wanted)


def _plain_lines(lines: Sequence[PlannedLine]) -> list[dict[str, Any]]:
    plain = []
    for line in lines:
        content = asdict(line)
        del content["row_id"]
        plain.append({**content, "why_words": WHY_WORDS[line.why]})
    return plain


def why_listed_in_week(
    scorer: Scorer, journal: Path, asked: AskedWhy, team: str | None
) -> WhyListed:
    """Return whether an enterprise is on a list of the week, its tickets, and the reasons of its score as of that week.

    UnknownId for one that the register of the day lacks, TeamRefused where another team answers for it, PlanUnknown
    without a plan.
    """
    store = scorer.store
    bundle = scorer.bundle(asked.target, "enterprise")
    monday = monday_of(day_of(asked.week))
    cell = cell_of_unit(store, "enterprise", asked.enterprise, monday)
    check_team(team, team_of_cell(store, cell, monday), monday)
    of_target = [
        line for line in planned_lines(store, journal, monday) if line.target == asked.target
    ]
    tickets = tickets_of(journal, monday, asked.target, asked.enterprise)
    if not of_target and not tickets:
        raise _unknown(monday)
    lines = [line for line in of_target if line.enterprise == asked.enterprise]
    as_of = week_of(store, monday, NO_SEED).as_of
    return WhyListed.model_validate(
        {
            "enterprise": asked.enterprise,
            "target": asked.target,
            "week": date_of(monday),
            "as_of": date_of(as_of),
            "listed": bool(lines),
            "lines": _plain_lines(lines),
            "tickets": [asdict(ticket) for ticket in tickets],
            "reasons": day_reasons(store, bundle, as_of, asked.enterprise),
            "priority_only": PRIORITY_ONLY,
        }
    )


def _unknown(monday: int) -> PlanUnknown:
    return PlanUnknown(
        f"no plan of the week of {date_of(monday)} is in the journal; make one with `lssi plan SOURCE --week D`"
    )
