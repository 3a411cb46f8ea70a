"""The tables of a rule set that the plan of the whole city needs: shares, floors, travel, exchange and gap."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Protocol

from pydantic import Field, field_validator

from models.optimum.rule_table import Minutes, Percent, RuleCount, RuleTable, Weight

SMALL, RURAL = "small", "rural"
GROUPS = (SMALL, RURAL)
"""The groups of enterprises that a floor can name."""
SCHEME_WORDS = {
    "pension": "养老 pension",
    "medical": "医疗 medical",
    "unemployment": "失业 unemployment",
    "injury": "工伤 work injury",
    "maternity": "生育 maternity",
    "other": "其他 other schemes",
}
"""The schemes of claims, by the word of the contract."""
MOST_YUAN = 100_000_000
"""Yuan of one worker or review at most; a choice: far more than anybody owes for one."""
GROUP_WORDS = {SMALL: "小企业 small firms", RURAL: "农村企业 rural firms", **SCHEME_WORDS}


class Grouped(Protocol):
    """What decides to which groups a unit belongs."""

    @property
    def staff(self) -> int:
        """Its staff."""

    @property
    def rural(self) -> bool:
        """Whether it lies in the country."""

    @property
    def scheme(self) -> str:
        """The scheme of a claim, empty of any other unit."""


class GroupFloors(Protocol):
    """The floors of a rule set: which groups have one, how much, and which of them a unit belongs to."""

    @property
    def groups(self) -> tuple[str, ...]:
        """The groups that have a floor."""

    def percent_of(self, group: str) -> int:
        """Return the floor of a group."""

    def groups_of(self, unit: Grouped) -> tuple[str, ...]:
        """Return the groups to which a unit belongs."""


class Statutory(RuleTable):
    """The percent of a cell's minutes up to which complaints and due exposures go before scored visits."""

    percent: Percent


class Floors(RuleTable):
    """The least visits of a group, in percent of those that a random plan of the same minutes would make to it."""

    small_up_to: RuleCount
    small: Percent
    rural: Percent

    def percent_of(self, group: str) -> int:
        """Return the floor of a group."""
        return {SMALL: self.small, RURAL: self.rural}[group]

    @property
    def groups(self) -> tuple[str, ...]:
        """The groups that have a floor."""
        return GROUPS

    def groups_of(self, unit: Grouped) -> tuple[str, ...]:
        """Return the groups to which a unit belongs."""
        is_member = {SMALL: unit.staff <= self.small_up_to, RURAL: unit.rural}
        return tuple(group for group in GROUPS if is_member[group])


class SchemeFloors(RuleTable):
    """The least reviews of claims of a scheme, in percent of those that a random plan of the same minutes would make to it."""

    scheme: Mapping[str, Percent] = {}

    @field_validator("scheme")
    @classmethod
    def _known(cls, percents: Mapping[str, int]) -> Mapping[str, int]:
        unknown = [scheme for scheme in percents if scheme not in SCHEME_WORDS]
        if unknown:
            raise ValueError(f"should name among {', '.join(SCHEME_WORDS)}; got {unknown[0]!r}")
        return percents

    @property
    def groups(self) -> tuple[str, ...]:
        """The schemes that have a floor."""
        return tuple(sorted(self.scheme))

    def percent_of(self, group: str) -> int:
        """Return the floor of a scheme."""
        return self.scheme[group]

    def groups_of(self, unit: Grouped) -> tuple[str, ...]:
        """Return the scheme of a unit where it has a floor."""
        return (unit.scheme,) if unit.scheme in self.scheme else ()


class Travel(RuleTable):
    """Person-minutes on the road: so many a kilometre between the unit and the centre of its cell, at most `most`."""

    minutes_per_km: Weight
    most: Minutes


class Exchange(RuleTable):
    """How many yuan recovered are worth one worker newly covered."""

    yuan_per_worker: Annotated[int, Field(ge=1, le=MOST_YUAN)]


class Solver(RuleTable):
    """How far from its bound a plan may stay, in percent, and after how many steps the search for a better one ends."""

    gap_percent: Annotated[float, Field(gt=0, le=10, allow_inf_nan=False)]
    nodes: Annotated[int, Field(ge=1, le=1_000_000)]
