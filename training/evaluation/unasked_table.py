"""The table of unasked outcomes: which events count that nobody chose to look for, from `unasked.toml`."""

from __future__ import annotations

import tomllib
from functools import cache
from importlib import resources

from pydantic import BaseModel, ConfigDict, Field

from features.ingest.source_toml import Event, Target


class _Declared(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


class UnaskedEvent(_Declared):
    """A kind of event: its name, its table, the column of its day, and the rows that count."""

    name: str
    zh: str
    en: str
    table: str
    when: str
    filter: str = ""

    def target(self) -> Target:
        """Return the event as the target that reads it: whether it happened to an enterprise after a day."""
        event = Event(table=self.table, when=self.when, filter=self.filter)
        return Target(zh=self.zh, en=self.en, unit="enterprise-day", label="event", event=event)


class UnaskedTable(_Declared):
    """All events, and how many days after the as-of date they count, at most and at least."""

    days: int = Field(ge=1, le=3660)
    least_days: int = Field(ge=1)
    event: tuple[UnaskedEvent, ...] = Field(min_length=1)


@cache
def unasked_table() -> UnaskedTable:
    """Return the table that the package declares."""
    text = resources.files("training.evaluation").joinpath("unasked.toml").read_text("utf-8")
    return UnaskedTable.model_validate(tomllib.loads(text))
