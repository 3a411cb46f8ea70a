"""A week's plan from a store: the promoted model's scores of all living units joined with the policy's facts."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from features.calendar import date_of, day_of
from features.engine.dormancy import Dormancy
from features.errors import HistoryError, PolicyError
from features.store.store import Store
from models.bundle.booster import Floats
from models.bundle.bundle import Bundle
from models.bundle.score import Scores
from models.optimum.list_rules import ListRules
from models.policy.capacity import WEEK, monday_of
from models.policy.city_draw import city_tickets
from models.policy.left_out import Reconciliation, Register, reconciled
from models.policy.lottery import CellTickets, Draw
from models.policy.plan import Plan, plan
from models.policy.plan_unit import ENTERPRISE, PlanUnit, UnitKind
from models.policy.policy import Policy, policy_on
from models.policy.policy_facts import (
    capacity_of,
    inspectors_of,
    teams_of_cells,
)
from models.policy.week_units import eve_of


@dataclass(frozen=True, slots=True)
class Week:
    """What is asked: the Monday, the day whose knowledge is used, the lottery's seed, and minutes for want of teams.

    `commitment` is the record of the ledger that committed to the lottery beforehand, None of a seed that is only published.
    """

    monday: int
    as_of: int
    seed: str
    minutes: int | None
    commitment: str | None = None


def week_of(store: Store, day: int, seed: str, minutes: int | None = None) -> Week:
    """Return the week in which a day lies, seen from the last closed day before it; HistoryError if that is too old."""
    monday = monday_of(day)
    if monday > store.complete_to + WEEK:
        raise HistoryError(
            f"the history is complete to {date_of(store.complete_to)}, too early for the week of "
            f"{date_of(monday)}; load the days up to {date_of(monday - 1)} first"
        )
    return Week(monday, min(monday - 1, store.complete_to), seed, minutes)


@dataclass(frozen=True, slots=True)
class Halt:
    """That the monitor's verdict halts a model: the record of the ledger that says so, its day, and why in both languages."""

    record_id: str
    as_of: str
    zh: str
    en: str


@dataclass(frozen=True, slots=True, eq=False)
class WeekUnits:
    """What a week's lists and its lottery follow from: living units with their scores, rules, and each cell's minutes and team.

    `register` is that of the day. `dormancy` is None of units that are never dormant, `inspectors` where nobody has duties of
    their own: else the minutes of inspectors of each cell.
    """

    kind: UnitKind
    policy: ListRules
    units: Sequence[PlanUnit]
    scores: Scores
    minutes: Mapping[str, int]
    teams: Mapping[str, str]
    register: Register
    dormancy: Dormancy | None = None
    inspectors: Mapping[str, int] | None = None

    def tickets(self) -> tuple[CellTickets, ...]:
        """Return the unit list of the lottery, cell by cell."""
        return city_tickets(self.units, self.policy, self.minutes)


@dataclass(frozen=True, eq=False)
class WeekPlan:
    """The plan of a week: its number, its week, its model, the place of each unit in the scores, the lists.

    `dormancy` says which firms are dormant, and so on a list only by complaint or lottery. `capacity` holds the minutes of
    each cell, `teams` its team. Where a `halt` stands, nobody is listed by score. `reconciliation` divides the register.
    """

    kind: UnitKind
    number: str
    week: Week
    bundle: Bundle
    units: tuple[PlanUnit, ...]
    scores: Scores
    plan: Plan
    dormancy: Dormancy | None
    capacity: Mapping[str, int]
    teams: Mapping[str, str]
    reconciliation: Reconciliation
    halt: Halt | None

    @cached_property
    def place(self) -> dict[str, int]:
        """The place of each unit in the scores."""
        return {unit.name: place for place, unit in enumerate(self.units)}

    @cached_property
    def _raw_ascending(self) -> Floats:
        return np.sort(self.scores.raw)

    def rank(self, name: str) -> int:
        """Return the place of a unit by its raw score, 1 the highest: equal scores share a place."""
        raw = self.scores.raw[self.place[name]]
        no_higher = int(np.searchsorted(self._raw_ascending, raw, side="right"))
        return 1 + len(self.units) - no_higher

    @property
    def is_retrospective(self) -> bool:
        """Tell whether the model learned from days after the one that the plan looks from."""
        return self.week.as_of < day_of(self.bundle.manifest.as_of)


def check_not_before_training(bundle: Bundle, week: Week) -> None:
    """Raise PolicyError for a week seen from before the model's training day, of which the model knows the outcome."""
    if week.as_of < day_of(bundle.manifest.as_of):
        raise PolicyError(
            f"the model of {bundle.target} was trained as of {bundle.manifest.as_of} and may know what happened in the "
            f"week of {date_of(week.monday)}, seen from {date_of(week.as_of)}; ask for a later week, or add "
            "--retrospective to see what the list would have been"
        )


def enterprise_week(store: Store, bundle: Bundle, week: Week) -> WeekUnits:
    """Return the enterprises of a week; PolicyError where a model scores others, or nobody has teams."""
    if bundle.entity != ENTERPRISE.name:
        raise PolicyError(
            f"a plan needs scores of enterprises; {bundle.target!r} scores cases of {bundle.entity}"
        )
    policy = policy_on(week.monday)
    eve = eve_of(store, bundle, policy, as_of=week.as_of, planned=(week.monday, week.monday + 6))
    return WeekUnits(
        kind=ENTERPRISE,
        policy=policy,
        units=eve.units,
        scores=eve.scores,
        minutes=capacity(store, policy, week, eve.units),
        teams=teams_of_cells(store, week.as_of, week.monday),
        register=Register(eve.register, {"closed": eve.register - len(eve.units)}),
        dormancy=eve.asleep,
        inspectors=inspectors(store, policy, week, eve.units),
    )


def plan_of_units(
    store: Store, bundle: Bundle, of_week: WeekUnits, *, week: Week, halt: Halt | None
) -> WeekPlan:
    """Return the plan of a week: the same store, model, rule set, seed and halt give the same plan and number."""
    units = of_week.units
    if halt:
        # a halted model lists nobody
        units = [replace(unit, is_scored=False) for unit in units]
    minutes = of_week.minutes
    draw = draw_of(bundle.target, week)
    lists = plan(units, of_week.policy, minutes, draw, of_week.inspectors)
    others = []
    if of_week.dormancy is not None:
        others.append(f"{of_week.dormancy.months} months dormant")
    if halt is not None:
        others.append(f"halted by {halt.record_id}")
    return WeekPlan(
        kind=of_week.kind,
        number=_number(store, bundle, of_week.policy, week, *others),
        week=week,
        bundle=bundle,
        units=tuple(units),
        scores=of_week.scores,
        plan=lists,
        dormancy=of_week.dormancy,
        capacity=minutes,
        teams=of_week.teams,
        reconciliation=reconciled(
            lists,
            units,
            minutes,
            register=of_week.register,
            halted=halt is not None,
        ),
        halt=halt,
    )


def _number(store: Store, bundle: Bundle, policy: ListRules, week: Week, *others: str) -> str:
    """Return a plan's number: its Monday, and a digest of everything that the plan depends on."""
    inputs = (store.fingerprint, bundle.digest, policy.digest, str(week), *others)
    digest = hashlib.sha256("|".join(inputs).encode()).hexdigest()
    return f"{date_of(week.monday)}-{digest[:12]}"


def draw_of(target: str, week: Week) -> Draw:
    """Return the draw of a week's plan; each target's has a number of its own, so that none overwrites another's."""
    digest = hashlib.sha256(f"{target}|{week.seed}".encode()).hexdigest()
    number = f"{date_of(week.monday)}-{digest[:12]}"
    return Draw(number, week.seed)


def capacity(store: Store, policy: Policy, week: Week, units: Sequence[PlanUnit]) -> dict[str, int]:
    """Return each cell's minutes: its team's, or those given for every list where the source holds no teams."""
    counts = Counter(unit.cell for unit in units)
    if week.minutes is not None:
        return dict.fromkeys(sorted(counts), week.minutes)
    if not (store.has("members") and store.has("cells")):
        raise PolicyError(
            f"source {store.source.name!r} has no table of teams; give the person-minutes of a list with --minutes"
        )
    return capacity_of(store, policy, as_of=week.as_of, monday=week.monday, units=counts)


def inspectors(
    store: Store, policy: Policy, week: Week, units: Sequence[PlanUnit]
) -> dict[str, int] | None:
    """Return the minutes of inspectors of each cell; None where nobody has duties of their own, or minutes are given."""
    if week.minutes is not None:
        return None
    counts = Counter(unit.cell for unit in units)
    return inspectors_of(store, policy, as_of=week.as_of, monday=week.monday, units=counts)
