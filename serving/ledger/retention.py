"""Retention: payloads whose day has passed are erased, and the log that named them still verifies."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from features.calendar import date_of, day_of
from features.errors import LedgerError
from features.files import private_folder, remove, write_points
from serving.database.connection import LedgerConnection
from serving.database.place import LedgerPlace, local_file
from serving.ledger.act import Act, Seen, act_entry, subject_digest
from serving.ledger.day_reference import day_folder
from serving.ledger.entries import Entry
from serving.ledger.head import read_head, write
from serving.ledger.opening import ledger_reader, ledger_writer
from serving.ledger.record import record_of

_DUE_WITH_DAY = "SELECT payload FROM payloads WHERE keep_until < ? AND instr(CAST(payload AS TEXT), '\"day\":{') > 0"
_NAMED_LATER = (
    "SELECT 1 FROM payloads WHERE keep_until >= ? AND instr(CAST(payload AS TEXT), ?) > 0 LIMIT 1"
)


@dataclass(frozen=True, slots=True)
class Expiry:
    """An order to erase the payloads kept only until before the day `until`: who gives it, and when.

    The ledger says so for `kept_days` days after the moment. `jobs` are the folders of batch jobs that go too.
    """

    until: int
    who: str
    moment: datetime
    kept_days: int
    jobs: tuple[Path, ...] = ()


def due(path: LedgerPlace, until: int) -> int:
    """Return how many payloads an expiry would erase; LedgerError where its day cannot be right."""
    with ledger_reader(path) as connection:
        return _due(connection, until)


def expire(path: LedgerPlace, expiry: Expiry) -> tuple[int, str]:
    """Erase payloads with their idempotency keys and rows, and jobs; return how many payloads, and the id of the act of it.

    The act is in the same transaction; where nothing is erased there is none, and its id is "". The rows of a batch
    lie in `batches/` beside the ledger, its scored day in `days/`; what another record still needs stays, so a day outlives
    its batch as long as a score that was answered from it is kept. LedgerError where there is no
    ledger, none that can be read, or where the day cannot be right: more than a day after the newest record's.
    """
    due(path, expiry.until)  # says what is wrong with a place that holds no ledger
    with ledger_writer(path) as connection:
        connection.begin_writing()
        count = _due(connection, expiry.until)
        # another expiry may have been first
        expiry = replace(expiry, jobs=tuple(filter(Path.is_dir, expiry.jobs)))
        if not count and not expiry.jobs:
            return 0, ""
        beside_ledger = local_file(path).parent
        folders = _day_folders(connection, expiry.until)
        files = _erase(connection, expiry.until)
        _, (written,) = write(connection, read_head(connection), [_entry_of(expiry, count)])
        if isinstance(written, LedgerError):
            raise written
        for name in files:  # before the commit: after it, nobody would know which files are to go
            with write_points("the rows of a batch are erased"):
                (beside_ledger / "batches" / name).unlink(missing_ok=True)
        for name in folders:
            with write_points("a scored day is erased"):
                remove(beside_ledger / "days" / name)
        for job in expiry.jobs:
            with write_points("a batch job is erased"), private_folder(job.parent) as work:
                # moved first, so that a kill leaves the job whole, or a folder that the next command removes
                job.rename(work / job.name)
        with write_points("an expiry is committed"):
            connection.commit_writing()
        connection.wipe()
    return count, written.record_id


def _due(connection: LedgerConnection, until: int) -> int:
    # each leaf is one JSON text whose moment stands under this name alone
    moments = "SELECT max(substr(text, instr(text, '\"at\":') + 6, 10)) FROM"
    (newest,) = connection.execute(
        f"{moments} (SELECT CAST(leaf AS TEXT) AS text FROM entries) AS leaves"
    ).fetchone()
    if newest is not None and until > day_of(newest) + 1:
        raise LedgerError(
            f"payloads should be erased as of {date_of(until)}, but the newest record is of {newest}: a clock"
            " may be wrong; set it right, or give a checkpoint made by then (--checkpoint)"
        )
    query = "SELECT count(*) FROM payloads WHERE keep_until < ?"
    (count,) = connection.execute(query, (until,)).fetchone()
    return int(count)


def _erase(connection: LedgerConnection, until: int) -> set[str]:
    """Erase what is due, and return the names of the files of rows that no other record needs."""
    files = _row_files(connection, "keep_until <", until)
    files -= _row_files(connection, "keep_until >=", until)
    connection.execute(
        "DELETE FROM retries WHERE sequence IN (SELECT sequence FROM payloads WHERE keep_until < ?)",
        (until,),
    )
    connection.execute("DELETE FROM payloads WHERE keep_until < ?", (until,))
    return files


def _entry_of(expiry: Expiry, count: int) -> Entry:
    until = date_of(expiry.until).isoformat()
    content = {"until": until, "expired": count}
    if expiry.jobs:
        content["jobs"] = len(expiry.jobs)
    act = Act(
        what="expire",
        who=expiry.who,
        key=f"{until} {expiry.moment.isoformat()}",
        subject=subject_digest({"payloads kept until before": until}),
        content=content,
    )
    seen = Seen(as_of=expiry.until, complete_to=expiry.until, bundle="")
    return act_entry(act, seen, moment=expiry.moment, kept_days=expiry.kept_days)


def _row_files(connection: LedgerConnection, which: str, today: int) -> set[str]:
    payloads = connection.execute(
        "SELECT payload FROM payloads JOIN entries USING (sequence)"
        f' WHERE {which} ? AND CAST(leaf AS TEXT) LIKE \'%"kind":"batch"%\'',
        (today,),
    )
    rows = (record_of(bytes(payload)).rows for (payload,) in payloads)
    return {f"{one.digest}.parquet" for one in rows if one is not None}


def _day_folders(connection: LedgerConnection, until: int) -> set[str]:
    """Return the folders of the scored days that the payloads due name, and that no other payload names."""
    folders = {}
    for (payload,) in connection.execute(_DUE_WITH_DAY, (until,)):
        record = record_of(bytes(payload))
        stands = record.reference or record.rows
        if stands is not None and stands.day is not None:
            folders[stands.day.digest] = day_folder(record.target, record.as_of, stands.day)
    needed = [
        digest
        for digest in folders
        if connection.execute(_NAMED_LATER, (until, digest)).fetchone() is not None
    ]
    return {folder for digest, folder in folders.items() if digest not in needed}
