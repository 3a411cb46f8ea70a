"""A batch over HTTP is carried out part by part: broken anywhere it gives the same record, asked twice it is one."""

from __future__ import annotations

import itertools
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import anyio
import pytest
from pydantic import ValidationError

from features.errors import HistoryError, RequestError, UnknownId
from features.ingest.scan import files_in
from serving.answers import BatchStatus
from serving.api.batch_desk import MOST_RUNNING, BatchDesk, job_folder
from serving.api.batch_runner import BatchRunner
from serving.api.recorded_scores import batch_page
from serving.errors import RecordUnknown, RetryConflict, TooManyBatches
from serving.gate.caller import Caller
from serving.gate.questions import BatchRows
from serving.ledger.ledger import Ledger
from serving.ledger.read import find, head
from serving.replay.dossier import dossier
from serving.requests import BatchNumber, BatchOf
from serving.scoring import batch_job
from serving.scoring.batch_run import carry_out
from tests.recorded import AT, Home, home_of

SYSTEM = Caller("system", "key-1", None, None)
PART = 3
"""Units of a part in these tests, so that a small history has several."""


@pytest.fixture
def home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Home:
    monkeypatch.setattr(batch_job, "PART", PART)
    return home_of(tmp_path_factory)


def desk(home: Home, ledger: Ledger) -> BatchDesk:
    return BatchDesk(home.scorer, job_folder(home.path), ledger, lambda: datetime.fromisoformat(AT))


def begun(home: Home, ledger: Ledger, asked: BatchOf, caller: Caller = SYSTEM) -> BatchStatus:
    return anyio.run(desk(home, ledger).start, asked, caller)


def always() -> bool:
    return True


def units_of(home: Home) -> int:
    return len(home.scorer.ranks[home.record.target].keys)


def test_a_batch_of_the_day_scores_all_that_live_and_replays_to_the_bit(home: Home) -> None:
    with Ledger(home.path / "ledger.db") as ledger:
        status = begun(home, ledger, BatchOf())
        assert (status.state, status.done, status.of) == ("running", 0, units_of(home))
        job = job_folder(home.path).job(status.job, "system")
        assert carry_out(home.path, job, ledger, always)
        ended = begun(home, ledger, BatchOf())
    assert (ended.state, ended.done, ended.job) == ("done", ended.of, status.job)
    assert ended.record_id is not None
    [replay] = dossier(home.path, ended.record_id).replays()
    assert replay.identical
    page = batch_page(
        home.path / "ledger.db",
        home.path / "batches",
        BatchRows(record_id=ended.record_id, limit=1_000),
    )
    scores = {unit.id: unit.score for unit in page.units}
    assert set(scores) == set(home.scorer.ranks[home.record.target].keys.tolist())
    assert all(scores[case.key] == case.probability for case in home.record.cases)


def test_a_job_stopped_at_every_part_gives_the_record_of_an_unbroken_one(home: Home) -> None:
    with Ledger(home.path / "ledger.db") as ledger:
        one = replace(SYSTEM, retry="unbroken")
        whole = job_folder(home.path).job(begun(home, ledger, BatchOf(), one).job, "system")
        assert carry_out(home.path, whole, ledger, always)
        broken = job_folder(home.path).job(begun(home, ledger, BatchOf()).job, "system")
        turns = 0
        while not carry_out(home.path, broken, ledger, stopping_after(1)):
            turns += 1
            progress = broken.progress()
            assert progress.done == min(turns * PART, progress.of)
        size = head(home.path / "ledger.db").size
    assert turns == -(-units_of(home) // PART) - 1 > 2
    assert size == 7
    of_whole, of_broken = (
        dossier(home.path, str(job.progress().record_id)).record for job in (whole, broken)
    )
    assert (of_whole.rows, of_whole.answer) == (of_broken.rows, of_broken.answer)
    assert of_whole.rows is not None


def stopping_after(parts: int) -> Callable[[], bool]:
    """Return what lets so many parts be done, and no more."""
    counter = itertools.count()
    return lambda: next(counter) < parts


KILLED = """
import os, signal, sys
from datetime import datetime
from pathlib import Path
from features import files
from serving.ledger.ledger import Ledger
from serving.scoring import batch_job, batch_run
batch_job.PART = int(sys.argv[3])
home, number, point = Path(sys.argv[1]), sys.argv[2], sys.argv[4]
def go_on(): return True
written = batch_run.write_matrix
count = 0
def write_matrix(matrix, path):
    global count
    written(matrix, path)
    count += 1
    if point == str(count): os.kill(os.getpid(), signal.SIGKILL)
batch_run.write_matrix = write_matrix
recorded = batch_run._recorded
def _recorded(*given):
    record = recorded(*given)
    if point == "recorded": os.kill(os.getpid(), signal.SIGKILL)
    return record
batch_run._recorded = _recorded
with Ledger(home / "ledger.db") as ledger:
    batch_run.carry_out(home, batch_job.JobFolder(home / "jobs").job(number, "system"), ledger, go_on)
"""


@pytest.mark.parametrize("point", ["2", "recorded"])
def test_a_process_killed_in_a_batch_or_behind_its_record_leaves_one_record(
    home: Home, point: str
) -> None:
    with Ledger(home.path / "ledger.db") as ledger:
        status = begun(home, ledger, BatchOf())
    words = [str(home.path), status.job, str(PART), point]
    room = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    killed = subprocess.run([sys.executable, "-c", KILLED, *words], env=room, check=False)
    assert killed.returncode == -signal.SIGKILL
    job = job_folder(home.path).job(status.job, "system")
    assert job.progress().state == "running" and job.progress().done >= 2 * PART
    with Ledger(home.path / "ledger.db") as ledger:
        assert carry_out(home.path, job, ledger, always)
        # the five records of the home, and this one
        assert head(home.path / "ledger.db").size == 6
    [replay] = dossier(home.path, str(job.progress().record_id)).replays()
    assert replay.identical


def test_two_runners_of_one_home_make_one_record_of_each_job(home: Home) -> None:
    firms = home.scorer.ranks[home.record.target].keys.tolist()
    with Ledger(home.path / "ledger.db") as ledger, Ledger(home.path / "ledger.db") as second:
        jobs = job_folder(home.path)
        asked = [BatchOf(ids=firms[first : first + 5]) for first in (0, 5)]
        callers = [replace(SYSTEM, retry=f"k{number}") for number in range(2)]
        numbers = [
            begun(home, ledger, form, caller).job
            for form, caller in zip(asked, callers, strict=True)
        ]
        runners = [BatchRunner(home.path, jobs, writer) for writer in (ledger, second)]
        until = threading.Event()
        for _ in range(600):
            if not jobs.waiting():
                break
            until.wait(0.1)
        for runner in runners:
            runner.close()
        assert {jobs.job(number, "system").progress().state for number in numbers} == {"done"}
        assert head(home.path / "ledger.db").size == 7


def test_a_key_asked_again_is_the_same_job_and_for_something_else_a_conflict(home: Home) -> None:
    firms = home.scorer.ranks[home.record.target].keys.tolist()
    with Ledger(home.path / "ledger.db") as ledger:
        first = begun(home, ledger, BatchOf(ids=firms[:3]))
        assert begun(home, ledger, BatchOf(ids=firms[:3])) == first
        with pytest.raises(RetryConflict, match="another batch"):
            begun(home, ledger, BatchOf(ids=firms[:4]))
        other = begun(home, ledger, BatchOf(ids=firms[:3]), replace(SYSTEM, name="other"))
        assert other.job != first.job
        with pytest.raises(RecordUnknown, match="no batch job of this key"):
            anyio.run(
                desk(home, ledger).progress,
                BatchNumber(job=first.job),
                replace(SYSTEM, name="other"),
            )
        with pytest.raises(RequestError, match="Idempotency-Key"):
            begun(home, ledger, BatchOf(), replace(SYSTEM, retry=None))
        with pytest.raises(UnknownId):
            begun(home, ledger, BatchOf(ids=["nobody"]), replace(SYSTEM, retry="k2"))


def test_a_cancelled_job_records_nothing_but_who_cancelled_it(home: Home) -> None:
    with Ledger(home.path / "ledger.db") as ledger:
        status = begun(home, ledger, BatchOf())
        job = job_folder(home.path).job(status.job, "system")
        assert not carry_out(home.path, job, ledger, stopping_after(2))
        cancelled = anyio.run(desk(home, ledger).cancel, BatchNumber(job=status.job), SYSTEM)
        again = anyio.run(desk(home, ledger).cancel, BatchNumber(job=status.job), SYSTEM)
        assert (cancelled.state, again.state) == ("cancelled", "cancelled")
        assert carry_out(home.path, job, ledger, always)
        assert not list(files_in(job.folder, "part-*"))
        assert begun(home, ledger, BatchOf()).state == "cancelled"
        assert head(home.path / "ledger.db").size == 6


def test_a_key_has_only_so_many_batches_running(home: Home) -> None:
    with Ledger(home.path / "ledger.db") as ledger:
        for number in range(MOST_RUNNING):
            begun(home, ledger, BatchOf(), replace(SYSTEM, retry=f"k{number}"))
        with pytest.raises(TooManyBatches, match="4 batches running"):
            begun(home, ledger, BatchOf(), replace(SYSTEM, retry="one more"))
        # a repetition is no further batch, and another key has its own
        assert begun(home, ledger, BatchOf(), replace(SYSTEM, retry="k0")).state == "running"
        begun(home, ledger, BatchOf(), replace(SYSTEM, name="other"))


def test_a_job_whose_model_is_gone_or_whose_file_is_damaged_fails_in_one_sentence(
    home: Home,
) -> None:
    with Ledger(home.path / "ledger.db") as ledger:
        status = begun(home, ledger, BatchOf())
        job = job_folder(home.path).job(status.job, "system")
        model = home.path / "bundles" / f"{status.target}-{status.model_digest[:12]}"
        model.rename(model.with_name("aside"))
        assert carry_out(home.path, job, ledger, always)
        failed = anyio.run(desk(home, ledger).progress, BatchNumber(job=status.job), SYSTEM)
        assert failed.state == "failed" and failed.problem is not None
        assert failed.problem.code == "bundle_unusable"
        model.with_name("aside").rename(model)
        second = begun(home, ledger, BatchOf(), replace(SYSTEM, retry="k2"))
        (home.path / "jobs" / second.job / "asked.json").write_text("{")
        damaged = batch_job.Job(home.path / "jobs" / second.job)
        assert carry_out(home.path, damaged, ledger, always)
        with pytest.raises(HistoryError, match="cannot be read; ask for the batch again"):
            damaged.progress()
        assert head(home.path / "ledger.db").size == 5


def test_a_batch_is_asked_strictly() -> None:
    for wrong in ({"ids": []}, {"ids": ["A", "A"]}, {"target": "X"}, {"day": "2015-06-30"}):
        with pytest.raises(ValidationError):
            BatchOf.model_validate(wrong)
    with pytest.raises(ValidationError):
        BatchNumber(job="../../keys")


def test_the_record_names_who_asked_and_the_moment_of_asking(home: Home, tmp_path: Path) -> None:
    with Ledger(home.path / "ledger.db") as ledger:
        status = begun(home, ledger, BatchOf())
        job = job_folder(home.path).job(status.job, "system")
        carry_out(home.path, job, ledger, always)
    stored = find(home.path / "ledger.db", str(job.progress().record_id))
    assert stored.entry["kind"] == "batch" and stored.entry["at"] == AT
    assert dossier(home.path, stored.record_id).record.caller == "system"
