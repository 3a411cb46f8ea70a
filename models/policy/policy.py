"""The dated policy: rule sets that a domain expert can read and change, in `rules/*.toml`."""

from __future__ import annotations

import hashlib
import tomllib
from datetime import date
from importlib import resources
from typing import Annotated

from pydantic import Field, ValidationError

from features.calendar import date_of, day_of
from features.errors import PolicyError
from models.optimum.city_rules import Exchange, Floors, Solver, Statutory, Travel
from models.optimum.rule_table import Days, Minutes, Percent, RuleTable, Weight


class Grade(RuleTable):
    """One class of the appraisal: the facts it allows and the weight of a routine visit."""

    name: str
    weight: Weight
    sanctions_at_most: int | None = None
    grave_at_most: int | None = None

    def holds(self, sanctions: int, grave: int) -> bool:
        """Say whether so many sanctions and grave acts still are this class."""
        return (self.sanctions_at_most is None or sanctions <= self.sanctions_at_most) and (
            self.grave_at_most is None or grave <= self.grave_at_most
        )


class Appraisal(RuleTable):
    """How the record of the last `years` becomes a class."""

    years: Annotated[int, Field(ge=1, le=10)]
    unappraised: Weight
    grades: tuple[Grade, ...] = Field(alias="class", min_length=1)

    def class_of(self, *, sanctions: int, grave: int) -> str:
        """Return the class that facts found give: the first row whose conditions hold."""
        return next(grade.name for grade in self.grades if grade.holds(sanctions, grave))

    def weight_of(self, name: str | None) -> float:
        """Return how much a routine visit counts in a class; a class of another rule counts as unappraised."""
        return next((grade.weight for grade in self.grades if grade.name == name), self.unappraised)


class Medal(RuleTable):
    """For how long a medal waives routine visits where its last day is not given."""

    days: Days


class Exposure(RuleTable):
    """For how long, how often and how much a public exposure intensifies inspection."""

    days: Days
    visit_every: Days
    weight: Weight


class Complaint(RuleTable):
    """For how long a complaint waits for a visit."""

    days: Days


class Routine(RuleTable):
    """How long a unit rests after a visit."""

    rest: Days


class Lottery(RuleTable):
    """The share of a cell's minutes that the lottery spends in expectation, and the longest drawn visit."""

    percent: Annotated[int, Field(ge=1, le=50)]
    longest: Minutes


class StaffStep(RuleTable):
    """Person-minutes of a visit up to a number of staff."""

    up_to: Annotated[int, Field(ge=0)]
    minutes: Minutes


class VisitMinutes(RuleTable):
    """Person-minutes of a visit by the number of staff, the largest that the declared features tell."""

    staff: tuple[str, ...]
    steps: tuple[StaffStep, ...] = Field(alias="minutes")
    more: Minutes

    def minutes_of(self, staff: int) -> int:
        """Return the person-minutes of a visit to so many staff."""
        return next((step.minutes for step in self.steps if staff <= step.up_to), self.more)


class FieldShare(RuleTable):
    """The percent of a member's weekly minutes that go into planned visits, by role."""

    full_time: Percent
    part_time: Percent
    assistant: Percent


class Policy(RuleTable):
    """One dated rule set."""

    rule: str
    first_day: date
    zh: str
    en: str
    appraisal: Appraisal
    medal: Medal
    exposure: Exposure
    complaint: Complaint
    routine: Routine
    lottery: Lottery
    visit: VisitMinutes
    field: FieldShare
    statutory: Statutory
    floors: Floors
    travel: Travel
    exchange: Exchange
    solver: Solver

    @property
    def digest(self) -> str:
        """SHA-256 over the rule set's values, as hex."""
        return hashlib.sha256(self.model_dump_json(by_alias=True).encode()).hexdigest()


def policy_of(text: str) -> Policy:
    """Return the rule set that a TOML text declares; raise PolicyError naming the first wrong line."""
    try:
        policy = Policy.model_validate(tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        raise PolicyError(f"a rule set should be TOML; {error}") from None
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        raise PolicyError(f"rule set: {'.'.join(map(str, first['loc']))}: {first['msg']}") from None
    if not policy.appraisal.grades[-1].holds(10**9, 10**9):
        raise PolicyError(
            f"rule set {policy.rule!r}: the last class should hold for any record; drop its conditions"
        )
    return policy


def policies() -> tuple[Policy, ...]:
    """Return the published rule sets in the order of their first day."""
    folder = resources.files("models.policy").joinpath("rules")
    published = [
        policy_of(entry.read_text("utf-8"))
        for entry in folder.iterdir()
        if entry.name.endswith(".toml")
    ]
    return tuple(sorted(published, key=lambda policy: policy.first_day))


def policy_on(day: int) -> Policy:
    """Return the rule set in force on a day; raise PolicyError before the first."""
    published = policies()
    in_force = [policy for policy in published if day_of(policy.first_day) <= day]
    if not in_force:
        first = published[0].first_day
        raise PolicyError(f"no rule set is in force on {date_of(day)}; the first begins on {first}")
    return in_force[-1]
