"""The dated policy: rule sets that a domain expert can read and change, in `rules/*.toml`."""

from __future__ import annotations

import hashlib
import tomllib
from datetime import date, timedelta
from importlib import resources
from importlib.resources.abc import Traversable
from itertools import pairwise
from pathlib import Path
from typing import Annotated

from pydantic import Field, ValidationError

from features.calendar import date_of, day_of
from features.errors import PolicyError
from models.optimum.city_rules import Exchange, Floors, Solver, Statutory, Travel
from models.optimum.rule_table import Days, Minutes, Percent, RuleTable
from models.policy.campaign_rules import Appraisal, Exposure, Medal, check_classes


class Complaint(RuleTable):
    """For how long a complaint waits for a visit."""

    days: Days


class Routine(RuleTable):
    """How long a unit rests after a visit."""

    rest: Days


class Lottery(RuleTable):
    """The share of a cell's minutes that the lottery spends in expectation, 0 for none, and the longest drawn visit."""

    percent: Annotated[int, Field(ge=0, le=30)]
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
    last_day: date | None = None
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
    check_classes(policy.rule, policy.appraisal, policy.medal)
    if policy.last_day is not None and policy.last_day < policy.first_day:
        raise PolicyError(
            f"rule set {policy.rule!r} ends on {policy.last_day}, before its first day "
            f"{policy.first_day}; exchange them"
        )
    return policy


def policies(folder: Path | None = None) -> tuple[Policy, ...]:
    """Return the published rule sets, or those of a folder, in the order of their first day; PolicyError if they clash."""
    entries = _rule_files(folder)
    declared = [_policy_in(name, text) for name, text in entries]
    in_order = sorted(declared, key=lambda policy: policy.first_day)
    for before, after in pairwise(in_order):
        _check_neighbours(before, after)
    return tuple(in_order)


def _rule_files(folder: Path | None) -> list[tuple[str, str]]:
    """Return the name and text of each rule set in a folder, in the order of their names; PolicyError without any."""
    if folder is not None and not folder.is_dir():
        raise PolicyError(f"--rules should be a folder of rule sets; got {str(folder)!r}")
    place: Traversable = folder or resources.files("models.policy").joinpath("rules")
    files = [entry for entry in place.iterdir() if entry.name.endswith(".toml")]
    if not files:
        raise PolicyError(
            f"{str(folder)!r} holds no rule set; copy one of models/policy/rules/ into it"
        )
    return sorted((entry.name, entry.read_text("utf-8")) for entry in files)


def _policy_in(name: str, text: str) -> Policy:
    """Return the rule set of a file; a PolicyError names the file."""
    try:
        return policy_of(text)
    except PolicyError as error:
        raise PolicyError(f"{name}: {error}") from None


def _check_neighbours(before: Policy, after: Policy) -> None:
    """Raise PolicyError where two rule sets begin on one day, are both in force on one, or leave days without any."""
    if before.rule == after.rule:
        raise PolicyError(f"two rule sets are called {after.rule!r}; rename one")
    if before.first_day == after.first_day:
        raise PolicyError(
            f"rule sets {before.rule!r} and {after.rule!r} both begin on {after.first_day}; "
            "only one may be in force"
        )
    if before.last_day is None:
        return
    next_day = before.last_day + timedelta(days=1)
    if next_day > after.first_day:
        raise PolicyError(
            f"rule set {before.rule!r} lasts to {before.last_day} and {after.rule!r} begins on "
            f"{after.first_day}: they overlap; end the first on the day before"
        )
    if next_day < after.first_day:
        raise PolicyError(
            f"no rule set is in force from {next_day} to {after.first_day - timedelta(days=1)}: "
            f"{before.rule!r} ends and {after.rule!r} begins later; close the gap"
        )


def policy_on(day: int, folder: Path | None = None) -> Policy:
    """Return the rule set in force on a day; raise PolicyError before the first and after the last."""
    published = policies(folder)
    begun = [policy for policy in published if day_of(policy.first_day) <= day]
    if not begun:
        first = published[0].first_day
        raise PolicyError(f"no rule set is in force on {date_of(day)}; the first begins on {first}")
    latest = begun[-1]
    if latest.last_day is not None and day_of(latest.last_day) < day:
        raise PolicyError(
            f"no rule set is in force on {date_of(day)}; the last, {latest.rule!r}, "
            f"ended on {latest.last_day}"
        )
    return latest
