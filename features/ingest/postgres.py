"""PostgreSQL as a source: one snapshot of a schema, its tables staged as Parquet through Arrow (ADBC) in batches."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlencode, urlsplit, urlunsplit

import pyarrow as pa
import pyarrow.parquet as pq

from features.errors import SourceError
from features.files import built, reached

SCHEMES = ("postgresql://", "postgres://")
DECLARATION = "lssi_source"
SNAPSHOT = "snapshot.json"
SESSION = (
    "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY",
    "SET LOCAL synchronize_seqscans = off",
    "SET LOCAL datestyle = 'ISO'",
    "SET LOCAL timezone = 'UTC'",
    "SET LOCAL client_encoding = 'UTF8'",
)
UNSAID = "its encoding is SQL_ASCII and it holds text that is no UTF-8; export the tables as files, which may be in GB18030"
PLAIN = ("int2", "int4", "int8", "bool", "float4", "float8", "text", "varchar")
DATED = ("date", "timestamp", "timestamptz")
COLUMNS = """SELECT c.relname AS relation, a.attname AS name, t.typname AS type
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_attribute a ON a.attrelid = c.oid
JOIN pg_type t ON t.oid = a.atttypid
WHERE n.nspname = {schema} AND c.relkind IN ('r', 'p', 'v', 'm', 'f') AND a.attnum > 0 AND NOT a.attisdropped
ORDER BY c.relname, a.attnum"""
Columns = dict[str, str]


@dataclass(frozen=True, slots=True)
class Database:
    """Where a database is: what libpq is told, the schema, and its password, which no message ever shows."""

    url: str
    schema: str
    password: str

    @property
    def label(self) -> str:
        """The address without its password."""
        user = urlsplit(self.url).username
        if not user:
            return self._address("")
        return self._address(f"{unquote(user)}@")

    @property
    def place(self) -> str:
        """The address without user and password: whoever asks, it is one place."""
        return self._address("")

    def _address(self, who: str) -> str:
        parts = urlsplit(self.url)
        host = parts.hostname or ""
        port = f":{parts.port}" if parts.port else ""
        return f"postgresql://{who}{host}{port}{parts.path}?schema={self.schema}"


def is_database(place: Path | str | None) -> bool:
    """Tell whether a source's place is the address of a database.

    >>> is_database("postgresql://inspector@host/idhrss?schema=city")
    True
    """
    return isinstance(place, str) and place.startswith(SCHEMES)


def database_of(address: str) -> Database:
    """Return the database of an address such as postgresql://user@host:5432/name?schema=city; the schema is public else."""
    try:
        parts = urlsplit(address)
        _ = parts.port
    except ValueError:
        raise SourceError(
            "the address of the database should be like postgresql://user@host:5432/name?schema=city"
        ) from None
    options = dict(parse_qsl(parts.query, keep_blank_values=True))
    schema = options.pop("schema", "") or "public"
    password = unquote(parts.password or "") or options.get("password", "")
    url = urlunsplit(parts._replace(query=urlencode(options)))
    return Database(url, schema, password)


class Snapshot:
    """A schema as it stands at one moment, read in one read-only transaction."""

    def __init__(self, database: Database, cursor: Any) -> None:
        self.database, self.cursor = database, cursor
        self.relations: dict[str, tuple[str, Columns]] = {}
        for row in self._rows(COLUMNS.format(schema=_text(database.schema))):
            relation = row["relation"]
            name, columns = self.relations.setdefault(relation.lower(), (relation, {}))
            if name != relation:
                raise SourceError(
                    f"{database.label}: tables {name!r} and {relation!r} differ in case only; keep one"
                )
            columns[row["name"]] = row["type"]
        if not self.relations:
            raise SourceError(
                f"{database.label} holds no table; name the schema with ?schema=… and check the rights of the user"
            )

    def _rows(self, query: str) -> list[dict[str, Any]]:
        self.cursor.execute(query)
        rows: list[dict[str, Any]] = self.cursor.fetch_arrow_table().to_pylist()
        return rows

    def _named(self, table: str) -> str:
        relation, _ = self.relations[table]
        return f"{_name(self.database.schema)}.{_name(relation)}"

    def declaration(self) -> str | None:
        """Return the text of the one row of table lssi_source; None if there is no such table."""
        if DECLARATION not in self.relations:
            return None
        rows = self._rows(f"SELECT * FROM {self._named(DECLARATION)}")
        values = list(rows[0].values()) if len(rows) == 1 else []
        if len(values) != 1 or not isinstance(values[0], str):
            raise SourceError(
                f"{self.database.label}: table {DECLARATION} should hold one row with one text, the source.toml"
            )
        return values[0]

    def mark(self, table: str) -> dict[str, Any]:
        """Return what tells the content of a table from any other: its columns, its number of rows, a sum of their hashes."""
        query = (
            "SELECT count(*)::text AS rows, coalesce(sum(hashtextextended(lssi_row::text, 0)::numeric), 0)::text AS content "
            f"FROM {self._named(table)} AS lssi_row"
        )
        _, columns = self.relations[table]
        return {"columns": columns} | self._rows(query)[0]

    def stage(self, table: str, path: Path) -> None:
        """Write a table as one Parquet file, batch by batch; what is neither text, number, day nor moment becomes text."""
        _, kinds = self.relations[table]
        columns = ", ".join(_column(name, kind) for name, kind in kinds.items())
        self.cursor.execute(f"SELECT {columns} FROM {self._named(table)}")
        reader = self.cursor.fetch_record_batch()
        schema = reader.schema.remove_metadata()
        with pq.ParquetWriter(path, schema, compression="zstd", compression_level=1) as writer:
            for batch in reader:
                writer.write_batch(batch)


def _column(name: str, kind: str) -> str:
    column = _name(name)
    if kind in PLAIN:
        return column
    # PostgreSQL knows an infinite day, which Arrow does not.
    if kind in DATED:
        return f"CASE WHEN isfinite({column}) THEN {column} END AS {column}"
    return f"{column}::text AS {column}"


def _name(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _text(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


@contextmanager
def snapshot(database: Database) -> Iterator[Snapshot]:
    """Yield a snapshot of a database; whatever goes wrong is one line without the password."""
    from adbc_driver_postgresql import dbapi

    try:
        with dbapi.connect(database.url) as connection, connection.cursor() as cursor:
            for statement in SESSION:
                cursor.execute(statement)
            yield Snapshot(database, cursor)
    except dbapi.Error as error:
        raise SourceError(f"{database.label}: {_first_line(error, database)}") from None


def _first_line(error: Exception, database: Database) -> str:
    text = re.sub(r"^[A-Z_]+: (\[libpq\] )?", "", str(error)).strip()
    before_query, *_ = text.split("Query was:")
    line = " ".join(before_query.split())
    for secret in (database.password, database.url):
        if secret:
            line = line.replace(secret, "…")
    return line


def staged(database: Database, wanted: Collection[str], *, declared_as: str, home: Path) -> Path:
    """Return a folder under `home` with the wanted tables of a database as they stand now, and the declaration it holds.

    The folder is named after their content: a database that has not changed is not staged twice.
    """
    with snapshot(database) as schema:
        wanted_names = {name.lower() for name in wanted}
        tables = sorted(wanted_names & set(schema.relations))
        if not tables:
            raise SourceError(
                f"{database.label} holds none of the tables {', '.join(wanted)}; name the schema with ?schema=…"
            )
        declared = schema.declaration()
        marks = {declared_as: declared, "tables": {table: schema.mark(table) for table in tables}}
        text = json.dumps(marks, ensure_ascii=False, sort_keys=True, indent=1, allow_nan=False)
        text += "\n"
        files = {SNAPSHOT: text}
        if declared is not None:
            files[declared_as] = declared
        plain_schema = re.sub("[^A-Za-z0-9_-]", "_", database.schema)
        digest = hashlib.sha256(text.encode()).hexdigest()
        folder = home / f"{plain_schema}-{digest[:12]}"
        if not folder.exists():
            _stage_all(schema, tables, files, folder=folder)
    return folder


def _stage_all(schema: Snapshot, tables: list[str], files: dict[str, str], *, folder: Path) -> None:
    try:
        with built(folder) as unfinished:
            for table in tables:
                schema.stage(table, unfinished / f"{table}.parquet")
                reached(f"staged {table}")
            for name, text in files.items():
                (unfinished / name).write_text(text, "utf-8")
    except (pa.ArrowException, OSError) as error:
        is_no_utf8 = "invalid byte sequence" in str(error)
        reason = UNSAID if is_no_utf8 else _first_line(error, schema.database)
        raise SourceError(f"{schema.database.label}: {reason}") from None
