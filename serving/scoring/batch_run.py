"""Carrying out a batch that was asked for over HTTP: part by part, then one record of all its rows."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

from features.calendar import date_of
from features.engine.engine import engine_of
from features.engine.matrices import matrix
from features.errors import HistoryError, LedgerError, LssiError
from features.files import OWNER
from features.matrix import read_matrix, stacked, write_matrix
from features.store.journal_segment import segment_of
from features.store.store import Store
from models.bundle.bundle import Bundle, load_bundle
from models.bundle.score import score
from serving.answers import PRIORITY_ONLY
from serving.ledger.ledger import Ledger
from serving.scoring.batch import with_scores, write_scored_rows
from serving.scoring.batch_asked import BatchAsked
from serving.scoring.batch_job import Job, JobEnding
from serving.scoring.transcript import Question, RecordedOutcome, outcome_entry

GoOn = Callable[[], bool]
"""Tells whether the process that carries a job out still may: false while it shuts down."""


def carry_out(home: Path, job: Job, ledger: Ledger, go_on: GoOn) -> bool:
    """Bring a job to its end and return True; False where another process is at it, or this one is to stop.

    A job whose model or history is gone fails for good, and so does one that killed each process that tried it. LedgerError
    where its record cannot be made now: it stays waiting.
    """
    with _alone(job) as is_alone:
        if not is_alone:
            return False
        try:
            if job.progress().state not in {"running", "cancelled"}:
                return True
            with job.at_work():
                return _carried_out(home, job, ledger, go_on)
        except LedgerError:
            raise
        except LssiError as error:
            job.end(JobEnding(state="failed", problem=(error.code, str(error))))
            return True


def _carried_out(home: Path, job: Job, ledger: Ledger, go_on: GoOn) -> bool:
    request = job.asked
    store = _store(home, request)
    bundle = load_bundle(
        home / "bundles" / f"{request.target}-{request.bundle[:12]}", request.bundle
    )
    engine = engine_of(store)
    ids = job.ids()
    for path, places in job.parts():
        # a part that an earlier process finished
        if path.is_file():
            continue
        if job.is_cancelled or not go_on():
            break
        inputs = matrix(engine, request.entity, store.complete_to, ids[places])
        write_matrix(with_scores(inputs, score(bundle, inputs)), path)
        job.forget_starts()
    if job.is_cancelled:
        job.end(JobEnding(state="cancelled"))
        return True
    if job.progress().done < request.units:
        return False
    record_id = _recorded(home, job, ledger, (store, bundle))
    job.end(JobEnding(state="done", record_id=record_id))
    return True


def _recorded(home: Path, job: Job, ledger: Ledger, made_from: tuple[Store, Bundle]) -> str:
    """Write the rows beside the ledger and record them; made twice, they are the same file and the same record."""
    request, (store, bundle) = job.asked, made_from
    rows_of_all = stacked([read_matrix(path) for path, _ in job.parts()])
    rows = write_scored_rows(home / "batches", rows_of_all)
    summary = {
        **_head(request, store, bundle),
        "rows": rows.count,
        "root": rows.root,
    }
    question = Question(request.caller, request.request, request.retry_key)
    outcome = RecordedOutcome("batch", bundle.forest.base, summary, rows=rows)
    moment = datetime.fromisoformat(request.at)
    entry = outcome_entry(store, bundle, question, outcome, moment=moment)
    return ledger.append(entry).result().record_id


def _head(asked: BatchAsked, store: Store, bundle: Bundle) -> dict[str, Any]:
    number = bundle.manifest.number
    return {
        "target": asked.target,
        "source": store.fingerprint,
        "as_of": date_of(store.complete_to).isoformat(),
        "entity": asked.entity,
        "model_digest": bundle.digest,
        "priority_only": PRIORITY_ONLY,
        "unit_expected": bundle.manifest.unit_expected,
        "coverage": None if number is None else number.coverage,
    }


def _store(home: Path, asked: BatchAsked) -> Store:
    """Return the history that was served when the job was asked for, its journal laid over it; newer days are left aside."""
    if asked.history is None:
        raise HistoryError(
            "this batch was begun by an earlier version, which did not note the day that it looks from; ask for the batch"
            " again under another key"
        )
    folder = home / "stores" / asked.history.store
    if (folder / "store.json").is_file():
        segment = segment_of(folder, home / "journal" / asked.source)
        store = Store(folder, segment, asked.history.complete_to)
        if store.fingerprint == asked.fingerprint:
            return store
    raise HistoryError("the history that this batch was asked of is gone; ask for the batch again")


@contextmanager
def _alone(job: Job) -> Iterator[bool]:
    """Hold the lock of a job; the kernel frees it when a process dies, so that another goes on."""
    lock = os.open(job.folder / "lock", os.O_RDWR | os.O_CREAT, OWNER)
    try:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
            return
        yield True
    finally:
        os.close(lock)
