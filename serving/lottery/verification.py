"""Verification: from the ledger alone, whether a lottery was committed in time and drawn as it was committed."""

from __future__ import annotations

from dataclasses import dataclass

from features.errors import LedgerError
from serving.database.place import LedgerPlace
from serving.lottery.commitment import (
    LINE,
    Commitment,
    WeekLottery,
    commitment_of,
    digest_of_seed,
)
from serving.lottery.drawing import Drawing, drawing, drawing_of
from serving.lottery.steps import StepRecord, committed_record, step_record
from serving.lottery.tickets import chances_of, list_root


@dataclass(frozen=True, slots=True)
class Departure:
    """One point in which a lottery is not what was committed: its name, and what it is in both languages."""

    name: str
    zh: str
    en: str


DEPARTURES = {
    each.name: each
    for each in (
        Departure(
            "lottery", "两条记录说的不是同一次抽签", "the two records are of different lotteries"
        ),
        Departure(
            "order",
            "承诺、公开值公布、抽签三者先后不对",
            "commitment, public value and draw do not follow each other",
        ),
        Departure(
            "line", "抽签规则不是本版本的规则", "the rule of the draw is not that of this version"
        ),
        Departure(
            "root",
            "单位名单与其摘要不符",
            "the unit list does not have the root that was committed",
        ),
        Departure(
            "chances",
            "入选概率与名单、时间算出的不同",
            "an inclusion probability is not what list and minutes give",
        ),
        Departure("seed", "公开的种子不是承诺的种子", "the revealed seed is not the committed one"),
        Departure("number", "抽签编号不同", "the number of the draw differs"),
        Departure("drawn", "抽中的单位不同", "other units are drawn"),
    )
}
"""Everything in which a lottery can depart from its commitment, by name."""


@dataclass(frozen=True, slots=True)
class LotteryVerdict:
    """What a verification says: both records, the draw that follows from the commitment, and where it departs."""

    commitment: Commitment
    committed: StepRecord
    drawing: Drawing
    drawn: StepRecord
    departures: tuple[Departure, ...]

    @property
    def identical(self) -> bool:
        """Whether list, probabilities, seed and drawn units are all as committed."""
        return not self.departures


def verify_lottery(ledger: LedgerPlace, lottery: WeekLottery) -> LotteryVerdict:
    """Return the verdict on a lottery, computed from what the ledger holds; LedgerError where it was not drawn."""
    committed = committed_record(ledger, lottery)
    drawn = step_record(ledger, lottery, "draw")
    if drawn is None:
        raise LedgerError(
            f"the lottery of the week of {lottery.week} is committed in record '{committed.record_id}' and not "
            f"drawn yet; draw it once its public value is known"
        )
    commitment = commitment_of(committed.act)
    drawing = drawing_of(drawn.act)
    departed = [
        *order_departures(commitment, committed, drawn),
        *departures(commitment, drawing, committed.record_id),
    ]
    return LotteryVerdict(commitment, committed, drawing, drawn, tuple(departed))


def order_departures(
    commitment: Commitment, committed: StepRecord, drawn: StepRecord
) -> list[Departure]:
    """Return whether the commitment precedes its public value, and the draw does not."""
    stands_first = committed.sequence < drawn.sequence
    public_at = commitment.public.public_at
    if stands_first and committed.at < public_at <= drawn.at:
        return []
    return [DEPARTURES["order"]]


def departures(commitment: Commitment, made: Drawing, record_id: str) -> list[Departure]:
    """Return where a drawing departs from the commitment of a record, everything computed again."""
    again = drawing(commitment, record_id, made.seed, made.public_value)
    is_as_committed = {
        "lottery": (made.lottery, made.commitment) == (commitment.lottery, record_id),
        "line": commitment.rule.line == LINE,
        "root": list_root(commitment.cells) == commitment.root,
        "chances": chances_of(commitment.cells) == commitment.chances,
        "seed": digest_of_seed(made.seed) == commitment.seed_digest,
        "number": (made.number, made.mixed_seed) == (again.number, again.mixed_seed),
        "drawn": made.drawn == again.drawn,
    }
    return [DEPARTURES[name] for name, holds in is_as_committed.items() if not holds]
