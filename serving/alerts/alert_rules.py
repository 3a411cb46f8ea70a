"""The declared rules of alerts, each in force on its days."""

from __future__ import annotations

from importlib import resources
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from features.calendar import date_of
from features.errors import PolicyError
from features.matches.declared import kinds
from models.optimum.rule_table import (
    EntryList,
    PositiveCount,
    RuleDay,
    RuleTable,
    RuleText,
    ShortText,
)
from models.optimum.toml_table import toml_table

MOST_EXPECTED = 1e12
"""Workers or yuan that a rule may ask for at most; a choice: no unit owes as much."""
Few = Annotated[int, Field(ge=0, le=3_660)]


class MatchRule(RuleTable):
    """Alert of matches of a kind whose two numbers differ by `least`, the last row of which became known within days."""

    kind: str
    least: PositiveCount
    new_days: Annotated[int, Field(ge=1, le=366)]


class ScoreRule(RuleTable):
    """Alert of units whose probability and expected number reach these, and what to check on site.

    The number is of the workers of an enterprise, or of the yuan that a review of a claim or provider may recover.
    """

    target: ShortText
    probability: Annotated[float, Field(gt=0, le=1)]
    expected: Annotated[float, Field(ge=0, le=MOST_EXPECTED)]
    check_zh: RuleText
    check_en: RuleText


class AlertRule(RuleTable):
    """One dated rule: of which kind of unit and which violation it warns, and by a match or a score."""

    name: Annotated[str, Field(pattern=r"^[a-z0-9-]{1,64}$")]
    first_day: RuleDay
    last_day: RuleDay | None = None
    zh: RuleText
    en: RuleText
    unit: Literal["enterprise", "claim", "provider"] = "enterprise"
    violation: Annotated[int, Field(ge=1, le=5)]
    rest_days: Few
    match: MatchRule | None = None
    score: ScoreRule | None = None

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if (self.match is None) == (self.score is None):
            raise ValueError("a rule alerts by a match or by a score: give one of the two tables")
        if self.match is not None and self.match.kind not in kinds():
            raise ValueError(f"match.kind should be one of {', '.join(kinds())}")
        if self.last_day is not None and self.last_day < self.first_day:
            raise ValueError("last_day should not lie before first_day")
        return self

    def in_force(self, day: int) -> bool:
        """Tell whether the rule is in force on a day."""
        today = date_of(day)
        return self.first_day <= today and (self.last_day is None or today <= self.last_day)


class AlertRules(RuleTable):
    """The whole file."""

    rule: EntryList[AlertRule]


def alert_rules_of(text: str) -> tuple[AlertRule, ...]:
    """Return the rules that a TOML text declares; PolicyError naming the first wrong line, or a name that stands twice."""
    rules = toml_table(AlertRules, text, what="rules of alerts", error=PolicyError).rule
    names = [rule.name for rule in rules]
    repeated = [name for name in names if names.count(name) > 1]
    if repeated:
        raise PolicyError(f"rules of alerts: {repeated[0]!r} stands twice; name each rule once")
    return rules


def alert_rules_on(day: int) -> list[AlertRule]:
    """Return the published rules that are in force on a day."""
    text = resources.files("serving.alerts").joinpath("alerts.toml").read_text("utf-8")
    return [rule for rule in alert_rules_of(text) if rule.in_force(day)]
