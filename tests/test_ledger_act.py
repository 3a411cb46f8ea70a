"""Laws of acts: what is done twice under one key stands once, and the log names nobody."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from features.errors import LedgerError
from serving.errors import RetryConflict
from serving.ledger.act import Act, Seen, act_entry, act_of, subject_digest
from serving.ledger.entries import Receipt
from serving.ledger.ledger import Ledger
from serving.ledger.read import find
from serving.proof.audit import verify

MOMENT = datetime(2015, 7, 1, tzinfo=UTC)
SEEN = Seen(as_of=16_600, complete_to=16_616, bundle="")
LIFTED = Act(
    what="lift a stop",
    who="某人",
    key="k1",
    subject=subject_digest({"target": "undeclared_workers", "source": "city"}),
    content={"because": "数据已补齐"},
)


def written(ledger: Ledger, act: Act) -> Receipt:
    return ledger.append(act_entry(act, SEEN, moment=MOMENT, kept_days=30)).result()


def test_an_act_is_read_as_it_was_done_and_the_ledger_agrees(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    with Ledger(path) as ledger:
        receipt = written(ledger, LIFTED)
    stored = find(path, receipt.record_id)
    assert stored.payload is not None and act_of(stored.payload) == LIFTED
    assert (stored.entry["kind"], stored.entry["as_of"]) == ("act", SEEN.as_of)
    assert verify(path, SEEN.complete_to, None).whole


def test_an_act_done_twice_stands_once_and_another_under_its_key_is_refused(
    tmp_path: Path,
) -> None:
    with Ledger(tmp_path / "ledger.db") as ledger:
        first = written(ledger, LIFTED)
        again = written(ledger, LIFTED)
        assert (again.record_id, first.first, again.first) == (first.record_id, True, False)
        with pytest.raises(RetryConflict, match="this idempotency key was used"):
            written(ledger, replace(LIFTED, content={"because": "另有原因"}))
        assert written(ledger, replace(LIFTED, who="他人")).first


def test_the_log_holds_neither_who_nor_what_an_act_is_about(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    with Ledger(path) as ledger:
        receipt = written(ledger, LIFTED)
    entry = find(path, receipt.record_id).entry
    assert not {"某人", "数据已补齐", LIFTED.subject} & set(map(str, entry.values()))


@pytest.mark.parametrize("payload", [b"", b"[]", b'{"version":1,"what":"x"}', b'{"version":2}'])
def test_a_payload_that_is_no_act_is_refused(payload: bytes) -> None:
    with pytest.raises(LedgerError):
        act_of(payload)
