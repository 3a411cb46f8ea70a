"""A contract table stored as CSV: every record is a row, and a broken record is a refused row."""

from __future__ import annotations

import hashlib
from collections import Counter
from pathlib import Path

from features.connection import named
from features.contract.tables import COMMON
from features.errors import SourceError
from features.home import home
from features.ingest.csv_file import CsvFile, csv_file
from features.ingest.source import Source

CARRIER = "recorded_on"
"""The column whose text tells why a record is none: a day, which no such text is."""
WHY = "lssi why"
CARRIED = (
    "SELECT * EXCLUDE ({why}) REPLACE (coalesce('! ' || {why}, {carrier}) AS {carrier}) "
    "FROM ({rows})"
)


def copies_of(source: Source) -> Path:
    """Return the folder for copies of a source's CSV files that are not plain; it need not exist."""
    root = source.apart or home()
    places = f"{source.folder}\0{source.data}"
    # Names of folders may be no UTF-8; 16 hex digits are 64 bits, enough to tell sources apart.
    places_as_bytes = places.encode("utf-8", "surrogateescape")
    digest = hashlib.sha256(places_as_bytes).hexdigest()
    return root / "csv" / digest[:16]


def csv_table_sql(source: Source, table: str) -> str:
    """Return the SELECT of a contract table stored as CSV; SourceError if its header repeats a name or lacks one."""
    wanted = frozenset(column.name for column in source.columns(table) + COMMON)
    dialect = source.declaration.csv.of(table)
    file = csv_file(source.tables[table], copies_of(source), dialect, wanted)
    _check_header(file)
    _check_names(file, table, wanted)
    if not file.bad or CARRIER not in file.names:
        return file.rows_sql()
    return CARRIED.format(why=named(WHY), carrier=CARRIER, rows=file.rows_sql(WHY))


def _check_header(file: CsvFile) -> None:
    counts = Counter(name.upper() for name in file.names)
    given_names = [name for name in file.names if name.strip()]
    twice = [name for name in given_names if counts[name.upper()] > 1]
    if twice:
        raise SourceError(f"{file.path.name} holds column {twice[0]} twice; keep one")
    for number, name in enumerate(file.names, 1):
        if not name.strip():
            raise SourceError(
                f"{file.path.name}: column {number} of its header has no name; "
                "name it as `lssi contract` does, or leave it out"
            )


def _check_names(file: CsvFile, table: str, wanted: frozenset[str]) -> None:
    # what the line holds is not repeated: without a header it is a row, and may be of a person
    if wanted.isdisjoint(file.names):
        raise SourceError(
            f"{file.path.name}: its first line, split at {file.parted_by!r}, has none of the column names of "
            f'`lssi contract`; write them there, or state [csv.tables.{table}] delimiter = "|" in source.toml '
            "if that is not the delimiter"
        )
