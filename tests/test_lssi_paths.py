"""Every command under one nasty path: it says and writes what it does under a plain one, to the byte.

The folder is called `section=C/数据 源 [1] #%?& a=b/month=201506`. Read as a pattern it would find its neighbours, whose
files hold other rows; read as partitions it would give columns; read as an address it would end at the # or the ?.
"""

from __future__ import annotations

import hashlib
import io
import json
import re
import shutil
import typing
from collections.abc import Callable, Iterable
from contextlib import redirect_stdout
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta, tzinfo
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import polars as pl
import pytest

import lssi
from features.calendar import day_of
from features.contract.tables import COMMON, contract
from features.ingest.scan import files_below, read_parquet
from features.ingest.source import JOURNAL
from features.store.journal import write_journal_part
from tests.halts import halted
from tests.modes import everything, open_to_others, umask
from tests.test_api_service import serving
from tests.test_house import commands

ROOT = Path(__file__).parents[1]
PLAIN = "plain"
NASTY = "section=C/数据 源 [1] #%?& a=b/month=201506"
NEIGHBOURS = (
    "section=C/数据 源 1 #%?& a=b/month=201506",
    "section=C/数据 源 [1] #%x& a=b/month=201506",
)
BEGIN = date(2014, 1, 1)
TARGET = "undeclared_workers"
FIRMS, VISITS, FEW = 60, 240, 12
DAY, NEXT, WEEK = "2015-06-30", "2015-07-01", "2015-07-06"
TOML = """
[target.undeclared_workers]
zh = "未全员参保"
en = "undeclared workers"
unit = "inspection"
label = "visit"
violation = 1
fit = { most_rounds = 20, folds = 2, smallest_leaf = 8, least_positives = 5, shape = [{ leaves = 4 }] }
[target.undeclared_workers.split]
train_until = 2014-12-31
test_from = 2015-01-01
test_until = 2015-06-30
"""
FEATURES = "enterprise | lately | sum(complaints, 365d) + sum(complaints, 90d) | count | none | complaints | 投诉 | lately |\n"
VIEW = "SELECT * FROM csv('${DATA}/投诉 [1].csv')\n"
PASSING = {"record_id", "run_id", "at", "cpu_seconds", "cost", "store", "refused_rows"}
"""What a command says that differs from run to run, or names the place itself."""
Tables = dict[str, list[dict[str, Any]]]


@dataclass
class Walk:
    """One walk by the public commands: its folder, what each command said or wrote, and the words it was given."""

    place: Path
    outcomes: dict[str, Any] = field(default_factory=dict)
    words: dict[str, set[str]] = field(default_factory=dict)
    record: str = ""
    line: dict[str, str] = field(default_factory=dict)
    top: dict[str, float] = field(default_factory=dict)

    def says(self, command: str, *given: object) -> str:
        """Run a command and return what it prints, once it has succeeded."""
        words = [*command.split(), *map(str, given)]
        self.words.setdefault(command, set()).update(words)
        out = io.StringIO()
        with redirect_stdout(out):
            code = lssi.app(words, standalone_mode=False)
        assert not code, f"{words}: exit code {code}: {out.getvalue()[-500:]}"
        return out.getvalue()

    def told(self, command: str, *given: object) -> Any:
        """Run a command with --json and return what it says, what passes with the run left out."""
        return lasting(json.loads(self.says(command, *given, "--json")))

    def here(self, command: str, *given: object) -> Any:
        """Run a command on the source by hand."""
        return self.told(command, *given, self.place / "source", "--data", self.place / "data")


class LongAgo(datetime):
    """The clock of a commitment that precedes its public value by a day, and the draw by years."""

    @classmethod
    def now(cls, tz: tzinfo | None = None) -> LongAgo:
        return cls(2010, 7, 1, tzinfo=tz)


def lasting(told: Any) -> Any:
    """Return what is the same whenever and wherever it is said."""
    if isinstance(told, dict):
        return {name: lasting(value) for name, value in told.items() if name not in PASSING}
    return [lasting(value) for value in told] if isinstance(told, list) else told


def digests(folder: Path) -> dict[str, str]:
    """Return a digest of every file of a folder, by its place in it."""
    return {str(path.relative_to(folder)): digest(path) for path in files_below(folder)}


def digest(path: Path) -> str:
    """Return a digest of a file's bytes."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def history(seed: int) -> Tables:
    """Return firms of which the complained-of are more often found out."""
    draw = np.random.default_rng(seed)
    shy = draw.random(FIRMS)
    tables: Tables = {name: [] for name in ("enterprises", "complaints", "inspections", "findings")}
    for firm in range(FIRMS):
        row = {
            "enterprise": f"e{firm:02d}",
            "since": "2013-01-01",
            "kind": "company",
            "section": "CFG"[firm % 3],
        }
        tables["enterprises"].append(row | {"cell": f"g{firm % 2}", "recorded_on": "2013-01-02"})
        for day in map(on, draw.integers(0, 400, draw.poisson(3 * shy[firm]))):
            row = {
                "complaint": f"k{len(tables['complaints']):03d}",
                "enterprise": f"e{firm:02d}",
                "lodged": day,
            }
            tables["complaints"].append(row | {"topic": "insurance", "recorded_on": day})
    for visit, firm in enumerate(draw.integers(0, FIRMS, VISITS)):
        opened = int(draw.integers(60, 530))
        row = {
            "inspection": f"i{visit:03d}",
            "enterprise": f"e{firm:02d}",
            "kind": "routine",
            "opened": on(opened),
        }
        row |= {f"examined_{kind}": int(kind == 1) for kind in range(1, 6)}
        tables["inspections"].append(
            row | {"closed_on": on(opened + 9), "recorded_on": on(opened + 9)}
        )
        if draw.random() < 0.1 + 0.6 * shy[firm]:
            found = {"inspection": f"i{visit:03d}", "violation": 1, "workers_in_violation": 2}
            tables["findings"].append(found | {"recorded_on": on(opened + 9)})
    return tables


def on(days: int) -> str:
    """Return the day so many days after the beginning."""
    return (BEGIN + timedelta(days=int(days))).isoformat()


def frame(table: str, rows: list[dict[str, Any]]) -> pl.DataFrame:
    """Return rows of a contract table as text, every column there."""
    names = [column.name for column in contract()[table].columns + COMMON]
    usual = {"retracted": 0}
    texts = [usual | {"row_id": f"{table}-{number}"} | row for number, row in enumerate(rows)]
    columns = {
        name: [None if (value := row.get(name)) is None else str(value) for row in texts]
        for name in names
    }
    return pl.DataFrame(columns, schema=dict.fromkeys(names, pl.String))


def laid(place: Path, seed: int) -> None:
    """Write a source in each form that there is: a table as CSV, as a file and a folder of Parquet, as a view of CSV.

    A little one of two tables stands beside it, for the certificate, which reads and writes a source many times over.
    """
    tables = history(seed)
    source, little = (
        begun(place / "source", "hill-side", tables, TOML),
        begun(place / "little", "little", tables),
    )
    (source / "inspections").mkdir()
    frame("enterprises", tables["enterprises"]).write_csv(source / "enterprises.csv")
    frame("findings", tables["findings"]).write_parquet(source / "findings.parquet")
    half = VISITS // 2
    for number, rows in enumerate((tables["inspections"][:half], tables["inspections"][half:])):
        visits = [row | {"row_id": f"visit-{number}-{place}"} for place, row in enumerate(rows)]
        frame("inspections", visits).write_parquet(source / "inspections" / f"{number}.parquet")
    frame("enterprises", tables["enterprises"][:FEW]).write_parquet(little / "enterprises.parquet")
    (place / "data").mkdir()
    frame("complaints", tables["complaints"]).write_csv(place / "data" / "投诉 [1].csv")
    (place / "day").mkdir()
    fed = [
        tables["complaints"][0]
        | {"complaint": "new", "row_id": "new", "lodged": NEXT, "recorded_on": NEXT}
    ]
    frame("complaints", fed).write_csv(place / "day" / "complaints.csv")
    (place / "more features.txt").write_text(FEATURES, "utf-8")
    shutil.copytree(ROOT / "sources" / "core_platform", place / "core_platform")


def begun(folder: Path, name: str, tables: Tables, targets: str = "") -> Path:
    """Return the folder of a source that has its declaration and its view of complaints; without targets, no visits."""
    folder.mkdir(parents=True)
    held = set(tables) if targets else {"enterprises", "complaints"}
    absent = [table for table in contract() if table not in held and table not in JOURNAL]
    head = f'name = "{name}"\nzh = "山边"\nen = "hill side"\ncomplete_to = {DAY}\nabsent = {json.dumps(absent)}\n'
    (folder / "source.toml").write_text(head + targets, "utf-8")
    (folder / "complaints.sql").write_text(VIEW, "utf-8")
    return folder


def the_contract(walk: Walk) -> Any:
    return walk.told("contract")


def a_city(walk: Walk) -> Any:
    out = walk.place / "dump"
    walk.says(
        "city",
        out,
        "--enterprises",
        60,
        "--months",
        12,
        "--until",
        DAY,
        "--layout",
        "core_platform",
    )
    return digests(out)


def a_policy_trial(walk: Walk) -> Any:
    """Leave out the stage's store, whose files name the place where it lies."""
    out = walk.place / "trial"
    arms = walk.place / "arms.toml"
    arms.write_text('[arm.plan]\nzh = "自定"\nen = "own"\nlist = "random"\nretrain = 0\n', "utf-8")
    words = ("--enterprises", 1_000, "--months", 1, "--until", DAY, "--arm", "plan")
    words += ("--policy", arms)
    walk.says("simulate-policy", out, *words)
    return [(out / name).read_bytes() for name in ("result.json", "page.html")]


def a_check(walk: Walk) -> Any:
    return walk.here("check"), walk.told(
        "check", walk.place / "core_platform", "--data", walk.place / "dump"
    )


def a_dictionary(walk: Walk) -> Any:
    return walk.here("dictionary")


def some_features(walk: Walk) -> Any:
    written = {}
    for source, data in (("source", "data"), ("core_platform", "dump")):
        out = walk.place / f"{source}.parquet"
        walk.says(
            "features",
            walk.place / source,
            "--entity",
            "enterprise",
            "--as-of",
            DAY,
            "--out",
            out,
            "--data",
            walk.place / data,
        )
        assert read_parquet(out).height >= FIRMS // 2
        written[source] = digest(out)
    return written


def some_matches(walk: Walk) -> Any:
    written = {}
    for form in ("csv", "parquet"):
        out = walk.place / f"matches.{form}"
        walk.says(
            "matches",
            walk.place / "core_platform",
            "--as-of",
            DAY,
            "--out",
            out,
            "--data",
            walk.place / "dump",
        )
        written[form] = digest(out)
    return written


def a_novelty_queue(walk: Walk) -> Any:
    written = {}
    for form in ("csv", "parquet"):
        out = walk.place / f"queue.{form}"
        source, data = walk.place / "source", walk.place / "data"
        walk.says("novelty", source, "--as-of", DAY, "--out", out, "--data", data)
        written[form] = digest(out)
    return written


def a_training(walk: Walk) -> Any:
    page = walk.place / "training.html"
    said = walk.here("train", TARGET, "--report", page)
    assert page.is_file()
    return said


def a_promotion(walk: Walk) -> Any:
    return walk.says("promote", TARGET, 1, "--although", "a trial")


def an_ablation(walk: Walk) -> Any:
    return walk.here(
        "ablate", TARGET, "--feature-file", walk.place / "more features.txt", "--only-file"
    )


def a_tuning(walk: Walk) -> Any:
    out = walk.place / "better choices.toml"
    source, data = walk.place / "source", walk.place / "data"
    walk.says("tune", TARGET, source, "--trials", 1, "--out", out, "--data", data)
    return digest(out)


def a_plan(walk: Walk) -> Any:
    out = walk.place / "sheets of a week"
    said = walk.here("plan", "--week", WEEK, "--minutes", 600, "--seed", "published", "--out", out)
    enterprises = [visit["enterprise"] for cell in said["cells"] for visit in cell["visits"]]
    walk.line = {"plan": said["plan"], "enterprise": enterprises[0]}
    return {**said, "files": len(said["files"])}, digests(out)


def a_question(walk: Walk) -> Any:
    source, data = walk.place / "source", walk.place / "data"
    words = ("--week", WEEK, "--minutes", 600, "--seed", "published", "--data", data)
    return walk.told("why", source, "e01", *words)


def a_lift(walk: Walk) -> Any:
    """Lift a halt that a report of another day wrote."""
    halted("hill-side", TARGET)
    return walk.here("lift", TARGET, "--by", "a person", "--reason", "checked")["reason"]


def some_alerts(walk: Walk) -> Any:
    return walk.here("alerts", "--as-of", DAY, "--on", NEXT)


def an_acknowledgement(walk: Walk) -> Any:
    """Acknowledge an alert by hand: nothing of the little source crosses a rule."""
    columns = {
        "alert": ["A"],
        "enterprise": ["e00"],
        "team": [None],
        "issued_on": [day_of(NEXT)],
        "violation": [1],
        "rule": ["r"],
        "record": ["0-0123456789"],
        "recorded_on": [day_of(NEXT)],
    }
    journal = walk.place / "home" / "journal" / "hill-side"
    write_journal_part(journal, "alerts", "alerts-00000000", columns)
    return walk.here("acknowledge", "--alert", "A", "--on", WEEK)


def an_outcome(walk: Walk) -> Any:
    visit = {"inspection": "posted", "opened": WEEK, "closed_on": WEEK, "examined": [1]}
    sent = walk.place / "the outcome.json"
    sent.write_text(json.dumps(visit | walk.line), "utf-8")
    return walk.here("outcome", "--file", sent, "--on", WEEK)


def an_override(walk: Walk) -> Any:
    plan, enterprise = walk.line.values()
    line = ("--plan", plan, "--enterprise", enterprise)
    return walk.here("override", *line, "--decision", "accept", "--reason", "agrees", "--on", WEEK)


def the_overrides(walk: Walk) -> Any:
    return walk.here("overrides", "--as-of", DAY)


def an_appeal(walk: Walk) -> Any:
    row = ("--enterprise", "e00", "--table", "enterprises", "--row", "enterprises-0")
    return walk.here("appeal", "--appeal", "a1", *row, "--lodged", WEEK, "--on", WEEK)


def a_commitment(walk: Walk) -> Any:
    value = ("--public-name", "收盘 close", "--public-at", "2010-07-02T00:00Z")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("lssi.clock.datetime", LongAgo)
        said = walk.here("lottery commit", "--week", WEEK, "--minutes", 600, *value)
    return said["units"], said["expected_draws"], said["root"]


def a_draw(walk: Walk) -> Any:
    return sorted(walk.here("lottery draw", "--week", WEEK, "--public", "3686.92"))


def a_verified_draw(walk: Walk) -> Any:
    return walk.here("lottery verify", "--week", WEEK)["identical"]


def a_price(walk: Walk) -> Any:
    return walk.here("lottery price", "--week", WEEK, "--minutes", 600)


def own_rules(walk: Walk) -> Path:
    """Return a folder with the published rule sets."""
    folder = walk.place / "rules"
    if not folder.is_dir():
        shutil.copytree(ROOT / "models" / "policy" / "rules", folder)
    return folder


def a_sheet(command: str, *words: object) -> Callable[[Walk], Any]:
    """Return the step that writes a sheet of the compliance campaign in both forms, by rules of its own."""

    def written(walk: Walk) -> Any:
        source = [walk.place / "source", "--data", walk.place / "data"]
        digests = [walk.here(command, *words)]
        for form in ("csv", "parquet"):
            out = walk.place / f"{command}.{form}"
            walk.says(command, *source, *words, "--rules", own_rules(walk), "--out", out)
            digests.append(digest(out))
        return digests

    return written


def a_monitor(walk: Walk) -> Any:
    return walk.here("monitor", TARGET, "--as-of", DAY, "--record")["verdict"]


def an_estimate(walk: Walk) -> Any:
    days = ("--from", "2015-01-01", "--to", DAY)
    said = walk.here("estimate", "--target", TARGET, *days, "--by", "sector")
    return {name: value for name, value in said.items() if name != "model_digest"}


def a_batch(walk: Walk) -> Any:
    words = ("batch", TARGET, walk.place / "source", "--data", walk.place / "data", "--json")
    said = json.loads(walk.says(*words))
    on_spark = json.loads(
        walk.says(*words, "--spark", "local[2]", "--shared", walk.place / "shared")
    )
    # the same day scored twice: what differs is the record alone
    assert lasting(on_spark) == lasting(said)
    walk.record, walk.top = said["record_id"], {unit["id"]: unit["score"] for unit in said["top"]}
    return lasting(said)


def a_replay(walk: Walk) -> Any:
    one = walk.told("replay", walk.record, "--unit", next(iter(walk.top)))
    return one, walk.told("replay", "--sample", 5, "--seed", 1, "--elsewhere")


def an_upgrade(walk: Walk) -> Any:
    planned, done = walk.told("upgrade", "--dry-run"), walk.told("upgrade", "--who", "me")
    return planned["parts"], done["parts"], done["to"]


def a_notice(walk: Walk) -> Any:
    out = walk.place / "notice.html"
    walk.says("notice", walk.record, "--unit", next(iter(walk.top)), "--out", out)
    return out.read_text("utf-8").replace(walk.record, "RECORD")


def a_comparison_with_peers(walk: Walk) -> Any:
    shown = walk.told("peers", walk.record, "--unit", next(iter(walk.top)))
    return {**shown, "record_id": "RECORD"}


def a_report(walk: Walk) -> Any:
    out = walk.place / "report.html"
    walk.says("report", walk.record, "--unit", next(iter(walk.top)), "--out", out)
    page = out.read_text("utf-8")
    assert walk.record in page
    return re.findall(
        r"[\u4e00-\u9fff][^<>]*", re.sub(r"[0-9a-f]{10,}|20\d\d-\d\d-\d\dT[\d:.+]*Z?", "", page)
    )


def a_checkpoint(walk: Walk) -> Any:
    walk.says("ledger checkpoint", "--out", walk.place / "checkpoint")
    _, size, *_ = (walk.place / "checkpoint").read_text("utf-8").splitlines()
    return size


def a_verification(walk: Walk) -> Any:
    return walk.told("ledger verify", "--checkpoint", walk.place / "checkpoint")["whole"]


def an_expiry(walk: Walk) -> Any:
    said = json.loads(walk.says("ledger expire", "--checkpoint", walk.place / "checkpoint"))
    return {name: value for name, value in said.items() if name != "record_id"}


def a_ledger_key(walk: Walk) -> Any:
    # the key itself may have a plus sign
    return len(walk.says("ledger key").split("+", 2)[-1])


def a_proof(walk: Walk) -> Any:
    walk.says("ledger prove", walk.record, "--out", walk.place / "record.tlog-proof")
    return (walk.place / "record.tlog-proof").read_text("utf-8").splitlines()[0]


def an_export(walk: Walk) -> Any:
    return walk.told("ledger export", "--out", walk.place / "export")["records"]


def a_copy(walk: Walk) -> Any:
    goal = walk.place / "copy.db"
    return walk.told("ledger copy", walk.place / "home" / "ledger.db", goal)["size"]


def a_search(walk: Walk) -> Any:
    found = walk.told("ledger find", "--unit", next(iter(walk.top)))
    return len(found["records"]), found["batches"]


def a_consistency(walk: Walk) -> Any:
    old = walk.place / "checkpoint"
    walk.says("ledger consistent", old, "--out", walk.place / "consistent")
    return (walk.place / "consistent").read_text("utf-8").splitlines()[0]


def a_witness(walk: Walk) -> Any:
    walk.says("ledger consistent", "--out", walk.place / "first")
    place = ("--place", walk.place / "witness", "--out", walk.place / "line")
    walk.says("ledger witness", walk.place / "first", "--log-key", walk.says("ledger key"), *place)
    return (walk.place / "line").read_text("utf-8").split()[1]


def a_key(walk: Walk) -> Any:
    return len(walk.says("key add", "somebody", "--role", "system").split()[-1])


def a_rotation(walk: Walk) -> Any:
    return len(walk.says("key rotate", "somebody"))


def a_list_of_keys(walk: Walk) -> Any:
    keys = walk.told("key list")["keys"]
    return [(key["name"], key["role"], key["opens"]) for key in keys]


def a_removal(walk: Walk) -> Any:
    return walk.says("key remove", "somebody"), (walk.place / "home" / "keys.json").read_text(
        "utf-8"
    )


def a_service(walk: Walk) -> Any:
    """Ask the service for the scores that the batch has given; under the plain path the batch speaks for it."""
    if walk.place.name == PLAIN:
        return walk.top
    key = walk.says("key add", "client", "--role", "system").split()[-1]
    source, data = walk.place / "source", walk.place / "data"
    walk.words["serve"] = {str(source), "--data", str(data)}
    with serving(walk.place / "home", source, walk.place / "log", "--data", str(data)) as (
        address,
        _,
    ):
        answer = httpx.post(
            f"{address}/v1/enterprises/score",
            json={"enterprises": list(walk.top)},
            timeout=120,
            headers={"authorization": f"Bearer {key}"},
        ).json()
    return {unit["id"]: unit["score"] for unit in answer["units"]}


def a_day(walk: Walk) -> Any:
    begun = walk.here("load", "--day", DAY)
    fed = walk.here("load", "--day", NEXT, "--rows", walk.place / "day")
    walk.says("load", walk.place / "source", "--compact", "--data", walk.place / "data")
    return begun, fed, walk.here("dictionary")


def a_whole_day(walk: Walk) -> Any:
    """Close the day that was loaded just now: it is scored and published, and its rows are the same."""
    rows = ("--day", NEXT, "--rows", walk.place / "day")
    said = walk.here("day", *rows, "--out", walk.place / "closed day.txt")
    assert (walk.place / "closed day.txt").read_text("utf-8") == said["checkpoint"]
    units = {one["target"]: one["units"] for one in said["scored"]}
    return said["load"], said["complete_to"], units


def a_certificate(walk: Walk) -> Any:
    return walk.told(
        "certify", walk.place / "little", "--as-of", DAY, "--data", walk.place / "data"
    )


def a_move(walk: Walk) -> Any:
    """Move the source: its models and its journal are its own again once it is adopted."""
    moved = (walk.place / "source").rename(walk.place / "moved source")
    said = walk.says("adopt", moved, "--data", walk.place / "data").replace(str(walk.place), "")
    again = walk.told(
        *("plan", moved, "--week", WEEK, "--minutes", 600, "--preview"),
        *("--data", walk.place / "data"),
    )
    return said, again["cells"]  # the number of a plan names the live store, which names its place


STEPS: dict[str, Callable[[Walk], Any]] = {
    "contract": the_contract,
    "city": a_city,
    "check": a_check,
    "dictionary": a_dictionary,
    "features": some_features,
    "matches": some_matches,
    "novelty": a_novelty_queue,
    "train": a_training,
    "promote": a_promotion,
    "ablate": an_ablation,
    "tune": a_tuning,
    "plan": a_plan,
    # before a lottery is committed, whose seed is secret and another in each walk
    "why": a_question,
    "lottery price": a_price,
    "lottery commit": a_commitment,
    "lottery draw": a_draw,
    "lottery verify": a_verified_draw,
    "alerts": some_alerts,
    "acknowledge": an_acknowledgement,
    "outcome": an_outcome,
    "override": an_override,
    "overrides": the_overrides,
    "appeal": an_appeal,
    "appraise": a_sheet("appraise", "--period", 2013),
    "classify": a_sheet("classify", "--as-of", DAY),
    "medals": a_sheet("medals", "--as-of", DAY),
    "exposures": a_sheet("exposures", "--as-of", DAY),
    "monitor": a_monitor,
    "lift": a_lift,
    "estimate": an_estimate,
    "simulate-policy": a_policy_trial,
    "batch": a_batch,
    "replay": a_replay,
    "report": a_report,
    "notice": a_notice,
    "peers": a_comparison_with_peers,
    "ledger checkpoint": a_checkpoint,
    "ledger verify": a_verification,
    "ledger key": a_ledger_key,
    "ledger prove": a_proof,
    "ledger export": an_export,
    "ledger copy": a_copy,
    "ledger find": a_search,
    "ledger consistent": a_consistency,
    "ledger witness": a_witness,
    "ledger expire": an_expiry,
    "key add": a_key,
    "key rotate": a_rotation,
    "key list": a_list_of_keys,
    "key remove": a_removal,
    "serve": a_service,
    "load": a_day,
    "day": a_whole_day,
    "certify": a_certificate,
    "adopt": a_move,
    "upgrade": an_upgrade,
}
"""Every command, in the order in which one makes what the next reads."""
SHORT = (
    "contract",
    "city",
    "check",
    "dictionary",
    "features",
    "matches",
    "novelty",
    "appraise",
    "classify",
    "medals",
    "exposures",
    "key add",
    "key rotate",
    "key list",
    "key remove",
    "load",
)
"""The commands that need no model: `make test` walks these, and `make test-slow` all of them."""


def walked(place: Path, commands: Iterable[str] = SHORT) -> Walk:
    """Return one walk, its home and every file of it under a place."""
    place.mkdir(parents=True)
    laid(place, seed=3)
    walk = Walk(place)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LSSI_HOME", str(place / "home"))
        for command in commands:
            walk.outcomes[command] = STEPS[command](walk)
    return walk


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Walk:
    """The short walk under a path without any sign."""
    return walked(tmp_path_factory.mktemp("walk") / PLAIN)


@pytest.fixture(scope="module")
def whole_plain(tmp_path_factory: pytest.TempPathFactory) -> Walk:
    """The whole walk under a path without any sign."""
    return walked(tmp_path_factory.mktemp("walk") / PLAIN, STEPS)


@pytest.fixture(scope="module")
def nasty(tmp_path_factory: pytest.TempPathFactory) -> Walk:
    """The short walk under the nasty path."""
    return walked_beside_neighbours(tmp_path_factory.mktemp("walk"), SHORT)


@pytest.fixture(scope="module")
def whole_nasty(tmp_path_factory: pytest.TempPathFactory) -> Walk:
    """The whole walk under the nasty path, and under a umask that closes nothing."""
    with umask(0):
        return walked_beside_neighbours(tmp_path_factory.mktemp("walk"), STEPS)


def walked_beside_neighbours(place: Path, commands: Iterable[str]) -> Walk:
    """Return a walk under the nasty path, beside folders that a pattern would find; it writes nothing outside."""
    for number, neighbour in enumerate(NEIGHBOURS):
        laid(place / neighbour, seed=10 + number)
    walk = walked(place / NASTY, commands)
    assert {path.name for path in place.iterdir()} == {"section=C"}, (
        "a command wrote outside its path"
    )
    assert {path.name for path in (place / "section=C").iterdir()} == {
        Path(name).parent.name for name in (NASTY, *NEIGHBOURS)
    }
    return walk


def test_every_command_is_walked() -> None:
    assert set(STEPS) == commands()


@pytest.mark.slow
def test_every_option_that_names_a_place_is_walked(whole_nasty: Walk) -> None:
    assert {
        command: options - whole_nasty.words[command]
        for command, options in options_of_places().items()
        if options - whole_nasty.words[command]
    } == {}


@pytest.mark.slow
def test_no_file_or_folder_of_a_home_is_open_to_others_after_every_command(
    whole_nasty: Walk,
) -> None:
    home = whole_nasty.place / "home"
    assert len(everything(home)) > 20
    assert open_to_others(home) == {}


def options_of_places() -> dict[str, set[str]]:
    """Return by command its options that name a file or a folder; arguments are given anyway."""
    groups = [("", lssi.app.registered_commands)]
    groups += [
        (f"{group.name} ", group.typer_instance.registered_commands)
        for group in lssi.app.registered_groups
    ]
    found: dict[str, set[str]] = {}
    for prefix, own in groups:
        for command in own:
            assert command.callback is not None
            hints = typing.get_type_hints(command.callback, include_extras=True)
            name = prefix + (command.name or command.callback.__name__.replace("_", "-"))
            places = {
                name
                for name, hint in hints.items()
                if "Option" in str(hint) and ("Path" in str(hint) or name == "data")
            }
            found[name] = {"--" + place.replace("_", "-") for place in places}
    return found


@pytest.mark.parametrize("command", SHORT)
def test_a_command_says_and_writes_the_same_under_a_nasty_path(
    plain: Walk, nasty: Walk, command: str
) -> None:
    assert nasty.outcomes[command] == plain.outcomes[command]


@pytest.mark.slow
@pytest.mark.parametrize("command", STEPS)
def test_a_command_of_the_whole_walk_says_and_writes_the_same_under_a_nasty_path(
    whole_plain: Walk, whole_nasty: Walk, command: str
) -> None:
    assert whole_nasty.outcomes[command] == whole_plain.outcomes[command]
