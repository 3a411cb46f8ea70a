"""What our own draws and plans of a period say, as the journal holds them: chances, drawn units, and units of lists."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from features.arrays import NULL
from features.contract.millionths import probabilities
from features.contract.tables import contract
from features.store.store import Store
from models.policy.plan_unit import ENTERPRISE, UnitKind
from training.data.labels import Codes, Floats
from training.estimates.period_visits import Flags, Period

Rows = dict[str, NDArray[Any]]
BY_SCORE = ("score",)
"""Why a planned visit is made that a list by score brings."""


def journal_rows(store: Store, table: str, target: str, columns: tuple[str, ...]) -> Rows:
    """Return the journal's rows of a target, whose name begins the id of each; none where there is no such table."""
    if not store.has(table):
        return {name: np.empty(0, np.int64) for name in columns}
    rows = store.live(table, store.complete_to, (*columns, "row_id"))
    of_target = np.array([text.startswith(f"{target}.") for text in rows["row_id"]], np.bool_)
    return {name: rows[name][of_target].astype(np.int64) for name in columns}


@dataclass(frozen=True, slots=True, eq=False)
class JournalDraws:
    """The draws of a period, one value a unit and draw (n,): its unit, its Monday, its probability, drawn or not."""

    unit: Codes
    monday: Codes
    chance: Floats
    drawn: Flags

    def __len__(self) -> int:
        return len(self.unit)

    @property
    def draws(self) -> int:
        """How many draws the period had."""
        return len(np.unique(self.monday))

    def inclusion(self, unit: Codes) -> Floats:
        """Return the probability of each unit to be drawn at least once, as the weeks are drawn apart; NaN where it is 0."""
        greatest = max(unit.max(initial=0), self.unit.max(initial=0))
        missed = np.ones(int(greatest) + 1)
        # `at`, because a unit that stands in several draws has to be multiplied several times
        np.multiply.at(missed, self.unit, 1 - self.chance)
        at_least_once = 1 - missed[unit]
        return np.where(at_least_once > 0, at_least_once, np.nan)

    def first_drawn(self) -> tuple[Codes, Codes]:
        """Return the drawn units, sorted, and the Monday of the first draw of each."""
        unit = self.unit[self.drawn]
        monday = self.monday[self.drawn]
        # by unit and then by Monday, so that the first place of a unit is its first draw
        order = np.lexsort((monday, unit))
        distinct, first = np.unique(unit[order], return_index=True)
        return distinct, monday[order][first]


def journal_draws(
    store: Store, target: str, period: Period, kind: UnitKind = ENTERPRISE
) -> JournalDraws:
    """Return the draws of a target's plans for weeks that begin in a period."""
    read = (kind.name, "drawn_on", "inclusion_probability", "drawn")
    rows = journal_rows(store, kind.draws, target, read)
    inside = period.holds(rows["drawn_on"])
    return JournalDraws(
        unit=rows[kind.name][inside],
        monday=rows["drawn_on"][inside],
        chance=probabilities(rows["inclusion_probability"][inside], NULL),
        drawn=rows["drawn"][inside] == 1,
    )


def listed_weeks(
    store: Store, target: str, period: Period, kind: UnitKind = ENTERPRISE
) -> tuple[Codes, Codes]:
    """Return the units that plans of a period name by score, and the Monday of each."""
    rows = _planned_rows(store, target, period, Planned(kind, BY_SCORE))
    return rows[kind.name], rows["week"]


@dataclass(frozen=True, slots=True)
class Planned:
    """Which rows of plans: of what kind of unit, made for which reasons."""

    kind: UnitKind
    why: tuple[str, ...]

    @property
    def codes(self) -> list[int]:
        """The codes of those reasons that plans of this kind can have."""
        choices = contract()[self.kind.plans].column("why").choices
        return [choices.index(word) for word in self.why if word in choices]


def _planned_rows(store: Store, target: str, period: Period, asked: Planned) -> Rows:
    """Return the rows of a period's plans that were made for some reasons."""
    read = (asked.kind.name, "week", "why")
    rows = journal_rows(store, asked.kind.plans, target, read)
    in_period = period.holds(rows["week"])
    is_asked = np.isin(rows["why"], asked.codes)
    return {name: column[in_period & is_asked] for name, column in rows.items()}
