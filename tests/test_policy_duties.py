"""Duties and levels: who makes a visit binds the lists, and the level of inspection does what the rule set declares."""

from __future__ import annotations

import random
from dataclasses import replace
from importlib import resources
from itertools import combinations
from pathlib import Path

import pytest

from features.errors import PolicyError
from features.home import home
from models.optimum.city_model import CityModel, best_choice
from models.optimum.least_value import ListMinutes, least_value
from models.optimum.shortlist import Candidate, shortlist
from models.policy.capacity import Member, check_duties
from models.policy.plan import Plan, plan
from models.policy.policy import Policy, policies, policy_of, policy_on
from models.policy.policy_status import Facts, standing_of
from tests.test_policy_city import EXACT, some_candidates
from tests.test_policy_plan import DRAW, MONDAY, unit

PUBLISHED = resources.files("models.policy").joinpath("rules", "qingdao-2012.toml").read_text()
DUTY = """
[duty]
inspector = ["full_time", "part_time"]
assistant = ["assistant"]
[[duty.visit]]
why = ["complaint", "exposure"]
made_by = "inspector"
[[duty.visit]]
staff_up_to = 9
made_by = "assistant"
[[duty.visit]]
made_by = "both"
"""
LEVELS = """
[level]
intensified = { weight = 3.0, rest = 91 }
normal = { weight = 1.0, rest = 182 }
reduced = { weight = 0.25, rest = 365 }
"""


def with_duties(percent: int = 0) -> Policy:
    """Return the published rule set with duties, and with a lottery of some percent."""
    policy = policy_of(PUBLISHED + DUTY)
    lottery = policy.lottery.model_copy(update={"percent": percent})
    return policy.model_copy(update={"lottery": lottery})


def candidates_with_duties(seed: int, size: int = 9) -> list[Candidate]:
    chance = random.Random(seed)
    return [
        replace(one, inspector_percent=chance.choice((0, 50, 100)))
        for one in some_candidates(seed, size=size)
    ]


@pytest.mark.parametrize("table", [20_000_000, 0])
@pytest.mark.parametrize("seed", range(6))
def test_the_best_list_is_the_best_of_all_that_inspectors_can_make(
    seed: int, table: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("models.optimum.cell_lists.LARGEST_TABLE", table)
    candidates = candidates_with_duties(seed)
    every = [
        visits
        for size in range(len(candidates) + 1)
        for visits in combinations(candidates, size)
        if sum(one.minutes for one in visits) <= 1200
        and sum(one.inspector for one in visits) <= 300
    ]
    best = max(sum(one.value for one in visits) for visits in every)
    model = CityModel({"c": shortlist(candidates, 1200)}, {"c": 1200}, {}, {"c": 300})
    choice = best_choice(model, EXACT)
    assert choice.value == pytest.approx(best)
    chosen = [one for one in candidates if one.unit in choice.units]
    assert sum(one.inspector for one in chosen) <= 300
    # enough of them bind nothing
    free = best_choice(replace(model, inspectors={"c": 1200}), EXACT)
    assert free.value == pytest.approx(best_choice(replace(model, inspectors={}), EXACT).value)


@pytest.mark.parametrize("seed", range(4))
def test_what_a_visit_would_need_counts_the_minutes_of_inspectors(seed: int) -> None:
    candidates = candidates_with_duties(seed)
    chosen = best_choice(CityModel({"c": candidates}, {"c": 900}, {}, {"c": 240}), EXACT).units
    for visit in [one for one in candidates if one.unit not in chosen]:
        others = [replace(one, groups=()) for one in candidates if one.unit != visit.unit]
        alone = replace(visit, groups=())
        least = least_value([*others, alone], ListMinutes(900, 240), alone, chosen, EXACT)
        if visit.inspector > 240:
            assert least is None
        else:
            assert least is not None
            again = [*others, replace(alone, value=least + 0.01)]
            model = CityModel({"c": again}, {"c": 900}, {}, {"c": 240})
            assert visit.unit in best_choice(model, EXACT).units


def inspectors_used(made: Plan) -> int:
    (start,) = made.starts
    return sum(start.of_inspector(visit) for visit in made.cells[0].visits)


@pytest.mark.parametrize("inspectors", [0, 240, 700, 5000])
def test_complaints_and_risk_never_take_more_of_inspectors_than_there_is(inspectors: int) -> None:
    policy = with_duties()
    units = [
        unit(f"e{number}", staff=(5, 30, 200)[number % 3], benefit=1.0 + number)
        for number in range(20)
    ]
    units += [unit(f"k{number}", staff=30, complaints=(MONDAY - 5,)) for number in range(4)]
    made = plan(units, policy, {"c": 3000}, DRAW, {"c": inspectors})
    visits = made.cells[0].visits
    assert inspectors_used(made) <= inspectors
    assert made.cells[0].inspectors_left == inspectors - inspectors_used(made)
    assert sum(visit.minutes for visit in visits) <= 3000
    if inspectors == 0:
        assert {visit.why for visit in visits} == {"score"}
        assert all(visit.unit.staff <= 9 for visit in visits)
    else:
        assert any(visit.why == "complaint" for visit in visits) is (inspectors >= 480)


def test_enough_inspectors_give_the_plan_without_duties() -> None:
    units = [unit(f"e{number}", staff=30, benefit=1.0 + number) for number in range(12)]
    without = plan(units, policy_on(MONDAY), {"c": 2400}, DRAW)
    free = plan(units, policy_of(PUBLISHED + DUTY), {"c": 2400}, DRAW, {"c": 2400})
    assert [one.visits for one in free.cells] == [one.visits for one in without.cells]


def test_what_a_draw_needs_beyond_the_inspectors_is_told() -> None:
    units = [unit(f"e{number}", staff=200) for number in range(30)]
    made = plan(units, with_duties(30), {"c": 4000}, DRAW, {"c": 0})
    assert made.cells[0].drawn and (made.cells[0].inspectors_left or 0) < 0
    assert {visit.why for visit in made.cells[0].visits} == {"lottery"}


def test_a_duty_that_nobody_has_is_refused_in_words() -> None:
    duty = with_duties().duty
    assert duty is not None
    days = tuple(range(MONDAY, MONDAY + 5))
    inspector = Member("t", "full_time", 2400, MONDAY - 9, None)
    assistant = Member("t", "assistant", 2400, MONDAY - 9, None)
    check_duties("r", duty, [inspector, assistant], days)
    for members, named in (([inspector], "an assistant"), ([assistant], "an inspector"), ([], "")):
        with pytest.raises(PolicyError, match=f"need {named}"):
            check_duties("r", duty, members, days)
    gone = replace(assistant, ended=MONDAY - 1)
    with pytest.raises(PolicyError, match="role assistant"):
        check_duties("r", duty, [inspector, gone], days)


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        (DUTY.rpartition("[[duty.visit]]")[0], "should fit any visit"),
        (DUTY.replace('["assistant"]', '["part_time"]'), "is both"),
        (DUTY.replace('["assistant"]', '["driver"]'), "duty.assistant"),
        (DUTY.replace('made_by = "both"', 'made_by = "nobody"'), "made_by"),
        (f'{DUTY}[[duty.visit]]\nmade_by = "both"\n', "can never hold"),
        (DUTY.replace("staff_up_to", "why = []\nstaff_up_to"), "why: should not be empty"),
    ],
)
def test_a_table_of_duties_that_says_nothing_of_a_visit_is_refused(wrong: str, says: str) -> None:
    with pytest.raises(PolicyError, match=says):
        policy_of(PUBLISHED + wrong)


def test_levels_weigh_visits_and_let_units_rest_as_the_rule_set_declares() -> None:
    policy = policy_of(PUBLISHED + LEVELS)
    day = MONDAY
    never = standing_of(Facts(), policy, day)
    assert (never.level, never.level_by, never.weight) == ("normal", "unexamined", 1.0)
    reduced = standing_of(Facts(visited=day - 200), policy, day)
    assert (reduced.level, reduced.resting) == ("reduced", True)
    assert standing_of(Facts(visited=day - 366), policy, day).weight == 0.25
    assert not standing_of(Facts(visited=day - 200), policy_on(day), day).resting
    grave = Facts(visited=day - 92, sanctions=1, grave=1)
    poor = standing_of(grave, policy, day)
    assert (poor.level, poor.weight, poor.resting) == ("intensified", 3.0, False)
    exposed = standing_of(Facts(visited=day - 92, exposure=(day - 9, None)), policy, day)
    assert (exposed.level, exposed.level_by, exposed.weight) == ("intensified", "exposure", 3.0)


def test_a_class_may_waive_routine_visits_and_complaints_still_reach_it() -> None:
    waiving = PUBLISHED.replace('level = "reduced"', 'level = "waived"')
    policy = policy_of(waiving)
    best = standing_of(Facts(visited=MONDAY - 400, complaints=(MONDAY - 3,)), policy, MONDAY)
    assert best.waived and best.weight == 0 and best.complaint == MONDAY - 3
    # one that nobody looked at has no class to rest on
    assert not standing_of(Facts(), policy, MONDAY).waived


def test_rule_sets_of_the_home_take_the_place_of_the_published_ones() -> None:
    own: Path = home() / "rules"
    own.mkdir(parents=True)
    with pytest.raises(PolicyError, match="holds no rule set"):
        policies()
    (own / "own.toml").write_text(PUBLISHED.replace("qingdao-2012", "own") + DUTY, "utf-8")
    assert policy_on(MONDAY).rule == "own" and policy_on(MONDAY).duty is not None
