"""Decisions about a plan's lines and alerts: an override or an acceptance with its reason, an acknowledgement."""

from __future__ import annotations

from features.calendar import day_of
from models.policy.plan_unit import KINDS
from serving.errors import ActRefused, TeamRefused
from serving.ledger.entries import Receipt
from serving.loop.act_once import Deed, Doer, Loop, carried_out, one_row
from serving.loop.alert_index import alert_rows
from serving.loop.journal_rows import is_marked
from serving.loop.responsible_team import check_team, team_of_room
from serving.loop.visits import plan_line
from serving.requests import AcknowledgedAlert, DecidedLine

NO_ALERT = "no alert of this number went to this team; see its alerts"
"""What is said of an alert that never was and of another's alike."""


def decide_line(loop: Loop, asked: DecidedLine, doer: Doer) -> Receipt:
    """Record that a team overrides or accepts a line of a plan, with its reason; a later decision on the line replaces it.

    ActRefused where the plan does not list the unit, TeamRefused for a team of another cell or list.
    """
    name, unit = asked.unit
    kind = KINDS[name]

    def check() -> None:
        line = plan_line(loop.journal, asked.plan, unit, kind)
        responsible = team_of_room(loop.store, kind, line[kind.room], doer.day)
        check_team(doer.team, responsible, doer.day)

    deed = Deed(
        what="override",
        asked=asked.model_dump(mode="json"),
        table=kind.overrides,
        marks=(f"line {asked.plan} {unit}",),
        check=check,
        rows=lambda recorded: one_row(
            {
                "plan": asked.plan,
                kind.name: unit,
                "overridden_on": recorded.day,
                "reason": asked.reason,
                "decision": asked.decision,
            }
        ),
    )
    return carried_out(loop, deed, doer)


def acknowledge_alert(loop: Loop, asked: AcknowledgedAlert, doer: Doer) -> Receipt:
    """Record that the team of an alert has it; ActRefused where there is no such alert, or it was acknowledged."""

    def check() -> None:
        alerts = alert_rows(loop.journal, asked.alert)
        if not alerts or (doer.team is not None and alerts[-1]["team"] != doer.team):
            # one answer for both: a team is not told which alerts others have
            raise TeamRefused(NO_ALERT)
        if is_marked(loop.journal, "acknowledgements", f"alert {asked.alert}"):
            raise ActRefused("this alert is acknowledged; an alert is acknowledged once")
        if doer.day < day_of(alerts[-1]["issued_on"]):
            raise ActRefused(
                "an alert is acknowledged no earlier than the day on which it was issued"
            )

    deed = Deed(
        what="acknowledgement",
        asked=asked.model_dump(mode="json"),
        table="acknowledgements",
        marks=(f"alert {asked.alert}",),
        check=check,
        rows=lambda recorded: one_row({"alert": asked.alert, "acknowledged_on": recorded.day}),
    )
    return carried_out(loop, deed, doer)
