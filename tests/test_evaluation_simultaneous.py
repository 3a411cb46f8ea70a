"""Laws of simultaneous intervals: they hold for all groups and pairs together, and know that cases of one unit are alike."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from scipy.stats import norm
from sklearn.utils import resample

from training.evaluation.simultaneous import (
    CONFIDENCE,
    Membership,
    Sums,
    Together,
    together,
    wilson,
)

RATES = np.array([0.03, 0.1, 0.2, 0.3])
SIZES = (60, 80, 300, 500)
REDRAWS = 300


def drawn_test(seed: int) -> tuple[Sums, Membership]:
    """Return labelled cases of four groups with a weight each, of units that have one case or two."""
    draw = np.random.default_rng(seed)
    group = np.repeat(np.arange(4), SIZES)
    unit = np.arange(len(group)) // 2 * 2
    unit[::7] += 1
    label = (draw.random(len(group)) < RATES[group]).astype(np.float64)
    weight = np.exp(0.5 * draw.normal(size=len(group)))
    return Sums(weight * label, weight, weight), Membership(unit, group, 4)


def misses(intervals: Together) -> bool:
    """Tell whether any group or pair has its true value outside."""
    pairs = [
        interval.low <= RATES[first] - RATES[second] <= interval.high
        for (first, second), interval in intervals.pairs.items()
    ]
    groups = [
        interval.low <= RATES[place] <= interval.high
        for place, interval in intervals.groups.items()
    ]
    assert len(groups) == 4 and len(pairs) == 6
    return not all(groups + pairs)


def missed_alone(sums: Sums, members: Membership) -> bool:
    """Tell whether any of ten intervals misses that are each made by itself, for 95 %."""
    factor = float(norm.ppf(0.975))
    rates, variances = [], []
    for place in range(4):
        weight, hits = (values[members.group == place] for values in (sums.weight, sums.numerator))
        rate = hits.sum() / weight.sum()
        rates.append(rate)
        variances.append(((hits - rate * weight) ** 2).sum() / weight.sum() ** 2)
    reach = factor * np.sqrt(variances)
    outside = np.abs(np.array(rates) - RATES) > reach
    for first, second in combinations(range(4), 2):
        error = rates[first] - rates[second] - (RATES[first] - RATES[second])
        outside = np.append(
            outside, abs(error) > factor * np.sqrt(variances[first] + variances[second])
        )
    return bool(outside.any())


def test_they_cover_all_groups_and_pairs_together_and_single_ones_do_not() -> None:
    tests = [drawn_test(seed) for seed in range(REDRAWS)]
    covered = [not misses(together(*test, least=10, seed=1)) for test in tests]
    single = [not missed_alone(*test) for test in tests]
    # of 300 redraws at 95 %, fewer than 91 % are one in a thousand
    assert np.mean(covered) >= 0.91 and np.mean(single) < 0.85


def test_the_variance_is_that_of_a_bootstrap_of_whole_units() -> None:
    draw = np.random.default_rng(3)
    unit = np.repeat(np.arange(80), 5)
    of_unit = draw.beta(1, 2, 80)
    label = (draw.random(400) < of_unit[unit]).astype(np.float64)
    ones = np.ones(400)
    group = np.zeros(400, np.int64)
    got = together(Sums(label, ones, ones), Membership(unit, group, 1), least=10, seed=1).groups[0]
    means = [
        label.reshape(80, 5)[resample(np.arange(80), random_state=each)].mean()
        for each in range(800)
    ]
    reach = norm.ppf((1 + CONFIDENCE) / 2) * np.std(means)
    assert (got.high - got.low) / 2 == pytest.approx(reach, rel=0.1)
    apart = together(
        Sums(label, ones, ones), Membership(np.arange(400), group, 1), least=10, seed=1
    )
    assert apart.groups[0].high - apart.groups[0].low < 0.8 * (got.high - got.low)


def test_no_positive_at_all_leaves_room_above_and_a_few_units_say_nothing() -> None:
    ones = np.ones(60)
    group = np.repeat([0, 1], [54, 6])
    intervals = together(
        Sums(0 * ones, ones, ones), Membership(np.arange(60), group, 2), least=10, seed=1
    )
    assert set(intervals.groups) == {0} and intervals.pairs == {}
    assert intervals.groups[0].low == 0 < 0.03 < intervals.groups[0].high < 0.1
    nobody = together(
        Sums(ones, ones, 0 * ones), Membership(np.arange(60), group, 2), least=2, seed=1
    )
    assert nobody.groups == nobody.pairs == {}


def test_wilson_agrees_with_his_equation() -> None:
    rates, cases, factor = np.array([0.1, 0.5, 0.9]), np.array([20.0, 40.0, 300.0]), 2.5
    for end in wilson(rates, cases, factor):
        # at an end the rate lies `factor` of the end's own standard errors away
        assert np.abs(rates - end) == pytest.approx(factor * np.sqrt(end * (1 - end) / cases))
