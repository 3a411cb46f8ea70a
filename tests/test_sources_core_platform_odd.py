"""Odd dumps of one small history: each gives the rows that the plain dump gives, or stops with one line that names its file."""

from __future__ import annotations

import csv
import gzip
import io
import re
from collections.abc import Callable, Iterable
from datetime import date, datetime, timedelta
from functools import reduce
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from features.errors import SourceError
from features.ingest.source import find_source
from features.store.opening import open_store
from features.store.store import Store
from tests.test_sources_core_platform import SOURCE, live, refusals

Row = dict[str, str]
Frames = dict[str, list[Row]]
Change = Callable[[str, str], str]
Rewrite = Callable[[str, str, str], str]
HISTORY = {
    "AB01": """AAB001,AAB019,AAB020,AAB022,AAE006,AAB013,AAE047,AAE036
        E1,10,170,F52,A1,P1,20100105,20100110
        E2,75,150,C13,A2,37020219800101123X,20110305,20110310""",
    "AC01": """AAC001,AAC006,AAC009,AAE036
        37020219800101123X,19800101,10,20120101
        W2,19900203,52,20120102""",
    "AC20": """AAZ159,AAC001,AAB001,AAE140,AAC031,AAC030,AAE031,AAE036
        1,37020219800101123X,E1,110,1,20120101,99991231,20120110
        2,W2,E2,310,1,20120201,99991231,20120210
        2,W2,E2,310,3,20120201,20140331,20140410""",
    "AC43": """AAZ083,AAC001,AAB001,AAE140,AAE002,AAE003,AAA115,AAE180,AAE020,AAE022,AAE080,AAE082,AAE078,AAB191,AAE036
        1,37020219800101123X,E1,110,201402,201402,10,13000.00,2600.55,1040.00,2600.55,1040.00,1,20140315,20140220
        2,W2,E2,310,201410,201409,20,3000.00,0.00,0.00,-600.50,-240.25,1,,20141020""",
    "TAX_PAYROLL": """AAB001,AAE003,RS,GZ,AAE036
        E1,201402,3,39000.00,20140315
        E2,201410,2,8000.10,20141115""",
}
MONTHS = ("AAE002", "AAE003")
MONEY = ("AAE180", "AAE020", "AAE022", "AAE080", "AAE082", "GZ")
DAYS = ("AAE036", "AAE047", "AAC030", "AAE031", "AAB191")
PERSONS, UNITS = ("AAC001", "AAB013"), ("AAB001",)


def frames() -> Frames:
    return {
        name: list(csv.DictReader(line.strip() for line in text.splitlines()))
        for name, text in HISTORY.items()
    }


def with_values(
    names: tuple[str, ...], change: Callable[[str], str], tables: tuple[str, ...] = tuple(HISTORY)
) -> Rewrite:
    """Return what writes the values of some columns another way."""

    def rewrite(table: str, name: str, value: str) -> str:
        return change(value) if name in names and value and table in tables else value

    return rewrite


def ended(text: str) -> Rewrite:
    """Return what writes an open end with another word."""
    return with_values(("AAE031",), lambda value: text if value == "99991231" else value)


def day(form: str) -> Rewrite:
    """Return what writes days in another form."""
    return with_values(
        DAYS,
        lambda value: (
            f"{date(int(value[:4]), int(value[4:6]), int(value[6:8])):{form}}"
            if re.fullmatch("20[0-9]{6}", value) and value < "2099"
            else value
        ),
    )


def rewritten(*rewrites: Rewrite) -> Frames:
    """Return the history with every value rewritten in turn."""
    return {
        table: [
            {
                name: reduce(lambda value, rewrite: rewrite(table, name, value), rewrites, value)
                for name, value in row.items()
            }
            for row in rows
        ]
        for table, rows in frames().items()
    }


def texts(tables: Frames, delimiter: str = ",", quoting: int = csv.QUOTE_MINIMAL) -> dict[str, str]:
    """Return the history as CSV."""
    found: dict[str, str] = {}
    for table, rows in tables.items():
        out = io.StringIO()
        writer = csv.DictWriter(
            out, list(rows[0]), delimiter=delimiter, quoting=quoting, lineterminator="\n"
        )  # type: ignore[arg-type]
        writer.writeheader()
        writer.writerows(rows)
        found[table] = out.getvalue()
    return found


def headed(tables: Frames, change: Change) -> Frames:
    """Return the history with other names for its columns: `change` of table and name."""
    return {
        table: [{change(table, name): value for name, value in row.items()} for row in rows]
        for table, rows in tables.items()
    }


def lines(change: Callable[[list[str]], list[str]]) -> dict[str, str]:
    """Return the history as CSV whose lines are others: `change` of the plain ones."""
    return {table: "\n".join(change(text.splitlines())) for table, text in texts(frames()).items()}


class Dump:
    """A dump complete to 2015-06-30 in a folder of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.put("dump.toml", b"complete_to = 2015-06-30\n")

    def put(self, name: str, content: bytes) -> None:
        (self.folder / name).parent.mkdir(parents=True, exist_ok=True)
        (self.folder / name).write_bytes(content)

    def put_all(
        self, tables: dict[str, str], name: str = "{}.csv", encoding: str = "utf-8"
    ) -> None:
        for table, text in tables.items():
            self.put(
                name.format(table),
                gzip.compress(text.encode(encoding))
                if name.endswith("gz")
                else text.encode(encoding),
            )

    def put_parquet(
        self,
        typed: Callable[[str, list[str]], pa.Array],
        metadata: dict[str, str] | None = None,
        tables: Iterable[str] = tuple(HISTORY),
    ) -> None:
        for table in tables:
            rows = frames()[table]
            columns = {name: typed(name, [row[name] for row in rows]) for name in rows[0]}
            pq.write_table(
                pa.table(columns).replace_schema_metadata(metadata),
                self.folder / f"{table}.parquet",
                use_deprecated_int96_timestamps=metadata is not None,
            )


@pytest.fixture
def dump(tmp_path: Path) -> Dump:
    return Dump(tmp_path / "dump")


def told(store: Store) -> dict[str, list[dict[str, Any]]]:
    """Return everything that a store tells on its last day, but for row ids."""
    return {
        table: sorted((row | {"row_id": ""} for row in live(store, table)), key=repr)
        for table in store.tables
    }


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[dict[str, Any]]]:
    """What the plain dump tells."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LSSI_HOME", str(tmp_path_factory.mktemp("home")))
        plain = Dump(tmp_path_factory.mktemp("plain"))
        plain.put_all(texts(frames()))
        store = open_store(SOURCE, plain.folder)
        assert refusals(store) == {} and min(map(len, told(store).values())) > 0
        return told(store)


FORMS = [
    (texts(headed(frames(), lambda _, name: name.swapcase())), "{}.CSV"),
    (texts(headed(frames(), lambda _, name: f"{name}（字段，{name[-1]}）")), "{}（导出）.csv"),
    (
        texts(headed(frames(), lambda table, name: f"{table}.{name}"), quoting=csv.QUOTE_ALL),
        "SICP3.{}.csv",
    ),
    (texts(headed(frames(), lambda _, name: f"{name}\n注释,备注")), "{}_信息表.dat"),
    (texts(frames(), "\x01"), "{}.dat.gz"),
    ({table: text.replace(",", "|@|") for table, text in texts(frames()).items()}, "{}.txt"),
    (
        {
            table: text.replace("\n", ",\n").replace("\n", "\r\n", 2)
            for table, text in texts(frames()).items()
        },
        "{}.csv",
    ),
]
"""The history in other forms, each with the names of its files."""


@pytest.mark.slow
@pytest.mark.parametrize(("tables", "name"), FORMS)
def test_names_forms_and_what_parts_fields_do_not_matter(
    dump: Dump, plain: object, tables: dict[str, str], name: str
) -> None:
    dump.put_all(tables, name, "gb18030")
    assert told(open_store(SOURCE, dump.folder)) == plain


WAYS = [
    (day("%Y-%m-%d %H:%M:%S.000000"), ended("0"), with_values(MONEY, "{}元".format)),
    (day("%Y年%m月%d日"), ended("00010101"), with_values(MONEY, "￥{}".format)),
    (
        day("%Y年%m月%d日 08:30"),
        ended("0001-01-01 00:00:00"),
        with_values(MONEY, lambda value: f"{float(value):.10E}"),
    ),
    (
        day("%Y%m%d0830"),
        ended("1900-01-01"),
        with_values(MONEY, lambda value: f"{float(value):,.2f}"),
    ),
    (
        day("%Y/%m/%d 8:30:00"),
        ended("20991231"),
        with_values(MONTHS, lambda value: f"{value[:4]}.{value[4:]}"),
    ),
    (
        with_values(("AAE140", "AAB019", "AAA115", "AAC031", "AAZ159", *DAYS), "{}.0".format),
        ended("0000-00-00 00:00:00"),
        with_values(PERSONS, lambda value: value.replace("X", "x"), ("AC43", "AB01")),
    ),
    (
        ended("2999/12/31"),
        with_values(("AAE140", "AAB019"), "0{}".format),
        with_values(UNITS, "  {}\u3000".format, ("AC43", "AC20")),
    ),
    (
        ended(""),
        with_values(
            UNITS,
            lambda value: "".join(chr(ord(one) + 0xFEE0) for one in value),
            ("TAX_PAYROLL", "AC43"),
        ),
    ),
]
"""Other ways to write the same values."""


@pytest.mark.slow
@pytest.mark.parametrize("rewrites", WAYS)
def test_another_way_to_write_the_same_value_gives_the_same_rows(
    dump: Dump, plain: object, rewrites: tuple[Rewrite, ...]
) -> None:
    dump.put_all(texts(rewritten(*rewrites)))
    assert told(open_store(SOURCE, dump.folder)) == plain


def moments(name: str, values: list[str]) -> pa.Array:
    if name not in DAYS:
        return pa.array(values)
    days = [
        None
        if value in ("", "99991231")
        else datetime.strptime(value, "%Y%m%d") - timedelta(hours=8)  # noqa: DTZ007
        for value in values
    ]
    return pa.array(days, pa.timestamp("ns"))


TYPES = [
    (lambda _, values: pa.array(values, pa.large_string()).dictionary_encode(), None),
    (lambda _, values: pa.array([value.encode() for value in values], pa.binary()), None),
    (moments, {"org.apache.spark.version": "3.5.1"}),
    (
        lambda name, values: (
            moments(name, values).cast(pa.timestamp("us", "UTC"))
            if name in DAYS
            else pa.array(values)
        ),
        None,
    ),
]
"""Types of Parquet, each with the metadata of its file."""


@pytest.mark.slow
@pytest.mark.parametrize(("typed", "metadata"), TYPES)
def test_types_of_parquet_do_not_matter(
    dump: Dump, plain: object, typed: Any, metadata: Any
) -> None:
    dump.put_parquet(typed, metadata)
    assert told(open_store(SOURCE, dump.folder)) == plain


def test_parts_may_name_order_and_encode_their_columns_each_its_way(
    dump: Dump, plain: object
) -> None:
    history = frames()
    dump.put_all(texts({table: rows for table, rows in history.items() if table != "AC43"}))
    for number, row in enumerate(history["AC43"]):
        named = {
            f"{name}（备注）" if number else name.lower(): row[name]
            for name in reversed(row)
            if name != "AAE003"
        }
        dump.put(
            f"AC43/AAE003={row['AAE003']}/{number}.csv",
            texts({"AC43": [named]})["AC43"].encode(("utf-16", "gbk")[number]),
        )
    dump.put("AC43/AAE003=201501/empty.csv", b"")
    assert told(open_store(SOURCE, dump.folder)) == plain


NO_ROWS = [
    (
        lines(lambda found: [*found[:2], "\ufeff" + found[0], *found[2:]]),
        "the line repeats the header",
    ),
    (
        lines(lambda found: [*found, f"共 {len(found) - 1} 行"]),
        "the record has too few fields: 1 of",
    ),
    (
        lines(
            lambda found: [
                found[0],
                re.sub("[A-Z0-9]+", "--------", found[0]),
                *found[1:],
                "",
                f"{len(found)} rows selected.",
            ]
        ),
        "AAE036 should be a day such as 20150630",
    ),
]
"""Lines that are no rows, each with the reason why it is refused."""


@pytest.mark.slow
@pytest.mark.parametrize(("tables", "reason"), NO_ROWS)
def test_lines_that_are_no_rows_are_refused_and_change_nothing(
    dump: Dump, plain: object, tables: dict[str, str], reason: str
) -> None:
    dump.put_all(tables)
    store = open_store(SOURCE, dump.folder)
    assert told(store) == plain and any(reason in why for why in refusals(store))


@pytest.mark.parametrize("first", [0, len(FORMS) - len(HISTORY)])
def test_each_table_may_have_a_form_of_its_own(dump: Dump, plain: object, first: int) -> None:
    for place, table in enumerate(HISTORY, first):
        tables, name = FORMS[place]
        dump.put_all({table: tables[table]}, name, "gb18030")
    assert told(open_store(SOURCE, dump.folder)) == plain


@pytest.mark.parametrize("first", [0, len(WAYS) - len(HISTORY)])
def test_each_table_may_write_its_values_its_own_way(dump: Dump, plain: object, first: int) -> None:
    for place, table in enumerate(HISTORY, first):
        dump.put_all({table: texts(rewritten(*WAYS[place]))[table]})
    assert told(open_store(SOURCE, dump.folder)) == plain


def test_each_table_may_have_types_of_its_own(dump: Dump, plain: object) -> None:
    for place, table in enumerate(HISTORY):
        typed, metadata = TYPES[place % len(TYPES)]
        dump.put_parquet(typed, metadata, [table])
    assert told(open_store(SOURCE, dump.folder)) == plain


def test_each_table_may_hold_lines_that_are_no_rows(dump: Dump, plain: object) -> None:
    for place, table in enumerate(HISTORY):
        dump.put_all({table: NO_ROWS[place % len(NO_ROWS)][0][table]})
    store = open_store(SOURCE, dump.folder)
    assert told(store) == plain
    for _, reason in NO_ROWS:
        assert any(reason in why for why in refusals(store))


def test_what_could_be_read_two_ways_is_refused(dump: Dump) -> None:
    amounts = [
        f"E1,201401,3,{text},20140301"
        for text in ("(12.00)", "1.2万", "12.00-", "1.234,50", "12港元")
    ]
    months = [f"E1,{text},3,1,20140301" for text in ("2015.1", "201413", "Jun-15", "1501")]
    days = [
        f"E1,201401,3,1,{text}"
        for text in ("15/03/2014", "201403", "41713", "41713.5", "1394841600000", "15-MAR-14")
    ]
    dump.put(
        "TAX_PAYROLL.csv",
        "\n".join(
            [
                "AAB001|AAE003|RS|GZ|AAE036",
                *(
                    line.replace(",", "|", 3)[::-1].replace(",", "|", 1)[::-1]
                    for line in amounts + months + days
                ),
            ]
        ).encode(),
    )
    assert refusals(open_store(SOURCE, dump.folder)) == {
        "GZ should be yuan with at most two decimals": len(amounts),
        "AAE003 should be a month such as 201506": len(months),
        "AAE036 should be a day such as 20150630": len(days),
    }


@pytest.mark.parametrize(
    ("files", "message"),
    [
        (
            {"AB01.csv": "AAB001,AAE036\n", "AC43.xlsx": "PK"},
            "AC43.xlsx seems to be table 'AC43', and .xlsx is not read; export",
        ),
        (
            {"AC43.csv": HISTORY["AC43"].replace("AAE180", "AAE180(万元)")},
            r"AC43.csv: column 'AAE180\(万元\)' seems to hold no",
        ),
        (
            {"AB01.csv": "青岛市单位表\nAAB001,AAE036\n"},
            "AB01.csv lacks column AAB001, AAE036; its columns are 青岛市单位表",
        ),
        (
            {"AB01.csv": "AAB001（新）,AAB001（旧）,AAE036\n"},
            "AB01.csv holds column AAB001 twice; keep one",
        ),
        (
            {"AB01(1).csv": "AAB001,AAE036\n", "AB01(2).csv": "AAB001\n"},
            r"'ab01' is there twice: AB01\(1\).csv, AB01\(2\).csv",
        ),
        (
            {"AB01.csv": "AAB001<<=>>AAE036\n"},
            "AB01.csv: its delimiter is '<<=>>'; export it with a comma or a tab",
        ),
    ],
)
def test_a_file_that_cannot_be_read_right_stops_by_name(
    dump: Dump, files: dict[str, str], message: str
) -> None:
    for name, text in files.items():
        dump.put(name, re.sub(r"^ +", "", text, flags=re.MULTILINE).encode())
    with pytest.raises(SourceError, match=message) as caught:
        find_source(SOURCE, dump.folder)
    assert "\n" not in str(caught.value)


def test_a_slip_of_the_pen_does_not_move_the_closed_day(dump: Dump) -> None:
    rows = "".join(
        f"E1,2014{month:02d},3,1,2014{month:02d}{day:02d}\n"
        for month in range(1, 13)
        for day in range(1, 29)
    )
    dump.put(
        "TAX_PAYROLL.csv",
        f"AAB001,AAE003,RS,GZ,AAE036\n{rows * 4}E1,201401,3,1,20880101\n".encode(),
    )
    (dump.folder / "dump.toml").unlink()
    assert find_source(SOURCE, dump.folder).declaration.complete_to.isoformat() == "2014-12-28"
