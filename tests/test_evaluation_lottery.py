"""Laws of what a lottery tells: unbiased over its whole design, intervals that hold, and a word where there is none."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import product

import numpy as np
import pytest
from scipy.stats import binomtest

from features.calendar import day_of
from features.errors import TargetError
from models.policy.lottery import Draw
from models.policy.plan import CellPlan, plan
from models.policy.plan_unit import PlanUnit
from models.policy.policy import policy_on
from models.policy.policy_status import Facts, standing_of
from training.data.cases import TargetCases, unlabelled
from training.evaluation.estimate import (
    Estimate,
    NotEstimable,
    amount_total,
    exact_share,
    part_of_whole,
    share_among,
    share_by_unit,
    share_total,
)
from training.evaluation.found import lift, precision, proposed_list, recall, visited_list
from training.evaluation.list_figures import lottery_figures
from training.evaluation.lottery import (
    Drawn,
    Survey,
    Total,
    difference,
    hajek,
    horvitz_thompson,
    seen_total,
)

NAN = np.nan
VALUE = np.array([3.0, 0.0, 1.0, 7.0, 0.0, 2.0])
INCLUSION = np.array([0.2, 0.5, 0.9, 0.3, 0.6, 1.0])
TOLD = np.array([2.0, 0.5, 4.0, 5.0, 0.0, 1.0])
LISTED = np.array([False, True, False, True, False, False])


def whole_design() -> Iterator[tuple[float, np.ndarray]]:
    """Yield every set of units that a lottery can draw, and its probability."""
    for outcome in product([False, True], repeat=len(VALUE)):
        is_drawn = np.array(outcome)
        yield float(np.where(is_drawn, INCLUSION, 1 - INCLUSION).prod()), is_drawn


def seen_by(is_drawn: np.ndarray, listed: np.ndarray) -> Survey:
    """Return what is known when a list was visited and a lottery drew some, of the list too."""
    return Survey(
        np.where(is_drawn | listed, VALUE, NAN),
        np.where(is_drawn, INCLUSION, NAN),
        TOLD,
        np.ones(len(VALUE)),
    )


def with_the_list(survey: Survey, listed: np.ndarray) -> Total:
    rest = difference(survey.take(~listed))
    return rest.above(seen_total(survey.value[listed]).value)


def test_over_its_whole_design_a_lottery_is_right_on_average_and_so_is_its_variance() -> None:
    nobody = np.zeros(len(VALUE), bool)
    for name, listed in (("no list", nobody), ("list", LISTED)):
        design = [(chance, seen_by(drawn, listed)) for chance, drawn in whole_design()]
        totals = [(chance, with_the_list(survey, listed)) for chance, survey in design]
        mean = sum(chance * total.value for chance, total in totals)
        variance = sum(chance * (total.value - mean) ** 2 for chance, total in totals)
        assert mean == pytest.approx(VALUE.sum()), name
        assert sum(chance * total.variance for chance, total in totals) == pytest.approx(variance)
    plain = [(chance, horvitz_thompson(seen_by(d, nobody).drawn())) for chance, d in whole_design()]
    assert sum(chance * total.value for chance, total in plain) == pytest.approx(VALUE.sum())


def test_a_drawn_unit_of_the_list_counts_once_and_its_draw_moves_nothing() -> None:
    drawn_of_list = seen_by(LISTED, LISTED)
    none_drawn = seen_by(np.zeros(len(VALUE), bool), LISTED)
    assert with_the_list(drawn_of_list, LISTED).value == with_the_list(none_drawn, LISTED).value


def test_equal_chances_give_the_mean_and_a_good_model_narrows_what_it_tells() -> None:
    drawn = Drawn(VALUE, np.full(6, 0.25))
    assert hajek(drawn, 1.0).value == pytest.approx(VALUE.mean())
    exact = Survey(VALUE, np.full(6, 0.25), VALUE, np.ones(6))
    assert difference(exact).variance == 0 < horvitz_thompson(drawn).variance


MONDAY = day_of("2015-07-06")
POLICY = policy_on(MONDAY)


def cell_units() -> list[PlanUnit]:
    """Return a cell of twelve firms that a list can reach and six that a medal waives."""
    waived = standing_of(Facts(medals=((MONDAY - 30, None),)), POLICY, MONDAY)
    routine = standing_of(Facts(), POLICY, MONDAY)
    of_list = [PlanUnit(f"p{place:02d}", "c", 5, 1.0 + place, routine) for place in range(12)]
    return of_list + [PlanUnit(f"w{place}", "c", 5, 1.0, waived) for place in range(6)]


def every_plan(units: list[PlanUnit]) -> list[tuple[float, CellPlan]]:
    """Return each plan that the lottery of a cell can lead to, with its probability.

    The cell's lottery draws one unit or none; of draws numbered from 0 some 19 outcomes are picked out.
    """
    plans = {}
    for number in range(600):
        [made] = plan(units, POLICY, {"c": 1_200}, Draw(str(number), "seed")).cells
        plans[made.drawn] = made
    assert sorted(map(len, plans)) == [0] + [1] * len(units)
    one = float(plans[()].probability)
    return [(one if drawn else 1 - one * len(units), made) for drawn, made in plans.items()]


def estimated(made: CellPlan, units: list[PlanUnit], listed: set[str], guilty: set[str]) -> float:
    """Return the violators of a cell as the visits of its plan tell them, with some units taken as the list."""
    visited = {visit.unit.name for visit in made.visits}
    names = [unit.name for unit in units]
    value = [float(name in guilty) if name in visited else NAN for name in names]
    inclusion = [float(made.probability) if name in made.drawn else NAN for name in names]
    survey = Survey(np.array(value), np.array(inclusion), np.full(len(names), 0.3), np.ones(18))
    return with_the_list(survey, np.array([name in listed for name in names])).value


def test_the_plan_draws_first_and_its_estimate_is_right_where_the_list_is_what_any_draw_leaves() -> (
    None
):
    units = cell_units()
    guilty = {"p00", "p01", "p02", "p03", "p10", "w0", "w3"}
    plans = every_plan(units)
    visited = [{visit.unit.name for visit in made.visits} for _, made in plans]
    always = set.intersection(*visited)
    assert len(always) == 4
    fixed = sum(chance * estimated(made, units, always, guilty) for chance, made in plans)
    assert fixed == pytest.approx(len(guilty))
    scored = [{v.unit.name for v in made.visits if v.why == "score"} for _, made in plans]
    by_why = [
        chance * estimated(made, units, names, guilty)
        for (chance, made), names in zip(plans, scored, strict=True)
    ]
    assert abs(sum(by_why) - len(guilty)) > 0.3


def test_a_waived_firm_that_was_drawn_weighs_as_much_as_any_other() -> None:
    units = cell_units()
    plans = every_plan(units)
    chance_of = {unit.name: 0.0 for unit in units}
    for chance, made in plans:
        for name in made.drawn:
            chance_of[name] += chance
    assert len({round(chance, 9) for chance in chance_of.values()}) == 1
    waived = {unit.name for unit in units if unit.standing.waived}
    mean = sum(chance * estimated(made, units, set(), waived) for chance, made in plans)
    assert len(waived) == 6 and mean == pytest.approx(6)


def population(units: int = 4_000, seed: int = 1) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return what a model tells of each unit, whether it violates, and its workers, of whom few firms have most."""
    generator = np.random.default_rng(seed)
    told = 1 / (1 + np.exp(2.3 - 1.2 * generator.normal(size=units)))
    guilty = (generator.random(units) < told).astype(np.float64)
    return told, guilty, guilty * np.ceil(generator.lognormal(0.6, 1.2, units))


def surveyed(value: np.ndarray, told: np.ndarray, inclusion: np.ndarray, seed: int) -> Survey:
    is_drawn = np.random.default_rng(seed).random(len(value)) < inclusion
    return Survey(
        np.where(is_drawn, value, NAN),
        np.where(is_drawn, inclusion, NAN),
        told,
        np.ones(len(value)),
    )


REDRAWS = 2_000


@pytest.mark.parametrize("unequal", [False, True])
def test_intervals_hold_the_truth_in_at_least_93_of_100_draws_and_are_hardly_wider_than_need_be(
    unequal: bool,
) -> None:
    told, guilty, workers = population()
    inclusion = np.full(len(told), 0.1)
    if unequal:
        # as lotteries do, firms that have more to lose are drawn more often
        inclusion = np.where(workers + 20 * told > 5, 0.1, 0.04)
    for value, total in ((guilty, share_total), (workers, amount_total)):
        made = [total(surveyed(value, told * 0, inclusion, seed)) for seed in range(REDRAWS)]
        limits = np.array([(each.value, each.low, each.high) for each in made])
        is_inside = (limits[:, 1] <= value.sum()) & (value.sum() <= limits[:, 2])
        oracle = 2 * 1.96 * limits[:, 0].std()
        assert is_inside.mean() >= 0.93
        assert (limits[:, 2] - limits[:, 1]).mean() <= 1.25 * oracle


def test_list_and_model_narrow_the_interval_of_the_lottery_and_it_holds() -> None:
    told, guilty, _ = population(8_000, 2)
    listed = np.argsort(np.argsort(-told)) < 800
    inclusion = np.full(len(told), 0.05)
    alone, with_both = [], []
    for seed in range(REDRAWS // 4):
        survey = surveyed(guilty, told, inclusion, seed)
        survey.value[listed] = guilty[listed]
        drawn_alone = Survey(
            np.where(survey.seen, survey.value, NAN), survey.inclusion, told * 0, survey.weight
        )
        alone.append(share_total(drawn_alone))
        with_both.append(visited_list(survey, listed, share_total).whole)
    width = np.mean([each.high - each.low for each in with_both])
    assert width <= 0.85 * np.mean([each.high - each.low for each in alone])
    assert np.mean([each.low <= guilty.sum() <= each.high for each in with_both]) >= 0.93


def test_recall_and_lift_are_those_of_the_truth_where_everybody_was_drawn() -> None:
    told, guilty, _ = population(500)
    listed = np.argsort(np.argsort(-told)) < 50
    survey = surveyed(guilty, told, np.ones(500), 0)
    for parts in (visited_list, proposed_list):
        figures = parts(survey, listed, share_total)
        found = guilty[listed].sum()
        assert recall(figures) == Estimate(*[pytest.approx(found / guilty.sum())] * 3)
        assert lift(figures).value == pytest.approx(guilty[listed].mean() / guilty.mean())
        assert precision(figures).value == pytest.approx(found / 50)


def sampled_cases(seed: int) -> tuple[TargetCases, np.ndarray, float]:
    """Return a tenth of a population's unseen units with all its drawn ones, what a model tells, and its workers."""
    told, guilty, workers = population(30_000, 4)
    generator = np.random.default_rng(seed)
    is_drawn = generator.random(30_000) < 0.05
    taken = is_drawn | (generator.random(30_000) < 0.1)
    number = np.arange(30_000)
    nobody = unlabelled(number, number, number, number.astype(np.str_), number.astype(np.int8))
    seen = replace(
        nobody,
        random_label=np.where(is_drawn, guilty, NAN),
        inclusion=np.where(is_drawn, 0.05, NAN),
        count=np.where(is_drawn & (guilty == 1), workers, NAN),
        weight=np.where(is_drawn, 1.0, (~is_drawn).sum() / (taken & ~is_drawn).sum()),
    )
    return seen.take(taken), told[taken], float(workers.sum())


def test_a_sampled_case_counts_for_as_many_as_it_stands_for_in_what_the_lottery_says() -> None:
    cases, told, workers = sampled_cases(1)
    top = np.argsort(-told)[: len(told) // 10]
    figures = lottery_figures(cases, told, None, top)
    assert figures["drawn"] > figures["drawn_on_list"] >= 30
    assert figures["number"]["low"] < workers < figures["number"]["high"]
    assert figures["rate"]["value"] == pytest.approx(0.155, abs=0.03)
    on_list = figures["precision"]["value"] * cases.weight[top].sum()
    everywhere = figures["rate"]["value"] * 30_000
    assert figures["recall"]["value"] == pytest.approx(on_list / everywhere, rel=0.05)
    assert figures["lift"]["low"] > 1
    few = lottery_figures(cases, told, None, top[:40])
    assert few["recall"].startswith("not estimable: ") and few["rate"] == pytest.approx(
        figures["rate"]
    )


def test_a_list_of_all_has_all_and_one_of_nobody_nothing() -> None:
    some, none = Estimate(5.0, 2.0, 9.0), Estimate(0.0, 0.0, 0.0)
    assert part_of_whole(some, none) == Estimate(1.0, 1.0, 1.0)
    assert part_of_whole(none, some) == Estimate(0.0, 0.0, 0.0)
    assert part_of_whole(none, none) == NotEstimable("nothing was found")


def test_the_interval_of_a_share_is_the_exact_one_where_each_unit_stands_alone() -> None:
    label = np.array([1.0] * 7 + [0.0] * 33 + [NAN] * 5)
    exact = binomtest(7, 40).proportion_ci(0.95, method="exact")
    alone = share_by_unit(label, np.ones(45), np.arange(45).astype(np.str_))
    assert (alone.low, alone.high) == pytest.approx((exact.low, exact.high))
    copied = share_by_unit(
        np.tile(label, 3), np.ones(135), np.tile(np.arange(45), 3).astype(np.str_)
    )
    assert (copied.low, copied.high) == pytest.approx((exact.low, exact.high))
    all_alike = share_by_unit(np.ones(9), np.ones(9), np.array(["a"] * 9))
    assert all_alike.low == pytest.approx(0.025)


@pytest.mark.parametrize("hits", range(1, 12))
@pytest.mark.parametrize("units", [1, 2, 5])
def test_units_that_happen_to_be_alike_tell_no_more_than_as_many_cases(
    hits: int, units: int
) -> None:
    # deviations of such units sum to nothing but rounding
    label = np.tile(np.arange(12.0) < hits, units).astype(np.float64)
    unit = np.repeat(np.arange(units), 12).astype(np.str_)
    weight = np.tile(1 / (np.arange(12) + 3), units)
    for each in (np.ones(12 * units), weight):
        share = share_by_unit(label, each, unit)
        effective = each.sum() ** 2 / (each**2).sum()
        independent = exact_share(share.value, effective)
        assert share.low <= independent.low < independent.high <= share.high


def test_what_cannot_be_estimated_is_a_word_with_its_reason() -> None:
    told, guilty, workers = population(300)
    nobody = surveyed(guilty, told, np.full(300, 1e-9), 0)
    one = surveyed(guilty, told, np.full(300, 0.004), 2)
    assert len(one.drawn()) == 1
    listed = np.zeros(300, bool)
    assert share_total(nobody) == amount_total(nobody) == NotEstimable("no lottery visit")
    assert share_among(one) == NotEstimable("1 lottery visits, at least 30 needed")
    clean = surveyed(workers * 0, told, np.full(300, 0.5), 0)
    assert amount_total(clean) == NotEstimable("no lottery visit found any")
    drawn = surveyed(guilty, told, np.full(300, 0.5), 0)
    empty_list = proposed_list(drawn, listed, share_total)
    assert precision(empty_list) == lift(empty_list) == NotEstimable("the list is empty")
    assert recall(empty_list).high == 0
    unlabelled = share_by_unit(np.full(3, NAN), np.ones(3), np.array(["a", "b", "c"]))
    assert unlabelled == NotEstimable("no labelled case with a weight")


@pytest.mark.parametrize("wrong", [0.0, -0.1, 1.01, NAN])
def test_an_inclusion_probability_that_is_none_is_refused_by_its_value(wrong: float) -> None:
    with pytest.raises(TargetError, match=f"above 0 and at most 1; got {wrong:g}"):
        Drawn(np.ones(2), np.array([0.5, wrong]))


def test_a_visited_list_without_an_outcome_is_refused() -> None:
    survey = surveyed(VALUE, TOLD, INCLUSION, 0)
    survey.value[1] = NAN
    with pytest.raises(TargetError, match="1 of 2 have none"):
        visited_list(survey, np.array([False, True, False, False, False, True]), share_total)


def test_thirty_visits_without_a_hit_leave_a_share_open_up_to_a_tenth() -> None:
    assert exact_share(0.0, 30).high == pytest.approx(1 - 0.025 ** (1 / 30))
