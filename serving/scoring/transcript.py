"""The transcript of one request: the answer as it leaves, and the entry by which the ledger keeps it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from importlib.metadata import version

import numpy as np

from features.calendar import date_of, day_of
from features.contract.tables import contract_as_json
from models.explain.explain import EXPLAINER
from serving.answers import PRIORITY_ONLY, Info, Model
from serving.ledger.entries import Entry, canonical, sha256_of
from serving.ledger.record import Case, Plain, Record, entry_of
from serving.scoring.scorer import Scorer, Scoring

KEPT_DAYS = 3 * 366  # a payload is kept for three years; the log itself for ever


@dataclass(frozen=True, slots=True)
class Question:
    """Who asked, what by its digest, and the idempotency key under which the same question gets the same record."""

    caller: str
    digest: str
    retry_key: str | None


def question_of(caller: str, asked: Plain, retry: str | None) -> Question:
    """Return a question; an idempotency key belongs to its caller."""
    return Question(
        caller, sha256_of(canonical(asked)), None if retry is None else f"{caller}:{retry}"
    )


def answer_of(scorer: Scorer, scoring: Scoring) -> dict[str, object]:
    """Return the answer without its record id, as plain JSON values."""
    bundle = scoring.bundle
    return {
        "target": bundle.target,
        "entity": bundle.entity,
        "complete_to": date_of(scorer.day).isoformat(),
        "model_digest": bundle.digest,
        "priority_only": PRIORITY_ONLY,
        "peers": scoring.met,
        "units": [_unit(scorer, case, bundle.manifest.names) for case in scoring.cases],
    }


def _unit(scorer: Scorer, case: Case, names: tuple[str, ...]) -> dict[str, object]:
    empty = np.isnan(case.values)
    return {
        "id": case.key,
        "score": case.probability,
        "expected": case.expected,
        "rank": case.rank,
        "rank_of": case.of,
        "reasons": case.reasons,
        "missing": [name for name, is_empty in zip(names, empty, strict=True) if is_empty],
        "dormant": case.dormant,
        "dormant_words": scorer.dormancy.words if case.dormant and scorer.dormancy else None,
    }


def info_of(scorer: Scorer) -> Info:
    """Return what a scorer serves: its source and day, the contract's version, and its models."""
    models = [
        Model(
            target=bundle.target,
            entity=bundle.entity,
            digest=bundle.digest,
            as_of=bundle.manifest.as_of,
            features=len(bundle.features),
            ranked=len(scorer.ranks[bundle.target]),
        )
        for bundle in scorer.bundles.values()
    ]
    return Info(
        source=scorer.store.summary["name"],
        complete_to=date_of(scorer.day),
        version=version("lssi-risk"),
        contract=sha256_of(canonical(contract_as_json()))[:12],
        models=models,
    )


def entry_for(
    scorer: Scorer, scoring: Scoring, answer: Plain, question: Question, *, moment: datetime
) -> Entry:
    """Return the ledger entry of one answered question, its payload to be kept KEPT_DAYS from the moment."""
    bundle = scoring.bundle
    record = Record(
        kind="score",
        at=moment.isoformat(timespec="milliseconds"),
        caller=question.caller,
        request=question.digest,
        store=f"{scorer.store.summary['name']}-{scorer.store.fingerprint}",
        target=bundle.target,
        entity=bundle.entity,
        as_of=scorer.day,
        complete_to=scorer.day,
        bundle=bundle.digest,
        explainer=EXPLAINER,
        base=scoring.base,
        features=bundle.manifest.names,
        categories=tuple(
            feature.name for feature in bundle.features if feature.categories is not None
        ),
        cases=scoring.cases,
        answer=answer,
    )
    return entry_of(record, day_of((moment + timedelta(days=KEPT_DAYS)).date()), question.retry_key)
