"""Duties: which visits need an inspector, which an assistant may make alone, and which both make together."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Literal, Self, get_args

from pydantic import Field, model_validator

from models.optimum.rule_table import EntryList, RuleCount, RuleTable

MemberRole = Literal["full_time", "part_time", "assistant"]
MadeBy = Literal["inspector", "assistant", "both"]
VisitWhy = Literal["complaint", "exposure", "score", "lottery"]
INSPECTOR, ASSISTANT, BOTH = "inspector", "assistant", "both"
PERCENT_OF = {INSPECTOR: 100, ASSISTANT: 0, BOTH: 50}
"""By who makes a visit the percent of its person-minutes that only an inspector may give: of two persons one is one."""
UNLIMITED = 10**9
"""Stands for the minutes of inspectors where a rule set declares no duties: more than any week of a city has."""


def inspector_minutes(minutes: int, percent: int) -> int:
    """Return the whole minutes of a visit that an inspector gives, rounded up.

    >>> inspector_minutes(241, 50), inspector_minutes(240, 0)
    (121, 0)
    """
    return -(-minutes * percent // 100)


class VisitDuty(RuleTable):
    """Who makes some visits: those of the reasons named, to firms of at most so many staff; left out, of all."""

    made_by: MadeBy
    why: Annotated[EntryList[VisitWhy], Field(min_length=1)] | None = None
    staff_up_to: RuleCount | None = None

    def fits(self, why: str, staff: int) -> bool:
        """Tell whether a visit is one of these."""
        is_for_reason = self.why is None or why in self.why
        return is_for_reason and (self.staff_up_to is None or staff <= self.staff_up_to)

    def can_hold_after(self, earlier: Sequence[VisitDuty]) -> bool:
        """Tell whether some visit fits this row and none of those before it."""
        # whatever the row fits, the largest staff of it fits fewest of the others
        largest = UNLIMITED if self.staff_up_to is None else self.staff_up_to
        reasons = self.why or get_args(VisitWhy)
        return any(not any(row.fits(why, largest) for row in earlier) for why in reasons)


class Duties(RuleTable):
    """The roles of inspectors and assistants, and by the first row that fits who makes a visit.

    An inspector may do whatever an assistant may, and stand in for one.
    """

    inspector: EntryList[MemberRole] = Field(min_length=1)
    assistant: EntryList[MemberRole] = Field(min_length=1)
    visits: EntryList[VisitDuty] = Field(alias="visit", min_length=1)

    @model_validator(mode="after")
    def _is_whole(self) -> Self:
        both = set(self.inspector) & set(self.assistant)
        if both:
            raise ValueError(f"a role is an inspector's or an assistant's; {min(both)} is both")
        last = self.visits[-1]
        if last.why is not None or last.staff_up_to is not None:
            raise ValueError("the last row of duty.visit should fit any visit; drop its conditions")
        for place, row in enumerate(self.visits):
            if not row.can_hold_after(self.visits[:place]):
                raise ValueError(
                    f"row {place + 1} of duty.visit can never hold, for rows before it fit all of its visits; put it "
                    "before them or take it out"
                )
        return self

    def made_by(self, why: str, staff: int) -> MadeBy:
        """Return who makes a visit."""
        return next(row.made_by for row in self.visits if row.fits(why, staff))

    def percent_of(self, why: str, staff: int) -> int:
        """Return the percent of a visit's minutes that only an inspector may give."""
        return PERCENT_OF[self.made_by(why, staff)]

    def roles_needed(self) -> dict[str, tuple[MemberRole, ...]]:
        """Return by duty, of those that the rows name, the roles that have it."""
        named = {row.made_by for row in self.visits}
        roles: dict[str, tuple[MemberRole, ...]] = {}
        if named & {INSPECTOR, BOTH}:
            roles[INSPECTOR] = self.inspector
        if named & {ASSISTANT, BOTH}:
            roles[ASSISTANT] = self.assistant
        return roles
