"""The tables of a rule set that a domain expert argues about: classes of the appraisal, medal and public exposure."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from features.errors import PolicyError
from models.optimum.rule_table import (
    Days,
    EntryList,
    PositiveCount,
    RuleCount,
    RuleTable,
    ShortText,
    Weight,
)

Act = Literal["order", "fine", "referral"]
Level = Literal["intensified", "normal", "reduced", "waived"]
Kind = Literal["company", "household", "branch", "agency", "public", "site", "other"]
MOST_FEN = 10**15
"""Fen of one enterprise, or steps of a feature, at most; a choice: ten thousand billion yuan."""
LEAST_STEP = 1e-6
"""The least step of a feature; a choice: no share of a register is told more finely."""
NO_BOUND = 10**9
"""Stands for a condition that a class leaves out: more sanctions than any record has."""


class Grade(RuleTable):
    """One class of the appraisal: the facts it allows, the weight of a routine visit, and its level of inspection."""

    name: ShortText
    weight: Weight
    level: Level
    sanctions_at_most: RuleCount | None = None
    grave_at_most: RuleCount | None = None
    refused_at_most: RuleCount | None = None

    def holds(self, sanctions: int, grave: int, refused: int = 0) -> bool:
        """Say whether so many sanctions, of them so many grave and so many refused, still are this class."""
        most_sanctions, most_grave, most_refused = self.bounds
        return sanctions <= most_sanctions and grave <= most_grave and refused <= most_refused

    @property
    def bounds(self) -> tuple[int, int, int]:
        """The most sanctions, grave and refused ones that the class allows; grave and refused ones are sanctions too."""
        sanctions = NO_BOUND if self.sanctions_at_most is None else self.sanctions_at_most
        grave = NO_BOUND if self.grave_at_most is None else self.grave_at_most
        refused = NO_BOUND if self.refused_at_most is None else self.refused_at_most
        return sanctions, min(grave, sanctions), min(refused, sanctions)


class Appraisal(RuleTable):
    """How the record of some years becomes a class."""

    years: Annotated[int, Field(ge=1, le=10)]
    first_period: Annotated[int, Field(ge=1900, le=2200)]
    known_within: Days
    age: Days
    acts: EntryList[Act] = Field(min_length=1)
    term: Days
    unappraised: Weight
    grades: EntryList[Grade] = Field(alias="class", min_length=1)

    def grade_of(self, *, sanctions: int, grave: int, refused: int = 0) -> Grade:
        """Return the class that facts found give: the first row whose conditions hold."""
        return next(grade for grade in self.grades if grade.holds(sanctions, grave, refused))

    def class_of(self, *, sanctions: int, grave: int, refused: int = 0) -> str:
        """Return the name of the class that facts found give."""
        return self.grade_of(sanctions=sanctions, grave=grave, refused=refused).name

    def weight_of(self, name: str | None) -> float:
        """Return how much a routine visit counts in a class; a class of another rule counts as unappraised."""
        return next((grade.weight for grade in self.grades if grade.name == name), self.unappraised)


class Quota(RuleTable):
    """How many enterprises a list has: so many in a register of the full size, in proportion in a smaller one."""

    at_full_size: PositiveCount
    full_size: PositiveCount
    least: RuleCount

    def of(self, living: int) -> int:
        """Return the number for a register of so many living enterprises, rounded down, but never below the least.

        >>> Quota(at_full_size=581, full_size=433_193, least=1).of(20_000)
        26
        """
        return max(self.least, self.at_full_size * living // self.full_size)


class Criterion(RuleTable):
    """One criterion by which candidates are ordered: a feature in whole steps, the most or the least of it first."""

    feature: ShortText
    best: Literal["most", "least"]
    step: Annotated[float, Field(ge=LEAST_STEP, le=MOST_FEN)]
    unknown: Literal["best", "worst"]
    floor: Annotated[float, Field(ge=-MOST_FEN, le=MOST_FEN)] = 0.0


class Medal(RuleTable):
    """Who may get a medal, how many do, and for how long it waives routine visits where its last day is not given."""

    days: Days
    grade: ShortText = Field(alias="class")
    age: Days
    visits: RuleCount
    without: EntryList[Kind]
    quota: Quota
    order: EntryList[Criterion] = Field(min_length=1)


class Exposure(RuleTable):
    """Who may be named in public, and for how long, how often and how much that intensifies inspection."""

    days: Days
    visit_every: Days
    weight: Weight
    least_fen: Annotated[int, Field(ge=1, le=MOST_FEN)]
    quota: Quota


def check_classes(rule: str, appraisal: Appraisal, medal: Medal) -> None:
    """Raise PolicyError naming the first class of a rule set that can never hold, stands twice, or is missing."""
    grades = appraisal.grades
    if not grades[-1].holds(NO_BOUND, NO_BOUND, NO_BOUND):
        raise PolicyError(
            f"rule set {rule!r}: the last class should hold for any record; drop its conditions"
        )
    for place, grade in enumerate(grades):
        _check_class(rule, grade, before=grades[:place])
    names = [grade.name for grade in grades]
    if medal.grade not in names:
        raise PolicyError(
            f"rule set {rule!r}: medal.class should be one of {', '.join(names)}; "
            f"got {medal.grade!r}"
        )


def _check_class(rule: str, grade: Grade, *, before: tuple[Grade, ...]) -> None:
    """Raise PolicyError where a class has the name of one before it, or allows nothing that those leave over."""
    for earlier in before:
        if grade.name == earlier.name:
            raise PolicyError(
                f"rule set {rule!r}: two classes are called {grade.name!r}; rename one"
            )
        # Records are counted from 0 up, so a class lies within another if the worst record that it allows does.
        if earlier.holds(*grade.bounds):
            raise PolicyError(
                f"rule set {rule!r}: class {grade.name!r} can never hold, for every record that it "
                f"allows is {earlier.name!r} already; loosen it or put it before {earlier.name!r}"
            )
