"""What must not change while the code is moved and renamed, as digests over values.

    python -m tests.freeze                 compare with tests/fixtures/frozen.json; exit code 1 where something changed
    python -m tests.freeze --write         take what is said now as what must be said
    python -m tests.freeze --renamed       print the renamed keys as lines for CHANGELOG.md

Everything is driven as a user drives it, by commands, HTTP and files; the few names of the code that are needed stand
in `statements` and nowhere else. A digest is over values, not over files: a column's values in the order of the ids, a
field of all entries of a list. So a change is named, and a format may change that gives the same values back.

What a digest is over holds on every x86-64 processor:

- features are sums of integers, then single IEEE steps, so their bits are compared;
- scores of an archived model are sums of its leaves in a fixed order, so their bits are compared too;
- the city takes logarithms and powers on its way to whole numbers, and its few fractions are compared at 9 digits;
- a model that is trained anew takes them too, their last bit may differ between processors and libraries, and it adds
  many of them up: its numbers are compared at 9 significant digits, its trees as they are.

Left out is what differs by right: times, numbers of processes, ports and runs, paths, versions of libraries, the
fingerprint of a store and of a source, and digests over any of these.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import re
import sqlite3
import sys
import tarfile
import tempfile
import tomllib
import urllib.request
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, redirect_stdout
from io import StringIO
from pathlib import Path
from typing import Any

import lssi
from features.ingest.scan import files_below, read_parquet
from tests.unpacking import unpack

ROOT = Path(__file__).parents[1]
FIXTURES = ROOT / "tests" / "fixtures"
FROZEN, RENAMED = FIXTURES / "frozen.json", FIXTURES / "renamed.toml"
OLD_HOME = FIXTURES / "home_before_12.tar.xz"
CLOSED = "2015-06-30"
LETTERS = 16
"""How many hex digits of a SHA-256 are kept: more than enough to tell a change, and the file stays readable."""
DIGITS = 9
"""Significant digits of what a training computes: differences of the last bit, added up, stay far below."""
FEATURES_A_STATEMENT = 24
"""As many as Spark is given at once."""

Digests = dict[str, str]
Part = Callable[[Path], Digests]


# ---- values and their digests


def digest(value: Any) -> str:
    """Return the digest of plain values: the same for the same values, whatever they were read from."""
    text = json.dumps(value, ensure_ascii=False, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:LETTERS]


def rounded(value: Any) -> Any:
    """Return plain values with every float at DIGITS significant digits."""
    if isinstance(value, float):
        return float(f"{value:.{DIGITS}g}")
    if isinstance(value, Mapping):
        return {key: rounded(inner) for key, inner in value.items()}
    return [rounded(inner) for inner in value] if isinstance(value, list | tuple) else value


def of_plain(name: str, value: Any) -> Digests:
    """Return the digests of plain values, one for each field at whatever depth; a list of objects field by field."""
    if isinstance(value, list) and value and all(isinstance(item, dict) for item in value):
        fields = sorted({field for item in value for field in item})
        value = {field: [item.get(field) for item in value] for field in fields}
    elif not isinstance(value, dict) or not value:
        return {name: digest(value)}
    digests: Digests = {}
    for field, inner in value.items():
        digests |= of_plain(f"{name}/{field}", inner)
    return digests


def of_table(name: str, files: Sequence[Path], *, keys: int, exact: bool = True) -> Digests:
    """Return the digest of each column of Parquet files, in the order of their first `keys` columns; floats exact or rounded."""
    table = read_parquet(files)
    table = table.sort(table.columns[:keys]) if keys else table
    columns = {column: table[column].to_list() for column in table.columns}
    return {
        f"{name}/{column}": digest(values if exact else rounded(values))
        for column, values in columns.items()
    }


def without(value: Any, *names: str) -> Any:
    """Return plain values without the fields of some names, at whatever depth."""
    if isinstance(value, dict):
        return {
            field: without(inner, *names) for field, inner in value.items() if field not in names
        }
    return [without(inner, *names) for inner in value] if isinstance(value, list) else value


# ---- how the program is driven


class Room:
    """A folder of one run: its home, its sources and what was written, with every command run in this process."""

    def __init__(self, place: Path, data: Path | None = None) -> None:
        self.place, self.home, self.data = place, place / "home", data

    def run(self, *words: object, code: int = 0) -> str:
        """Return what a command prints; RuntimeError unless it ends with `code`."""
        out, kept = StringIO(), sys.argv
        with self.inside(), redirect_stdout(out):
            sys.argv = ["lssi", *map(str, words)]
            try:
                lssi.main()
            except SystemExit as left:
                if int(left.code or 0) != code:
                    raise RuntimeError(
                        f"lssi {' '.join(map(str, words))} ended with {left.code}"
                    ) from None
            finally:
                sys.argv = kept
        return out.getvalue()

    @contextmanager
    def inside(self) -> Iterator[None]:
        """Let the home of this room be the user's for a while, and no data folder but the one that a command names."""
        kept = {
            name: os.environ.pop(name) for name in ("LSSI_HOME", "LSSI_DATA") if name in os.environ
        }
        os.environ["LSSI_HOME"] = str(self.home)
        try:
            yield
        finally:
            del os.environ["LSSI_HOME"]
            os.environ |= kept

    def features(self, name: str, source: Path, data: Path | None, **days: str) -> Digests:
        """Return the digests of the features of a source, of each entity as of its day."""
        digests: Digests = {}
        for entity, day in days.items():
            out = self.place / f"{name}-{entity}.parquet"
            given = [] if data is None else ["--data", data]
            self.run("features", source, *given, "--entity", entity, "--as-of", day, "--out", out)
            digests |= of_table(f"{name}/{entity}", [out], keys=2)
        return digests

    def city(self) -> Path:
        """Return the simulated city of this room, written once.

        It is as small as lets nearly every feature have two values at least: of enterprises, all but eight.
        """
        place = self.place / "city"
        if not place.exists():
            self.run("city", place, "--enterprises", 500, "--months", 26, "--until", CLOSED)
        return place

    def old(self) -> Path:
        """Return the folder of the home and sources of an earlier version, unpacked once."""
        place = self.place / "old"
        if not place.exists():
            with tarfile.open(OLD_HOME) as archive:
                unpack(archive, place)
        return place


# ---- what is frozen, part by part


def city(room: Room) -> Digests:
    """The simulated city: each column of its tables, its features, and what its databases contradict each other in."""
    place = room.city()
    digests: Digests = {}
    for folder in sorted({path.parent for path in files_below(place, "*.parquet")}):
        name = f"city/table/{folder.relative_to(place).as_posix()}"
        digests |= of_table(name, files_below(folder, "*.parquet"), keys=0, exact=False)
    digests |= room.features("city", place, None, enterprise=CLOSED, claim="known", provider=CLOSED)
    said = json.loads(room.run("matches", place, "--as-of", CLOSED, "--json"))
    return digests | of_plain("city/matches", said)


def core_platform(room: Room) -> Digests:
    """A dump of the national core platform: its files, and the features of what is read from them."""
    dump = room.place / "dump"
    room.run(
        "city",
        dump,
        "--enterprises",
        60,
        "--months",
        8,
        "--until",
        CLOSED,
        "--layout",
        "core_platform",
    )
    digests: Digests = {}
    for folder in sorted({path.parent for path in files_below(dump, "*.parquet")}):
        if "city" not in folder.relative_to(dump).parts:
            digests |= of_table(
                f"core_platform/table/{folder.name}",
                files_below(folder, "*.parquet"),
                keys=0,
                exact=False,
            )
    source = ROOT / "sources" / "core_platform"
    return digests | room.features(
        "core_platform", source, dump, enterprise=CLOSED, claim=CLOSED, provider=CLOSED
    )


def chicago(room: Room) -> Digests:
    """A public source of real data: its features."""
    return room.features(
        "chicago", ROOT / "sources" / "chicago", room.data, enterprise="2014-06-30"
    )


def training(room: Room) -> Digests:
    """A model that is trained: what is said of it, its bundle, and its certificate."""
    source = room.old() / "sources" / "hill-side"
    said = json.loads(room.run("train", "undeclared_workers", source, "--json"))
    digests = of_plain("training/said", rounded(without(said, *DIFFERS)))
    bundle = room.home / "bundles" / said["bundle"]
    manifest = json.loads((bundle / "bundle.json").read_text("utf-8"))
    digests |= of_plain(
        "training/bundle", rounded(without(manifest, *DIFFERS, "origin", "versions", *TEXTS))
    )
    probe = json.loads((bundle / "probe.json").read_text("utf-8"))
    outputs = {
        name: [float.fromhex(value) for value in values]
        for name, values in probe["outputs"].items()
    }
    digests |= of_plain("training/probe", rounded(probe | {"outputs": outputs}))
    for model in ("model_any", "model_count"):
        digests |= of_trees(f"training/{model}", (bundle / f"{model}.txt").read_text("utf-8"))
    run = said["mlflow"]["run_id"]
    certificates = files_below(room.home / "mlflow", "certificate.json")
    (certificate,) = [path for path in certificates if run in path.parts]
    told = json.loads(certificate.read_text("utf-8"))
    return digests | of_plain("training/certificate", without(told, *DIFFERS))


DIFFERS = (
    "at",
    "batch",
    "bundle",
    "certificate",
    "certificate_digest",
    "cpu_seconds",
    "digest",
    "fingerprint",
    "folder",
    "generation",
    "mlflow",
    "model_digest",
    "record_id",
    "request",
    "source",
    "store",
)
"""Fields that tell a time, a place, a run, a version or a digest over any of these."""
TEXTS = ("zh", "en", "reason_zh", "reason_en", "check_zh", "check_en")
"""Words of features in a bundle, which may be written better."""
OF_TREES = (
    "num_leaves",
    "num_cat",
    "split_feature",
    "threshold",
    "decision_type",
    "left_child",
    "right_child",
    "leaf_value",
    "leaf_count",
    "internal_count",
    "cat_boundaries",
    "cat_threshold",
    "shrinkage",
)
"""What scores: the gains of splits, which are differences of nearly equal sums, are only told."""


def of_trees(name: str, text: str) -> Digests:
    """Return the digest of each field over all trees of a model's text."""
    lines = re.findall(r"^(\w+)=(.*)$", text.partition("end of trees")[0], re.MULTILINE)
    fields: dict[str, list[list[float]]] = {}
    for field, values in lines:
        if field in OF_TREES:
            fields.setdefault(field, []).append([float(value) for value in values.split()])
    return {f"{name}/{field}": digest(rounded(trees)) for field, trees in fields.items()}


def serving(room: Room) -> Digests:
    """An archived model at work: a week's plan and its journal, a batch, three answers over HTTP, their records and replays."""
    room.home = room.old() / "home"
    source = room.old() / "sources" / "hill-side"
    records = json.loads((room.old() / "records.json").read_text("utf-8"))
    digests: Digests = {}
    for kind in ("enterprises", "claims", "history", "batch"):
        digests |= replayed(room, f"replay_of_old/{kind}", records[kind])
    plan = json.loads(
        room.run(
            "plan", source, "--week", "2015-07-01", "--minutes", 600, "--seed", "frozen", "--json"
        )
    )
    digests |= of_plain("plan", without(plan, "record_id"))
    for table in ("plans", "draws"):
        files = [
            path
            for path in files_below(room.home / "journal" / "hill-side" / table)
            if plan["week"] in path.name
        ]
        digests |= of_table(f"plan/journal/{table}", files, keys=2)
    batch = json.loads(room.run("batch", "undeclared_workers", source, "--json"))
    digests |= of_plain("batch", without(batch, *DIFFERS)) | of_rows(room, batch["root"])
    numbers = {"batch": batch["record_id"], **asked(room, source, digests)}
    for kind, number in numbers.items():
        digests |= of_plain(f"record/{kind}", without(payload(room, number), *DIFFERS))
        digests |= replayed(room, f"replay/{kind}", number)
    return digests


def replayed(room: Room, name: str, number: str) -> Digests:
    """Return the digests of what a replay of a record finds, whatever that is."""
    try:
        said = room.run("replay", number, "--json")
    except RuntimeError:
        said = room.run("replay", number, "--json", code=1)
    return of_plain(name, without(json.loads(said), *DIFFERS, *TEXTS, "processor"))


def of_rows(room: Room, root: str) -> Digests:
    """Return the digests of the rows of a batch, which lie beside its record."""
    with closing(sqlite3.connect(room.home / "ledger.db")) as ledger:
        payloads = [json.loads(text) for (text,) in ledger.execute("SELECT payload FROM payloads")]
    [rows] = {
        entry["rows"]["digest"]
        for entry in payloads
        if entry.get("rows") and entry["rows"]["root"] == root
    }
    return of_table("batch/rows", files_below(room.home / "batches", f"{rows}.parquet"), keys=2)


def payload(room: Room, number: str) -> dict[str, Any]:
    """Return what the ledger keeps of a record; its number begins with its place in the ledger."""
    with closing(sqlite3.connect(room.home / "ledger.db")) as ledger:
        place = int(number.partition("-")[0])
        [(text,)] = ledger.execute(
            "SELECT payload FROM payloads WHERE sequence = ?", [place]
        ).fetchall()
    kept: dict[str, Any] = json.loads(text)
    return kept


ASKED: dict[str, tuple[str, dict[str, Any]]] = {
    "enterprises": ("/v1/enterprises/score", {"enterprises": ["e000", "e001", "e007"]}),
    "claims": ("/v1/claims/score", {"claims": ["c0355", "c0356"]}),
    "history": (
        "/v1/enterprises/score-history",
        {
            "id": "new",
            "rows": {
                "enterprises": [
                    {
                        "enterprise": "new",
                        "since": "2014-05-01",
                        "kind": "company",
                        "section": "C",
                        "cell": "g0",
                        "row_id": "r1",
                        "recorded_on": "2014-05-02",
                        "retracted": 0,
                    }
                ]
            },
        },
    ),
}
"""What is asked of the service: by number, and by rows of a unit that no register holds."""


def asked(room: Room, source: Path, digests: Digests) -> dict[str, str]:
    """Ask the service, add the digests of its answers, and return the numbers of the records."""
    from tests.test_api_service import serving as served

    key = room.run("key", "add", "freeze", "--role", "system").split()[-1]
    numbers = {}
    with served(room.home, source, room.place / "service.log") as (address, _):
        for kind, (route, content) in ASKED.items():
            headers = {"Content-Type": "application/json", "Authorization": f"Bearer {key}"}
            request = urllib.request.Request(address + route, json.dumps(content).encode(), headers)
            with urllib.request.urlopen(request, timeout=60) as answer:
                said = json.load(answer)
            numbers[kind] = said["record_id"]
            digests |= of_plain(f"answer/{kind}", without(said, *DIFFERS))
    return numbers


def statements(room: Room) -> Digests:
    """The catalogue as SQL, which DuckDB and Spark run unchanged: each feature's, and those that Spark is given at once."""
    # all that this file needs of the inside of the code; whoever moves it mends these lines
    from features.engine.engine import engine_of
    from features.sql.compile import features_sql
    from features.sql.duckdb_oracle import dialect_of
    from features.store.opening import open_store

    with room.inside():
        store = open_store(room.city())
        engine = engine_of(store)
        dialect = dialect_of(engine)
    digests = {}
    for entity in ("enterprise", "claim", "provider"):
        names = [feature.name for feature in engine.catalogue.features(entity)]
        digests |= {
            f"sql/duckdb/{entity}/{name}": digest(features_sql(engine.catalogue, [name], dialect))
            for name in names
        }
        for first in range(0, len(names), FEATURES_A_STATEMENT):
            chosen = names[first : first + FEATURES_A_STATEMENT]
            digests[f"sql/spark/{entity}/{first}"] = digest(
                features_sql(engine.catalogue, chosen, dialect)
            )
    return digests


PARTS: dict[str, Part] = {
    part.__name__: part for part in (city, statements, core_platform, chicago, training, serving)
}


# ---- comparing


def frozen() -> dict[str, Digests]:
    """Return the digests that are kept, by part, each under the key that it has now."""
    kept: dict[str, Digests] = json.loads(FROZEN.read_text("utf-8"))
    return {
        part: {renamed(key, renames()): value for key, value in digests.items()}
        for part, digests in kept.items()
    }


def renames() -> dict[str, str]:
    """Return the keys that have another name since the digests were written: old to new."""
    table: dict[str, str] = tomllib.loads(RENAMED.read_text("utf-8"))["keys"]
    return table


def renamed(key: str, table: Mapping[str, str]) -> str:
    """Return the name that a key has now: the longest beginning of it, up to a `/`, that the table has is replaced.

    >>> renamed("plan/cells/visits", {"plan/cells": "plan/lists"}), renamed("plan/cells_left", {"plan/cells": "plan/lists"})
    ('plan/lists/visits', 'plan/cells_left')
    """
    parts = key.split("/")
    for length in range(len(parts), 0, -1):
        before = "/".join(parts[:length])
        if before in table:
            return "/".join([table[before], *parts[length:]])
    return key


def lines_of_renames(table: Mapping[str, str]) -> list[str]:
    """Return a line of the changelog for each renamed key."""
    return [f"  - `{before}` is now `{after}`" for before, after in sorted(table.items())]


def differences(kept: Digests, said: Digests) -> list[str]:
    """Return in a line each what is said otherwise than it was kept, is gone, or is new."""
    changed = [f"changed: {key}" for key in kept if key in said and said[key] != kept[key]]
    gone = [f"gone: {key}" for key in kept if key not in said]
    return sorted([*changed, *gone, *(f"new: {key}" for key in said if key not in kept)])


def said_by(names: Iterable[str], data: Path) -> dict[str, Digests]:
    """Return what each of some parts says now, in a room of their own."""
    with tempfile.TemporaryDirectory(prefix="freeze-") as place:
        return {name: PARTS[name](Room(Path(place), data)) for name in names}


def main() -> int:
    """Compare or write; return the exit code."""
    words = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    words.add_argument("--write", action="store_true", help="keep what is said now")
    words.add_argument(
        "--renamed", action="store_true", help="print the renamed keys for the changelog"
    )
    words.add_argument(
        "--part", action="append", choices=PARTS, help="only this part; may be repeated"
    )
    words.add_argument(
        "--data",
        type=Path,
        default=Path(os.environ.get("LSSI_DATA", ROOT.parent / "shared" / "data")),
    )
    given = words.parse_args()
    if given.renamed:
        print("\n".join(lines_of_renames(renames())))
        return 0
    said = said_by(given.part or PARTS, given.data)
    if given.write:
        # parts that are not written now keep their digests, under the keys that they have since
        kept = (frozen() if FROZEN.exists() else {}) | said
        FROZEN.write_text(
            json.dumps(kept, indent=1, ensure_ascii=False, sort_keys=True) + "\n", "utf-8"
        )
        RENAMED.write_text(NO_RENAMES, "utf-8")
        return 0
    found = [
        line for part, digests in said.items() for line in differences(frozen()[part], digests)
    ]
    print("\n".join(found) or "nothing changed")
    return int(bool(found))


NO_RENAMES = """# Keys of frozen.json that have another name since it was written: "old" = "new", whole or up to a `/`.
# Each pair has its line in CHANGELOG.md: python -m tests.freeze --renamed prints them. Writing the digests anew empties this.
[keys]
"""


if __name__ == "__main__":
    sys.exit(main())
