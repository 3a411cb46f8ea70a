"""A question that is sent again under its key gets what it got first, also where it could not be answered any more."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime

import pytest

from features.errors import TargetError, UnknownId
from serving.answers import Answer
from serving.ledger.ledger import Ledger
from serving.ledger.read import head
from serving.scoring.recorded_scoring import Desk
from serving.scoring.scorer import Scorer
from serving.scoring.transcript import Question
from tests.recorded import AT, Home, home_of

ASKED = Question("system", "d" * 64, "system:once")


@dataclass(frozen=True)
class Service:
    """A desk over a small home, and the same one once no model is in use any more."""

    desk: Desk
    later: Desk
    firm: str
    target: str

    def ask(self, desk: Desk, firm: str, question: Question) -> Answer:
        """Return the scores of a firm without reasons."""
        return asyncio.run(desk.scores_by_id(self.target, "enterprise", [firm], question))


@pytest.fixture
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    home: Home = home_of(tmp_path_factory)
    target = home.record.target
    with Ledger(home.path / "ledger.db") as ledger:
        desk = Desk(home.scorer, ledger, lambda: datetime.fromisoformat(AT))
        later = replace(desk, scorer=Scorer(home.scorer.engine, {}, {}))
        yield Service(desk, later, str(home.scorer.ranks[target].keys[0]), target)


def test_a_question_sent_again_gets_its_answer_after_the_model_was_taken_out_of_use(
    service: Service,
) -> None:
    first = service.ask(service.desk, service.firm, ASKED)
    size = head(service.desk.ledger.path).size
    assert service.ask(service.later, service.firm, ASKED) == first
    assert head(service.desk.ledger.path).size == size


def test_a_question_sent_again_gets_its_answer_after_its_unit_left_the_register(
    service: Service,
) -> None:
    # the desk of the day before knew the firm; the register of this one lacks it
    first = service.ask(service.desk, service.firm, ASKED)
    assert service.ask(service.desk, "nobody", ASKED) == first


@pytest.mark.parametrize(
    "question",
    [
        replace(ASKED, retry_key=None),
        replace(ASKED, retry_key="system:another"),
        replace(ASKED, digest="e" * 64),
    ],
)
def test_no_other_question_gets_that_answer(service: Service, question: Question) -> None:
    service.ask(service.desk, service.firm, ASKED)
    with pytest.raises(TargetError):
        service.ask(service.later, service.firm, question)
    with pytest.raises(UnknownId):
        service.ask(service.desk, "nobody", question)
