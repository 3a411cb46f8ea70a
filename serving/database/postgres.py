"""An open ledger in PostgreSQL: how it is reached, what is spelled otherwise, and its errors in one line without secrets."""

from __future__ import annotations

import logging
import time
from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from functools import cache
from itertools import count
from typing import Any, TypeVar

import psycopg
from psycopg import sql

from features.errors import LedgerError
from serving.database.connection import Errors, Row
from serving.database.place import DatabaseLedger
from serving.database.postgres_schema import GUARDS, GUARDS_QUERY

LOG = logging.getLogger("lssi.ledger")
PATIENCE = 30.0
"""Seconds for which a command waits for a lock of the database; a choice: others hold it for milliseconds."""
_REACHED = 2
"""Seconds for which each address of a database is tried at least; the shortest that libpq takes."""
_STUCK = "5s"
"""For how long a writer that says nothing may keep others out; a choice: a group of records takes milliseconds."""
_BATCH = 200
"""Rows that a long query brings at once; a choice: of records as large as those of a service some megabytes."""
_SPELLINGS = (
    ("%", "%%"),
    ("?", "%s"),
    ("CAST(request AS BLOB)", "convert_to(request, 'UTF8')"),
    (" AS BLOB)", " AS bytea)"),
    ("CAST(leaf AS TEXT)", "convert_from(leaf, 'UTF8')"),
    ("CAST(payload AS TEXT)", "convert_from(payload, 'UTF8')"),
    ("instr(", "strpos("),
)
"""What SQLite spells otherwise than PostgreSQL, in all that is asked of a ledger."""
_SESSION = """SELECT set_config('search_path', ?, false), set_config('client_min_messages', 'error', false),
 CASE WHEN current_setting('synchronous_commit') = 'off' THEN set_config('synchronous_commit', 'on', false) END"""
_IDENTITY = """SELECT (SELECT system_identifier FROM pg_control_system()), d.oid, to_regclass('head')::oid
 FROM pg_database d WHERE d.datname = current_database()"""
_LOST = (
    "the ledger's database was lost while the record was committed, so whether it stands is not known; send the same"
    " again with the same idempotency key"
)
T = TypeVar("T")


class PostgresConnection(psycopg.Connection[Row]):
    """A connection that commits durably and, where it has a deadline, waits no longer for any answer."""

    failures: Errors = (psycopg.Error,)
    unknown: Errors = (psycopg.OperationalError, psycopg.ProgrammingError, psycopg.InterfaceError)
    deadline: float | None = None
    _names = count()

    def wait(
        self, gen: Generator[Any, Any, T], interval: float = 0.1, timeout: float | None = None
    ) -> T:
        """Return what a dialogue with the server ends with; an error at the deadline, however the server hangs."""
        if self.deadline is not None:
            timeout = max(self.deadline - time.monotonic(), 0.001)
        try:
            return super().wait(gen, interval, timeout)
        except psycopg.OperationalError:
            if self.deadline is not None and time.monotonic() >= self.deadline:
                self.pgconn.finish()  # what the server still does is not known: nothing can follow
            raise

    def execute(self, query: Any, values: Sequence[Any] = (), **_: Any) -> Any:  # type: ignore[override]
        """Run a statement with a value for each `?`."""
        return super().execute(postgres_sql(query), values or None)

    def executemany(self, query: str, rows: Iterable[Sequence[Any]]) -> None:
        """Run a statement once for each row of values, all sent together."""
        with self.cursor() as cursor:
            cursor.executemany(postgres_sql(query), rows)

    def each(self, query: str) -> Iterator[Row]:
        """Yield the rows of a query through a cursor of the server."""
        with self.cursor(f"rows_{next(self._names)}") as cursor:
            cursor.itersize = _BATCH
            cursor.execute(postgres_sql(query))
            yield from cursor

    def begin_writing(self) -> None:
        """Begin a transaction and wait in the queue for the row of the head."""
        with self.together():
            self.execute("BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE")
            self.execute("SELECT size FROM head FOR UPDATE")

    def commit_writing(self) -> None:
        """Commit; LedgerError where no answer came."""
        try:
            self.execute("COMMIT")
        except psycopg.OperationalError:
            raise LedgerError(_LOST) from None

    def wipe(self) -> None:
        """Let the space of erased rows be used again, where this user owns the tables."""
        self.execute("VACUUM payloads, retries")

    def together(self) -> AbstractContextManager[object]:
        """Send statements without waiting for the answer to each."""
        return self.pipeline()

    def guards(self) -> dict[str, str]:
        """Return the triggers and rules of the ledger's tables as this database holds them."""
        return dict(self.execute(GUARDS_QUERY).fetchall())

    def own_guards(self) -> dict[str, str]:
        """Return the triggers that the tables of a ledger have."""
        return GUARDS

    def identity(self) -> Row:
        """Return which cluster, database and table this is, as an inode tells one file from another."""
        row: Row = self.execute(_IDENTITY).fetchone()
        return row


@cache
def postgres_sql(query: str) -> str:
    """Return a statement as PostgreSQL spells it.

    >>> postgres_sql("SELECT CAST(hash AS BLOB) FROM nodes WHERE level = ?")
    'SELECT CAST(hash AS bytea) FROM nodes WHERE level = %s'
    """
    # where no value is put in, a % is a %
    spellings = _SPELLINGS if "?" in query else _SPELLINGS[1:]
    for ours, theirs in spellings:
        query = query.replace(ours, theirs)
    return query


def connected(place: DatabaseLedger, seconds: float | None = None) -> PostgresConnection:
    """Return a new connection; it waits for each answer until `seconds` from now where they are given."""
    database = place.database
    connection = PostgresConnection.connect(
        database.url,
        autocommit=True,
        connect_timeout=max(_REACHED, round(PATIENCE if seconds is None else seconds)),
        application_name="lssi ledger",
        client_encoding="UTF8",
    )
    try:
        connection.deadline = None if seconds is None else time.monotonic() + seconds
        path = sql.SQL("{}, pg_temp").format(sql.Identifier(database.schema)).as_string(connection)
        connection.execute(_SESSION, (path,))
    except BaseException:
        connection.close()
        raise
    return connection


def writing_connection(place: DatabaseLedger, seconds: float = PATIENCE) -> PostgresConnection:
    """Return a new connection for a writer who waits for so many seconds, and whom the server ends where it is stuck."""
    connection = connected(place, seconds)
    milliseconds = str(round(seconds * 1_000))
    limits = {"lock_timeout": milliseconds, "idle_in_transaction_session_timeout": _STUCK}
    for name, limit in limits.items():
        connection.execute("SELECT set_config(?, ?, false)", (name, limit))
    (is_synced,) = connection.execute("SHOW fsync").fetchone()
    if is_synced != "on":
        LOG.warning("the database of the ledger runs with fsync off: a power cut may lose records")
    return connection


def is_begun(connection: PostgresConnection) -> bool:
    """Say whether the tables of a ledger are there."""
    (head,) = connection.execute("SELECT to_regclass('head')").fetchone()
    return head is not None


@contextmanager
def told_in_one_line(place: DatabaseLedger) -> Iterator[None]:
    """Raise LedgerError, without a password and without a value, in place of an error of the database."""
    try:
        yield
    except psycopg.Error as failure:
        raise LedgerError(
            f"the ledger's database at {place} cannot be used ({database_message(failure)}); see that it runs and that"
            " this user may use it"
        ) from None


def database_message(failure: psycopg.Error) -> str:
    """Return what an error of the database says, without its details, which may hold values."""
    return " ".join((failure.diag.message_primary or str(failure)).split())
