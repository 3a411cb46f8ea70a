"""A batch that was asked for over HTTP: a folder that holds what is asked, what is done of it, and how it ended.

Its parts are written one by one, so that another process goes on where a killed one stopped; the record is the same.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from features.errors import HistoryError
from features.files import own_folder, private_folder, write_durable_text, write_points
from features.ingest.scan import files_in
from serving.errors import RecordUnknown, RetryConflict

PART = 1_000
"""Units of one part; a choice: a second of work, so little is done twice after a kill."""
State = Literal["running", "done", "failed", "cancelled"]


class BatchAsked(BaseModel):
    """What a job was asked for, by whom and when: everything that its record rests on, so that a resumed job says the same."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, hide_input_in_errors=True)
    version: Literal[1] = 1
    caller: str
    retry_key: str
    request: str
    at: str
    store: str
    target: str
    entity: str
    bundle: str
    ids: tuple[str, ...]


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
            return BatchAsked.model_validate_json((self.folder / "asked.json").read_bytes())
        except (OSError, ValidationError):
            raise HistoryError(
                f"the batch job {self.number} cannot be read; ask for the batch again under another key"
            ) from None

    def parts(self) -> Iterator[tuple[Path, Sequence[str]]]:
        """Yield the file and the units of each part, in order."""
        ids = self.asked.ids
        for first in range(0, len(ids), PART):
            yield self.folder / f"part-{first:09}.parquet", ids[first : first + PART]

    def progress(self) -> JobProgress:
        """Return how far the job is."""
        of = len(self.asked.ids)
        ending = self._ending()
        if ending is not None:
            done = of if ending.state == "done" else 0
            return JobProgress(ending.state, done, of, ending.record_id, ending.problem)
        if self.is_cancelled:
            return JobProgress("cancelled", 0, of)
        done = sum(len(ids) for path, ids in self.parts() if path.is_file())
        return JobProgress("running", done, of)

    @property
    def is_cancelled(self) -> bool:
        """Whether somebody cancelled the job; nothing is recorded of it from then on."""
        return (self.folder / "cancelled").is_file()

    def cancel(self) -> None:
        """Let nothing more be done; a job that has ended stays as it ended."""
        if self._ending() is None:
            write_durable_text(self.folder / "cancelled", "")

    def end(self, ending: JobEnding) -> None:
        """Note how the job ended, then remove its parts."""
        write_durable_text(self.folder / "ending.json", ending.model_dump_json())
        for path in files_in(self.folder, "part-*.parquet"):
            path.unlink(missing_ok=True)

    def is_of(self, caller: str) -> bool:
        """Tell whether somebody asked for this job; nobody did for one that cannot be read."""
        with suppress(HistoryError):
            return self.asked.caller == caller
        return False

    def _ending(self) -> JobEnding | None:
        try:
            return JobEnding.model_validate_json((self.folder / "ending.json").read_bytes())
        except FileNotFoundError:
            return None


@dataclass(frozen=True, slots=True)
class JobFolder:
    """All jobs of a home. Those that have not ended stand in `queue` too, so that nobody looks through the others."""

    place: Path

    def begin(self, number: str, asked: BatchAsked) -> Job:
        """Return the job of a number, begun now or before; RetryConflict where it was asked for something else."""
        job = Job(self.place / number)
        if not job.folder.is_dir():
            self._write(job.folder, asked)
        if job.asked.request != asked.request:
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

    def close(self, job: Job) -> None:
        """Take a job that has ended out of the queue."""
        (self._queue / job.number).unlink(missing_ok=True)

    @property
    def _queue(self) -> Path:
        return self.place / "queue"

    def _write(self, folder: Path, asked: BatchAsked) -> None:
        own_folder(self.place)
        with private_folder(self.place) as work:
            made = work / "job"
            own_folder(made)
            write_durable_text(made / "asked.json", asked.model_dump_json())
            with write_points("the batch job is begun"):
                try:
                    made.rename(folder)
                except OSError:
                    # another worker was first under the same key; what it was asked is compared by the caller
                    if not folder.is_dir():
                        raise
