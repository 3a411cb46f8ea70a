"""Moving a ledger whole to another place, such as from its file to a database: its name, and every row of every table."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice

from features.errors import LedgerError
from features.files import write_points
from serving.database.connection import LedgerConnection, Row
from serving.database.place import LedgerPlace
from serving.ledger import merkle
from serving.ledger.head import Head, read_head
from serving.ledger.opening import create_ledger, ledger_reader, ledger_writer
from serving.proof.audit import Verdict, verify_open
from serving.proof.checkpoint import Checkpoint

_TABLES = {
    "entries": "sequence, CAST(leaf AS BLOB)",
    "nodes": "level, place, CAST(hash AS BLOB)",
    "payloads": "sequence, keep_until, CAST(salt AS BLOB), CAST(payload AS BLOB)",
    "retries": "retry_key, request, sequence",
}
"""The columns of each table, in its order."""
_BATCH = 200
"""Rows written at once; a choice: of records as large as those of a service some megabytes."""


def copy_ledger(source: LedgerPlace, goal: LedgerPlace, today: int) -> Verdict:
    """Copy a ledger to a place that holds none or one without records, and return what an audit of the copy says.

    LedgerError, and nothing copied, where the goal holds other records, or where the copy does not verify against the head
    of its source. Records that are written to the source meanwhile are not in the copy.
    """
    with ledger_reader(source) as original:
        head = read_head(original)
        create_ledger(goal)
        with ledger_writer(goal) as copy:
            copy.begin_writing()
            if read_head(copy) != head:  # else it was copied before, and is only verified
                _check_empty(copy)
                _copy_rows(original, copy, head)
            verdict = _verified(copy, head, today)
            with write_points("a copied ledger is committed"):
                copy.commit_writing()
    return verdict


def _check_empty(copy: LedgerConnection) -> None:
    size = read_head(copy).size
    if size:
        raise LedgerError(
            f"the ledger there holds {size} other records, and a copy would mix two; give a place that holds none"
        )


def _copy_rows(original: LedgerConnection, copy: LedgerConnection, head: Head) -> None:
    for table, columns in _TABLES.items():
        places = ", ".join("?" for _ in columns.split(","))
        for rows in _batches(original.each(f"SELECT {columns} FROM {table}")):
            copy.executemany(f"INSERT INTO {table} VALUES ({places})", rows)
    values = (head.origin, head.size, b"".join(head.frontier))
    copy.execute("UPDATE head SET origin = ?, size = ?, frontier = ?", values)


def _batches(rows: Iterable[Row]) -> Iterator[list[Row]]:
    ahead = iter(rows)
    while batch := list(islice(ahead, _BATCH)):
        yield batch


def _verified(copy: LedgerConnection, head: Head, today: int) -> Verdict:
    """Return the audit of a copy against the head of its source; LedgerError unless all agrees."""
    root = merkle.frontier_root(head.frontier)
    verdict = verify_open(copy, today, Checkpoint(head.origin, head.size, root, ""))
    if not verdict.whole or verdict.size != head.size:
        faults = "; ".join(fault.en for fault in verdict.faults[:3])
        raise LedgerError(
            f"the copy does not verify ({faults or 'records are missing'}), so nothing was copied; run"
            " `lssi ledger verify` on the source"
        )
    return verdict
