"""What lies where a table of a dump is and is not read stops by name: no part of a table is passed over."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from pathlib import Path

import pytest

from features.errors import SourceError
from features.ingest.dump.strays import check_folder
from features.ingest.source import find_source
from tests.test_sources_core_platform import SOURCE

POWER = "AAB001,AAE003,KWH,AAE036\nE1,201501,100,20150201\n"


@pytest.fixture
def dump(tmp_path: Path) -> Path:
    """A dump complete to 2015-06-30 whose table POWER is a folder of one part for one month."""
    folder = tmp_path / "dump"
    put(folder / "dump.toml", "complete_to = 2015-06-30\n")
    put(folder / "POWER/AAE003=201501/p1.csv", "AAB001,KWH,AAE036\nE1,100,20150201\n")
    return folder


def put(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, "utf-8")


def link_to(place: str) -> Callable[[Path], None]:
    """Return what makes a path a link."""

    def made(path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.symlink_to(place)

    return made


def filled(path: Path) -> None:
    put(path, POWER)


@pytest.mark.parametrize(
    "name",
    ["p2.xlsx", "p3.csv.bak", "p4.csv.zst", "p6", "AAE003=201502/part-0", "AAE003=201502/x.parq"],
)
def test_a_part_in_another_form_is_refused_by_name(dump: Path, name: str) -> None:
    filled(dump / "POWER" / name)
    message = f"^POWER/{name} lies in the folder of a table and is not read; export it as CSV or"
    with pytest.raises(SourceError, match=message):
        find_source(SOURCE, dump)


@pytest.mark.parametrize("target", ["/nowhere", ".", "/tmp", "AAE003=201501", "../dump.toml"])
@pytest.mark.parametrize("name", ["AAE003=201502", "p2.csv", "AAE003=201502/p2.csv"])
def test_a_link_in_a_table_is_refused_by_name(dump: Path, name: str, target: str) -> None:
    link_to(target)(dump / "POWER" / name)
    with pytest.raises(
        SourceError, match=f"^POWER/{name} is a link, and links in a table's folder"
    ):
        find_source(SOURCE, dump)


def test_hidden_names_are_left_alone_and_a_table_may_be_a_link(dump: Path) -> None:
    for name in ("_SUCCESS", ".p1.csv.crc", "_old/p1.csv.bak", ".git/x", "AAE003=201501/_p5.csv"):
        filled(dump / "POWER" / name)
    elsewhere = dump.with_name("elsewhere")
    (dump / "POWER").rename(elsewhere)
    link_to(str(elsewhere))(dump / "POWER")
    assert list(find_source(SOURCE, dump).dump.tables) == ["POWER"]


@pytest.mark.parametrize(
    "name", ["AC01/p1.xlsx", "AC01.csv.zst", "AC01.gz", "ac01", "AC01（人员）.tar", "AC01/a/b.dbf"]
)
def test_a_table_that_is_there_in_no_form_that_is_read_is_refused(dump: Path, name: str) -> None:
    filled(dump / name)
    with pytest.raises(SourceError, match=f"^{name} .*is not read"):
        find_source(SOURCE, dump)


def test_what_is_no_table_of_the_source_is_noted_and_left_alone(dump: Path) -> None:
    for name in ("AC99/p1.xlsx", "notes.docx", "AC01.sql"):
        filled(dump / name)
    link_to("/nowhere")(dump / "AC99" / "p2.csv")
    notes = find_source(SOURCE, dump).dump.notes
    assert "files and folders left alone: AC01.sql, AC99, notes.docx" in notes


def test_a_folder_of_links_to_itself_ends(tmp_path: Path) -> None:
    link_to(str(tmp_path))(tmp_path / "AC01" / "again")
    with pytest.raises(SourceError, match=r"^AC01/again is a link"):
        check_folder(tmp_path / "AC01")


STATEMENTS = (
    "INSERT INTO `AC01` VALUES ('1'),('2');\n",
    "INSERT IGNORE INTO AC01 (AAC001) VALUES ('1');\n",
    "REPLACE INTO `sicp3`.`ac01` VALUES ('1');\n",
    "COPY public.ac01 (aac001) FROM stdin;\n1\n\\.\n",
    "INSERT INTO ONLY_NOTES VALUES (1);\nINSERT INTO public.ac01 VALUES ('1');\n",
    'Insert into "SICP3"."AC01" ("AAC001") values (\'1\');\n',
    "INSERT ALL\n  INTO AC01 (AAC001) VALUES ('1')\nSELECT * FROM dual;\n",
    "INSERT INTO [dbo].[AC01] VALUES ('1');\n",
)
"""How MySQL, PostgreSQL, Oracle and SQL Server write rows as statements."""


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-be"])
@pytest.mark.parametrize("name", ["backup.sql", "AC01.sql", "city.DUMP", "all.sql.gz"])
@pytest.mark.parametrize("statement", STATEMENTS)
def test_rows_that_stand_in_statements_are_not_passed_over(
    dump: Path, statement: str, name: str, encoding: str
) -> None:
    text = "-- a dump\nCREATE TABLE AC01 (AAC001 varchar(20));\n" + statement
    content = text.encode(encoding)
    (dump / name).write_bytes(gzip.compress(content) if name.endswith(".gz") else content)
    with pytest.raises(SourceError, match=f"^{name} holds rows of table 'AC01' as statements"):
        find_source(SOURCE, dump)


def test_an_archive_of_pg_dump_is_refused(dump: Path) -> None:
    (dump / "city.dump").write_bytes(b"PGDMP\x01\x0e\x00" + bytes(100))
    with pytest.raises(SourceError, match=r"^city.dump holds an archive of pg_dump"):
        find_source(SOURCE, dump)


@pytest.mark.parametrize(
    "text",
    [
        "CREATE TABLE AC01 (AAC001 varchar(20));\n",
        "INSERT INTO POWER VALUES ('E1');\n",
        "INSERT INTO AC01_OLD VALUES (1);\n",
        "INSERT INTO AC99 VALUES ('" + "x" * (1 << 20) + "INSERT INTO AC01 VALUES (1)');\n",
    ],
    ids=["no rows", "rows of a table that a file gives", "another table", "within a long line"],
)
def test_statements_without_rows_of_a_lacking_table_are_left_alone(dump: Path, text: str) -> None:
    put(dump / "schema.sql", text)
    notes = find_source(SOURCE, dump).dump.notes
    assert "files and folders left alone: schema.sql" in notes


@pytest.mark.parametrize("damage", ["cut", "overwritten", "never packed"])
def test_packed_statements_that_are_damaged_are_refused(dump: Path, damage: str) -> None:
    text = "\n".join(f"-- {number * number}" for number in range(9999))
    packed = gzip.compress(text.encode())
    middle = len(packed) // 2
    written = {
        "cut": packed[:-50],
        "overwritten": packed[:middle] + b"\xff" * 64 + packed[middle + 64 :],
        "never packed": text.encode(),
    }
    (dump / "all.sql.gz").write_bytes(written[damage])
    with pytest.raises(SourceError, match=r"^all.sql.gz cannot be read as gzip; write it again"):
        find_source(SOURCE, dump)
