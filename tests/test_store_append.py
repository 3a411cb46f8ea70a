"""A store fed day by day is the store loaded at once, to the bit; a closed day is never rewritten."""

from __future__ import annotations

import csv
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from features.arrays import NULL
from features.calendar import date_of, day_of
from features.contract.tables import contract
from features.engine.matrices import matrix
from features.errors import HistoryError, SourceError
from features.home import home
from features.ingest.scan import files_below, files_in, read_csv, scan_parquet
from features.ingest.source import JOURNAL, Source, find_source
from features.ingest.source_toml import SourceDeclaration
from features.matrix import Matrix
from features.store.append import Fed, feed
from features.store.compaction import compact
from features.store.current import CHANGING, FIXED, agreed
from features.store.journal import write_journal_part
from features.store.layout import summary_at, write_summary
from features.store.opening import open_store
from features.store.store import Store
from simulation.ground.setting import setting_of
from simulation.run import write_city
from tests.random_history import FIRST, LAST, loaded_history, write_history
from tests.sample import slow

Write = Callable[..., Path]
ENTITIES = ("enterprise", "claim", "provider")
SPLITS = [[LAST - 5, LAST], [LAST - 300, LAST - 299, LAST - 150, LAST - 149, LAST - 3, LAST]]

READ = {
    "enterprises",
    "claims",
    "claim_reviews",
    "providers",
    "inspections",
    "findings",
    "complaints",
    "employment",
    "contributions",
}
FEW = tuple(name for name in contract() if name not in READ and name not in JOURNAL)
"""What is absent where a law does not need every table: nine tables have keys, joins and amounts of every kind."""


def fed_store(folder: Path, days: Sequence[int]) -> Store:
    """Return the live store of a source after a load of each day."""
    for day in days:
        feed(find_source(folder), day)
    return open_store(folder)


def plain(store: Store, table: str, as_of: int) -> list[str]:
    """Return the live rows of a day as sorted text, codes read as their identifiers."""
    names = [column.name for column in store.tables[table].columns]
    rows = store.live(table, as_of, ("row_id", *names))
    columns = []
    for column in store.tables[table].columns:
        texts = np.array([*store.texts(column.space), ""], object) if column.kind == "id" else None
        values = rows[column.name]
        columns.append(values if texts is None else texts[np.where(values == NULL, -1, values)])
    return sorted(
        repr(row)
        for row in zip(
            rows["row_id"].tolist(), *(column.tolist() for column in columns), strict=True
        )
    )


def bits(found: Matrix) -> dict[str, tuple[bytes, ...]]:
    """Return each unit's values, categories by their texts."""
    numbers = [place for place, name in enumerate(found.names) if name not in found.categories]
    words = {name: found.texts(name) for name in found.categories}
    return {
        str(key): (
            found.values[row, numbers].tobytes(),
            *(str(words[name][row]).encode() for name in sorted(words)),
        )
        for row, key in enumerate(found.keys)
    }


@pytest.mark.parametrize("split", [SPLITS[0], slow(SPLITS[1])])
def test_a_store_fed_day_by_day_equals_one_loaded_at_once(
    tmp_path: Path, tmp_path_factory: pytest.TempPathFactory, split: list[int]
) -> None:
    whole = loaded_history(tmp_path_factory, seed=3)
    grown = fed_store(write_history(tmp_path / "grown", seed=3), split)
    assert grown.complete_to == whole.complete_to and set(grown.tables) == set(whole.tables)
    assert len(grown.layout.segments) == len(split)
    days = [FIRST + 100, *(day + step for day in split for step in (-1, 0))]
    for table in whole.tables:
        for day in days:
            assert plain(grown, table, day) == plain(whole, table, day), (table, day)
        signed = [store.all_rows(table, ("known", "sign")) for store in (grown, whole)]
        assert sorted(zip(*signed[0].values(), strict=True)) == sorted(
            zip(*signed[1].values(), strict=True)
        ), table
    assert counts(grown) == counts(whole)


def counts(store: Store) -> dict[str, tuple[int, int]]:
    """Return how many rows of each table a store accepted and refused."""
    return {
        name: (table["accepted"], table["refused"])
        for name, table in store.summary["tables"].items()
    }


@pytest.fixture(scope="module", params=[SPLITS[1][1::2], slow(SPLITS[1])], ids=["3 days", "6 days"])
def whole_and_grown(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Store, Store]:
    """The stores of one history, loaded at once and fed on some days."""
    place = tmp_path_factory.mktemp("both")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LSSI_HOME", str(place / "home"))
        whole = loaded_history(tmp_path_factory, seed=3)
        return whole, fed_store(write_history(place / "grown", seed=3), request.param)


@pytest.mark.parametrize("entity", ENTITIES)
def test_every_feature_of_a_fed_store_has_the_bits_of_one_loaded_at_once(
    whole_and_grown: tuple[Store, Store], entity: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole, grown = whole_and_grown
    for day in (LAST - 150, LAST):
        assert bits(matrix(grown, entity, day)) == bits(matrix(whole, entity, day))
    monkeypatch.setattr("features.aggregates.reader.MANY_UNITS", 0)
    monkeypatch.setattr("features.aggregates.reader.WORTHWHILE", 0)
    assert bits(matrix(grown, entity, LAST)) == bits(matrix(whole, entity, LAST))


@pytest.mark.slow
def test_a_city_fed_by_days_of_its_own_or_from_files_that_grow_equals_the_city_loaded_at_once(
    tmp_path: Path,
) -> None:
    city, last = tmp_path / "city", day_of("2015-06-30")
    write_city(city, setting_of(200, 24, until="2015-06-30", seed=2), lambda _done, _of: None)
    whole = open_store(shutil.copytree(city, tmp_path / "whole"))
    feed(find_source(city), last - 20)
    for day in (last - 19, last - 7):
        rows = tmp_path / date_of(day).isoformat()
        rows.mkdir()
        for table in find_source(city).tables:
            late = pl.col("recorded_on").is_between(
                date_of(open_store(city).complete_to), date_of(day), closed="right"
            )
            scan_parquet(files_in(city / table, "*.parquet")).filter(late).collect().write_parquet(
                rows / f"{table}.parquet"
            )
        assert feed(find_source(city), day, rows).counted("refused") == 0
    grown = fed_store(city, [last])
    for table in whole.tables:
        for day in (last - 20, last - 19, last - 8, last):
            assert plain(grown, table, day) == plain(whole, table, day), (table, day)
    for entity in ENTITIES:
        assert bits(matrix(grown, entity, last)) == bits(matrix(whole, entity, last))


def test_the_matrix_of_a_closed_day_is_the_same_bytes_after_later_loads_and_no_file_is_rewritten(
    tmp_path: Path,
) -> None:
    folder = write_history(tmp_path / "source", seed=4, size=80, absent=FEW)
    store = fed_store(folder, [LAST - 400])
    kept = {path: path.read_bytes() for path in files_below(store.folder / "base", "*.parquet")}
    before = [matrix(store, entity, LAST - 400) for entity in ENTITIES]
    store = fed_store(folder, [LAST - 200, LAST])
    for old in before:
        new = matrix(store, old.entity, LAST - 400)
        assert new.keys.tolist() == old.keys.tolist() and new.categories == old.categories
        assert new.values.tobytes() == old.values.tobytes()
    assert {path: path.read_bytes() for path in kept} == kept


def test_a_day_inside_a_feed_of_several_days_has_the_categories_known_by_then(
    tmp_path: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    folder = write_history(tmp_path / "source", seed=3)
    whole = matrix(loaded_history(tmp_path_factory, seed=3), "enterprise", LAST - 100)
    assert bits(matrix(fed_store(folder, [FIRST, LAST]), "enterprise", LAST - 100)) == bits(whole)


def test_compaction_changes_no_answer_and_feeding_goes_on(tmp_path: Path) -> None:
    whole = open_store(
        write_history(tmp_path / "whole", seed=5, size=80, absent=FEW)
    )  # first: a feed holds the name
    folder, days = (
        write_history(tmp_path / "source", seed=5, size=80, absent=FEW),
        [LAST - 300, LAST - 100],
    )
    store = fed_store(folder, days)
    before = [matrix(store, "enterprise", day).values.tobytes() for day in days]
    rows = {table: plain(store, table, LAST - 100) for table in store.tables}
    merged = Store(compact(find_source(folder)))
    assert len(merged.layout.segments) == 1
    assert merged.layout.segments[0] != store.layout.segments[0]
    assert {table: plain(merged, table, LAST - 100) for table in merged.tables} == rows
    shutil.rmtree(store.folder / "peers")
    assert [matrix(merged, "enterprise", day).values.tobytes() for day in days] == before
    grown = fed_store(folder, [LAST])
    assert not (store.folder / "base").exists()
    assert all(plain(grown, table, LAST) == plain(whole, table, LAST) for table in whole.tables)
    assert counts(grown) == counts(whole)


def payroll(
    row_id: str, recorded: str, month: str = "2015-05", **other: object
) -> dict[str, object]:
    """Return a row of the tax payroll."""
    return {
        "enterprise": "e1",
        "month": month,
        "employees": 3,
        "payroll": 9,
        "row_id": row_id,
        "recorded_on": recorded,
    } | other


def folder_of_rows(place: Path, rows: list[dict[str, object]]) -> Path:
    """Write a folder with a day's rows of the tax payroll."""
    place.mkdir()
    names = ["enterprise", "month", "employees", "payroll", "row_id", "recorded_on", "retracted"]
    with (place / "tax_payroll.csv").open("w", newline="", encoding="utf-8") as file:
        out = csv.DictWriter(file, names)
        out.writeheader()
        out.writerows({"retracted": 0} | row for row in rows)
    return place


@pytest.fixture
def begun(write_source: Write) -> Path:
    """A source that is fed, complete to 2015-06-01: one live row."""
    folder = write_source({"tax_payroll": [payroll("a", "2015-05-20")]})
    feed(find_source(folder), day_of("2015-06-01"))
    return folder


def given(begun: Path, day: str, rows: list[dict[str, object]], name: str = "rows") -> Fed:
    """Feed a folder of rows as a day."""
    return feed(
        find_source(begun), day_of(day), folder_of_rows(begun.parent / f"{name}-{day}", rows)
    )


def test_the_rows_of_a_day_alone_never_become_the_store_of_a_source(write_source: Write) -> None:
    folder = write_source({"tax_payroll": [payroll("a", "2015-05-20")]})
    with pytest.raises(
        HistoryError,
        match=r"'hand' was never loaded, .* `lssi load SOURCE --day 2015-06-01` without --rows",
    ):
        given(folder, "2015-06-02", [payroll("b", "2015-06-02", month="2015-01")])
    assert not files_in(home() / "stores" / "live", "*.json")
    feed(find_source(folder), day_of("2015-06-01"))
    given(folder, "2015-06-02", [payroll("b", "2015-06-02", month="2015-01")], "again")
    assert open_store(folder).size("tax_payroll") == 2


def test_the_same_day_again_changes_nothing_and_other_rows_of_a_closed_day_are_an_error(
    begun: Path,
) -> None:
    rows = [payroll("b", "2015-06-02", employees=5), payroll("c", "2015-06-02", month="2015-04")]
    assert given(begun, "2015-06-02", rows).state == "loaded"
    kept = (open_store(begun).folder / "store.json").read_bytes()
    assert given(begun, "2015-06-02", rows[::-1], "again").state == "unchanged"
    with pytest.raises(
        HistoryError,
        match=r"closed with other rows in tax_payroll.*a new row recorded on a later day",
    ):
        given(begun, "2015-06-02", [rows[0] | {"employees": 6}, rows[1]], "other")
    assert (open_store(begun).folder / "store.json").read_bytes() == kept
    assert open_store(begun).live("tax_payroll", day_of("2015-06-02"), ("employees",))[
        "employees"
    ].tolist() == [3, 5]
    assert open_store(begun).live("tax_payroll", day_of("2015-06-01"), ("employees",))[
        "employees"
    ].tolist() == [3]


def test_days_are_loaded_in_their_order(begun: Path) -> None:
    given(begun, "2015-06-05", [payroll("b", "2015-06-04")])
    with pytest.raises(
        HistoryError, match=r"day 2015-06-03 is closed: .* complete to 2015-06-05; load a later day"
    ):
        given(begun, "2015-06-03", [payroll("c", "2015-06-03")])


def test_refused_rows_come_back_as_a_file_with_their_reasons(begun: Path) -> None:
    rows = [
        payroll("b", "2015-06-02", employees="many"),
        payroll("c", "2015-05-30"),
        payroll("d", "soon"),
        payroll("a", "2015-06-02"),
        payroll("e", "2015-06-02", month="2015-03", retracted=1),
        payroll("f", "2015-06-09"),
        payroll("a", "2015-05-20"),
    ]
    fed = given(begun, "2015-06-02", rows)
    assert fed.counted("accepted") == 0 and fed.refused_rows is not None
    with (fed.refused_rows / "tax_payroll.csv").open(encoding="utf-8") as file:
        told = {row["row_id"]: row["reason"] for row in csv.DictReader(file)}
    assert told == {
        "b": "employees should be a whole number of persons",
        "d": "recorded_on should be a day such as 2015-06-30",
        "c": "day 2015-05-30 is closed; recorded_on should be after 2015-06-01, the day the store is complete to",
        "a": "row_id is there twice; the first row was kept",
        "e": "retracts a key that was never recorded before",
    }


@pytest.mark.parametrize("day", ["", "soon", "2015-02-30"])
def test_a_row_of_no_day_is_refused_though_the_store_has_its_row_id(begun: Path, day: str) -> None:
    rows = [payroll("a", day, employees=9, retracted=1), payroll("b", "2015-06-02")]
    fed = given(begun, "2015-06-02", rows)
    assert (fed.counted("accepted"), fed.counted("refused")) == (1, 1)
    assert fed.tables["tax_payroll"]["reasons"][0]["reason"].startswith("recorded_on")
    assert given(begun, "2015-06-02", rows, "again").state == "unchanged"


@pytest.mark.parametrize(
    "name",
    [
        "Tax_payroll.csv",
        "tax_payroll.CSV",
        "tax_payroll.csv.gz",
        "tax_payrolls.csv",
        "claims.xlsx",
        "notes.txt",
        "claims.sql",
        "tax_payroll/part.parquet",
    ],
)
def test_a_day_is_not_closed_over_files_that_nobody_reads(begun: Path, name: str) -> None:
    before = open_store(begun).summary
    rows = folder_of_rows(begun.parent / "rows", [payroll("b", "2015-06-02")])
    (rows / name).parent.mkdir(exist_ok=True)
    (rows / name).write_bytes(b"more")
    with pytest.raises(SourceError, match=r"is no table of the contract|is there twice"):
        feed(find_source(begun), day_of("2015-06-02"), rows)
    (rows / "tax_payroll.csv").unlink()
    (rows / "tax_payroll.csv").symlink_to(rows / "nowhere.csv")
    with pytest.raises(SourceError, match=r"is a link to nothing|is there twice"):
        feed(find_source(begun), day_of("2015-06-02"), rows)
    assert open_store(begun).summary == before


def test_rows_later_than_the_day_wait_for_theirs(begun: Path) -> None:
    rows = [
        payroll("b", "2015-06-02", month="2015-01"),
        payroll("c", "2015-06-03", month="2015-02"),
    ]
    assert given(begun, "2015-06-02", rows).counted("accepted") == 1
    fed = given(begun, "2015-06-03", rows)
    assert (fed.counted("accepted"), fed.counted("refused")) == (1, 0)


def test_a_late_row_a_correction_and_a_retraction_hold_from_the_day_they_became_known(
    begun: Path,
) -> None:
    given(
        begun,
        "2015-06-02",
        [
            payroll("b", "2015-06-02", employees=4),
            payroll("c", "2015-06-02", employees=5),
            payroll("old", "2015-06-02", month="2013-01", employees=8),
        ],
    )
    given(begun, "2015-06-03", [payroll("d", "2015-06-03", retracted=1)])
    given(
        begun,
        "2015-06-04",
        [
            payroll("e", "2015-06-04", employees=7),
            payroll("f", "2015-06-04", month="2013-01", retracted=1),
        ],
    )
    store = open_store(begun)
    seen = [
        store.live("tax_payroll", day_of(f"2015-06-0{day}"), ("employees",))["employees"]
        for day in range(1, 5)
    ]
    assert [sorted(staff.tolist()) for staff in seen] == [[3], [5, 8], [8], [7]]
    assert store.all_rows("tax_payroll", ("sign",))["sign"].sum() == 1


def test_moments_become_days_in_the_zone_of_the_source(write_source: Write) -> None:
    folder = write_source({"tax_payroll": [payroll("a", "2015-05-20")]}, 'clock = "Asia/Shanghai"')
    feed(find_source(folder), day_of("2015-06-01"))
    fed = given(
        folder,
        "2015-06-02",
        [
            payroll("b", "2015-06-01T15:59:59+00:00", month="2015-01"),
            payroll("c", "2015-06-01T16:00:00+00:00", month="2015-02"),
        ],
    )
    assert (fed.counted("accepted"), fed.counted("refused")) == (1, 1)


def test_a_day_of_which_the_contract_forbids_a_row_is_refused(write_source: Write) -> None:
    folder = write_source(
        {"deaths": [{"worker": "w1", "died_on": "2015-05-01", "recorded_on": "2015-05-02"}]}
    )
    with (folder / "deaths.csv").open("a", encoding="utf-8", newline="") as file:
        names = (folder / "deaths.csv").read_text("utf-8").splitlines()[0].split(",")
        row = {
            "worker": "w2",
            "died_on": "2015-06-09",
            "row_id": "late",
            "recorded_on": "2015-06-02",
            "retracted": 0,
        }
        csv.DictWriter(file, names).writerow(row)
    feed(find_source(folder), day_of("2015-06-01"))
    fed = feed(find_source(folder), day_of("2015-06-02"))
    assert fed.tables["deaths"]["reasons"][0]["reason"] == "died_on lies after recorded_on"


def test_an_as_of_before_the_first_row_and_after_the_last_day_is_refused(tmp_path: Path) -> None:
    store = fed_store(
        write_history(tmp_path / "source", seed=4, size=20, absent=FEW), [LAST - 9, LAST - 8]
    )
    with pytest.raises(HistoryError, match="the history begins on"):
        matrix(store, "enterprise", FIRST - 1)
    with pytest.raises(HistoryError, match="the history is complete to 2015-06-22"):
        matrix(store, "enterprise", LAST)


def test_a_source_that_grows_while_a_day_is_read_is_refused_and_changes_nothing(
    begun: Path,
) -> None:
    def grow(_table: str, _rows: int) -> None:
        with (begun / "tax_payroll.csv").open("a", encoding="utf-8") as file:
            file.write("\n")

    with pytest.raises(HistoryError, match="changed while it was read"):
        feed(find_source(begun), day_of("2015-06-02"), None, grow)
    assert open_store(begun).complete_to == day_of("2015-06-01")
    assert feed(find_source(begun), day_of("2015-06-02")).state == "loaded"


def declared_otherwise(folder: Path, **values: object) -> Source:
    """Return a source whose declaration says something else."""
    found = find_source(folder)
    said = found.declaration.model_dump(mode="json") | values
    return replace(found, declaration=SourceDeclaration.model_validate(said))


ATTRIBUTE = {"table": "claims", "name": "ward", "type": "integer", "zh": "病区", "en": "ward"}
OTHERWISE: dict[str, tuple[object, str]] = {
    "attribute": ([ATTRIBUTE], 'attribute.claims.ward.type was nothing and is "integer"'),
    "clock": ("UTC", 'clock was "Asia/Shanghai" and is "UTC"'),
    "dump": (
        {"tables": {"ac02": {"must": ["AAC001"]}}, "needs": {}},
        'dump.tables.ac02.must was nothing and is ["AAC001"]',
    ),
    "columns": (
        {"ac02": {"AAC001": "个人编号"}},
        'columns.ac02.AAC001 was nothing and is "个人编号"',
    ),
    "form": ({"ac02": {"AAC030": "d/m/y"}}, 'form.ac02.AAC030 was nothing and is "d/m/y"'),
    "unit": ({"ab08": {"AAE020": "万元"}}, 'unit.ab08.AAE020 was nothing and is "万元"'),
    "keys": ({"claims": "person"}, 'keys.claims was nothing and is "person"'),
}
TARGET = {
    "zh": "未参保",
    "en": "unregistered",
    "unit": "inspection",
    "label": "visit",
    "violation": 1,
}
FREE: dict[str, object] = {
    "zh": "另一",
    "en": "another",
    "complete_to": "2015-07-09",
    "absent": ["claims"],
    "assumed_delays": {"claims": 9},
    "dormant_months": 9,
    "target": {"late": TARGET},
    "raw": {"ac02": {"known": "day"}},
    "csv": {"encoding": "gb18030"},
}


def test_every_key_of_a_declaration_is_fixed_while_a_store_is_fed_or_may_change_with_its_reason() -> (
    None
):
    assert sorted([*FIXED, *CHANGING]) == sorted(SourceDeclaration.model_fields), (
        "add a new key to one of them, with its reason"
    )
    assert all((FIXED | CHANGING).values())
    assert set(OTHERWISE) == set(FIXED) and set(FREE) == set(CHANGING) - {"name"}


def test_what_decides_how_rows_are_read_may_not_change_between_days(begun: Path) -> None:
    folder = open_store(begun).folder
    before = summary_at(folder)
    for key, (value, told) in OTHERWISE.items():
        first = f"^{key} in source.* changed since 'hand' was first loaded by day; restore it, or load all"
        with pytest.raises(SourceError, match=first) as refused:
            agreed(declared_otherwise(begun, **{key: value}), folder)
        assert told in str(refused.value) and "\n" not in str(refused.value)
    assert summary_at(folder) == before


@pytest.mark.parametrize(
    "use", [open_store, lambda source: feed(source, day_of("2015-06-02")), compact]
)
def test_a_form_that_changed_is_refused_wherever_the_store_is_used(
    begun: Path, use: Callable[[Source], object]
) -> None:
    with pytest.raises(SourceError, match=r"^form in source\.toml changed"):
        use(declared_otherwise(begun, form=OTHERWISE["form"][0]))
    assert open_store(begun).complete_to == day_of("2015-06-01")


def test_what_does_not_decide_how_rows_are_read_may_change_between_days(begun: Path) -> None:
    folder = open_store(begun).folder
    first = summary_at(folder)["source"]
    for key, value in FREE.items():
        agreed(declared_otherwise(begun, **{key: value}), folder)
        now = summary_at(folder)["source"]
        # The last closed day is the store's own, whatever the source says.
        assert [name for name in now if now[name] != first[name]] == (
            [] if key == "complete_to" else [key]
        )


def test_a_stated_word_that_becomes_another_is_told_with_both(begun: Path) -> None:
    folder = open_store(begun).folder
    summary = summary_at(folder)
    summary["source"]["form"] = {"ac02": {"AAC030": "d/m/y", "AAC006": "y-m-d"}}
    write_summary(folder, summary)
    said = {"ac02": {"AAC030": "m/d/y", "AAC006": "y-m-d"}}
    with pytest.raises(SourceError, match=r'form\.ac02\.AAC030 was "d/m/y" and is "m/d/y"$'):
        open_store(declared_otherwise(begun, form=said))


DUMPED = """
name = "hand"
zh = "手写"
en = "by hand"
[dump.needs]
deaths = ["DEAD"]
[dump.tables.DEAD]
must = ["ID", "WHO", "DIED", "DAY"]
"""
VIEW = "SELECT ID AS row_id, DAY AS recorded_on, 0 AS retracted, WHO AS worker, DIED AS died_on FROM DEAD"


def dump_of(place: Path, line: str, form: str) -> Path:
    """Write a dump of one death, which states the form of its days."""
    place.mkdir()
    (place / "DEAD.csv").write_text(f"ID,WHO,DIED,DAY\n{line}\n", "utf-8")
    (place / "dump.toml").write_text(
        f'complete_to = 2015-06-30\n[form.DEAD]\nDIED = "{form}"\n', "utf-8"
    )
    return place


def test_the_dump_of_a_day_states_what_the_source_stated(tmp_path: Path) -> None:
    folder = tmp_path / "source"
    folder.mkdir()
    (folder / "source.toml").write_text(DUMPED, "utf-8")
    (folder / "deaths.sql").write_text(VIEW, "utf-8")
    source = find_source(
        folder, dump_of(tmp_path / "dump", "1,w1,03/04/2015,2015-05-01", "dd/mm/yyyy")
    )
    feed(source, day_of("2015-06-01"))
    other = dump_of(tmp_path / "other", "2,w2,03/04/2015,2015-06-02", "mm/dd/yyyy")
    with pytest.raises(
        SourceError, match=r'form\.DEAD\.DIED was "dd/mm/yyyy" and is "mm/dd/yyyy"$'
    ):
        feed(source, day_of("2015-06-02"), other)
    feed(
        source,
        day_of("2015-06-02"),
        dump_of(tmp_path / "same", "2,w2,03/04/2015,2015-06-02", "dd/mm/yyyy"),
    )
    died = open_store(source).live("deaths", day_of("2015-06-02"), ("died_on",))["died_on"]
    assert died.tolist() == [day_of("2015-04-03")] * 2


def test_columns_declared_otherwise_than_before_are_refused(begun: Path) -> None:
    toml = begun / "source.toml"
    toml.write_text(toml.read_text("utf-8") + 'clock = "UTC"\n', "utf-8")
    with pytest.raises(SourceError, match=r"clock in source\.toml changed"):
        open_store(begun)


KILL = """
import os, signal, sys
from pathlib import Path
import features.store.append
from features.calendar import day_of
from features.ingest.source import find_source

def killed(*_): os.kill(os.getpid(), signal.SIGKILL)

if sys.argv[3] == "reading":
    features.store.append.feed(find_source(Path(sys.argv[1])), day_of(sys.argv[2]), None, killed)
features.store.append.write_summary = killed
features.store.append.feed(find_source(Path(sys.argv[1])), day_of(sys.argv[2]))
"""


@pytest.mark.parametrize("moment", [slow("reading"), "committing"])
def test_a_kill_in_the_middle_leaves_the_store_at_the_day_before(
    tmp_path: Path, moment: str
) -> None:
    whole = open_store(
        write_history(tmp_path / "whole", seed=6, size=40, absent=FEW)
    )  # first: a feed holds the name
    folder = write_history(tmp_path / "source", seed=6, size=40, absent=FEW)
    store = fed_store(folder, [LAST - 30])
    before = summary_at(store.folder)
    ended = subprocess.run(
        [sys.executable, "-c", KILL, folder, date_of(LAST).isoformat(), moment], check=False
    )
    assert ended.returncode == -9
    assert open_store(folder).summary == before
    again = fed_store(folder, [LAST])
    assert not [path for path in again.folder.iterdir() if path.name.startswith(".day-")]
    assert all(plain(again, table, LAST) == plain(whole, table, LAST) for table in whole.tables)


def test_rows_of_a_closed_day_in_a_new_part_are_refused(write_source: Write) -> None:
    folder = write_source({"tax_payroll": [payroll("a", "2015-05-20")]})
    rows = read_csv(folder / "tax_payroll.csv")
    (folder / "tax_payroll.csv").unlink()
    (folder / "tax_payroll").mkdir()
    rows.write_parquet(folder / "tax_payroll" / "1.parquet")
    feed(find_source(folder), day_of("2015-06-01"))
    rows.with_columns(row_id=pl.lit("b"), recorded_on=pl.lit("2015-06-02")).write_parquet(
        folder / "tax_payroll" / "2.parquet"
    )
    rows.with_columns(row_id=pl.lit("c"), recorded_on=pl.lit("2015-05-31")).write_parquet(
        folder / "tax_payroll" / "3.parquet"
    )
    fed = feed(find_source(folder), day_of("2015-06-02"))
    assert (fed.counted("accepted"), fed.counted("refused")) == (1, 1)
    assert fed.tables["tax_payroll"]["reasons"][0]["reason"].startswith("day 2015-05-31 is closed")


def test_a_journal_without_rows_is_read_as_tables_without_rows(begun: Path) -> None:
    journal = home() / "journal" / "hand"
    for table in JOURNAL:
        names = [column.name for column in contract()[table].columns]
        write_journal_part(journal, table, "p1", {name: [] for name in [*names, "recorded_on"]})
    store = open_store(begun)
    for table in JOURNAL:
        assert store.has(table) and store.size(table) == 0 and store.begins(table) is None
        assert store.live(table, store.complete_to)["row_id"].tolist() == []
    assert store.first_known == day_of("2015-05-20")


def test_a_new_table_whose_every_row_is_refused_leaves_a_store_that_answers(
    write_source: Write,
    hand_source: Write,
    tmp_path: Path,
) -> None:
    visit = {"inspection": "i1", "enterprise": "e1", "kind": "routine", "opened": "2014-12-01"}
    visit |= dict.fromkeys([f"examined_{number}" for number in range(1, 6)], "0")
    source = write_source({"inspections": [visit]})
    feed(find_source(source), day_of("2015-06-01"))
    unseen = {"inspection": "i1", "violation": 1, "recorded_on": "2015-06-02", "retracted": 1}
    rows = hand_source(tmp_path / "rows", {"findings": [unseen]})
    fed = feed(find_source(source), day_of("2015-06-02"), rows)
    assert (fed.counted("accepted"), fed.counted("refused")) == (0, 1)
    store = open_store(source)
    assert store.first_known == day_of("2015-01-01") and not store.has("found")
    seen = unseen | {"recorded_on": "2015-06-03", "retracted": 0, "row_id": "seen"}
    rows = hand_source(tmp_path / "more", {"findings": [seen]})
    feed(find_source(source), day_of("2015-06-03"), rows)
    assert open_store(source).live("found", day_of("2015-06-03"), ("opened",))["opened"].size == 1


def test_the_journal_is_read_beside_the_source_from_the_day_it_was_known(begun: Path) -> None:
    assert not open_store(begun).has("plans")
    day = day_of("2015-05-25")
    journal = home() / "journal" / "hand"
    rows: dict[str, list[object]] = {
        "plan": ["p1", "p1"],
        "enterprise": ["e1", "e9"],
        "cell": [None, None],
        "week": [day, day],
        "position": [1, 2],
        "planned_minutes": [60, 90],
        "why": ["score", "score"],
        "recorded_on": [day, day],
    }
    write_journal_part(journal, "plans", "p1", rows)
    store = open_store(begun)
    assert store.has("plans") and not store.has("draws")
    assert [len(store.live("plans", day + step, ("plan",))["plan"]) for step in (-1, 0)] == [0, 2]
    assert [
        store.texts("enterprise")[code]
        for code in store.live("plans", day, ("enterprise",))["enterprise"]
    ] == ["e1", "e9"]
    own = store.rows(
        "plans",
        by="enterprise",
        low=store.code("enterprise", "e1"),
        high=store.code("enterprise", "e1") + 1,
        columns=("planned_minutes", "row_id"),
    )
    assert own["planned_minutes"].tolist() == [60] and own["row_id"].tolist() == ["p1-0"]
    given(begun, "2015-06-02", [payroll("z", "2015-06-02") | {"enterprise": "e5"}])
    later = open_store(begun)
    assert later.texts("enterprise") == ["e1", "e5", "e9"]
    assert [
        later.texts("enterprise")[code]
        for code in later.live("plans", day, ("enterprise",))["enterprise"]
    ] == ["e1", "e9"]


def test_the_part_of_the_journal_beside_an_earlier_day_goes_with_the_next_load(begun: Path) -> None:
    rows: dict[str, list[object]] = {
        "plan": ["p1"],
        "enterprise": ["e9"],
        "cell": [None],
        "week": [day_of("2015-05-25")],
        "position": [1],
        "planned_minutes": [60],
        "why": ["score"],
        "recorded_on": [day_of("2015-05-25")],
    }
    write_journal_part(home() / "journal" / "hand", "plans", "p1", rows)
    parts = [open_store(begun).layout.segments[-1].parent]
    for day in ("2015-06-02", "2015-06-03", "2015-06-04"):
        given(begun, day, [payroll(day, day) | {"enterprise": f"e{day}"}])
        assert parts[-1].is_dir()  # for those who have the store of the day before open
        parts.append(open_store(begun).layout.segments[-1].parent)
        assert open_store(begun).live("plans", day_of(day), ("position",))["position"].tolist() == [
            1
        ]
    assert [part.is_dir() for part in parts] == [False, False, True, True]
