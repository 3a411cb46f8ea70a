"""What every test may ask for, and the list of what could not be run here, with where to get it."""

from __future__ import annotations

import csv
import gc
import os
import shutil
from collections.abc import Callable, Generator, Iterator
from datetime import date
from itertools import count
from pathlib import Path
from typing import Any

import lightgbm
import numpy as np
import pytest
from hypothesis import settings

from features.contract.tables import COMMON, contract
from features.ingest.scan import files_below
from features.ingest.source import JOURNAL
from features.matrix import Matrix
from models.bundle.bundle import Bundle, Parts, load_bundle, write_bundle
from models.bundle.calibration import Calibration
from models.bundle.manifest import FrozenFeature
from serving.database.place import LedgerPlace
from tests.database_server import DatabaseServer, database_place, running_server
from tests.once import home_copied, made_once
from tests.said import Answer, Say, answer_of
from tests.sample import SEED

Report = pytest.TestReport | pytest.CollectReport
REQUIRE_ALL = os.environ.get("LSSI_REQUIRE_ALL") == "1"
# where a commit is judged, the same commit gets the same examples; at a desk each run tries others;
# and no law rests on how quick the machine is, so that an example has no deadline
settings.register_profile("here", derandomize=REQUIRE_ALL, deadline=None)
settings.load_profile("here")
PROGRAMS = {
    "chromium": "apt-get install chromium fonts-noto-cjk",
    "java": "apt-get install openjdk-17-jre-headless",
    "postgres": "apt-get install postgresql",
    "prometheus": "apt-get install prometheus",
    "promtool": "apt-get install prometheus",
    "systemd-analyze": "apt-get install systemd",
}

LONGEST = (
    "test_stops",
    "test_leaks",
    "test_stops_models",
    "test_demo",
    "test_scoring_scorer",
    "test_sql_spark",
    "test_simulation_platform",
    "test_lssi_paths",
    "test_api_service",
    "test_store_append",
    "test_sources_core_platform_states",
    "test_freeze",
    "test_lssi_small",
    "test_sources_public",
    "test_certificate_poison_raw",
    "test_sources_core_platform_odd",
    "test_sources_core_platform",
    "test_certificate_certify",
    "test_runs_train",
    "test_engine_matrices",
    "test_runs_ablate",
    "test_old_home",
    "test_notebooks",
    "test_policy_trial",
    "test_scoring_from_day",
    "test_api_generation",
    "test_replay_report_page",
    "test_torture",
    "test_scoring_batch_job",
    "test_plans_standing",
    "test_scoring_whole_day",
    "test_sources_core_platform_forms",
    "test_sources_core_platform_stated",
    "test_store_source_names",
    "test_matches",
    "test_simulation_city",
    "test_network",
    "test_store_damage",
    "test_home_upgrade",
    "test_certificate_known_rows",
    "test_online_counterfactual",
    "test_models_novelty",
    "test_alerts_flood",
)
"""The files that take longest, which begin first, so that no worker is left with one at the end."""

COUNTED: dict[str, int] = {}
"""What tests counted, shown at the end of a run."""


def program(name: str) -> str:
    """Return the path of a program, or skip and say where to get it."""
    debian = sorted(str(path.parent) for path in files_below(Path("/usr/lib/postgresql"), "pg_ctl"))
    found = shutil.which(name, path=os.pathsep.join([os.environ["PATH"], *debian]))
    if found is None:
        pytest.skip(f"{name} is not installed: {PROGRAMS[name]}")
    return found


@pytest.fixture(scope="session")
def chromium() -> str:
    """The browser."""
    return program("chromium")


@pytest.fixture(scope="session")
def java() -> str:
    """The Java that Spark needs; PySpark itself comes with `make extra`."""
    pytest.importorskip("pyspark", reason="pyspark is not installed: make extra")
    return program("java")


@pytest.fixture(scope="session")
def postgres() -> str:
    """The PostgreSQL server program; its siblings (initdb, pg_ctl) stand beside it."""
    return program("postgres")


@pytest.fixture(scope="session")
def database_server(postgres: str) -> Iterator[DatabaseServer]:
    """A PostgreSQL server for ledgers; libpq finds its password as it does anywhere, in a file of passwords."""
    with running_server(postgres, "") as server, pytest.MonkeyPatch.context() as patch:
        patch.setenv("PGPASSFILE", str(server.passfile))
        yield server


@pytest.fixture(params=["file", "database"])
def ledger_at(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[str], LedgerPlace]:
    """What gives a new ledger's place by its name, in a file and then in a database: a law of the ledger holds in both."""
    if request.param == "file":
        return lambda name: tmp_path / f"{name}.db"
    server: DatabaseServer = request.getfixturevalue("database_server")
    return lambda name: database_place(server, tmp_path / name)


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder with the public data sets: $LSSI_DATA or ../shared/data."""
    folder = Path(os.environ.get("LSSI_DATA", Path(__file__).parents[2] / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip(
            "the public data sets are missing: put them into ../shared/data or set LSSI_DATA"
        )
    return folder


def pytest_report_header() -> str:
    """Say at the head of a run which seed the samples have."""
    return f"samples: seed {SEED}; make test-slow and test-full run what they leave out (docs/testing.md)"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the longest files first; the order within a file stays."""
    rank = {name: place for place, name in enumerate(LONGEST)}
    items.sort(key=lambda item: rank.get(item.path.stem, len(LONGEST)))


@pytest.fixture(scope="module", autouse=True)
def _few_to_collect() -> None:
    """Leave what lives when a file begins out of further collections of garbage.

    A command that ends collects the garbage of its process. Half a million objects of imported modules would make
    that four tenths of a second, and more for each command of a test.
    """
    gc.collect()
    gc.freeze()


HOMES = count()


@pytest.fixture(autouse=True)
def _home_apart(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep every test out of the user's own $LSSI_HOME.

    The folder is numbered here, since pytest looks through those of all tests before for its next number.
    """
    home = tmp_path_factory.getbasetemp() / "homes" / str(next(HOMES))
    home.mkdir(mode=0o700, parents=True)
    monkeypatch.setenv("LSSI_HOME", str(home))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, Report, Report]:
    """Turn a skip into a failure where everything must run."""
    report = yield
    return refused(report)


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(collector: pytest.Collector) -> Generator[None, Report, Report]:
    """The same for a whole file that skips itself."""
    report = yield
    return refused(report)


def refused(report: Report) -> Report:
    """Return the report, failed if it is a skip under LSSI_REQUIRE_ALL=1."""
    if REQUIRE_ALL and report.outcome == "skipped" and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
        report.longrepr = f"LSSI_REQUIRE_ALL=1 allows no skip: {reason(report)}"
    return report


def reason(report: Report) -> str:
    """Return why a test did not run."""
    text = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
    return text.removeprefix("Skipped: ")


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Hand what a worker of a run in parallel counted to the run."""
    handed: dict[str, dict[str, int]] | None = getattr(session.config, "workeroutput", None)
    if handed is not None:
        handed["counted"] = COUNTED


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """Take what a worker counted, once it has ended; one that crashed hands nothing."""
    for what, number in getattr(node, "workeroutput", {}).get("counted", {}).items():
        COUNTED[what] = COUNTED.get(what, 0) + number


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """List what was not run here, once per reason."""
    for text in sorted({reason(report) for report in terminalreporter.stats.get("skipped", [])}):
        terminalreporter.write_line(f"not run here: {text}")
    for what, number in COUNTED.items():
        terminalreporter.write_line(f"{what}: {number:,}")


@pytest.fixture(scope="session")
def counted() -> dict[str, int]:
    """What tests count, by name: shown at the end of the run."""
    return COUNTED


@pytest.fixture
def say(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Say:
    """`say(*words)`: what `lssi WORDS` says, run in this process."""

    def run(*words: object) -> Answer:
        return answer_of(words, monkeypatch, capfd)

    return run


@pytest.fixture
def write_source(tmp_path: Path, hand_source: Callable[..., Path]) -> Callable[..., Path]:
    """`write_source({table: [row, ...]}, toml="", folder="source")`: a source by hand in the test's own folder."""

    def write(
        tables: dict[str, list[dict[str, object]]], toml: str = "", folder: str = "source"
    ) -> Path:
        return hand_source(tmp_path / folder, tables, toml)

    return write


@pytest.fixture(scope="session")
def hand_source() -> Callable[..., Path]:
    """`hand_source(place, {table: [row, ...]}, toml="")`: a source of CSV files by hand, complete to 2015-06-30.

    A row may leave out any column; row_id, recorded_on and retracted have defaults. Other tables are declared absent.
    """

    def write(place: Path, tables: dict[str, list[dict[str, object]]], toml: str = "") -> Path:
        place.mkdir(parents=True, exist_ok=True)
        absent = [table for table in contract() if table not in tables and table not in JOURNAL]
        (place / "source.toml").write_text(
            f'name = "hand"\nzh = "手写"\nen = "by hand"\ncomplete_to = 2015-06-30\nabsent = {absent}\n{toml}',
            "utf-8",
        )
        for table, rows in tables.items():
            usual = {"row_id": "", "recorded_on": "2015-01-01", "retracted": 0}
            names = [column.name for column in contract()[table].columns + COMMON]
            names += sorted({name for row in rows for name in row} - set(names))
            with (place / f"{table}.csv").open("w", encoding="utf-8", newline="") as file:
                out = csv.DictWriter(file, names)
                out.writeheader()
                out.writerows(
                    usual | {"row_id": f"{table}-{number}"} | row
                    for number, row in enumerate(rows, 1)
                )
        return place

    return write


@pytest.fixture(scope="session")
def loaded_town(tmp_path_factory: pytest.TempPathFactory, hand_source: Callable[..., Path]) -> Path:
    """A folder with a town by hand (`town`) and a home in which it is loaded (`home`), for tests of the loop."""
    from tests import loop_town

    return loop_town.loaded_town(tmp_path_factory.mktemp("loop"), hand_source)


@pytest.fixture(scope="session")
def city_2000(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The simulated city of 2,000 enterprises over 36 months, complete to 2015-06-30: a source folder."""
    return made_once(tmp_path_factory, "city", write_city_2000)


def write_city_2000(place: Path) -> None:
    """Write the city of 2,000 enterprises."""
    from simulation.ground.setting import setting_of
    from simulation.run import write_city

    write_city(place, setting_of(2_000, 36, until="2015-06-30", seed=1), lambda _done, _of: None)


@pytest.fixture(scope="session")
def city_home(city_2000: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An $LSSI_HOME in which that city is loaded; each worker has a copy, since tests write into it."""
    loaded = made_once(tmp_path_factory, "loaded", lambda home: load_city(city_2000, home))
    return home_copied(tmp_path_factory, loaded)


@pytest.fixture(scope="session")
def trained_home(
    city_2000: Path, city_home: Path, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """An $LSSI_HOME in which that city is loaded and a model of each target is in use; each worker has a copy."""
    trained = made_once(
        tmp_path_factory, "trained", lambda home: train_city(city_2000, city_home, home)
    )
    return home_copied(tmp_path_factory, trained)


def load_city(city: Path, home: Path) -> None:
    """Load a city in a home."""
    from features.store.opening import open_store

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LSSI_HOME", str(home))
        open_store(city)


def train_city(city: Path, loaded: Path, home: Path) -> None:
    """Copy a home in which a city is loaded, and put a model of each target in use there.

    The models are those of `lssi train`, but neither certified nor registered, which takes longer than to train them.
    """
    from features.store.opening import open_store
    from models.bundle.bundle import load_bundle, write_bundle
    from models.bundle.champions import ModelKey, Pointer
    from models.bundle.generation import promote_model
    from training.runs.train import bundle_parts, trained_on

    shutil.copytree(loaded, home)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LSSI_HOME", str(home))
        store = open_store(city)
        for target in ("undeclared_workers", "fraudulent_claim"):
            parts = bundle_parts(trained_on(store, target), {"source": "city"})
            bundle = write_bundle(home / "bundles", parts)
            pointer = Pointer(bundle=bundle.name, digest=load_bundle(bundle).digest)
            promote_model(home / "bundles", ModelKey("city", target), pointer)


@pytest.fixture
def register(tmp_path: Path) -> Path:
    """The file of a register of keys."""
    return tmp_path / "keys.json"


@pytest.fixture
def keys(register: Path) -> dict[str, str]:
    """A key of each role, by role, in that register; those who act for a team act for t1."""
    from serving.gate.keys import ROLES, TEAM_ROLES, add

    today = date(2015, 7, 1)
    team_of = {role: "t1" if role in TEAM_ROLES else None for role in ROLES}
    return {
        role: add(register, f"of_{role}", role=role, today=today, team=team)
        for role, team in team_of.items()
    }


@pytest.fixture(scope="session")
def model_parts() -> Parts:
    """A real little model: numbers with gaps, two categories, a count model, 2,000 cases to probe it with."""
    return parts_of_a_model(rows=2000, trees=40, seed=7)


@pytest.fixture(scope="session")
def model_bundle(model_parts: Parts, tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    """The little model, written and loaded."""
    return load_bundle(write_bundle(tmp_path_factory.mktemp("bundles"), model_parts))


def parts_of_a_model(*, rows: int, trees: int, seed: int) -> Parts:
    """Train both boosters on seeded noise in which staff, gap and sector matter."""
    draw = np.random.default_rng(seed)
    values = np.round(draw.normal(0, 3, (rows, 6)), 2)
    values[:, 4:] = draw.integers(0, (40, 3), (rows, 2))
    chance = 1 / (
        1 + np.exp(-(values[:, 0] - values[:, 1] * (values[:, 4] % 2) + values[:, 5] - 1))
    )
    values[draw.random(values.shape) < 0.1] = np.nan
    label = draw.random(rows) < chance
    names = ("staff", "gap", "months_late", "kwh", "sector", "kind")
    categories = {
        "sector": tuple(f"行业 {code}" for code in range(40)),
        "kind": ("agency", "branch", "company"),
    }
    keys, days = np.array([f"e{row}" for row in range(rows)]), np.full(rows, 16000, dtype=np.int32)
    matrix = Matrix("enterprise", keys, days, names, values, categories)
    choices = {
        "num_leaves": 15,
        "min_data_in_leaf": 5,
        "verbosity": -1,
        "num_threads": 1,
        "seed": 1,
        "deterministic": True,
        "force_row_wise": True,
        "min_data_per_group": 5,
        "cat_smooth": 1,
    }
    texts = []
    for objective, y in (
        ("binary", label),
        ("poisson", np.where(label, 1 + draw.poisson(3, rows), 1)),
    ):
        table = lightgbm.Dataset(
            values, y, feature_name=list(names), categorical_feature=["sector", "kind"]
        )
        texts.append(
            lightgbm.train({**choices, "objective": objective}, table, trees).model_to_string()
        )
    features = tuple(
        FrozenFeature(
            name=name,
            expression=f"last({name})",
            unit="class" if name in categories else "persons",
            direction="up",
            family="staff",
            zh=f"特征 {name}",
            en=f"feature {name}",
            tables=("tax_payroll",),
            categories=categories.get(name),
        )
        for name in names
    )
    line = Calibration((-4.0, -1.0, 0.0, 2.0, 5.0), (0.02, 0.2, 0.5, 0.85, 0.99))
    return Parts(
        "undeclared_workers",
        "2015-06-30",
        features,
        line,
        texts[0],
        texts[1],
        matrix,
        {"source": "hand"},
        {},
    )
