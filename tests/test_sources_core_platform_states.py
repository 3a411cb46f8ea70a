"""State tables of the core platform: what stands on a day depends on what was handled by then, never on its order."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from itertools import permutations
from pathlib import Path
from typing import Any

import pytest

from features.check.load_report import check_lines, summary_of
from features.store.opening import open_store
from features.store.store import Store
from tests.sample import sampled
from tests.test_sources_core_platform import (
    AB01,
    CONTRIBUTION,
    ENROLMENT,
    SOURCE,
    live,
    only,
    refusals,
)

Rows = list[str]
Histories = dict[str, Rows]
Opened = Callable[[Histories], Store]
EARLY, LATE, LAST = "20140410", "20140720", "2015-06-30"
HEADERS = {
    "AB05": "AAB001,AAE155,AAE123,AAE124,AAE035,AAE036",
    "AC20": ENROLMENT,
    "AC43": CONTRIBUTION.replace(",AAE036", ",AAE100,AAE036"),
    "AC60": "AAZ257,AAC001,AAE210,AAE036",
    "AC61": "AAZ257,AAC001,AAA036,AAE041,AAE042,AAE019,AAE036",
    "JC_BENEFIT": "AAC001,AJC090,AJC093,AAE041,AAE042,AAE019,AAE036",
    "LC31": "AAZ127,AAC001,ALC020,ALC031,ALA015,ALA040,AAE036",
    "DYSL": "SLBH,AAC001,AAB001,AAE140,SLRQ,SLJE,JSZT,AAE036",
    "SETL_D": "setl_id,psn_no,emp_no,insutype,fixmedins_code,med_type,setl_time,medfee_sumamt,JSZT,crte_time",
    "FIXMEDINS_B": "fixmedins_code,fixmedins_type,hosp_lv,begntime,endtime,SXRQ,RYS,crte_time",
    "JCAJ": "AJBH,AAB001,AJLY,LARQ,JARQ,JCSX,FZ,XCRS,GL,AAE036",
    "JCCL": "AJBH,CLLX,CLRQ,ZDSJ,LXRQ,AAE036",
    "JCJL": "setl_id,AJLY,GL,FZ,JARQ,JG,JE,AAE036",
}
STATES = {
    "AC20": ("7,W1,E1,110,1,20140105,,,51,{}", "7,W1,E1,110,3,20140105,20140120,,,{}"),
    "AC20 without its first day": (
        "8,W2,E1,110,1,20140105,99991231,,51,{}",
        "8,W2,E1,110,3,,20140120,,51,{}",
    ),
    "AC20 paused": ("9,W3,E1,310,1,20140105,99991231,,,{}", "9,W3,E1,310,2,20140331,20140331,,,{}"),
    "AB05": ("E1,WGBH,C1,C2,20140301,{}", "E1,CAB009,,20140401,20140401,{}"),
    "AC61": ("P1,W1,1,201401,999912,2000.50,{}", "P1,W1,1,201401,201402,2000.50,{}"),
    "JC_BENEFIT": ("W4,20140110,1,201402,999999,1000,{}", "W4,20140110,1,201402,201403,1000,{}"),
    "LC31": ("G1,W1,20140105,,,,{}", "G1,W1,20140105,20140301,1,07,{}"),
    "DYSL": ("D1,W1,E1,210,20140105,12.50,filed,{}", "D1,W1,E1,210,20140105,12.50,paid,{}"),
    "SETL_D": (
        "S1,W1,E1,310,H1,11,20140105,12.50,filed,{}",
        "S1,W1,E1,310,H1,11,20140105,12.50,refused,{}",
    ),
    "FIXMEDINS_B": ("H1,1,3,20120101,,20120101,20,{}", "H1,1,3,20120101,20140301,20120101,,{}"),
    "FIXMEDINS_B of other attributes": (
        "H2,1,3,20120101,,20140201,30,{}",
        "H2,1,3,20120101,20140301,20120101,20,{}",
    ),
    "JCAJ": ('J1,E1,4,20140301,,"1,2",,,0.25,{}', "J1,E1,4,20140301,20140401,,120,15,,{}"),
    "JCCL": ("J1,order,20140401,0,,{}", "J1,order,20140401,,20140405,{}"),
    "JCJL": ("S1,4,0.1,,,,,{}", "S1,4,,30,20140401,fraud,88.80,{}"),
}
TOLD = {
    "enrolments": ("worker", "started", "ended"),
    "employment": ("worker", "started", "ended", "kind"),
    "enterprises": ("since", "cell", "closed"),
    "benefit_payments": ("claim", "month"),
    "unemployment_spells": ("claim", "started", "ended"),
    "work_injuries": ("claim", "recognised_on", "recognised", "grade"),
    "claims": ("claim", "state"),
    "providers": ("provider", "since", "ended", "staff"),
    "inspections": (
        "closed_on",
        "examined_1",
        "examined_3",
        "spent_minutes",
        "staff_on_site",
        "inclusion_probability",
    ),
    "sanctions": ("decided_on", "complied_on", "grave"),
    "claim_reviews": ("outcome", "minutes", "inclusion_probability"),
}


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> Opened:
    """`opened({"AC20": rows})`: the store of a dump with those rows; the same rows are loaded once."""
    stores: dict[str, Store] = {}
    place = tmp_path_factory.mktemp("dumps")

    def store(histories: Histories) -> Store:
        files = {
            table: "\n".join([HEADERS[table], *rows]) + "\n" for table, rows in histories.items()
        }
        if repr(files) not in stores:
            stores[repr(files)] = loaded(place / f"dump{len(stores)}", files)
        return stores[repr(files)]

    return store


def loaded(folder: Path, files: dict[str, str]) -> Store:
    """Return the store of a dump of those tables."""
    folder.mkdir()
    (folder / "dump.toml").write_text(f"complete_to = {LAST}\n", "utf-8")
    for table, text in ({"AB01": AB01 + "\n"} | files).items():
        (folder / f"{table}.csv").write_text(text, "utf-8")
    return open_store(SOURCE, folder)


def handled(opening: str | None, closing: str | None) -> Histories:
    """Return every state table with its openings and closings handled on those days, absent where None."""
    histories: Histories = {}
    for name, (first, last) in STATES.items():
        rows = histories.setdefault(name.split()[0], [])
        rows += [
            text.format(day) for text, day in ((first, opening), (last, closing)) if day is not None
        ]
    return histories


def seen(store: Store, as_of: str) -> dict[str, list[tuple[Any, ...]]]:
    """Return what all tables tell as of a day, in one order."""
    return {
        table: sorted(only(live(store, table, as_of), *TOLD.get(table, ())), key=repr)
        for table in TOLD
        if store.has(table)
    }


def iso(day: str) -> str:
    return f"{day[:4]}-{day[4:6]}-{day[6:]}"


def test_a_closing_and_its_opening_give_one_spell_in_either_order(opened: Opened) -> None:
    forward, backward = opened(handled(EARLY, LATE)), opened(handled(LATE, EARLY))
    found = seen(forward, LAST)
    assert seen(backward, LAST) == found
    assert found["enrolments"] == [
        ("W1", "2014-01-05", "2014-01-20"),
        ("W2", "2014-01-05", "2014-01-20"),
        ("W3", "2014-01-05", "2014-03-31"),
    ]
    assert found["employment"] == [
        ("W1", "2014-01-05", "2014-01-20", "dispatched"),
        ("W2", "2014-01-05", "2014-01-20", "dispatched"),
    ]
    assert found["enterprises"] == [
        ("2010-01-05", "C1", None),
        ("2014-03-01", "C2", None),
        ("2014-04-01", "C2", "2014-04-01"),
    ]
    assert found["benefit_payments"] == [
        ("JCW4-2014-01-10", "2014-02"),
        ("JCW4-2014-01-10", "2014-03"),
        ("P1/1", "2014-01"),
        ("P1/1", "2014-02"),
    ]
    assert found["unemployment_spells"] == [("JCW4-2014-01-10", "2014-01-10", "2014-03-31")]
    assert found["work_injuries"] == [("G1", "2014-03-01", 1, 7)]
    assert found["claims"] == [("D1", "paid"), ("S1", "refused")]
    assert found["providers"] == [
        ("H1", "2012-01-01", "2014-03-01", 20),
        ("H2", "2012-01-01", "2014-03-01", 20),
        ("H2", "2014-02-01", "2014-03-01", 30),
    ]
    assert found["inspections"] == [("2014-04-01", 1, 0, 120, 15, 250_000)]
    assert found["sanctions"] == [("2014-04-01", "2014-04-05", 0)]
    assert found["claim_reviews"] == [("fraud", 30, 100_000)]
    assert refusals(forward) == refusals(backward) == {}


def test_only_what_was_handled_by_a_day_is_known_on_it(opened: Opened) -> None:
    before = "2014-07-19"
    assert seen(opened(handled(EARLY, LATE)), before) == seen(opened(handled(EARLY, None)), before)
    assert seen(opened(handled(LATE, EARLY)), before) == seen(opened(handled(None, EARLY)), before)


def test_both_handled_on_one_day_give_the_same_spell_in_either_order_of_rows(
    opened: Opened,
) -> None:
    both = handled(EARLY, EARLY)
    turned = {table: rows[::-1] for table, rows in both.items()}
    assert (
        seen(opened(both), LAST)
        == seen(opened(turned), LAST)
        == seen(opened(handled(EARLY, LATE)), LAST)
    )


def relation(number: int, days: tuple[str, ...], named: bool) -> Rows:
    """Return a relation that was opened, closed, opened again and closed again, handled on those days."""
    first, second = ("20140105", "20140301") if named else ("", "")
    events = (
        f"1,20140105,{'99991231' if number % 2 else ''}",
        f"3,{first},20140120",
        "1,20140301,",
        f"2,{second},20140331",
    )
    return [
        f"{number},W{number:03d},E1,110,{event},,41,{day}"
        for event, day in zip(events, days, strict=True)
    ]


HANDLED = ("20140401", "20140501", "20140601", "20140701")
ORDERS = [(order, named) for order in permutations(HANDLED) for named in (True, False)]
OPENED_AGAIN = [
    row for number, (order, named) in enumerate(ORDERS) for row in relation(number, order, named)
]


def test_a_relation_opened_again_has_two_spells_in_every_order_of_handling(opened: Opened) -> None:
    store = opened({"AC20": OPENED_AGAIN})
    spells = sorted(only(live(store, "enrolments"), "worker", "started", "ended"))
    assert spells == [
        (f"W{number:03d}", started, ended)
        for number in range(len(ORDERS))
        for started, ended in (("2014-01-05", "2014-01-20"), ("2014-03-01", "2014-03-31"))
    ]
    assert refusals(store) == {}


@pytest.mark.parametrize("day", sampled(HANDLED[:-1]))
def test_a_relation_opened_again_is_on_a_day_what_was_handled_by_then(
    opened: Opened, day: str
) -> None:
    store = opened({"AC20": OPENED_AGAIN})
    known = opened({"AC20": [row for row in OPENED_AGAIN if row[-8:] <= day]})
    assert seen(store, iso(day)) == seen(known, iso(day))


def tangles(dice: random.Random, relations: int) -> Iterator[str]:
    """Yield events of relations that open, close, are corrected and taken back, on few days and in any order."""
    days = ("20140105", "20140106", "20140120", "20140121")
    for number in range(relations):
        for _ in range(dice.randint(1, 5)):
            state = dice.choice("1123")
            first = dice.choice((*days, "")) if state != "1" else dice.choice(days)
            last = (
                dice.choice(("", "", "99991231", *days[2:])) if state == "1" else dice.choice(days)
            )
            known = dice.choice(("20140201", "20140301", "20140401"))
            valid = dice.choice("11111110")
            yield f"{number},W{number},E1,110,{state},{first},{last},,41,{valid},{known}"


@pytest.fixture
def tangled(monkeypatch: pytest.MonkeyPatch) -> Rows:
    """Events of 400 relations, with the column that takes rows back."""
    monkeypatch.setitem(HEADERS, "AC20", ENROLMENT.replace(",AAE036", ",AAE100,AAE036"))
    return list(tangles(random.Random(20140105), 400))


def test_what_was_known_on_a_day_stays_right_however_events_are_tangled(
    opened: Opened, tangled: Rows
) -> None:
    store = opened({"AC20": tangled})
    for day in ("20140201", "20140301"):
        known = opened({"AC20": [row for row in tangled if row[-8:] <= day]})
        assert seen(store, iso(day)) == seen(known, iso(day))


def test_relations_closed_once_end_alike_whatever_the_order(opened: Opened, tangled: Rows) -> None:
    """Of two closings of one spell the later handled stands, so only relations with one are asked.

    Nor are those asked that close before they open: of such rows the one that became known later is refused.
    """
    fields = [row.split(",") for row in tangled]
    openings = [
        row
        for row, field in zip(tangled, fields, strict=True)
        if field[4] == "1" and field[6] in ("", "99991231")
    ]
    closings = {
        field[0]: row for row, field in zip(tangled, fields, strict=True) if field[4] != "1"
    }
    chosen = [row.split(",") for row in (*openings, *closings.values())]
    begun = {field[0]: max(one[5] for one in chosen if one[0] == field[0]) for field in chosen}
    early = {number for number, row in closings.items() if row.split(",")[6] < begun[number]}
    kept = [row for row in (*openings, *closings.values()) if row.split(",")[0] not in early]
    rows = [row.replace(",0,2014", ",1,2014") for row in kept]
    days = ("20140201", "20140301", "20140401")
    turned = [row[:-8] + dict(zip(days, days[::-1], strict=True))[row[-8:]] for row in rows]
    found, other = (seen(opened({"AC20": one}), LAST) for one in (rows, turned))
    assert found == other
    assert len(found["enrolments"]) > 200


def test_an_opening_handled_after_a_closing_was_taken_back_is_open(
    opened: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(HEADERS, "AC20", ENROLMENT.replace(",AAE036", ",AAE100,AAE036"))
    rows = [
        "1,W1,E1,110,1,20140105,,,41,1,20140110",
        "1,W1,E1,110,3,20140105,20140120,,41,1,20140125",
        "1,W1,E1,110,3,20140105,20140120,,41,0,20140210",
        "1,W1,E1,110,1,20140105,,,41,1,20140301",
    ]
    store = opened({"AC20": rows})
    spells = [
        list(only(live(store, "enrolments", day), "started", "ended"))
        for day in ("2014-01-24", "2014-02-09", "2014-02-28", "2014-03-01")
    ]
    assert spells == [
        [("2014-01-05", None)],
        [("2014-01-05", "2014-01-20")],
        [],
        [("2014-01-05", None)],
    ]


@pytest.mark.parametrize(
    ("rows", "closed"),
    [
        (["E1,CAB009,1,2,20140301,20140310"], "2014-03-01"),
        (["E1,CAB009,,,20140301,20140310"], "2014-03-01"),
        (["E1,CAB009,,20140301,20140305,20140310"], "2014-03-01"),
        (["E1,CAB009,0,1,2014-03-01,20140310"], "2014-03-01"),
        (["E1,CAB009,存续,注销,20140301,20140310"], "2014-03-01"),
        (["E1,CAB009,,20140301,,20140310"], "2014-03-01"),
        (["E1,CAB009,1,2,20140301,20140310", "E1,CAB009,2,1,20140601,20140610"], None),
        (["E1,CAB009,2,1,20140601,20140310", "E1,CAB009,1,2,20140301,20140610"], None),
        (["E1,CAB009,,20140301,20140301,20140310", "E1,CAB009,20140301,,20140601,20140610"], None),
        (
            [
                "E1,CAB009,1,2,20140301,20140310",
                "E1,CAB009,2,1,20140601,20140610",
                "E1,CAB009,1,2,20140901,20140910",
            ],
            "2014-09-01",
        ),
    ],
)
def test_a_unit_closes_on_the_day_where_it_stands(
    opened: Opened, rows: Rows, closed: str | None
) -> None:
    store = opened({"AB05": rows})
    newest = max(live(store, "enterprises"), key=lambda row: row["since"])
    assert newest["closed"] == closed
    assert refusals(store) == {}


def test_a_closing_on_what_is_neither_day_nor_code_is_refused(opened: Opened) -> None:
    store = opened({"AB05": ["E1,CAB009,1,20141399,20140301,20140310"]})
    assert refusals(store) == {"AAE124 should be a day such as 20150630": 1}
    assert list(only(live(store, "enterprises"), "closed")) == [(None,)]


def test_an_ungraded_hospital_is_read_without_a_level(opened: Opened) -> None:
    store = opened(
        {
            "FIXMEDINS_B": [
                "H1,1,9,20120101,,20120101,20,20120110",
                "H2,1,8,20120101,,20120101,20,20120110",
            ]
        }
    )
    assert list(only(live(store, "providers"), "provider", "level", "staff")) == [("H1", None, 20)]
    assert refusals(store) == {"unknown code hosp_lv 8": 1}


def test_a_refused_row_is_told_by_its_raw_table_and_number_there_once(opened: Opened) -> None:
    store = opened(
        {
            "AC20": [
                "1,W1,E1,110,1,20140105,,,,20140110",
                "2,W2,E1,777,1,20140105,,,,20140110",
                "3,W3,E1,110,1,20140105,,,,20140110",
                "4,W4,E1,778,1,20140105,,,,20140111",
            ],
            "AB05": ["E1,WGBH,C1,C2,20140301,20140310", "E1,XXX,C1,C2,20140301,20140310"],
            "AC61": ["P1,W1,1,201401,201403,1.00,20140105", "P2,W1,1,201401,201403,1.005,20140105"],
        }
    )
    tables = store.summary["tables"]
    assert tables["enrolments"]["reasons"] == [
        {"reason": "unknown code AAE140 777", "rows": 1, "table": "AC20", "first": 2},
        {"reason": "unknown code AAE140 778", "rows": 1, "table": "AC20", "first": 4},
    ]
    assert (tables["enterprises"]["refused"], tables["enterprises"]["reasons"][0]["first"]) == (
        1,
        2,
    )
    assert tables["benefit_payments"]["refused"] == 1  # three months of one row
    assert tables["benefit_payments"]["reasons"][0] | {"reason": ""} == {
        "reason": "",
        "rows": 1,
        "table": "AC61",
        "first": 2,
    }
    header, *rows = (store.folder / "refused" / "enrolments.csv").read_text("utf-8").splitlines()
    assert header.startswith("raw_table,row,reason,row_id")
    assert [row.split(",")[:2] for row in rows] == [["AC20", "2"], ["AC20", "4"]]
    assert any("(first: AC20 row 2)" in line for line in check_lines(summary_of(store)))


def refund(number: str, unit: str, person: str, day: str, valid: str = "1") -> str:
    return f"{number},W1,E1,110,201406,201403,20,3000,0,0,{unit},{person},1,{day},{valid},{day}"


def paid(store: Store, as_of: str) -> list[tuple[Any, ...]]:
    return sorted(
        only(live(store, "contributions", as_of), "kind", "paid_unit", "paid_person", "paid_on")
    )


def test_refunds_alike_in_every_key_are_summed_as_they_become_known(opened: Opened) -> None:
    rows = [
        refund("1", "600.50", "240.25", "20140620"),
        refund("2", "-100", "-50", "20140701"),
        refund("2", "-200", "-50", "20140801"),
        refund("1", "600.50", "240.25", "20140901", valid="0"),
        refund("2", "-200", "-50", "20141001", valid="0"),
    ]
    store = opened({"AC43": rows})
    days = ("2014-06-30", "2014-07-31", "2014-08-31", "2014-09-30", "2014-10-01")
    assert [paid(store, day) for day in days] == [
        [("refund", -60050, -24025, "2014-06-20")],
        [("refund", -70050, -29025, "2014-07-01")],
        [("refund", -80050, -29025, "2014-08-01")],
        [("refund", -20000, -5000, "2014-08-01")],
        [],
    ]
    assert paid(opened({"AC43": rows[::-1]}), "2014-08-31") == paid(store, "2014-08-31")


def test_two_refunds_on_one_day_without_numbers_are_summed(opened: Opened) -> None:
    store = opened(
        {"AC43": [refund("", "100", "50", "20140620"), refund("", "100", "50", "20140620")]}
    )
    assert paid(store, "2014-06-30") == [("refund", -20000, -10000, "2014-06-20")]


def test_one_refund_sent_twice_is_one(opened: Opened) -> None:
    store = opened(
        {"AC43": [refund("1", "100", "50", "20140620"), refund("1", "100", "50", "20140701")]}
    )
    assert paid(store, LAST) == [("refund", -10000, -5000, "2014-07-01")]
