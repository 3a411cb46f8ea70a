"""Laws of selection: chosen cases stand for all by weight, a way to teach needs evidence, and probabilities hold for all."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from features.errors import TargetError
from features.matrix import Matrix
from models.bundle.calibration import Calibration
from tests.test_models_fit import on_days
from training.data.cases import Bystanders, TargetCases
from training.data.folds import folds_by_key
from training.data.recipe import Recipe, recipe_of
from training.models.calibrate import calibrated
from training.models.curves import sigmoid
from training.models.fit import Fit, Lesson, fit_any, taught_like
from training.models.population_curves import to_population
from training.models.propensity import propensity, trimmed
from training.models.selection import (
    Overlap,
    Selection,
    effective_number,
    levelled,
    selection_of,
)
from training.models.tally import UnseenScores
from training.models.ways import School

CHANCES = st.lists(st.floats(1e-9, 1.0), min_size=1, max_size=50)
STUMPS = {
    "most_rounds": 40,
    "folds": 3,
    "smallest_leaf": 10,
    "smaller_leaf": 10,
    "few_cases": 0,
    "shape": [{"leaves": 2}],
}


def stumps(**changes: object) -> Recipe:
    return recipe_of({**STUMPS, "directions": False, **changes})


def of_rows(values: np.ndarray) -> Matrix:
    """Return firms f00000, f00001 ... seen on one day, with features a, b."""
    keys = np.array([f"f{row:05d}" for row in range(len(values))])
    days = np.full(len(values), 16000, np.int32)
    return Matrix("enterprise", keys, days, ("a", "b"), values, {})


class Town:
    """A thousand firms or more, of which some were looked at: by their feature `a` where `by_risk`, else by lot."""

    def __init__(self, firms: int = 3000, *, slope: float, seed: int = 5) -> None:
        draw = np.random.default_rng(seed)
        values = draw.normal(size=(firms, 2))
        # whether b raises the risk depends on a, which trees of two leaves cannot tell: they go by the many
        margin = 2.0 * values[:, 1] * np.sign(values[:, 0] - 0.8) + 0.6 * values[:, 0] - 0.5
        self.truth = (draw.random(firms) < sigmoid(margin)).astype(np.float64)
        self.chance = 0.3 * np.ones(firms) if not slope else sigmoid(slope * (values[:, 0] - 0.8))
        self.looked_at = draw.random(firms) < self.chance
        self.values = values

    @property
    def matrix(self) -> Matrix:
        return of_rows(self.values)

    def labelled(self, inclusion: np.ndarray | None = None) -> TargetCases:
        label = self.truth[self.looked_at]
        cases = on_days(label, np.full(len(label), 16000))
        return cases if inclusion is None else replace(cases, inclusion=inclusion)

    def bystanders(self) -> Bystanders:
        rest = ~self.looked_at
        nothing = np.full(int(rest.sum()), np.nan)
        return Bystanders(self.matrix.take(rest), on_days(nothing, np.full(len(nothing), 16000)))

    def selection(self, recipe: Recipe, inclusion: np.ndarray | None = None) -> Selection:
        cases = self.labelled(inclusion)
        matrix = self.matrix.take(self.looked_at)
        selection = selection_of(matrix, cases, self.bystanders(), recipe)
        assert selection is not None
        return selection

    def fit(self, recipe: Recipe) -> Fit:
        matrix = self.matrix.take(self.looked_at)
        lesson = Lesson(matrix, folds_by_key(matrix.keys, recipe), {}, self.selection(recipe))
        return fit_any(lesson, self.truth[self.looked_at], recipe)


@given(CHANCES, st.floats(1.5, 50))
def test_weights_have_a_mean_of_one_and_none_is_above_what_the_recipe_allows(
    chances: list[float], heaviest: float
) -> None:
    chance = np.array(chances)
    weight = levelled(chance, heaviest)
    assert weight.mean() == pytest.approx(1)
    cut = trimmed(chance, np.ones(len(chance), np.bool_), heaviest)
    assert (1 / cut).max() <= heaviest * (1 / chance).mean() * (1 + 1e-9)
    assert (np.diff(weight[np.argsort(chance)]) <= 1e-9).all()
    assert 1 - 1e-9 <= effective_number(weight) <= len(weight) + 1e-9


def test_by_weight_those_looked_at_tell_the_share_among_all() -> None:
    town = Town(4000, slope=1.5)
    weight = town.selection(stumps()).weight
    label = town.truth[town.looked_at]
    of_all = town.truth.mean()
    of_visits = label.mean() - of_all
    assert of_visits > 0.05
    # an estimate from few trees is drawn to the mean, so a little is left
    assert abs(np.average(label, weights=weight) - of_all) < of_visits / 3


def test_an_estimated_chance_is_near_the_true_one_and_falls_by_as_many_as_a_bystander_stands_for() -> (
    None
):
    town = Town(4000, slope=1.5)
    ones = np.ones(len(town.truth))
    told = propensity(town.matrix, town.looked_at, ones, stumps())
    assert np.abs(told - town.chance).mean() < 0.05
    of_many = propensity(town.matrix, town.looked_at, 100 * ones, stumps())
    assert of_many.mean() < told.mean() / 20


def test_the_order_of_the_rows_and_what_was_found_change_no_weight() -> None:
    town = Town(slope=1.5)
    before = town.selection(stumps()).weight
    town.truth = 1 - town.truth
    assert (town.selection(stumps()).weight == before).all()
    mixed = np.random.default_rng(1).permutation(len(before))
    cases = town.labelled().take(mixed)
    matrix = town.matrix.take(town.looked_at).take(mixed)
    again = selection_of(matrix, cases, town.bystanders(), stumps())
    assert again is not None and again.weight == pytest.approx(before[mixed], rel=1e-12)


def test_where_everybody_was_looked_at_or_nobody_is_known_to_be_passed_over_nothing_is_weighed() -> (
    None
):
    town = Town(300, slope=1.5)
    matrix = town.matrix
    everybody = np.ones(len(matrix), np.bool_)
    assert (propensity(matrix, everybody, np.ones(len(matrix)), stumps()) == 1).all()
    assert selection_of(matrix.take(town.looked_at), town.labelled(), None, stumps()) is None
    few = np.arange(len(matrix)) < 3
    assert np.isnan(propensity(matrix, few, np.ones(len(matrix)), stumps())).all()


def test_a_recorded_probability_is_used_and_one_that_was_not_written_is_estimated() -> None:
    town = Town(slope=1.5)
    inclusion = np.full(int(town.looked_at.sum()), np.nan)
    inclusion[:40] = np.where(np.arange(40) < 20, 0.1, 0.2)
    selection = town.selection(stumps(), inclusion)
    assert selection.anchor[:40] == pytest.approx(np.repeat([4 / 3, 2 / 3], 20))
    assert not selection.anchor[40:].any() and selection.overlap.recorded == 40
    assert (selection.weight[:40] == selection.anchor[:40]).all()
    assert np.ptp(selection.weight[40:]) > 0.5


@pytest.mark.parametrize("wrong", [0.0, -0.1, 1.5])
def test_a_recorded_probability_that_is_none_is_one_clear_line(wrong: float) -> None:
    town = Town(300, slope=1.5)
    inclusion = np.full(int(town.looked_at.sum()), 0.5)
    inclusion[3] = wrong
    with pytest.raises(TargetError, match=f"above 0 and at most 1; got {wrong:g}"):
        town.selection(stumps(), inclusion)


def test_weights_are_taken_where_unseen_cases_lose_less_by_them() -> None:
    """Most looks are at firms whose b raises the risk; most firms are such that it lowers it."""
    town = Town(4000, slope=2.0)
    recipe = stumps(selection=["weighted"])
    fit = town.fit(recipe)
    assert fit.way is not None and fit.way.way == "weighted"
    assert fit.way.losses["weighted"] < fit.way.losses["plain"]
    # who is looked at seldom has low a, where b lowers the risk
    low, high = fit.model.predict(np.array([[-1.0, -2.0], [-1.0, 2.0]]), raw_score=True)
    assert low > high
    # whoever is taught like it is taught in its way
    lesson = Lesson(town.matrix.take(town.looked_at), (), {}, town.selection(recipe))
    again = taught_like(lesson, town.truth[town.looked_at], fit, recipe)
    values = town.matrix.values
    assert np.array_equal(again.predict(values), fit.model.predict(values))


def test_looks_by_lot_leave_the_model_as_it_is_and_both_losses_are_told() -> None:
    town = Town(slope=0)
    fit = town.fit(stumps())
    assert fit.way is not None and fit.way.way == "plain"
    assert fit.way.losses.keys() == {"plain", "weighted", "unlabelled"}
    matrix = town.matrix.take(town.looked_at)
    lesson = Lesson(matrix, folds_by_key(matrix.keys, stumps()))
    assert fit_any(lesson, town.truth[town.looked_at], stumps()).text == fit.text


def test_a_recipe_without_ways_tries_none() -> None:
    fit = Town(900, slope=1.5).fit(stumps(selection=[]))
    assert fit.way is not None and fit.way.losses.keys() == {"plain"}
    with pytest.raises(TargetError, match=r"target\.w\.fit\.selection"):
        recipe_of({"selection": ["guessed"]}, target="w")


def test_bystanders_are_as_often_positives_as_they_truly_are_where_positives_were_labelled_by_lot() -> (
    None
):
    """Elkan and Noto's own assumption: whether a positive is labelled does not depend on its features."""
    draw = np.random.default_rng(3)
    is_positive = draw.random(6000) < 0.3
    values = draw.normal(size=(6000, 2)) + 3.0 * is_positive[:, None]
    matrix = of_rows(values)
    looked_at = draw.random(6000) < 0.25
    rest = matrix.take(~looked_at)
    label = is_positive[looked_at].astype(np.float64)
    nothing = np.full(len(rest), np.nan)
    beside = Bystanders(rest, on_days(nothing, np.full(len(rest), 16000)))
    cases = on_days(label, np.full(len(label), 16000))
    selection = selection_of(matrix.take(looked_at), cases, beside, stumps())
    assert selection is not None
    school = School(matrix.take(looked_at), label, selection, (), {}, 1, stumps())
    teaching = school.teaching("unlabelled", np.ones(len(label), np.bool_))
    chance = teaching.label[len(label) :]
    assert chance.min() >= 0 and chance.max() <= 1
    assert chance.mean() == pytest.approx(is_positive[~looked_at].mean(), abs=0.05)
    assert teaching.weight[len(label) :].sum() == pytest.approx(len(label))


def scored(
    cases: int = 3000, *, step: float, lottery: int, seed: int = 8
) -> tuple[UnseenScores, Selection]:
    """Return visits whose log-odds lie `step` above those of all firms, and after them so many lottery visits."""
    draw = np.random.default_rng(seed)
    raw = draw.normal(size=cases + lottery)
    is_drawn = np.arange(len(raw)) >= cases
    label = (draw.random(len(raw)) < sigmoid(raw - 1 + step * ~is_drawn)).astype(np.float64)
    place = np.arange(len(raw))
    unseen = UnseenScores(raw, label, place % 4, place)
    overlap = Overlap(len(raw), lottery, 1, len(raw), 0.0, 0.0)
    nobody = of_rows(np.zeros((1, 2)))
    anchor = is_drawn.astype(np.float64)
    return unseen, Selection(np.ones(len(raw)), anchor, nobody, 1.0, overlap)


def moved(
    unseen: UnseenScores, selection: Selection | None
) -> tuple[Calibration, str, dict[str, float]]:
    visited = calibrated(unseen.raw, unseen.label, unseen.fold)
    calibration, population = to_population(visited, unseen, selection, 30)
    return calibration, population.basis, dict(population.losses)


def test_probabilities_hold_for_all_where_a_lottery_shows_how_visits_were_chosen() -> None:
    unseen, selection = scored(step=1.2, lottery=400)
    calibration, basis, losses = moved(unseen, selection)
    visited = calibrated(unseen.raw, unseen.label, unseen.fold).calibration
    every_score = np.random.default_rng(0).normal(size=5000)
    truth = sigmoid(every_score - 1).mean()
    assert basis == "lottery" and losses["shifted"] < losses["visited"]
    assert calibration(every_score).mean() == pytest.approx(truth, abs=0.05)
    assert visited(every_score).mean() > truth + 0.1


@pytest.mark.parametrize("step", [-1.0, 0.0, 1.0])
def test_what_is_taken_loses_no_more_on_unseen_cases_of_all_than_the_raw_score_or_the_base_rate(
    step: float,
) -> None:
    unseen, selection = scored(800, step=step, lottery=200)
    visited = calibrated(unseen.raw, unseen.label, unseen.fold)
    _, by_lot = to_population(visited, unseen, selection, 30)
    assert by_lot.losses[by_lot.kind] == min(by_lot.losses.values())
    weight = 1 + selection.anchor
    by_weight = replace(selection, weight=weight, anchor=0 * weight)
    _, population = to_population(visited, unseen, by_weight, 30)
    assert population.basis == "weighted"
    for kind in ("raw", "base_rate"):
        assert population.losses[population.kind] <= population.losses[kind]


def test_too_few_lottery_visits_leave_weights_and_without_those_it_is_said_to_hold_for_visits() -> (
    None
):
    unseen, selection = scored(800, step=1.0, lottery=20)
    visited = calibrated(unseen.raw, unseen.label, unseen.fold).calibration
    for without in (selection, None):
        calibration, basis, losses = moved(unseen, without)
        assert (basis, losses) == ("visited", {}) and calibration == visited
    weight = np.where(unseen.raw > 0, 0.5, 1.5)
    assert moved(unseen, replace(selection, weight=weight))[1] == "weighted"


@pytest.mark.parametrize(("heavy", "basis"), [(1.0, "lottery"), (20.0, "visited")])
def test_lottery_visits_count_by_how_much_they_tell_where_few_weigh_nearly_all(
    heavy: float, basis: str
) -> None:
    unseen, selection = scored(800, step=1.0, lottery=60)
    drawn = np.flatnonzero(selection.anchor)
    anchor = selection.anchor.copy()
    anchor[drawn[:6]] = heavy
    assert moved(unseen, replace(selection, anchor=anchor))[1] == basis


@settings(max_examples=3, deadline=None)
@given(st.integers(0, 2**31), st.floats(-2, 2))
def test_a_higher_score_is_told_no_lower_probability_and_the_order_of_cases_changes_no_bit(
    seed: int, step: float
) -> None:
    unseen, selection = scored(150, step=step, lottery=60, seed=seed)
    calibration, *told = moved(unseen, selection)
    places = np.linspace(-30, 30, 301)
    assert (np.diff(calibration(places)) >= 0).all()
    mixed = np.random.default_rng(seed).permutation(len(unseen.raw))
    again = UnseenScores(
        *(getattr(unseen, name)[mixed] for name in ("raw", "label", "fold", "place"))
    )
    assert moved(again, selection) == (calibration, *told)
