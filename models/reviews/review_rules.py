"""The dated rules of reviews: rule sets that a domain expert can read and change, in `rules/UNIT/*.toml`."""

from __future__ import annotations

import hashlib
from importlib import resources
from typing import Annotated, Literal

from pydantic import Field, field_validator

from features.errors import PolicyError
from features.matches.declared import kinds
from models.optimum.city_rules import MOST_YUAN, SchemeFloors, Solver, Statutory, Travel
from models.optimum.dated_rules import check_ends_after_it_begins, dated_rules, in_force
from models.optimum.list_rules import FieldShare, Lottery, VisitMinutes
from models.optimum.rule_table import (
    Days,
    EntryList,
    Percent,
    RuleDay,
    RuleName,
    RuleTable,
    RuleText,
    ShortText,
)
from models.optimum.toml_table import toml_table

AT_A_DESK = Travel(minutes_per_km=0, most=1)
"""Nobody travels to a review."""


class Tip(RuleTable):
    """For how long an open review that a tip began is on the list."""

    days: Days


class MatchedKinds(RuleTable):
    """The kinds of matches that are verified before reviews by score, and how new their last row must be."""

    kinds: EntryList[str]
    days: Days

    @field_validator("kinds")
    @classmethod
    def _known(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        unknown = [name for name in names if name not in kinds()]
        if unknown:
            raise ValueError(f"should be among {', '.join(kinds())}; got {unknown[0]!r}")
        return names


class Rest(RuleTable):
    """How long a unit rests after it was looked at."""

    days: Days


class Recovered(RuleTable):
    """What a review recovers of a unit in violation: a percent of a feature in fen, or so many yuan where it is unknown."""

    feature: ShortText
    percent: Percent
    unknown_yuan: Annotated[int, Field(ge=0, le=MOST_YUAN)]


class ReviewRules(RuleTable):
    """One dated rule set of the reviews of a kind of unit."""

    rule: RuleName
    unit: Literal["claim", "provider"]
    first_day: RuleDay
    last_day: RuleDay | None = None
    zh: RuleText
    en: RuleText
    statutory: Statutory
    tip: Tip
    match: MatchedKinds
    rest: Rest
    recovered: Recovered
    visit: VisitMinutes
    field: FieldShare
    lottery: Lottery
    floors: SchemeFloors
    solver: Solver

    @property
    def travel(self) -> Travel:
        """The minutes on the road: none."""
        return AT_A_DESK

    @property
    def duty(self) -> None:
        """Nobody: reviews are made at desks, by anybody of a team."""
        return

    @property
    def digest(self) -> str:
        """SHA-256 over the rule set's values, as hex."""
        return hashlib.sha256(self.model_dump_json(by_alias=True).encode()).hexdigest()


def review_rules_of(text: str) -> ReviewRules:
    """Return the rule set that a TOML text declares; raise PolicyError naming the first wrong line."""
    rules = toml_table(ReviewRules, text, what="a rule set", error=PolicyError)
    check_ends_after_it_begins(rules)
    return rules


def review_rules(unit: str) -> tuple[ReviewRules, ...]:
    """Return the published rule sets of a kind of unit in the order of their first day; PolicyError if they clash."""
    place = resources.files("models.reviews").joinpath("rules", unit)
    return dated_rules(place, review_rules_of)


def review_rules_on(unit: str, day: int) -> ReviewRules:
    """Return the rule set of a kind of unit in force on a day; PolicyError before the first and after the last."""
    return in_force(review_rules(unit), day)
