"""The index of alerts: in which part of the journal an alert stands, so that one costs one part, however many there are.

It is made from the parts and holds nothing else. It is completed when parts came, and made anew when it is missing or
damaged, or when a part is gone or is another; where it cannot be written, the parts are read.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path

from features.files import OWNER, write_points
from features.ingest.scan import files_in, scan_parquet
from serving.loop.journal_rows import Row, rows_of_parts, rows_where

FILE = "alerts.index"
WAIT_SECONDS = 1.0
"""How long an index that another completes is waited for; a choice: to read the parts themselves takes no less."""
SCHEMA = """
CREATE TABLE IF NOT EXISTS parts (name TEXT PRIMARY KEY, size INTEGER NOT NULL, changed INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS alerts (alert TEXT, part TEXT, PRIMARY KEY (alert, part)) WITHOUT ROWID;
"""
Parts = Mapping[str, tuple[int, int]]
"""Size and time of change of each part, by its name."""


def alert_rows(journal: Path, alert: str) -> list[Row]:
    """Return the rows of one alert, in the order in which they were recorded; none where there is no such alert."""
    place = journal / FILE
    try:
        names = _names(place, journal / "alerts", alert)
    except sqlite3.OperationalError:
        # the home can only be read, or another holds the index: the parts say the same
        return rows_where(journal, "alerts", alert=alert)
    except sqlite3.DatabaseError:
        # damaged: what it held stands in the parts
        place.unlink(missing_ok=True)
        return rows_where(journal, "alerts", alert=alert)
    return rows_of_parts((journal / "alerts" / name for name in names), alert=alert)


def _names(place: Path, folder: Path, alert: str) -> list[str]:
    """Return the names of the parts that hold an alert, once the index is that of the parts there are."""
    parts = _parts(folder)
    if not parts:
        return []
    with write_points("the index of alerts is complete"), closing(_opened(place)) as index:
        if _indexed(index) != parts:
            _complete(index, folder, parts)
        query = "SELECT part FROM alerts WHERE alert = ? ORDER BY part"
        return [name for (name,) in index.execute(query, (alert,))]


def _parts(folder: Path) -> Parts:
    states = {path.name: path.stat() for path in files_in(folder, "*.parquet")}
    return {name: (state.st_size, state.st_mtime_ns) for name, state in states.items()}


def _opened(place: Path) -> sqlite3.Connection:
    try:
        os.close(os.open(place, os.O_RDWR | os.O_CREAT, OWNER))
    except OSError as failure:
        raise sqlite3.OperationalError(str(failure)) from None
    index = sqlite3.connect(place, timeout=WAIT_SECONDS, isolation_level=None)
    try:
        index.executescript(SCHEMA)
    except sqlite3.Error:
        index.close()
        raise
    return index


def _indexed(index: sqlite3.Connection) -> Parts:
    rows = index.execute("SELECT name, size, changed FROM parts")
    return {name: (size, changed) for name, size, changed in rows}


def _complete(index: sqlite3.Connection, folder: Path, parts: Parts) -> None:
    """Bring the index to the parts there are, whole or not at all."""
    index.execute("BEGIN IMMEDIATE")
    # asked again: another process may have completed it meanwhile
    indexed = _indexed(index)
    if any(parts.get(name) != state for name, state in indexed.items()):
        index.execute("DELETE FROM alerts")
        index.execute("DELETE FROM parts")
        indexed = {}
    for name in sorted(parts.keys() - indexed.keys()):
        numbers = scan_parquet(folder / name).select("alert").collect()["alert"].unique()
        index.executemany(
            "INSERT INTO alerts VALUES (?, ?)", [(number, name) for number in numbers]
        )
        index.execute("INSERT INTO parts VALUES (?, ?, ?)", (name, *parts[name]))
    index.execute("COMMIT")
