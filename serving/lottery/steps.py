"""The steps of a lottery in the ledger: it is committed once, then drawn once, and each step keeps the order of moments.

A commitment precedes the moment from which its public value is known, and a draw does not. The moments are those of this
machine's clock, as the ledger holds them; a checkpoint that is kept elsewhere proves that the commitment stood by then.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from features.calendar import date_of
from features.errors import HistoryError, LedgerError, PolicyError, RequestError
from serving.database.place import LedgerPlace, ledger_place
from serving.errors import RetryConflict
from serving.ledger.act import Act, Seen, act_entry, act_of
from serving.ledger.by_key import record_by_key
from serving.ledger.ledger import Ledger
from serving.ledger.read import StoredRecord
from serving.lottery.commitment import (
    ACTOR,
    Commitment,
    WeekLottery,
    commitment_act,
    commitment_of,
    digest_of_seed,
    sealed,
)
from serving.lottery.drawing import Drawing, drawing, drawing_act, drawing_of
from serving.lottery.seed import forget_seed, new_seed, secret_seed


@dataclass(frozen=True, slots=True)
class StepRecord:
    """A step as the ledger holds it: the id of its record, its place, its moment, what it rests on, and its act."""

    record_id: str
    sequence: int
    at: datetime
    seen: Seen
    act: Act


@dataclass(frozen=True, slots=True)
class Clerk:
    """Who writes steps: the home with its ledger, the moment that it is, and for how many days a payload is kept."""

    home: Path
    moment: datetime
    kept_days: int

    @property
    def ledger(self) -> LedgerPlace:
        """The ledger of the home."""
        return ledger_place(self.home)


def step_record(ledger: LedgerPlace, lottery: WeekLottery, step: str) -> StepRecord | None:
    """Return a step of a lottery, None where it was not taken; LedgerError where its record was changed."""
    record = record_by_key(ledger, ACTOR, lottery.key(step))
    return None if record is None else recorded_step(record)


def recorded_step(record: StoredRecord) -> StepRecord:
    """Return a record as a step; LedgerError where its payload has expired."""
    entry = record.entry
    if record.payload is None:
        raise LedgerError(
            f"the payload of record '{record.record_id}' has expired; nothing can be told of it"
        )
    return StepRecord(
        record_id=record.record_id,
        sequence=record.sequence,
        at=datetime.fromisoformat(entry["at"]),
        seen=Seen(entry["as_of"], entry["complete_to"], entry["bundle"]),
        act=act_of(record.payload),
    )


def refuse_begun_week(lottery: WeekLottery, complete_to: int) -> None:
    """Raise HistoryError where the history already knows days of the week, so that it is too late to commit."""
    if complete_to >= lottery.monday:
        raise HistoryError(
            f"the history is complete to {date_of(complete_to)}, and the week of {lottery.week} has begun: its "
            f"lottery can no longer be committed; commit that of a later week"
        )


def commit(clerk: Clerk, commitment: Commitment, seen: Seen) -> StepRecord:
    """Write a commitment with a secret seed into the ledger, or return the one of this lottery that says the same.

    RequestError where its public value may be known by now, PolicyError where nobody can be drawn, RetryConflict where
    the lottery is committed to anything else.
    """
    earlier = step_record(clerk.ledger, commitment.lottery, "commit")
    if earlier is not None:
        return _same_commitment(earlier, commitment)
    _refuse_unfit(clerk, commitment)
    seed = new_seed(clerk.home, commitment.lottery)
    return written_step(clerk, commitment_act(sealed(commitment, seed)), seen)


def _refuse_unfit(clerk: Clerk, commitment: Commitment) -> None:
    """Raise RequestError where the public value may be known by now, PolicyError where nobody can be drawn."""
    public = commitment.public
    if public.public_at <= clerk.moment:
        raise RequestError(
            f"the public value should become known after the commitment, which is of {_text(clerk.moment)}; it is "
            f"known from {_text(public.public_at)}; name a later one with --public-at"
        )
    if commitment.out_of_reach == commitment.units:
        raise PolicyError(
            f"nobody can be drawn in the week of {commitment.lottery.week}: {len(commitment.cells)} cells, "
            f"{commitment.units} units, a share of {commitment.rule.percent} %; give the cells minutes, or the "
            f"rule set a share"
        )


def _same_commitment(earlier: StepRecord, commitment: Commitment) -> StepRecord:
    """Return the earlier record where it says the same, whatever the seed; RetryConflict where it does not."""
    recorded = earlier.act.content
    content = commitment_act(commitment).content
    apart = [
        name for name in content if name != "seed_digest" and recorded.get(name) != content[name]
    ]
    if apart:
        raise RetryConflict(
            f"the lottery of the week of {commitment.lottery.week} is committed in record "
            f"'{earlier.record_id}' with another {', '.join(apart)}; a lottery is committed once"
        )
    return earlier


def draw_lottery(clerk: Clerk, lottery: WeekLottery, public_value: str) -> StepRecord:
    """Draw a committed lottery with its public value, or return the draw that was made with it.

    The act reveals the seed, and its file goes. LedgerError without a commitment or its seed, RequestError for an empty
    value or before its moment, RetryConflict where the lottery was drawn with another value.
    """
    value = public_value.strip()
    if not value:
        raise RequestError(
            "the public value is empty; give it with --public as it was published, such as 3412.55"
        )
    record = committed_record(clerk.ledger, lottery)
    earlier = step_record(clerk.ledger, lottery, "draw")
    if earlier is None:
        earlier = _drawn(clerk, record, value)
    # of two draws at once both get the first record, which may be of the other value
    drawn_with = drawing_of(earlier.act).public_value
    if drawn_with != value:
        raise RetryConflict(
            f"the lottery of the week of {lottery.week} was drawn in record '{earlier.record_id}' with "
            f"{drawn_with!r}, not {value!r}; a lottery is drawn once"
        )
    # only now: before the record was durable the file was the only copy of the seed
    forget_seed(clerk.home, lottery)
    return earlier


def committed_record(ledger: LedgerPlace, lottery: WeekLottery) -> StepRecord:
    """Return the record of a lottery's commitment; LedgerError where there is none: no commitment, no draw."""
    record = step_record(ledger, lottery, "commit")
    if record is None:
        raise LedgerError(
            f"the lottery of source {lottery.source!r}, target {lottery.target!r} and the week of {lottery.week} is "
            f"not committed, so it cannot be drawn; commit it before its public value is known"
        )
    return record


def _drawn(clerk: Clerk, record: StepRecord, value: str) -> StepRecord:
    commitment = commitment_of(record.act)
    public = commitment.public
    if clerk.moment < public.public_at:
        raise RequestError(
            f"the public value ({public.name}) is known only from {_text(public.public_at)}; it is now "
            f"{_text(clerk.moment)}: draw later"
        )
    seed = secret_seed(clerk.home, commitment.lottery)
    finished_drawing = _with_committed_seed(
        commitment, drawing(commitment, record.record_id, seed, value)
    )
    return written_step(clerk, drawing_act(finished_drawing), record.seen)


def _with_committed_seed(commitment: Commitment, made: Drawing) -> Drawing:
    """Return a drawing whose seed is the committed one; LedgerError for any other."""
    if digest_of_seed(made.seed) != commitment.seed_digest:
        raise LedgerError(
            f"the seed in the home is not the one that record '{made.commitment}' committed to; "
            f"restore it from a copy"
        )
    return made


def written_step(clerk: Clerk, act: Act, seen: Seen) -> StepRecord:
    """Write an act into the ledger and return its record; of two at once both get the first."""
    entry = act_entry(act, seen, moment=clerk.moment, kept_days=clerk.kept_days)
    with Ledger(clerk.ledger) as ledger:
        receipt = ledger.append(entry).result()
    return StepRecord(receipt.record_id, receipt.sequence, clerk.moment, seen, act)


def _text(moment: datetime) -> str:
    return moment.isoformat(timespec="seconds")
