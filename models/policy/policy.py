"""The dated policy: rule sets that a domain expert can read and change, in `rules/*.toml`."""

from __future__ import annotations

import hashlib
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Annotated

from pydantic import Field

from features.errors import PolicyError
from features.home import home
from models.optimum.city_rules import Exchange, Floors, Solver, Statutory, Travel
from models.optimum.dated_rules import check_ends_after_it_begins, dated_rules, in_force
from models.optimum.duty_rules import Duties
from models.optimum.level_rules import Levels
from models.optimum.list_rules import FieldShare, Lottery, VisitMinutes
from models.optimum.rule_table import Days, RuleDay, RuleName, RuleTable, RuleText
from models.optimum.toml_table import toml_table
from models.policy.campaign_rules import Appraisal, Exposure, Medal, check_classes


class Complaint(RuleTable):
    """For how long a complaint waits for a visit."""

    days: Days


class Routine(RuleTable):
    """How long a unit rests after a visit."""

    rest: Days


def _is_left_out(value: object) -> bool:
    """Tell whether a table stands in no rule set of before: left out, it leaves their digests as they were."""
    return value is None


class Policy(RuleTable):
    """One dated rule set.

    `level` is None where the level of inspection changes no routine visit, `duty` where anybody of a team makes any visit.
    """

    rule: RuleName
    first_day: RuleDay
    last_day: RuleDay | None = None
    zh: RuleText
    en: RuleText
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
    level: Annotated[Levels | None, Field(exclude_if=_is_left_out)] = None
    duty: Annotated[Duties | None, Field(exclude_if=_is_left_out)] = None

    @property
    def digest(self) -> str:
        """SHA-256 over the rule set's values, as hex."""
        return hashlib.sha256(self.model_dump_json(by_alias=True).encode()).hexdigest()


def policy_of(text: str) -> Policy:
    """Return the rule set that a TOML text declares; raise PolicyError naming the first wrong line."""
    policy = toml_table(Policy, text, what="a rule set", error=PolicyError)
    check_classes(policy.rule, policy.appraisal, policy.medal)
    check_ends_after_it_begins(policy)
    return policy


def policies(folder: Path | None = None) -> tuple[Policy, ...]:
    """Return the rule sets of a folder, else the home's own, else the published ones, in the order of their first day.

    PolicyError if they clash.
    """
    if folder is not None and not folder.is_dir():
        raise PolicyError(f"--rules should be a folder of rule sets; got {str(folder)!r}")
    published: Traversable = resources.files("models.policy").joinpath("rules")
    return dated_rules(folder or own_rules() or published, policy_of)


def own_rules() -> Path | None:
    """Return the folder of a home's own rule sets, which take the place of the published ones; None where it has none."""
    place = home() / "rules"
    return place if place.is_dir() else None


def policy_on(day: int, folder: Path | None = None) -> Policy:
    """Return the rule set in force on a day; raise PolicyError before the first and after the last."""
    return in_force(policies(folder), day)
