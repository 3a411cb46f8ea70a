"""A ledger moves whole between a file and a database, and only to where none is."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from features.errors import LedgerError
from serving.database.place import LedgerPlace
from serving.ledger.ledger import Ledger
from serving.ledger.read import find, head, proof_holds, prove
from serving.proof.audit import verify
from serving.proof.checkpoint import checkpoint
from serving.proof.copy import copy_ledger
from tests.database_server import DatabaseServer, database_place
from tests.recorded import erased
from tests.test_ledger_act import LIFTED, written
from tests.test_ledger_ledger import TODAY, change, entry, filled

AT = "2015-07-01T09:00:00+08:00"


def filled_with_all(place: LedgerPlace) -> list[str]:
    """Fill a ledger with records of each kind: with and without a key, expired, an act; return their ids."""
    with Ledger(place) as ledger:
        ids = [ledger.append(entry(keep_until=TODAY - 1, retry_key="old")).result(10).record_id]
        ids += [ledger.append(entry(f'{{"n":"险{n}"}}')).result(10).record_id for n in range(450)]
        ids.append(ledger.append(entry(retry_key="kept")).result(10).record_id)
        written(ledger, LIFTED)
    erased(place, TODAY)
    return ids


@pytest.mark.parametrize("goal_is", ["a file", "a database"])
def test_a_copy_is_the_same_ledger_and_goes_on_as_it(
    ledger_at: Callable[[str], LedgerPlace],
    database_server: DatabaseServer,
    tmp_path: Path,
    goal_is: str,
) -> None:
    source = ledger_at("source")
    goal = tmp_path / "goal.db"
    place = goal if goal_is == "a file" else database_place(database_server, tmp_path / "goal")
    ids = filled_with_all(source)
    before, mark = verify(source, TODAY), checkpoint(source, AT)
    assert copy_ledger(source, place, TODAY) == before == verify(place, TODAY, mark)
    assert head(place) == head(source)
    assert [find(place, one) for one in ids] == [find(source, one) for one in ids]
    assert all(proof_holds(prove(place, one)) for one in ids[:3])
    with Ledger(place) as ledger:
        again = ledger.append(entry(retry_key="kept")).result(10)
        assert (again.record_id, again.first) == (ids[-1], False)
        assert ledger.append(entry()).result(10).sequence == before.size
    assert verify(place, TODAY, mark).whole


def test_a_goal_with_records_is_refused_and_stays(
    ledger_at: Callable[[str], LedgerPlace],
) -> None:
    source, goal = ledger_at("source"), ledger_at("goal")
    filled(source, 3)
    filled(goal, 2)
    before = head(goal)
    with pytest.raises(LedgerError, match="holds 2 other records"):
        copy_ledger(source, goal, TODAY)
    assert head(goal) == before and verify(goal, TODAY).whole


def test_a_copy_that_was_made_before_is_only_verified(
    ledger_at: Callable[[str], LedgerPlace],
) -> None:
    source, goal = ledger_at("source"), ledger_at("goal")
    filled(source, 3)
    assert copy_ledger(source, goal, TODAY) == copy_ledger(source, goal, TODAY)
    filled(source, 1)
    with pytest.raises(LedgerError, match="holds 3 other records"):
        copy_ledger(source, goal, TODAY)


def test_a_ledger_that_does_not_verify_is_not_copied(
    ledger_at: Callable[[str], LedgerPlace],
) -> None:
    source, goal = ledger_at("source"), ledger_at("goal")
    filled(source, 6)
    change(source, "UPDATE payloads SET payload = x'7b7d' WHERE sequence = 3")
    with pytest.raises(LedgerError, match=r"does not verify \(the payload was changed"):
        copy_ledger(source, goal, TODAY)
    assert head(goal).size == 0 and verify(goal, TODAY).whole


def test_the_old_place_takes_no_record_once_the_new_one_has(
    database_server: DatabaseServer, tmp_path: Path
) -> None:
    """Both lie in one home, whose note of the last head is of the one ledger that they are."""
    old, new = tmp_path / "ledger.db", database_place(database_server, tmp_path)
    filled(old, 3)
    copy_ledger(old, new, TODAY)
    filled(new, 2)
    with Ledger(old) as forgotten, pytest.raises(LedgerError, match="5 records were acknowledged"):
        forgotten.append(entry()).result(10)
