"""Laws of the plan of a whole city: it fits, adds up, keeps its floors, is near its bound, and does not depend on order."""

from __future__ import annotations

import random
import subprocess
import sys
from dataclasses import replace
from itertools import combinations, pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog

from features.calendar import day_of
from features.errors import PolicyError
from models.optimum.cell_lists import best_lists
from models.optimum.city_model import CityModel, best_choice
from models.optimum.city_rules import GROUPS, Floors, Solver
from models.optimum.least_value import ListMinutes, least_value
from models.optimum.shortlist import Candidate, shortlist
from models.optimum.travel import kilometres, travel_minutes, visiting_order
from models.policy.cell_start import is_routine
from models.policy.floors import RandomPlan, visits_of_floors
from models.policy.left_out import REASONS, Register, left_out, reconciled
from models.policy.lottery import Draw
from models.policy.plan import Plan, plan
from models.policy.plan_unit import PlanUnit
from models.policy.policy import policies, policy_on
from models.policy.policy_status import Facts, standing_of

MONDAY = day_of("2015-07-06")
POLICY = policy_on(MONDAY)
EXACT = Solver(gap_percent=1e-6, nodes=100_000)
MINUTES = (240, 300, 480, 530, 960)


def some_candidates(seed: int, cell: str = "c", size: int = 9) -> list[Candidate]:
    """Return candidates of one cell, some of them alike."""
    chance = random.Random(seed)
    return [
        Candidate(
            f"{cell}{number}",
            cell,
            chance.choice(MINUTES),
            chance.choice((0.5, 1.0, chance.expovariate(1.0))),
            tuple(group for group in GROUPS if chance.random() < 0.5),
        )
        for number in range(size)
    ]


def subsets(candidates: list[Candidate], minutes: int) -> list[tuple[Candidate, ...]]:
    """Return every list that fits, by trying all."""
    sizes = range(len(candidates) + 1)
    every = (chosen for size in sizes for chosen in combinations(candidates, size))
    return [one for one in every if sum(visit.minutes for visit in one) <= minutes]


def worth(visits: tuple[Candidate, ...]) -> float:
    return sum(visit.value for visit in visits)


def of_group(visits: tuple[Candidate, ...], group: str) -> int:
    return sum(group in visit.groups for visit in visits)


@pytest.mark.parametrize("seed", range(8))
def test_a_city_of_one_cell_has_the_best_of_all_lists_that_fit_and_keep_the_floors(
    seed: int,
) -> None:
    candidates = some_candidates(seed)
    needs = {"small": seed % 3, "rural": seed % 2}
    every = subsets(candidates, 1200)
    allowed = [one for one in every if all(of_group(one, g) >= needs[g] for g in needs)]
    needed = shortlist(candidates, 1200)
    choice = best_choice(CityModel({"c": needed}, {"c": 1200}, needs), EXACT)
    if allowed:
        assert not choice.missing
        assert choice.value == pytest.approx(max(map(worth, allowed)))
    else:
        assert choice.missing


@pytest.mark.parametrize("seed", range(6))
def test_whole_lists_and_single_visits_are_two_forms_of_one_model(
    seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    cells = {cell: some_candidates(seed + 7 * place, cell) for place, cell in enumerate("abc")}
    model = CityModel(cells, dict.fromkeys(cells, 1100), {"small": 3, "rural": 4})
    by_lists = best_choice(model, EXACT)
    assert all(best_lists(one, 1100, GROUPS) for one in cells.values())
    monkeypatch.setattr("models.optimum.cell_lists.LARGEST_TABLE", 0)
    by_visits = best_choice(model, EXACT)
    assert by_visits.value == pytest.approx(by_lists.value)
    assert by_visits.missing == by_lists.missing
    assert by_lists.bound <= by_visits.bound + 1e-9


@pytest.mark.parametrize("seed", range(6))
def test_the_shortlist_loses_nothing_not_even_to_parts_of_visits(seed: int) -> None:
    candidates = some_candidates(seed, size=40)
    needed = shortlist(candidates, 900)
    assert len(needed) < len(candidates)
    bounds = []
    for visits in (candidates, needed):
        value = np.array([visit.value for visit in visits])
        rows = [[float(visit.minutes) for visit in visits]]
        rows += [[-float(group in visit.groups) for visit in visits] for group in GROUPS]
        solved = linprog(-value, A_ub=np.array(rows), b_ub=[900.0, -1.0, -1.0], bounds=(0, 1))
        bounds.append(solved.fun)
    assert bounds[1] == pytest.approx(bounds[0])


def test_equal_visits_are_chosen_by_name() -> None:
    alike = [Candidate(name, "c", 240, 1.0, ()) for name in "dbeac"]
    choice = best_choice(CityModel({"c": alike}, {"c": 500}, {}), EXACT)
    assert choice.units == {"a", "b"}


@pytest.mark.parametrize("seed", range(5))
def test_a_visit_is_on_the_best_list_from_the_told_value_on_and_not_below(seed: int) -> None:
    candidates = some_candidates(seed)
    model = CityModel({"c": candidates}, {"c": 900}, {})
    chosen = best_choice(model, EXACT).units
    absent = [visit for visit in candidates if visit.unit not in chosen and visit.minutes <= 900]
    # of no group, so that floors play no part
    for visit in [replace(visit, groups=()) for visit in absent]:
        others = [replace(one, groups=()) for one in candidates if one.unit != visit.unit]
        least = least_value([*others, visit], ListMinutes(900), visit, chosen, EXACT)
        assert least is not None
        for value, is_on in ((least + 0.01, True), (least - 0.01, False)):
            again = [*others, replace(visit, value=value)]
            units = best_choice(CityModel({"c": again}, {"c": 900}, {}), EXACT).units
            assert (visit.unit in units) is is_on
    assert least_value(candidates, ListMinutes(200), candidates[0], chosen, EXACT) is None


def city(seed: int, size: int = 60) -> list[PlanUnit]:
    """Return firms of four cells of all kinds: complained of, exposed, with medals, resting, dormant, in the country."""
    chance = random.Random(seed)
    units = []
    for number in range(size):
        facts = Facts(
            medals=((MONDAY - 50, None),) if chance.random() < 0.15 else (),
            exposure=(MONDAY - 40, None) if chance.random() < 0.1 else None,
            visited=MONDAY - 20 if chance.random() < 0.15 else None,
            complaints=(MONDAY - 1 - number % 9,) if chance.random() < 0.2 else (),
        )
        place = (120 + chance.random() / 5, 36 + chance.random() / 5)
        unit = PlanUnit(
            name=f"e{number:02d}",
            cell=f"c{number % 4}",
            staff=chance.choice((2, 8, 30, 120, 700)),
            benefit=chance.expovariate(1.0) * (chance.random() < 0.9),
            standing=standing_of(facts, POLICY, MONDAY),
            dormant=chance.random() < 0.1,
            rural=chance.random() < 0.4,
            place=place if chance.random() < 0.8 else None,
        )
        units.append(unit)
    return units


CAPACITY = {"c0": 1500, "c1": 900, "c2": 0}


def visited(one: Plan) -> dict[str, str]:
    return {visit.unit.name: visit.why for cell in one.cells for visit in cell.visits}


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10**6), st.integers(0, 10**6))
def test_a_plan_fits_adds_up_keeps_its_shares_and_floors_and_is_near_its_bound(
    seed: int, lot: int
) -> None:
    units = city(seed)
    made = plan(units, POLICY, CAPACITY, Draw("d", str(lot)))
    listed = visited(made)
    cell_of = {unit.name: unit.cell for unit in units}
    for cell in made.cells:
        assert cell.planned <= cell.minutes == CAPACITY.get(cell.cell, 0)
        assert all(cell_of[visit.unit.name] == cell.cell for visit in cell.visits)
        assert all(0 < visit.minutes <= visit.needed for visit in cell.visits)
    assert sum(len(cell.visits) for cell in made.cells) == len(listed)
    assert made.choice.gap >= 0
    # of a small city the bound may lie further off, since a visit cannot be parted; the best choice does not
    best = plan(units, POLICY.model_copy(update={"solver": EXACT}), CAPACITY, Draw("d", str(lot)))
    assert made.choice.value >= best.choice.value * (1 - POLICY.solver.gap_percent / 100)
    for floor in made.floors:
        members = {unit.name for unit in units if floor.group in POLICY.floors.groups_of(unit)}
        assert floor.planned == len(members & listed.keys()) >= floor.asked - floor.missing
        assert not floor.missing or floor.group in made.choice.missing
    routine = {unit.name for unit in units if is_routine(unit)}
    assert {name for name, why in listed.items() if why == "score"} <= routine
    sums = reconciled(made, units, CAPACITY, register=Register(len(units) + 3, {"closed": 3}))
    assert sums.is_whole and sums.not_living == 3
    assert set(sums.left_out) <= set(REASONS)


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 10**6))
def test_the_order_in_which_units_come_changes_nothing(seed: int) -> None:
    units = city(seed)
    shuffled = random.Random(seed).sample(units, len(units))
    first, second = (plan(one, POLICY, CAPACITY, Draw("d", "s")) for one in (units, shuffled))
    assert first.cells == second.cells
    assert first.choice == second.choice


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 10**6))
def test_statutory_visits_go_first_up_to_their_share_and_the_scored_list_has_the_rest(
    seed: int,
) -> None:
    made = plan(city(seed), POLICY, CAPACITY, Draw("d", "s"))
    for start, cell in zip(made.starts, made.cells, strict=True):
        share = cell.minutes * POLICY.statutory.percent // 100
        assert sum(visit.minutes for visit in start.first) <= share
        beyond = {
            visit.unit.name for visit in cell.visits if visit.why in ("complaint", "exposure")
        }
        beyond -= {visit.unit.name for visit in start.first}
        # more of them only in minutes that no scored visit can use
        left = cell.minutes - sum(v.minutes for v in cell.visits if v.unit.name not in beyond)
        names = {visit.unit.name for visit in cell.visits}
        waiting = [one for one in start.candidates if one.unit not in names]
        assert all(one.minutes > left for one in waiting)
        open_complaints = {v.unit.name for v in start.statutory if v.why == "complaint"}
        assert cell.complaints_left == len(open_complaints - names)


def test_a_floor_that_nobody_can_keep_is_relaxed_and_says_by_how_much() -> None:
    small = [Candidate("a", "c", 240, 1.0, ("small",)), Candidate("b", "c", 240, 5.0, ())]
    choice = best_choice(CityModel({"c": small}, {"c": 480}, {"small": 3, "rural": 0}), EXACT)
    assert choice.missing == {"small": 2}
    assert choice.units == {"a", "b"}


def test_a_floor_moves_visits_to_its_group_and_its_price_is_told() -> None:
    candidates = [
        Candidate("a", "c", 480, 9.0, ()),
        Candidate("b", "c", 240, 1.0, ("small",)),
        Candidate("d", "c", 240, 1.5, ("small",)),
    ]
    free, held = (
        best_choice(CityModel({"c": candidates}, {"c": 480}, {"small": need}), EXACT)
        for need in (0, 2)
    )
    assert (free.units, held.units) == ({"a"}, {"b", "d"})
    assert held.floors_cost == pytest.approx(free.value - held.value)


@settings(max_examples=25, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 900), st.integers(0, 40)), min_size=1, max_size=4),
    st.integers(0, 100),
)
def test_a_floor_asks_in_expectation_for_its_share_of_a_random_plan_and_never_a_visit_off(
    cells: list[tuple[int, int]], percent: int
) -> None:
    plans = [RandomPlan(minutes, 10_000, {"small": units}) for minutes, units in cells]
    rule = Floors(small_up_to=9, small=percent, rural=0)
    wish = sum(one.visits("small") for one in plans) * percent / 100
    # the number of the draw is that of its week, and each week rounds anew
    asked = [visits_of_floors(plans, rule, Draw(str(week), "s"))["small"] for week in range(400)]
    assert set(asked) <= {int(wish), int(wish) + 1}
    # four spreads of a mean of 400 draws, each of at most a half
    assert abs(np.mean(asked) - wish) < 4 * 0.5 / np.sqrt(400)
    assert visits_of_floors(plans, rule, Draw("0", "s"))["small"] == asked[0]


def test_what_a_solver_prints_reaches_no_output_and_what_others_print_does() -> None:
    # in a process of its own, since pytest has its own ways with file descriptors
    program = """
import ctypes
from models.optimum.quiet import standard_output_aside
print("before", end=" ")
with standard_output_aside():
    ctypes.CDLL(None).puts(b"of the solver")
print("after")
"""
    done = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True)
    assert done.stdout == b"before after\n"
    # a process that has no standard output works as well
    silent = "from models.optimum.quiet import standard_output_aside as aside\nwith aside(): pass"
    subprocess.run(["sh", "-c", 'exec "$0" -c "$1" >&-', sys.executable, silent], check=True)


def test_an_enterprise_in_two_cells_is_refused_by_its_name_and_both_cells() -> None:
    twice = city(1)[:2]
    twice[1] = replace(twice[0], cell="c9")
    with pytest.raises(PolicyError, match="enterprise 'e00' is in two cells, 'c0' and 'c9'"):
        plan(twice, POLICY, CAPACITY, Draw("d", "s"))


@pytest.mark.parametrize(
    ("cell", "reason"), [("", "no_cell"), ("c3", "no_team"), ("c2", "no_minutes")]
)
def test_without_team_or_minutes_nobody_is_listed_and_the_reason_is_the_cell(
    cell: str, reason: str
) -> None:
    units = [replace(unit, cell=cell) for unit in city(2)]
    assert visited(plan(units, POLICY, {"c2": 0}, Draw("d", "s"))) == {}
    assert {left_out(unit, {"c2": 0}) for unit in units} == {reason}


def test_the_way_counts_a_gap_takes_the_median_and_a_wrong_coordinate_costs_little() -> None:
    places = [(120.0, 36.0), (120.0, 36.01), (120.0, 36.02), None, (0.0, 0.0)]
    minutes = travel_minutes(places, POLICY.travel)
    assert minutes[1] < minutes[2] < minutes[4] == POLICY.travel.most
    others = sorted([*minutes[:3], minutes[4]])
    assert others[1] <= minutes[3] <= others[2]
    assert travel_minutes([None, None], POLICY.travel) == [0, 0]


@settings(max_examples=30, deadline=None)
@given(st.lists(st.tuples(st.floats(120, 121), st.floats(36, 37)), min_size=1, max_size=9))
def test_a_round_visits_everybody_once_and_no_part_of_it_is_better_reversed(
    places: list[tuple[float, float]],
) -> None:
    order = visiting_order([*places, None])
    assert sorted(order) == list(range(len(places) + 1))
    assert order[-1] == len(places)
    longitudes, latitudes = zip(*places, strict=True)
    hub = (float(np.median(longitudes)), float(np.median(latitudes)))

    def length(stops: list[int]) -> float:
        points = [hub, *[places[stop] for stop in stops], hub]
        return sum(kilometres(one, other) for one, other in pairwise(points))

    stops = order[:-1]
    for first, last in combinations(range(len(stops)), 2):
        turned = stops[:first] + stops[first : last + 1][::-1] + stops[last + 1 :]
        assert length(stops) <= length(turned) + 0.0011


def test_every_published_rule_set_declares_what_the_plan_needs() -> None:
    for policy in policies():
        assert 0 < policy.statutory.percent < 100
        assert policy.exchange.yuan_per_worker > 0
        assert policy.solver.gap_percent <= 1
