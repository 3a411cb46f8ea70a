"""Laws of the city's lottery: exact chances, cells drawn together, minutes that fit, and nothing that an order could move."""

from __future__ import annotations

from collections import Counter
from fractions import Fraction
from importlib import resources
from math import ceil, floor

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from features.calendar import day_of
from features.contract.millionths import millionths_of
from features.errors import PolicyError
from models.policy.city_draw import (
    CellDraw,
    city_draw,
    city_tickets,
    strata,
)
from models.policy.lottery import CellTickets, Draw, Ticket, drawn_units
from models.policy.plan_unit import PlanUnit
from models.policy.policy import Policy, policy_of, policy_on
from models.policy.policy_status import Facts, standing_of
from models.policy.possible_visits import longest_visit, lottery_minutes

MONDAY = day_of("2015-07-06")
POLICY = policy_on(MONDAY)
STANDING = standing_of(Facts(), POLICY, MONDAY)
ROUNDS = 1_500


def unit(name: str, cell: str, staff: int = 5, benefit: float = 1.0) -> PlanUnit:
    return PlanUnit(name, cell, staff, benefit, STANDING)


def city(cells: int, units: int) -> list[PlanUnit]:
    """Return cells of as many units each, of four sizes and of falling scores."""
    return [
        unit(f"e{cell}-{n}", f"c{cell}", (5, 30, 200, 900)[n % 4], 50.0 - n)
        for cell in range(cells)
        for n in range(units)
    ]


def with_share(percent: int) -> Policy:
    lottery = POLICY.lottery.model_copy(update={"percent": percent})
    return POLICY.model_copy(update={"lottery": lottery})


def draws(tickets: tuple[CellTickets, ...], number: int) -> dict[str, CellDraw]:
    return city_draw(tickets, Draw(str(number), "seed"))


cities = st.lists(
    st.tuples(st.integers(0, 4), st.integers(0, 2_000), st.floats(0, 50)), min_size=1, max_size=60
)


@settings(max_examples=80, deadline=None)
@given(cities, st.integers(0, 6_000), st.integers(0, 30), st.integers(0, 10**6))
def test_every_draw_fits_its_cell_and_exceeds_its_expected_minutes_by_one_visit_at_most(
    firms: list[tuple[int, int, float]], minutes: int, percent: int, number: int
) -> None:
    units = [unit(f"e{n}", f"c{cell}", *firm) for n, (cell, *firm) in enumerate(firms)]
    policy = with_share(percent)
    tickets = city_tickets(units, policy, {f"c{cell}": minutes for cell in range(5)})
    for cell in draws(tickets, number).values():
        longest = max((ticket.minutes for ticket in cell.tickets.tickets), default=0)
        assert cell.minutes <= min(minutes, lottery_minutes(minutes, policy) + longest)


@settings(max_examples=80, deadline=None)
@given(cities, st.integers(0, 6_000), st.integers(0, 10**6))
def test_of_the_city_and_of_each_cell_as_many_are_drawn_as_expected_rounded_up_or_down(
    firms: list[tuple[int, int, float]], minutes: int, number: int
) -> None:
    units = [unit(f"e{n}", f"c{cell}", *firm) for n, (cell, *firm) in enumerate(firms)]
    tickets = city_tickets(units, POLICY, {f"c{cell}": minutes for cell in range(5)})
    drawn = draws(tickets, number)
    expected = {cell.cell: cell.probability * len(cell.tickets) for cell in tickets}
    for cell, number_expected in expected.items():
        assert floor(number_expected) <= len(drawn[cell].drawn) <= ceil(number_expected)
    everybody = sum(expected.values())
    number_drawn = sum(len(cell.drawn) for cell in drawn.values())
    assert floor(everybody) <= number_drawn <= ceil(everybody)


@settings(max_examples=60, deadline=None)
@given(cities, st.integers(0, 6_000), st.integers(1, 30))
def test_every_unit_of_a_cell_with_minutes_can_be_drawn_with_whole_millionths(
    firms: list[tuple[int, int, float]], minutes: int, percent: int
) -> None:
    units = [unit(f"e{n}", f"c{cell}", *firm) for n, (cell, *firm) in enumerate(firms)]
    policy = with_share(percent)
    tickets = city_tickets(units, policy, {f"c{cell}": minutes for cell in range(5)})
    assert sorted(ticket.unit for cell in tickets for ticket in cell.tickets) == sorted(
        one.name for one in units
    )
    for cell in tickets:
        has_units = bool(cell.tickets)
        assert (cell.millionths > 0) == (minutes > 1 and has_units)
        assert millionths_of(float(cell.probability)) == cell.millionths
        spent = cell.probability * sum(ticket.minutes for ticket in cell.tickets)
        assert spent <= lottery_minutes(minutes, policy) or cell.millionths == 1


def test_units_are_drawn_as_often_as_their_probability_says() -> None:
    tickets = city_tickets(city(6, 8), POLICY, {f"c{n}": 600 * (n + 1) for n in range(6)})
    times = Counter(
        name for n in range(ROUNDS) for cell in draws(tickets, n).values() for name in cell.drawn
    )
    chance_of = {one.unit: float(cell.probability) for cell in tickets for one in cell.tickets}
    assert len(set(chance_of.values())) == 6
    for name, chance in chance_of.items():
        error = (chance * (1 - chance) / ROUNDS) ** 0.5
        assert abs(times[name] / ROUNDS - chance) < 4.5 * error
    expected = sum(chance_of.values())
    assert abs(times.total() / ROUNDS - expected) < 4.5 * (0.25 / ROUNDS) ** 0.5


def test_a_city_of_small_cells_has_draws_every_week_that_expects_one() -> None:
    tickets = city_tickets(city(12, 30), POLICY, {f"c{n}": 600 for n in range(12)})
    expected = [cell.probability * len(cell.tickets) for cell in tickets]
    assert max(expected) < 1 <= sum(expected)
    assert all(any(cell.drawn for cell in draws(tickets, n).values()) for n in range(60))


def test_a_cell_is_drawn_from_all_its_strata_in_turn() -> None:
    tickets = [Ticket(f"e{n:03d}", 240, 1 + n // 25) for n in range(100)]
    cell = CellTickets("c", 960, tuple(tickets))
    assert cell.probability == Fraction(1, 25)
    for number in range(50):
        [drawn] = drawn_units([cell], Draw(str(number), "s")).values()
        assert [int(name[1:]) // 25 for name in drawn] == [0, 1, 2, 3]


def test_the_strata_are_quarters_by_score_and_equal_scores_go_by_name() -> None:
    units = [unit(f"e{n}", "c", benefit=9.0 - n) for n in range(8)]
    assert list(strata(units[::-1]).values()) == [1, 1, 2, 2, 3, 3, 4, 4]
    alike = [unit(name, "c") for name in "dbca"]
    assert strata(alike) == {"a": 1, "b": 2, "c": 3, "d": 4}


def test_neither_the_order_of_units_nor_that_of_cells_moves_a_draw() -> None:
    units = city(4, 9)
    minutes = {f"c{n}": 900 for n in range(4)}
    tickets = city_tickets(units, POLICY, minutes)
    backwards = city_tickets(units[::-1], POLICY, dict(reversed(minutes.items())))
    assert backwards == tickets
    for number in range(50):
        draw = Draw(str(number), "s")
        assert drawn_units(reversed(tickets), draw) == drawn_units(tickets, draw)


def test_a_draw_repeats_from_its_seed_and_changes_with_it() -> None:
    cell = CellTickets("c", 2_400, tuple(Ticket(f"e{n}", 240) for n in range(50)))
    first, again, other = (drawn_units([cell], Draw("w", seed))["c"] for seed in ("1", "1", "2"))
    assert first == again != other
    assert len(first) == 10


def test_certain_inclusion_draws_everyone_and_a_share_of_nought_nobody() -> None:
    tickets = tuple(Ticket(f"e{n}", 10) for n in range(5))
    assert drawn_units([CellTickets("c", 99, tickets)], Draw("w", "s")) == {
        "c": ("e0", "e1", "e2", "e3", "e4")
    }
    none = city_tickets(city(1, 5), with_share(0), {"c0": 900})
    assert (none[0].millionths, longest_visit(900, with_share(0))) == (0, 900)
    assert draws(none, 1)["c0"].drawn == ()


def test_a_cell_without_minutes_draws_nobody_and_says_so_by_its_probability() -> None:
    tickets = city_tickets([*city(1, 3), unit("alone", "")], POLICY, {"c0": 600, "c9": 600})
    assert [(cell.cell, len(cell.tickets), cell.millionths > 0) for cell in tickets] == [
        ("", 1, False),
        ("c0", 3, True),
        ("c9", 0, False),
    ]


@pytest.mark.parametrize("percent", [-1, 31, 50])
def test_a_share_outside_its_bounds_is_refused_by_its_name(percent: int) -> None:
    published = policy_text().replace("percent = 10", f"percent = {percent}")
    with pytest.raises(PolicyError, match=r"lottery\.percent: Input should be"):
        policy_of(published)


def policy_text() -> str:
    """Return the text of a published rule set."""
    rules = resources.files("models.policy").joinpath("rules")
    return rules.joinpath("national-2017.toml").read_text("utf-8")
