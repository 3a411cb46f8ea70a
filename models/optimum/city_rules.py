"""The tables of a rule set that the plan of the whole city needs: shares, floors, travel, exchange and gap."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from models.optimum.rule_table import Minutes, Percent, RuleTable, Weight

SMALL, RURAL = "small", "rural"
GROUPS = (SMALL, RURAL)
"""The groups that a floor can name."""
GROUP_WORDS = {SMALL: "小企业 small firms", RURAL: "农村企业 rural firms"}


class Statutory(RuleTable):
    """The percent of a cell's minutes up to which complaints and due exposures go before scored visits."""

    percent: Percent


class Floors(RuleTable):
    """The least visits of a group, in percent of those that a random plan of the same minutes would make to it."""

    small_up_to: Annotated[int, Field(ge=0)]
    small: Percent
    rural: Percent

    def percent_of(self, group: str) -> int:
        """Return the floor of a group."""
        return {SMALL: self.small, RURAL: self.rural}[group]


class Travel(RuleTable):
    """Person-minutes on the road: so many a kilometre between the unit and the centre of its cell, at most `most`."""

    minutes_per_km: Weight
    most: Minutes


class Exchange(RuleTable):
    """How many yuan recovered are worth one worker newly covered."""

    yuan_per_worker: Annotated[int, Field(ge=1)]


class Solver(RuleTable):
    """How far from its bound a plan may stay, in percent, and after how many steps the search for a better one ends."""

    gap_percent: Annotated[float, Field(gt=0, le=10, allow_inf_nan=False)]
    nodes: Annotated[int, Field(ge=1, le=1_000_000)]
