"""The form of a table that people write in TOML, and the kinds of values that it holds."""

from __future__ import annotations

import unicodedata
from datetime import date
from typing import Annotated, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

RULE_DAYS = (date(1900, 1, 1), date(2200, 12, 31))
"""The first and the last day that a rule may name; a choice: no rule of labour inspection lies outside, and a year of 9999 has
no next day."""
_LONGEST_NAME, _LONGEST_TEXT = 64, 2_000
"""Characters of a name and of a text at most; choices: a name stands in a line of a terminal, a text is a paragraph."""
_Entry = TypeVar("_Entry")


def _within_rule_days(day: date) -> date:
    if not RULE_DAYS[0] <= day <= RULE_DAYS[1]:
        raise ValueError(
            f"should lie between {RULE_DAYS[0]} and {RULE_DAYS[1]}; leave last_day out where the end is open"
        )
    return day


def _printable(text: str) -> str:
    """Return a text that shows all that it holds; ValueError for one that is blank or moves a terminal."""
    hidden = [letter for letter in text if unicodedata.category(letter) in _HIDDEN]
    if hidden:
        raise ValueError(
            f"should hold no control character or line end; take U+{ord(hidden[0]):04X} out"
        )
    if not text.strip():
        raise ValueError("should say something")
    return text


_HIDDEN = frozenset(("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"))
"""Unicode's categories of letters that show nothing of their own."""


def _identifying(name: str) -> str:
    """Return a name of letters, digits, hyphens and underscores, of any script; ValueError for any other."""
    letters = name.replace("-", "").replace("_", "")
    # NFKC writes full-width and raised digits plain, so a name that it changes reads like another one
    is_plain = letters.isalnum() and unicodedata.is_normalized("NFKC", name)
    if not is_plain or len(name) > _LONGEST_NAME:
        raise ValueError(
            f"should be 1 to {_LONGEST_NAME} letters, digits, hyphens and underscores, such as qingdao-2012"
        )
    return name


Days = Annotated[int, Field(ge=0, le=36_500)]
Percent = Annotated[int, Field(ge=0, le=100)]
Weight = Annotated[float, Field(ge=0, le=100, allow_inf_nan=False)]
Minutes = Annotated[int, Field(ge=1, le=100_000)]
RuleCount = Annotated[int, Field(ge=0, le=100_000_000)]
"""A number of persons, visits or enterprises; a choice: a hundred million is more than any register counts."""
PositiveCount = Annotated[RuleCount, Field(ge=1)]
RuleDay = Annotated[date, AfterValidator(_within_rule_days)]
RuleName = Annotated[str, AfterValidator(_identifying)]
RuleText = Annotated[str, Field(max_length=_LONGEST_TEXT), AfterValidator(_printable)]
ShortText = Annotated[str, Field(max_length=_LONGEST_NAME), AfterValidator(_printable)]
EntryList = Annotated[tuple[_Entry, ...], Field(strict=False)]
"""Entries that TOML writes as a list; each of them is as strict as its own kind."""


class RuleTable(BaseModel):
    """A table that people write in TOML: frozen, nothing unknown in it, and no value of one kind taken for one of another.

    A whole number may stand where a number with a fraction is meant; nothing else is converted.
    """

    model_config = ConfigDict(
        extra="forbid", strict=True, frozen=True, allow_inf_nan=False, hide_input_in_errors=True
    )
