"""What is answered to reads: pages of ranks, plans and batches, and explanations of what was recorded or planned."""

from __future__ import annotations

from datetime import date

from serving.answers import Said, SaidInterval, SaidReason, SaidWords


class RankedUnit(Said):
    """One unit of a ranked list; equal scores share a rank. `cell` is null where the register names none."""

    id: str
    rank: int
    score: float
    cell: str | None


class RankPage(Said):
    """One page of a ranked list, highest first; `cursor` asks for the next one and is null on the last."""

    target: str
    entity: str
    complete_to: date
    model_digest: str
    rank_of: int
    priority_only: SaidWords
    units: list[RankedUnit]
    cursor: str | None


class Contribution(Said):
    """The share of one feature in a raw score, in log-odds."""

    feature: str
    contribution: float


class ExplainedUnit(Said):
    """One unit of a record: `raw` is `base` plus all contributions; `value` texts are in the record itself.

    A row of a batch was recorded without contributions and reasons: its lists are empty.
    """

    id: str
    score: float
    raw: float
    base: float
    expected: float | None
    interval: SaidInterval | None
    expected_words: SaidWords | None
    rank: int | None
    rank_of: int | None
    contributions: list[Contribution]
    reasons: list[SaidReason]
    missing: list[str]


class ExplainedScores(Said):
    """Why the units of a record have their scores, as it was recorded, `at` that moment."""

    record_id: str
    at: str
    target: str
    entity: str
    complete_to: date
    model_digest: str
    priority_only: SaidWords
    units: list[ExplainedUnit]


class SharedAttribute(Said):
    """What a unit shares with its peers: the attribute, in words, and its value, such as `10-49`."""

    attribute: str
    zh: str
    en: str
    value: str


class SaidPeerGroup(Said):
    """Who the peers are: how many, what they share, and whether a narrower group has fewer than `least`."""

    count: int
    shared: list[SharedAttribute]
    wider: bool
    least: int
    with_lower_score: int
    words: SaidWords


class ContributionInWords(Contribution):
    """A share of the distance to the peers, in log-odds, with the unit's value and the usual one of the peers in words."""

    zh: str
    en: str


class SmallerContributions(Said):
    """The shares that two places show as zero: how many, and their sum; the words are empty where there are none."""

    count: int
    contribution: float
    words: SaidWords


class ComparedScore(Said):
    """Why a recorded score is above or below those of its peers: `raw` is `mean_raw_of_peers` plus `together`.

    `together` is the sum of `contributions` and of what is `smaller`. It is computed now, from the record's day.
    """

    record_id: str
    target: str
    entity: str
    unit: str
    as_of: date
    model_digest: str
    priority_only: SaidWords
    question: SaidWords
    peers: SaidPeerGroup
    raw: float
    mean_raw_of_peers: float
    words: SaidWords
    contributions: list[ContributionInWords]
    smaller: SmallerContributions
    together: float


class PlanLine(Said):
    """One visit of a week's plan, as the journal holds it; `why` is score, complaint, lottery or exposure."""

    plan: str
    target: str
    cell: str | None
    team: str | None
    position: int
    enterprise: str
    planned_minutes: int
    why: str
    why_words: str


class PlanPage(Said):
    """One page of the lines of a week's plans; `cursor` asks for the next one and is null on the last."""

    week: date
    lines: list[PlanLine]
    cursor: str | None


class SaidTicket(Said):
    """An enterprise's ticket in a draw of the week: its chance, and whether it was drawn."""

    draw: str
    inclusion_probability: float
    drawn: bool


class WhyListed(Said):
    """Whether an enterprise is on a list of the week, its tickets, and the reasons of its score as of the plan's day."""

    enterprise: str
    target: str
    week: date
    as_of: date
    listed: bool
    lines: list[PlanLine]
    tickets: list[SaidTicket]
    reasons: list[SaidReason]
    priority_only: SaidWords


class BatchRow(Said):
    """One unit of a batch."""

    id: str
    score: float
    expected: float | None
    interval: SaidInterval | None


class BatchPage(Said):
    """One page of the rows of a batch, by number of the unit; `root` is the Merkle root over all of them."""

    record_id: str
    target: str
    entity: str
    complete_to: date
    model_digest: str
    rows: int
    root: str
    priority_only: SaidWords
    units: list[BatchRow]
    cursor: str | None
