"""The transcript of one request: the answer as it leaves, and the entry by which the ledger keeps it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import numpy as np

from features.calendar import date_of, day_of
from features.engine.dormancy import Dormancy
from features.store.store import Store
from models.bundle.bundle import Bundle
from models.bundle.interval import plain_interval
from models.explain.explain import EXPLAINER
from models.explain.reasons import FORM
from serving.answers import PRIORITY_ONLY
from serving.ledger.day_reference import DayReference
from serving.ledger.entries import Entry, Kind, canonical, sha256_of
from serving.ledger.record import Case, Plain, Record, Rows, entry_of

KEPT_DAYS = 3 * 366  # a payload is kept for three years; the log itself for ever


@dataclass(frozen=True, slots=True)
class Question:
    """Who asked, what by its digest, and the idempotency key under which the same question gets the same record."""

    caller: str
    digest: str
    retry_key: str | None


@dataclass(frozen=True, slots=True, eq=False)
class RecordedOutcome:
    """What a question led to: the answer without its record id, and either the cases scored or the rows of a batch.

    `base` is the raw score with no contribution. `reference` names the units that a scored day holds.
    """

    kind: Kind
    base: float
    answer: Plain
    cases: tuple[Case, ...] = ()
    rows: Rows | None = None
    reference: DayReference | None = None
    generation: str | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Scoring:
    """What one request asked for: the model that answered, the base of its explanations, the cases in their order.

    `met` says what was taken from the store for a history that was sent; None for units by id. `reference` names the cases
    that come from a scored day, `generation` what was in use.
    """

    bundle: Bundle
    base: float
    cases: tuple[Case, ...]
    met: Plain | None = None
    reference: DayReference | None = None
    generation: str | None = None


@dataclass(frozen=True, slots=True)
class AnswerFrame:
    """What an answer says of all its units: whose scores they are, looked from which day, and the words beside them."""

    target: str
    entity: str
    as_of: int
    bundle: str
    generation: str | None
    features: tuple[str, ...]
    priority_only: Mapping[str, str]
    dormant_words: Mapping[str, str] | None


def question_of(caller: str, asked: Plain, retry: str | None) -> Question:
    """Return a question; an idempotency key belongs to its caller."""
    retry_key = None if retry is None else f"{caller}:{retry}"
    return Question(caller, sha256_of(canonical(asked)), retry_key)


def answer_of(store: Store, scoring: Scoring, dormancy: Dormancy | None) -> dict[str, object]:
    """Return the answer without its record id, as plain JSON values; `dormancy` gives the words for dormant units."""
    bundle = scoring.bundle
    frame = AnswerFrame(
        target=bundle.target,
        entity=bundle.entity,
        as_of=store.complete_to,
        bundle=bundle.digest,
        generation=scoring.generation,
        features=bundle.manifest.names,
        priority_only=PRIORITY_ONLY,
        dormant_words=None if dormancy is None else dormancy.words,
    )
    return framed_answer(frame, scoring.cases, scoring.met)


def framed_answer(
    frame: AnswerFrame, cases: Sequence[Case], met: Plain | None
) -> dict[str, object]:
    """Return an answer without its record id, as plain JSON values."""
    return {
        "target": frame.target,
        "entity": frame.entity,
        "complete_to": date_of(frame.as_of).isoformat(),
        "model_digest": frame.bundle,
        "generation": frame.generation,
        "priority_only": frame.priority_only,
        "peers": met,
        "units": [_unit(case, frame) for case in cases],
    }


def _unit(case: Case, frame: AnswerFrame) -> dict[str, object]:
    missing = np.flatnonzero(np.isnan(case.values)).tolist()
    return {
        "id": case.key,
        "score": case.probability,
        "expected": case.expected,
        "interval": plain_interval(case.interval),
        "expected_words": case.expected_words,
        "rank": case.rank,
        "rank_of": case.of,
        "reasons": case.reasons,
        "missing": [frame.features[place] for place in missing],
        "dormant": case.dormant,
        "dormant_words": frame.dormant_words if case.dormant else None,
    }


def entry_for(
    store: Store, scoring: Scoring, answer: Plain, question: Question, *, moment: datetime
) -> Entry:
    """Return the ledger entry of one answered question, its payload to be kept KEPT_DAYS from the moment."""
    reference = scoring.reference
    outcome = RecordedOutcome(
        kind="score",
        base=scoring.base,
        answer=answer,
        cases=scoring.cases,
        reference=reference,
        generation=scoring.generation,
    )
    if reference is not None:
        # what stands in the day is not recorded again: its files have it, and the record its digest and proof
        in_day = {row.key for row in reference.rows}
        computed = tuple(case for case in scoring.cases if case.key not in in_day)
        outcome = replace(outcome, answer={}, cases=computed)
    return outcome_entry(store, scoring.bundle, question, outcome, moment=moment)


def outcome_entry(
    store: Store, bundle: Bundle, question: Question, outcome: RecordedOutcome, *, moment: datetime
) -> Entry:
    """Return the ledger entry of an outcome, as of the store's last closed day; the payload is kept KEPT_DAYS."""
    is_in_day = outcome.reference is not None and not outcome.cases
    inputs = () if is_in_day else bundle.features
    categories = [feature.name for feature in inputs if feature.categories is not None]
    record = Record(
        kind=outcome.kind,
        at=moment.isoformat(timespec="milliseconds"),
        caller=question.caller,
        request=question.digest,
        store=f"{store.summary['name']}-{store.fingerprint}",
        target=bundle.target,
        entity=bundle.entity,
        as_of=store.complete_to,
        complete_to=store.complete_to,
        bundle=bundle.digest,
        explainer=EXPLAINER,
        reasons_form=FORM,
        base=outcome.base,
        features=() if is_in_day else bundle.manifest.names,
        categories=tuple(categories),
        cases=outcome.cases,
        answer=outcome.answer,
        rows=outcome.rows,
        generation=outcome.generation,
        reference=outcome.reference,
    )
    last_moment = moment + timedelta(days=KEPT_DAYS)
    return entry_of(record, day_of(last_moment.date()), question.retry_key)
