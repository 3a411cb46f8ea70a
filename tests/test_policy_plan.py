"""The week's plan: lists that fit, complaints first, medals off the routine list, and a lottery of exact chance."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from features.calendar import day_of
from models.policy.capacity import Member, cell_minutes, monday_of, team_minutes, working_days
from models.policy.city_draw import city_tickets
from models.policy.lottery import (
    Draw,
    Ticket,
    drawn_units,
    inclusion_probability,
    whole_millionths,
)
from models.policy.plan import CellPlan, plan
from models.policy.plan_text import cell_lines
from models.policy.plan_unit import KINDS, PlanUnit
from models.policy.policy import policy_on
from models.policy.policy_status import Facts, standing_of

MONDAY = day_of("2015-07-06")
POLICY = policy_on(MONDAY)
DRAW = Draw("draw-1", "seed")


def unit(
    name: str,
    *,
    benefit: float = 1.0,
    staff: int = 5,
    cell: str = "c",
    dormant: bool = False,
    **facts: object,
) -> PlanUnit:
    return PlanUnit(
        name, cell, staff, benefit, standing_of(Facts(**facts), POLICY, MONDAY), dormant
    )  # type: ignore[arg-type]


def only(units: list[PlanUnit], minutes: int, draw: Draw = DRAW) -> CellPlan:
    return plan(units, POLICY, {"c": minutes}, draw).cells[0]


def first_complaints(units: list[PlanUnit], minutes: int) -> dict[str, int]:
    """Return the minutes of each complaint that is planned within the statutory share."""
    (start,) = plan(units, POLICY, {"c": minutes}, DRAW).starts
    return {visit.unit.name: visit.minutes for visit in start.first if visit.why == "complaint"}


def whys(cell: CellPlan) -> dict[str, str]:
    return {visit.unit.name: visit.why for visit in cell.visits}


units_of = st.lists(
    st.builds(
        lambda number, benefit, staff, complaint: (number, benefit, staff, complaint),
        st.integers(0, 10**6),
        st.floats(0, 50),
        st.integers(0, 2000),
        st.booleans(),
    ),
    min_size=1,
    max_size=60,
    unique_by=lambda entry: entry[0],
)


@settings(max_examples=150, deadline=None)
@given(units_of, st.integers(0, 6000), st.integers(0, 10**6))
def test_every_list_fits_its_minutes_names_nobody_twice_and_visits_all_that_were_drawn(
    entries: list[tuple[int, float, int, bool]],
    minutes: int,
    seed: int,
) -> None:
    units = [
        unit(f"e{n}", benefit=benefit, staff=staff, complaints=(MONDAY - 1,) if complaint else ())
        for n, benefit, staff, complaint in entries
    ]
    cell = only(units, minutes, Draw("d", str(seed)))
    names = [visit.unit.name for visit in cell.visits]
    assert cell.planned <= minutes
    assert len(set(names)) == len(names)
    assert set(cell.drawn) <= set(names)
    assert (cell.probability > 0) == (minutes > 1)
    assert (cell.probability * 10**6).denominator == 1


@settings(max_examples=100, deadline=None)
@given(units_of, st.integers(0, 6000), st.sets(st.integers(0, 59)))
def test_a_dormant_firm_stands_on_the_list_only_by_complaint_or_lottery(
    entries: list[tuple[int, float, int, bool]],
    minutes: int,
    asleep: set[int],
) -> None:
    def units(dormant: set[int]) -> list[PlanUnit]:
        return [
            unit(
                f"e{n}",
                benefit=benefit,
                staff=staff,
                dormant=place in dormant,
                complaints=(MONDAY - 1,) if complaint else (),
                exposure=(MONDAY - 40, None) if n % 3 == 0 else None,
            )
            for place, (n, benefit, staff, complaint) in enumerate(entries)
        ]

    cell, awake = only(units(asleep), minutes), only(units(set()), minutes)
    assert {visit.why for visit in cell.visits if visit.unit.dormant} <= {"complaint", "lottery"}
    assert (cell.drawn, cell.tickets, cell.probability) == (
        awake.drawn,
        awake.tickets,
        awake.probability,
    )
    # beyond their share, complaints have what minutes the others leave, and a dormant firm leaves its own
    assert first_complaints(units(asleep), minutes) == first_complaints(units(set()), minutes)


def test_complaints_open_the_list_the_oldest_first() -> None:
    cell = only(
        [
            unit("a", benefit=99.0),
            unit("b", benefit=0.0, complaints=(MONDAY - 3,)),
            unit("c", benefit=0.0, complaints=(MONDAY - 9,)),
        ],
        4000,
    )
    assert [visit.unit.name for visit in cell.visits][:3] == ["c", "b", "a"]
    assert (whys(cell)["c"], whys(cell)["b"]) == ("complaint", "complaint")
    assert whys(cell)["a"] != "complaint"


def test_due_exposures_come_after_complaints_and_before_scores() -> None:
    exposed = unit("b", exposure=(MONDAY - 3, None))
    cell = only([unit("a", benefit=99.0), exposed, unit("c", complaints=(MONDAY,))], 4000)
    assert [visit.unit.name for visit in cell.visits] == ["c", "b", "a"]
    assert [visit.why for visit in cell.visits][:2] == ["complaint", "exposure"]


def test_a_medal_holder_is_off_the_routine_list_but_not_out_of_reach() -> None:
    medal = (MONDAY - 100, None)
    assert (
        whys(only([unit("a", benefit=99.0, medals=(medal,)), unit("b", benefit=0.1)], 300)).get("a")
        != "score"
    )
    assert whys(only([unit("a", medals=(medal,), complaints=(MONDAY,))], 4000)) == {
        "a": "complaint"
    }
    reached = [
        whys(
            only(
                [unit("a", medals=(medal,)), *[unit(f"b{n}") for n in range(9)]],
                900,
                Draw(str(n), "s"),
            )
        ).get("a")
        for n in range(300)
    ]
    assert set(reached) == {None, "lottery"}


def test_the_list_goes_by_expected_benefit_per_minute_not_by_benefit() -> None:
    large, small = unit("large", benefit=3.0, staff=200), unit("small", benefit=1.0, staff=5)
    lists = [only([large, small], 2000, Draw(str(number), "s")).visits for number in range(20)]
    by_score = [[visit.unit.name for visit in one if visit.why == "score"] for one in lists]
    assert ["small", "large"] in by_score and ["large", "small"] not in by_score


def test_the_class_weighs_the_benefit() -> None:
    full, poor = (
        unit("full", benefit=1.5, appraised="full"),
        unit("poor", benefit=1.0, appraised="poor"),
    )
    assert [visit.unit.name for visit in only([full, poor], 2000).visits] == ["poor", "full"]


def test_equal_worth_is_settled_by_the_number_and_the_order_given_does_not_matter() -> None:
    units = [unit(name) for name in "dbca"]
    first, second = (only(given, 700).visits for given in (units, units[::-1]))
    assert first == second
    assert [visit.unit.name for visit in first if visit.why == "score"] == sorted(
        visit.unit.name for visit in first if visit.why == "score"
    )


def test_complaints_that_find_no_time_are_counted() -> None:
    cell = only([unit(f"e{n}", complaints=(MONDAY,)) for n in range(9)], 800)
    assert whys(cell)["e0"] == "complaint"
    assert cell.complaints_left == 9 - len(cell.visits) > 0


@pytest.mark.parametrize("unit", list(KINDS))
@pytest.mark.parametrize("number", [0, 1, 2])
def test_what_finds_no_time_is_told_in_the_singular_and_plural_of_its_kind(
    unit: str, number: int
) -> None:
    cell = {
        "cell": "c1",
        "team": "t1",
        "planned_minutes": 0,
        "minutes": 60,
        "visits": [],
        "inclusion_probability": 0.1,
        "complaints_left": number,
    }
    _, *lines = cell_lines({"unit": unit}, cell, 9)
    noun = "complaint" if unit == "enterprise" else "tip"
    told = {0: [], 1: [f"1 {noun} finds no time"], 2: [f"2 {noun}s find no time"]}[number]
    assert len(lines) == len(told)
    assert all(words in line for words, line in zip(told, lines, strict=True))


def test_a_cell_without_minutes_has_an_empty_list_and_no_draw() -> None:
    assert only([unit("a")], 0) == CellPlan("c", 0, (), Fraction(0), ("a",), (), 0, 1)
    assert plan([unit("a", cell="x")], POLICY, {}, DRAW).cells[0].visits == ()


def test_every_cell_has_one_list_and_every_unit_one_cell() -> None:
    units = [unit(f"e{n}", cell="abc"[n % 3]) for n in range(30)]
    lists = plan(units, POLICY, {"a": 900, "b": 900, "c": 900}, DRAW).cells
    assert [cell.cell for cell in lists] == ["a", "b", "c"]
    assert sorted(name for cell in lists for name in cell.tickets) == sorted(u.name for u in units)
    assert all(visit.unit.cell == cell.cell for cell in lists for visit in cell.visits)


@given(st.lists(st.integers(1, 960), min_size=1, max_size=60), st.integers(0, 20_000))
def test_a_probability_of_a_list_is_whole_millionths_and_that_one_is_drawn_with(
    needed: list[int], minutes: int
) -> None:
    tickets = [Ticket(f"e{n}", length) for n, length in enumerate(needed)]
    exact = inclusion_probability(tickets, minutes)
    used = whole_millionths(exact)
    assert (used * 10**6).denominator == 1 and (used > 0) == (exact > 0)
    assert used <= exact < used + Fraction(1, 10**6)
    assert Fraction(round(float(used) * 10**6), 10**6) == used


def test_a_unit_that_can_be_drawn_keeps_a_millionth() -> None:
    assert whole_millionths(
        inclusion_probability([Ticket("e1", 3_000_000), Ticket("e2", 240)], 1)
    ) == Fraction(1, 10**6)


def test_a_list_is_drawn_with_the_probability_that_it_records() -> None:
    units = [unit(f"e{n}", staff=5) for n in range(7)]
    [tickets] = city_tickets(units, POLICY, {"c": 1000})
    for number in range(50):
        draw = Draw(str(number), "s")
        cell = only(units, 1000, draw)
        recorded = Fraction(round(float(cell.probability) * 10**6), 10**6)
        assert recorded == cell.probability == tickets.probability
        assert cell.drawn == drawn_units([tickets], draw)["c"]


def test_a_drawn_visit_to_a_large_unit_is_short_unless_another_reason_brings_it() -> None:
    large = unit("a", benefit=0.0, staff=5000)
    cells = [
        only([large, *[unit(f"b{n}") for n in range(9)]], 4000, Draw(str(n), "s"))
        for n in range(60)
    ]
    assert {visit.minutes for cell in cells for visit in cell.visits if visit.unit == large} == {
        480
    }
    assert only([unit("a", staff=5000, complaints=(MONDAY,))], 4000).visits[0].minutes == 1920


def test_a_week_has_five_working_days_but_for_holidays_and_days_worked_in_exchange() -> None:
    assert working_days(MONDAY, {}) == tuple(range(MONDAY, MONDAY + 5))
    assert working_days(MONDAY, {MONDAY: False, MONDAY + 5: True}) == tuple(
        range(MONDAY + 1, MONDAY + 6)
    )
    assert monday_of(MONDAY + 6) == MONDAY == monday_of(MONDAY)


def test_a_team_has_the_field_share_of_the_days_its_members_are_there() -> None:
    members = [
        Member("t", "full_time", 2400, MONDAY - 9, None),
        Member("t", "assistant", 2000, MONDAY + 3, None),
        Member("t", "part_time", 1200, MONDAY - 9, MONDAY - 1),
        Member("u", "part_time", 1200, 0, MONDAY),
    ]
    days = working_days(MONDAY, {})
    assert team_minutes(members, days, POLICY.field) == {"t": 1200 + 2 * 100, "u": 120}
    assert team_minutes(members, (), POLICY.field) == {"t": 0, "u": 0}


@pytest.mark.parametrize("units", [{"a": 5, "b": 3, "c": 1}, {"a": 0, "b": 0, "c": 0}, {}])
def test_cells_of_one_team_never_share_more_than_its_minutes(units: dict[str, int]) -> None:
    shared = cell_minutes({"t": 1000, "u": 77}, {"a": "t", "b": "t", "c": "u"}, units)
    assert shared["a"] + shared["b"] <= 1000
    assert shared["c"] == (77 if units.get("c") else 0)
