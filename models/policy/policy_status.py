"""Standing: what facts found and the dated policy say of a unit before any score is looked at."""

from __future__ import annotations

from dataclasses import dataclass

from models.policy.policy import Policy

# Days that stand for "never visited": more than any policy asks for (rule sets allow at most 36,500).
NEVER = 10**6


FactSpell = tuple[int, int | None]
"""A first day, and a last one, None where the rule set says how many days follow."""
Days = tuple[int, int]
"""The first and the last of some days."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What was known of a unit: its class, sanctions of the record judged, and the days of what befell it."""

    appraised: str | None = None
    sanctions: int = 0
    grave: int = 0
    refused: int = 0
    medals: tuple[FactSpell, ...] = ()  # first day, last day; what is revoked ends the day before
    exposure: FactSpell | None = None  # published, intensified until
    visited: int | None = None  # the latest visit
    complaints: tuple[int, ...] = ()  # days lodged


@dataclass(frozen=True, slots=True)
class Standing:
    """A unit's class, the weight of a scored visit (0 = none now), and what brings it on the list before any score.

    `resting` says that it was visited so lately that no routine visit follows yet, `due` why a visit is statutory without a
    complaint: an `exposure`, or of a claim a `match`. `level` is the level of inspection of `lssi classify` and `level_by` what
    sets it; of claims and providers both are empty.
    """

    grade: str | None
    weight: float
    waived: bool
    resting: bool
    intensified: bool
    due: str | None
    complaint: int | None
    level: str = ""
    level_by: str = ""

    @property
    def exposure_due(self) -> bool:
        """Tell whether a public exposure makes a visit due."""
        return self.due == "exposure"


def standing_of(facts: Facts, policy: Policy, day: int, planned: Days | None = None) -> Standing:
    """Return how a unit stands on a day: complaint first, exposure intensifies, a medal waives routine visits only.

    A visit may fall on any of the days that are `planned` for, so a medal that runs on one of them waives it; where none are,
    one that runs on the day.
    """
    grade = _grade(facts, policy)
    intensified = _runs(facts.exposure, policy.exposure.days, (day, day))
    level, level_by = _level(facts, policy, day, planned or (day, day))
    waived = level == "waived"
    days_since_visit = NEVER if facts.visited is None else day - facts.visited
    weight, rest_days = _routine(facts, policy, grade, level=level, intensified=intensified)
    resting = days_since_visit <= rest_days
    if waived or resting:
        weight = 0.0
    is_due = intensified and days_since_visit > policy.exposure.visit_every
    return Standing(
        grade=grade,
        weight=weight,
        waived=waived,
        resting=resting,
        intensified=intensified,
        due="exposure" if is_due else None,
        complaint=_waiting(facts, policy, day),
        level=level,
        level_by=level_by,
    )


def _level(facts: Facts, policy: Policy, day: int, planned: Days) -> tuple[str, str]:
    """Return the level of inspection and what sets it, as `lssi classify` does: exposure, medal, never examined, class."""
    if _runs(facts.exposure, policy.exposure.days, (day, day)):
        return "intensified", "exposure"
    if any(_runs(medal, policy.medal.days, planned) for medal in facts.medals):
        return "waived", "medal"
    if facts.visited is None and not facts.sanctions:
        return "normal", "unexamined"
    grade = policy.appraisal.grade_of(
        sanctions=facts.sanctions, grave=facts.grave, refused=facts.refused
    )
    return grade.level, "class"


def _routine(
    facts: Facts, policy: Policy, grade: str | None, *, level: str, intensified: bool
) -> tuple[float, int]:
    """Return how much a routine visit counts and how long a unit rests after a visit: by level where the rule set has them."""
    by_level = None if policy.level is None else policy.level.rule_of(level)
    if by_level is not None:
        return by_level.weight, by_level.rest
    weight = policy.appraisal.weight_of(grade)
    if facts.visited is None:
        # a class lowers the weight only of units that were visited: an appraisal calls those full, too, whom nobody has
        # looked at, four of five in a simulated city
        weight = max(weight, policy.appraisal.unappraised)
    if intensified:
        weight *= policy.exposure.weight
    return weight, policy.routine.rest


def _grade(facts: Facts, policy: Policy) -> str | None:
    """The class decided; else the one that facts found give; none for a unit that nobody has looked at."""
    if facts.appraised is not None or facts.visited is None:
        return facts.appraised
    return policy.appraisal.class_of(
        sanctions=facts.sanctions, grave=facts.grave, refused=facts.refused
    )


def _runs(spell: FactSpell | None, days: int, among: Days) -> bool:
    """Tell whether a spell, of so many days where it has no last one, runs on one of some days."""
    if spell is None:
        return False
    first, last = spell
    if last is None:
        last = first + days
    first_asked, last_asked = among
    return first <= last_asked and first_asked <= last


def _waiting(facts: Facts, policy: Policy, day: int) -> int | None:
    """The oldest complaint that no later visit has answered and that still waits."""
    since = day - policy.complaint.days
    if facts.visited is not None:
        since = max(since, facts.visited + 1)
    waiting = [lodged for lodged in facts.complaints if since <= lodged <= day]
    return min(waiting, default=None)
