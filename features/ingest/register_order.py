"""Order between a row and the row of a register that it names, such as a payment and its claim, as the contract declares it.

Of two rows that cannot both be true, the one that became known later is refused; of two known on one day, the one that
names the other. So what is accepted as of a day never depends on rows recorded after it.
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
        return f"{self.column} lies {'before' if self.before else 'after'} {self.other} of its row in {self.register}"

    @property
    def reason_of_register(self) -> str:
        """Why a row of the register is refused."""
        return (
            f"{self.other} lies {'after' if self.before else 'before'} {self.column} of a row in {self.table} "
            "that was recorded before it"
        )


@cache
def laws_across() -> tuple[tuple[Across, ...], ...]:
    """Return the orders between tables that the contract declares, those that look at one day of a register together."""
    found: dict[tuple[str, str], list[Across]] = {}
    for law in _declared():
        found.setdefault((law.register, law.other), []).append(law)
    return tuple(map(tuple, found.values()))


def _declared() -> Iterator[Across]:
    for table in contract().values():
        for column in table.columns:
            places = [(place, True) for place in column.not_before] + [
                (place, False) for place in column.not_after
            ]
            for place, before in places:
                if "." in place:
                    yield Across(table.name, column.name, *named_by(table, place), before)


@dataclass(frozen=True, slots=True)
class Told:
    """A version of a row: its law (None in a register's own row), its key, its day; `settled` if accepted long ago."""

    row_id: str
    law: Across | None
    key: Version
    day: int | None
    retracted: bool
    settled: bool


@dataclass(slots=True)
class Known:
    """What is known of one row of a register and of the rows that name it, while their versions come in."""

    day: int | None = None
    rows: dict[tuple[Across, Version], int | None] = field(default_factory=dict)

    def judge(self, told: Told) -> str | None:
        """Take in one version more; return why it is refused, None if it is not."""
        place = (told.law, told.key) if told.law else None
        wrong = None if told.retracted or told.settled else self._against(told)
        if wrong:
            return wrong
        if place is None:
            self.day = None if told.retracted else told.day
        elif told.retracted:
            self.rows.pop(place, None)
        else:
            self.rows[place] = told.day
        return None

    def _against(self, told: Told) -> str | None:
        if told.law:
            return None if told.law.holds(told.day, self.day) else told.law.reason
        broken = (law for (law, _), day in self.rows.items() if not law.holds(day, told.day))
        return next((law.reason_of_register for law in broken), None)


def refused(versions: Iterable[Told]) -> Iterator[tuple[Told, str]]:
    """Yield the versions of one register row, and of those that name it, that cannot be, each with the reason.

    They come in the order in which they became known, on one day the register's first.
    """
    known = Known()
    for told in versions:
        reason = known.judge(told)
        if reason:
            yield told, reason
