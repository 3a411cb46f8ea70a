"""A batch that was asked for over HTTP: a folder that holds what is asked, what is done of it, and how it ended.

Its parts are written one by one, so that another process goes on where a killed one stopped; the record is the same.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError

from features.errors import HistoryError
from features.files import own_folder, private_folder, write_durable_text, write_points
from features.ingest.scan import files_in
from serving.errors import BatchGivenUp, RecordUnknown, RetryConflict
from serving.scoring.batch_asked import BatchAsked, parse_batch_asked

PART = 1_000
"""Units of one part; a choice: a second of work, so little is done twice after a kill."""
State = Literal["running", "done", "failed", "cancelled"]


MOST_STARTS = 3
"""Starts without a finished part, after which a job has failed; a choice: one kill is an accident, three are its own."""


_IDS = TypeAdapter(tuple[str, ...])
"""The units of a job lie in a file of their own: of a city they are megabytes, which no look at the job's progress reads."""


class JobEnding(BaseModel):
    """How a job ended: with a record, with a problem (its code and one sentence), or cancelled."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    state: State
    record_id: str | None = None
    problem: tuple[str, str] | None = None


@dataclass(frozen=True, slots=True)
class JobProgress:
    """How far a job is: units done of how many; `record_id` once it is done, `problem` where it failed, as code and sentence."""

    state: State
    done: int
    of: int
    record_id: str | None = None
    problem: tuple[str, str] | None = None


@dataclass(frozen=True)
class Job:
    """The folder of one job."""

    folder: Path

    @property
    def number(self) -> str:
        """The number by which a job is asked for."""
        return self.folder.name

    @cached_property
    def asked(self) -> BatchAsked:
        """What was asked; HistoryError where the file is damaged."""
        try:
            return parse_batch_asked((self.folder / "asked.json").read_bytes())
        except (OSError, ValidationError):
            raise self._unreadable() from None

    def ids(self) -> tuple[str, ...]:
        """Return the units that are scored; HistoryError where the file is damaged."""
        try:
            ids = _IDS.validate_json((self.folder / "ids.json").read_bytes())
        except (OSError, ValidationError):
            raise self._unreadable() from None
        if len(ids) != self.asked.units:
            raise self._unreadable()
        return ids

    def parts(self) -> Iterator[tuple[Path, slice]]:
        """Yield the file of each part and the places of its units, in order."""
        units = self.asked.units
        for first in range(0, units, PART):
            places = slice(first, min(first + PART, units))
            yield self.folder / f"part-{first:09}.parquet", places

    def progress(self) -> JobProgress:
        """Return how far the job is."""
        of = self.asked.units
        ending = self._ending()
        if ending is not None:
            finished_units = of if ending.state == "done" else 0
            return JobProgress(ending.state, finished_units, of, ending.record_id, ending.problem)
        if self.is_cancelled:
            return JobProgress("cancelled", 0, of)
        finished_units = sum(
            places.stop - places.start for path, places in self.parts() if path.is_file()
        )
        return JobProgress("running", finished_units, of)

    @property
    def is_cancelled(self) -> bool:
        """Whether somebody cancelled the job; nothing is recorded of it from then on."""
        return (self.folder / "cancelled").is_file()

    def cancel(self) -> None:
        """Let nothing more be done; a job that has ended stays as it ended."""
        if self._ending() is None:
            write_durable_text(self.folder / "cancelled", "")

    @contextmanager
    def at_work(self) -> Iterator[None]:
        """Let a process work on the job, and count its start until a part is finished, or the process stops alive.

        BatchGivenUp where so many died at it that the job itself must be why.
        """
        starts = self._starts()
        if starts >= MOST_STARTS:
            raise BatchGivenUp(
                f"{starts} processes in turn were killed at this batch before they finished a part of it, and nothing was"
                " recorded; ask for fewer units under another key, and tell the service's operator"
            )
        write_durable_text(self._starts_file, "start\n" * (starts + 1))
        try:
            yield
        finally:
            self.forget_starts()

    def forget_starts(self) -> None:
        """Count starts from zero again: the job goes forward."""
        self._starts_file.unlink(missing_ok=True)

    @property
    def _starts_file(self) -> Path:
        return self.folder / "starts"

    def _starts(self) -> int:
        try:
            return self._starts_file.read_bytes().count(b"\n")
        except FileNotFoundError:
            return 0

    def end(self, ending: JobEnding) -> None:
        """Note how the job ended, then remove its parts and the units that were asked for."""
        write_durable_text(self.folder / "ending.json", ending.model_dump_json())
        for path in (*files_in(self.folder, "part-*.parquet"), self.folder / "ids.json"):
            path.unlink(missing_ok=True)

    def is_of(self, caller: str) -> bool:
        """Tell whether somebody asked for this job; nobody did for one that cannot be read."""
        with suppress(HistoryError):
            return self.asked.caller == caller
        return False

    def _unreadable(self) -> HistoryError:
        return HistoryError(
            f"the batch job {self.number} cannot be read; ask for the batch again under another key"
        )

    def _ending(self) -> JobEnding | None:
        try:
            return JobEnding.model_validate_json((self.folder / "ending.json").read_bytes())
        except FileNotFoundError:
            return None


@dataclass(frozen=True, slots=True)
class JobFolder:
    """All jobs of a home. Those that have not ended stand in `queue` too, so that nobody looks through the others."""

    place: Path

    def begin(self, number: str, asked: BatchAsked, ids: Sequence[str]) -> Job:
        """Return the job of a number, begun now or before; RetryConflict where it was asked for something else."""
        if not self.has(number):
            self._write(self.place / number, asked, ids)
        return self.begun(number, asked.request)

    def has(self, number: str) -> bool:
        """Tell whether a job of this number was begun."""
        return (self.place / number).is_dir()

    def begun(self, number: str, request: str) -> Job:
        """Return a job that was begun, by the digest of its request; RetryConflict where it was asked for something else."""
        job = Job(self.place / number)
        if job.asked.request != request:
            raise RetryConflict("this idempotency key was used for another batch; use a new key")
        if job.progress().state == "running":
            own_folder(self._queue)
            write_durable_text(self._queue / number, "")
        return job

    def job(self, number: str, caller: str) -> Job:
        """Return a job of a caller; RecordUnknown where the caller has none of this number."""
        job = Job(self.place / number)
        if not (job.folder / "asked.json").is_file() or not job.is_of(caller):
            raise RecordUnknown("no batch job of this key has this number; check it")
        return job

    def waiting(self) -> list[Job]:
        """Return the jobs that have not ended, by number."""
        if not self._queue.is_dir():
            return []
        return [Job(self.place / path.name) for path in sorted(files_in(self._queue, "*"))]

    def ended(self) -> list[Job]:
        """Return the jobs that have ended, by number."""
        if not self.place.is_dir():
            return []
        folders = sorted(self.place.iterdir())
        return [Job(folder) for folder in folders if (folder / "ending.json").is_file()]

    def close(self, job: Job) -> None:
        """Take a job that has ended out of the queue."""
        (self._queue / job.number).unlink(missing_ok=True)

    @property
    def _queue(self) -> Path:
        return self.place / "queue"

    def _write(self, folder: Path, asked: BatchAsked, ids: Sequence[str]) -> None:
        own_folder(self.place)
        with private_folder(self.place) as work:
            job_folder = work / "job"
            own_folder(job_folder)
            write_durable_text(job_folder / "ids.json", json.dumps(list(ids), ensure_ascii=False))
            write_durable_text(job_folder / "asked.json", asked.model_dump_json())
            with write_points("the batch job is begun"):
                try:
                    job_folder.rename(folder)
                except OSError:
                    # another worker was first under the same key; what it was asked is compared by the caller
                    if not folder.is_dir():
                        raise
