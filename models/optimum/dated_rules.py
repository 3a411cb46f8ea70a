"""Dated rule sets: read from a folder, refused where two clash or leave a gap, and the one in force on a day."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date, timedelta
from importlib.resources.abc import Traversable
from itertools import pairwise
from typing import Protocol, TypeVar

from features.calendar import date_of, day_of
from features.errors import PolicyError
from features.text_files import text_of


class Dated(Protocol):
    """A rule set with a name and the days of its force."""

    @property
    def rule(self) -> str:
        """Its name."""

    @property
    def first_day(self) -> date:
        """The first day of its force."""

    @property
    def last_day(self) -> date | None:
        """The last day of its force, None while it lasts."""


Rules = TypeVar("Rules", bound=Dated)


def dated_rules(place: Traversable, parse: Callable[[str], Rules]) -> tuple[Rules, ...]:
    """Return the rule sets of a folder in the order of their first day; PolicyError if they clash or there is none."""
    files = [entry for entry in place.iterdir() if entry.name.endswith(".toml")]
    if not files:
        raise PolicyError(
            f"{str(place)!r} holds no rule set; copy one of models/policy/rules/ into it"
        )
    texts = sorted((entry.name, text_of(entry, PolicyError)) for entry in files)
    declared = [_parsed(name, text, parse) for name, text in texts]
    in_order = sorted(declared, key=lambda rules: rules.first_day)
    for before, after in pairwise(in_order):
        check_neighbours(before, after)
    return tuple(in_order)


def _parsed(name: str, text: str, parse: Callable[[str], Rules]) -> Rules:
    """Return the rule set of a file; a PolicyError names the file."""
    try:
        return parse(text)
    except PolicyError as error:
        raise PolicyError(f"{name}: {error}") from None


def check_neighbours(before: Dated, after: Dated) -> None:
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
    if before.last_day >= after.first_day:
        raise PolicyError(
            f"rule set {before.rule!r} lasts to {before.last_day} and {after.rule!r} begins on "
            f"{after.first_day}: they overlap; end the first on the day before"
        )
    # that it ends before another begins shows that it has a next day, which the last day of the calendar has not
    next_day = before.last_day + timedelta(days=1)
    if next_day < after.first_day:
        raise PolicyError(
            f"no rule set is in force from {next_day} to {after.first_day - timedelta(days=1)}: "
            f"{before.rule!r} ends and {after.rule!r} begins later; close the gap"
        )


def check_ends_after_it_begins(rules: Dated) -> None:
    """Raise PolicyError where a rule set ends before its first day."""
    if rules.last_day is not None and rules.last_day < rules.first_day:
        raise PolicyError(
            f"rule set {rules.rule!r} ends on {rules.last_day}, before its first day "
            f"{rules.first_day}; exchange them"
        )


def in_force(published: Sequence[Rules], day: int) -> Rules:
    """Return the rule set in force on a day; raise PolicyError before the first and after the last."""
    begun = [rules for rules in published if day_of(rules.first_day) <= day]
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
