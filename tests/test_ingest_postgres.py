"""PostgreSQL as a source: a real server, loaded with a random history, gives the store that the files give."""

from __future__ import annotations

import csv
import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from adbc_driver_postgresql import dbapi
from typer.testing import CliRunner

import lssi
from features.calendar import day_of
from features.contract.tables import COMMON, contract
from features.engine.matrices import matrix
from features.errors import SourceError
from features.home import home
from features.ingest.postgres import database_of, snapshot
from features.ingest.scan import files_below, files_in
from features.ingest.source import find_source
from features.store.opening import open_store
from features.store.store import Store
from tests.database_server import running_server
from tests.random_history import write_history

PLATFORM = Path(__file__).parents[1] / "sources" / "core_platform"
KINDS = {
    "day": "date",
    "month": "date",
    "fen": "bigint",
    "kwh": "bigint",
    "count": "bigint",
    "probability": "double precision",
    "flag": "smallint",
    "id": "text",
    "choice": "varchar(20)",
}


@pytest.fixture(scope="module")
def server(postgres: str) -> Iterator[str]:
    """The address of a database on a server of our own, gone after the tests."""
    with running_server(postgres, "-c fsync=off") as database:
        yield f"postgresql://lssi:open%20sesame@127.0.0.1:{database.port}/postgres"


def execute(address: str, *statements: str) -> None:
    with dbapi.connect(address) as connection, connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)
        connection.commit()


def sent(address: str, schema: str, folder: Path) -> None:
    """Load a source of CSV files into a schema: one typed table a file, and its source.toml."""
    statements = [
        f"CREATE SCHEMA {schema}",
        f"SET search_path = {schema}",
        "CREATE TABLE lssi_source (toml text)",
        f"INSERT INTO lssi_source VALUES ({quoted((folder / 'source.toml').read_text('utf-8'))})",
    ]
    for path in files_in(folder, "*.csv"):
        with path.open(encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
        columns = contract()[path.stem].columns + COMMON
        declared = ", ".join(f'"{c.name}" {KINDS.get(c.kind, "integer")}' for c in columns)
        statements.append(f'CREATE TABLE "{path.stem}" ({declared})')
        values = ", ".join(
            "(" + ", ".join(value_of(c.kind, row[c.name]) for c in columns) + ")" for row in rows
        )
        statements += [f'INSERT INTO "{path.stem}" VALUES {values}'] if rows else []
    execute(address, *statements)


def value_of(kind: str, text: str) -> str:
    if not text:
        return "NULL"
    return quoted(f"{text}-01" if kind == "month" and len(text) == 7 else text)


def quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


@pytest.fixture(scope="module")
def history(server: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A random history as files; the same stands in schema `city` of the server."""
    folder = write_history(tmp_path_factory.mktemp("history") / "source", seed=3, size=60)
    sent(server, "city", folder)
    return folder


def assert_equal(left: Store, right: Store) -> None:
    assert (
        left.summary["tables"] == right.summary["tables"]
        and left.summary["complete_to"] == right.summary["complete_to"]
    )
    for table in left.tables:
        a, b = left.all_rows(table), right.all_rows(table)
        assert all(
            np.array_equal(a[name], b[name], equal_nan=a[name].dtype.kind == "f") for name in a
        ), table


def test_a_database_gives_the_store_that_the_files_give(server: str, history: Path) -> None:
    files, database = open_store(history), open_store(f"{server}?schema=city")
    assert_equal(files, database)
    day = day_of("2015-06-30")
    assert (
        matrix(files, "provider", day).values.tobytes()
        == matrix(database, "provider", day).values.tobytes()
    )


def test_a_folder_may_declare_what_a_database_holds(
    server: str, history: Path, tmp_path: Path
) -> None:
    shutil.copy(history / "source.toml", tmp_path / "source.toml")
    assert_equal(open_store(history), open_store(tmp_path, f"{server}?schema=city"))


def test_a_database_at_rest_is_staged_once_and_a_changed_one_again(
    server: str, history: Path
) -> None:
    sent(server, "moving", history)
    first = open_store(f"{server}?schema=moving")
    assert open_store(f"{server}?schema=moving").folder == first.folder
    assert len(list((home() / "databases").iterdir())) == 1
    execute(
        server,
        "UPDATE moving.complaints SET topic = 'hours' WHERE row_id = (SELECT min(row_id) FROM moving.complaints "
        "WHERE topic <> 'hours')",
    )
    assert open_store(f"{server}?schema=moving").fingerprint != first.fingerprint


def test_a_table_that_grows_while_it_is_read_is_seen_whole_at_one_moment(
    server: str, tmp_path: Path
) -> None:
    execute(
        server,
        "CREATE SCHEMA growing",
        "CREATE TABLE growing.deaths AS SELECT n FROM generate_series(1, 5) AS n",
        "CREATE TABLE growing.holidays AS SELECT n FROM generate_series(1, 5) AS n",
    )
    with snapshot(database_of(f"{server}?schema=growing")) as held:
        before = held.mark("deaths")
        execute(
            server, "INSERT INTO growing.deaths SELECT 9", "INSERT INTO growing.holidays SELECT 9"
        )
        held.stage("holidays", tmp_path / "holidays.parquet")
        assert held.mark("deaths") == before and before["rows"] == "5"
        with pytest.raises(dbapi.Error, match="read-only"):
            held.cursor.execute("DELETE FROM growing.deaths")
    assert pq.read_metadata(tmp_path / "holidays.parquet").num_rows == 5


def test_the_core_platform_is_read_from_a_schema(server: str) -> None:
    execute(
        server,
        "CREATE SCHEMA bureau",
        "SET search_path = bureau",
        "CREATE TABLE ab01 (aab001 char(6), aab019 int, aab020 text, aab022 text, aae047 date, aae036 timestamp, more json)",
        "INSERT INTO ab01 VALUES ('E1', 10, '170', 'F52', '2010-01-05', '2010-01-10 10:00', '{}'), "
        "('E2', 88, '170', 'F52', '2010-01-05', '2010-01-10 10:00', '{}')",
        'CREATE TABLE "AC43" ("AAZ083" bigint, "AAC001" text, "AAB001" text, "AAE140" numeric(3), "AAE002" int, '
        '"AAE003" int, "AAA115" text, "AAE180" numeric(16, 2), "AAE020" numeric(16, 2), "AAE080" numeric(16, 2), '
        '"AAB191" int, "AAE036" int)',
        'INSERT INTO "AC43" VALUES '
        "(1, 'W1', 'E1', 110, 201402, 201402, '10', 3000.00, 600.55, 600.55, 20140315, 20140220)",
        "CREATE VIEW lssi_source AS SELECT text 'complete_to = 2015-06-30' AS toml",
    )
    store = open_store(PLATFORM, f"{server}?schema=bureau")
    assert (
        store.summary["tables"]["enterprises"]["reasons"][0]["reason"] == "unknown code AAB019 88"
    )
    assert store.texts("enterprise") == ["E1"]
    rows = store.live("contributions", day_of("2015-06-30"), ("base", "due_unit", "paid_unit"))
    assert [values.tolist() for values in rows.values()] == [[300000], [60055], [60055]]
    assert "complaints" in store.summary["absent"]


def test_odd_names_types_and_views_of_a_schema_are_read_and_a_user_without_rights_is_told(
    server: str,
) -> None:
    execute(
        server,
        'CREATE SCHEMA "社保"',
        'SET search_path = "社保"',
        "CREATE TYPE scheme AS ENUM ('110', '310')",
        "CREATE DOMAIN person AS varchar(20)",
        'CREATE TABLE "Ab01" ("AAB001" numeric(20, 0), aab019 char(4), "AAE047" timestamptz, "AAE036" timestamp, paid money)',
        """INSERT INTO "Ab01" VALUES (1, '10', '2010-01-05 00:00+08', '2010-01-10', '1.5'), """
        """(2, '10', 'infinity', 'infinity', NULL)""",
        "CREATE TABLE ac20 (aaz159 bigint, aac001 person, aab001 text, aae140 scheme, aac031 smallint, aac030 date, "
        "aae031 numeric, aae036 int8)",
        "INSERT INTO ac20 VALUES (1, 'W1', '1', '110', 1, '2012-01-01', 99991231, 20120110)",
        "CREATE VIEW tax_payroll AS SELECT '1' AS aab001, date '2011-12-31' AS aae003, real '3' AS rs, "
        "0.1::float8 + 0.2 AS gz, date '2012-01-15' AS aae036, true AS aae100",
        "CREATE MATERIALIZED VIEW ac01 AS SELECT 'W1' AS aac001, 20120101 AS aae036",
        "CREATE ROLE stranger LOGIN PASSWORD 'let me in'",
        'GRANT USAGE ON SCHEMA "社保" TO stranger',
    )
    store = open_store(PLATFORM, f"{server}?schema=社保")
    assert {
        name: (table["accepted"], table["refused"])
        for name, table in store.summary["tables"].items()
    } == {
        "enterprises": (1, 1),
        "workers": (1, 0),
        "employment": (1, 0),
        "enrolments": (1, 0),
        "tax_payroll": (1, 0),
    }
    rows = store.live("tax_payroll", store.complete_to, ("month", "payroll"))
    assert [values.tolist() for values in rows.values()] == [[2011 * 12 + 11], [30]]
    with pytest.raises(SourceError, match="permission denied for") as caught:
        find_source(
            PLATFORM,
            server.replace("lssi:open%20sesame", "stranger:let%20me%20in") + "?schema=社保",
        )
    assert "\n" not in str(caught.value) and "let me" not in str(caught.value)


def test_a_database_in_the_national_encoding_gives_the_same_text_and_one_without_any_is_told(
    server: str,
) -> None:
    create = (
        "CREATE TABLE ab01 (aab001 char(12), aae006 text, aae036 int)",
        "CREATE VIEW lssi_source AS SELECT text 'complete_to = 2015-06-30' AS toml",
    )
    for name, encoding in (("national", "EUC_CN"), ("unsaid", "SQL_ASCII")):
        with dbapi.connect(server, autocommit=True) as connection, connection.cursor() as cursor:
            cursor.execute(
                f"CREATE DATABASE {name} ENCODING '{encoding}' LOCALE 'C' TEMPLATE template0"
            )
        execute(server.replace("/postgres", f"/{name}"), *create)
    execute(
        server.replace("/postgres", "/national"),
        "SET client_encoding = 'UTF8'",
        "INSERT INTO ab01 VALUES ('E1', '市南区香港中路', 20100110)",
    )
    execute(
        server.replace("/postgres", "/unsaid"),
        "INSERT INTO ab01 SELECT 'E1', convert_from('\\xcfe3b8db', 'SQL_ASCII'), 20100110",
    )
    store = open_store(PLATFORM, server.replace("/postgres", "/national"))
    assert store.texts("address") == ["市南区香港中路"] and store.texts("enterprise") == ["E1"]
    with pytest.raises(
        SourceError, match=r"/unsaid\?schema=public: its encoding is SQL_ASCII"
    ) as caught:
        find_source(PLATFORM, server.replace("/postgres", "/unsaid"))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("", "?schema=nowhere"), "holds no table; name the schema"),
        (("/postgres", "/nothing?schema=city"), 'database "nothing" does not exist'),
        (("open%20sesame", "wrong%20word"), "password authentication failed"),
        (("lssi:open%20sesame", "lssi"), "no password supplied"),
    ],
)
def test_what_goes_wrong_is_one_line_without_the_password(
    server: str, change: tuple[str, str], message: str
) -> None:
    address = server.replace(*change) if change[0] else server + change[1]
    with pytest.raises(SourceError, match=message) as caught:
        find_source(address)
    assert (
        "\n" not in str(caught.value)
        and "sesame" not in str(caught.value)
        and "word@" not in str(caught.value)
    )
    assert "wrong" not in str(caught.value)


def test_a_database_without_a_declaration_says_where_to_put_one(server: str) -> None:
    execute(server, "CREATE SCHEMA bare", "CREATE TABLE bare.deaths (worker text)")
    with pytest.raises(
        SourceError, match=r"has no table lssi_source with the text of a source.toml"
    ):
        find_source(f"{server}?schema=bare")


def test_an_address_that_is_none_is_refused() -> None:
    with pytest.raises(SourceError, match="should be like postgresql://user@host:5432/name"):
        find_source("postgresql://lssi:secret@host:port/name")


def test_the_command_line_takes_an_address_as_it_is_typed(server: str, history: Path) -> None:
    result = CliRunner().invoke(lssi.app, ["check", f"{server}?schema=city", "--json"])
    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout)["source"] == "random" and "sesame" not in result.output
    assert not [
        path for path in files_below(home(), "*.json") if "sesame" in path.read_text("utf-8")
    ]
