"""The form of a table in a rule set, and the kinds of numbers that it holds."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

Days = Annotated[int, Field(ge=0, le=36_500)]
Percent = Annotated[int, Field(ge=0, le=100)]
Weight = Annotated[float, Field(ge=0, le=100, allow_inf_nan=False)]
Minutes = Annotated[int, Field(ge=1, le=100_000)]


class RuleTable(BaseModel):
    """A table of a rule set: frozen, nothing unknown in it."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)
