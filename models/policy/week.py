"""A week's plan from a store: the promoted model's scores of all living enterprises joined with the policy's facts."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from features.calendar import date_of
from features.engine.dormancy import Dormancy, dormancy
from features.engine.engine import engine_of
from features.engine.matrices import matrix
from features.errors import HistoryError, PolicyError
from features.matrix import Matrix
from features.store.store import Store
from models.bundle.bundle import Bundle
from models.bundle.score import Scores, score
from models.policy.capacity import WEEK, monday_of
from models.policy.lottery import Draw
from models.policy.plan import Plan, PlanUnit, plan
from models.policy.policy import Policy, policy_on
from models.policy.policy_facts import capacity_of, cells_of, enterprise_facts
from models.policy.policy_status import Facts, standing_of
from models.policy.visit_staff import staff_of

NOWHERE = ""  # the list of units that lie in no cell


@dataclass(frozen=True, slots=True)
class Week:
    """What is asked: the Monday, the day whose knowledge is used, the published seed, and minutes for want of teams."""

    monday: int
    as_of: int
    seed: str
    minutes: int | None


def week_of(store: Store, day: int, seed: str, minutes: int | None = None) -> Week:
    """Return the week in which a day lies, seen from the last closed day before it; HistoryError if that is too old."""
    monday = monday_of(day)
    if monday > store.complete_to + WEEK:
        raise HistoryError(
            f"the history is complete to {date_of(store.complete_to)}, too early for the week of "
            f"{date_of(monday)}; load the days up to {date_of(monday - 1)} first"
        )
    return Week(monday, min(monday - 1, store.complete_to), seed, minutes)


@dataclass(frozen=True, slots=True, eq=False)
class Made:
    """A plan that was made: its number, its week, its model, the place of each enterprise in the scores, the lists.

    `dormancy` says which firms are dormant, and so on a list only by complaint or lottery.
    """

    number: str
    week: Week
    bundle: Bundle
    place: dict[str, int]
    scores: Scores
    plan: Plan
    dormancy: Dormancy


def made(store: Store, bundle: Bundle, week: Week) -> Made:
    """Return the plan of a week: the same store, model, rule set and seed give the same plan and number."""
    if bundle.entity != "enterprise":
        raise PolicyError(
            f"a plan needs scores of enterprises; {bundle.target!r} scores cases of {bundle.entity}"
        )
    policy = policy_on(week.monday)
    living = matrix(store, "enterprise", week.as_of)
    scores = score(bundle, living)
    asleep = dormancy(engine_of(store), week.as_of)
    units = plan_units(store, living, scores, policy=policy, asleep=asleep)
    minutes = capacity(store, policy, week, units)
    return Made(
        number=_number(store, bundle, policy, week, asleep),
        week=week,
        bundle=bundle,
        place={unit.name: place for place, unit in enumerate(units)},
        scores=scores,
        plan=plan(units, policy, minutes, draw_of(bundle.target, week)),
        dormancy=asleep,
    )


def _number(store: Store, bundle: Bundle, policy: Policy, week: Week, asleep: Dormancy) -> str:
    """Return a plan's number: its Monday, and a digest of everything that the plan depends on."""
    inputs = (
        store.fingerprint,
        bundle.digest,
        policy.digest,
        str(week),
        f"{asleep.months} months dormant",
    )
    digest = hashlib.sha256("|".join(inputs).encode()).hexdigest()
    return f"{date_of(week.monday)}-{digest[:12]}"


def draw_of(target: str, week: Week) -> Draw:
    """Return the draw of a week's plan; each target's has a number of its own, so that none overwrites another's."""
    digest = hashlib.sha256(f"{target}|{week.seed}".encode()).hexdigest()
    number = f"{date_of(week.monday)}-{digest[:12]}"
    return Draw(number, week.seed)


def plan_units(
    store: Store, living: Matrix, scores: Scores, *, policy: Policy, asleep: Dormancy
) -> list[PlanUnit]:
    """Return every living enterprise as a unit of the plan, in the order of the matrix; `asleep` tells the dormant of its day."""
    benefit = scores.probability if scores.expected is None else scores.expected
    staff = staff_of(living, policy)
    facts_of = enterprise_facts(store, policy, asleep.as_of)
    cell_of = cells_of(store, asleep.as_of)
    cell_names = store.texts("cell")
    codes = {text: code for code, text in enumerate(store.texts("enterprise"))}
    dormant_codes = set(asleep.codes.tolist())
    units = []
    for place, name in enumerate(living.keys.tolist()):
        code = codes[name]
        facts = facts_of.get(code, Facts())
        unit = PlanUnit(
            name=name,
            cell=cell_names[cell_of[code]] if code in cell_of else NOWHERE,
            staff=int(staff[place]),
            benefit=float(benefit[place]),
            standing=standing_of(facts, policy, asleep.as_of),
            dormant=code in dormant_codes,
        )
        units.append(unit)
    return units


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
