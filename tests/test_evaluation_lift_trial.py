"""Laws of the trial of a list: without lift it is hardly ever shown, whenever one looks, and a great lift soon is."""

from __future__ import annotations

from itertools import product
from math import comb

import numpy as np
import pytest

from features.errors import TargetError
from training.evaluation.estimate import Estimate, NotEstimable
from training.evaluation.lift_trial import (
    GO_ON,
    HALT,
    SHOWN,
    LiftTrial,
    LiveVisits,
    capital_of,
    decided,
    lift_so_far,
    shown_after,
    shown_by_stakes,
    trial_verdict,
)

DRAWN, LISTED, WEEKS = 2, 4, 3
SMALL = LiftTrial(visits=WEEKS * (DRAWN + LISTED), error=0.2)


def visits_of(weeks: list[tuple[int, int]]) -> LiveVisits:
    """Return visits of some weeks, each with so many hits among its drawn and among its listed visits."""
    hit = []
    for drawn_hits, listed_hits in weeks:
        hit += [1.0] * listed_hits + [0.0] * (LISTED - listed_hits)
        hit += [1.0] * drawn_hits + [0.0] * (DRAWN - drawn_hits)
    drawn = np.tile(np.arange(DRAWN + LISTED) >= LISTED, len(weeks))
    period = np.repeat(np.arange(len(weeks)), DRAWN + LISTED)
    return LiveVisits(np.array(hit), drawn, period, np.ones(len(hit)))


def binomial(hits: int, number: int, rate: float) -> float:
    return comb(number, hits) * rate**hits * (1 - rate) ** (number - hits)


def shown_weeks() -> list[tuple[tuple[int, int], ...]]:
    """Return all that the visits of a small trial can find for which a list is shown."""
    a_week = list(product(range(DRAWN + 1), range(LISTED + 1)))
    return [
        weeks
        for weeks in product(a_week, repeat=WEEKS)
        if shown_after(visits_of(list(weeks)), SMALL)
    ]


def chance_of(weeks: tuple[tuple[int, int], ...], bases: tuple[float, ...], lift: float) -> float:
    chance = 1.0
    for base, (drawn, listed) in zip(bases, weeks, strict=True):
        chance *= binomial(drawn, DRAWN, base) * binomial(listed, LISTED, base * lift)
    return chance


def test_over_all_that_visits_can_find_a_list_without_lift_is_shown_no_more_often_than_stated() -> (
    None
):
    shown = shown_weeks()
    for bases in ((0.5, 0.5, 0.5), (0.2, 0.6, 0.9)):
        worse, without, better = (
            sum(chance_of(weeks, bases, lift) for weeks in shown) for lift in (0.8, 1.0, 1.1)
        )
        assert 0 < worse < without < better
        assert without <= SMALL.error


def test_a_bet_on_no_gap_gains_nothing_on_average_and_one_on_a_gap_gains() -> None:
    outcomes = list(product([0.0, 1.0], repeat=3))
    for rate, gains in ((0.5, False), (0.2, True)):
        capital = 0.0
        for drawn in outcomes:
            for listed in outcomes:
                chance = np.prod([binomial(int(hit), 1, rate) for hit in drawn])
                chance *= np.prod([binomial(int(hit), 1, 0.5) for hit in listed])
                gap = np.array(drawn)[:, None] - np.array(listed)[:, None]
                capital += float(chance * capital_of(gap, np.ones(1))[-1, 0])
        assert capital > 1 if gains else capital == pytest.approx(1)


def made(base: float, lift: float, *, visits: int = 2_500, seed: int = 1) -> LiveVisits:
    generator = np.random.default_rng(seed)
    drawn = np.arange(visits) % 10 == 0
    chance = np.where(drawn, base, base * lift)
    hit = (generator.random(visits) < chance).astype(np.float64)
    return LiveVisits(hit, drawn, np.arange(visits) // 50, np.ones(visits))


def test_a_great_lift_is_shown_early_a_harmful_list_halted_early_and_none_at_the_end() -> None:
    trial = LiftTrial()
    great = decided(made(0.2, 2.5), trial)
    harmful = decided(made(0.4, 0.3), trial)
    assert great[0] == SHOWN and great[1] < 1_500
    assert harmful[0] == HALT and harmful[1] < 1_500
    assert decided(made(0.2, 1.0), trial) == (HALT, 2_500)
    assert decided(made(0.2, 1.0, visits=600), trial) == (GO_ON, 600)


def test_what_was_decided_stands_whatever_comes_later() -> None:
    trial = LiftTrial()
    whole = made(0.2, 2.0)
    word, after = decided(whole, trial)
    assert word == SHOWN
    assert decided(whole.first(after), trial) == (word, after)
    assert decided(whole.first(after - 50), trial) == (GO_ON, after - 50)


def test_the_order_of_the_visits_of_a_week_changes_nothing_that_is_shown() -> None:
    whole = made(0.2, 1.6, visits=1_500)
    order = np.lexsort((whole.drawn, whole.period))
    sorted_in_weeks = LiveVisits(
        whole.hit[order], whole.drawn[order], whole.period, whole.weight[order]
    )
    assert shown_after(whole, LiftTrial()) == shown_after(sorted_in_weeks, LiftTrial())


def test_the_sequence_holds_a_lift_after_every_visit_and_narrows() -> None:
    inside = 0
    for seed in range(40):
        whole = made(0.4, 1.5, visits=1_500, seed=seed)
        told = [lift_so_far(whole.first(number), LiftTrial()) for number in (400, 800, 1_500)]
        assert all(isinstance(each, Estimate) for each in told)
        lows, highs = [each.low for each in told], [each.high for each in told]
        assert lows == sorted(lows) and highs == sorted(highs, reverse=True)
        inside += max(lows) <= 1.5 <= min(highs)
    assert inside >= 36


def test_weights_of_unequal_chances_show_the_lift_over_the_population_not_over_the_drawn() -> None:
    generator = np.random.default_rng(1)
    drawn = np.arange(4_000) % 2 == 0
    # the guilty half of the population is drawn three times as often, so that among the drawn .75 are guilty
    is_often = generator.random(4_000) < 0.75
    hit = np.where(drawn, is_often, generator.random(4_000) < 0.65).astype(np.float64)
    weight = np.where(is_often, 2 / 3, 2.0)
    period = np.arange(4_000) // 50
    trial = LiftTrial(visits=4_000, largest_weight=2.0)
    weighted = LiveVisits(hit, drawn, period, np.where(drawn, weight, 1.0))
    assert shown_by_stakes(weighted, trial) and decided(weighted, trial)[0] == SHOWN
    assert not shown_after(LiveVisits(hit, drawn, period, np.ones(4_000)), trial)


def test_without_a_lottery_nothing_is_shown_and_the_lift_is_a_word() -> None:
    whole = made(0.3, 1.5)
    none_drawn = LiveVisits(
        whole.hit, np.zeros(len(whole.hit), bool), whole.period, np.ones(len(whole.hit))
    )
    verdict = trial_verdict(none_drawn, LiftTrial())
    assert verdict.word == HALT and verdict.lottery_visits == 0
    assert verdict.lift == NotEstimable("no lottery visit")
    one = trial_verdict(whole.first(5), LiftTrial())
    assert one.word == GO_ON and one.lift == NotEstimable("1 lottery visits, at least 30 needed")


def test_a_weight_above_the_largest_stated_is_refused() -> None:
    whole = made(0.3, 1.5)
    heavy = LiveVisits(whole.hit, whole.drawn, whole.period, whole.weight * 3)
    with pytest.raises(TargetError, match="at most 2; got 3"):
        decided(heavy, LiftTrial(largest_weight=2.0))


def test_a_visit_without_an_outcome_and_weeks_out_of_order_are_refused() -> None:
    two = np.array([0, 1])
    with pytest.raises(TargetError, match="found a violation"):
        LiveVisits(np.array([1.0, np.nan]), two == 0, two, np.ones(2))
    with pytest.raises(TargetError, match="order of their weeks"):
        LiveVisits(np.ones(2), two == 0, two[::-1], np.ones(2))


@pytest.mark.slow
@pytest.mark.parametrize("base", [0.2, 0.48])
def test_a_list_that_is_hardly_better_is_halted_in_90_of_100_trials_and_one_of_half_as_much_in_5(
    base: float,
) -> None:
    for lift, least, most in ((1.01, 0.9, 1.0), (1.5, 0.0, 0.05)):
        words = [decided(made(base, lift, seed=seed), LiftTrial())[0] for seed in range(2_000)]
        assert least <= np.mean([word == HALT for word in words]) < most, lift
