"""A week's lists of any kind of unit: of enterprises by the policy, of claims and providers by the rules of reviews."""

from __future__ import annotations

from features.engine.engine import engine_of
from features.errors import PolicyError
from features.store.store import Store
from models.bundle.bundle import Bundle
from models.policy.plan_unit import ENTERPRISE, KINDS
from models.policy.policy_facts import minutes_of_teams, teams_of_cells
from models.policy.week import Halt, Week, WeekPlan, WeekUnits, enterprise_week, plan_of_units
from models.reviews.in_hand import claims_in_hand, providers_in_hand
from models.reviews.review_rules import ReviewRules, review_rules_on
from models.reviews.review_units import review_units

IN_HAND = {"claim": claims_in_hand, "provider": providers_in_hand}


def week_units(store: Store, bundle: Bundle, week: Week) -> WeekUnits:
    """Return the units, rules and minutes of a week, of the kind that a model scores; PolicyError where nobody has teams."""
    if bundle.entity == ENTERPRISE.name:
        return enterprise_week(store, bundle, week)
    rules = review_rules_on(bundle.entity, week.monday)
    engine = engine_of(store)
    in_hand = IN_HAND[rules.unit](engine, rules, week.as_of)
    units, scores = review_units(engine, bundle, rules, in_hand, week.as_of)
    minutes = office_minutes(store, rules, week, {unit.cell for unit in units})
    return WeekUnits(
        kind=KINDS[rules.unit],
        policy=rules,
        units=units,
        scores=scores,
        minutes=minutes,
        # a team is its own cell: reviewers sit together
        teams={team: team for team in minutes if team},
        register=in_hand.register,
    )


def office_minutes(
    store: Store, rules: ReviewRules, week: Week, offices: set[str]
) -> dict[str, int]:
    """Return the minutes that each team has for reviews in a week: its own, or those given for every list."""
    if week.minutes is not None:
        return dict.fromkeys(sorted(offices), week.minutes)
    if not (store.has("members") and store.has("cells")):
        raise PolicyError(
            f"source {store.source.name!r} has no table of teams; give the person-minutes of a list with --minutes"
        )
    minutes = minutes_of_teams(store, rules.field, as_of=week.as_of, monday=week.monday)
    teams = set(teams_of_cells(store, week.as_of, week.monday).values())
    return {team: minutes.get(team, 0) for team in sorted(teams)}


def planned_week(store: Store, bundle: Bundle, week: Week, halt: Halt | None = None) -> WeekPlan:
    """Return the plan of a week of the kind of unit that a model scores."""
    return plan_of_units(store, bundle, week_units(store, bundle, week), week=week, halt=halt)
