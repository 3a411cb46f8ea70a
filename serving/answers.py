"""What is answered: a priority with its reasons and its record, never a decision."""

from __future__ import annotations

from datetime import date
from typing import Literal

from pydantic import BaseModel, ConfigDict

PRIORITY_ONLY = {
    "zh": "分数只表示检查的先后，不是认定，也不是处罚依据；由人决定。",
    "en": "A score is a priority for inspection only, neither a finding nor a ground for sanction; a person decides.",
}


class Said(BaseModel):
    """A part of an answer; every field is in it, null where there is nothing to say."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        hide_input_in_errors=True,
        json_schema_serialization_defaults_required=True,
    )


class SaidWords(Said):
    """One text in Chinese and English."""

    zh: str
    en: str


class SaidFact(Said):
    """What a reason rests on: the measure, its table and value, the days it spans, and some of its rows by number."""

    measure: str
    table: str
    zh: str
    en: str
    value: int | None
    unit: str
    first: date | None
    last: date | None
    row_ids: list[str]
    rows: int


class SaidReason(Said):
    """One feature's share of the score (log-odds) in words, with what to check on site and the facts it rests on."""

    feature: str
    contribution: float
    zh: str
    en: str
    check_zh: str = ""
    check_en: str = ""
    facts: list[SaidFact]


class SaidInterval(Said):
    """From and to which number a visit finds in a share `coverage` of visits; `upper` is None where nothing bounds it."""

    lower: float
    upper: float | None
    coverage: float


class Unit(Said):
    """One enterprise, claim or provider: its calibrated probability, the number expected, its rank among all that live.

    `interval` and `expected_words`, which say in zh and en how the number was made, are None where the model has none.
    `dormant` is None for a claim or provider, for a history that was sent, and where the source lacks the tables to decide. For a
    dormant enterprise `dormant_words` explain the word in zh and en.
    """

    id: str
    score: float
    expected: float | None
    rank: int
    rank_of: int
    reasons: list[SaidReason]
    missing: list[str]
    interval: SaidInterval | None = None
    expected_words: SaidWords | None = None
    dormant: bool | None = None
    dormant_words: SaidWords | None = None


class Peers(Said):
    """What was taken from the store for a history that was sent: the day, the values of cell and peers, the tables sent."""

    day: date
    shared: dict[str, str]
    tables: list[str]


class Answer(Said):
    """The scores of one request; their record `record_id` was durable before they were sent.

    `generation` names what was in use: number and digest of the promoted models and published days, all of one moment.
    """

    target: str
    entity: str
    complete_to: date
    model_digest: str
    generation: str | None = None
    record_id: str
    priority_only: SaidWords
    peers: Peers | None
    units: list[Unit]


class Model(Said):
    """One model in use; `scored_day` is the digest of the day that its units are answered from, None where there is none."""

    target: str
    entity: str
    digest: str
    as_of: str
    features: int
    ranked: int
    scored_day: str | None = None


class Info(Said):
    """The source and the models of this service, and the name of the generation that is in use.

    `loaded_to` is the newest day that is loaded: later than `complete_to` where `lssi day` has not published it yet.
    """

    source: str
    complete_to: date
    loaded_to: date
    contract: str
    version: str
    models: list[Model]
    generation: str | None = None


class SaidProof(Said):
    """That the record's leaf stands at `sequence` in the log of `size` entries with this root; hashes in lowercase hex."""

    origin: str
    sequence: int
    size: int
    leaf: str
    path: list[str]
    root: str


class Recorded(Said):
    """One record for an auditor: what the log says of it, its payload where it has not expired, and its proof."""

    record_id: str
    entry: dict[str, object]
    payload: dict[str, object] | None
    proof: SaidProof


class Acted(Said):
    """An act that is in the ledger and the journal; `first` is false where the same act had been sent before."""

    record_id: str
    first: bool
    others_on_row: dict[str, list[str]] | None = None


class AboutCase(Said):
    """A part of an answer about one case: an enterprise, a claim or a provider."""

    enterprise: str | None = None
    claim: str | None = None
    provider: str | None = None


class RecordOnRow(AboutCase):
    """A score, an alert or a line of a plan that rests on a row; `names_row`: whether its reasons name the row, null where
    they are no longer there.
    """

    record_id: str
    what: str
    target: str | None
    as_of: date
    names_row: bool | None


class SaidScore(Said):
    """A score, and the number expected where the model tells one."""

    score: float
    expected: float | None


class RescoredCase(AboutCase):
    """The appellant's score as it `was` on the last closed day, and as if the decision had been known then: `corrected`."""

    record_id: str
    appeal_record: str
    target: str
    as_of: date
    unit_expected: str | None
    was: SaidScore
    corrected: SaidScore


class Appealed(Acted):
    """An appeal that is recorded: `others_on_row` names the other cases on its row, by kind; then records that rest on it."""

    records_on_row: list[RecordOnRow]
    rescored: list[RescoredCase]


class SaidAlert(Said):
    """One alert, about an enterprise, a claim or a provider, as its record holds it; only this is left once that has expired."""

    model_config = ConfigDict(extra="allow")
    alert: str
    enterprise: str | None = None
    claim: str | None = None
    provider: str | None = None
    violation: int
    issued_on: date
    record_id: str
    cursor: str


class AlertPage(Said):
    """The next alerts of a team; `cursor` is the place behind the last, to be sent for the next ones."""

    team: str
    alerts: list[SaidAlert]
    cursor: str | None


class BatchProblem(Said):
    """Why a batch failed: a stable code and one sentence."""

    code: str
    message: str


class BatchStatus(Said):
    """How far a batch job is: `done` of `of` units; once it is done, `record_id` leads to its rows."""

    job: str
    state: Literal["running", "done", "failed", "cancelled"]
    target: str
    entity: str
    model_digest: str
    done: int
    of: int
    record_id: str | None
    problem: BatchProblem | None
