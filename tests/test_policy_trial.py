"""A trial of policies: arms are what they declare, lists keep their minutes, months know nothing later, a stopped one goes on."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from features import files
from features.calendar import day_of, first_day
from features.errors import RequestError, SourceError
from features.ingest.scan import files_below
from lssi.policy_trial.arms import MAIN, Arm, arms_in, arms_of
from lssi.policy_trial.choosing import month_orders
from lssi.policy_trial.comparison import comparison, paired_ratio
from lssi.policy_trial.learning import learned_bundle, lottery_estimate
from lssi.policy_trial.month_units import MonthUnits, mondays_of, policy_under, unwaived
from lssi.policy_trial.orders import LOT, orders_in
from lssi.policy_trial.outcome import by_why
from lssi.policy_trial.page import policy_page
from lssi.policy_trial.stage import Methods, TrialCity, stage_of
from lssi.policy_trial.trial import PolicyTrial, check_trial, keep_arguments, trial_result
from lssi.policy_trial.trial_lines import trial_lines
from models.optimum.city_rules import GROUPS
from models.policy.floors import visits_of_floors
from models.policy.lottery import Draw
from models.policy.plan import cell_starts
from models.policy.plan_unit import PlanUnit
from models.policy.policy import policy_on
from models.policy.policy_status import Facts, standing_of

MONTH = 2014 * 12 + 6
DAY = first_day(MONTH)
OWN = arms_of([], ["plan", "probability", "random", "tenth", "letter"])


def known(arm: Arm, *, units: int = 120, minutes: int = 4_000, seed: int = 1) -> MonthUnits:
    """Return units of three cells with random benefits, a tenth of them with a complaint."""
    chance = np.random.default_rng(seed)
    policy = policy_under(arm, policy_on(DAY))
    made = []
    for place in range(units):
        complaint = (DAY - 5,) if chance.random() < 0.1 else ()
        unit = PlanUnit(
            name=f"E{place + 1:07d}",
            cell=f"C{place % 3}",
            staff=int(chance.integers(1, 80)),
            benefit=float(chance.exponential(2.0)),
            standing=standing_of(Facts(complaints=complaint), policy, DAY),
            rural=bool(chance.random() < 0.3),
        )
        made.append(unit)
    cells = {f"C{cell}": minutes for cell in range(3)}
    return MonthUnits(MONTH, made, chance.random(units), policy, cells)


def minutes_by_cell(units: MonthUnits, arm: Arm, seed: int = 1) -> dict[str, int]:
    """Return the minutes that an arm orders in each cell."""
    cell_of = {unit.name: unit.cell for unit in units.units}
    minutes = dict.fromkeys(units.minutes, 0)
    for visit in month_orders(units, arm, seed).visits:
        minutes[cell_of[visit.enterprise]] += visit.minutes
    return minutes


def test_the_house_declares_arms_and_the_main_three_come_first() -> None:
    assert tuple(arms_of([])) == MAIN
    everything = arms_of([], ["plan", "without_lottery", "without_floors", "tenth", "letter"])
    assert everything["without_lottery"].lottery == 0
    assert {"plan", "tenth", "letter"} <= set(everything)


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("[arm", "TOML"),
        ("", "arm"),
        ('[arm.a]\nzh="一"\nen="one"\nlist="best"', "list"),
        ('[arm.a]\nzh="一"\nen="one"\nlist="value"\nlottery=31', "lottery"),
        ('[arm.a]\nzh="一"\nen="one"\nlist="value"\nlotery=3', "lotery"),
        (
            '[arm.a]\nzh="一"\nen="one"\nlist="value"\nlottery="3"',
            "arm.a.lottery: should be a whole",
        ),
        ('[arm.a]\nzh="一"\nen="one"\nlist="value"\nwaivers=1', "waivers: should be true or false"),
        ('[arm.a]\nzh="一"\nen="\\u001b"\nlist="value"', "en: should hold no control"),
        ('[arm.A]\nzh="一"\nen="one"\nlist="value"', "arm"),
    ],
)
def test_a_wrong_declaration_is_refused_and_named(text: str, word: str) -> None:
    with pytest.raises(RequestError, match=word):
        arms_in("own.toml", text)


def test_unknown_arms_and_unreadable_files_are_refused(tmp_path: Path) -> None:
    with pytest.raises(RequestError, match="--arm should be one of plan"):
        arms_of([], ["nobody"])
    with pytest.raises(RequestError, match="cannot be read"):
        arms_of([tmp_path / "none.toml"])
    file = tmp_path / "own.toml"
    file.write_text('[arm.mine]\nzh="我的"\nen="mine"\nlist="value"\n', "utf-8")
    assert list(arms_of([file])) == ["mine"]
    with pytest.raises(RequestError, match="two arms"):
        arms_of([file, file])


@settings(deadline=None, max_examples=12)
@given(
    name=st.sampled_from(["plan", "probability", "tenth"]),
    units=st.integers(1, 150),
    minutes=st.integers(0, 9_000),
    seed=st.integers(1, 99),
)
def test_no_list_exceeds_its_minutes_and_nobody_is_visited_twice(
    name: str, units: int, minutes: int, seed: int
) -> None:
    arm = OWN[name]
    month = known(arm, units=units, minutes=minutes, seed=seed)
    assert all(spent <= minutes for spent in minutes_by_cell(month, arm, seed).values())
    visited = [visit.enterprise for visit in month_orders(month, arm, seed).visits]
    assert len(set(visited)) == len(visited)


def test_random_visits_spend_the_minutes_in_expectation_and_tell_their_probability() -> None:
    arm = OWN["random"]
    month = known(arm)
    spent = [sum(minutes_by_cell(month, arm, seed).values()) for seed in range(120)]
    # 120 draws of some 10,000 minutes each with a spread of about a visit a cell
    assert abs(np.mean(spent) / sum(month.minutes.values()) - 1) < 0.03
    orders = month_orders(month, arm, 1)
    assert {visit.why for visit in orders.visits} == {LOT}
    assert all(visit.probability and 0 < visit.probability <= 1 for visit in orders.visits)


def test_a_ranking_by_probability_takes_the_highest_that_fit() -> None:
    arm = OWN["probability"].model_copy(update={"lottery": 0, "complaints": 0})
    month = known(arm)
    probability = dict(zip([unit.name for unit in month.units], month.probability, strict=True))
    orders = month_orders(month, arm, 1)
    listed = {visit.enterprise for visit in orders.visits}
    for cell in month.minutes:
        inside = [unit.name for unit in month.units if unit.cell == cell]
        first = max(inside, key=lambda name: probability[name])
        assert first in listed


def test_a_ranking_with_floors_lists_the_best_of_each_group_as_often_as_the_floor_asks() -> None:
    arm = OWN["probability"].model_copy(update={"lottery": 0, "complaints": 0})
    # six visits of 960 minutes fill a cell, so that a plain ranking, which has small firms last, lists none of them
    month = known(arm, units=240, minutes=6 * 960)
    small = [unit.name for unit in month.units if unit.staff <= month.policy.floors.small_up_to]
    units = [one if one.name in small else replace(one, staff=60) for one in month.units]
    month = replace(month, units=units)
    is_small = np.isin([unit.name for unit in month.units], small)
    month = replace(month, probability=month.probability - is_small)
    probability = dict(zip([one.name for one in month.units], month.probability, strict=True))
    small.sort(key=lambda name: -probability[name])
    draw = Draw(str(MONTH), "1")
    starts = cell_starts(month.units, month.policy, month.minutes, draw)
    asked = visits_of_floors((start.at_random() for start in starts), month.policy.floors, draw)
    assert asked["small"] > 1 < asked["rural"]
    orders = month_orders(replace(month, policy=policy_under(arm, policy_on(DAY))), arm, 1)
    listed = {visit.enterprise for visit in orders.visits}
    assert set(small[: asked["small"]]) <= listed
    assert all(orders.groups[group][1] >= asked[group] for group in GROUPS)
    free = arm.model_copy(update={"small": 0, "rural": 0})
    without = month_orders(replace(month, policy=policy_under(free, policy_on(DAY))), free, 1)
    assert without.groups["small"][1] == 0


def test_the_workers_of_an_outcome_are_parted_by_why_a_visit_was_ordered() -> None:
    orders = month_orders(known(OWN["plan"]), OWN["plan"], 1)
    met = orders.visits[:-1]
    visits = {
        "enterprise": np.array([int(visit.enterprise[1:]) for visit in met]),
        "minutes": np.array([visit.minutes for visit in met]),
        "workers": np.arange(len(met)),
    }
    parts = by_why(orders, [visits])
    assert set(parts) == {visit.why for visit in orders.visits} >= {"score", "complaint"}
    totals = np.sum(list(parts.values()), axis=0).tolist()
    assert totals == [len(met), visits["minutes"].sum(), visits["workers"].sum()]
    of_score = [visit.why == "score" for visit in met]
    assert parts["score"][2] == visits["workers"][of_score].sum()


def test_a_replaced_tenth_expects_more_workers_a_minute() -> None:
    expected = {}
    for name in ("probability", "tenth"):
        month = known(OWN[name], minutes=9_000)
        visits = month_orders(month, OWN[name], 1).visits
        expected[name] = sum(visit.expected * visit.share for visit in visits)
    assert expected["tenth"] > expected["probability"]


def test_letters_go_to_half_of_the_list_by_lot_and_to_nobody_else() -> None:
    arm = OWN["letter"]
    orders = month_orders(known(arm, minutes=9_000), arm, 1)
    by_score = {visit.enterprise for visit in orders.visits if visit.why == "score"}
    assert set(orders.letters) < set(orders.listed) == by_score
    assert len(orders.letters) == len(by_score) // 2
    assert not month_orders(known(OWN["plan"]), OWN["plan"], 1).letters


def test_orders_are_read_back_as_they_were_written() -> None:
    for arm in OWN.values():
        orders = month_orders(known(arm), arm, 1)
        assert orders_in(json.loads(json.dumps(orders.plain()))) == orders


def test_an_arm_changes_the_rule_set_and_waivers_fall_only_where_it_says() -> None:
    arm = OWN["plan"].model_copy(update={"lottery": 5, "complaints": 20, "small": 0, "rural": 10})
    policy = policy_under(arm, policy_on(DAY))
    assert (policy.lottery.percent, policy.statutory.percent) == (5, 20)
    assert (policy.floors.small, policy.floors.rural) == (0, 10)
    unit = known(arm).units[0]
    waived = replace(unit, standing=standing_of(Facts(medals=((DAY - 9, None),)), policy, DAY))
    assert waived.standing.weight == 0
    assert unwaived(waived, policy).standing.weight > 0
    resting = Facts(medals=((DAY - 9, None),), visited=DAY - 3)
    rests = replace(unit, standing=standing_of(resting, policy, DAY))
    assert unwaived(rests, policy).standing.weight == 0


def test_the_weeks_of_months_follow_each_other_without_gap() -> None:
    mondays = [day for month in range(MONTH, MONTH + 12) for day in mondays_of(month)]
    assert set(np.diff(mondays)) == {7}
    assert first_day(MONTH) <= mondays[0] < first_day(MONTH) + 7


@settings(deadline=None, max_examples=50)
@given(st.lists(st.tuples(st.integers(50, 500), st.integers(50, 500)), min_size=2, max_size=9))
def test_a_ratio_turned_round_is_its_inverse_and_lies_in_its_interval(
    pairs: list[tuple[int, int]],
) -> None:
    ours, theirs = zip(*pairs, strict=True)
    there, back = paired_ratio(ours, theirs), paired_ratio(theirs, ours)
    assert there is not None and back is not None
    assert there["low"] <= there["value"] <= there["high"]
    assert there["value"] * back["value"] == pytest.approx(1, abs=1e-4)
    assert paired_ratio([0, 1], [1, 1]) is None


def a_run(seed: int, found: Sequence[int], estimate: Any) -> dict[str, Any]:
    """Return a run by hand, a month for each number of workers found."""
    months = [
        {
            "month": MONTH + place,
            "workers_found": number,
            "workers_registered": number // 2,
            "visits": 10,
            "uncovered": 100 - number,
            "violators": 20,
            "staff": 900,
            "seen_if_all": 50.0,
            "estimate": estimate,
            "groups": {"all": [100, 10], "small": [50, 2], "rural": [0, 0]},
            "by_why": {"lottery": [4, 1_200, 0], "score": [6, 1_800, number]},
        }
        for place, number in enumerate(found)
    ]
    return {"seed": seed, "months": months, "first_model_tells_numbers": seed == 1}


def test_a_comparison_tells_ratios_groups_and_errors_and_both_texts_show_them() -> None:
    told = {"value": 60.0, "low": 40.0, "high": 80.0}
    runs = {
        "plan": [a_run(1, [20, 20], told), a_run(2, [40, 40], told)],
        "random": [a_run(1, [5, 5], "not estimable"), a_run(2, [10, 10], "not estimable")],
    }
    result = {"enterprises": 1_000, "months": 2, "until": "", "seeds": [1, 2], **comparison(runs)}
    at_random = result["arms"]["random"]
    assert at_random["reference_over_this"]["workers_found"]["value"] == 4.0
    assert result["arms"]["plan"]["groups"]["small"] == {"chance": 0.04, "over_random": 1.0}
    assert result["arms"]["plan"]["groups"]["rural"]["chance"] is None
    assert at_random["reference_over_this"]["found_by_score"]["value"] == 4.0
    by_score = result["arms"]["plan"]["by_why"]["score"]
    assert by_score == {"visits": 24, "hours": 120.0, "workers_found": 120, "an_hour": 1.0}
    last = result["arms"]["plan"]["estimates"][0]["by_month"][-1]
    assert (last["error"], last["holds"]) == (0.2, True)
    arms = arms_of([], ["plan", "random"])
    assert result["seeds_without_numbers"] == [2]
    page = policy_page(result, arms)
    text = "\n".join(trial_lines(result, arms))
    for words in (page, text):
        assert "随机检查" in words and "random visits" in words and "4.00" in words
        assert "too few cases to expect numbers" in words
    assert "<script" not in page and page.count("<svg") == 3


def test_a_trial_of_impossible_arguments_is_refused(tmp_path: Path) -> None:
    good = TrialCity(tmp_path / "out", 1_000, 1, "2015-06-30")
    for wrong in ({"enterprises": 10}, {"months": 0}, {"until": "2015-13-01"}):
        with pytest.raises(Exception, match=r"should|day"):
            check_trial(replace(good, **wrong), [1])  # type: ignore[arg-type]
    with pytest.raises(RequestError, match="--seeds"):
        check_trial(good, [])


def test_a_folder_keeps_one_city_and_takes_no_other_files(tmp_path: Path) -> None:
    good = TrialCity(tmp_path / "out", 1_000, 1, "2015-06-30")
    keep_arguments(good, OWN, [1])
    keep_arguments(good, OWN, [1, 2])
    with pytest.raises(SourceError, match="other arguments"):
        keep_arguments(replace(good, months=2), OWN, [1])
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "letter.txt").touch()
    with pytest.raises(SourceError, match="not empty"):
        keep_arguments(replace(good, out=tmp_path / "own"), OWN, [1])


class Stopped(BaseException):
    """Stands for a signal: nothing of ours catches it."""


def bytes_of(out: Path) -> dict[str, bytes]:
    """Return what a trial leaves that tells of its months."""
    names = ("result.json", "page.html", "orders-*.json", "outcome-*.json")
    places = [place for name in names for place in files_below(out, name)]
    return {str(place.relative_to(out)): place.read_bytes() for place in places}


@pytest.mark.slow
def test_a_trial_that_is_stopped_anywhere_goes_on_to_the_same_bytes_and_knows_nothing_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    arms = arms_of([], ["plan", "random"])
    asked = TrialCity(tmp_path / "whole", 1_000, 2, "2015-06-30")
    methods = Methods(learned_bundle, lottery_estimate)
    result = trial_result(PolicyTrial(asked, arms, (1,), methods), 1, lambda *_: None)
    whole = bytes_of(asked.out)
    assert len(whole) == 2 + 2 * 2 * 2

    stopped = replace(asked, out=tmp_path / "stopped")
    reached = files.reached
    # each run is stopped at its first point of a kind that no run before it reached
    kinds: set[str] = set()

    def stop(point: str) -> None:
        kind = point.split("-")[0]
        if kind not in kinds and ("outcome" in point or "orders" in point or "stage" in point):
            kinds.add(kind)
            raise Stopped(point)
        reached(point)

    monkeypatch.setattr(files, "reached", stop)
    stops = 0
    while True:
        try:
            trial_result(PolicyTrial(stopped, arms, (1,), methods), 1, lambda *_: None)
            break
        except Stopped:
            stops += 1
    assert stops >= 4
    assert bytes_of(stopped.out) == whole

    # a visit of the first month was ordered before its rows were known
    stage = stage_of(asked, 1, methods)
    assert stage.city.eve == day_of("2015-04-30")
    assert result["arms"]["plan"]["totals"]["workers_found"][0] > 0
