"""The desk of batches: it starts jobs, says how far they are, and cancels them; the runner of a worker carries them out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import TypeVar

from anyio import CapacityLimiter, to_thread

from features.errors import RequestError
from serving.answers import BatchProblem, BatchStatus
from serving.errors import TooManyBatches
from serving.gate.caller import Caller
from serving.ledger.admin_act import AdminAct, admin_entry
from serving.ledger.ledger import Ledger
from serving.requests import BatchNumber, BatchOf
from serving.scoring.batch_asked import BatchAsked
from serving.scoring.batch_job import Job, JobFolder
from serving.scoring.opening import history_of
from serving.scoring.ranked_list import entity_of
from serving.scoring.scorer import Scorer
from serving.scoring.transcript import KEPT_DAYS, question_of

MOST_RUNNING = 4
"""Batches that a key may have running at once; a choice: they are carried out one after another anyway."""
T = TypeVar("T")


@dataclass(frozen=True, slots=True, eq=False)
class BatchDesk:
    """A scorer, the folder of jobs, a ledger and a clock; a thread answers one question at a time."""

    scorer: Scorer
    jobs: JobFolder
    ledger: Ledger
    clock: Callable[[], datetime]
    _one: CapacityLimiter = field(default_factory=partial(CapacityLimiter, 1))

    async def start(self, asked: BatchOf, caller: Caller) -> BatchStatus:
        """Return a job that is begun now, or was begun under the same key before."""
        return await self._aside(partial(self._start, asked, caller))

    async def progress(self, asked: BatchNumber, caller: Caller) -> BatchStatus:
        """Return how far a job of the caller is."""
        return await self._aside(lambda: _status(self.jobs.job(asked.job, caller.name)))

    async def cancel(self, asked: BatchNumber, caller: Caller) -> BatchStatus:
        """Return a job of the caller that nothing more is done of; the ledger says who cancelled it."""
        job = await self._aside(partial(self.jobs.job, asked.job, caller.name))
        if job.progress().state == "running":
            content = {"job": job.number}
            act = AdminAct("batch_cancelled", caller.name, content, content, job.number)
            moment = self.clock()
            await self.ledger.record(admin_entry(act, moment=moment, kept_days=KEPT_DAYS))
            await self._aside(job.cancel)
        return await self._aside(partial(_status, job))

    def _start(self, asked: BatchOf, caller: Caller) -> BatchStatus:
        if caller.retry is None:
            raise RequestError(
                "a batch needs the header Idempotency-Key: send one, and the same one with each repetition"
            )
        form = {"form": type(asked).__name__, **asked.model_dump(mode="json")}
        question = question_of(caller.name, form, caller.retry)
        key = f"batch:{question.retry_key}"
        number = sha256(key.encode()).hexdigest()[:20]
        if self.jobs.has(number):
            # whatever the service would say now: the model or a unit may be gone since
            return _status(self.jobs.begun(number, question.digest))
        self._check_running(caller.name)
        bundle = self.scorer.bundle(asked.target, entity_of(self.scorer, asked.target))
        store = self.scorer.store
        ids = self._ids(asked, bundle.entity)
        whole = BatchAsked(
            caller=caller.name,
            retry_key=key,
            request=question.digest,
            at=self.clock().isoformat(timespec="milliseconds"),
            source=store.source.name,
            history=history_of(store),
            fingerprint=store.fingerprint,
            target=bundle.target,
            entity=bundle.entity,
            bundle=bundle.digest,
            units=len(ids),
        )
        return _status(self.jobs.begin(number, whole, ids))

    def _ids(self, asked: BatchOf, entity: str) -> tuple[str, ...]:
        if asked.ids is not None:
            self.scorer.check(asked.target, entity, asked.ids)
            return tuple(asked.ids)
        living = self.scorer.ranks[asked.target].keys
        if not len(living):
            raise RequestError(
                f"no {entity} lives on the last closed day; there is nothing to score"
            )
        return tuple(living.tolist())

    def _check_running(self, caller: str) -> None:
        running = [job for job in self.jobs.waiting() if job.is_of(caller)]
        if len(running) >= MOST_RUNNING:
            raise TooManyBatches(
                f"this key has {len(running)} batches running, at most {MOST_RUNNING}; wait for one, or cancel one"
            )

    async def _aside(self, work: Callable[[], T]) -> T:
        return await to_thread.run_sync(work, abandon_on_cancel=True, limiter=self._one)


def job_folder(home: Path) -> JobFolder:
    """Return the folder of the batch jobs of a home."""
    return JobFolder(home / "jobs")


def _status(job: Job) -> BatchStatus:
    request, progress = job.asked, job.progress()
    problem = None
    if progress.problem is not None:
        code, message = progress.problem
        problem = BatchProblem(code=code, message=message)
    return BatchStatus(
        job=job.number,
        state=progress.state,
        target=request.target,
        entity=request.entity,
        model_digest=request.bundle,
        done=progress.done,
        of=progress.of,
        record_id=progress.record_id,
        problem=problem,
    )
