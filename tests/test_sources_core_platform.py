"""The national core platform's tables as a stranger would send them, read through sources/core_platform."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from features.calendar import date_of, day_of
from features.check.load_report import summary_of
from features.engine.dormancy import dormancy
from features.engine.engine import engine_of
from features.errors import SourceError
from features.ingest.scan import read_csv
from features.ingest.source import find_source
from features.store.opening import open_store
from features.store.store import NULL, Store
from training.certificate.raw_tables import sampled_raw_tables

SOURCE = Path(__file__).parents[1] / "sources" / "core_platform"
Tables = dict[str, str]
Written = Callable[[Tables], Path]
AB01 = """AAB001,AAB019,AAB020,AAB022,WGBH,AAE006,AAB013,AAC301,AAE047,AAE036
E1,10,170,F52,C1,A1,P1,0,20100105,20100110"""
CONTRIBUTION = "AAZ083,AAC001,AAB001,AAE140,AAE002,AAE003,AAA115,AAE180,AAE020,AAE022,AAE080,AAE082,AAE078,AAB191,AAE036"
ENROLMENT = "AAZ159,AAC001,AAB001,AAE140,AAC031,AAC030,AAE031,AAE160,AAC013,AAE036"
SETTLEMENT = (
    "setl_id,init_setl_id,psn_no,emp_no,insutype,mdtrt_id,fixmedins_code,med_type,begntime,endtime,setl_time,"
    "medfee_sumamt,refd_setl_flag,vali_flag,crte_time"
)


@pytest.fixture
def dump(tmp_path: Path) -> Written:
    """`dump({"AB01": csv text})`: a folder with one CSV file a table, complete to 2015-06-30."""

    def write(tables: Tables) -> Path:
        folder = tmp_path / "dump"
        folder.mkdir(exist_ok=True)
        (folder / "dump.toml").write_text("complete_to = 2015-06-30\n", "utf-8")
        for name, text in tables.items():
            (folder / f"{name}.csv").write_text(
                "\n".join(line.strip() for line in text.strip().splitlines()) + "\n", "utf-8"
            )
        return folder

    return write


def live(store: Store, table: str, as_of: str = "2015-06-30") -> list[dict[str, Any]]:
    """Return the live rows of a day as plain values: ids and choices as text, days as ISO text."""
    rows = store.live(table, day_of(as_of))
    return [
        {name: plain(store, table, name, values[row]) for name, values in rows.items()}
        for row in range(len(rows["row_id"]))
    ]


def plain(store: Store, table: str, name: str, value: Any) -> Any:
    if name == "row_id":
        return value
    column = store.column(table, name)
    if value == NULL or value != value:
        return None
    match column.kind:
        case "id":
            return store.texts(column.space)[int(value)]
        case "choice":
            return column.choices[int(value)]
        case "day":
            return date_of(int(value)).isoformat()
        case "month":
            return f"{int(value) // 12}-{int(value) % 12 + 1:02d}"
    return value


def refusals(store: Store) -> dict[str, int]:
    """Return how many rows were refused by reason."""
    tables = store.summary["tables"].values()
    return {why["reason"]: why["rows"] for table in tables for why in table["reasons"]}


def only(rows: list[dict[str, Any]], *names: str) -> Iterator[tuple[Any, ...]]:
    return (tuple(row[name] for name in names) for row in rows)


def test_an_unknown_code_is_refused_by_name_and_counted(dump: Written) -> None:
    store = open_store(
        SOURCE,
        dump(
            {
                "AB01": AB01 + "\nE2,88,170,F52,C1,A1,P1,0,20100105,20100110"
                "\nE3,88,170,F52,C1,A1,P1,0,20100105,20100110\nE4,10,159,??,C1,A1,P1,0,20100105,20100110"
            }
        ),
    )
    assert refusals(store) == {
        "unknown code AAB019 88": 2,
        "unknown code AAB020 159; unknown code AAB022 ??": 1,
    }
    assert [row["enterprise"] for row in live(store, "enterprises")] == ["E1"]
    assert summary_of(store)["refused"] == 3


def test_a_city_extends_a_code_list_in_its_own_copy(dump: Written, tmp_path: Path) -> None:
    mine = tmp_path / "mine"
    shutil.copytree(SOURCE, mine)
    with (mine / "codes.csv").open("a", encoding="utf-8") as file:
        file.write("AAB019,88,public,本市\n")
    store = open_store(mine, dump({"AB01": AB01 + "\nE2,88,170,F52,C1,A1,P1,0,20100105,20100110"}))
    assert sorted(only(live(store, "enterprises"), "enterprise", "kind")) == [
        ("E1", "company"),
        ("E2", "public"),
    ]


def test_attributes_change_when_it_became_known(dump: Written) -> None:
    store = open_store(
        SOURCE,
        dump(
            {
                "AB01": AB01,
                "AB05": """AAB001,AAE155,AAE123,AAE124,AAE035,AAE036
        E1,WGBH,C1,C2,20140301,20140315
        E1,AAE006,A1,A2,20140201,20140601
        E1,CAB009,,20150101,20150101,20150210
        E1,XXX,,1,20150101,20150210""",
            }
        ),
    )
    assert list(only(live(store, "enterprises", "2014-03-31"), "since", "cell", "address")) == [
        ("2010-01-05", "C1", "A1"),
        ("2014-03-01", "C2", "A1"),
    ]
    assert sorted(only(live(store, "enterprises"), "since", "cell", "address", "closed")) == [
        ("2010-01-05", "C1", "A1", None),
        ("2014-02-01", "C1", "A2", None),
        ("2014-03-01", "C2", "A2", None),
        ("2015-01-01", "C2", "A2", "2015-01-01"),
    ]
    assert refusals(store) == {"unknown code AAE155 XXX": 1}


def enrolled_under(codes: Iterable[str]) -> str:
    """Return AC20 with an open relation under each code, the person named by it."""
    return ENROLMENT + "".join(
        f"\n{number},W{number:02d},E1,{code},1,20120101,99991231,,41,20120110"
        for number, code in enumerate(codes)
    )


def test_both_families_of_schemes_are_known(dump: Written) -> None:
    known = {
        "110": "pension",
        "120": "pension",
        "210": "unemployment",
        "310": "medical",
        "410": "injury",
        "510": "maternity",
        "01": "pension",
        "1": "pension",
        "02": "unemployment",
        "03": "medical",
        "04": "injury",
        "05": "maternity",
        " 110": "pension",
        "110.0": "pension",
        "0110": "pension",
    }
    store = open_store(SOURCE, dump({"AC20": enrolled_under(known)}))
    rows = sorted(only(live(store, "enrolments"), "worker", "scheme", "started", "ended"))
    assert [row[1:] for row in rows] == [(scheme, "2012-01-01", None) for scheme in known.values()]


def test_a_scheme_is_never_told_by_a_range(dump: Written) -> None:
    strange = ("10", "11", "20", "25", "28", "115", "109", "400", "999")
    store = open_store(SOURCE, dump({"AC20": enrolled_under(strange)}))
    assert refusals(store) == {f"unknown code AAE140 {code}": 1 for code in strange}


def test_410_is_long_term_care_in_insutype(dump: Written) -> None:
    store = open_store(
        SOURCE,
        dump(
            {
                "SETL_D": f"{SETTLEMENT}\nS1,,W1,E1,410,M1,H1,11,,,20140107,12,0,1,20140107"
                "\nS2,,W1,E1,210,M1,H1,11,,,20140107,12,0,1,20140107"
            }
        ),
    )
    assert list(only(live(store, "claims"), "claim", "scheme", "amount")) == [("S1", "other", 1200)]
    assert refusals(store) == {"unknown code insutype 210": 1}


def test_both_families_of_residence_are_known(dump: Written) -> None:
    known = {
        "10": "urban",
        "11": "urban",
        "12": "migrant",
        "20": "rural",
        "21": "rural",
        "22": "migrant",
        "51": None,
        "52": "migrant",
    }
    rows = "".join(f"\nW{code},2,01,19801231,{code},20100110" for code in known)
    store = open_store(SOURCE, dump({"AC01": f"AAC001,AAC004,AAC005,AAC006,AAC009,AAE036{rows}"}))
    assert list(only(live(store, "workers"), "worker", "birth_year", "residence")) == [
        (f"W{code}", 1980, residence) for code, residence in known.items()
    ]
    assert set(only(live(store, "protected"), "sex", "ethnicity")) == {("female", "01")}


def test_a_relation_is_closed_paused_and_opened_again(dump: Written) -> None:
    store = open_store(
        SOURCE,
        dump(
            {
                "AC20": f"""{ENROLMENT}
        1,W1,E1,110,1,20120101,99991231,,51,20120110
        1,W1,E1,110,2,20130331,20130331,,51,20130410
        1,W1,E1,110,1,20130601,999912,,51,20130605
        1,W1,E1,110,3,,20140228,6401,51,20140310
        9,W2,E1,110,3,,20140228,6999,51,20140310"""
            }
        ),
    )
    assert list(only(live(store, "enrolments", "2013-06-30"), "started", "ended")) == [
        ("2012-01-01", "2013-03-31"),
        ("2013-06-01", None),
    ]
    assert list(only(live(store, "employment"), "started", "ended", "kind")) == [
        ("2012-01-01", "2013-03-31", "dispatched"),
        ("2013-06-01", "2014-02-28", "dispatched"),
    ]
    assert list(only(live(store, "deaths"), "worker", "died_on")) == [("W1", "2014-02-28")]
    assert refusals(store) == {
        "AC20 closes a relation that was never opened": 1,
        "unknown code AAE160 6999": 1,
    }


def test_a_payment_is_known_when_it_arrives(dump: Written) -> None:
    store = open_store(
        SOURCE,
        dump(
            {
                "AC43": f"""{CONTRIBUTION}
        1,W1,E1,110,201402,201402,10,3000.00,600.55,240,600.55,240,1,20140315,20140220"""
            }
        ),
    )
    before, after = (
        live(store, "contributions", "2014-03-14"),
        live(store, "contributions", "2014-03-15"),
    )
    names = (
        "base",
        "due_unit",
        "due_person",
        "paid_unit",
        "paid_person",
        "paid_on",
        "kind",
        "month",
    )
    assert list(only(before, *names)) == [(300000, 60055, 24000, 0, 0, None, "normal", "2014-02")]
    assert list(only(after, *names)) == [
        (300000, 60055, 24000, 60055, 24000, "2014-03-15", "normal", "2014-02")
    ]


def test_back_payments_refunds_and_arrivals_are_told_apart(dump: Written) -> None:
    store = open_store(
        SOURCE,
        dump(
            {
                "AC43": f"""{CONTRIBUTION}
        1,W1,E1,110,201405,201403,10,3000,600,240,600,240,1,20140520,20140520
        2,W1,E1,110,201405,201401,31,3000,600,240,600,240,1,,20140520
        3,W1,E1,110,201406,201403,20,3000,0,0,600.50,240.25,1,20140620,20140620
        4,W1,E1,110,201407,201403,20,-3000,0,0,-600.50,-240.25,1,20140720,20140720
        5,W1,E1,110,201408,201408,10,3000,600,240,600,240,3,,20140820
        6,W1,E1,110,201409,201409,10,3000,600,240,100,0,0,,20140920
        7,W1,E1,110,201410,201410,10,3000.001,600,240,100,0,0,,20141020
        8,W1,E1,110,201411,201411,77,3000,600,240,100,0,8,,20141120
        9,W1,E1,390,201411,201411,10,3000,600,240,100,0,0,,20141120
        10,W1,E1,110,201413,201411,10,3000,600,240,100,0,0,,20141120"""
            }
        ),
    )
    rows = sorted(live(store, "contributions"), key=lambda row: row["row_id"])
    assert list(only(rows, "kind", "base", "paid_unit", "paid_person", "paid_on")) == [
        ("back", 300000, 60000, 24000, "2014-05-20"),
        ("back", 300000, 60000, 24000, "2014-05-20"),
        ("refund", 300000, -60050, -24025, "2014-06-20"),
        ("refund", 300000, -60050, -24025, "2014-07-20"),
        ("normal", 300000, 0, 0, None),
        ("normal", 300000, 10000, 0, None),
    ]
    assert refusals(store) == {
        "AAE180 should be yuan with at most two decimals": 1,
        "unknown code AAA115 77; unknown code AAE078 8": 1,
        "codes.csv leaves out AAE140 390": 1,
        "AAE002 should be a month such as 201506": 1,
    }


def test_a_reversal_takes_the_settlement_back_from_its_day(dump: Written) -> None:
    store = open_store(
        SOURCE,
        dump(
            {
                "SETL_D": f"""{SETTLEMENT}
        S10,S9,W1,E1,310,M1,H1,21,,,2014-01-06 09:00:00,-1234.56,1,1,2014-01-06 10:00:00
        S9,,W1,E1,310,M1,H1,21,2014-01-01 10:00:00,2014-01-05 12:00:00,2014-01-05 23:59:59,1234.56,1,1,2014-01-06 00:00:01
        S7,,W1,E1,310,M7,H1,21,2014-01-01 10:00:00,2014-01-05 12:00:00,2014-01-05 23:59:59,1234.56,0,1,2014-01-06 00:00:01
        S8,S7,W1,E1,310,M7,H1,21,,,20140301,1234.56,1,1,20140302
        S5,S4,W1,E1,310,M7,H1,21,,,20140301,1234.56,1,1,20140302
        S6,,W1,E1,310,M7,H1,41,,,20140301,20,0,0,20140302""",
                "FEE_LIST_D": """feedetl_sn,mdtrt_id,med_list_codg,cnt,pric,det_item_fee_sumamt,fee_ocur_time,crte_time
        L1,M7,X0001,0.5,12.345600,6.17,2014-01-02 08:00:00,2014-01-06 00:00:02
        L2,M8,X0001,2,12.500000,25.00,2014-01-02 08:00:00,2014-01-06 00:00:02""",
            }
        ),
    )
    claims = live(store, "claims", "2014-02-28")
    assert list(
        only(claims, "claim", "amount", "admitted", "discharged", "inpatient", "filed_on")
    ) == [("S7", 123456, "2014-01-01", "2014-01-05", 1, "2014-01-05")]
    assert live(store, "claims", "2014-03-02") == []
    assert list(
        only(
            live(store, "medical_lines"),
            "line",
            "claim",
            "item_group",
            "quantity",
            "price",
            "amount",
        )
    ) == [("L1", "S7", "X", None, None, 617)]
    assert refusals(store) == {
        "SETL_D takes back a settlement that the dump does not hold": 1,
        "retracts a key that was never recorded before": 1,
        "claim is missing": 1,
    }


def test_an_entitlement_pays_month_by_month_until_it_ends(dump: Written) -> None:
    store = open_store(
        SOURCE,
        dump(
            {
                "AC60": "AAZ257,AAC001,AAE210,AAE036\nP1,W1,201501,20150105",
                "AC61": """AAZ257,AAA036,AAE041,AAE042,AAE019,AAE036
        P1,1,201501,999912,2000.50,20150105
        P1,1,201501,201502,2000.50,20150410""",
                "JC_BENEFIT": """AAC001,AJC090,AJC093,AAE041,AAE042,AAE019,AAE036
        W2,20150110,1,201502,999999,1000,20150201
        W3,20150110,1,201502,201503,1000,20150201""",
            }
        ),
    )
    paid = sorted(
        only(live(store, "benefit_payments", "2015-04-09"), "worker", "month", "amount", "paid_on")
    )
    assert paid == [
        (who, f"2015-{month}", amount, f"2015-{month}-{last}")
        for who, amount, months in (("W1", 200050, 3), ("W2", 100000, 2), ("W3", 100000, 2))
        for month, last in (("01", 31), ("02", 28), ("03", 31))[-months:]
    ]
    assert [row["month"] for row in live(store, "benefit_payments") if row["worker"] == "W1"] == [
        "2015-01",
        "2015-02",
    ]
    assert len([1 for row in live(store, "benefit_payments") if row["worker"] == "W2"]) == 5
    assert sorted(only(live(store, "unemployment_spells"), "worker", "started", "ended")) == [
        ("W2", "2015-01-10", None),
        ("W3", "2015-01-10", "2015-03-31"),
    ]
    assert sorted(only(live(store, "claims"), "claim", "scheme")) == [
        ("JCW2-2015-01-10", "unemployment"),
        ("JCW3-2015-01-10", "unemployment"),
        ("P1", "pension"),
    ]


def test_a_payment_is_to_whom_the_pension_named_by_its_day(dump: Written) -> None:
    entitled = "AAZ257,AAE041,AAE042,AAE019,AAE036\nP1,201501,201503,2000,20150105\nP2,201501,201501,1000,20150105"
    first = "AAZ257,AAC001,AAE210,AAE036\nP1,W1,201501,20150105"
    known = live(
        open_store(SOURCE, dump({"AC60": first, "AC61": entitled})),
        "benefit_payments",
        "2015-02-28",
    )
    store = open_store(
        SOURCE,
        dump({"AC60": f"{first}\nP1,W9,201501,20150315\nP2,W2,201501,20150401", "AC61": entitled}),
    )
    assert live(store, "benefit_payments", "2015-02-28") == known
    assert set(only(known, "worker", "month")) == {
        ("W1", "2015-01"),
        ("W1", "2015-02"),
        (None, "2015-01"),
    }
    assert sorted(only(live(store, "benefit_payments"), "worker", "month")) == [
        ("W1", "2015-01"),
        ("W1", "2015-02"),
        ("W2", "2015-01"),
        ("W9", "2015-03"),
    ]


def test_inspections_findings_orders_and_reviews_are_read(dump: Written) -> None:
    store = open_store(
        SOURCE,
        dump(
            {
                "JCAJ": """AJBH,AAB001,fixmedins_code,AJLY,LARQ,JARQ,JCSX,FZ,XCRS,GL,AAE036
        J1,E1,,4,20140301,,"1,2",,,0.25,20140301
        J1,E1,,4,20140301,20140401,"1,2",120,15,0.25,20140403
        J2,E1,,1,20140301,20140401,"1,9",120,15,,20140403""",
                "JCWF": "AJBH,WFLX,WFRS,ZRS,JE,AAE036\nJ1,1,3,15,,20140403\nJ1,6,3,15,,20140403",
                "JCCL": "AJBH,CLLX,CLRQ,ZDSJ,LXRQ,AAE036\nJ1,order,20140405,0,,20140406\nJ1,warning,20140405,0,,20140406",
                "JCJL": "setl_id,AJLY,GL,FZ,JARQ,JG,JE,AAE036\nS1,4,0.1,30,20140501,fraud,88.80,20140502",
            }
        ),
    )
    assert list(
        only(
            live(store, "inspections"),
            "kind",
            "closed_on",
            "examined_1",
            "examined_3",
            "staff_on_site",
            "inclusion_probability",
        )
    ) == [("lottery", "2014-04-01", 1, 0, 15, 250_000)]
    assert list(only(live(store, "inspections", "2014-03-31"), "opened", "closed_on")) == [
        ("2014-03-01", None)
    ]
    assert list(only(live(store, "findings"), "violation", "workers_in_violation")) == [(1, 3)]
    assert list(only(live(store, "sanctions"), "act", "decided_on")) == [("order", "2014-04-05")]
    assert list(only(live(store, "claim_reviews"), "claim", "outcome", "amount")) == [
        ("S1", "fraud", 8880)
    ]
    assert refusals(store) == {
        "unknown code JCSX 9": 1,
        "violation should be 1 to 5": 1,
        "unknown code CLLX WARNING": 1,
    }


def test_a_table_that_the_dump_lacks_is_absent(dump: Written) -> None:
    source = find_source(SOURCE, dump({"AB01": AB01}))
    assert list(source.tables) == ["enterprises"]
    assert "contributions" in source.declaration.absent
    assert any("not in the dump: " in note and "AC43" in note for note in source.dump.notes)


def test_a_certificates_sample_takes_a_raw_table_without_the_one_it_follows_by_its_own_units(
    dump: Written,
) -> None:
    """AC01 is sampled by the persons of AC20, which a dump may lack."""
    lines = [f"W{number % 40},1,110,198001,20140105" for number in range(400)]
    persons = "AAC001,AAC004,AAC009,AAC006,AAE036\n" + "\n".join(lines)
    for others in ({}, {"AB01": AB01}):
        sheets = sampled_raw_tables(find_source(SOURCE, dump({"AC01": persons, **others})), 100)
        rows_of_unit = sheets["AC01"].rows["AAC001"].value_counts()
        assert 0 < rows_of_unit.height < 40
        assert set(rows_of_unit["count"]) == {10}
        assert sheets.keys() == {"AC01", *others}


def test_a_dump_tells_its_dormant_firms_and_may_state_their_months(dump: Written) -> None:
    """E1 paid last for March 2014; E2 employs somebody."""
    folder = dump(
        {
            "AB01": AB01 + "\nE2,10,170,F52,C1,A2,P2,0,20100105,20100110",
            "AC20": ENROLMENT
            + "\n1,W1,E1,110,1,20120101,20140331,,41,20140410\n2,W2,E2,110,1,20120101,99991231,,41,20120110",
            "AC43": CONTRIBUTION
            + "\n1,W1,E1,110,201403,201403,10,3000,600,240,600,240,1,20140320,20140320",
            "TAX_PAYROLL": "AAB001,AAE003,RS,GZ,AAE036\nE1,201401,3,9000,20140210",
        }
    )
    store = open_store(SOURCE, folder)
    told = dormancy(engine_of(store), store.complete_to)
    assert [store.texts("enterprise")[code] for code in told.codes.tolist()] == ["E1"]
    (folder / "dump.toml").write_text("complete_to = 2015-06-30\ndormant_months = 16\n", "utf-8")
    store = open_store(SOURCE, folder)
    assert dormancy(engine_of(store), store.complete_to).codes.tolist() == []


def test_types_case_padding_and_form_do_not_matter(dump: Written) -> None:
    text = f"{CONTRIBUTION}\n1,W1,E1,110,201402,201402,10,3000.00,600.55,240,600.55,240,1,20140315,20140220"
    folder = dump({"AB01": AB01, "AC43": text})
    wanted = (
        live(open_store(SOURCE, folder), "contributions"),
        live(open_store(SOURCE, folder), "enterprises"),
    )
    frame = read_csv(folder / "AC43.csv").to_pandas()
    frame.columns = [name.lower() for name in frame.columns]
    frame["aab191"], frame["aae036"] = pd.Timestamp("2014-03-15"), pd.Timestamp("2014-02-20 23:00")
    frame["aae140"], frame["extra"] = 110.0, "more"
    (folder / "AC43.csv").unlink()
    frame.to_parquet(folder / "ac43.parquet")
    padded = AB01.replace(",10,170", ", 10 ,170.0").replace(",", ";")
    header, row = padded.split("\n")
    (folder / "AB01.csv").write_bytes(b"\xef\xbb\xbf" + f"{header.lower()}\n{row}\n".encode())
    (folder / "AC99.csv").write_text("x\n1\n", "utf-8")
    store = open_store(SOURCE, folder)
    assert (live(store, "contributions"), live(store, "enterprises")) == wanted


def test_a_table_that_only_bears_a_name_of_the_contract_is_left_alone(dump: Written) -> None:
    source = find_source(
        SOURCE,
        dump(
            {
                "AB01": AB01,
                "members": "name,joined\nZ,2014",
                "holidays": "holiday,worked,row_id,recorded_on,retracted\n2015-01-01,0,1,2014-12-01,0",
            }
        ),
    )
    assert list(source.tables) == ["enterprises", "holidays"]


def test_days_are_read_however_they_are_written(dump: Written) -> None:
    written = (
        "20140315",
        "2014-03-15",
        "2014/3/15",
        "2014-03-15 08:30:00",
        "20140315083000",
        "2014.03.15",
        "2014年3月15日",
        "2014-03-15T08:30:00",
        "2014-03-15 08:30:00.000",
        "20140315.0",
        "2014-03-14 20:00:00+00",
        " 20140315 ",
    )
    rows = "".join(
        f"\nE{number:02d},201405,3.0,123.45,{text}" for number, text in enumerate(written)
    )
    wrong = "\nE90,201405,3,1,20140231\nE91,201405,3,1,15.3.14\nE92,201413,3,1,20140315\nE93,201405,3.5,1,20140315"
    store = open_store(
        SOURCE,
        dump(
            {
                "TAX_PAYROLL": f"AAB001,AAE003,RS,GZ,AAE036{rows}{wrong}",
                "POWER": "AAB001,AAE003,KWH,AAE036\nE00,2014年5月,1234.5,20140601\nE00,2014/6,some,20140701\nE01,2014-06",
            }
        ),
    )
    known = store.all_rows("tax_payroll", ("known",))["known"]
    assert [date_of(int(day)).isoformat() for day in known] == ["2014-03-15"] * len(written)
    assert refusals(store) == {
        "AAE036 should be a day such as 20150630": 2,
        "AAE003 should be a month such as 201506": 1,
        "employees should be a whole number of persons": 1,
        "kwh should be a whole number of kwh": 1,
        "the record has too few fields: 2 of 4": 1,
    }
    assert list(only(live(store, "utilities"), "month", "kwh")) == [("2014-05", 1235)]


def test_parts_in_folders_within_a_folder_are_one_table(dump: Written) -> None:
    folder = dump({"AB01": AB01})
    for year in ("2014", "2015"):
        (folder / "TAX_PAYROLL" / f"year={year}").mkdir(parents=True)
        pd.DataFrame(
            {
                "AAB001": ["E1"],
                "AAE003": [int(f"{year}01")],
                "RS": [3],
                "GZ": [9000.1],
                "AAE036": [int(f"{year}0301")],
            }
        ).to_parquet(folder / "TAX_PAYROLL" / f"year={year}" / "one.parquet")
    rows = live(open_store(SOURCE, folder), "tax_payroll")
    assert list(only(rows, "month", "employees", "payroll")) == [
        ("2014-01", 3, 900010),
        ("2015-01", 3, 900010),
    ]


@pytest.mark.parametrize(
    ("tables", "message"),
    [
        (
            {"AB01": "AAB019,AAE036\n10,20140101"},
            "AB01.csv lacks column AAB001; its columns are AAB019, AAE036",
        ),
        ({"XX01": "A\n1"}, "holds none of the tables AE02, AB01"),
        ({"AB01": AB01, "ab01": AB01}, "table 'ab01' is there twice: AB01.csv, ab01.csv; keep one"),
    ],
)
def test_a_dump_that_cannot_be_read_says_why(dump: Written, tables: Tables, message: str) -> None:
    with pytest.raises(SourceError, match=message):
        open_store(SOURCE, dump(tables))


def test_the_business_log_is_the_better_source_of_when(dump: Written) -> None:
    store = open_store(
        SOURCE,
        dump(
            {
                "AE02": "AAZ002,AAE218\n7,2014-03-01 10:00:00",
                "AC01": "AAC001,AAC009,AAE036,AAZ002\nW1,10,20100101,7\nW2,10,20100101,8",
            }
        ),
    )
    known = store.all_rows("workers", ("worker", "known"))
    texts = store.texts("worker")
    assert {
        texts[w]: date_of(int(k)).isoformat()
        for w, k in zip(known["worker"], known["known"], strict=True)
    } == {"W1": "2014-03-01", "W2": "2010-01-01"}
    assert "AE02.AAE218 for AC01, else AAE036" in " ".join(store.summary["notes"])


def test_the_closed_day_is_the_latest_recorded_where_nobody_names_it(dump: Written) -> None:
    folder = dump(
        {"AB01": AB01, "TAX_PAYROLL": "AAB001,AAE003,RS,GZ,AAE036\nE1,201405,3,9000.00,20140615"}
    )
    (folder / "dump.toml").unlink()
    source = find_source(SOURCE, folder)
    assert date_of(source.complete_to).isoformat() == "2014-06-15"
    split = source.targets["undeclared_workers"].split
    assert (
        split is not None
        and split.train_until
        < split.test_from
        <= split.test_until
        == source.declaration.complete_to
    )
