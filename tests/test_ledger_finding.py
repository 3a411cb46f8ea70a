"""Records are found by unit, by who and by day, and what could not be searched is counted."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from features.errors import RequestError
from serving.ledger.act import act_entry
from serving.ledger.entries import canonical
from serving.ledger.finding import Hits, Sought, hit_lines, seek
from serving.ledger.ledger import Ledger
from serving.ledger.record import Rows, payload_of
from tests.recorded import erased
from tests.said import Say
from tests.test_ledger_act import LIFTED, SEEN
from tests.test_ledger_ledger import TODAY, entry
from tests.test_ledger_record import record

FIRST, SECOND = date(2015, 7, 1), date(2015, 7, 2)


def of(caller: str, *units: str) -> bytes:
    cases = [{"key": unit} for unit in units]
    return canonical({"caller": caller, "target": "undeclared_workers", "cases": cases})


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Two scores, one of them to be erased soon, a batch, and an act about a unit."""
    place = tmp_path / "ledger.db"
    act = replace(LIFTED, content={"unit": "企业一", "because": "数据已补齐"})
    batch = record(kind="batch", caller="lssi", cases=(), rows=Rows("aa" * 32, 9, "bb" * 32))
    moment = datetime(2015, 7, 2, 8, tzinfo=UTC)
    entries = [
        entry(of("idhrss", "企业一", "E12").decode(), keep_until=TODAY - 1),
        entry(of("idhrss", "E1").decode(), keep_until=TODAY + 9),
        replace(entry(payload_of(batch).decode(), keep_until=TODAY + 9), kind="batch"),
        act_entry(act, SEEN, moment=moment, kept_days=30),
    ]
    with Ledger(place) as ledger:
        for one in entries:
            ledger.append(one).result(10)
    return place


def found(path: Path, **sought: object) -> list[int]:
    hits = seek(path, Sought(**sought))  # type: ignore[arg-type]
    return [int(hit.record_id.split("-")[0]) for hit in hits.records]


def test_a_record_is_found_by_each_thing_that_it_says_and_by_all(path: Path) -> None:
    assert found(path, unit="企业一") == [0, 3]
    assert found(path, unit="E1") == [1]  # and not E12
    assert found(path, who="idhrss") == [0, 1]
    assert found(path, who=LIFTED.who) == [3]
    assert found(path, day=FIRST) == [0, 1, 2]
    assert found(path, day=SECOND, unit="企业一") == [3]
    assert found(path, unit="企业一", who="lssi") == []


def test_what_could_not_be_searched_is_counted(path: Path) -> None:
    assert seek(path, Sought(unit="E12")).batches == 1
    erased(path, TODAY)
    hits = seek(path, Sought(unit="E12"))
    assert hits == Hits((), erased=1, batches=1)
    assert "1 条内容已删除" in "\n".join(hit_lines(hits))
    # its day is in the log for ever
    assert 0 in found(path, day=FIRST)


def test_the_command_asks_what_to_find(
    path: Path, say: Say, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LSSI_HOME", str(path.parent))
    said = say("ledger", "find", "--unit", "企业一")
    assert said.code == 0 and "lift a stop" in said.out and "2 条 records" in said.out
    assert say("ledger", "find").err.startswith("error: request_invalid: say what to find")
    assert "a day should look like" in say("ledger", "find", "--day", "gestern").err
    with pytest.raises(RequestError):
        Sought()
