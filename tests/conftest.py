"""What every test may ask for, and the list of what could not be run here, with where to get it."""

from __future__ import annotations

import os
import shutil
from collections.abc import Generator
from pathlib import Path

import pytest

Report = pytest.TestReport | pytest.CollectReport
REQUIRE_ALL = os.environ.get("LSSI_REQUIRE_ALL") == "1"
PROGRAMS = {
    "chromium": "apt-get install chromium fonts-noto-cjk",
    "java": "apt-get install openjdk-17-jre-headless",
    "postgres": "apt-get install postgresql",
}


def program(name: str) -> str:
    """Return the path of a program, or skip and say where to get it."""
    debian = sorted(str(path) for path in Path("/usr/lib/postgresql").glob("*/bin"))
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
def shared_data() -> Path:
    """The folder with the public data sets: $LSSI_DATA or ../shared/data."""
    folder = Path(os.environ.get("LSSI_DATA", Path(__file__).parents[2] / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip("the public data sets are missing: put them into ../shared/data or set LSSI_DATA (sources/README.md)")
    return folder


@pytest.fixture(autouse=True)
def _home_apart(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep every test out of the user's own $LSSI_HOME."""
    monkeypatch.setenv("LSSI_HOME", str(tmp_path_factory.mktemp("home")))


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


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """List what was not run here, once per reason."""
    for text in sorted({reason(report) for report in terminalreporter.stats.get("skipped", [])}):
        terminalreporter.write_line(f"not run here: {text}")
