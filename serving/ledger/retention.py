"""Retention: payloads whose day has passed are erased, and the log that named them still verifies."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from features.files import write_points
from serving.ledger.read import head
from serving.ledger.record import record_of
from serving.ledger.sqlite import writers_lock, writing


def expire(path: Path, today: int) -> int:
    """Erase the payloads kept only until before `today`, with their idempotency keys and rows; return how many.

    The rows of a batch lie in `batches/` beside the ledger; a file that another record still needs stays.
    LedgerError where there is no ledger, or none that can be read.
    """
    head(path)
    with writers_lock(path), closing(writing(path)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        files = _row_files(connection, "keep_until <", today) - _row_files(
            connection, "keep_until >=", today
        )
        connection.execute(
            "DELETE FROM retries WHERE sequence IN (SELECT sequence FROM payloads WHERE keep_until < ?)",
            (today,),
        )
        gone = connection.execute("DELETE FROM payloads WHERE keep_until < ?", (today,)).rowcount
        for name in files:  # before the commit: after it, nobody would know which files are to go
            with write_points("the rows of a batch are erased"):
                (path.parent / "batches" / name).unlink(missing_ok=True)
        with write_points("an expiry is committed"):
            connection.execute("COMMIT")
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return gone


def _row_files(connection: sqlite3.Connection, which: str, today: int) -> set[str]:
    payloads = connection.execute(
        "SELECT payload FROM payloads JOIN entries USING (sequence)"
        f' WHERE {which} ? AND CAST(leaf AS TEXT) LIKE \'%"kind":"batch"%\'',
        (today,),
    )
    rows = (record_of(bytes(payload)).rows for (payload,) in payloads)
    return {f"{one.digest}.parquet" for one in rows if one is not None}
