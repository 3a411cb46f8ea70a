"""A crossing: a unit that a rule of alerts names as of a day, under a number that its rows give it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from features.matches.find import Match
from serving.alerts.alert_rules import AlertRule
from serving.ledger.entries import canonical, sha256_of

_NUMBER = 20
"""Hex digits of an alert's number; a choice: 80 bits, so that two alerts never share one."""


@dataclass(frozen=True, slots=True)
class Answerable:
    """Who answers for a unit on a day: its grid cell where it lies in one, and the team; None where no team does."""

    cell: str | None
    team: str | None


@dataclass(frozen=True, slots=True)
class Crossing:
    """A unit that crosses a rule as of a day, who answers for it, and the match by which it does; None where its score does."""

    rule: AlertRule
    unit: str
    as_of: int
    rests_on: Mapping[str, Any]
    answerable: Answerable
    match: Match | None = None

    @property
    def number(self) -> str:
        """The number of the alert: the same rule, unit and rows always have the same."""
        content = [self.rule.name, self.unit, self.rests_on]
        return sha256_of(canonical(content))[:_NUMBER]
