"""A roll scores every living unit under one record that replays, and returns nothing that was not recorded."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from features.engine.dormancy import dormancy, dormancy_as_json
from features.errors import LedgerError
from serving.ledger.read import find
from serving.proof.audit import verify
from serving.replay.dossier import dossier
from serving.scoring.score_day import TOP, roll
from tests.recorded import LAST, Home, home_of

MOMENT = datetime(2015, 7, 1, 0, 30, tzinfo=UTC)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """A home in which three units were scored and recorded."""
    return home_of(tmp_path_factory)


def test_a_roll_is_one_record_that_replays(home: Home) -> None:
    said = roll(home.path, home.store, home.bundle, caller="test", moment=MOMENT)
    again = roll(home.path, home.store, home.bundle, caller="test", moment=MOMENT)
    assert said["root"] == again["root"] and said["record_id"] != again["record_id"]
    stored = find(home.path / "ledger.db", said["record_id"])
    assert (stored.entry["kind"], stored.entry["as_of"], stored.entry["keep_until"]) == (
        "batch",
        LAST,
        LAST + 1 + 1_098,
    )
    found = dossier(home.path, said["record_id"])
    assert (
        found.record.rows is not None
        and found.record.rows.count == said["rows"] == home.record.cases[0].of
    )
    assert all(replayed.identical for replayed in found.replays())
    assert verify(home.path / "ledger.db", LAST).whole


def test_the_top_of_a_roll_is_what_single_scores_say(home: Home) -> None:
    said = roll(home.path, home.store, home.bundle, caller="test", moment=MOMENT)
    assert len(said["top"]) == min(TOP, said["rows"])
    for unit, case in zip(said["top"], home.record.cases, strict=False):
        assert (unit["id"], unit["rank"], unit["score"]) == (case.key, case.rank, case.probability)


def test_a_roll_tells_how_many_firms_are_dormant_and_scores_them_as_any(home: Home) -> None:
    said = roll(home.path, home.store, home.bundle, caller="test", moment=MOMENT)
    told = dormancy(home.scorer.engine, LAST)
    assert said["dormant"] == dormancy_as_json(told)
    assert said["dormant"]["living"] == said["rows"]


def test_without_a_record_there_is_no_answer(home: Home, tmp_path: Path) -> None:
    (tmp_path / "ledger.db").mkdir()
    with pytest.raises(LedgerError, match="no ledger can be kept"):
        roll(tmp_path, home.store, home.bundle, caller="test", moment=MOMENT)
