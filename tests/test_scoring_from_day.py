"""On a city, the scored day answers as the rows do: hundreds of units in the quick suite, 1,000 and 10,000 beyond it."""

from __future__ import annotations

import asyncio
import shutil
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from serving.answers import Answer
from serving.day.reach import ReasonReach
from serving.ledger.ledger import Ledger
from serving.scoring.opening import open_scorer
from serving.scoring.recorded_scoring import Desk
from serving.scoring.score_day import roll
from serving.scoring.scorer import Scorer
from serving.scoring.transcript import Question
from serving.settings import Settings
from tests.sample import full, slow

MOMENT = datetime(2015, 7, 1, 8, 30, tzinfo=UTC)
UNITS = [slow(1_000), full(10_000)]
"""Units of each target that are compared with their rows beyond the quick suite's; 10,000 were asked."""
ENTITY = {"undeclared_workers": "enterprise", "fraudulent_claim": "claim"}
REACHED = 120
"""Units whose reasons the quick suite makes twice; it takes a few seconds."""


@pytest.fixture
def home(
    trained_home: Path, tmp_path: Path, city_2000: Path, monkeypatch: pytest.MonkeyPatch
) -> Path:
    """A home with models in use, to which a day is published."""
    place = Path(shutil.copytree(trained_home, tmp_path / "home"))
    monkeypatch.setenv("LSSI_HOME", str(place))
    return place


def answers(home: Path, scorer: Scorer, target: str, parts: list[list[str]]) -> list[Answer]:
    """Return the answers to some requests, without the numbers of their records."""

    async def ask(desk: Desk) -> list[Answer]:
        question = Question("test", "ab" * 32, None)
        said = [await desk.by_id(target, ENTITY[target], ids, question) for ids in parts]
        return [answer.model_copy(update={"record_id": ""}) for answer in said]

    with Ledger(home / "ledger.db") as ledger:
        return asyncio.run(ask(Desk(scorer, ledger, lambda: MOMENT)))


def compared(home: Path, city: Path, target: str, number: int) -> int:
    """Publish a day, ask for its highest units from it and from the rows, and return how many were the same to the bit."""
    before = open_scorer(Settings(home, city))
    roll(home, before.store, before.bundles[target], caller="test", moment=MOMENT)
    scorer = open_scorer(Settings(home, city))
    assert scorer.days[target].day.manifest.reasoned >= min(number, len(scorer.ranks[target]))
    ranks = scorer.ranks[target]
    order = np.argsort(-ranks.raw, kind="stable")[:number]
    keys = [str(key) for key in ranks.keys[order]]
    parts = [keys[first : first + 500] for first in range(0, len(keys), 500)]
    mapped = answers(home, scorer, target, parts)
    computed = answers(home, replace(scorer, days={}), target, parts)
    for one, other in zip(mapped, computed, strict=True):
        assert one.model_dump_json() == other.model_dump_json()
    assert mapped[0].units[0].reasons
    return len(keys)


def test_hundreds_of_units_are_answered_to_the_bit_as_from_their_rows(
    home: Path, city_2000: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    reach = ReasonReach(least=REACHED, share=0.01)
    monkeypatch.setattr("serving.scoring.day_units.reason_reach", lambda: reach)
    assert compared(home, city_2000, "undeclared_workers", REACHED) == REACHED


@pytest.mark.parametrize("number", UNITS)
@pytest.mark.parametrize("target", ENTITY)
def test_thousands_of_units_are_answered_to_the_bit_as_from_their_rows(
    home: Path, city_2000: Path, target: str, number: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    reach = ReasonReach(least=number, share=0.01)
    monkeypatch.setattr("serving.scoring.day_units.reason_reach", lambda: reach)
    assert compared(home, city_2000, target, number) >= 1_000
