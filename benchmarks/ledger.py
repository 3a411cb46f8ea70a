"""The ledger's writer on a file and on PostgreSQL: records a second, with one caller and with sixteen, in turns of one run.

`LSSI_LEDGER` names a database in which a schema of this run's own is made and removed. It should be on the machine
whose figures are wanted: what is measured is how long a record takes to be durable there.
"""

from __future__ import annotations

import os
import secrets
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path
from statistics import median

import psycopg

from features.errors import RequestError
from serving.database.place import VARIABLE, DatabaseLedger, LedgerPlace, ledger_place
from serving.ledger.entries import Entry
from serving.ledger.ledger import Ledger
from serving.proof.audit import verify

CALLERS = (1, 16)
RECORDS = {1: 150, 16: 800}
"""Records of one turn, by callers."""
TURNS = 5
PAYLOAD = b"x" * 19_500
"""As large as the record of one explained score."""
AS_OF = 16_616


def entry_of_size() -> Entry:
    """Return a record as large as a service's."""
    return Entry(
        kind="score",
        at="2015-07-01T08:00:00+08:00",
        as_of=AS_OF,
        complete_to=AS_OF,
        bundle="ab" * 32,
        request="cd" * 32,
        payload=PAYLOAD,
        keep_until=AS_OF + 1_096,
    )


@contextmanager
def two_places(folder: Path) -> Iterator[dict[str, LedgerPlace]]:
    """Yield a ledger's place in a file and one in a schema of the database, which is removed afterwards."""
    named = ledger_place(folder)
    if not isinstance(named, DatabaseLedger):
        raise RequestError(f"{VARIABLE} is not set; set it to a database on this machine")
    schema = f"benchmark_{secrets.token_hex(4)}"
    address = named.address.partition("?")[0]
    try:
        yield {
            "SQLite": folder / "file" / "ledger.db",
            "PostgreSQL": DatabaseLedger(f"{address}?schema={schema}", folder / "database"),
        }
    finally:
        with psycopg.connect(named.database.url) as connection:
            connection.execute(f"DROP SCHEMA IF EXISTS {schema} CASCADE")


def rate(ledger: Ledger, callers: int) -> float:
    """Return how many records a second so many callers get confirmed, each waiting for its own before the next."""
    each = RECORDS[callers] // callers

    def call(_: int) -> None:
        for _ in range(each):
            ledger.append(entry_of_size()).result()

    begun = time.perf_counter()
    with ThreadPoolExecutor(callers) as pool:
        list(pool.map(call, range(callers)))
    return each * callers / (time.perf_counter() - begun)


def seconds_of(work: Callable[[], object]) -> float:
    """Return how long some work takes."""
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun


def main() -> None:
    """Print the median rate of each ledger by number of callers, their ratio, and what an audit of each takes."""
    with tempfile.TemporaryDirectory() as folder, ExitStack() as work:
        places = work.enter_context(two_places(Path(folder)))
        ledgers = {name: work.enter_context(Ledger(place)) for name, place in places.items()}
        for callers in CALLERS:
            rates: dict[str, list[float]] = {name: [] for name in ledgers}
            for _ in range(TURNS):
                for name, ledger in ledgers.items():
                    rates[name].append(rate(ledger, callers))
            file, database = (median(rates[name]) for name in ledgers)
            print(
                f"{callers} callers: SQLite {file:.0f}/s, PostgreSQL {database:.0f}/s,"
                f" ratio {database / file:.2f}"
            )
        for name, place in places.items():
            seconds = seconds_of(lambda place=place: verify(place, AS_OF))
            print(f"audit, {name}: {seconds:.2f} s")


if __name__ == "__main__":
    if not os.environ.get(VARIABLE):
        print(f"{VARIABLE} is not set: nothing is measured; set it to a database on this machine")
        sys.exit(0)
    main()
