"""One alert is found in its part, however many parts there are; the index follows the parts and loses nothing."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from features.calendar import day_of
from features.ingest.scan import files_in, scan_parquet
from features.store.journal import write_journal_part
from serving.loop import journal_rows
from serving.loop.alert_index import FILE, alert_rows
from serving.loop.journal_rows import rows_where

DAY = day_of("2015-07-01")


def write_part(journal: Path, part: str, alerts: list[str]) -> None:
    size = len(alerts)
    columns: Mapping[str, list[Any]] = {
        "alert": alerts,
        "enterprise": [f"e{number}" for number in range(size)],
        "team": ["t"] * size,
        "issued_on": [DAY] * size,
        "violation": [1] * size,
        "rule": ["r"] * size,
        "record": ["1-ab"] * size,
        "recorded_on": [DAY] * size,
    }
    write_journal_part(journal, "alerts", part, columns)


def journal_of(folder: Path, parts: int, size: int = 3) -> Path:
    journal = folder / "journal"
    for part in range(parts):
        write_part(journal, f"alerts-{part:08d}", [f"a{part}-{n}" for n in range(size)])
    return journal


def parts_read(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """Return a list to which each part is added that is read."""
    read: list[Path] = []

    def scanned(path: Path) -> Any:
        read.append(path)
        return scan_parquet(path)

    monkeypatch.setattr(journal_rows, "scan_parquet", scanned)
    return read


def test_an_alert_costs_its_own_part_however_many_there_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal = journal_of(tmp_path, 40)
    read = parts_read(monkeypatch)
    for part in (0, 17, 39):
        read.clear()
        [row] = alert_rows(journal, f"a{part}-1")
        assert row["alert"] == f"a{part}-1" and row["enterprise"] == "e1"
        assert [path.stem for path in read] == [f"alerts-{part:08d}"]
    assert alert_rows(journal, "never") == []


def test_without_alerts_there_is_no_index(tmp_path: Path) -> None:
    assert alert_rows(tmp_path / "journal", "a") == []
    assert not (tmp_path / "journal").exists()


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.lists(
        st.one_of(
            st.tuples(st.just("write"), st.integers(0, 4), st.integers(0, 5)),
            st.tuples(st.just("remove"), st.integers(0, 4), st.just(0)),
            st.tuples(st.sampled_from(["damage", "lose", "ask"]), st.just(0), st.integers(0, 5)),
        ),
        max_size=12,
    )
)
def test_whatever_happens_to_parts_and_index_an_alert_is_found_as_by_reading_all_parts(
    tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[str, int, int]]
) -> None:
    journal = tmp_path_factory.mktemp("alerts")
    for step, part, number in steps:
        file = journal / "alerts" / f"alerts-{part:08d}.parquet"
        if step == "write":
            write_part(journal, file.stem, [f"a{number}", f"b{part}"])
        elif step == "remove":
            file.unlink(missing_ok=True)
        elif step == "damage":
            (journal / FILE).write_bytes(b"no database" * 400)
        elif step == "lose":
            (journal / FILE).unlink(missing_ok=True)
        assert alert_rows(journal, f"a{number}") == rows_where(
            journal, "alerts", alert=f"a{number}"
        )


def test_an_index_that_another_holds_is_left_aside(tmp_path: Path) -> None:
    journal = journal_of(tmp_path, 2)
    assert alert_rows(journal, "a1-1")
    write_part(journal, "alerts-00000002", ["new"])
    with closing(sqlite3.connect(journal / FILE, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        [row] = alert_rows(journal, "new")
    assert row["alert"] == "new"


KILLED = """
import os, signal, sys
from pathlib import Path
from serving.loop import alert_index
scanned, count = alert_index.scan_parquet, 0

def killing(path):
    global count
    count += 1
    if count == int(sys.argv[2]):
        os.kill(os.getpid(), signal.SIGKILL)
    return scanned(path)

alert_index.scan_parquet = killing
alert_index.alert_rows(Path(sys.argv[1]), "a0-0")
"""


def test_a_kill_while_the_index_is_made_loses_no_alert(tmp_path: Path) -> None:
    journal = journal_of(tmp_path, 6)
    ended = subprocess.run(
        [sys.executable, "-c", KILLED, str(journal), "4"], check=False, timeout=300
    )
    assert ended.returncode == -signal.SIGKILL
    for part in range(6):
        assert len(alert_rows(journal, f"a{part}-2")) == 1


def test_the_index_is_open_to_its_owner_alone(tmp_path: Path) -> None:
    journal = journal_of(tmp_path, 1)
    before = os.umask(0o000)
    try:
        assert alert_rows(journal, "a0-0")
    finally:
        os.umask(before)
    assert (journal / FILE).stat().st_mode & 0o777 == 0o600
    assert [path.name for path in files_in(journal)] == [FILE]
