"""The units of a week's plan: every living enterprise with its cell, its staff, its standing, and what a visit may bring."""

from __future__ import annotations

from dataclasses import dataclass

from features.engine.dormancy import Dormancy, dormancy
from features.engine.engine import engine_of
from features.engine.matrices import matrix
from features.store.store import Store
from models.bundle.booster import Floats
from models.bundle.bundle import Bundle
from models.bundle.score import Scores, score
from models.policy.plan_unit import PlanUnit
from models.policy.policy import Policy
from models.policy.policy_facts import EnterpriseGround, enterprise_facts, grounds_of
from models.policy.policy_status import Days, Facts, standing_of
from models.policy.visit_staff import check_staff_features, staff_of

NOWHERE = ""  # the list of units that lie in no cell
FEN = 100
"""Fen of a yuan: the contract counts money in fen, since a store holds whole numbers alone."""


@dataclass(frozen=True, slots=True, eq=False)
class Eve:
    """What is known by the day that a plan looks from: every living enterprise as a unit, its scores in the same order, the
    dormant, and how many enterprises the register has, those that are closed too.
    """

    units: list[PlanUnit]
    scores: Scores
    asleep: Dormancy
    register: int


def eve_of(store: Store, bundle: Bundle, policy: Policy, *, as_of: int, planned: Days) -> Eve:
    """Return what a store knew by the end of a day of the units whose visits are planned for some days.

    The day's features, of a whole city nearly a gigabyte, end with this call.
    """
    check_staff_features(engine_of(store).catalogue, policy, "enterprise")
    living = matrix(store, "enterprise", as_of)
    scores = score(bundle, living)
    asleep = dormancy(engine_of(store), as_of)
    grounds = grounds_of(store, as_of)
    sights = Sights(
        names=living.keys.tolist(),
        staff=staff_of(living, policy),
        benefit=benefit_of(bundle, scores, policy),
        dormant=frozenset(asleep.codes.tolist()),
        grounds=grounds,
    )
    units = plan_units(store, sights, policy, as_of=as_of, planned=planned)
    return Eve(units, scores, asleep, len(grounds))


@dataclass(frozen=True, slots=True, eq=False)
class Sights:
    """Of the living enterprises of a day their names, staff and benefit, (n,) each; by code the dormant, and where each lies."""

    names: list[str]
    staff: Floats
    benefit: Floats
    dormant: frozenset[int]
    grounds: dict[int, EnterpriseGround]


def benefit_of(bundle: Bundle, scores: Scores, policy: Policy) -> Floats:
    """Return what a visit to each enterprise is expected to bring, in workers newly covered, (n,).

    Amounts are exchanged as the rule set declares; a model without a number counts the enterprises in violation.
    """
    if scores.expected is None:
        return scores.probability
    if bundle.manifest.unit_expected == "fen":
        return scores.expected / (FEN * policy.exchange.yuan_per_worker)
    return scores.expected


def plan_units(
    store: Store, sights: Sights, policy: Policy, *, as_of: int, planned: Days
) -> list[PlanUnit]:
    """Return every living enterprise as a unit of the plan of some days, by the facts known at the end of a day."""
    facts_of = enterprise_facts(store, policy, as_of)
    cell_names = store.texts("cell")
    codes = {text: code for code, text in enumerate(store.texts("enterprise"))}
    units = []
    for place, name in enumerate(sights.names):
        code = codes[name]
        ground = sights.grounds[code]
        facts = facts_of.get(code, Facts())
        unit = PlanUnit(
            name=name,
            cell=NOWHERE if ground.cell is None else cell_names[ground.cell],
            staff=int(sights.staff[place]),
            benefit=float(sights.benefit[place]),
            standing=standing_of(facts, policy, as_of, planned),
            dormant=code in sights.dormant,
            rural=ground.rural,
            place=ground.place,
        )
        units.append(unit)
    return units
