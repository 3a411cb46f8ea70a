"""A batch over HTTP is carried out part by part: broken anywhere it gives the same record, asked twice it is one."""

from __future__ import annotations

import itertools
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import anyio
import pytest
from pydantic import ValidationError

from features.calendar import day_of
from features.engine.engine import engine_of
from features.engine.matrices import matrix
from features.errors import HistoryError, RequestError, TargetError, UnknownId
from features.ingest.scan import files_in
from features.ingest.source import find_source
from features.store.append import feed
from features.store.journal import write_journal_part
from features.store.opening import open_store
from serving.answers import BatchStatus
from serving.api.batch_desk import MOST_RUNNING, BatchDesk, job_folder
from serving.api.batch_runner import BatchRunner
from serving.api.recorded_scores import batch_page
from serving.errors import RecordUnknown, RetryConflict, TooManyBatches
from serving.gate.caller import Caller
from serving.gate.questions import BatchRows
from serving.ledger.act import Act, Seen, act_entry, act_of, subject_digest
from serving.ledger.ledger import Ledger
from serving.ledger.read import find, head
from serving.ledger.retention import Expiry, expire
from serving.proof.audit import verify
from serving.replay.dossier import dossier
from serving.requests import BatchNumber, BatchOf
from serving.scoring import batch_job
from serving.scoring.batch_run import carry_out
from serving.scoring.expired_jobs import expired_jobs, unreadable_jobs
from serving.scoring.ranks import ranks_of
from serving.scoring.scorer import Scorer
from serving.scoring.transcript import KEPT_DAYS
from tests.random_history import LAST
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


def ended(home: Home, ledger: Ledger, number: str) -> batch_job.Job:
    """Return a job of the system that is carried out whole."""
    job = job_folder(home.path).job(number, "system")
    assert carry_out(home.path, job, ledger, always)
    return job


def scores_of(home: Home, job: batch_job.Job) -> dict[str, float]:
    """Return the scores that a job recorded, by unit."""
    asked = BatchRows(record_id=str(job.progress().record_id), limit=1_000)
    page = batch_page(home.path / "ledger.db", home.path / "batches", asked)
    return {unit.id: unit.score for unit in page.units}


def looking_now(home: Home, monkeypatch: pytest.MonkeyPatch) -> Home:
    """Return the home with the scorer that a service would open now, of what is loaded and of the journal."""
    monkeypatch.setenv("LSSI_HOME", str(home.path))
    store = open_store(home.path.parent / "source")
    living = matrix(store, "enterprise", store.complete_to)
    ranks = ranks_of(home.bundle, living)
    target = home.bundle.target
    return replace(home, scorer=Scorer(engine_of(store), {target: home.bundle}, {target: ranks}))


def units_of(home: Home) -> int:
    return len(home.scorer.ranks[home.record.target].keys)


def test_a_batch_of_the_day_scores_all_that_live_and_replays_to_the_bit(home: Home) -> None:
    with Ledger(home.path / "ledger.db") as ledger:
        status = begun(home, ledger, BatchOf())
        assert (status.state, status.done, status.of) == ("running", 0, units_of(home))
        job = job_folder(home.path).job(status.job, "system")
        assert carry_out(home.path, job, ledger, always)
        later = begun(home, ledger, BatchOf())
    assert (later.state, later.done, later.job) == ("done", later.of, status.job)
    assert later.record_id is not None
    [replay] = dossier(home.path, later.record_id).replays()
    assert replay.identical
    scores = scores_of(home, job)
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


def test_a_key_asked_again_is_the_same_job_whatever_the_service_would_say_now(home: Home) -> None:
    firms = home.scorer.ranks[home.record.target].keys.tolist()
    with Ledger(home.path / "ledger.db") as ledger:
        first = begun(home, ledger, BatchOf(ids=firms[:3]))
        ended(home, ledger, first.job)
        # another generation, in which no model scores the target
        later = replace(home, scorer=Scorer(home.scorer.engine, {}, {}))
        with pytest.raises(TargetError):
            begun(later, ledger, BatchOf(ids=firms[:3]), replace(SYSTEM, retry="k2"))
        again = begun(later, ledger, BatchOf(ids=firms[:3]))
        assert (again.job, again.state, again.of) == (first.job, "done", 3)
        for other in (firms[:4], ["nobody"]):
            with pytest.raises(RetryConflict, match="another batch"):
                begun(later, ledger, BatchOf(ids=other))


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


def test_a_day_that_is_loaded_while_a_job_waits_changes_nothing_of_it(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LSSI_HOME", str(home.path))
    source = find_source(home.path.parent / "source")
    feed(source, LAST - 60)
    before = looking_now(home, monkeypatch)
    assert before.scorer.day == LAST - 60
    with Ledger(home.path / "ledger.db") as ledger:
        whole = ended(home, ledger, begun(before, ledger, BatchOf()).job)
        status = begun(before, ledger, BatchOf(), replace(SYSTEM, retry="across the load"))
        across = job_folder(home.path).job(status.job, "system")
        assert not carry_out(home.path, across, ledger, stopping_after(1))
        feed(source, LAST)
        assert looking_now(home, monkeypatch).scorer.day == LAST
        assert carry_out(home.path, across, ledger, always)
    records = [dossier(home.path, str(job.progress().record_id)).record for job in (whole, across)]
    assert [record.as_of for record in records] == [LAST - 60] * 2
    assert records[0].rows == records[1].rows is not None
    [replay] = dossier(home.path, str(across.progress().record_id)).replays()
    assert replay.identical


def test_an_outcome_that_was_posted_counts_in_a_job_as_it_does_in_a_score(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = home.record.target
    firms = home.scorer.ranks[target].keys.tolist()
    silent = [case.probability for case in home.scorer.by_id(target, "enterprise", firms).cases]
    count = len(firms)
    outcomes = {
        "inspection": [f"posted-{place}" for place in range(count)],
        "enterprise": firms,
        "kind": ["routine"] * count,
        "opened": [LAST - 30] * count,
        "closed_on": [LAST - 20] * count,
        "recorded_on": [LAST - 20] * count,
        "workers_total": [90] * count,
        **{f"examined_{violation}": [1] * count for violation in range(1, 6)},
        **{f"found_{violation}": [1] * count for violation in range(1, 6)},
        **{f"workers_{violation}": [60] * count for violation in range(1, 6)},
    }
    write_journal_part(home.path / "journal" / "random", "outcomes", "posted", outcomes)
    taught = looking_now(home, monkeypatch)
    cases = taught.scorer.by_id(target, "enterprise", firms).cases
    with Ledger(home.path / "ledger.db") as ledger:
        job = ended(home, ledger, begun(taught, ledger, BatchOf()).job)
    scores = scores_of(home, job)
    assert scores == {case.key: case.probability for case in cases}
    assert [scores[firm] for firm in firms] != silent


DYING = """
import os, signal, sys
from pathlib import Path
from serving.scoring.batch_job import Job
with Job(Path(sys.argv[1])).at_work():
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_job_that_kills_each_process_fails_with_a_clear_word(home: Home) -> None:
    room = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    with Ledger(home.path / "ledger.db") as ledger:
        status = begun(home, ledger, BatchOf())
        job = job_folder(home.path).job(status.job, "system")
        dying = [sys.executable, "-c", DYING, str(job.folder)]
        for number in range(batch_job.MOST_STARTS):
            # one that is stopped alive, and one that finished a part, count for nothing
            if number == 1:
                assert not carry_out(home.path, job, ledger, stopping_after(1))
            assert subprocess.run(dying, env=room, check=False).returncode == -signal.SIGKILL
        assert not carry_out(home.path, job, ledger, stopping_after(1))
        for _ in range(batch_job.MOST_STARTS):
            subprocess.run(dying, env=room, check=False)
        assert carry_out(home.path, job, ledger, always)
        failed = begun(home, ledger, BatchOf())
        assert failed.state == "failed" and failed.problem is not None
        assert failed.problem.message.startswith("3 processes in turn were killed at this batch")
        assert head(home.path / "ledger.db").size == 5


def in_the_form_of_before(job: batch_job.Job) -> None:
    """Write what a job was asked for as the version before wrote it."""
    asked = json.loads((job.folder / "asked.json").read_text("utf-8"))
    asked["store"] = f"{asked.pop('source')}-{asked.pop('fingerprint')}"
    asked["ids"] = json.loads((job.folder / "ids.json").read_text("utf-8"))
    del asked["history"], asked["units"]
    (job.folder / "asked.json").write_text(json.dumps(asked | {"version": 1}), "utf-8")
    (job.folder / "ids.json").unlink()


def test_a_job_of_the_form_of_before_says_so_and_one_that_ended_keeps_its_record(
    home: Home,
) -> None:
    with Ledger(home.path / "ledger.db") as ledger:
        jobs = job_folder(home.path)
        waiting = jobs.job(begun(home, ledger, BatchOf()).job, "system")
        in_the_form_of_before(waiting)
        waiting = jobs.job(waiting.number, "system")
        assert waiting.progress().of == units_of(home)
        assert carry_out(home.path, waiting, ledger, always)
        failed = begun(home, ledger, BatchOf())
        assert failed.state == "failed" and failed.problem is not None
        assert "begun by an earlier version" in failed.problem.message
        one = replace(SYSTEM, retry="k2")
        status = begun(home, ledger, BatchOf(), one)
        in_the_form_of_before(jobs.job(status.job, "system"))
        ending = batch_job.JobEnding(state="done", record_id=home.record_id)
        jobs.job(status.job, "system").end(ending)
        again = begun(home, ledger, BatchOf(), one)
        assert (again.state, again.record_id, again.done) == ("done", home.record_id, again.of)


def test_a_job_whose_units_are_damaged_fails_and_one_that_ended_holds_none(home: Home) -> None:
    with Ledger(home.path / "ledger.db") as ledger:
        whole = ended(home, ledger, begun(home, ledger, BatchOf()).job)
        assert {path.name for path in files_in(whole.folder)} == {
            "asked.json",
            "ending.json",
            "lock",
        }
        for number, content in enumerate(('["E000"]', "[", None)):
            status = begun(home, ledger, BatchOf(), replace(SYSTEM, retry=f"k{number}"))
            job = job_folder(home.path).job(status.job, "system")
            ids = job.folder / "ids.json"
            ids.unlink()
            if content is not None:
                ids.write_text(content)
            assert carry_out(home.path, job, ledger, always)
            problem = job.progress().problem
            assert problem is not None and "cannot be read; ask for the batch again" in problem[1]


@pytest.mark.parametrize("content", ["{", '{"version": 2}', None])
def test_a_job_that_no_longer_says_what_was_asked_goes_as_long_after_its_end(
    home: Home, content: str | None
) -> None:
    jobs = job_folder(home.path)
    with Ledger(home.path / "ledger.db") as ledger:
        whole = ended(home, ledger, begun(home, ledger, BatchOf()).job)
    asked, ending = whole.folder / "asked.json", whole.folder / "ending.json"
    asked.unlink()
    if content is not None:
        asked.write_text(content)
    moment = datetime(2015, 8, 1, 12, tzinfo=UTC)
    os.utime(ending, (moment.timestamp(), moment.timestamp()))
    until = day_of((moment + timedelta(days=KEPT_DAYS)).date())
    assert expired_jobs(jobs, until) == []
    due = expired_jobs(jobs, until + 1)
    assert due == [whole.folder] and unreadable_jobs(due) == 1


def test_a_job_that_has_ended_goes_with_the_payload_of_its_record_and_the_ledger_says_so(
    home: Home,
) -> None:
    path, jobs = home.path / "ledger.db", job_folder(home.path)
    last_moment = datetime.fromisoformat(AT) + timedelta(days=KEPT_DAYS)
    until = day_of(last_moment.date()) + 1
    with Ledger(path) as ledger:
        whole = ended(home, ledger, begun(home, ledger, BatchOf()).job)
        running = begun(home, ledger, BatchOf(), replace(SYSTEM, retry="running")).job
        act = Act("look", "tester", "k", subject_digest({}), {})
        moment = last_moment + timedelta(days=1)
        entry = act_entry(act, Seen(until, until, ""), moment=moment, kept_days=1_000)
        ledger.append(entry).result(10)
    assert expired_jobs(jobs, until - 1) == []
    due = tuple(expired_jobs(jobs, until))
    assert due == (whole.folder,)
    order = Expiry(until, "tester", moment, 1_000, due)
    _, record_id = expire(path, order)
    assert act_of(find(path, record_id).payload or b"").content["jobs"] == 1
    assert not whole.folder.exists() and (jobs.place / running).is_dir()
    assert verify(path, until).whole
    # done again, or by two at once, it finds nothing left to do
    assert expire(path, order) == (0, "")
