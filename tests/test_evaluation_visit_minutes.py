"""Laws of lists by minutes: they are the plan's own, an hour finds what its visits found, and nobody guesses minutes."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from features.calendar import day_of
from features.matrix import Matrix
from models.policy.lottery import Draw
from models.policy.plan import plan
from models.policy.plan_unit import PlanUnit
from models.policy.policy import policy_on
from models.policy.policy_status import Facts, standing_of
from training.data.cases import TEST, TargetCases, unlabelled
from training.evaluation.answers import Answers
from training.evaluation.capacity import Judged
from training.evaluation.estimate import NotEstimable
from training.evaluation.found_per_hour import hourly_exam
from training.evaluation.minutes_figures import minutes_figures
from training.evaluation.paired import Exam
from training.evaluation.visit_minutes import (
    VisitTimes,
    by_worth,
    filling,
    minutes_of_capacity,
    visit_times,
)

DAY = day_of("2015-01-05")
POLICY = policy_on(DAY)
FIRMS = 300


def firms(staff: np.ndarray, day: int = DAY) -> Matrix:
    number = len(staff)
    keys = np.array([f"e{place:04d}" for place in range(number)])
    days = np.full(number, day, np.int32)
    return Matrix("enterprise", keys, days, ("staff",), staff[:, None].astype(np.float64), {})


def cases_of(matrix: Matrix, number: np.ndarray, weight: np.ndarray | None = None) -> TargetCases:
    """Return cases of which each visit found a number, NaN where nobody looked."""
    size = len(matrix)
    as_of = matrix.as_of.astype(np.int64)
    part = np.full(size, TEST, np.int8)
    cases = unlabelled(np.arange(size), as_of, as_of, matrix.keys, part)
    label = np.where(np.isnan(number), np.nan, number > 0)
    weight = np.ones(size) if weight is None else weight
    return replace(cases, label=label, count=number, weight=weight)


def drawn_staff(seed: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(1, 600, FIRMS)


def test_the_list_that_fills_the_minutes_is_worth_what_the_plans_list_of_scores_is() -> None:
    matrix = firms(drawn_staff(1))
    benefit = np.random.default_rng(2).gamma(1.0, 3.0, FIRMS)
    times = visit_times(matrix)
    assert isinstance(times, VisitTimes) and times.rule == POLICY.rule
    standing = standing_of(Facts(), POLICY, DAY)
    units = []
    for place, name in enumerate(matrix.keys.tolist()):
        staff = int(matrix.values[place, 0])
        units.append(PlanUnit(name, "cell", staff, float(benefit[place]), standing))
    room = 30_000
    (cell,) = plan(units, POLICY, {"cell": room}, Draw("d", "seed")).cells
    left_by_the_draw = room - sum(
        visit.minutes for visit in cell.visits if visit.unit.name in cell.drawn
    )
    order = by_worth(matrix.keys, benefit, times.minutes)
    filled = filling(order, times.minutes, np.ones(FIRMS), left_by_the_draw)
    assert len(filled) > 20
    # the plan may fill the last minutes better, by less than one visit is worth
    by_score = sum(visit.unit.benefit for visit in cell.visits if visit.why == "score")
    assert benefit[filled].sum() > by_score - benefit.max()


def test_a_list_fills_the_minutes_of_the_visits_that_its_capacity_reaches() -> None:
    times = visit_times(firms(drawn_staff(3)))
    assert isinstance(times, VisitTimes)
    weight = np.random.default_rng(4).integers(1, 5, FIRMS).astype(np.float64)
    order = np.random.default_rng(5).permutation(FIRMS)
    room = minutes_of_capacity(0.1, times.minutes, weight)
    mean = float((times.minutes * weight).sum() / weight.sum())
    assert room == pytest.approx(round(0.1 * weight.sum()) * mean)
    top = filling(order, times.minutes, weight, room)
    needed = (times.minutes * weight)[top]
    # without the last visit there is room left, with it there is none
    assert needed[:-1].sum() < room <= needed.sum()


def test_an_hour_finds_what_the_visits_of_the_list_found_by_their_hours() -> None:
    # visits of 4, 8, 16 and 32 hours; a capacity of one visit is 15 hours, so three are on the list
    matrix = firms(np.array([5, 20, 100, 1_000]))
    times = visit_times(matrix)
    assert isinstance(times, VisitTimes) and times.minutes.tolist() == [240, 480, 960, 1_920]
    cases = cases_of(matrix, np.array([2.0, 6.0, np.nan, 90.0]))
    hourly = hourly_exam(Exam(cases, matrix.keys, 1), times.minutes)
    assert hourly is not None
    falling = hourly.ordered(np.array([4.0, 3.0, 2.0, 1.0]))
    # of the third nobody knows what it would have found, so its hours do not count either
    assert falling.per_hour(np.ones(4)) == pytest.approx((2 + 6) / (4 + 8))
    assert falling.per_hour(np.array([2.0, 1.0, 1.0, 1.0])) == pytest.approx((4 + 6) / (8 + 8))
    largest_first = hourly.ordered(np.array([1.0, 2.0, 3.0, 9.0]))
    assert largest_first.per_hour(np.ones(4)) == pytest.approx(90 / 32)
    unseen_first = hourly.ordered(np.array([1.0, 2.0, 9.0, 3.0]))
    assert unseen_first.per_hour(np.ones(4)) is None


def test_a_visit_that_was_seldom_made_speaks_for_more() -> None:
    matrix = firms(np.array([5, 5, 5]))
    cases = cases_of(matrix, np.array([8.0, 0.0, 0.0]))
    chance = np.array([0.25, 0.5, 1.0])
    hourly = hourly_exam(Exam(cases, matrix.keys, 2, chance), np.full(3, 240.0))
    assert hourly is not None
    listed = hourly.ordered(np.array([3.0, 2.0, 1.0])).per_hour(np.ones(3))
    assert listed == pytest.approx(8 * 4 / (4 * 4 + 2 * 4))


def test_where_no_number_is_written_or_no_minutes_are_known_nothing_is_guessed() -> None:
    matrix = firms(np.array([5, 5]))
    nothing = cases_of(matrix, np.array([0.0, np.nan]))
    assert hourly_exam(Exam(nothing, matrix.keys, 1), np.full(2, 240.0)) is None
    some = cases_of(matrix, np.array([1.0, np.nan]))
    assert hourly_exam(Exam(some, matrix.keys, 1), None) is None
    of_claims = visit_times(replace(matrix, entity="claim"))
    assert isinstance(of_claims, NotEstimable) and "enterprises alone" in of_claims.reason
    too_early = visit_times(firms(np.array([5]), day_of("2011-12-31")))
    assert isinstance(too_early, NotEstimable) and "no rule set is in force" in too_early.reason


def test_the_figures_of_the_minutes_say_each_way_and_why_a_number_is_missing() -> None:
    matrix = firms(drawn_staff(6))
    draw = np.random.default_rng(7)
    number = np.where(draw.random(FIRMS) < 0.3, draw.integers(1, 40, FIRMS), 0.0)
    answers = Answers(number, np.full(FIRMS, 0.5), number + 1.0)
    exam = Exam(cases_of(matrix, number), matrix.keys, 0.1)
    judged = judged_of(exam)
    figures = minutes_figures(exam, judged, answers, visit_times(matrix), seed=1)
    assert isinstance(figures, dict)
    per_hour = figures["number_per_hour"]
    assert per_hour["low"] < per_hour["value"] < per_hour["high"]
    # a list by what is found, by the minute, finds more in an hour than visits to all
    of_all = hourly_exam(replace(exam, capacity=FIRMS), visit_minutes(matrix))
    assert of_all is not None
    every = of_all.ordered(answers.raw).per_hour(np.ones(FIRMS))
    assert every is not None and per_hour["low"] > every
    assert figures["labelled_only"] == 1.0 and figures["share_without_label"] == 0.0
    assert figures["lottery"]["recall"] == "not estimable: no lottery visit"
    unnumbered = replace(exam, cases=cases_of(matrix, np.zeros(FIRMS)))
    silent = minutes_figures(unnumbered, judged, answers, visit_times(matrix), seed=1)
    assert isinstance(silent, dict)
    assert silent["number_per_hour"] == "not estimable: no number is written of what was found"
    word = minutes_figures(exam, judged, answers, NotEstimable("no minutes"), seed=1)
    assert word == "not estimable: no minutes"


def visit_minutes(matrix: Matrix) -> np.ndarray:
    times = visit_times(matrix)
    assert isinstance(times, VisitTimes)
    return times.minutes


def judged_of(exam: Exam) -> Judged:
    cases = exam.cases
    certain = np.ones(len(cases))
    return Judged(
        cases.ids,
        certain,
        cases.label,
        certain,
        cases.random_label,
        cases.inclusion,
        cases.weight,
    )
