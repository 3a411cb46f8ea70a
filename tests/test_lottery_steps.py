"""Laws of a lottery in the ledger: committed once and in time, drawn once, and without a commitment not at all."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from features.calendar import day_of
from features.errors import HistoryError, LedgerError, LssiError, PolicyError, RequestError
from models.policy.lottery import CellTickets, Ticket, drawn_units
from serving.errors import RetryConflict
from serving.ledger.act import Seen
from serving.ledger.read import head
from serving.lottery.commitment import (
    Commitment,
    PublicValue,
    RuleOfDraw,
    UnitList,
    WeekLottery,
    commitment_of,
    public_value,
    unsealed,
)
from serving.lottery.drawing import drawing_of, mixed_draw
from serving.lottery.seed import seed_file
from serving.lottery.steps import (
    Clerk,
    StepRecord,
    commit,
    draw_lottery,
    refuse_begun_week,
    step_record,
)
from serving.lottery.verification import verify_lottery
from serving.proof.audit import verify

MONDAY = day_of("2015-07-06")
LOTTERY = WeekLottery("city", "undeclared_workers", MONDAY)
EARLY = datetime(2015, 7, 1, tzinfo=UTC)
PUBLIC = PublicValue("上证综指收盘", EARLY + timedelta(days=1))
LATE = EARLY + timedelta(days=2)
SEEN = Seen(MONDAY - 1, MONDAY - 1, "")
RULE = RuleOfDraw("national-2017", "a" * 64, 10)
VALUE = "3686.92"


def cells() -> tuple[CellTickets, ...]:
    return tuple(
        CellTickets(
            f"c{cell}",
            120,
            tuple(Ticket(f"e{cell}{n}", (240, 480)[n % 2], 1 + n // 2) for n in range(6)),
        )
        for cell in range(4)
    )


def commitment(lottery: WeekLottery = LOTTERY) -> Commitment:
    return unsealed(lottery, UnitList(SEEN.as_of, cells()), RULE, PUBLIC)


def clerk(home: Path, moment: datetime = EARLY) -> Clerk:
    return Clerk(home, moment, 30)


def records(home: Path) -> int:
    ledger = clerk(home).ledger
    return head(ledger).size if ledger.exists() else 0


def drawn(home: Path, value: str = VALUE) -> StepRecord:
    return draw_lottery(clerk(home, LATE), LOTTERY, value)


def test_a_lottery_committed_in_time_is_drawn_by_its_seed_value_and_list_and_verifies(
    tmp_path: Path,
) -> None:
    committed = commit(clerk(tmp_path), commitment(), SEEN)
    made = drawing_of(drawn(tmp_path).act)
    draw = mixed_draw(commitment_of(committed.act), made.seed, VALUE)
    expected = {cell: units for cell, units in drawn_units(cells(), draw).items() if units}
    assert made.drawn == expected and expected
    assert made.commitment == committed.record_id
    assert verify_lottery(clerk(tmp_path).ledger, LOTTERY).identical
    assert verify(clerk(tmp_path).ledger, SEEN.complete_to, None).whole


def test_no_commitment_no_draw(tmp_path: Path) -> None:
    with pytest.raises(LedgerError, match="is not committed, so it cannot be drawn"):
        drawn(tmp_path)
    commit(clerk(tmp_path), commitment(), SEEN)
    for other in (
        replace(LOTTERY, source="town"),
        replace(LOTTERY, target="unpaid_contributions"),
        replace(LOTTERY, monday=MONDAY + 7),
    ):
        with pytest.raises(LedgerError, match="is not committed, so it cannot be drawn"):
            draw_lottery(clerk(tmp_path, LATE), other, VALUE)
    assert records(tmp_path) == 1


def test_a_commitment_made_again_stands_once_and_any_other_is_refused(tmp_path: Path) -> None:
    first = commit(clerk(tmp_path), commitment(), SEEN)
    again = commit(clerk(tmp_path, LATE), commitment(), SEEN)
    assert again.record_id == first.record_id
    fewer = unsealed(LOTTERY, UnitList(SEEN.as_of, cells()[1:]), RULE, PUBLIC)
    other_value = replace(commitment(), public=replace(PUBLIC, name="另一值"))
    for changed, said in ((fewer, "units, root, cells"), (other_value, "public")):
        with pytest.raises(RetryConflict, match=f"with another {said}; a lottery is committed"):
            commit(clerk(tmp_path), changed, SEEN)
    assert records(tmp_path) == 1


def test_of_two_commands_at_once_both_commit_to_one_seed(tmp_path: Path) -> None:
    with ThreadPoolExecutor(4) as threads:
        made = list(threads.map(lambda _: commit(clerk(tmp_path), commitment(), SEEN), range(4)))
    assert len({record.record_id for record in made}) == 1 == records(tmp_path)


def test_a_lottery_is_drawn_once_whatever_value_comes_later(tmp_path: Path) -> None:
    commit(clerk(tmp_path), commitment(), SEEN)
    first = drawn(tmp_path)
    assert drawn(tmp_path, f" {VALUE} ").record_id == first.record_id
    with pytest.raises(RetryConflict, match=r"was drawn in record .* with '3686\.92', not '3687'"):
        drawn(tmp_path, "3687")
    assert records(tmp_path) == 2


def test_the_seed_is_its_owners_alone_until_the_draw_reveals_it(tmp_path: Path) -> None:
    committed = commit(clerk(tmp_path), commitment(), SEEN)
    path = seed_file(tmp_path, LOTTERY)
    seed = path.read_text("ascii")
    assert path.stat().st_mode & 0o777 == 0o600
    assert seed not in str(committed.act.content)
    assert drawing_of(drawn(tmp_path).act).seed == seed
    assert not path.exists()
    commit(clerk(tmp_path), commitment(), SEEN)
    assert not path.exists()


def late_commitment(home: Path) -> None:
    commit(clerk(home, PUBLIC.public_at), commitment(), SEEN)


def early_draw(home: Path) -> None:
    commit(clerk(home), commitment(), SEEN)
    draw_lottery(clerk(home, PUBLIC.public_at - timedelta(seconds=1)), LOTTERY, VALUE)


def empty_value(home: Path) -> None:
    commit(clerk(home), commitment(), SEEN)
    drawn(home, " ")


def nobody_in_reach(home: Path) -> None:
    no_minutes = tuple(replace(cell, minutes=0) for cell in cells())
    commit(clerk(home), unsealed(LOTTERY, UnitList(0, no_minutes), RULE, PUBLIC), SEEN)


def no_cells(home: Path) -> None:
    commit(clerk(home), unsealed(LOTTERY, UnitList(0, ()), RULE, PUBLIC), SEEN)


def another_seed(home: Path) -> None:
    commit(clerk(home), commitment(), SEEN)
    seed_file(home, LOTTERY).write_text("0" * 64, "ascii")
    drawn(home)


def lost_seed(home: Path) -> None:
    commit(clerk(home), commitment(), SEEN)
    seed_file(home, LOTTERY).unlink()
    drawn(home)


def damaged_payload(home: Path) -> None:
    commit(clerk(home), commitment(), SEEN)
    with closing(sqlite3.connect(clerk(home).ledger)) as connection:
        connection.execute("UPDATE payloads SET payload = replace(payload, 'e00', 'e99')")
        connection.commit()
    drawn(home)


@pytest.mark.parametrize(
    ("attempt", "refusal", "says"),
    [
        (late_commitment, RequestError, "should become known after the commitment"),
        (early_draw, RequestError, "is known only from 2015-07-02T00:00:00"),
        (empty_value, RequestError, "the public value is empty"),
        (nobody_in_reach, PolicyError, "4 cells, 24 units, a share of 10 %"),
        (no_cells, PolicyError, "0 cells, 0 units"),
        (another_seed, LedgerError, "is not the one that record '0-"),
        (lost_seed, LedgerError, "is missing or damaged"),
        (damaged_payload, LedgerError, "the payload of record '0-.* was changed"),
    ],
)
def test_a_step_that_may_not_be_taken_is_refused_in_one_line_and_writes_nothing(
    tmp_path: Path, attempt: Callable[[Path], None], refusal: type[LssiError], says: str
) -> None:
    with pytest.raises(refusal, match=says):
        attempt(tmp_path)
    with pytest.raises(LedgerError):
        verify_lottery(clerk(tmp_path).ledger, LOTTERY)
    assert records(tmp_path) <= 1


def test_a_lottery_that_is_not_drawn_yet_is_not_verified(tmp_path: Path) -> None:
    commit(clerk(tmp_path), commitment(), SEEN)
    assert step_record(clerk(tmp_path).ledger, LOTTERY, "draw") is None
    with pytest.raises(LedgerError, match=r"is committed in record '0-.* and not drawn yet"):
        verify_lottery(clerk(tmp_path).ledger, LOTTERY)


def test_a_week_that_has_begun_is_not_committed() -> None:
    refuse_begun_week(LOTTERY, MONDAY - 1)
    with pytest.raises(HistoryError, match="the week of 2015-07-06 has begun"):
        refuse_begun_week(LOTTERY, MONDAY)


@pytest.mark.parametrize("moment", ["", "soon", "2026-12-04", "2026-12-04T15:00"])
def test_a_moment_without_its_offset_is_refused(moment: str) -> None:
    with pytest.raises(RequestError, match="should look like 2026-12-04T15:00"):
        public_value("上证综指", moment)


def test_a_public_value_without_a_name_is_refused() -> None:
    with pytest.raises(RequestError, match="has no name"):
        public_value(" ", "2026-12-04T15:00+08:00")
