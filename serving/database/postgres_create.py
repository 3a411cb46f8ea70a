"""Making the tables of a ledger in PostgreSQL, all or none."""

from __future__ import annotations

import secrets
from contextlib import closing

from psycopg import sql

from features.errors import LedgerError
from features.files import own_folder, write_points
from serving.database.place import DatabaseLedger
from serving.database.postgres import (
    PATIENCE,
    PostgresConnection,
    connected,
    is_begun,
    told_in_one_line,
)
from serving.database.postgres_schema import SCHEMA


def create_tables(place: DatabaseLedger) -> None:
    """Make the tables of a ledger, all or none, unless they are there; LedgerError when the database cannot hold one."""
    own_folder(place.home)
    with told_in_one_line(place), closing(connected(place, PATIENCE)) as connection:
        if is_begun(connection):
            return
        (encoding,) = connection.execute("SHOW server_encoding").fetchone()
        if encoding != "UTF8":
            raise LedgerError(
                f"the database of {place} is encoded as {encoding}; a ledger needs one in UTF8"
            )
        with write_points("a ledger is made"), connection.transaction():
            # whoever comes second waits here, and finds them made
            connection.execute("SELECT pg_advisory_xact_lock(hashtext('lssi ledger'))")
            if not is_begun(connection):
                _lay_out(connection, place.database.schema)


def _lay_out(connection: PostgresConnection, schema: str) -> None:
    """Make the tables of a ledger without entries, and the schema where there is none."""
    (has_schema,) = connection.execute(
        "SELECT to_regnamespace(quote_ident(?))", (schema,)
    ).fetchone()
    if has_schema is None:
        name = sql.Identifier(schema).as_string(connection)
        connection.execute(f"CREATE SCHEMA {name}")
    connection.execute(SCHEMA)
    connection.execute("INSERT INTO head VALUES (1, ?, 0, '')", (secrets.token_hex(8),))
