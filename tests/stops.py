"""Commands stopped at named points: a server that forks a process for each, and what a home holds.

The server has imported all that commands import and has done no work, so that a process of its own
begins in milliseconds. In each the hook `features.files.reached` is ours: it notes every point, and
puts a signal at the one that was asked for.
"""

from __future__ import annotations

import atexit
import gc
import hashlib
import importlib
import json
import os
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NoReturn

from features.files import LOCK_AWAITED

ROOT = Path(__file__).parents[1]
UNFINISHED = re.compile(r"\.unfinished-\d+-[0-9a-f]{16}")
CHANGING = re.compile(r"[0-9a-f]{12,}")
"""The parts of a point's name that are digests, numbers of runs and days without a dash."""
SECRET = re.compile(rb"[0-9a-f]{64}")
"""What a seed holds while it is secret: it is another in each run."""
MOMENT = re.compile(rb"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:\.\d+)?(?:\+00:00|Z)?")
SIGNATURE = re.compile(rb"(?:\xe2\x80\x94|\\u2014) \S+ [A-Za-z0-9+/=]+")
"""What signs a checkpoint, and with it the moment of its making."""
ALL = ("features", "models", "training", "serving", "simulation")
NOT_OURS = {
    "features.sql.spark",
    "training.certificate.spark_equivalence",
    "serving.api.service",
    "serving.gate.startup",
}
"""What commands import that another program runs."""
MLFLOW = (
    "mlflow.pyfunc",
    "mlflow.entities",
    "mlflow.store.tracking.sqlalchemy_store",
    "mlflow.store.model_registry.sqlalchemy_store",
    "rich.progress",
)
"""What a command that trains imports on its way, which would take each of its runs a second or two."""
COPY_OF_THE_JOURNAL = re.compile(r"home/stores/[^/]+/journal/")
"""It is named by what it copies, so that a plan stopped half-way may leave one more."""
POSTED = re.compile(r"home/journal/[^/]+/(outcomes|alerts)/")
"""Rows that name their own record in the ledger."""
GENERATION = "home/bundles/generations/"
RECORD = re.compile(rb'"\d+-[0-9a-f]{10}"')
"""The number of the batch of a scored day, which holds a digest of its moment and of a salt."""
DATABASES = ("ledger.db", "mlflow.db", "alerts.index")
"""Files that SQLite keeps whole. The index of alerts holds times of change, and is made again where it is lost."""


@dataclass(frozen=True, slots=True)
class Stop:
    """A signal put at the first time that a run reaches a point; SIGSTOP holds the run there."""

    point: str
    signal: signal.Signals

    def __str__(self) -> str:
        return f"{self.point} | {self.signal.name}"


@dataclass(frozen=True, slots=True)
class Ended:
    """How a run ended: its exit code (less than 0: the signal), what it said, and its points."""

    code: int
    out: str
    err: str
    points: tuple[str, ...]
    unnamed: tuple[str, ...]
    seen: tuple[tuple[str, str], ...]

    @property
    def refused_in_one_line(self) -> bool:
        return (self.code, self.out) == (2, "") and re.fullmatch(
            r"error: [a-z_]+: [^\n]+\n", self.err
        ) is not None


@dataclass(slots=True)
class Server:
    """It forks a process for each command: `home/` is $LSSI_HOME, `out/` is for files."""

    place: Path
    packages: tuple[str, ...] = ALL
    process: subprocess.Popen[str] = field(init=False)
    runs: int = 0

    def __post_init__(self) -> None:
        room = os.environ | {
            "PYTHONPATH": str(ROOT),
            "OMP_NUM_THREADS": "1",
            "LSSI_HOME": str(self.home),
        }
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.stops", *self.packages],
            cwd=ROOT,
            env=room,
            text=True,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )

    @property
    def home(self) -> Path:
        return self.place / "home"

    def close(self) -> None:
        self.process.communicate()

    def run(self, words: list[str], stop: Stop | None = None) -> Ended:
        """Run one command to its end."""
        return self._asked([(words, stop)])[0]

    def pair(self, words: list[str], held: str) -> tuple[Ended, Ended]:
        """Run a command twice: the first is held at a point till the second ends or waits."""
        first, second = self._asked([(words, Stop(held, signal.SIGSTOP)), (words, None)])
        return first, second

    def _asked(self, jobs: list[tuple[list[str], Stop | None]]) -> list[Ended]:
        asked = []
        for words, stop in jobs:
            self.runs += 1
            folder = self.place / "said" / str(self.runs)
            folder.mkdir(parents=True)
            asked.append(
                {
                    "words": words,
                    "folder": str(folder),
                    "place": str(self.place),
                    "stop": [stop.point, int(stop.signal)] if stop else None,
                }
            )
        assert self.process.stdin is not None and self.process.stdout is not None
        self.process.stdin.write(json.dumps(asked) + "\n")
        self.process.stdin.flush()
        codes = json.loads(self.process.stdout.readline())
        return [ended(Path(job["folder"]), code) for job, code in zip(asked, codes, strict=True)]


def ended(folder: Path, code: int) -> Ended:
    """Return how a run ended, from what it left in its folder."""
    out, err = ((folder / name).read_text("utf-8") for name in ("out", "err"))
    lines = (folder / "points").read_text("utf-8").splitlines()
    points = [line.removeprefix("point ") for line in lines if line.startswith("point ")]
    unnamed = [line.removeprefix("unnamed ") for line in lines if line.startswith("unnamed ")]
    states = [line.split(" ", 2) for line in lines if line.startswith("seen ")]
    seen = tuple((name, digest) for _, digest, name in states)
    shutil.rmtree(folder)
    return Ended(code, out, err, tuple(dict.fromkeys(points)), tuple(unnamed), seen)


def noted_by(job: dict[str, Any]) -> Path:
    """Return the file in which a run notes its points."""
    return Path(job["folder"], "points")


class Hook:
    """It stands in the place of `features.files.reached`, and notes each point and what changed."""

    def __init__(self) -> None:
        self.file = -1
        self.place = Path()
        self.stop: tuple[str, int] | None = None
        self.before = "begin"
        self.known: dict[str, tuple[int, int, int]] = {}

    def begin(self, job: dict[str, Any]) -> None:
        self.file = os.open(noted_by(job), os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        self.place = Path(job["place"])
        self.stop = tuple(job["stop"]) if job["stop"] else None
        self.known = dict(listing(self.place))

    def reached(self, point: str) -> None:
        """Note a point, and stop there if that is asked."""
        if self.file < 0:
            return
        point = CHANGING.sub("*", point)
        self._changes(point)
        os.write(self.file, f"point {point}\n".encode())
        if self.stop is not None and self.stop[0] == point:
            number, self.stop = self.stop[1], None
            os.kill(os.getpid(), number)

    def end(self) -> None:
        self._changes("the end")

    def _changes(self, point: str) -> None:
        if self.stop is not None:
            return
        now = dict(listing(self.place))
        changed = sorted(dict(now.items() ^ self.known.items()))
        if changed and not self.before.startswith("before "):
            os.write(
                self.file, f"unnamed {changed[:3]} between {self.before!r} and {point!r}\n".encode()
            )
        for name in changed:
            if name in now:
                digest = digest_of(self.place / name, name)
                os.write(self.file, f"seen {digest} {name}\n".encode())
        self.known, self.before = now, point


def listing(place: Path) -> Iterator[tuple[str, tuple[int, int, int]]]:
    """Yield each finished file that a command has written, with what a new writing changes.

    Locks are left out, and databases, which SQLite's own log makes whole, with MLflow's artifacts.
    """
    for path in finished(place):
        apart = path.suffix == ".lock" or path.name.startswith(DATABASES)
        if not apart and not path.is_relative_to(place / "home" / "mlflow"):
            with suppress(FileNotFoundError):
                status = path.stat()
                yield (
                    str(path.relative_to(place)),
                    (status.st_ino, status.st_size, status.st_mtime_ns),
                )


def finished(place: Path) -> Iterator[Path]:
    """Yield each file below `home` and `out` that is not within an unfinished folder."""
    for top in ("home", "out"):
        for folder, folders, names in os.walk(place / top):
            folders[:] = sorted(name for name in folders if not UNFINISHED.fullmatch(name))
            yield from (
                Path(folder, name) for name in sorted(names) if not UNFINISHED.fullmatch(name)
            )


def unfinished(place: Path) -> list[str]:
    """Return what killed runs left below `home` and `out`."""
    names = [
        os.path.relpath(Path(folder, name), place)
        for top in ("home", "out")
        for folder, folders, files in os.walk(place / top)
        for name in (*folders, *files)
    ]
    return [name for name in names if UNFINISHED.fullmatch(Path(name).name)]


State = dict[str, Any]
"""What a place holds: digests by file; of databases what they say, without moments and keys."""


def state_of(place: Path) -> State:
    """Return what a place holds, readable and whole; fails where a database is not."""
    home, state = place / "home", dict(files_of(place))
    if (home / "mlflow.db").exists():
        state["registry"] = registry_of(home)
    if (home / "ledger.db").exists():
        state["ledger"] = ledger_of(home)
    if (home / "keys.json").exists():
        state["keys"] = [
            (key["name"], key["role"])
            for key in json.loads((home / "keys.json").read_text("utf-8"))["keys"]
        ]
    return state


def files_of(place: Path) -> Iterator[tuple[str, str]]:
    for path in finished(place):
        name = str(path.relative_to(place))
        apart = name.startswith(("home/mlflow/", "home/ledger.db", "home/mlflow.db")) or name in (
            "home/keys.json",
            "home/ledger.key",
        )
        apart = apart or COPY_OF_THE_JOURNAL.match(name) is not None
        if not apart and path.suffix != ".lock":
            yield name, digest_of(path, name)


def digest_of(path: Path, name: str) -> str:
    """Return the digest of a file; without the moment of its making, and of a seed without its chance."""
    content = path.read_bytes()
    if POSTED.match(name):
        # a record's number holds a digest of the moment and of a salt
        from features.ingest.scan import read_parquet

        rows = read_parquet(path).drop("outcome", "supersedes", "record", strict=False)
        content = rows.write_json().encode()
    if name.startswith("out/") and path.suffix in (".html", ".txt"):
        content = SIGNATURE.sub(b"signature", MOMENT.sub(b"moment", content))
    if name.startswith(GENERATION):
        content = RECORD.sub(b"a record", content)
    if path.suffix == ".seed":
        content = SECRET.sub(b"a secret seed", content)
    return hashlib.sha256(content).hexdigest()


def registry_of(home: Path) -> Any:
    """Return the finished versions by digest, with the champion, and how many are unfinished."""
    with closing(sqlite3.connect(f"file:{home / 'mlflow.db'}?mode=ro", uri=True)) as connection:
        asked = (
            "SELECT v.name, t.value, a.alias FROM model_versions v "
            "JOIN runs r ON r.run_uuid = v.run_id "
            "JOIN model_version_tags t ON t.name = v.name AND t.version = v.version "
            "AND t.key = 'digest' "
            "LEFT JOIN registered_model_aliases a ON a.name = v.name AND a.version = v.version "
            "WHERE r.status = 'FINISHED' AND r.lifecycle_stage = 'active' "
            "AND v.current_stage <> 'Deleted_Internal'"
        )
        versions = sorted(map(str, connection.execute(asked).fetchall()))
        begun = connection.execute(
            "SELECT count(*) FROM runs WHERE status <> 'FINISHED' AND lifecycle_stage = 'active'"
        )
        return versions, begun.fetchone()[0]


def ledger_of(home: Path) -> Any:
    """Return what each record of a ledger rests on; fails unless the ledger agrees with itself."""
    from serving.proof.audit import verify

    assert verify(home / "ledger.db", 20_000, None).whole
    with closing(sqlite3.connect(home / "ledger.db")) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        payloads = [
            bytes(payload)
            for (payload,) in connection.execute("SELECT payload FROM payloads ORDER BY sequence")
        ]
        entries = connection.execute("SELECT count(*) FROM entries").fetchone()[0]
    rows = [_rests_on(payload) for payload in payloads]
    return entries, rows


def _rests_on(payload: bytes) -> tuple[str, str]:
    """Return the kind of a record with the digest of its rows, or what an act was with the digest of its subject."""
    from serving.ledger.act import act_of
    from serving.ledger.record import record_of

    if "subject" in json.loads(payload):
        act = act_of(payload)
        return act.what, act.subject
    record = record_of(payload)
    return record.kind, record.rows.digest if record.rows else ""


def serve() -> dict[str, Any]:
    """Fork a process for each command that is asked for; in such a process, return its job."""
    while line := sys.stdin.readline():
        jobs = json.loads(line)
        pids: list[int] = []
        for job in jobs:
            if (pid := os.fork()) == 0:
                return dict(job)
            pids.append(pid)
            if job["stop"] and job["stop"][1] == signal.SIGSTOP:
                held_until(pid)
        codes = codes_of(pids) if len(pids) == 1 else codes_of_pair(*pids, noted_by(jobs[-1]))
        sys.stdout.write(json.dumps(codes) + "\n")
        sys.stdout.flush()
    os._exit(0)


def held_until(pid: int) -> None:
    """Return once a process is held, or has ended before it came to its point."""
    os.waitid(os.P_PID, pid, os.WEXITED | os.WSTOPPED | os.WNOWAIT)


def codes_of(pids: list[int]) -> list[int]:
    return [os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) for pid in pids]


def codes_of_pair(first: int, second: int, points: Path) -> list[int]:
    """Let the first go on as soon as the second has ended or waits for a lock, of which its points tell."""
    while os.waitid(os.P_PID, second, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None:
        if waits(second) or waits_by_looking(points):
            break
        time.sleep(0.005)
    with suppress(ProcessLookupError):
        os.kill(first, signal.SIGCONT)
    return codes_of([first, second])


def waits_by_looking(points: Path) -> bool:
    """Tell whether a run has found a lock held by another, at which it looks again and again."""
    return points.exists() and f"point {LOCK_AWAITED} " in points.read_text("utf-8")


def waits(pid: int) -> bool:
    """Tell whether the kernel lets a process wait for a lock."""
    lines = Path("/proc/locks").read_text("utf-8").splitlines()
    return any(words[1] == "->" and str(pid) in words for line in lines if (words := line.split()))


def run_job(hook: Hook, job: dict[str, Any]) -> NoReturn:
    """Run a command as a process of its own would; `-c` and a text is a program."""
    import lssi

    hold = {
        0: (os.devnull, os.O_RDONLY),
        1: (f"{job['folder']}/out", os.O_WRONLY | os.O_CREAT),
        2: (f"{job['folder']}/err", os.O_WRONLY | os.O_CREAT),
    }
    for number, (path, how) in hold.items():
        opened = os.open(path, how)
        os.dup2(opened, number)
        os.close(opened)
    os.chdir(job["place"])
    sys.argv = ["lssi", *job["words"]]
    hook.begin(job)
    code = 0
    try:
        if job["words"][0] == "-c":
            exec(job["words"][1])
        else:
            lssi.main()
    except SystemExit as left:
        code = int(left.code or 0)
    finally:
        hook.end()
    ending(code)


def ending(code: int) -> NoReturn:
    """End as the interpreter does, but leave the modules: to take them down takes over a second."""
    threading._shutdown()
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


def imported(hook: Hook, packages: list[str]) -> None:
    """Import all of some packages, after the hook has taken its place."""
    import features.files

    features.files.reached = hook.reached
    from features.ingest.scan import files_below

    for package in packages:
        for path in files_below(ROOT / package, "*.py"):
            name = ".".join(path.relative_to(ROOT).with_suffix("").parts)
            if name not in NOT_OURS:
                importlib.import_module(name.removesuffix(".__init__"))
    further = MLFLOW if "training" in packages else ()
    for name in (*further, "pandera.polars", "lssi"):
        importlib.import_module(name)


if __name__ == "__main__":
    import warnings

    warnings.simplefilter("ignore")
    the_hook = Hook()
    imported(the_hook, sys.argv[1:])
    gc.collect()
    gc.freeze()  # so that a collection in a child does not copy all that was imported
    run_job(the_hook, serve())
