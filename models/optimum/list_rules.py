"""The tables of a rule set that every list needs, whatever its units: the lottery, the minutes of a visit, those of a team."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from itertools import pairwise
from typing import Annotated, Any, Protocol, Self

from pydantic import Field, model_validator

from models.optimum.city_rules import GroupFloors, Solver, Statutory, Travel
from models.optimum.duty_rules import Duties
from models.optimum.rule_table import EntryList, Minutes, Percent, RuleCount, RuleTable, ShortText


class Lottery(RuleTable):
    """The share of a cell's minutes that the lottery spends in expectation, 0 for none, and the longest drawn visit."""

    percent: Annotated[int, Field(ge=0, le=30)]
    longest: Minutes


class StaffStep(RuleTable):
    """Person-minutes of a visit up to a number of staff."""

    up_to: RuleCount
    minutes: Minutes


class VisitMinutes(RuleTable):
    """Person-minutes of a visit by the number of staff, the largest that the declared features tell.

    Of a claim the features tell the lines of its bill in place of staff.
    """

    staff: EntryList[ShortText] = Field(min_length=1)
    steps: EntryList[StaffStep] = Field(alias="minutes")
    more: Minutes

    @model_validator(mode="after")
    def _rises(self) -> Self:
        for before, after in pairwise(self.steps):
            if after.up_to <= before.up_to:
                raise ValueError(
                    f"minutes should have rows in rising order of up_to, or a row never holds; got {after.up_to} after "
                    f"{before.up_to}; sort the rows and keep one of each up_to"
                )
        lengths = [*(step.minutes for step in self.steps), self.more]
        for shorter, longer in pairwise(lengths):
            if longer < shorter:
                raise ValueError(
                    f"a visit to more staff should take no fewer minutes; got {longer} after {shorter}; correct minutes "
                    "or more"
                )
        return self

    def minutes_of(self, staff: int) -> int:
        """Return the person-minutes of a visit to so many staff."""
        return next((step.minutes for step in self.steps if staff <= step.up_to), self.more)


class FieldShare(RuleTable):
    """The percent of a member's weekly minutes that go into planned visits, by role."""

    full_time: Percent
    part_time: Percent
    assistant: Percent


class ListRules(Protocol):
    """What a rule set says of lists: of visits to enterprises, or of reviews of claims and providers."""

    @property
    def rule(self) -> str:
        """Its name."""

    @property
    def last_day(self) -> date | None:
        """The last day of its force, None while it lasts."""

    @property
    def zh(self) -> str:
        """What it says, in Chinese."""

    @property
    def en(self) -> str:
        """The same in English."""

    @property
    def digest(self) -> str:
        """SHA-256 over its values, as hex."""

    @property
    def lottery(self) -> Lottery:
        """The share of the lottery."""

    @property
    def visit(self) -> VisitMinutes:
        """How long a visit takes."""

    @property
    def field(self) -> FieldShare:
        """How much of a member's week goes into visits."""

    @property
    def duty(self) -> Duties | None:
        """Who makes which visits, None where anybody of a team makes any."""

    @property
    def statutory(self) -> Statutory:
        """How much of the minutes goes before visits by score."""

    @property
    def floors(self) -> GroupFloors:
        """The least visits of groups."""

    @property
    def travel(self) -> Travel:
        """The minutes on the road."""

    @property
    def solver(self) -> Solver:
        """How near its bound a plan comes."""

    def model_copy(self, *, update: Mapping[str, Any] | None = None, deep: bool = False) -> Self:
        """Return the same rule set with other values of some tables."""
