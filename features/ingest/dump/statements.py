"""Statements of SQL in a dump's folder: the tables whose rows stand in them, which nothing here reads."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import BinaryIO

from features.errors import SourceError
from features.ingest.dialect import unpacked

STATEMENTS = (".sql", ".sql.gz", ".dump", ".pgsql")
"""Endings of what mysqldump, pg_dump and Oracle's tools write as statements."""
PACKED = b"PGDMP"
"""The first bytes of an archive of pg_dump, which is no text."""
LONGEST_PIECE = 1 << 20
"""Bytes of a line that are read at once: an INSERT of many rows is one line, and only its beginning names the table."""
_MARKS = b"\xef\xbb\xbf\xff\xfe"
_QUALIFIED = rb'((?:[`"\[]?[\w$]+[`"\]]?\s*\.\s*)*[`"\[]?[\w$]+[`"\]]?)'
_ROWS = re.compile(
    rb"\s*(?:(?:INSERT|REPLACE)\b[\w\s]*?\bINTO(?:\s+TABLE)?|INTO|COPY)\s+" + _QUALIFIED,
    re.IGNORECASE,
)


def check_statements(path: Path, lacking: Collection[str]) -> None:
    """Raise SourceError where a file of statements holds rows of a table that no other file gives."""
    if not lacking or not path.name.lower().endswith(STATEMENTS) or not path.is_file():
        return
    for line in _beginnings(path):
        table = _table_of(line)
        if table in lacking or line.startswith(PACKED):
            contents = f"rows of table {table!r}" if table in lacking else "an archive of pg_dump"
            raise SourceError(
                f"{path.name} holds {contents} as statements of a database, which are not read; "
                "restore it into a database and export each table as CSV with a header, or as Parquet, or name "
                "a PostgreSQL schema with --data; then move the file out of the folder"
            )


def _table_of(line: bytes) -> str | None:
    """Return in capitals the table into which a statement puts rows; None where a line begins no such statement.

    >>> _table_of(b"INSERT INTO `AC43` VALUES (1)"), _table_of(b"COPY public.ac43 (a)"), _table_of(b"CREATE TABLE AC43")
    ('AC43', 'AC43', None)
    """
    statement = _ROWS.match(line)
    if statement is None:
        return None
    name = statement.group(1).rsplit(b".", 1)[-1]
    return name.strip(b' `"[]').decode("ascii", "replace").upper()


def _beginnings(path: Path) -> Iterator[bytes]:
    """Yield the beginning of each line; SourceError where a compressed file is damaged."""
    with unpacked(path) as file:
        yield from _line_beginnings(file)


def _line_beginnings(file: BinaryIO) -> Iterator[bytes]:
    is_beginning = True
    while piece := file.readline(LONGEST_PIECE):
        if is_beginning:
            # Text in UTF-16, as some shells write it, is plain but for its zero bytes.
            yield piece[:4096].replace(b"\0", b"").lstrip(_MARKS)
        is_beginning = piece.endswith(b"\n")
