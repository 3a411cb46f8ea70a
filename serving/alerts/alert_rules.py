"""The declared rules of alerts, each in force on its days."""

from __future__ import annotations

import tomllib
from datetime import date
from importlib import resources
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from features.calendar import date_of
from features.errors import PolicyError
from features.matches.declared import kinds

Few = Annotated[int, Field(ge=0, le=3_660)]


class AlertTable(BaseModel):
    """A table of the rules: frozen, nothing unknown in it."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


class MatchRule(AlertTable):
    """Alert of matches of a kind whose two numbers differ by `least`, the last row of which became known within days."""

    kind: str
    least: Annotated[int, Field(ge=1)]
    new_days: Annotated[int, Field(ge=1, le=366)]


class ScoreRule(AlertTable):
    """Alert of units whose probability and expected number reach these, and what to check on site.

    The number is of the workers of an enterprise, or of the yuan that a review of a claim or provider may recover.
    """

    target: str
    probability: Annotated[float, Field(gt=0, le=1)]
    expected: Annotated[float, Field(ge=0)]
    check_zh: str
    check_en: str


class AlertRule(AlertTable):
    """One dated rule: of which kind of unit and which violation it warns, and by a match or a score."""

    name: Annotated[str, Field(pattern=r"^[a-z0-9-]{1,64}$")]
    first_day: date
    last_day: date | None = None
    zh: str
    en: str
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


class AlertRules(AlertTable):
    """The whole file."""

    rule: tuple[AlertRule, ...]


def alert_rules_of(text: str) -> tuple[AlertRule, ...]:
    """Return the rules that a TOML text declares; PolicyError naming the first wrong line, or a name that stands twice."""
    try:
        rules = AlertRules.model_validate(tomllib.loads(text)).rule
    except tomllib.TOMLDecodeError as error:
        raise PolicyError(f"the rules of alerts should be TOML; {error}") from None
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
        place = ".".join(map(str, first["loc"]))
        raise PolicyError(f"rules of alerts: {place}: {first['msg']}") from None
    names = [rule.name for rule in rules]
    repeated = [name for name in names if names.count(name) > 1]
    if repeated:
        raise PolicyError(f"rules of alerts: {repeated[0]!r} stands twice; name each rule once")
    return rules


def alert_rules_on(day: int) -> list[AlertRule]:
    """Return the published rules that are in force on a day."""
    text = resources.files("serving.alerts").joinpath("alerts.toml").read_text("utf-8")
    return [rule for rule in alert_rules_of(text) if rule.in_force(day)]
