"""The transcript of one request: the answer as it leaves, and the entry by which the ledger keeps it."""

from __future__ import annotations

from dataclasses import dataclass
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

    `base` is the raw score with no contribution.
    """

    kind: Kind
    base: float
    answer: Plain
    cases: tuple[Case, ...] = ()
    rows: Rows | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Scoring:
    """What one request asked for: the model that answered, the base of its explanations, the cases in their order.

    `met` says what was taken from the store for a history that was sent; None for units by id.
    """

    bundle: Bundle
    base: float
    cases: tuple[Case, ...]
    met: Plain | None = None


def question_of(caller: str, asked: Plain, retry: str | None) -> Question:
    """Return a question; an idempotency key belongs to its caller."""
    retry_key = None if retry is None else f"{caller}:{retry}"
    return Question(caller, sha256_of(canonical(asked)), retry_key)


def answer_of(store: Store, scoring: Scoring, dormancy: Dormancy | None) -> dict[str, object]:
    """Return the answer without its record id, as plain JSON values; `dormancy` gives the words for dormant units."""
    bundle = scoring.bundle
    return {
        "target": bundle.target,
        "entity": bundle.entity,
        "complete_to": date_of(store.complete_to).isoformat(),
        "model_digest": bundle.digest,
        "priority_only": PRIORITY_ONLY,
        "peers": scoring.met,
        "units": [_unit(case, bundle.manifest.names, dormancy) for case in scoring.cases],
    }


def _unit(case: Case, names: tuple[str, ...], dormancy: Dormancy | None) -> dict[str, object]:
    empty = np.isnan(case.values)
    return {
        "id": case.key,
        "score": case.probability,
        "expected": case.expected,
        "interval": plain_interval(case.interval),
        "expected_words": case.expected_words,
        "rank": case.rank,
        "rank_of": case.of,
        "reasons": case.reasons,
        "missing": [name for name, is_empty in zip(names, empty, strict=True) if is_empty],
        "dormant": case.dormant,
        "dormant_words": dormancy.words if case.dormant and dormancy else None,
    }


def entry_for(
    store: Store, scoring: Scoring, answer: Plain, question: Question, *, moment: datetime
) -> Entry:
    """Return the ledger entry of one answered question, its payload to be kept KEPT_DAYS from the moment."""
    outcome = RecordedOutcome("score", scoring.base, answer, cases=scoring.cases)
    return outcome_entry(store, scoring.bundle, question, outcome, moment=moment)


def outcome_entry(
    store: Store, bundle: Bundle, question: Question, outcome: RecordedOutcome, *, moment: datetime
) -> Entry:
    """Return the ledger entry of an outcome, as of the store's last closed day; the payload is kept KEPT_DAYS."""
    categories = [feature.name for feature in bundle.features if feature.categories is not None]
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
        features=bundle.manifest.names,
        categories=tuple(categories),
        cases=outcome.cases,
        answer=outcome.answer,
        rows=outcome.rows,
    )
    last_moment = moment + timedelta(days=KEPT_DAYS)
    return entry_of(record, day_of(last_moment.date()), question.retry_key)
