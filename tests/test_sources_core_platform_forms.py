"""A bureau's dump in odd but plausible forms: each is read exactly, refused with its reason, or stops with one clear line."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from features.errors import SourceError
from features.ingest.source import find_source
from features.store.opening import open_store
from features.store.store import Store
from tests.test_sources_core_platform import (
    AB01,
    CONTRIBUTION,
    ENROLMENT,
    SETTLEMENT,
    SOURCE,
    live,
    only,
    refusals,
)

Files = dict[str, str | bytes]
Folder = Callable[[Files], Path]
PAYROLL = "AAB001,AAE003,RS,GZ,AAE036\n"


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    """`folder({"AB01.csv": text or bytes})`: a dump of these files, complete to 2015-06-30."""

    def write(files: Files) -> Path:
        place = tmp_path / "dump"
        for name, content in ({"dump.toml": "complete_to = 2015-06-30\n"} | files).items():
            (place / name).parent.mkdir(parents=True, exist_ok=True)
            (place / name).write_bytes(content.encode() if isinstance(content, str) else content)
        return place

    return write


def payroll(store: Store) -> list[tuple[object, ...]]:
    return sorted(only(live(store, "tax_payroll"), "month", "employees", "payroll"))


AMOUNTS: list[tuple[str, int | str | None]] = [
    ('"1,234,567.80"', 123456780),
    ("1.2E3", 120000),
    ("0.30000000000000004", 30),
    ("600.5500000001", 60055),
    ("１２３.４５", 12345),
    ("+12.5", 1250),
    (".5", 50),
    ("\t12.00\t", 1200),
    ("-0.00", 0),
    ("(null)", None),
    ("NaT", None),
    ("12.005", "two decimals"),
    ('"1,23"', "two decimals"),
    ("￥12.00", 1200),
    ('"¥1,234.5元"', 123450),
    ("12万元", "two decimals"),
    ("(12.00)", "two decimals"),
]
"""An amount as it is written, and the fen that it is or why it is refused."""


def test_an_amount_is_exact_or_refused(folder: Folder) -> None:
    rows = [f"E{staff},201401,{staff},{text},20140301" for staff, (text, _) in enumerate(AMOUNTS)]
    store = open_store(SOURCE, folder({"TAX_PAYROLL.csv": PAYROLL + "\n".join(rows) + "\n"}))
    read = {staff: fen for _, staff, fen in payroll(store)}
    exact = {staff: fen for staff, (_, fen) in enumerate(AMOUNTS) if not isinstance(fen, str)}
    assert read == exact
    [(why, refused)] = refusals(store).items()
    assert why.endswith("two decimals") and refused == len(AMOUNTS) - len(exact)


def test_a_number_is_whole_and_a_month_is_of_our_time(folder: Folder) -> None:
    store = open_store(
        SOURCE,
        folder(
            {
                "TAX_PAYROLL.csv": PAYROLL + 'E1,2014-1,"1,003",1,2014/3/1 8:30\n'
                "E1,２０１４０２,3.0,1,20140301 08:30:00\n"
                "E1,20140301,3,1,20140301T083000\nE1,150601,3,1,20140301\nE1,201405,3.5,1,20140301\n"
            }
        ),
    )
    assert [row[:2] for row in payroll(store)] == [
        ("2014-01", 1003),
        ("2014-02", 3),
        ("2014-03", 3),
    ]
    assert refusals(store) == {
        "AAE003 should be a month such as 201506": 1,
        "employees should be a whole number of persons": 1,
    }


def test_a_code_is_never_rounded_to_a_known_one(folder: Folder) -> None:
    codes = {
        "１１０": True,
        "+110": True,
        "110.0": True,
        "109.6": False,
        "1.1E2": False,
        "养老": False,
    }
    rows = "".join(f"\n{n},W{n},E1,{code},1,20120101,,,41,20120110" for n, code in enumerate(codes))
    store = open_store(SOURCE, folder({"AC20.csv": ENROLMENT + rows + "\n"}))
    assert refusals(store) == {
        f"unknown code AAE140 {code}": 1 for code, known in codes.items() if not known
    }


@pytest.mark.parametrize(
    "ids",
    [
        ["3.70202E+17", "3.70202e+17", "370202198001011234"],
        pa.array([370202198001011234.0, 370202198001011299.0, 12345.0]),
    ],
)
def test_identifiers_that_a_spreadsheet_rounded_are_refused(
    folder: Folder, ids: list[str] | pa.Array
) -> None:
    place = folder({"AB01.csv": AB01 + "\n"})
    pq.write_table(pa.table({"AAC001": ids, "AAE036": [20140101] * 3}), place / "AC01.parquet")
    store = open_store(SOURCE, place)
    assert refusals(store) == {"AAC001 was rounded to a power of ten: export it as text": 2}
    assert len(live(store, "workers")) == 1


def test_identifiers_lose_what_an_export_puts_around_them(folder: Folder) -> None:
    place = folder({"AC01.csv": "AAC001,AAE036\n\t370202198001011234\t,20140101\n"})
    pq.write_table(
        pa.table(
            {
                "aab001": [7],
                "AAB019": [10.0],
                "aae047": pa.array([date(2010, 1, 5)]),
                "extra": [1],
                "AAE036": pa.array([Decimal(20100110)], pa.decimal128(38, 10)),
            }
        ),
        place / "ab01.parquet",
    )
    store = open_store(SOURCE, place)
    assert list(only(live(store, "enterprises"), "enterprise", "kind", "registered")) == [
        ("7", "company", "2010-01-05")
    ]
    assert list(only(live(store, "workers"), "worker")) == [("370202198001011234",)]
    assert "columns left alone: AB01.extra" in store.summary["notes"]


def test_a_line_with_more_fields_or_an_open_quote_is_refused(folder: Folder) -> None:
    more = open_store(
        SOURCE,
        folder(
            {
                "TAX_PAYROLL.csv": PAYROLL
                + "E1,201401,3,1,234.56,20140301\nE1,201402,3,9,20140301,,\r\n"
                "E1,201403,3,9,20140301,,x\n\nE1,201404,3\n"
            }
        ),
    )
    assert payroll(more) == [("2014-02", 3, 900)]
    assert refusals(more) == {
        "the record has too many fields: 6 of 5": 1,
        "the record has too many fields: 7 of 5": 1,
        "the record has too few fields: 3 of 5": 1,
    }
    quotes = b'AAB001,AAE006,AAE036\nE1,"Road 1\nFloor ""2""",20100110\nE2,Road "B",20100110\nE3,"open,20100110\nE4,A,20100110\n'
    store = open_store(SOURCE, folder({"TAX_PAYROLL.csv": PAYROLL, "AB01.csv": quotes}))
    assert sorted(only(live(store, "enterprises"), "address")) == [
        ("A",),
        ('Road "B"',),
        ('Road 1 Floor "2"',),
    ]
    assert refusals(store) == {"a quote mark of the line is not closed": 1}


def test_parts_of_every_form_are_one_table(folder: Folder) -> None:
    place = folder(
        {
            "ab01/one.csv": AB01,
            "ab01/two.TSV": AB01.replace("E1", "E2").replace(",", "\t"),
            "ab01/_SUCCESS": "",
            "ab01/._one.csv": b"\0",
            "AB01_2014.csv": AB01,
            "AC01.txt": "AAC001|AAE036\nW1|20140101\n",
        }
    )
    for month, key in (("201401", "W1"), ("201402", 2)):
        (part := place / "TAX_PAYROLL" / f"AAE003={month}").mkdir(parents=True)
        pq.write_table(
            pa.table({"AAB001": [key], "RS": [3], "GZ": [9.5], "AAE036": [20140301]}),
            part / "part-0.snappy.parquet",
        )
    store = open_store(SOURCE, place)
    assert list(only(live(store, "enterprises"), "enterprise")) == [("E1",), ("E2",)]
    assert (
        payroll(store) == [("2014-01", 3, 950), ("2014-02", 3, 950)]
        and len(live(store, "workers")) == 1
    )
    assert "files and folders left alone: AB01_2014.csv" in store.summary["notes"]


@pytest.mark.parametrize(
    ("files", "message"),
    [
        (
            {"AB01.csv": AB01, "AC43.csv": b""},
            "AC43.csv has no line of column names; write it again with a header",
        ),
        (
            {"AB01.csv.gz": gzip.compress(AB01.encode())[:-20]},
            "AB01.csv.gz cannot be read as gzip; write it again",
        ),
        ({"AB01.csv.gz": AB01}, "AB01.csv.gz cannot be read as gzip; write it again"),
        (
            {"AB01.csv": AB01, "AC01.csv": "AAC001,aac001,AAE036\n1,2,3\n"},
            "AC01.csv holds column AAC001 twice; keep one",
        ),
        (
            {"AB01/a.csv": AB01, "AB01/b.parquet": b""},
            "AB01 holds Parquet and CSV files; keep the one or the other",
        ),
        (
            {"AB01.csv": AB01, "dump.toml": "complete_too = 2015-06-30"},
            r"dump.toml: complete_too: Extra inputs",
        ),
        (
            {"AB01.csv": AB01.encode() + b"\nE2,10,170,F52,C1," + b"A" * (3 << 20) + b"\xcf\xe3\n"},
            "^AB01.csv: line 3 is longer than a megabyte",
        ),
    ],
)
def test_a_dump_that_cannot_be_read_stops_with_one_line(
    folder: Folder, files: Files, message: str
) -> None:
    with pytest.raises(SourceError, match=message) as caught:
        open_store(SOURCE, folder(files))
    assert "\n" not in str(caught.value)


def test_relations_that_cannot_be_are_refused_by_name(folder: Folder) -> None:
    store = open_store(
        SOURCE,
        folder(
            {
                "AC20.csv": ENROLMENT
                + """
1,W1,E1,110,1,,,,41,20140310
2,W2,E1,110,1,20150101,20140101,,41,20140310
3,W3,E1,110,3,20120101,,,41,20140310
4,W4,E1,110,4,20120101,,,41,20140310
5,W5,E1,110,1,20120101,2999-12-31,,41,20140310
6,W6,E1,110,3,20120101,20140228,,41,20140310
"""
            }
        ),
    )
    assert list(only(live(store, "enrolments"), "worker", "started", "ended")) == [
        ("W5", "2012-01-01", None),
        ("W6", "2012-01-01", "2014-02-28"),
    ]
    assert set(refusals(store)) == {
        "AC20 opens a relation without AAC030",
        "AAE031 lies before AAC030",
        "AC20 closes a relation without AAE031",
        "codes.csv leaves out AAC031 4",
    }


def test_a_unit_is_closed_and_opened_again_and_an_unknown_one_is_refused(folder: Folder) -> None:
    store = open_store(
        SOURCE,
        folder(
            {
                "AB01.csv": AB01 + "\n",
                "AB05.csv": "AAB001,AAE155,AAE124,AAE035,AAE036\n"
                "E1,CAB009,,20140101,20140110\nE1,cab009,20130101,20130101,20130110\n"
                "E9,AAE006,A2,20140101,20140110\n",
            }
        ),
    )
    assert list(only(live(store, "enterprises"), "since", "closed")) == [
        ("2010-01-05", None),
        ("2013-01-01", "2013-01-01"),
        ("2014-01-01", None),
    ]
    assert refusals(store) == {"AB05 changes a unit that AB01 does not hold": 1}


def test_a_refund_counts_from_the_day_on_which_both_were_known(folder: Folder) -> None:
    store = open_store(
        SOURCE,
        folder(
            {
                "SETL_D.csv": SETTLEMENT
                + """
R1,S1,W1,E1,310,M1,H1,11,,,20140101,-50,1,1,20140102
S1,,W1,E1,310,M1,H1,11,,,20140103,50,1,1,20140110
S2,0,W1,E1,310,M1,H1,11,,,20140103,70,0,TRUE,20140110
R2,S2,W1,E1,310,M1,H1,11,,,20140203,70,1,1,20140210
R3,R2,W1,E1,310,M1,H1,11,,,20140303,-70,1,1,20140310
"""
            }
        ),
    )
    assert [
        list(only(live(store, "claims", day), "claim")) for day in ("2014-01-10", "2014-02-10")
    ] == [[("S2",)], []]
    assert refusals(store) == {"SETL_D takes back a settlement that itself takes one back": 1}


def test_a_payment_without_a_day_that_can_be_is_not_yet_arrived(folder: Folder) -> None:
    rows = "1,W1,E1,110,201406,201406,10,3000,600,240,600,240,3,99991231,20140620\n"
    rows += "2,W1,E1,110,201407,201407,20,3000,0,0,+600.50,240.25,1,0,20140720\n"
    store = open_store(SOURCE, folder({"AC43.csv": f"{CONTRIBUTION}\n{rows}"}))
    assert list(only(live(store, "contributions"), "paid_unit", "paid_on")) == [
        (0, None),
        (-60050, "2014-07-20"),
    ]


def test_the_log_is_met_however_its_key_is_written_and_a_blank_day_leaves_the_row_its_own(
    folder: Folder,
) -> None:
    store = open_store(
        SOURCE,
        folder(
            {
                "AE02.csv": "AAZ002,AAE218\n7.0,2014-03-01 10:00:00\n9,\n",
                "AC01.csv": "AAC001,AAE036,AAZ002\nW1,20100101,7\nW2,20100101,9\n",
            }
        ),
    )
    assert sorted(only(live(store, "workers"), "worker", "known")) == [
        ("W1", "2014-03-01"),
        ("W2", "2010-01-01"),
    ]


def test_a_table_without_the_column_it_rests_on_is_absent_and_targets_have_a_split(
    folder: Folder,
) -> None:
    source = find_source(
        SOURCE,
        folder(
            {
                "AC20.csv": ENROLMENT.replace("AAE160,", "") + "\n",
                "AC01.csv": "AAC001,AAE036\n",
                "JC_BENEFIT.csv": "AAC001,AJC090,AAE036\n",
            }
        ),
    )
    assert {"deaths", "protected", "benefit_payments"} <= set(source.declaration.absent)
    assert all(target.split is not None for target in source.targets.values())


def test_an_open_end_or_a_slip_of_the_pen_does_not_close_the_dump(folder: Folder) -> None:
    place = folder(
        {
            "dump.toml": "\ufeff",
            "AB01.csv": AB01 + "\nE2,10,170,F52,C1,A1,P1,0,20100105,99991231\n",
            "JCWF.csv": "AJBH,WFLX,AAE036\nJ1,1,20140403\n",
        }
    )
    source = find_source(SOURCE, place)
    assert source.declaration.complete_to == date(2014, 4, 3)
    assert any("most tables end (JCWF.AAE036 2014-04-03)" in note for note in source.dump.notes)
