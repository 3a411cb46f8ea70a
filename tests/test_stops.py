"""Every command is stopped before and after each write, and run twice at once; nothing is lost.

Which points a command has is found by running it. `make test` stops a few commands, and
`make test-slow` all of them everywhere; those that need a model in `test_stops_models`.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import sys
import tarfile
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import cycle, islice
from pathlib import Path
from typing import Any

import pytest

from tests.stops import ALL, Ended, Server, State, Stop, state_of, unfinished
from tests.test_house import commands
from tests.unpacking import unpack

SIGNALS = (signal.SIGTERM, signal.SIGKILL, signal.SIGINT)
CODES = {signal.SIGTERM: 143, signal.SIGKILL: -9, signal.SIGINT: 130}
MANY = 24
"""With more points, only the first of each kind is stopped, and a run goes on from the last one; a choice."""
EVERY_SIGNAL = "LSSI_EVERY_SIGNAL"
"""Set to 1, each point meets all signals, three times the work, and not one in turn."""
KIND = re.compile(r"(?:before|after) (\S*\.)?(.+)")
WRITES_NOTHING = {"contract", "ledger find", "ledger verify", "lottery verify"}
APART = {"serve", "simulate-policy"}
"""The service has processes of its framework's, which `test_api_service` kills; a trial of policies takes minutes, and
`test_policy_trial` stops it between its writes."""
Hand = Callable[..., Path]


@dataclass(frozen=True, slots=True)
class Scene:
    """A command, those that go before it, and whether it begins with a promoted model.

    `{record}` in its words is the record that the last of the commands before it made.
    """

    name: str
    words: str
    before: tuple[str, ...] = ()
    trained: bool = False


LOADS = tuple(f"load hand --day 2015-06-{day}" for day in (28, 29, 30))
READ = ("check hill-side",)
"""It loads the source, so that a command that reads it is stopped at points of its own; `features` loads it itself."""
TRAIN = "train undeclared_workers hill-side"
PROMOTE = "promote undeclared_workers 1 --although trial"
BATCH = "batch undeclared_workers hill-side --json"
FEATURES = (
    "measure | odd | enterprises | enterprise | since | | since * 2 | days | 奇 | odd\n"
    "enterprise | odd | newest(odd, all) | days | none | staff | 奇 | odd |\n"
)
OUTCOME = {
    "inspection": "i1",
    "enterprise": "e1",
    "plan": "P",
    "opened": "2015-07-07",
    "closed_on": "2015-07-08",
    "examined": [1],
    "found": [{"violation": 1, "workers": 2}],
}
LONG_AGO = """-c
import datetime
class Then(datetime.datetime):
    now = classmethod(lambda then, zone: then(2010, 7, 1, tzinfo=zone))
lssi.clock.datetime, sys.argv = Then, ["lssi", "batch", "undeclared_workers", "hill-side"]
lssi.main()
"""
COMMIT = "lottery commit hill-side --week 2015-07-06 --minutes 600 --public-name close --public-at"
COMMITTED_LONG_AGO = f"""-c
import datetime
class Then(datetime.datetime):
    now = classmethod(lambda then, zone: then(2010, 7, 1, tzinfo=zone))
lssi.clock.datetime, sys.argv = Then, ["lssi", *{(COMMIT + " 2010-07-02T00:00Z").split()}]
lssi.main()
"""
DRAW = "lottery draw hill-side --week 2015-07-06 --public 3686.92"
A_PLAN = """-c
from features.calendar import day_of
from features.home import home
from features.store.journal import write_journal_part
day = day_of("2015-07-06")
line = {"plan": "P", "enterprise": "e1", "cell": None, "week": day, "position": 1,
        "planned_minutes": 240, "why": "score", "recorded_on": day}
columns = {name: [value] for name, value in line.items()}
write_journal_part(home() / "journal" / "hand", "plans", "undeclared.P", columns)
"""
"""A plan by hand, for a source of which no model is trained."""
PLANNED = ("check hand", A_PLAN)
SIGNED = (BATCH, "ledger checkpoint --out out/c.txt")
FIRST_WITNESS = """-c
import contextlib, io
key = io.StringIO()
with contextlib.redirect_stdout(key):
    lssi.app(["ledger", "key"], standalone_mode=False)
sys.argv = ["lssi", "ledger", "witness", "out/p.txt", "--log-key", key.getvalue().strip()]
lssi.main()
"""
WITNESSED = (
    *SIGNED,
    "ledger consistent --out out/p.txt",
    FIRST_WITNESS,
    BATCH,
    "ledger consistent out/c.txt --out out/p.txt",
)
AN_ALERT = """-c
from features.calendar import day_of
from features.home import home
from features.store.journal import write_journal_part
day = day_of("2015-07-06")
row = {"alert": "A", "enterprise": "e1", "team": None, "issued_on": day, "violation": 1,
       "rule": "r", "record": "0-0123456789", "recorded_on": day}
columns = {name: [value] for name, value in row.items()}
write_journal_part(home() / "journal" / "hand", "alerts", "alerts-00000000", columns)
"""
"""An alert by hand, whose number can stand in the words of a command."""
EARLIER = """-c
from features.home import home
from models.bundle.champions import ModelKey
from models.bundle.generation import generation_file, pointer_of
bundles = home() / "bundles"
pointer = pointer_of(bundles, ModelKey("hill-side", "undeclared_workers"))
(bundles / "undeclared_workers.json").write_text(pointer.model_dump_json(), "utf-8")
generation_file(bundles, "hill-side").unlink()
"""
"""A home in which the model in use is named as an earlier version named it."""
HALTED = """-c
from tests.halts import halted
halted("hill-side", "undeclared_workers")
"""
SCENES = (
    Scene("city", "city out/city --enterprises 60 --months 3"),
    Scene(
        "city, again",
        "city out/city --enterprises 60 --months 3",
        ("city out/city --enterprises 60 --months 3",),
    ),
    Scene(
        "city of the platform", "city out/dump --enterprises 60 --months 3 --layout core_platform"
    ),
    Scene("check", "check hand"),
    Scene("load, the first", LOADS[0]),
    Scene("load, a later day", LOADS[1], LOADS[:1]),
    Scene("load --compact", "load hand --compact", LOADS),
    Scene(
        "features", "features hill-side --entity enterprise --as-of 2015-06-30 --out out/f.parquet"
    ),
    Scene(
        "features known",
        "features hill-side --entity claim --as-of known --out out/f.parquet",
        READ,
    ),
    Scene("matches", "matches hill-side --as-of 2015-06-30 --out out/m.csv", READ),
    Scene("novelty", "novelty hill-side --as-of 2015-06-30 --out out/n.csv", READ),
    Scene("appraise", "appraise hill-side --as-of 2015-06-30 --out out/a.csv", READ),
    Scene("classify", "classify hill-side --as-of 2015-06-30 --out out/c.csv", READ),
    Scene("medals", "medals hill-side --as-of 2015-06-30 --out out/m.parquet", READ),
    Scene("exposures", "exposures hill-side --as-of 2015-06-30 --out out/e.csv", READ),
    Scene("dictionary", "dictionary hand"),
    Scene("certify", "certify hand --as-of 2015-06-28"),
    Scene("train", TRAIN, READ),
    Scene("tune", "tune undeclared_workers hill-side --trials 2", READ),
    Scene(
        "ablate",
        "ablate undeclared_workers hill-side --feature-file more.txt --only-file",
        READ,
    ),
    Scene("promote", PROMOTE, (TRAIN,), trained=True),
    Scene("plan", "plan hill-side --week 2015-07-01 --minutes 600", trained=True),
    Scene("lottery commit", f"{COMMIT} 2100-01-01T00:00Z", trained=True),
    Scene("lottery draw", DRAW, (COMMITTED_LONG_AGO,), trained=True),
    Scene(
        "lottery price",
        "lottery price hill-side --week 2015-07-06 --minutes 600",
        trained=True,
    ),
    Scene(
        "features after a plan",
        "features hill-side --entity enterprise --as-of 2015-06-30 --out out/f.parquet",
        ("plan hill-side --week 2015-06-17 --minutes 600",),
        trained=True,
    ),
    Scene("alerts", "alerts uncovered --as-of 2015-06-30 --on 2015-07-01", ("check uncovered",)),
    Scene("acknowledge", "acknowledge hand --alert A --on 2015-07-10", ("check hand", AN_ALERT)),
    Scene("outcome", "outcome hand --file outcome.json --on 2015-07-10", PLANNED),
    Scene(
        "override",
        "override hand --plan P --enterprise e1 --decision accept --reason agrees --on 2015-07-10",
        PLANNED,
    ),
    Scene("overrides", "overrides hill-side --as-of 2015-06-30", READ),
    Scene(
        "appeal",
        "appeal hand --appeal a --enterprise e1 --table enterprises --row enterprises-2 "
        "--lodged 2015-07-06 --on 2015-07-10",
        ("check hand",),
    ),
    Scene(
        "monitor --record",
        "monitor undeclared_workers hill-side --as-of 2015-06-30 --record",
        trained=True,
    ),
    Scene(
        "estimate",
        "estimate hill-side --target undeclared_workers --from 2015-01-01 --to 2015-06-30",
        trained=True,
    ),
    Scene(
        "why",
        "why hill-side e017 --week 2015-07-01 --minutes 600",
        trained=True,
    ),
    Scene(
        "lift",
        "lift undeclared_workers hill-side --by me --reason checked",
        (HALTED,),
        trained=True,
    ),
    Scene("batch", BATCH, trained=True),
    Scene("batch of a day that is in use", BATCH, (BATCH,), trained=True),
    Scene("promote beside a scored day", PROMOTE, (TRAIN, BATCH), trained=True),
    Scene("day", "day hill-side", trained=True),
    Scene("replay", "replay {record} --unit e017", (BATCH,), trained=True),
    Scene("report", "report {record} --unit e017 --out out/report.html", (BATCH,), trained=True),
    Scene("notice", "notice {record} --unit e017 --out out/notice.html", (BATCH,), trained=True),
    Scene("peers", "peers {record} --unit e017", (BATCH,), trained=True),
    Scene("key add", "key add mine --role system", ("key add other --role auditor",)),
    Scene("key rotate", "key rotate mine", ("key add mine --role system",)),
    Scene("key list", "key list", ("key add mine --role system",)),
    Scene("key remove", "key remove mine", ("key add mine --role system",)),
    Scene("ledger checkpoint", "ledger checkpoint --out out/c.txt", (BATCH,), trained=True),
    Scene("ledger key", "ledger key", (BATCH,), trained=True),
    Scene("ledger prove", "ledger prove {record} --out out/p.txt", SIGNED, trained=True),
    Scene("ledger consistent", "ledger consistent out/c.txt --out out/p.txt", SIGNED, trained=True),
    Scene("ledger export", "ledger export --out out/e.txt", SIGNED, trained=True),
    Scene(
        "ledger copy",
        "ledger copy home/ledger.db home/ledger.db.copy",
        (BATCH,),
        trained=True,
    ),
    Scene("ledger witness", "ledger witness out/p.txt", WITNESSED, trained=True),
    Scene("ledger expire", "ledger expire", (BATCH, LONG_AGO), trained=True),
    Scene("adopt", "adopt moved", (LOADS[0],)),
    Scene("upgrade", "upgrade --who me", ("key add mine --role system", EARLIER), trained=True),
)


class Stage:
    """One server in a place of its own, with sources, and the homes that scenes begin in."""

    def __init__(self, place: Path, hand_source: Hand, packages: tuple[str, ...] = ALL) -> None:
        self.place, self.record = place, ""
        (place / "out").mkdir(parents=True)
        write_sources(place, hand_source)
        self.server = Server(place, packages)

    def begin(self, scene: Scene) -> None:
        """Lay out what a scene begins with, and keep a copy of it."""
        self.restore("trained" if scene.trained else "empty")
        for words in scene.before:
            done = self.server.run(split(words))
            assert done.code == 0, (words, done)
            self.record = json.loads(done.out)["record_id"] if words == BATCH else self.record
        self.keep("begun")

    def keep(self, name: str) -> None:
        shutil.rmtree(self.place / name, ignore_errors=True)
        for top in ("home", "out"):
            shutil.copytree(self.place / top, self.place / name / top, symlinks=True)

    def restore(self, name: str) -> None:
        """Put back what was kept under a name; `empty` is nothing, `trained` is made if needed."""
        if name == "trained" and not (self.place / name).exists():
            self.restore("empty")
            assert self.server.run(TRAIN.split()).code == 0
            self.keep(name)
        for top in ("home", "out"):
            shutil.rmtree(self.place / top, ignore_errors=True)
            if (self.place / name / top).exists():
                shutil.copytree(self.place / name / top, self.place / top, symlinks=True)
            (self.place / top).mkdir(exist_ok=True)

    def words(self, scene: Scene) -> list[str]:
        return split(scene.words.format(record=self.record))

    def run(self, scene: Scene, stop: Stop | None = None) -> Ended:
        return self.server.run(self.words(scene), stop)


def split(words: str) -> list[str]:
    """Return the words of a command; `-c` and a program are two."""
    return words.split("\n", 1) if words.startswith("-c") else words.split()


@dataclass(frozen=True, slots=True)
class Whole:
    """What a scene does when nobody stops it: its points, and each state of a file on the way.

    `ends` has its code and what it leaves when it is run once, and once more.
    """

    points: tuple[str, ...]
    before: State
    seen: frozenset[tuple[str, str]]
    ends: tuple[tuple[int, State], ...]


def write_sources(place: Path, hand_source: Hand) -> None:
    """Write a source by hand, and take that of the old home, of which a model can be learned."""
    firms = [
        {
            "enterprise": f"e{number}",
            "since": "2012-01-01",
            "kind": "company",
            "section": "C",
            "recorded_on": f"2015-06-{27 + number % 4}",
        }
        for number in range(12)
    ]
    paid = [
        {
            "enterprise": f"e{number}",
            "month": f"2015-0{month}",
            "employees": 5,
            "payroll": 100,
            "recorded_on": f"2015-06-{27 + number % 4}",
        }
        for number in range(12)
        for month in (3, 4)
    ]
    hand_source(
        place / "hand",
        {"enterprises": [*firms, firms[0] | {"since": "never"}], "tax_payroll": paid},
    )
    spell = {"worker": "w1", "enterprise": "e1", "started": "2014-01-01"}
    hand_source(
        place / "uncovered",
        {
            "enterprises": firms[:3],
            "tax_payroll": [paid[0] | {"enterprise": "e1", "month": "2015-05", "employees": 98}],
            "enrolments": [spell | {"scheme": "pension"}],
            "employment": [spell],
        },
    )
    with tarfile.open(Path(__file__).parent / "fixtures" / "home_before_12.tar.xz") as archive:
        members = [member for member in archive if member.name.startswith("sources/hill-side")]
        unpack(archive, place, members)
    (place / "sources" / "hill-side").rename(place / "hill-side")
    shutil.copytree(place / "hand", place / "moved")
    (place / "more.txt").write_text(FEATURES, "utf-8")
    (place / "outcome.json").write_text(json.dumps(OUTCOME), "utf-8")


def whole(stage: Stage, scene: Scene) -> Whole:
    """Run a scene twice without stopping it; fails where a file changes but not around a write."""
    stage.begin(scene)
    before = state_of(stage.place)
    first = stage.run(scene)
    ends = [(first.code, state_of(stage.place))]
    assert first.code == 0, first
    assert first.unnamed == () and unfinished(stage.place) == []
    second = stage.run(scene)
    ends.append((second.code, state_of(stage.place)))
    assert second.code == 0 or second.refused_in_one_line, second
    return Whole(first.points, before, frozenset(first.seen + second.seen), tuple(ends))


def stopped(stage: Stage, scene: Scene, stop: Stop, well: Whole) -> None:
    """Stop a scene at a point and run it again: nothing is half, lost or left."""
    stage.restore("begun")
    assert stopped_once(stage, scene, stop, well), str(stop)
    ends_well(stage, scene, str(stop), well)


def stopped_once(stage: Stage, scene: Scene, stop: Stop, well: Whole) -> bool:
    """Stop a scene and tell whether it came to the point; what an earlier run left is cleared."""
    left = set(unfinished(stage.place))
    done = stage.run(scene, stop)
    if stop.point not in done.points:
        assert same_end(done, state_of(stage.place), well), (str(stop), done)
        return False
    assert done.code == CODES[stop.signal], (str(stop), done)
    assert "Traceback" not in done.err and len(done.err.splitlines()) <= 1, (str(stop), done.err)
    now = set(unfinished(stage.place))
    assert not now & left and (stop.signal == signal.SIGKILL or not now), str(stop)
    nothing_is_half(state_of(stage.place), well, str(stop))
    return True


def ends_well(stage: Stage, scene: Scene, stop: str, well: Whole) -> None:
    """Run a scene after a stop: it ends as if there had been none."""
    again = stage.run(scene)
    assert unfinished(stage.place) == [], stop
    assert same_end(again, state_of(stage.place), well), (
        stop,
        again,
        differences(state_of(stage.place), well),
    )


def differences(state: State, well: Whole) -> list[str]:
    """Return what of a state is not as at the end of a whole run."""
    return [
        name
        for name in sorted({*state, *well.ends[0][1]})
        if state.get(name) != well.ends[0][1].get(name)
    ]


def nothing_is_half(state: State, well: Whole, stop: str) -> None:
    """Fail unless each file is as it was, or as it is at some point of a run that nobody stops."""
    held = [well.before, *(end for _, end in well.ends)]
    for name in sorted({*state, *well.before} - {"registry", "ledger"}):
        now = state.get(name)
        assert now in [one.get(name) for one in held] or (name, now) in well.seen, (name, stop)


def same_end(ended: Ended, state: State, well: Whole) -> bool:
    """Tell whether a run ended as one that nobody stopped: as the first, or as a second one."""
    return ended.code in {code for code, _ in well.ends} and is_end(state, well)


REPEATED = ("registry", "ledger")
"""What a second run adds to, with the same contents."""


SHOWS_HEAD = frozenset({"out/report.html", "out/e.txt"})
"""Files that show the ledger's head. Whoever writes one leaves an entry, whose salt is drawn, so a second one is its own."""


def is_end(state: State, well: Whole) -> bool:
    """Tell whether a place holds what one run or two leave.

    A run that registers or records several things may be stopped between them. Once it is run again, each of them stands
    no less often than after one run and no more often than after two. What a run records before it takes effect may stand
    twice, though a second run that nobody stops records nothing.
    """
    ends = [end for _, end in well.ends]
    if without_repeated(state) not in map(without_repeated, ends):
        return False
    first, second = ({name: counts_of(end.get(name)) for name in REPEATED} for end in ends)
    second["ledger"] |= first["ledger"] + first["ledger"]
    return all(first[name] <= counts_of(state.get(name)) <= second[name] for name in REPEATED)


def without_repeated(state: State) -> State:
    """Return a state without what a second run adds to; of a file that shows the head of the ledger, that it is there."""
    kept = {name: content for name, content in state.items() if name not in REPEATED}
    return kept | dict.fromkeys(kept.keys() & SHOWS_HEAD, "there")


def counts_of(content: Any) -> Counter[Any]:
    """Return how often each version or record stands, with the numbers that a registry or a ledger says of itself."""
    counts: Counter[Any] = Counter()
    for part in content or ():
        if isinstance(part, int):
            counts["number"] += part
        else:
            counts.update(part)
    return counts


def twice_at_once(stage: Stage, scene: Scene, held: str, well: Whole) -> None:
    """Run a scene twice at once: both end well or one refuses in a line; nothing else is left."""
    stage.restore("begun")
    runs = stage.server.pair(stage.words(scene), held)
    assert any(run.code == 0 for run in runs), (held, runs)
    assert all(run.code == 0 or run.refused_in_one_line for run in runs), (held, runs)
    assert unfinished(stage.place) == [], held
    assert is_end(state_of(stage.place), well), held


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory, hand_source: Hand) -> Iterator[Stage]:
    one = Stage(tmp_path_factory.mktemp("stage") / "place", hand_source, ("features", "simulation"))
    yield one
    one.server.close()


def scene_of(name: str) -> Scene:
    return next(scene for scene in SCENES if scene.name == name)


@pytest.mark.parametrize(
    ("name", "stop"),
    [
        ("city", Stop("before part-00000.parquet is in place", signal.SIGTERM)),
        ("load, a later day", Stop("after the part of a day is in place", signal.SIGKILL)),
        ("check", Stop("before hand-* is in place", signal.SIGINT)),
    ],
)
def test_a_stopped_command_loses_nothing_and_runs_again(
    stage: Stage, name: str, stop: Stop
) -> None:
    well = whole(stage, scene_of(name))
    assert stop.point in well.points
    stopped(stage, scene_of(name), stop, well)


def test_the_same_load_twice_at_once_closes_the_day_once(stage: Stage) -> None:
    scene = scene_of("load, a later day")
    twice_at_once(stage, scene, "before the part of a day is in place", whole(stage, scene))


@pytest.fixture(scope="module")
def whole_stage(tmp_path_factory: pytest.TempPathFactory, hand_source: Hand) -> Iterator[Stage]:
    """A stage for every command."""
    one = Stage(tmp_path_factory.mktemp("stages") / "place", hand_source)
    yield one
    one.server.close()


@dataclass(frozen=True, slots=True)
class Shown:
    """A scene that a stage has run without a stop, and what it did there."""

    scene: Scene
    stage: Stage
    well: Whole


WITHOUT_MODEL = [scene for scene in SCENES if not scene.trained]
# what takes longest comes last, since the kinds of points that shorter commands have met are left out there
WITHOUT_MODEL.sort(key=lambda scene: scene.name in ("certify", "ablate", "train"))


@pytest.fixture(scope="module", params=WITHOUT_MODEL, ids=lambda scene: scene.name)
def shown(request: pytest.FixtureRequest, whole_stage: Stage) -> Shown:
    """A scene: it is stopped, and then run twice at once."""
    return Shown(request.param, whole_stage, whole(whole_stage, request.param))


@pytest.fixture(scope="module")
def met() -> set[str]:
    """The kinds of points at which a scene of this file was stopped."""
    return set()


@pytest.mark.slow
def test_a_command_stopped_anywhere_loses_nothing_and_runs_again(
    shown: Shown, met: set[str], counted: dict[str, int]
) -> None:
    stopped_everywhere(shown, met, counted)


@pytest.mark.slow
def test_two_of_a_command_at_once_leave_what_one_leaves(
    shown: Shown, counted: dict[str, int]
) -> None:
    run_twice_at_once(shown, counted)


def stopped_everywhere(shown: Shown, met: set[str], counted: dict[str, int]) -> None:
    """Stop a scene at each of its points that is to be tried."""
    stops = stops_of(shown.well.points, SCENES.index(shown.scene), met)
    met.update(map(kind_of, shown.well.points))
    stopped_one_by_one(shown, stops)
    counted["runs stopped at a point"] = counted.get("runs stopped at a point", 0) + len(stops)


def run_twice_at_once(shown: Shown, counted: dict[str, int]) -> None:
    """Run a scene twice at once, the first held before its first, its middle and its last write."""
    points = shown.well.points
    befores = [point for point in points if point.startswith("before ")] or ["no point"]
    holds = dict.fromkeys([befores[0], befores[len(befores) // 2], befores[-1]])
    for held in holds:
        twice_at_once(shown.stage, shown.scene, held, shown.well)
        say(f"{shown.scene.name} | {held} | two at once")
    counted["pairs run at once"] = counted.get("pairs run at once", 0) + len(holds)


def kind_of(point: str) -> str:
    """Return the kind of a point: `before a.parquet is written` is of one with any other Parquet file."""
    return KIND.sub(lambda parts: f"{parts[0].split()[0]} *.{parts[2]}", point)


def stops_of(points: tuple[str, ...], turn: int, met: set[str]) -> list[Stop]:
    """Return a stop for every point by one signal in turn; of many, for the first of each kind not met before, and for three.

    A signal does the same at a point of any command, and most points are met by several commands. Each begins
    with another signal, so that a kind of point meets all of them over the scenes.
    """
    chosen = list(points) if len(points) <= MANY else without_twins(points, new_kinds(points, met))
    if os.environ.get(EVERY_SIGNAL) == "1":
        return [Stop(point, number) for point in chosen for number in SIGNALS]
    signals = islice(cycle(SIGNALS), turn % len(SIGNALS), None)
    return [Stop(point, number) for point, number in zip(chosen, signals, strict=False)]


def new_kinds(points: tuple[str, ...], met: set[str]) -> dict[str, None]:
    """Return in their order the first point of each kind that was not met before, and the first, middle and last of all."""
    first: dict[str, str] = {}
    for point in points:
        first.setdefault(kind_of(point), point)
    chosen = {point for kind, point in first.items() if kind not in met}
    # a command without a kind of its own is stopped too, by each signal
    chosen |= {points[0], points[len(points) // 2], points[-1]}
    return {point: None for point in points if point in chosen}


def without_twins(points: tuple[str, ...], chosen: dict[str, None]) -> list[str]:
    """Return the chosen points, without those after a write if the one before the next write is chosen too.

    Nothing is written between the two, which `whole` checks, so that a stop leaves the same at both.
    """
    following = dict(zip(points, (*points[1:], ""), strict=True))
    return [
        point
        for point in chosen
        if not (point.startswith("after ") and following[point].startswith("before "))
        or following[point] not in chosen
    ]


def stopped_one_by_one(shown: Shown, stops: list[Stop]) -> None:
    """Stop a scene everywhere and print each; of many, a run goes on from what the last left."""
    stage, scene, well = shown.stage, shown.scene, shown.well
    stage.restore("begun")
    goes_on = len(well.points) > MANY
    for stop in stops:
        if goes_on and stopped_once(stage, scene, stop, well):
            goes_on = as_before(stage, well)
            if not goes_on:
                # Past the point at which a run is registered or recorded, each stop begins from nothing:
                # the next run would make a second version or record.
                ends_well(stage, scene, str(stop), well)
                stage.restore("begun")
        else:
            stopped(stage, scene, stop, well)
            stage.restore("begun")
        say(f"{scene.name} | {stop}")
    if goes_on:  # the others have each been run to their end already
        ends_well(stage, scene, "the last stop", well)


def say(line: str) -> None:
    """Print one line at once; `pytest -s` shows it."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def as_before(stage: Stage, well: Whole) -> bool:
    """Tell whether what no run does twice is not yet done; runs that are begun are forgotten by the next one."""
    state = state_of(stage.place)
    same = all(state.get(name) == well.before.get(name) for name in ("ledger", "keys"))
    return same and finished_versions(state) == finished_versions(well.before)


def finished_versions(state: State) -> list[str]:
    """Return the finished versions of a registry; none where there is no registry."""
    return list(state["registry"][0]) if "registry" in state else []


def test_every_command_is_stopped_or_writes_nothing() -> None:
    named = {" ".join(scene.words.split()[:2]) for scene in SCENES} | {
        scene.words.split()[0] for scene in SCENES
    }
    assert commands() - named == WRITES_NOTHING | APART


def test_a_run_that_registers_twice_ends_well_between_one_run_and_two() -> None:
    once: State = {
        "file": "a",
        "registry": (["model", "card in use"], 0),
        "ledger": (1, [("p", "d")]),
    }
    twice: State = {
        "file": "a",
        "registry": (["card", "card in use", "model", "model"], 0),
        "ledger": (2, [("p", "d"), ("p", "d")]),
    }
    well = Whole((), {}, frozenset(), ((0, once), (0, twice)))
    between = once | {"registry": (["card in use", "model", "model"], 0)}
    assert all(is_end(state, well) for state in (once, twice, between))
    wrong: list[State] = [
        once | {"registry": (["card in use"], 0)},
        twice | {"registry": (["card", "card in use", "model", "model", "model"], 0)},
        between | {"registry": (["card in use", "model", "model"], 1)},
        between | {"ledger": (3, [("p", "d")] * 3)},
        between | {"ledger": (1, [("p", "other")])},
        between | {"file": "half"},
        between | {"left": "b"},
    ]
    assert not any(is_end(state, well) for state in wrong)
