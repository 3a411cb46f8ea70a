"""The runner of a worker: a thread that carries out the batch jobs of a home, one at a time, beside all answers."""

from __future__ import annotations

import logging
import threading
from pathlib import Path

from features.errors import LedgerError
from serving.gate.startup import failure_place
from serving.ledger.ledger import Ledger
from serving.scoring.batch_job import Job, JobEnding, JobFolder
from serving.scoring.batch_run import carry_out

LOG = logging.getLogger("lssi.batch")
EVERY = 1.0
"""Seconds between looks at the queue; a choice: it is one listing of a small folder."""


class BatchRunner:
    """Runs until it is closed. What a killed worker left is carried on by another, or by the next start."""

    def __init__(self, home: Path, jobs: JobFolder, ledger: Ledger) -> None:
        self._home, self._jobs, self._ledger = home, jobs, ledger
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name="batches", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop after the part that is being scored."""
        self._closing.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._closing.wait(EVERY):
            for job in self._jobs.waiting():
                if self._closing.is_set():
                    return
                self._carry_out(job)

    def _carry_out(self, job: Job) -> None:
        try:
            if carry_out(self._home, job, self._ledger, lambda: not self._closing.is_set()):
                self._jobs.close(job)
                LOG.info("batch %s ended", job.number)
        except LedgerError as error:
            LOG.warning("batch %s waits: %s", job.number, error)
        except Exception as failure:  # noqa: BLE001 - a thread that dies would leave all later jobs waiting in silence
            LOG.error("batch %s failed: %s", job.number, failure_place(failure))
            problem = ("internal", "the service failed; nothing was recorded")
            job.end(JobEnding(state="failed", problem=problem))
            self._jobs.close(job)
