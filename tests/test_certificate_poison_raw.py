"""Poison beneath the views: a source's own views read raw data that are poisoned after a day, and what they say of it stands."""

from __future__ import annotations

import csv
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from features.calendar import date_of, day_of
from features.contract.tables import COMMON, contract
from features.errors import SourceError
from features.ingest.source import JOURNAL, Source, find_source
from features.store.opening import open_store
from tests.sample import sampled, slow
from training.certificate.certify import QUICK, certify
from training.certificate.poison_raw import Beneath, beneath
from training.certificate.poison_raw_rows import after, poisoned_raw_table, recorded_again
from training.certificate.raw_files import on_days, undeclared, write_raw_tables
from training.certificate.raw_tables import postponed, rows_known_early, sampled_raw_tables
from training.certificate.recorded_days import misdated

DAY, LAST = day_of("2015-03-31"), day_of("2015-06-30")
RAW = """
[raw."cases.csv"]
known = "entered"
later = { verdict = "decided", decided = "decided", paid = "complete_to()" }
by = "firm"
"""
VIEWS = {
    "enterprises": (
        "SELECT firm AS row_id, min(entered) AS recorded_on, 0 AS retracted, firm AS enterprise, "
        "min(entered) AS since FROM csv('${DATA}/cases.csv') GROUP BY firm"
    ),
    "complaints": (
        "SELECT id AS row_id, entered AS recorded_on, 0 AS retracted, id AS complaint, firm AS enterprise, "
        "happened AS lodged, 'wages' AS topic "
        "FROM csv('${DATA}/cases.csv')"
    ),
    "sanctions": (
        "SELECT id AS row_id, decided AS recorded_on, 0 AS retracted, id AS inspection, decided AS decided_on, "
        "'fine' AS act FROM csv('${DATA}/cases.csv') WHERE decided <> ''"
    ),
    "inspections": (
        "SELECT id AS row_id, entered AS recorded_on, 0 AS retracted, id AS inspection, firm AS enterprise, "
        "'routine' AS kind, happened AS opened, 0 AS examined_1, 0 AS examined_2, 0 AS examined_3, 0 AS examined_4, "
        "0 AS examined_5 FROM csv('${DATA}/cases.csv')"
    ),
}
LEAKS = {
    "the day of the event for the day it was entered": (
        "complaints",
        "entered AS recorded_on",
        "happened AS recorded_on",
    ),
    "a verdict dated back to the entry": (
        "sanctions",
        "decided AS recorded_on, 0 AS retracted, id AS inspection, decided AS",
        "entered AS recorded_on, 0 AS retracted, id AS inspection, entered AS",
    ),
    "what the last day says": (
        "complaints",
        "'wages' AS topic",
        "CASE paid WHEN '1' THEN 'wages' ELSE 'hours' END AS topic",
    ),
    "a latest snapshot": (
        "complaints",
        "firm AS enterprise",
        "first_value(firm) OVER (PARTITION BY firm < 'E4' ORDER BY entered DESC) AS enterprise",
    ),
    "what is told of the same case later": (
        "complaints",
        "firm AS enterprise",
        "first_value(firm) OVER (PARTITION BY id ORDER BY entered DESC) AS enterprise",
    ),
    "whether the last telling still holds, which in these rows each does": (
        "complaints",
        "0 AS retracted",
        "CASE first_value(holds) OVER (PARTITION BY id ORDER BY entered DESC) WHEN '1' THEN 0 ELSE 1 END AS retracted",
    ),
}


def whole(table: str, view: str) -> str:
    """Return a view with the columns of the contract that it does not name empty."""
    names = ", ".join(
        f"NULL AS {column.name}"
        for column in contract()[table].columns + COMMON
        if f" AS {column.name}" not in view
    )
    return view.replace(" FROM ", f", {names} FROM ", 1) if names else view


@pytest.fixture
def made(tmp_path: Path) -> Callable[..., Source]:
    """`made(edit=(table, old, new), raw=RAW)`: four views of one file of 400 cases, one of them edited."""

    def make(edit: tuple[str, str, str] | None = None, raw: str = RAW) -> Source:
        views = dict(VIEWS)
        if edit is not None:
            assert edit[1] in views[edit[0]]
            views[edit[0]] = views[edit[0]].replace(edit[1], edit[2])
        folder, data = tmp_path / "source", tmp_path / "data"
        folder.mkdir(exist_ok=True)
        data.mkdir(exist_ok=True)
        for table, view in views.items():
            (folder / f"{table}.sql").write_text(whole(table, view), "utf-8")
        absent = [table for table in contract() if table not in views and table not in JOURNAL]
        (folder / "source.toml").write_text(
            f'name = "viewed"\nzh = "视图"\nen = "views"\ncomplete_to = 2015-06-30\nabsent = {absent}\n{raw}',
            "utf-8",
        )
        rng = np.random.default_rng(1)
        with (data / "cases.csv").open("w", encoding="utf-8", newline="") as file:
            out = csv.writer(file)
            out.writerow(
                ["id", "firm", "happened", "entered", "decided", "verdict", "paid", "holds"]
            )
            for number in range(400):
                entered = int(rng.integers(LAST - 700, LAST - 30))
                decided = entered + int(rng.integers(20, 200))
                told = date_of(decided).isoformat() if decided <= LAST else ""
                out.writerow(
                    [
                        f"C{number}",
                        f"E{rng.integers(9)}",
                        date_of(entered - int(rng.integers(0, 60))).isoformat(),
                        date_of(entered).isoformat(),
                        told,
                        "yes" if told else "",
                        rng.integers(2),
                        1,
                    ]
                )
        return find_source(folder, data)

    return make


def proven(source: Source, tmp_path: Path, day: int = DAY) -> Beneath:
    return beneath(source, day, 1)


def test_views_that_keep_to_the_days_of_their_raw_rows_raise_no_alarm(
    made: Callable[..., Source], tmp_path: Path
) -> None:
    found = proven(made(), tmp_path)
    assert (found.moved, found.undeclared) == ({}, {})
    assert found.poisons[0]["rows"] == {"cases.csv": 400}


FIRST_OF_FIRM = "row_number() OVER (PARTITION BY firm ORDER BY entered, id)"
INNER = "(SELECT * FROM csv('${DATA}/cases.csv') ORDER BY firm DESC)"


@pytest.mark.parametrize(
    "edits",
    [
        [
            (
                "sanctions",
                "'fine' AS act FROM csv('${DATA}/cases.csv') WHERE decided <> ''",
                "'fine' AS act FROM csv('${DATA}/cases.csv') WHERE decided <> '' ORDER BY decided",
            )
        ],
        slow([(table, "csv('${DATA}/cases.csv')", INNER) for table in VIEWS]),
        slow(
            [
                (
                    "complaints",
                    "FROM csv('${DATA}/cases.csv')",
                    "FROM csv('${DATA}/cases.csv') ORDER BY firm",
                ),
                (
                    "inspections",
                    "'routine' AS kind",
                    f"if({FIRST_OF_FIRM} = 1, 'special', 'routine') AS kind",
                ),
            ]
        ),
    ],
)
def test_a_view_that_orders_its_rows_raises_no_alarm(
    made: Callable[..., Source],
    monkeypatch: pytest.MonkeyPatch,
    edits: list[tuple[str, str, str]],
) -> None:
    for table, old, new in edits:
        monkeypatch.setitem(VIEWS, table, VIEWS[table].replace(old, new))
    source = made()
    found = beneath(source, DAY, 1)
    assert (found.moved, found.undeclared, found.early, misdated(source, open_store(source))) == (
        {},
        {},
        {},
        {},
    )


@pytest.mark.parametrize("leak", sampled(LEAKS, kind=lambda leak: LEAKS[leak][0]))
def test_an_edited_view_moves_features(
    made: Callable[..., Source], tmp_path: Path, leak: str
) -> None:
    assert proven(made(LEAKS[leak]), tmp_path).moved


def test_a_day_after_which_little_is_known_is_joined_by_an_earlier_one(
    made: Callable[..., Source], tmp_path: Path
) -> None:
    found = proven(made(LEAKS["the day of the event for the day it was entered"]), tmp_path, LAST)
    assert [poison["day"] < "2015-06-30" for poison in found.poisons] == [False, True]
    assert found.moved


def test_a_raw_file_of_which_nothing_is_declared_is_named(
    made: Callable[..., Source], tmp_path: Path
) -> None:
    source = made(("complaints", "${DATA}/cases.csv", "${DATA}/truth/cases.csv"))
    assert undeclared(source) == {"complaints.sql": ["truth/cases.csv"]}
    assert proven(source, tmp_path).poisons == []


@pytest.mark.parametrize("lodged", [False, True])
def test_a_view_over_a_table_in_the_contracts_form_needs_no_declaration(
    write_source: Callable[..., Path], tmp_path: Path, lodged: bool
) -> None:
    rng = np.random.default_rng(2)
    rows: list[dict[str, object]] = [
        {
            "complaint": f"c{n}",
            "enterprise": f"E{n % 5}",
            "lodged": date_of(day).isoformat(),
            "recorded_on": date_of(min(LAST, day + int(rng.integers(1, 90)))).isoformat(),
        }
        for n, day in enumerate(rng.integers(LAST - 400, LAST, 200).tolist())
    ]
    since = {"since": "2012-01-01", "recorded_on": "2012-01-01"}
    firms: list[dict[str, object]] = [{"enterprise": f"E{n}", **since} for n in range(5)]
    folder, data = write_source({"complaints": rows, "enterprises": firms}), tmp_path / "data"
    (data / "parts").mkdir(parents=True)
    (folder / "complaints.csv").rename(data / "parts" / "1.csv")
    taken = "* REPLACE (lodged AS recorded_on)" if lodged else "*"
    (folder / "complaints.sql").write_text(
        f"SELECT {taken} FROM csv('${{DATA}}/parts/*.csv')", "utf-8"
    )
    found = proven(find_source(folder, data), tmp_path)
    assert (found.undeclared, bool(found.moved)) == ({}, lodged)
    assert list(found.poisons[0]["rows"]) == ["parts/*.csv"]


def test_a_source_whose_views_declare_nothing_is_no_clean_source(
    made: Callable[..., Source],
) -> None:
    source = made(raw="")
    said = certify(open_store(source), DAY, QUICK, source)
    assert said["verdict"] == "leaking"
    assert said["undeclared"] == {f"{table}.sql": ["cases.csv"] for table in VIEWS}


def test_a_certificate_says_what_was_tried_beneath_the_views(made: Callable[..., Source]) -> None:
    source = made()
    said = certify(open_store(source), DAY, QUICK, source)
    assert [poison["kind"] for poison in said["poisons"]] == ["together", "raw", "raw"]
    assert said["verdict"] == "clean"


def test_poison_leaves_what_was_known_by_the_day_where_it_stood(
    made: Callable[..., Source],
) -> None:
    sheet = sampled_raw_tables(made(), 10_000)["cases.csv"]
    known = ~after(sheet.known, DAY)
    every = poisoned_raw_table(sheet, DAY, LAST, np.random.default_rng(1))
    rows = every.filter(every["id"].is_first_distinct())
    kept = rows.filter(rows["id"].is_in(sheet.rows.filter(known)["id"].to_list()))
    columns = ["id", "firm", "happened", "entered"]
    assert kept.select(columns).equals(sheet.rows.filter(known).select(columns))
    decided = sheet.rows.filter(
        known & (sheet.rows["decided"] <= date_of(DAY).isoformat()).fill_null(False).to_numpy()
    )
    assert kept.filter(kept["id"].is_in(decided["id"].to_list()))["decided"].equals(
        decided["decided"]
    )
    assert not rows.select("paid").equals(sheet.rows.select("paid"))


def test_some_rows_known_by_the_day_are_told_again_after_it(made: Callable[..., Source]) -> None:
    sheet = sampled_raw_tables(made(), 10_000)["cases.csv"]
    early = sheet.rows.filter(~after(sheet.known, DAY))
    again = recorded_again(sheet, DAY, LAST, np.random.default_rng(1))
    assert len(again) == len(early)
    assert (again["entered"] > date_of(DAY).isoformat()).all()
    assert (again["decided"].fill_null("9") > date_of(DAY).isoformat()).all()
    assert set(again["id"]) == set(early["id"])
    firms = again.join(early, on="id")
    assert 0 < (firms["firm"] != firms["firm_right"]).sum() < len(again)
    fixed = replace(sheet, declared=sheet.declared.model_copy(update={"kept": ["id"]}))
    assert not len(recorded_again(fixed, DAY, LAST, np.random.default_rng(1)))


def test_rows_are_told_again_on_later_days_where_none_is_late(made: Callable[..., Source]) -> None:
    sheet = sampled_raw_tables(
        made(
            raw=RAW.replace(
                'later = { verdict = "decided", decided = "decided", paid = "complete_to()" }', ""
            )
        ),
        10_000,
    )["cases.csv"]
    nobody = sheet.rows.filter(~after(sheet.known, DAY))
    quiet = replace(
        sheet, rows=nobody, known=sheet.known.filter(pl.Series(~after(sheet.known, DAY)))
    )
    again = recorded_again(quiet, DAY, LAST, np.random.default_rng(1))
    assert len(again) == len(nobody)
    assert (
        date_of(DAY).isoformat()
        < again["entered"].min()
        <= again["entered"].max()
        <= date_of(LAST).isoformat()
    )
    assert not len(recorded_again(quiet, LAST, LAST, np.random.default_rng(1)))


def test_days_are_written_as_those_in_their_place() -> None:
    cells = pl.Series("x", ["20150102", "2015-01-02 10:00:00", "2015/01/02", "soon", None])
    assert on_days(cells, np.full(5, LAST)).to_list() == [
        "20150630",
        "2015-06-30 10:00:00",
        "2015/06/30",
        "soon",
        None,
    ]
    assert on_days(pl.Series("x", [date_of(DAY)]), np.array([LAST])).to_list() == [date_of(LAST)]


def test_a_row_taken_for_known_before_the_day_that_is_written_in_it_is_counted(
    made: Callable[..., Source],
) -> None:
    assert rows_known_early(sampled_raw_tables(made(), 10_000)["cases.csv"]) == 0
    assert (
        rows_known_early(
            sampled_raw_tables(
                made(raw=RAW.replace('known = "entered"', 'known = "CAST(entered AS DATE) - 1"')),
                10_000,
            )["cases.csv"]
        )
        == 400
    )


def test_some_rows_become_complete_on_the_day_of_another(made: Callable[..., Source]) -> None:
    sheet = sampled_raw_tables(made(), 10_000)["cases.csv"]
    again = postponed(sheet.rows, sheet.declared)
    assert 5 < (again["decided"] != sheet.rows["decided"]).sum() < 90
    assert again.drop("decided").equals(sheet.rows.drop("decided"))


def test_a_sample_keeps_whole_units(made: Callable[..., Source]) -> None:
    source = made()
    every, some, one = (
        sampled_raw_tables(source, most)["cases.csv"].rows for most in (400, 200, 10)
    )
    assert every.height == 400 and 100 < some.height <= 200
    assert one["firm"].n_unique() == 1
    for firm in some["firm"].unique():
        assert (
            some.filter(some["firm"] == firm).height == every.filter(every["firm"] == firm).height
        )


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        ('[raw."cases.csv"]\nknown = "always"', "only a file beside source.toml"),
        ('[raw."cases.csv"]\nknown = "entered"\nof = "others.csv"', "should be a raw table too"),
        ('[raw."cases.csv"]\nby = "firm"', "raw.cases.csv.known: Field required"),
        ('[raw."cases.csv"]\nknown = "no_such_column"', "no_such_column"),
    ],
)
def test_a_wrong_declaration_is_one_line(
    made: Callable[..., Source], tmp_path: Path, raw: str, said: str
) -> None:
    with pytest.raises(SourceError, match=said) as error:
        proven(made(raw=raw), tmp_path)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("delimiter", "encoding", "options"),
    [
        (";", "utf-8", ""),
        ("|", "gb18030", ", delimiter := '|', encoding := 'gb18030'"),
        ("\t", "utf-16", ""),
        (",", "utf-16-le", ", encoding := 'utf-16-le'"),
        ("，", "utf-8", ", delimiter := '，'"),
    ],
)
def test_raw_files_are_written_again_in_the_dialect_that_the_views_read(
    made: Callable[..., Source], tmp_path: Path, delimiter: str, encoding: str, options: str
) -> None:
    source = made()
    cases = source.data / "cases.csv"
    rows = [line.split(",") for line in cases.read_text("utf-8").splitlines()]
    rows[1][1:2] = ["市;南, 1"]
    with cases.open("w", encoding=encoding, newline="") as file:
        csv.writer(file, delimiter=delimiter).writerows(rows)
    for view in VIEWS:
        place = source.folder / f"{view}.sql"
        place.write_text(
            place.read_text("utf-8").replace("cases.csv'", f"cases.csv'{options}"), "utf-8"
        )
    first = sampled_raw_tables(source, 10_000)["cases.csv"]
    assert first.rows.height == 400 and "市;南, 1" in first.rows[rows[0][1]].to_list()
    write_raw_tables(source, {"cases.csv": first.rows}, tmp_path / "again")
    again = sampled_raw_tables(find_source(source.folder, tmp_path / "again"), 10_000)["cases.csv"]
    assert again.rows.drop("decided").equals(
        first.rows.drop("decided")
    )  # some days of decisions are drawn anew


@pytest.mark.parametrize("stated", ["", ", delimiter := ';'"])
def test_a_raw_file_of_one_column_keeps_its_empty_fields(
    made: Callable[..., Source], tmp_path: Path, stated: str
) -> None:
    source = made(raw=RAW + '[raw."days.csv"]\nknown = "day"\n')
    (source.data / "days.csv").write_text('day\n2015-01-01\n""\n"2015-01-02"\n', "utf-8")
    view = source.folder / "complaints.sql"
    more = f" WHERE id IS NOT NULL OR id IN (SELECT day FROM csv('${{DATA}}/days.csv'{stated}))"
    view.write_text(view.read_text("utf-8") + more, "utf-8")
    sheets = sampled_raw_tables(source, 10_000)
    assert sheets["days.csv"].rows["day"].to_list() == ["2015-01-01", None, "2015-01-02"]
    write_raw_tables(
        source, {name: sheet.rows for name, sheet in sheets.items()}, tmp_path / "again"
    )
    again = sampled_raw_tables(find_source(source.folder, tmp_path / "again"), 10_000)
    assert again["days.csv"].rows.equals(sheets["days.csv"].rows)
