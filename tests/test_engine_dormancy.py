"""Dormant firms: nothing filed, paid or employed for the stated months, told where it can be told, as known on a day."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from features.calendar import date_of, day_of
from features.check.load_report import check_lines, summary_of
from features.engine.dormancy import Dormancy, dormancy, dormancy_as_json
from features.engine.engine import engine_of
from features.errors import SourceError
from features.ingest.source import find_source
from features.store.append import feed
from features.store.opening import open_store
from features.store.store import Store
from tests.rows import Row, Tables, firm

Write = Callable[..., Path]
LAST = "2015-06-30"  # six months before June begin on 2014-12-01


def filed(name: str, month: str, recorded_on: str, employees: int = 3, **more: object) -> Row:
    return {
        "row_id": f"t-{name}-{month}-{recorded_on}",
        "enterprise": name,
        "month": month,
        "employees": employees,
        "recorded_on": recorded_on,
    } | more


def paid(name: str, booked: str, paid_on: str, amount: object = 100, **more: object) -> Row:
    return {
        "worker": f"w-{name}",
        "enterprise": name,
        "scheme": "pension",
        "month": booked,
        "booked": booked,
        "kind": "normal",
        "paid_unit": amount,
        "paid_person": amount,
        "paid_on": paid_on,
        "recorded_on": paid_on or f"{booked}-20",
    } | more


def spell(name: str, started: str, ended: str = "", recorded_on: str = "", **more: object) -> Row:
    return {
        "worker": f"w-{name}",
        "enterprise": name,
        "started": started,
        "ended": ended,
        "recorded_on": recorded_on or ended or started,
    } | more


def tables(**more: list[Row]) -> Tables:
    """`busy` does all three; `asleep` did until 2014-10; `more` rows are added by table."""
    held: Tables = {
        "enterprises": [firm("busy"), firm("asleep")],
        "tax_payroll": [
            filed("busy", "2013-01", "2013-02-10"),
            filed("busy", "2015-05", "2015-06-10"),
            filed("asleep", "2014-09", "2014-10-10"),
        ],
        "contributions": [
            paid("busy", "2013-01", "2013-01-20"),
            paid("busy", "2015-05", "2015-05-20"),
            paid("asleep", "2014-10", "2014-10-20"),
        ],
        "employment": [spell("busy", "2011-01-01"), spell("asleep", "2011-01-01", "2014-10-31")],
    }
    return {table: held.get(table, []) + more.get(table, []) for table in held | more}


def together(signs: Tables) -> Tables:
    """Return the tables with an enterprise more for each of some rows, which names it."""
    return tables(
        enterprises=[firm(str(row["enterprise"])) for rows in signs.values() for row in rows],
        **signs,
    )


def found(store: Store, as_of: str = LAST) -> Dormancy:
    return dormancy(engine_of(store), day_of(as_of))


def names(store: Store, as_of: str = LAST) -> set[str]:
    """Return the dormant firms of a day by name."""
    texts = store.texts("enterprise")
    return {texts[code] for code in found(store, as_of).codes.tolist()}


def test_a_firm_that_files_pays_and_employs_nobody_is_dormant(write_source: Write) -> None:
    store = open_store(write_source(tables()))
    told = found(store)
    assert names(store) == {"asleep"}
    assert dormancy_as_json(told) == {
        "months": 6,
        "since": "2014-12-01",
        "living": 2,
        "firms": 1,
        "untold": [],
    }
    codes = {name: told.of(store.code("enterprise", name)) for name in ("busy", "asleep")}
    assert codes == {"busy": False, "asleep": True}


def test_each_sign_of_business_in_the_months_wakes_a_firm(write_source: Write) -> None:
    signs = {
        "tax_payroll": [
            filed("files", "2014-12", "2015-01-10", 1),
            filed("files an amount", "2015-01", "2015-02-10", 0, payroll=5),
        ],
        "contributions": [
            paid("pays", "2014-12", "2014-12-01"),
            paid("pays for an old month", "2013-03", "2015-06-30"),
            paid("booked without an amount", "2014-12", "", ""),
            paid("pays one part", "2015-01", "2015-01-20", "", paid_unit=7),
        ],
        "employment": [
            spell("employed until the first day", "2012-01-01", "2014-12-01"),
            spell("employs", "2012-01-01"),
        ],
    }
    assert names(open_store(write_source(together(signs)))) == {"asleep"}


def test_what_is_older_or_says_nobody_and_nothing_wakes_no_firm(write_source: Write) -> None:
    signs = {
        "tax_payroll": [
            filed("filed late for an old month", "2014-11", "2015-06-10"),
            filed("files nobody", "2015-05", "2015-06-10", 0, payroll=0),
        ],
        "contributions": [
            paid("paid before", "2014-11", "2014-11-30"),
            paid("owes", "2015-05", "", 0),
            paid("pays nothing", "2015-05", "2015-05-20", 0, paid_unit=""),
            paid("has a refund", "2015-05", "2015-05-20", kind="refund"),
            paid("takes back", "2015-05", "2015-05-20", -100),
        ],
        "employment": [spell("employed until the day before", "2012-01-01", "2014-11-30")],
    }
    rows = together(signs)
    assert names(open_store(write_source(rows))) == {
        firm["enterprise"] for firm in rows["enterprises"]
    } - {"busy"}


def test_a_firm_first_registered_fewer_months_ago_is_not_dormant(write_source: Write) -> None:
    more = [
        firm("new", "2014-12-01"),
        firm("old", "2014-11-30"),
        firm("renewed", "2015-03-01"),
        firm("renewed", "2012-01-01", row_id="older"),
    ]
    assert names(open_store(write_source(tables(enterprises=more)))) == {"asleep", "old", "renewed"}


def test_a_closed_firm_is_not_dormant(write_source: Write) -> None:
    store = open_store(write_source(tables(enterprises=[firm("closed", closed="2014-11-01")])))
    assert (names(store), found(store).living) == ({"asleep"}, 2)


@pytest.mark.parametrize("lacking", ["tax_payroll", "contributions", "employment"])
def test_a_source_without_payroll_contributions_or_employment_has_no_dormant_firms(
    write_source: Write, lacking: str
) -> None:
    held = tables()
    del held[lacking]
    store = open_store(write_source(held))
    told = found(store)
    assert (dormancy_as_json(told)["firms"], told.untold, told.of(0)) == (None, (lacking,), None)
    assert f"无法判定 not told: {lacking}" in "\n".join(check_lines(summary_of(store)))


@pytest.mark.parametrize(
    ("table", "row"),
    [
        ("tax_payroll", filed("busy", "2015-01", "2015-02-10")),
        ("employment", spell("busy", "2014-12-02")),
    ],
    ids=["months", "days"],
)
def test_a_table_that_does_not_reach_back_to_the_silence_tells_of_none(
    write_source: Write, table: str, row: Row
) -> None:
    held = tables()
    for rows in ([], [row]):
        held[table] = rows
        assert found(open_store(write_source(held, folder=f"{len(rows)}"))).untold == (table,)


def test_only_what_was_recorded_by_the_day_is_known_of_it(write_source: Write) -> None:
    late = [paid("asleep", "2014-12", "2014-12-10", recorded_on="2015-06-29")]
    back = [
        filed("asleep", "2015-01", "2015-02-10"),
        filed("asleep", "2015-01", "2015-05-20", retracted=1),
    ]
    store = open_store(write_source(tables(contributions=late, tax_payroll=back)))
    said = {
        day: names(store, day)
        for day in ("2014-10-31", "2015-05-19", "2015-05-20", "2015-06-28", "2015-06-29")
    }
    assert said == {
        "2014-10-31": set(),
        "2015-05-19": set(),
        "2015-05-20": {"asleep"},
        "2015-06-28": {"asleep"},
        "2015-06-29": set(),
    }


def test_nothing_recorded_after_a_day_moves_a_dormant_firm_of_it(write_source: Write) -> None:
    """After the day 40 firms are closed, taken back, found to have paid, filed or employed, or first known at all."""
    rows, later = tables(), tables()
    for number in range(40):
        name = f"f{number}"
        for held in (rows, later):
            held["enterprises"] += [firm(name)] if number % 5 else []
        later["enterprises"].append(
            firm(name, closed="2014-01-01", row_id=name, recorded_on="2015-06-29")
        )
        later["contributions"].append(paid(name, "2015-02", "2015-02-20", recorded_on="2015-06-29"))
        later["tax_payroll"].append(filed(name, "2015-02", "2015-06-29"))
        later["employment"].append(spell(name, "2012-01-01", recorded_on="2015-06-29"))
    stores = open_store(write_source(rows)), open_store(write_source(later, folder="later"))
    known, poisoned = (names(store, "2015-06-28") for store in stores)
    assert known == poisoned == {"asleep", *(f"f{number}" for number in range(40) if number % 5)}
    assert names(stores[1], "2015-06-29") == {"asleep"}


def test_a_fed_payment_wakes_a_firm_from_its_day_on(write_source: Write, tmp_path: Path) -> None:
    source = write_source(tables())
    feed(find_source(source), day_of(LAST))
    write_source(
        {"contributions": [paid("asleep", "2015-07", "2015-07-01", row_id="fed")]}, folder="day"
    )
    (tmp_path / "day" / "source.toml").unlink()
    feed(find_source(source), day_of("2015-07-01"), tmp_path / "day")
    store = open_store(source)
    assert (names(store, LAST), names(store, "2015-07-01")) == ({"asleep"}, set())


@pytest.mark.parametrize(("stated", "dormant"), [(8, {"asleep"}), (9, set())])
def test_a_source_states_its_months(write_source: Write, stated: int, dormant: set[str]) -> None:
    """A payment on the last of September 2014 is the last sign: eight months before June 2015 begin the day after."""
    rows = tables()
    rows["employment"] = [spell("busy", "2011-01-01"), spell("asleep", "2011-01-01", "2014-08-31")]
    rows["tax_payroll"] = rows["tax_payroll"][:1]
    rows["contributions"] = [*rows["contributions"][:1], paid("asleep", "2014-09", "2014-09-30")]
    assert names(open_store(write_source(rows, f"dormant_months = {stated}\n"))) == dormant


@pytest.mark.parametrize("stated", ["0", "121", "2.5", "true", '"six"'])
def test_months_that_are_none_are_refused_in_one_line(write_source: Write, stated: str) -> None:
    with pytest.raises(SourceError, match="dormant_months") as error:
        find_source(write_source(tables(), f"dormant_months = {stated}\n"))
    assert "\n" not in str(error.value)


def test_a_check_tells_how_many_firms_are_dormant(write_source: Write) -> None:
    summary = summary_of(open_store(write_source(tables())))
    assert summary["dormant"]["firms"] == 1
    text = "\n".join(check_lines(summary))
    assert "休眠 dormant: 1 户，共 of 2 户存续 living: 自 since 2014-12-01" in text


def test_a_source_without_enterprises_says_nothing_of_dormant_firms(write_source: Write) -> None:
    summary = summary_of(
        open_store(write_source({"deaths": [{"worker": "w1", "died_on": "2014-01-01"}]}))
    )
    assert summary["dormant"] is None
    assert "dormant" not in "\n".join(check_lines(summary))


def test_many_firms_are_told_as_one_by_one(write_source: Write) -> None:
    """Each of 200 firms did one of ten things on one of 20 days; what a plain reading of the rows says stands."""
    rows: Tables = tables()
    expected = {"asleep"}
    for number in range(200):
        name, day = f"f{number:03d}", date_of(day_of("2014-11-20") + number % 20).isoformat()
        rows["enterprises"].append(firm(name))
        kind, row = [
            ("employment", spell(name, "2012-01-01", day)),
            ("contributions", paid(name, "2013-01", day)),
        ][number % 2]
        rows[kind].append(row)
        expected |= {name} if day < "2014-12-01" else set()
    assert names(open_store(write_source(rows))) == expected
    assert 20 < len(expected) < 180
