"""Laws of city-wide estimates: closed formulas hold, redraws hold the truth, and what cannot be told has its word."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from features.store.journal import write_journal_part
from features.store.opening import open_store
from models.policy.city_draw import city_draw
from models.policy.lottery import CellTickets, Draw, Ticket
from tests.said import Say
from tests.test_monitor_report import (
    DRAWN,
    FIRMS,
    MONTHS,
    TARGET,
    WEEKS,
    bundle_of,
    finds,
    planned,
    tables,
    write_plans,
)
from training.estimates.city_survey import ModelSays, Quantity, quantities
from training.estimates.lines import estimate_lines
from training.estimates.period_visits import PeriodVisits
from training.estimates.seen import JOURNAL, PeriodSeen
from training.evaluation.estimate import Estimate, amount_total, share_total

Rows = dict[str, list[dict[str, Any]]]
Write = Callable[..., Path]
COUNTED = TARGET.replace('label = "visit"', 'label = "visit"\ncount = "workers_in_violation"')
PERIOD = ("--from", "2015-02-02", "--to", "2015-06-30")
WORKERS = 2
REACHED = len(planned())
# the place of a complaint among ten visits of a week of the source's own lottery; the first are drawn
COMPLAINED = 9


def timed(rows: Rows) -> Rows:
    """Return the rows with the minutes of each visit: an hour, two at every second firm."""
    visits = [
        row | {"spent_minutes": 60 + 60 * (place % 2)}
        for place, row in enumerate(rows["inspections"])
    ]
    return rows | {"inspections": visits}


def with_sections(rows: Rows) -> Rows:
    """Return the rows with five firms in a section of their own."""
    register = [
        row | {"section": "A"} if place < 5 else row
        for place, row in enumerate(rows["enterprises"])
    ]
    return rows | {"enterprises": register}


def by_lottery_of_source(rows: Rows) -> Rows:
    """Return the rows in which the source itself says which visits a lottery chose, in three draws of a fifth each."""
    visits = [
        row
        if place % 10 >= DRAWN
        else row | {"kind": "lottery", "draw": f"d{place % 3}", "inclusion_probability": 0.2}
        for place, row in enumerate(rows["inspections"])
    ]
    for place in range(COMPLAINED, len(visits), 10):
        visits[place] = visits[place] | {"kind": "complaint"}
    return rows | {"inspections": visits}


def write_complaints(home: Path) -> None:
    """Write the same plans with complaints as the reason of every visit."""
    weeks = sorted({monday for _, monday, _ in planned()})
    for week, monday in enumerate(weeks):
        firms = [firm for firm, on, _ in planned() if on == monday]
        number = len(firms)
        plan = {
            "plan": [f"p{week}"] * number,
            "enterprise": [f"e{firm:03d}" for firm in firms],
            "cell": [None] * number,
            "week": [monday] * number,
            "position": list(range(1, number + 1)),
            "planned_minutes": [60] * number,
            "why": ["complaint"] * number,
            "recorded_on": [monday] * number,
        }
        write_journal_part(home / "journal" / "hand", "plans", f"undeclared_workers.p{week}", plan)


@pytest.fixture(scope="module")
def place_of(
    hand_source: Write, tmp_path_factory: pytest.TempPathFactory
) -> Callable[[str], tuple[Path, Path]]:
    """`place_of(name)`: source and home of a model in use; `source` has no plans and draws."""
    made: dict[str, tuple[Path, Path]] = {}

    def written(name: str) -> tuple[Path, Path]:
        place = tmp_path_factory.mktemp(name)
        rows = with_sections(timed(tables(MONTHS)))
        rows = by_lottery_of_source(rows) if name == "source" else rows
        source, home = hand_source(place / "source", rows, COUNTED), place / "home"
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("LSSI_HOME", str(home))
            bundle_of(open_store(source), home / "bundles")
            if name != "source":
                write_plans(home)
            if name == "complaints":
                write_complaints(home)
        return source, home

    def of(name: str) -> tuple[Path, Path]:
        made[name] = made.get(name) or written(name)
        return made[name]

    return of


@pytest.fixture
def estimate(
    place_of: Callable[[str], tuple[Path, Path]], say: Say, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., Any]:
    """`estimate(name, *words)`: what `lssi estimate` answers."""

    def asked(name: str, *words: object) -> Any:
        source, home = place_of(name)
        monkeypatch.setenv("LSSI_HOME", str(home))
        return say("estimate", source, "--target", "undeclared_workers", *words)

    return asked


def test_the_estimates_of_our_own_draws_are_those_of_the_closed_formulas(
    estimate: Callable[..., Any],
) -> None:
    report = estimate("journal", *PERIOD, "--json").json
    hits = np.array([finds(firm) for firm, _, drawn in planned() if drawn])
    everybody = np.array([finds(firm) for firm, _, _ in planned()])
    assert (report["units"], report["drawn"]) == (REACHED, WEEKS * DRAWN)
    assert (report["out_of_reach"], report["draws"]) == (FIRMS - REACHED, WEEKS)
    violators, number = report["violators"], report["number"]
    assert violators["horvitz_thompson"]["value"] == pytest.approx(hits.sum() / 0.3)
    assert number["horvitz_thompson"]["value"] == pytest.approx(WORKERS * hits.sum() / 0.3)
    assert violators["hajek"]["value"] == pytest.approx(hits.mean() * REACHED)
    assert number["hajek"]["value"] == pytest.approx(WORKERS * hits.mean() * REACHED)
    # whoever was drawn is off the list by score, so that this list is no census
    assert report["census"] == 0
    for ways, truth in ((violators, everybody.sum()), (number, WORKERS * everybody.sum())):
        for told in ways.values():
            assert told["low"] < told["value"] < told["high"]
            assert told["low"] < truth < told["high"]


def test_complaints_of_our_own_plans_are_no_census_since_the_draw_decides_which_are_visited(
    estimate: Callable[..., Any],
) -> None:
    report = estimate("complaints", *PERIOD, "--json").json
    by_score = estimate("journal", *PERIOD, "--json").json
    assert (report["census"], report["census_without_outcome"]) == (0, 0)
    # the same draws tell the same, whatever the plans give as the reason of a visit
    assert (report["violators"], report["number"]) == (by_score["violators"], by_score["number"])
    # what complaints bring is found because of no list
    assert report["beyond_lottery"]["listed"] == 0


def test_what_lists_found_beyond_the_lottery_is_by_the_minute(
    estimate: Callable[..., Any],
) -> None:
    gain = estimate("journal", *PERIOD, "--json").json["beyond_lottery"]
    found = np.array([WORKERS * finds(firm) for firm, _, _ in planned()])
    minutes = 60 + 60 * (np.arange(REACHED) % 2)
    drawn = np.array([is_drawn for _, _, is_drawn in planned()])
    a_minute = found[drawn].sum() / minutes[drawn].sum()
    assert (gain["listed"], gain["minutes"]) == (found.sum(), minutes.sum())
    assert gain["by_lottery"]["value"] == pytest.approx(a_minute * minutes.sum())
    assert gain["beyond"]["value"] == pytest.approx(found.sum() - a_minute * minutes.sum())
    assert gain["beyond"]["low"] <= gain["beyond"]["value"] <= gain["beyond"]["high"]


def test_the_sources_own_lottery_is_expanded_by_all_its_draws(
    estimate: Callable[..., Any],
) -> None:
    report = estimate("source", *PERIOD, "--json").json
    hits = np.array([finds(firm) for firm, _, drawn in planned() if drawn])
    assert (report["basis"], report["draws"], report["units"]) == ("source", 3, FIRMS)
    at_least_once = 1 - (1 - 0.2) ** 3
    expanded = report["violators"]["horvitz_thompson"]["value"]
    assert expanded == pytest.approx(hits.sum() / at_least_once)
    assert report["violators"]["hajek"]["value"] == pytest.approx(hits.mean() * FIRMS)
    # who was drawn rests, so that the draw decides whom routine visits reach afterwards: complaints alone are a census
    complained = np.array([finds(firm) for firm, _, _ in planned() if firm % 10 == COMPLAINED])
    assert report["census"] == len(complained) > 0
    assert report["violators"]["difference"]["low"] >= complained.sum()


def test_groups_make_up_the_city_and_small_ones_are_hidden_with_their_neighbours(
    estimate: Callable[..., Any],
) -> None:
    report = estimate("source", *PERIOD, "--by", "sector", "--json").json
    assert [(row["group"], row["suppressed"]) for row in report["groups"]] == [
        ("A", "small"),
        ("C", "beside a small one"),
        ("F", None),
    ]
    [shown] = [row for row in report["groups"] if not row["suppressed"]]
    assert 0 < shown["units"] < FIRMS and 0 < shown["drawn"] < report["drawn"]
    hidden = [row for row in report["groups"] if row["suppressed"]]
    assert all("violators" not in row and "units" not in row for row in hidden)
    few = shown["drawn"] < 30
    told = shown["violators"]["hajek"]
    assert few == isinstance(told, str) and (not few or "at least 30 needed" in told)


def test_a_model_that_has_learned_from_the_period_does_not_speak(
    estimate: Callable[..., Any],
) -> None:
    since_training = estimate("source", *PERIOD, "--json").json
    before = estimate("source", "--from", "2015-01-31", "--to", "2015-06-30", "--json").json
    assert (since_training["score_assists"], before["score_assists"]) == (True, False)
    lines = "\n".join(estimate_lines(before))
    assert "its scores are left out" in lines and "the source's lottery" in lines


def test_a_period_without_drawn_visits_has_words_and_no_numbers(
    estimate: Callable[..., Any],
) -> None:
    report = estimate("source", "--from", "2015-06-28", "--to", "2015-06-30", "--json").json
    assert report["drawn"] == 0
    for ways in (report["violators"], report["number"]):
        assert all(told.startswith("not estimable: ") for told in ways.values())
    answer = estimate("source", "--from", "2015-06-28", "--to", "2015-06-30")
    assert answer.code == 0 and "not estimable: no lottery visit" in answer.out


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("--from", "2015-06-30", "--to", "2015-02-02"), "should begin before it ends"),
        (("--from", "2015-02-02", "--to", "2015-07-01"), "complete to 2015-06-30"),
        (("--from", "soon", "--to", "2015-06-30"), "got 'soon'"),
        ((*PERIOD, "--by", "colour"), "should be one of district, sector, size, rural"),
        ((*PERIOD, "--by", "district"), "--by district is not known"),
        (PERIOD[:2], "--to"),
    ],
)
def test_what_cannot_be_asked_is_one_line(
    estimate: Callable[..., Any], words: tuple[str, ...], says: str
) -> None:
    assert says in estimate("source", *words).line


CELLS, IN_CELL = 12, 60


def frozen_city() -> tuple[tuple[CellTickets, ...], np.ndarray, np.ndarray, np.ndarray]:
    """Return a city's tickets, what a model tells of its units, who violates, and how many workers of each lack cover."""
    generator = np.random.default_rng(5)
    told = 1 / (1 + np.exp(1.6 - 1.1 * generator.normal(size=CELLS * IN_CELL)))
    guilty = (generator.random(len(told)) < told).astype(np.float64)
    workers = guilty * np.ceil(generator.lognormal(1.0, 0.9, len(told)))
    rank = np.argsort(np.argsort(-told.reshape(CELLS, IN_CELL), axis=1), axis=1)
    stratum = 1 + rank * 4 // IN_CELL
    tickets = tuple(
        CellTickets(
            f"c{cell:02d}",
            IN_CELL * (240 + 60 * (cell % 3)) // 6,
            tuple(
                Ticket(f"{cell * IN_CELL + n:04d}", 240 * (1 + n % 2), int(stratum[cell, n]))
                for n in range(IN_CELL)
            ),
        )
        for cell in range(CELLS)
    )
    return tickets, told, guilty, workers


def visits_to(units: np.ndarray, guilty: np.ndarray, workers: np.ndarray) -> PeriodVisits:
    nothing = np.zeros(len(units))
    no_codes = np.zeros(len(units), np.int64)
    return PeriodVisits(
        unit=units,
        opened=no_codes,
        label=guilty[units],
        number=workers[units],
        kind=no_codes,
        inclusion=nothing,
        minutes=nothing + 60,
    )


def redrawn(number: int) -> tuple[Quantity, Quantity]:
    """Return what one draw of the frozen city, and a census of its 60 highest scores, tell."""
    tickets, told, guilty, workers = frozen_city()
    chance = np.repeat([float(cell.probability) for cell in tickets], IN_CELL)
    drawn = city_draw(tickets, Draw(str(number), "seed"))
    units = np.array(sorted(int(name) for cell in drawn.values() for name in cell.drawn))
    certain = np.sort(np.argsort(-told)[:60])
    seen = PeriodSeen(
        basis=JOURNAL,
        draws=1,
        drawn=visits_to(units, guilty, workers),
        inclusion=chance[units],
        census=visits_to(certain, guilty, workers),
        listed=visits_to(certain, guilty, workers),
        drawn_without_outcome=0,
        census_without_outcome=0,
        chance=chance,
    )
    of_workers = told * workers.sum() / told.sum()
    return quantities(seen, np.arange(len(told)), ModelSays(told, of_workers))


def shares_that_hold(redraws: int) -> dict[tuple[str, str], float]:
    """Return by quantity and way how many intervals of redraws hold the truth."""
    _, _, guilty, workers = frozen_city()
    held: dict[tuple[str, str], int] = {}
    for number in range(redraws):
        violators, numbers = redrawn(number)
        for name, quantity, total, truth in (
            ("violators", violators, share_total, guilty.sum()),
            ("number", numbers, amount_total, workers.sum()),
        ):
            for way, told in quantity.estimates(total).items():
                assert isinstance(told, Estimate)
                holds = told.low <= truth <= told.high
                held[name, way] = held.get((name, way), 0) + holds
    return {key: count / redraws for key, count in held.items()}


def test_intervals_hold_the_truth_of_a_frozen_city_over_redraws_of_the_lottery_itself() -> None:
    held = shares_that_hold(60)
    assert len(held) == 6
    assert min(held.values()) >= 0.93, held


@pytest.mark.slow
def test_intervals_hold_the_truth_of_a_frozen_city_over_2000_redraws() -> None:
    held = shares_that_hold(2_000)
    assert min(held.values()) >= 0.93, held
