"""The table of groups: by which attributes a training is audited and how each is read, from `groups.toml`."""

from __future__ import annotations

import tomllib
from functools import cache
from importlib import resources

from pydantic import BaseModel, ConfigDict, Field

UNKNOWN, OTHER = "unknown", "other"


class _Declared(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


class AuditGroup(_Declared):
    """A group by its name: the texts that it holds, or the end of its range of numbers (None: no end)."""

    name: str
    zh: str
    en: str
    values: tuple[str, ...] = ()
    below: float | None = None


NOBODY_KNOWS = AuditGroup(name=UNKNOWN, zh="不详", en="not known")
ALL_OTHERS = AuditGroup(name=OTHER, zh="其他", en="all others")


class AuditReading(_Declared):
    """How the value of an attribute is read of one kind of unit, and its groups; without groups, each value is one."""

    read: str
    groups: tuple[AuditGroup, ...] = ()


class AuditAttribute(_Declared):
    """An attribute by which units fall into groups, and how it is read of each kind of unit that has it."""

    name: str
    zh: str
    en: str
    enterprise: AuditReading | None = None
    claim: AuditReading | None = None
    provider: AuditReading | None = None

    def reading(self, entity: str) -> AuditReading | None:
        """Return how the attribute is read of a kind of unit; None where nothing in the contract tells it."""
        readings = {
            "enterprise": self.enterprise,
            "claim": self.claim,
            "provider": self.provider,
        }
        return readings[entity]


class Concern(_Declared):
    """A word in the name of features, and the group that they may cost something where they raise the risk."""

    word: str
    attribute: str
    group: str


class GroupTable(_Declared):
    """All attributes and concerns, and the numbers that `groups.toml` explains."""

    least: int = Field(ge=2)
    most_groups: int = Field(ge=2)
    least_share: float = Field(gt=0, lt=1)
    attribute: tuple[AuditAttribute, ...] = Field(min_length=1)
    concern: tuple[Concern, ...] = ()


@cache
def group_table() -> GroupTable:
    """Return the table that the package declares."""
    text = resources.files("training.groups").joinpath("groups.toml").read_text("utf-8")
    return GroupTable.model_validate(tomllib.loads(text))
