"""Laws of the stop rule: the newest verdict decides, a person lifts it for a reason, and the ledger holds both."""

from __future__ import annotations

from pathlib import Path

import pytest

from features.errors import LedgerError
from serving.ledger.act import Act, Seen, act_entry, act_of
from serving.ledger.ledger import Ledger
from serving.ledger.model_halt import lifting_act, standing_halt
from serving.ledger.read import find
from tests.halts import MOMENT, halted


@pytest.fixture
def ledger(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("LSSI_HOME", str(tmp_path))
    return tmp_path / "ledger.db"


def written(ledger: Path, act: Act) -> str:
    entry = act_entry(act, Seen(0, 0, ""), moment=MOMENT, kept_days=10_000)
    with Ledger(ledger) as book:
        return book.append(entry).result().record_id


def test_without_a_ledger_or_a_verdict_no_halt_stands(ledger: Path) -> None:
    assert standing_halt(ledger, "s", "t") is None
    halted("other", "t")
    halted("s", "other")
    assert standing_halt(ledger, "s", "t") is None


def test_the_newest_verdict_decides_whatever_was_said_before(ledger: Path) -> None:
    halted("s", "t", "go on")
    record_id = halted("s", "t", "halt", "2015-07-31")
    halt = standing_halt(ledger, "s", "t")
    assert halt is not None
    assert (halt.record_id, halt.as_of, halt.en) == (record_id, "2015-07-31", "the word is halt")
    halted("s", "t", "watch", "2015-08-31")
    assert standing_halt(ledger, "s", "t") is None


def test_a_lift_names_the_halt_who_lifts_it_and_why_and_ends_it(ledger: Path) -> None:
    record_id = halted("s", "t")
    lift = lifting_act(ledger, "s", "t", who="a person", reason="the feed came back")
    lifted_by = written(ledger, lift)
    assert standing_halt(ledger, "s", "t") is None
    payload = find(ledger, lifted_by).payload
    assert payload is not None
    act = act_of(payload)
    assert (act.who, act.content["halt"]) == ("a person", record_id)
    assert act.content["reason"] == "the feed came back"


def test_the_same_report_does_not_halt_again_but_a_new_one_does(ledger: Path) -> None:
    first = halted("s", "t")
    written(ledger, lifting_act(ledger, "s", "t", who="p", reason="r"))
    assert halted("s", "t") == first
    assert standing_halt(ledger, "s", "t") is None
    halted("s", "t", day="2015-08-31")
    assert standing_halt(ledger, "s", "t") is not None


def test_nothing_is_lifted_where_no_halt_stands_and_nobody_lifts_for_no_reason(
    ledger: Path,
) -> None:
    with pytest.raises(LedgerError, match="no halt stands for target 't' of source 's'"):
        lifting_act(ledger, "s", "t", who="p", reason="r")
    halted("s", "t")
    for who, reason in (("p", " "), ("", "r")):
        with pytest.raises(LedgerError, match="give both --by and --reason"):
            lifting_act(ledger, "s", "t", who=who, reason=reason)
