"""What a dump's dump.toml states is read exactly; what nobody stated is refused, with the line that would state it."""

from __future__ import annotations

import csv
import re
from collections.abc import Callable
from datetime import date, timedelta
from decimal import Decimal
from functools import cache, partial
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from features.connection import opened
from features.errors import SourceError
from features.ingest.dump.columns import book_of
from features.ingest.dump.file_sql import NARROW, WIDE, clean_sql
from features.ingest.dump.forms import FORMS, form_sql, unit_sql
from features.ingest.dump.units import UNITS, words_around
from features.ingest.source import find_source
from features.store.opening import open_store
from tests.test_sources_core_platform import AB01, SOURCE, refusals
from tests.test_sources_core_platform_odd import (
    DAYS,
    MONEY,
    Dump,
    dump,
    frames,
    headed,
    plain,
    rewritten,
    texts,
    told,
    with_values,
)
from tests.test_sources_core_platform_states import HEADERS, STATES

__all__ = ["dump", "plain"]

MONTHS = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
]
FEW = settings(
    max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
Write = Callable[[date], str]
WRITTEN: dict[str, list[Write]] = {
    "dd/mm/yyyy": [
        lambda day: f"{day:%d/%m/%Y}",
        lambda day: f"{day.day}/{day.month}/{day.year} 8:30",
    ],
    "mm/dd/yyyy": [
        lambda day: f"{day:%m/%d/%Y}",
        lambda day: f"{day.month}/{day.day}/{day.year} 08:30:59 PM",
    ],
    "dd-mm-yyyy": [lambda day: f"{day:%d-%m-%Y}"],
    "mm-dd-yyyy": [lambda day: f"{day:%m-%d-%Y}"],
    "dd.mm.yyyy": [lambda day: f"{day:%d.%m.%Y}", lambda day: f"{day.day}.{day.month}.{day.year}"],
    "dd-mmm-yyyy": [
        lambda day: f"{day.day:02}-{MONTHS[day.month - 1][:3].upper()}-{day.year}",
        lambda day: f"{day.day} {MONTHS[day.month - 1]} {day.year}",
        lambda day: f"{day.day}-{day.month}月 -{day.year}",
    ],
    "mmm dd, yyyy": [lambda day: f"{MONTHS[day.month - 1][:3]} {day.day}, {day.year}"],
    "yyyymmdd": [lambda day: f"{day:%Y%m%d}"],
    "yyyy-mm-dd": [lambda day: f"{day:%Y-%m-%d}", lambda day: f"{day:%Y-%m-%dT%H:%M:%S}"],
    "yyyy/mm/dd": [lambda day: f"{day.year}/{day.month}/{day.day}"],
    "yyyy.mm.dd": [lambda day: f"{day:%Y.%m.%d}"],
    "yyyy年m月d日": [
        lambda day: f"{day.year}年{day.month}月{day.day}日",
        lambda day: f"{day:%Y年%m月%d日} 8时30分",
    ],
    "excel day": [
        lambda day: str((day - date(1899, 12, 30)).days),
        lambda day: f"{(day - date(1899, 12, 30)).days}.99999",
    ],
    "excel day 1904": [lambda day: str((day - date(1904, 1, 1)).days)],
}
"""By form, ways in which an export may write a day of 1950 to 2098 in it."""


CONNECTION = cache(opened)


def read_as(sql: Callable[[str], str], values: list[str]) -> list[str | None]:
    """Return what the SQL of a reading gives for texts as a dump's raw view cleans them."""
    connection = CONNECTION()
    given = pa.table({"place": range(len(values)), "x": pa.array(values, pa.string())})
    connection.register("given", given)
    cleaned = f"(SELECT place, {clean_sql('x')} AS clean FROM given)"
    rows = connection.sql(f"SELECT {sql('clean')} FROM {cleaned} ORDER BY place")
    return [value for (value,) in rows.fetchall()]


def days_read(form: str, values: list[str]) -> list[str | None]:
    """Return texts as a column of days reads them in a stated form; None where it refuses them."""
    found = read_as(lambda x: form_sql(x, form, "day", "AAE036", "[form.AB01]"), values)
    return [None if value is not None and value.startswith("! ") else value for value in found]


def full_width(text: str) -> str:
    return text.translate(str.maketrans(NARROW, WIDE))


def test_every_form_of_a_day_is_tried() -> None:
    assert WRITTEN.keys() == {name for name, form in FORMS.items() if "day" in form.kinds}


@FEW
@given(st.lists(st.dates(date(1950, 1, 1), date(2098, 12, 31)), min_size=1, max_size=40))
@example([date(2014, 3, 4), date(2014, 4, 3), date(2012, 2, 29), date(2014, 12, 12)])
def test_a_day_in_its_stated_form_is_read_exactly(days: list[date]) -> None:
    for form, ways in WRITTEN.items():
        values = [write(day) for write in ways for day in days]
        values += [full_width(ways[0](day)) for day in days]
        assert days_read(form, values) == [day.isoformat() for day in days] * (len(ways) + 1), form


@FEW
@given(
    st.lists(
        st.tuples(st.integers(1, 99), st.integers(1, 99), st.integers(1950, 2098)),
        min_size=1,
        max_size=60,
    )
)
def test_a_day_first_is_never_read_as_a_month_first_and_no_day_at_all_is_refused(
    parts: list[tuple[int, int, int]],
) -> None:
    def day_of(year: int, month: int, day: int) -> str | None:
        try:
            return date(year, month, day).isoformat()
        except ValueError:
            return None

    values = [f"{first}/{second}/{year}" for first, second, year in parts]
    assert days_read("dd/mm/yyyy", values) == [
        day_of(year, second, first) for first, second, year in parts
    ]
    assert days_read("mm/dd/yyyy", values) == [
        day_of(year, first, second) for first, second, year in parts
    ]


def test_every_serial_day_of_a_spreadsheet_is_its_own_and_the_one_that_never_was_is_refused() -> (
    None
):
    serials = range(1, 73_051)
    found = days_read("excel day", [str(serial) for serial in serials])
    first, after = date(1899, 12, 31), date(1899, 12, 30)
    assert found == [
        None
        if serial == 60
        else ((first if serial < 60 else after) + timedelta(serial)).isoformat()
        for serial in serials
    ]
    strange = ["60.5", "2958466", "201506", "-1", "41,640", "4.164E4", "41640 8:30"]
    assert days_read("excel day", strange) == [None] * len(strange)
    assert days_read("excel day", ["2958465", "41640."]) == ["9999-12-31", "2014-01-01"]
    assert days_read("excel day 1904", ["0", "1", "40178", "40178.999"]) == [
        None,
        "1904-01-02",
        "2014-01-01",
        "2014-01-01",
    ]


@pytest.mark.parametrize("form", WRITTEN)
def test_nothing_but_the_stated_form_is_a_day(form: str) -> None:
    others = [ways[0](date(2014, 3, 25)) for name, ways in WRITTEN.items() if name != form]
    fits = {"40261", "41723"} if form.startswith("excel") else set()
    strange = [
        "",
        "15/03/14",
        "15/03/2014x",
        "Mai 3, 2014",
        "15/13/2014",
        "x",
        "201403",
        "41640.5.1",
        "15/03/2014 25:00",
    ]
    values = [value for value in [*others, *strange[1:]] if value not in fits]
    assert days_read(form, values) == [None] * len(values)
    assert days_read(form, ["", "NULL"]) == [None, None]


@FEW
@given(st.lists(st.decimals("0.01", "9999999999.99", places=2), min_size=1, max_size=40))
def test_a_negative_in_parentheses_or_with_a_minus_behind_is_read_exactly(
    amounts: list[Decimal],
) -> None:
    ways: dict[str, list[Callable[[Decimal], str]]] = {
        "parentheses": [
            lambda one: f"({one})",
            lambda one: f"({one:,})",
            lambda one: f"（￥{one:,}）",
            lambda one: f"¥({one})",
            lambda one: full_width(f"({one:,})"),
        ],
        "trailing minus": [
            lambda one: f"{one}-",
            lambda one: f"{one:,}-",
            lambda one: f"¥{one:,} -",
        ],
    }
    for form, writes in ways.items():
        kept = [f"{one:,}" for one in amounts] + ["-12.00"]
        values = kept + [write(one) for write in writes for one in amounts]
        found = read_as(
            partial(form_sql, name=form, kind="yuan", column="GZ", where="here"), values
        )
        assert found[: len(kept)] == kept
        negatives = [-one for _ in writes for one in amounts]
        assert [Decimal(str(value).replace(",", "")) for value in found[len(kept) :]] == negatives


@pytest.mark.parametrize(
    "text",
    ["(12.00", "12.00)", "(-12.00)", "((12.00))", "()", "(12.00)-", "(1,23)", "(12万)", "-(12)"],
)
def test_what_only_looks_like_an_amount_in_parentheses_is_refused(text: str) -> None:
    found = read_as(
        lambda x: form_sql(x, "parentheses", "yuan", "GZ", "[form.TAX_PAYROLL]"), [text]
    )
    assert found == ["! GZ should be written like (12.00), as [form.TAX_PAYROLL] says: parentheses"]


@FEW
@given(st.lists(st.decimals("-99999999.9999", "99999999.9999", places=4), min_size=20, max_size=60))
def test_a_quantity_in_a_stated_unit_is_converted_exactly(amounts: list[Decimal]) -> None:
    for kind, units in UNITS.items():
        for unit, worth in {worth: (unit, worth) for unit, worth in units.items()}.values():
            sql = partial(unit_sql, unit=unit, kind=kind, column="GZ", where="here")
            found = read_as(sql, [str(one) for one in amounts])
            assert [Decimal(str(value)) for value in found] == [
                one * Decimal(worth) for one in amounts
            ]
    assert read_as(
        lambda x: unit_sql(x, "万元", "yuan", "GZ", "[unit.T]"), ["1,234.5", "12元", "x", "1e15"]
    ) == ["12345000", *["! GZ should be a number, as [unit.T] says: 万元"] * 3]


HONEST = [
    "AAE180",
    "aae180（缴费基数）",
    "AAE180(元)",
    "SICP3.AC43.AAE180(缴费基数，单位：元)",
    "缴费基数",
    "缴费基数（人民币元）",
    "AAE180 缴费基数/元",
    "AAE180（RMB）",
    "AAE180(¥)",
    "AAE180(必填)",
    "AAE180[yuan]",
    "AAE180（缴费工资）",
    "AAE180 NUMBER",
]
SCALED = [
    "万元",
    "千元",
    "百元",
    "十元",
    "亿元",
    "百万元",
    "角",
    "分",
    "厘",
    "fen",
    "单位：万元",
    "缴费基数，千元",
]
FOREIGN = [
    "USD",
    "usd",
    "ＵＳＤ",
    "US$",
    "$",
    "€",
    "£",
    "HK$",
    "欧元",
    "美元",
    "港币",
    "日元",
    "韩元",
    "英镑",
    "卢布",
    "泰铢",
    "澳元",
    "新台币",
    "林吉特",
    "USD/万元",
    "EUR换算",
    "美金",
    "比特币",
    "拾元",
    "元/年",
    "万",
    "千",
    "K",
    "10^4元",
    "1000元",
    "每百元",
    "克",
]
PLACES = ["AAE180({})", "{} AAE180", "缴费基数（{}）", "AAE180_缴费基数[{}]"]


def contributions_headed(header: str) -> bytes:
    """Return AC43 of the history with another name for AAE180."""
    rows = headed({"AC43": frames()["AC43"]}, lambda _, name: header if name == "AAE180" else name)
    return texts(rows)["AC43"].encode()


def test_a_header_that_says_yuan_or_no_unit_is_read(dump: Dump) -> None:
    for header in HONEST:
        dump.put("AC43.csv", contributions_headed(header))
        assert find_source(SOURCE, dump.folder).dump.columns["AC43"]["AAE180"] == (header,)


def test_a_header_that_says_any_other_unit_is_refused_with_the_line_that_states_it(
    dump: Dump,
) -> None:
    for number, unit in enumerate(SCALED + FOREIGN):
        for place in {PLACES[0], PLACES[number % len(PLACES)]}:
            dump.put("AC43.csv", contributions_headed(place.format(unit)))
            with pytest.raises(SourceError) as caught:
                find_source(SOURCE, dump.folder)
            said = str(caught.value)
            assert said.startswith("AC43.csv: column ") and "\n" not in said, unit
            assert (
                "seems to hold no plain yuan: " in said and "write [unit.AC43] AAE180 = " in said
            ), unit


def test_a_unit_that_is_stated_must_agree_with_the_header_and_with_every_part(dump: Dump) -> None:
    text = texts({"AC43": frames()["AC43"]})["AC43"]
    dump.put("dump.toml", 'complete_to = 2015-06-30\n[unit.AC43]\nAAE180 = "万元"\n'.encode())
    dump.put("AC43.csv", text.replace("AAE180", "AAE180(千元)").encode())
    with pytest.raises(
        SourceError, match=r"says '千元' and \[unit.AC43\] of dump.toml says '万元'"
    ):
        find_source(SOURCE, dump.folder)
    (dump.folder / "AC43.csv").unlink()
    dump.put("AC43/1.csv", text.replace("AAE180", "AAE180(万元)").encode())
    dump.put("AC43/2.csv", text.replace("AAE180", "AAE180(元)").encode())
    with pytest.raises(SourceError, match="says '元' and"):
        find_source(SOURCE, dump.folder)
    dump.put("dump.toml", 'complete_to = 2015-06-30\n[unit.AC43]\nAAE180 = "元"\n'.encode())
    with pytest.raises(
        SourceError, match="the names of column AAE180 say 万元 and 元; give it in one unit"
    ):
        find_source(SOURCE, dump.folder)


@given(
    st.text(
        st.characters(
            min_codepoint=0x21, max_codepoint=0xFFEF, exclude_categories=("Cs", "Co", "Cn")
        ),
        max_size=12,
    )
)
@settings(max_examples=300, deadline=None)
def test_the_words_of_any_header_are_parted_without_a_crash(text: str) -> None:
    for kind in UNITS:
        words = words_around(text, kind, ["缴费基数"])
        assert all(word in UNITS[kind] for word in words.units)


def in_chinese() -> dict[str, dict[str, str]]:
    """Return by table and column the first Chinese name in columns.csv that no other column of its table has."""
    declared = find_declared()
    return {
        table: {column: called.names[0] for column, called in columns.items() if called.names}
        for table, columns in declared.items()
    }


def find_declared() -> Any:
    import tomllib

    from features.ingest.source_toml import declaration_of

    values = tomllib.loads((SOURCE / "source.toml").read_text("utf-8"))
    declared = declaration_of({"complete_to": date(2015, 6, 30)} | values, "source.toml")
    assert declared.dump is not None
    return book_of(SOURCE, declared.dump)


def test_a_name_that_nobody_maps_is_refused_with_the_line_that_would_state_it(dump: Dump) -> None:
    dump.put("AB01.csv", "单位代码,AAE036\nE1,20140101\n".encode())
    line = r'lacks column AAB001; .*write \[columns.AB01\] AAB001 = "its name" into dump.toml'
    with pytest.raises(SourceError, match=line):
        find_source(SOURCE, dump.folder)


def test_a_name_of_two_columns_and_two_names_of_one_are_refused_by_name(dump: Dump) -> None:
    dump.put("AC43.csv", "个人编号,人员编号,AAB001,AAE140,AAE002,AAE003,AAE036\n".encode())
    line = r'columns 个人编号, 人员编号 may each mean AAC001; write \[columns.AC43\] AAC001 = "个人编号"'
    with pytest.raises(SourceError, match=line):
        find_source(SOURCE, dump.folder)


def test_every_line_of_the_mapping_table_is_of_a_declared_column_and_no_name_is_of_two(
    tmp_path: Path,
) -> None:
    for table, columns in find_declared().items():
        names = [name for called in columns.values() for name in called.names]
        assert len(names) == len(set(names)), table
        assert all(called.kind for called in columns.values()), table


def test_a_city_edits_the_mapping_table_and_a_line_that_is_wrong_is_refused(
    dump: Dump, tmp_path: Path
) -> None:
    own = tmp_path / "own"
    own.mkdir()
    for path in SOURCE.iterdir():
        (own / path.name).write_bytes(path.read_bytes())
    dump.put("AB01.csv", "单位代码,AAE036\nE1,20140101\n".encode())
    text = (SOURCE / "columns.csv").read_text("utf-8")
    (own / "columns.csv").write_text(text + "AB01,AAB001,id,单位代码\n", "utf-8")
    assert find_source(own, dump.folder).dump.columns["AB01"]["AAB001"] == ("单位代码",)
    for line, why in (
        ("AB01,AAX999,id,x", "AB01.AAX999 is no column that"),
        ("AB01,AAB001,sum,x", "kind should be one of"),
        ("AB01,AAB001", "has 2 fields; it should have 4"),
    ):
        (own / "columns.csv").write_text(f"{text}{line}\n", "utf-8")
        with pytest.raises(
            SourceError, match=f"columns.csv: line {len(text.splitlines()) + 1}.*{why}"
        ):
            find_source(own, dump.folder)


def form_toml(columns: tuple[str, ...], word: str, what: str = "form") -> str:
    """Return the lines that state one word for some columns of every table of the history that has them."""
    found = {
        table: [name for name in rows[0] if name in columns] for table, rows in frames().items()
    }
    return "".join(
        f"[{what}.{table}]\n" + "".join(f'{name} = "{word}"\n' for name in names)
        for table, names in found.items()
        if names
    )


def written_days(write: Write) -> Any:
    return with_values(
        DAYS,
        lambda value: (
            write(date.fromisoformat(value)) if re.fullmatch("20[0-9]{6}", value) else value
        ),
    )


def in_parentheses(value: str) -> str:
    return f"({value[1:]})" if value.startswith("-") else value


def in_ten_thousands(value: str) -> str:
    return f"{Decimal(value) / 10_000:f}"


def stated_together(*parts: str) -> bytes:
    """Return a dump.toml that says all of several parts."""
    tables: dict[str, str] = {}
    for part in parts:
        for head, lines in re.findall(r"^(\[.*\])\n((?:(?!\[).*\n)*)", part, re.MULTILINE):
            tables[head] = tables.get(head, "") + lines
    toml = "".join(f"{head}\n{lines}" for head, lines in tables.items())
    return f"complete_to = 2015-06-30\n{toml}".encode()


def test_columns_named_in_chinese_only_days_first_and_parentheses_give_the_plain_rows(
    dump: Dump, plain: object
) -> None:
    names = in_chinese()
    changed = rewritten(
        written_days(WRITTEN["dd/mm/yyyy"][0]),
        with_values(MONEY, in_parentheses),
        with_values(("AAE031",), lambda value: value.replace("99991231", "31/12/9999")),
    )
    dump.put_all(texts(headed(changed, lambda table, name: names[table][name])))
    dump.put(
        "dump.toml", stated_together(form_toml(DAYS, "dd/mm/yyyy"), form_toml(MONEY, "parentheses"))
    )
    store = open_store(SOURCE, dump.folder)
    assert refusals(store) == {} and told(store) == plain


def test_serial_days_a_unit_of_the_header_and_a_name_that_is_stated_give_the_plain_rows(
    dump: Dump, plain: object
) -> None:
    changed = rewritten(
        written_days(WRITTEN["excel day"][1]),
        with_values(MONEY, in_ten_thousands),
        with_values(("AAE031",), lambda value: value.replace("99991231", "2958465")),
    )
    names = {"AAB001": "单位代码", "AAE180": "AAE180(万元)"}
    dump.put_all(texts(headed(changed, lambda _, name: names.get(name, name))))
    columns = "".join(
        f'[columns.{table}]\nAAB001 = "单位代码"\n'
        for table, rows in frames().items()
        if "AAB001" in rows[0]
    )
    dump.put(
        "dump.toml",
        stated_together(form_toml(DAYS, "excel day"), form_toml(MONEY, "万元", "unit"), columns),
    )
    store = open_store(SOURCE, dump.folder)
    assert refusals(store) == {} and told(store) == plain


ODD = {"day": "15/03/2014", "month": "03/2014"}


def odd_rows() -> dict[str, list[list[str]]]:
    """Return for every table of the states a sound row, and after it one for each day, month or quantity in an odd form."""
    book, found = find_declared(), dict[str, list[list[str]]]()
    for text, _ in STATES.values():
        table = next(name.split()[0] for name, pair in STATES.items() if pair[0] == text)
        names, row = HEADERS[table].split(","), next(csv.reader([text.format("20140410")]))
        if table in found:
            continue
        found[table] = [row]
        for place, name in enumerate(names):
            if odd := ODD.get(
                book[table][name].kind, "(12.00)" if book[table][name].kind in UNITS else ""
            ):
                found[table].append([*row[:place], odd, *row[place + 1 :]])
    return found


def test_an_odd_value_that_nobody_stated_refuses_its_row_and_is_told_with_the_line_to_write(
    dump: Dump,
) -> None:
    book, rows = find_declared(), odd_rows()
    for table, lines in rows.items():
        names = HEADERS[table].split(",")
        dump.put(
            f"{table}.csv",
            texts({table: [dict(zip(names, line, strict=True)) for line in lines]})[table].encode(),
        )
    dump.put("AB01.csv", f"{AB01}\n".encode())
    store = open_store(SOURCE, dump.folder)
    refused = {
        (row["raw_table"], row["row"])
        for path in sorted((store.folder / "refused").iterdir())
        for row in csv.DictReader(path.read_text("utf-8").splitlines())
    }
    notes = "\n".join(store.summary["notes"])
    for table, lines in rows.items():
        odd = [
            name for name in HEADERS[table].split(",") if book[table][name].kind in (*ODD, *UNITS)
        ]
        assert len(odd) == len(lines) - 1 > 0
        for number, name in enumerate(odd, 2):
            assert (table, str(number)) in refused, (table, name)
            assert f"{table}.{name}: 1 values are written like" in notes
            assert re.search(rf"write \[form.{table}\] {name} = \"[a-z/ ]+\"", notes), (table, name)


def test_where_no_day_recorded_can_be_read_the_line_that_would_state_them_is_told(
    dump: Dump,
) -> None:
    (dump.folder / "dump.toml").unlink()
    dump.put("AB01.csv", b"AAB001,AAE036\nE1,41640\nE2,41641\n")
    line = (
        r'AB01.AAE036: 2 values are written like 41640 .*AAE036 = "excel day", or "excel day 1904"'
    )
    with pytest.raises(SourceError, match=line):
        find_source(SOURCE, dump.folder)


@pytest.mark.parametrize(
    ("toml", "message"),
    [
        (
            '[form.AB01]\nAAE036 = "dd/mm/yy"',
            "form.AB01.AAE036 should be one of excel day, .*; got 'dd/mm/yy'",
        ),
        (
            '[form.AB01]\nAAB001 = "excel day"',
            "'excel day' is no form of a column that holds a id; its forms are none",
        ),
        (
            '[form.AC43]\nAAE036 = "parentheses"',
            "'parentheses' is no form of a column that holds a day; its forms are excel day",
        ),
        ('[form.AX99]\nAAE036 = "excel day"', "form.AX99 is no table of the dump"),
        ('[form.AB01]\nAAE999 = "excel day"', "form.AB01.AAE999 is no column of the dump's AB01"),
        (
            '[unit.AC43]\nAAE180 = "USD"',
            "'USD' is no unit of its column, which holds a yuan; its units are yuan, 元",
        ),
        (
            '[unit.AC43]\nAAE036 = "元"',
            "'元' is no unit of its column, which holds a day; its units are none",
        ),
        (
            '[columns.AB01]\nAAB019 = "单位种类"',
            "AB01.csv holds no column '单位种类', which .columns.AB01. says is AAB019",
        ),
    ],
)
def test_what_is_stated_must_be_known_and_fit_its_column(
    dump: Dump, toml: str, message: str
) -> None:
    dump.put("AB01.csv", b"AAB001,AAE036\nE1,20140101\n")
    dump.put("dump.toml", f"complete_to = 2015-06-30\n{toml}\n".encode())
    with pytest.raises(SourceError, match=message) as caught:
        find_source(SOURCE, dump.folder)
    assert "\n" not in str(caught.value)
