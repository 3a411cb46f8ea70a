"""A flood of alerts: a city in which every firm alerts, an issuer that is killed again and again, and readers that flap.

`python -m tests.alert_flood FOLDER FIRMS KILLS` runs it and prints its counts.
"""

from __future__ import annotations

import csv
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from random import Random

from features.calendar import day_of
from features.contract.tables import contract
from features.ingest.source import JOURNAL
from serving.alerts.delivered import alerts_after
from serving.ledger.read import head
from serving.loop.journal_rows import rows_where
from serving.proof.audit import verify

TEAMS = 20
"""Teams, each of one cell; a choice."""
FORGETS = 0.4
"""How often a reader stops before it has saved its place; a choice."""
SEED = 7
AS_OF, ISSUED_ON = "2015-06-30", "2015-07-01"


@dataclass(frozen=True, slots=True)
class FloodCounts:
    """What came of a flood: alerts in the ledger and the journal, kills, and what the readers of all teams saw."""

    firms: int
    kills: int
    in_ledger: int
    in_journal: int
    delivered: int
    repeated: int
    lost: int
    doubled: int
    to_a_wrong_team: int
    ledger_whole: bool


class FlappingReader:
    """A team's reader: it asks behind the place it saved, and often stops before it saves the next one."""

    def __init__(self, team: str, random: Random) -> None:
        self.team = team
        self.cursor: str | None = None
        self.reads: Counter[str] = Counter()
        self.units: dict[str, str] = {}
        self._random = random

    def read(self, journal: Path, ledger: Path) -> int:
        """Read one page and return its size."""
        page = alerts_after(journal, ledger, self.team, self.cursor)
        for alert in page:
            self.reads[alert["alert"]] += 1
            self.units[alert["alert"]] = alert["enterprise"]
        if page and self._random.random() > FORGETS:
            self.cursor = page[-1]["cursor"]
        return len(page)


def flooded(folder: Path, firms: int, kills: int) -> FloodCounts:
    """Issue an alert of each firm through so many kills of the issuer while readers read, and count what came of it."""
    random = Random(SEED)
    source = write_flood(folder / "source", firms)
    home = folder / "home"
    journal, ledger = home / "journal" / "flood", home / "ledger.db"
    readers = [FlappingReader(f"t{number}", random) for number in range(TEAMS)]
    killed = 0
    for target in sorted(random.randrange(firms) for _ in range(kills)):
        killed += _issue(source, home, target, (readers, journal, ledger))
    _issue(source, home, None, (readers, journal, ledger))
    for reader in readers:
        while reader.read(journal, ledger):
            pass
    return _counts(firms, killed, readers, (journal, ledger))


Watching = tuple[list[FlappingReader], Path, Path]


def _issue(source: Path, home: Path, target: int | None, watching: Watching) -> int:
    """Run `lssi alerts`, kill it once the ledger has so many alerts, and return whether it was killed."""
    command = [sys.executable, "-m", "lssi", "alerts", str(source)]
    process = subprocess.Popen(
        [*command, "--as-of", AS_OF, "--on", ISSUED_ON],
        env={**os.environ, "LSSI_HOME": str(home)},
        stdout=subprocess.DEVNULL,
    )
    readers, journal, ledger = watching
    turn = 0
    while process.poll() is None:
        if target is not None and _size(ledger) > target:
            process.send_signal(signal.SIGKILL)
            process.wait()
            return 1
        if _size(ledger):
            readers[turn % TEAMS].read(journal, ledger)
            turn += 1
        time.sleep(0.02)
    if process.returncode:
        raise AssertionError(f"lssi alerts ended with {process.returncode}")
    return 0


def _size(ledger: Path) -> int:
    return head(ledger).size if ledger.exists() else 0


def _counts(
    firms: int, kills: int, readers: Iterable[FlappingReader], places: tuple[Path, Path]
) -> FloodCounts:
    journal, ledger = places
    rows = rows_where(journal, "alerts")
    team_of = {row["alert"]: row["team"] for row in rows}
    read = [(number, reader.team) for reader in readers for number in reader.reads]
    reads = sum(sum(reader.reads.values()) for reader in readers)
    units = [unit for reader in readers for unit in reader.units.values()]
    wrong = sum(
        team_of[number] != team or team != team_of_firm(unit)
        for (number, team), unit in zip(read, units, strict=True)
    )
    return FloodCounts(
        firms=firms,
        kills=kills,
        in_ledger=head(ledger).size,
        in_journal=len(rows),
        delivered=len(read),
        repeated=reads - len(read),
        lost=firms - len(set(units)),
        doubled=len(units) - len(set(units)),
        to_a_wrong_team=wrong,
        ledger_whole=verify(ledger, day_of(ISSUED_ON)).whole,
    )


def team_of_firm(firm: str) -> str:
    """Return the team in whose cell a firm lies."""
    return f"t{int(firm[1:]) % TEAMS}"


def write_flood(folder: Path, firms: int) -> Path:
    """Write a source in which each of so many firms has filed 20 staff with tax, and nobody is enrolled at all but one."""
    folder.mkdir(parents=True)
    known = {"recorded_on": "2015-06-10"}
    spell = {
        "worker": "w",
        "enterprise": "F0",
        "started": "2014-01-01",
        "recorded_on": "2014-01-02",
    }
    tables: dict[str, Iterator[Mapping[str, object]]] = {
        "enterprises": (
            {
                "enterprise": f"F{n}",
                "since": "2010-01-01",
                "cell": f"c{n % TEAMS}",
                "recorded_on": "2010-01-02",
            }
            for n in range(firms)
        ),
        "tax_payroll": (
            {"enterprise": f"F{n}", "month": "2015-05", "employees": 20, "payroll": 10**6, **known}
            for n in range(firms)
        ),
        "cells": (
            {
                "cell": f"c{n}",
                "since": "2010-01-01",
                "district": "d",
                "team": f"t{n}",
                "recorded_on": "2010-01-02",
            }
            for n in range(TEAMS)
        ),
        "enrolments": iter([{**spell, "scheme": "pension"}]),
        "employment": iter([{**spell, "kind": "regular"}]),
    }
    for table, rows in tables.items():
        _write_csv(folder / f"{table}.csv", table, rows)
    absent = [name for name in contract() if name not in tables and name not in JOURNAL]
    text = f'name = "flood"\nzh = "洪水"\nen = "flood"\ncomplete_to = {AS_OF}\nabsent = {absent}\n'
    (folder / "source.toml").write_text(text, "utf-8")
    return folder


def _write_csv(path: Path, table: str, rows: Iterator[Mapping[str, object]]) -> None:
    names = [column.name for column in contract()[table].columns]
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, [*names, "row_id", "recorded_on", "retracted"])
        writer.writeheader()
        for number, row in enumerate(rows):
            writer.writerow({"row_id": f"{table}-{number}", "retracted": 0, **row})


if __name__ == "__main__":
    place, number_of_firms, number_of_kills = sys.argv[1:]
    counts = asdict(flooded(Path(place), int(number_of_firms), int(number_of_kills)))
    sys.stdout.write("".join(f"{name} {value}\n" for name, value in counts.items()))
