"""The lottery at the command line: it is priced, committed, drawn and verified, and bad input is one clear line."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, tzinfo
from pathlib import Path
from typing import Any

import pytest

from features.store.opening import open_store
from tests.said import Say
from tests.test_monitor_report import MONTHS, TARGET, bundle_of, tables

Write = Callable[..., Path]
WEEK = ("--week", "2015-07-08")
COMMIT = ("--minutes", 6_000, "--public-name", "收盘 close", "--public-at")
NEXT_DAY = "2010-07-02T00:00+08:00"


class LongAgo(datetime):
    """The clock of a commitment that precedes its public value by a day, and the draw by years."""

    @classmethod
    def now(cls, tz: tzinfo | None = None) -> LongAgo:
        return cls(2010, 7, 1, tzinfo=tz)


@pytest.fixture(scope="module")
def at_work(hand_source: Write, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A source without teams and the home of a model in use for it."""
    place = tmp_path_factory.mktemp("lottery")
    source, home = hand_source(place / "source", tables(MONTHS), TARGET), place / "home"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LSSI_HOME", str(home))
        bundle_of(open_store(source), home / "bundles")
    return source, home


@pytest.fixture
def lottery(
    at_work: tuple[Path, Path], say: Say, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., Any]:
    """`lottery(step, *words)`: what `lssi lottery STEP` answers."""
    source, home = at_work
    monkeypatch.setenv("LSSI_HOME", str(home))
    return lambda step, *words: say("lottery", step, source, *words)


@pytest.mark.parametrize(
    ("step", "words", "says"),
    [
        ("draw", (*WEEK, "--public", "1"), "is not committed, so it cannot be drawn"),
        ("verify", WEEK, "is not committed, so it cannot be drawn"),
        ("commit", (*WEEK, *COMMIT, "soon"), "a moment should look like"),
        ("commit", (*WEEK, *COMMIT, NEXT_DAY), "should become known after the commitment"),
        ("commit", (*WEEK, *COMMIT[2:], "2100-01-01T00:00Z"), "has no table of teams"),
        ("commit", ("--week", "2015-06-30", *COMMIT, "2100-01-01T00:00Z"), "has begun"),
        ("commit", ("--week", "2015-09-01", *COMMIT, "2100-01-01T00:00Z"), "too early"),
        (
            "commit",
            (*WEEK, "--minutes", 0, *COMMIT[2:], "2100-01-01T00:00Z"),
            "nobody can be drawn",
        ),
        ("commit", (*WEEK, "--target", "nobody", *COMMIT, "2100-01-01T00:00Z"), "no model of"),
        ("draw", ("--week", "soon", "--public", "1"), "got 'soon'"),
        ("draw", WEEK, "--public"),
        ("price", WEEK, "has no table of teams"),
    ],
)
def test_a_step_that_cannot_be_taken_is_one_line(
    lottery: Callable[..., Any], step: str, words: tuple[object, ...], says: str
) -> None:
    assert says in lottery(step, *words).line


def test_a_lottery_goes_from_its_price_to_the_plan_and_its_verification(
    lottery: Callable[..., Any],
    at_work: tuple[Path, Path],
    say: Say,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    prices = lottery("price", *WEEK, "--minutes", 6_000, "--json").json["shares"]
    assert [price["percent"] for price in prices] == [0, 5, 10, 15, 20, 25, 30]
    assert (prices[0]["cost"], prices[0]["drawn"]) == (0, 0)
    drawn_on_average = [price["drawn"] for price in prices]
    assert drawn_on_average == sorted(drawn_on_average)
    with monkeypatch.context() as clock:
        clock.setattr("lssi.clock.datetime", LongAgo)
        committed = lottery("commit", *WEEK, *COMMIT, NEXT_DAY, "--json").json
    assert (committed["week"], committed["units"], committed["out_of_reach"]) == (
        "2015-07-06",
        200,
        0,
    )
    assert committed["expected_draws"] == pytest.approx(prices[2]["drawn"], abs=0.5)
    waits = lottery("verify", *WEEK)
    assert f"is committed in record '{committed['record_id']}' and not drawn yet" in waits.line
    week = ("plan", at_work[0], *WEEK, "--minutes")
    assert "and not drawn yet; draw it with `lssi lottery draw`" in say(*week, 6_000).line
    drawn = lottery("draw", *WEEK, "--public", "3686.92", "--json").json
    number = sum(len(units) for units in drawn["drawn"].values())
    assert number in (int(committed["expected_draws"]), int(committed["expected_draws"]) + 1)
    assert "draws from another list than record" in say(*week, 3_000).line
    assert "takes no other seed; leave out --seed" in say(*week, 6_000, "--seed", "mine").line
    planned = say(*week, 6_000, "--json")
    assert planned.json["draw"]["commitment"] == committed["record_id"]
    assert planned.json["draw"]["seed"] == drawn["mixed_seed"]
    visits = [visit for cell in planned.json["cells"] for visit in cell["visits"]]
    assert planned.json["draw"]["draw"] == drawn["draw"]
    by_lot = sorted(visit["enterprise"] for visit in visits if visit["drawn"])
    assert by_lot == sorted(unit for units in drawn["drawn"].values() for unit in units)
    assert "was drawn in record" in lottery("draw", *WEEK, "--public", "3687").line
    verdict = lottery("verify", *WEEK, "--json").json
    assert (verdict["identical"], verdict["departures"], verdict["drawn"]) == (True, [], number)
    assert lottery("verify", *WEEK).out.startswith("一致 identical | 2015-07-06")
