"""Where a ledger lies: in a file of the home, or in a PostgreSQL database whose address LSSI_LEDGER states.

What lies beside a ledger is in the home in both cases: its signing key, the rows of batches, and the last head noted.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, urlsplit

from features.errors import RequestError

if TYPE_CHECKING:
    from features.ingest.postgres import Database

FILE = "ledger.db"
"""The file of a ledger in its home. What lies beside a ledger is named after it, also where a database holds the ledger."""
VARIABLE = "LSSI_LEDGER"
_SECRETS = ("password", "sslpassword")


@dataclass(frozen=True, slots=True)
class DatabaseLedger:
    """A ledger in a database, whose address holds no password, and the home in which lies what is beside it."""

    address: str
    home: Path

    @property
    def database(self) -> Database:
        """The database, as libpq is told of it."""
        from features.ingest.postgres import database_of

        return database_of(self.address)

    def __str__(self) -> str:
        return self.database.place


LedgerPlace = Path | DatabaseLedger


def ledger_place(home: Path, environment: Mapping[str, str] | None = None) -> LedgerPlace:
    """Return where the ledger of a home lies: at $LSSI_LEDGER, or in its file where that is unset or empty.

    >>> ledger_place(Path("/home"), {}).name
    'ledger.db'
    """
    variables = os.environ if environment is None else environment
    address = variables.get(VARIABLE)
    if not address:
        return home / FILE
    place = named_place(address, home)
    if isinstance(place, Path):
        raise RequestError(
            f"{VARIABLE} should be the address of a database, like postgresql://user@host:5432/name?schema=ledger;"
            " unset it for the ledger in the home's file"
        )
    return place


def named_place(text: str, home: Path) -> LedgerPlace:
    """Return the place that a text names, the address of a database or the path of a file."""
    # a command whose ledger is a file does not load what only a database needs
    from features.ingest.postgres import is_database

    if not is_database(text):
        return Path(text)
    _check_no_secret(text)
    return DatabaseLedger(text, home)


def local_file(place: LedgerPlace) -> Path:
    """Return the file after which what lies beside a ledger is named."""
    return place if isinstance(place, Path) else place.home / FILE


def _check_no_secret(address: str) -> None:
    """Raise RequestError where an address holds a password, which every list of processes would show."""
    from features.ingest.postgres import database_of

    database_of(address)  # says what is wrong with an address of another form
    parts = urlsplit(address)
    options = {name.lower() for name, _ in parse_qsl(parts.query, keep_blank_values=True)}
    if parts.password is not None or not options.isdisjoint(_SECRETS):
        raise RequestError(
            "the address of the ledger's database holds a password, which lists of processes and environments show;"
            " take it out, and give it in a file that only you can read (PGPASSFILE or ~/.pgpass), or in PGPASSWORD"
        )
