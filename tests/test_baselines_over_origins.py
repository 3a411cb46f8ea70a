"""Laws of gains over origins: they are paired, they hold over days as over units, and few origins decide nothing."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from training.baselines.declared import PromotionRule
from training.baselines.over_origins import Answered, Gain, gains, standings
from training.baselines.verdict import verdict_of
from training.data.cases import TEST, TargetCases
from training.evaluation.capacity import Judged, precision_at
from training.evaluation.found_per_hour import HourlyExam, hourly_exam
from training.evaluation.paired import Exam

CASES = 300
RULE = PromotionRule(over="scorecard", metric="precision_at_capacity", least_origins=4)
METRIC = RULE.metric


def exam(seed: int, *, weighs: bool = False) -> Exam:
    draw = np.random.default_rng(seed)
    number = np.arange(CASES)
    nothing = np.full(CASES, np.nan)
    label = (draw.random(CASES) < 0.3).astype(np.float64)
    chance = None
    if weighs:
        label[draw.random(CASES) < 0.4] = np.nan
        chance = draw.uniform(0.1, 1.0, CASES)
    cases = TargetCases(
        number,
        number,
        number,
        np.array([f"c{place:04d}" for place in number]),
        np.full(CASES, TEST, np.int8),
        label,
        label,
        nothing,
        nothing,
        draw.integers(1, 4, CASES).astype(np.float64) if weighs else np.ones(CASES),
        number,
        number,
    )
    units = np.array([f"e{place % 200:03d}" for place in number])
    return Exam(cases, units, 0.2, chance)


def by_the_hour(of: Exam) -> HourlyExam | None:
    """Return the same exam with visits of different lengths."""
    return hourly_exam(of, np.linspace(240.0, 1_920.0, CASES))


def guess(of: Exam, skill: float, seed: int) -> np.ndarray:
    """Return scores that follow the labels as far as their skill goes."""
    noise = np.random.default_rng(seed).normal(size=CASES)
    return skill * np.nan_to_num(of.cases.label) + noise


def gain_of(skills: Sequence[float], rival: float) -> Gain:
    """Return what a model of some skill at each origin gains over a rival of one skill."""
    answered = []
    for place, skill in enumerate(skills):
        of = exam(place)
        raw = {"model": guess(of, skill, 50 + place), "scorecard": guess(of, rival, 90 + place)}
        answered.append(Answered(str(place), of, raw))
    model, other = standings(answered, ("model", "scorecard"), seed=1)
    return gains(model, other)[METRIC]


def test_a_model_gains_exactly_nothing_over_itself() -> None:
    of = [exam(place) for place in range(4)]
    same = [guess(each, 1.0, 3) for each in of]
    answered = [
        Answered(str(place), each, {"model": raw, "scorecard": raw}, by_the_hour(each))
        for place, (each, raw) in enumerate(zip(of, same, strict=True))
    ]
    model, other = standings(answered, ("model", "scorecard"), seed=1)
    for gain in gains(model, other).values():
        assert (gain.mean, gain.low, gain.high, gain.origins) == (0.0, 0.0, 0.0, 4)
    assert verdict_of(gains(model, other)[METRIC], RULE, has_order=True).better == "baseline"


def test_a_model_that_is_better_every_day_is_the_better_choice() -> None:
    gain = gain_of([2.5] * 5, rival=0.3)
    assert gain.low is not None and 0 < gain.low < gain.mean < gain.high
    assert verdict_of(gain, RULE, has_order=True).better == "model"


def test_a_model_that_is_better_on_some_days_alone_is_not() -> None:
    """Over all units together it gains; over days nobody can tell."""
    gain = gain_of([4.0, 4.0, 0.3, 0.3], rival=0.3)
    assert gain.mean > 0.1 and gain.low < 0
    assert verdict_of(gain, RULE, has_order=True).better == "baseline"


def test_three_origins_decide_nothing_however_great_the_gain() -> None:
    gain = gain_of([4.0] * 3, rival=0.0)
    assert gain.low > 0 and gain.origins == 3
    assert verdict_of(gain, RULE, has_order=True).better == "not decided"
    assert verdict_of(gain_of([4.0] * 4, rival=0.0), RULE, has_order=False).better == "not decided"
    assert verdict_of(None, RULE, has_order=True).better == "not decided"


def test_what_stands_at_an_origin_is_what_the_capacity_function_says() -> None:
    of = exam(7, weighs=True)
    raw = guess(of, 1.0, 8)
    (model,) = standings([Answered("day", of, {"model": raw})], ("model",), seed=1)
    cases = of.cases
    judged = Judged(cases.ids, raw, cases.label, of.chance, cases.label, cases.label, cases.weight)
    expected = precision_at(judged, of.capacity)["inverse_propensity"]
    assert model.point[0, 2] == pytest.approx(expected, abs=1e-12)


def test_who_else_is_compared_and_a_model_that_says_nothing_move_no_gain() -> None:
    of = [exam(place) for place in range(4)]
    few = [
        Answered(str(place), each, {"a": guess(each, 2, 1), "b": guess(each, 0, 2)})
        for place, each in enumerate(of)
    ]
    more = [
        Answered(each.name, each.exam, {**each.raw, "c": guess(each.exam, 1, 3)}) for each in few
    ]
    a, b = standings(few, ("a", "b"), seed=1)
    again, silent, _, other = standings(more, ("a", "silent", "c", "b"), seed=1)
    assert gains(a, b) == gains(again, other)
    assert gains(again, silent)[METRIC] == Gain(None, None, None, 0)
