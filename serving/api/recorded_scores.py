"""What a record says of its scores: an explanation of its units, one beside its peers, or a page of the rows of a batch."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from features.calendar import date_of
from features.errors import RequestError, UnknownId
from models.bundle.interval import plain_interval
from serving.answers import PRIORITY_ONLY
from serving.database.place import LedgerPlace, local_file
from serving.errors import RecordUnknown
from serving.gate.questions import BatchRows, ExplainedRecord
from serving.gate.read_answers import BatchPage, ComparedScore, ExplainedScores
from serving.ledger.act import act_of
from serving.ledger.read import StoredRecord, find
from serving.ledger.reasons import plain_reason, reason_of
from serving.ledger.record import Case, Record, record_of
from serving.replay.dossier import Dossier
from serving.replay.peer_words import peers_as_json
from serving.replay.peers import the_comparison
from serving.replay.shelf import Shelf
from serving.scoring.batch import case_of_row, read_rows, read_scores
from serving.scoring.from_day import resolved


def recorded_scores(ledger: LedgerPlace, record_id: str) -> Record:
    """Return the scores or the batch of a record; RecordUnknown once expired, RequestError for a record of another kind."""
    stored = find(ledger, record_id)
    if stored.payload is None:
        until = date_of(stored.entry["keep_until"])
        raise RecordUnknown(
            f"the payload of record '{record_id}' was kept until {until} and is erased; its proof remains"
        )
    _check_scores(stored, stored.payload)
    return record_of(stored.payload)


def _check_scores(stored: StoredRecord, payload: bytes) -> None:
    kind = stored.entry["kind"]
    if kind == "act":
        kind = f"act ({act_of(payload).what})"
    if kind not in {"score", "batch"}:
        raise RequestError(
            f"record '{stored.record_id}' is of kind {kind} and holds no score; ask for a score or a batch"
        )


def explanation(ledger: LedgerPlace, batches: Path, asked: ExplainedRecord) -> ExplainedScores:
    """Return why the units of a record, or one of them, have their scores, as it was recorded."""
    record = resolved(local_file(ledger).parent, recorded_scores(ledger, asked.record_id))
    units = [_explained(record, case) for case in _cases(record, batches, asked)]
    return ExplainedScores.model_validate({**_head(asked.record_id, record), "units": units})


def compared_score(ledger: LedgerPlace, shelf: Shelf, asked: ExplainedRecord) -> ComparedScore:
    """Return why the score of a record, or of one of its units, is above or below those of its peers.

    It is refused as an explanation is, and where the record is of more units, or the history of its day is gone.
    """
    record = resolved(shelf.home, recorded_scores(ledger, asked.record_id))
    cases = _cases(record, shelf.home / "batches", asked)
    evidence = Dossier(shelf, find(ledger, asked.record_id), record, cases, {})
    compared = peers_as_json(the_comparison(evidence))
    return ComparedScore.model_validate({**compared, "priority_only": PRIORITY_ONLY})


def _cases(record: Record, batches: Path, asked: ExplainedRecord) -> tuple[Case, ...]:
    """Return the cases to explain; RequestError for a whole batch, UnknownId for a unit that the record lacks."""
    if record.rows is not None:
        if asked.unit is None:
            raise RequestError(
                f"record '{asked.record_id}' is a batch of {record.rows.count} units; name one as `unit`"
            )
        return (case_of_row(record, read_rows(batches, record.rows), asked.unit),)
    if asked.unit is None:
        return record.cases
    if all(case.key != asked.unit for case in record.cases):
        raise UnknownId(
            f"record '{asked.record_id}' holds no {record.entity} of that number; it holds {len(record.cases)}"
        )
    return (record.case(asked.unit),)


def _head(record_id: str, record: Record) -> dict[str, Any]:
    return {
        "record_id": record_id,
        "at": record.at,
        "target": record.target,
        "entity": record.entity,
        "complete_to": date_of(record.complete_to),
        "model_digest": record.bundle,
        "priority_only": PRIORITY_ONLY,
    }


def _explained(record: Record, case: Case) -> dict[str, Any]:
    """Return one unit with its contributions, the largest first."""
    largest_first = np.argsort(-np.abs(case.contributions), kind="stable").tolist()
    contributions = [
        {"feature": record.features[place], "contribution": float(case.contributions[place])}
        for place in largest_first
    ]
    named_values = zip(record.features, case.values, strict=True)
    return {
        "id": case.key,
        "score": case.probability,
        "raw": case.raw,
        "base": record.base,
        "expected": case.expected,
        "interval": plain_interval(case.interval),
        "expected_words": case.expected_words,
        "rank": case.rank,
        "rank_of": case.of,
        "contributions": contributions,
        "reasons": [plain_reason(reason_of(reason)) for reason in case.reasons],
        "missing": [name for name, value in named_values if np.isnan(value)],
    }


def batch_page(ledger: LedgerPlace, batches: Path, asked: BatchRows) -> BatchPage:
    """Return one page of the rows of a batch; RequestError for a record that is none."""
    record = recorded_scores(ledger, asked.record_id)
    if record.rows is None:
        raise RequestError(
            f"record '{asked.record_id}' is no batch; its units are in /v1/records/{{record_id}}"
        )
    rows = read_scores(batches, record.rows, record.entity)
    if asked.after is not None:
        rows = rows.filter(pl.col("id") > asked.after)
    page = rows.head(asked.limit)
    coverage = record.answer.get("coverage")
    units = [_batch_row(row, coverage) for row in page.to_dicts()]
    head = _head(asked.record_id, record)
    del head["at"]
    more = len(rows) > len(page)
    return BatchPage.model_validate(
        {
            **head,
            "rows": record.rows.count,
            "root": record.rows.root,
            "units": units,
            "cursor": units[-1]["id"] if more else None,
        }
    )


def _batch_row(row: dict[str, Any], coverage: float | None) -> dict[str, Any]:
    interval = None
    lower = _number(row.get("score.lower"))
    if lower is not None:
        upper = _number(row["score.upper"])
        interval = {"lower": lower, "upper": upper, "coverage": coverage}
    return {
        "id": row["id"],
        "score": row["score.probability"],
        "expected": _number(row["score.expected"]),
        "interval": interval,
    }


def _number(value: float | None) -> float | None:
    """Return a number as JSON says it: null where there is none, or where it is infinite."""
    return value if value is not None and np.isfinite(value) else None
