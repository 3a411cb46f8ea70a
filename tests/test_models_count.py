"""Laws of the number expected: bounded by the staff, taught by zeros too, right in sum by size, with intervals that hold."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from pydantic import ValidationError

from features.matrix import Matrix
from models.bundle.number import Correction, Number, Reach
from training.data.recipe import Recipe, Shape, recipe_of
from training.models.count import CountFit, fit_number
from training.models.size_classes import Unseen, deviance, staff_corrections, with_reaches

SHAPE = Shape(leaves=7)
ENDS = (9, 49, 299)
Floats = np.ndarray


def recipe(**changes: object) -> Recipe:
    return recipe_of({"most_rounds": 120, "folds": 3, "smallest_leaf": 20, **changes})


def drawn(cases: int = 3000, seed: int = 5) -> tuple[Matrix, Floats]:
    """Return visited firms of all sizes and what was found: most hide nobody, some a share of their staff."""
    draw = np.random.default_rng(seed)
    staff = np.round(np.exp(draw.normal(2.3, 1.3, cases)))
    shy = draw.normal(size=cases)
    hides = draw.random(cases) < 1 / (1 + np.exp(1 - shy))
    share = draw.beta(1.3, 4, cases) * hides
    count = draw.binomial((staff + 1).astype(np.int64), share).astype(np.float64)
    values = np.column_stack([staff, shy, draw.normal(size=cases)])
    # firms that no source knows the staff of
    values[draw.random(cases) < 0.05, 0] = np.nan
    # every firm is visited twice, on two days
    keys = np.array([f"e{place % (cases // 2):05d}" for place in range(cases)])
    days = (16000 + np.arange(cases)).astype(np.int32)
    return Matrix("enterprise", keys, days, ("staff", "shy", "noise"), values, {}), count


@pytest.fixture(scope="module")
def half() -> tuple[Matrix, Floats]:
    """Firms that no model of these tests has seen."""
    return drawn(seed=6)


@pytest.fixture(scope="module")
def fit() -> CountFit:
    matrix, count = drawn()
    learned = fit_number(matrix, count, recipe(), SHAPE, unit="persons")
    assert learned is not None
    return learned


def sizes(fit: CountFit, matrix: Matrix) -> np.ndarray:
    return np.searchsorted(np.array(ENDS), fit.number.staff_of(matrix.names, matrix.values))


def test_no_number_is_below_nothing_or_above_the_staff(
    fit: CountFit, half: tuple[Matrix, Floats]
) -> None:
    matrix, _ = half
    expected = fit.expected(matrix)
    lowest, highest = fit.interval(matrix)
    # of whom no source tells any staff nothing is known that could bound a number
    most = np.where(matrix.column("staff") > 0, matrix.column("staff") + 1, np.inf)
    assert (expected >= 0).all() and (expected <= most).all()
    assert (lowest <= expected).all() and (expected <= highest).all() and (highest <= most).all()
    for share in (0.0, 0.7, 1e9):
        told = fit.number.expected(matrix.names, matrix.values, np.full(len(matrix), share))
        assert (told >= 0).all() and (told <= most).all()


def test_of_the_same_share_more_staff_never_means_a_smaller_number(fit: CountFit) -> None:
    staff = np.arange(1.0, 3000.0)[:, None]
    told = fit.number.expected(("staff",), staff, np.full(len(staff), 0.05))
    assert (np.diff(told) > 0).all()


def test_corrections_that_fall_faster_than_staff_rises_are_refused(fit: CountFit) -> None:
    steep = (Correction(staff=9, factor=4.0), Correction(staff=19, factor=1.0))
    plain = fit.number.model_dump() | {"corrections": steep}
    with pytest.raises(ValidationError, match="fall slower than it"):
        Number.model_validate(plain)


def test_a_group_of_which_most_were_found_clean_is_expected_to_hide_less() -> None:
    """Both groups have the same finds; only zeros tell them apart."""
    matrix, count = drawn()
    finds = np.flatnonzero(count > 0)[:400]
    clean = np.flatnonzero(count == 0)[:1200]
    rows = np.concatenate([finds, finds, clean])
    group = np.concatenate([np.zeros(400), np.ones(400 + 1200)])
    values = np.column_stack([matrix.values[rows, 0], group])
    keys = np.array([f"e{place:05d}" for place in range(len(rows))])
    two = Matrix("enterprise", keys, matrix.as_of[rows], ("staff", "group"), values, {})
    fit = fit_number(two, count[rows], recipe(), SHAPE, unit="persons")
    assert fit is not None
    expected = fit.expected(two)
    assert expected[400:800].sum() < 0.6 * expected[:400].sum()


def test_in_every_size_what_is_told_of_unseen_firms_comes_to_what_is_found(
    fit: CountFit, half: tuple[Matrix, Floats]
) -> None:
    matrix, count = half
    expected = fit.expected(matrix)
    for member in (*range(len(ENDS) + 1), None):
        cases = np.ones(len(count), np.bool_) if member is None else sizes(fit, matrix) == member
        apart = count[cases] - expected[cases]
        # both the firms that taught and those asked about were drawn, hence the root of two
        chance = np.sqrt(2 * (apart**2).sum())
        assert abs(apart.sum()) < 3 * chance


def test_intervals_hold_nine_of_ten_unseen_firms_of_every_size(
    fit: CountFit, half: tuple[Matrix, Floats]
) -> None:
    matrix, count = half
    lowest, highest = fit.interval(matrix)
    is_inside = (lowest <= count) & (count <= highest)
    for member in range(len(ENDS) + 1):
        cases = sizes(fit, matrix) == member
        chance = 3 * np.sqrt(0.09 / cases.sum())
        assert is_inside[cases].mean() > 0.9 - chance


def test_the_order_of_the_rows_changes_nothing(fit: CountFit) -> None:
    matrix, count = drawn()
    order = np.random.default_rng(1).permutation(len(count))
    again = fit_number(matrix.take(order), count[order], recipe(), SHAPE, unit="persons")
    assert again is not None
    assert again.text == fit.text and again.number == fit.number
    assert again.unseen.tobytes() == fit.unseen[order].tobytes()


def test_a_case_whose_number_was_not_written_teaches_nothing(fit: CountFit) -> None:
    matrix, count = drawn()
    more = np.concatenate([np.arange(len(count)), np.arange(50)])
    unwritten = np.concatenate([count, np.full(50, np.nan)])
    again = fit_number(matrix.take(more), unwritten, recipe(), SHAPE, unit="persons")
    assert again is not None and again.text == fit.text and np.isnan(again.unseen[-50:]).all()


def test_amounts_are_bounded_by_wages_and_what_has_no_unit_by_nothing() -> None:
    matrix, count = drawn(1500)
    names = ("payroll_12m", "shy", "noise")
    values = matrix.values * [4e6, 1, 1]
    wages = Matrix("enterprise", matrix.keys, matrix.as_of, names, values, {})
    fit = fit_number(wages, count * 4e5, recipe(), SHAPE, unit="fen")
    assert fit is not None and fit.number.stake == ("payroll_12m",)
    most = np.where(values[:, 0] > 0, values[:, 0] + fit.number.least, np.inf)
    assert (fit.expected(wages) <= most).all()
    free = fit_number(wages, count, recipe(), SHAPE, unit="")
    assert free is not None and free.number.stake == () and "share" not in free.losses
    much = np.full(1500, 1e12)
    _, highest = fit.number.interval(names, values, much)
    assert (highest <= np.ceil(most)).all()
    _, unbounded = free.number.interval(names, values, much)
    assert (unbounded >= much).all()


def hiding_all(seed: int, nothing: float) -> tuple[Matrix, Floats, Floats]:
    """Return visited firms, a fourth of which are in no source with any staff (`nothing`), what was found, and which they are."""
    draw = np.random.default_rng(seed)
    matrix, count = drawn(2400, seed)
    area = np.log1p(count) + draw.normal(size=2400)
    # among them all sizes, and no feature that says what was hidden but a noisy one
    hides = draw.random(2400) < 0.25
    staff = np.where(hides, nothing, np.nan_to_num(matrix.column("staff")) + 1)
    values = np.column_stack([staff, matrix.values[:, 1], area])
    return replace(matrix, names=("staff", "shy", "area"), values=values), count, hides


@pytest.mark.parametrize("nothing", [np.nan, 0.0])
def test_firms_of_which_no_source_tells_any_staff_are_told_what_such_firms_were_found_to_hide(
    nothing: float,
) -> None:
    matrix, count, _ = hiding_all(31, nothing)
    fit = fit_number(matrix, count, recipe(), SHAPE, unit="persons")
    assert fit is not None
    others, true, hides = hiding_all(32, nothing)
    lowest, highest = fit.interval(others)
    is_inside = (lowest <= true) & (true <= highest)
    for cases in (hides, ~hides):
        apart = true[cases] - fit.expected(others)[cases]
        assert abs(apart.sum()) < 3 * np.sqrt(2 * (apart**2).sum())
        assert is_inside[cases].mean() > 0.9 - 3 * np.sqrt(0.09 / cases.sum())


def test_one_large_find_does_not_speak_for_all_firms_of_which_no_source_tells_any_staff() -> None:
    matrix, count = drawn(1500)
    staff = np.nan_to_num(matrix.column("staff")) + 1
    nobody = np.arange(1500) < 12
    values = np.column_stack([np.where(nobody, 0.0, staff), matrix.values[:, 1:]])
    few = replace(matrix, values=values)
    once = np.where(nobody, 0.0, count)
    once[3] = 900.0
    fit = fit_number(few, once, recipe(), SHAPE, unit="persons")
    assert fit is not None and fit.number.untold is not None
    others = nobody & (once == 0)
    _, highest = fit.interval(few)
    assert fit.expected(few)[others].max() < 60 and highest[others].min() > 100


def test_intervals_hold_where_most_declare_a_tenth_of_their_staff() -> None:
    kept = []
    for seed in (33, 34):
        matrix, count = drawn(2400, seed)
        tenth = np.ceil((np.nan_to_num(matrix.column("staff")) + 1) / 10)
        values = np.column_stack([tenth, matrix.values[:, 1:]])
        kept.append((replace(matrix, values=values), count))
    fit = fit_number(*kept[0], recipe(), SHAPE, unit="persons")
    assert fit is not None
    matrix, count = kept[1]
    assert (count > matrix.column("staff") + 1).mean() > 0.1
    lowest, highest = fit.interval(matrix)
    is_inside = (lowest <= count) & (count <= highest)
    for member in range(2):
        cases = sizes(fit, matrix) == member
        assert is_inside[cases].mean() > 0.9 - 3 * np.sqrt(0.09 / cases.sum())
    apart = count - fit.expected(matrix)
    assert abs(apart.sum()) < 3 * np.sqrt(2 * (apart**2).sum())


def owing(seed: int) -> tuple[Matrix, Floats]:
    """Return visited firms with their wages and what was found to be owed: a share of a year's wages, heavy-tailed."""
    matrix, count = drawn(2400, seed)
    draw = np.random.default_rng(seed)
    # a head's wages differ, and what is owed of each by far more
    wages = (np.nan_to_num(matrix.values[:, 0]) + 0.3) * draw.lognormal(15.2, 0.3, len(count))
    owed = np.minimum(count * draw.lognormal(14, 0.4, len(count)), wages)
    values = np.column_stack([matrix.values, wages])
    return replace(matrix, names=(*matrix.names, "payroll_12m"), values=values), owed


def test_amounts_come_to_what_is_found_in_every_size_and_lie_in_their_intervals() -> None:
    matrix, owed = owing(25)
    fit = fit_number(matrix, owed, recipe(), SHAPE, unit="fen")
    # staff is known, so wages are not what bounds
    assert fit is not None and fit.number.stake == ("staff",) and fit.number.unit == "fen"
    others = [owing(seed) for seed in (6, 7, 8)]
    found = np.concatenate([owed_then for _, owed_then in others])
    expected = np.concatenate([fit.expected(other) for other, _ in others])
    intervals = [fit.interval(other) for other, _ in others]
    ends = [np.concatenate(end) for end in zip(*intervals, strict=True)]
    size = np.concatenate([sizes(fit, other) for other, _ in others])
    is_inside = (ends[0] <= found) & (found <= ends[1])
    for member in (*range(len(ENDS) + 1), None):
        cases = np.ones(len(found), np.bool_) if member is None else size == member
        apart = found[cases] - expected[cases]
        # a third as many firms taught, whose chance counts three times as much in the sum: hence the 4
        assert abs(apart.sum()) < 3 * np.sqrt(4 * (apart**2).sum())
        assert is_inside[cases].mean() > 0.9 - 3 * np.sqrt(0.09 / cases.sum())


def test_few_finds_teach_no_number() -> None:
    matrix, count = drawn(400)
    few = np.where(np.cumsum(count > 0) < 20, count, 0.0)
    assert fit_number(matrix, few, recipe(), SHAPE, unit="persons") is None


def test_some_thirty_finds_teach_a_number_that_beats_any_count_of_violators_by_the_minute(
    half: tuple[Matrix, Floats],
) -> None:
    found_by_order = {"number": 0.0, "violators": 0.0}
    matrix, count = half
    staff = np.nan_to_num(matrix.column("staff"))
    minutes = np.select([staff <= 9, staff <= 49, staff <= 299], [240, 480, 960], 1920)
    # the chance by which `drawn` makes violators: no model of any violation knows better
    chance = 1 / (1 + np.exp(1 - matrix.column("shy")))
    for seed in range(4):
        taught, found = drawn(130, seed=20 + seed)
        assert 20 <= (found > 0).sum() < 60
        fit = fit_number(taught, found, recipe(), SHAPE, unit="persons")
        assert fit is not None
        worth = {"number": fit.expected(matrix) / minutes, "violators": chance / minutes}
        for name, value in worth.items():
            order = np.argsort(-value, kind="stable")
            within = np.cumsum(minutes[order]) <= 0.05 * minutes.sum()
            found_by_order[name] += count[order][within].sum()
    assert found_by_order["number"] > 1.5 * found_by_order["violators"]


def test_finds_of_one_unit_alone_teach_no_number() -> None:
    matrix, _ = drawn(600)
    of_one = np.where(np.arange(600) < 80, 2.0, 0.0)
    keys = np.where(of_one > 0, "alone", matrix.keys)
    matrix = replace(matrix, keys=keys)
    assert fit_number(matrix, of_one, recipe(least_counted=60), SHAPE, unit="persons") is None


def test_ratios_that_chance_explains_are_drawn_to_their_line_and_others_kept() -> None:
    draw = np.random.default_rng(3)
    staff = np.round(np.exp(draw.normal(2.5, 1.2, 20_000)))
    told = 0.1 * (staff + 1)
    plain = Unseen(staff, told, draw.poisson(told).astype(np.float64))
    assert all(each.factor == pytest.approx(1, abs=0.05) for each in staff_corrections(plain))
    larger = np.where((staff > 19) & (staff <= 49), 1.6, 1.0)
    apart = Unseen(staff, told, draw.poisson(told * larger).astype(np.float64))
    factors = {round(each.staff): each.factor for each in staff_corrections(apart)}
    largest = max(factors, key=lambda place: factors[place])
    assert 19 < largest <= 49 and factors[largest] == pytest.approx(1.6, rel=0.1)


def test_too_few_cases_of_a_size_give_an_interval_of_all_that_is_at_stake(fit: CountFit) -> None:
    staff = np.array([3.0] * 30 + [400.0] * 5)
    few = Unseen(staff, np.ones(35), np.ones(35))
    number = with_reaches(fit.number, few, np.ones(35))
    spreads = [each.spreads for each in number.reaches]
    assert spreads[0] == 0 and spreads[-1] is None
    ends = number.interval(("staff",), staff[:, None], np.ones(35))
    assert (ends[0][0], ends[1][0]) == (1, 1) and (ends[0][-1], ends[1][-1]) == (0, 401)
    assert number.reaches[0] == Reach(up_to=9, spreads=0.0)


def test_a_form_that_tells_the_truth_has_the_least_loss() -> None:
    draw = np.random.default_rng(4)
    mean = np.exp(draw.normal(0, 1, 5000))
    count = draw.poisson(mean).astype(np.float64)
    losses = [deviance(count, mean * wrong) for wrong in (1.0, 0.7, 1.5)]
    assert losses[0] == min(losses) and np.isfinite(deviance(count, mean * 0))
