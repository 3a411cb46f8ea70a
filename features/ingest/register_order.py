"""Order between a row and the row of a register that it names, such as a payment and its claim, as the contract declares it.

If two rows contradict each other, the one that became known later is refused. If both became known on one day, the row that
names the other is refused. So the rows accepted as of a day never depend on rows recorded after it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from features.contract.tables import contract, named_by

Version = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Across:
    """A day of a table that never lies before, else never after, a day of the row in a register that it names."""

    table: str
    column: str
    register: str
    other: str
    before: bool

    def holds(self, value: int | None, other: int | None) -> bool:
        """Tell whether the two integer days keep this order; a day that is not known breaks none."""
        if value is None or other is None:
            return True
        return value >= other if self.before else value <= other

    @property
    def reason(self) -> str:
        """Why a row of the table is refused."""
        side = "before" if self.before else "after"
        return f"{self.column} lies {side} {self.other} of its row in {self.register}"

    @property
    def reason_of_register(self) -> str:
        """Why a row of the register is refused."""
        side = "after" if self.before else "before"
        return (
            f"{self.other} lies {side} {self.column} of a row in {self.table} "
            "that was recorded before it"
        )


@cache
def laws_across() -> tuple[tuple[Across, ...], ...]:
    """Return the orders between tables that the contract declares, those that look at one day of a register together."""
    laws_by_day: dict[tuple[str, str], list[Across]] = {}
    for law in _declared():
        register_day = (law.register, law.other)
        laws_by_day.setdefault(register_day, []).append(law)
    return tuple(tuple(laws) for laws in laws_by_day.values())


def _declared() -> Iterator[Across]:
    for table in contract().values():
        for column in table.columns:
            not_before = [(place, True) for place in column.not_before]
            not_after = [(place, False) for place in column.not_after]
            for place, before in not_before + not_after:
                # A name with a point is that of another table's day.
                if "." in place:
                    yield Across(table.name, column.name, *named_by(table, place), before)


@dataclass(frozen=True, slots=True)
class DatedVersion:
    """A version of a row: its law (None in a register's own row), its key, its day; `settled` if accepted long ago."""

    row_id: str
    law: Across | None
    key: Version
    day: int | None
    retracted: bool
    settled: bool


@dataclass(slots=True)
class RegisterState:
    """What is known of one row of a register and of the rows that name it, while their versions come in."""

    day: int | None = None
    rows: dict[tuple[Across, Version], int | None] = field(default_factory=dict)

    def judge(self, version: DatedVersion) -> str | None:
        """Take in one version more; return why it is refused, None if it is not."""
        if not version.retracted and not version.settled:
            wrong = self._against(version)
            if wrong:
                return wrong
        if version.law is None:
            self.day = None if version.retracted else version.day
        elif version.retracted:
            self.rows.pop((version.law, version.key), None)
        else:
            self.rows[version.law, version.key] = version.day
        return None

    def _against(self, version: DatedVersion) -> str | None:
        """Return why a version cannot be beside what is known; None if it can."""
        if version.law:
            if version.law.holds(version.day, self.day):
                return None
            return version.law.reason
        for (law, _), day in self.rows.items():
            if not law.holds(day, version.day):
                return law.reason_of_register
        return None


def refused(versions: Iterable[DatedVersion]) -> Iterator[tuple[DatedVersion, str]]:
    """Yield the versions of one register row, and of those that name it, that cannot be, each with the reason.

    They come in the order in which they became known, on one day the register's first.
    """
    state = RegisterState()
    for version in versions:
        reason = state.judge(version)
        if reason:
            yield version, reason
