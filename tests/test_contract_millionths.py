"""Probabilities are whole millionths: read exactly or refused, and the same in every engine."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from features.arrays import NULL
from features.calendar import day_of
from features.catalogue.syntax import parse_row
from features.catalogue.validate import check_catalogue
from features.connection import ConnectionLimits, named, opened
from features.contract.millionths import CERTAIN, in_millionths, millionths_of, millionths_sql
from features.contract.tables import contract, contract_as_json
from features.engine.engine import Engine, engine_of
from features.engine.matrices import matrix
from features.errors import CatalogueError, RequestError
from features.ingest.scan import files_below, files_in, read_table
from features.ingest.source import find_source
from features.ingest.typed_values import text_sql
from features.online.request_rows import Sent
from features.store.append import feed
from features.store.current import live_folder
from features.store.journal import write_journal_part
from features.store.layout import FILES, MARK, summary_at
from features.store.opening import open_store
from features.store.store import Store
from training.certificate.equivalence import misread
from training.certificate.excerpt_store import excerpt_source
from training.certificate.sample import excerpt_of

Write = Callable[..., Path]
LAST = day_of("2015-06-30")
RANGE = "inclusion_probability should be above 0 and at most 1"
FINER = f"{RANGE}, to at most 6 decimals"
VISIT = {
    "enterprise": "e1",
    "kind": "lottery",
    "opened": "2014-12-01",
    "closed_on": "2014-12-05",
    **{f"examined_{violation}": 1 for violation in range(1, 6)},
}
FIRM = {"since": "2010-01-01", "kind": "company"}


def visits(probabilities: list[Any], firms: int = 1) -> list[dict[str, object]]:
    """Return a visit with each probability, spread over some enterprises."""
    return [
        VISIT
        | {
            "inspection": f"i{place:06d}",
            "enterprise": f"e{place % firms + 1}",
            "inclusion_probability": chance,
        }
        for place, chance in enumerate(probabilities)
    ]


def held(store: Store, table: str = "inspections") -> list[int]:
    """Return the probabilities of a table as the store holds them, by visit or by draw."""
    key = "inspection" if table == "inspections" else "draw"
    rows = store.all_rows(table, (key, "inclusion_probability"))
    assert rows["inclusion_probability"].dtype == np.int64
    return list(rows["inclusion_probability"][np.argsort(rows[key], kind="stable")].tolist())


def refused(store: Store) -> list[tuple[str, str, str]]:
    """Return the row, the probability as it was given and the reason of each refused visit."""
    place = store.folder / "refused" / "inspections.csv"
    lines = place.read_text("utf-8").splitlines() if place.exists() else []
    return [
        (row["row"], row["inclusion_probability"], row["reason"]) for row in csv.DictReader(lines)
    ]


def read(kind: str, values: list[Any]) -> list[int | None]:
    """Return the millionths that values of one SQL type are read as."""
    connection = opened(ConnectionLimits())
    column = pa.array(
        values, {"VARCHAR": pa.string(), "DOUBLE": pa.float64(), "FLOAT": pa.float32()}.get(kind)
    )
    connection.register("given", pa.table({"p": column}))
    value = millionths_sql(named("p"), kind, text_sql("p", kind))
    found: list[int | None] = (
        connection.sql(f"SELECT {value} AS v FROM given").to_arrow_table()["v"].to_pylist()
    )
    return found


@pytest.mark.parametrize("kind", ["DOUBLE", "FLOAT", "VARCHAR"])
def test_every_number_of_millionths_is_read_as_itself(kind: str) -> None:
    whole = list(range(1, CERTAIN + 1))
    values = [
        f"{number / CERTAIN:.6f}" if kind == "VARCHAR" else number / CERTAIN for number in whole
    ]
    assert read(kind, values) == whole


def writings(number: int, places: int) -> list[str]:
    """Return some millionths as texts that all say the same."""
    plain = f"{Decimal(number).scaleb(-6):f}"
    scientific = f"{Decimal(number).scaleb(-6):e}"
    floats = [repr(number / CERTAIN), f"{number / CERTAIN:.15g}"]
    return [plain, plain + "0" * places, scientific, *floats, f" +{plain} "]


@settings(max_examples=20, deadline=None, derandomize=True)
@given(
    numbers=st.lists(st.integers(1, CERTAIN), min_size=1, max_size=50), places=st.integers(0, 40)
)
def test_a_probability_in_any_decimal_writing_is_read_as_itself(
    numbers: list[int], places: int
) -> None:
    texts = [
        text for number in numbers for text in writings(number, places if number < CERTAIN else 0)
    ]
    assert read("VARCHAR", texts) == np.repeat(numbers, 6).tolist()


@settings(max_examples=20, deadline=None, derandomize=True)
@given(
    numbers=st.lists(st.integers(1, CERTAIN - 1), min_size=1, max_size=50),
    beyond=st.integers(1, 10**12 - 1),
)
def test_a_probability_finer_than_a_millionth_is_none(numbers: list[int], beyond: int) -> None:
    finer = [f"0.{number:06d}{beyond:012d}" for number in numbers]
    assert read("VARCHAR", [*finer, *(f"{text}e0" for text in finer)]) == [None] * 2 * len(numbers)
    nearest = np.array(numbers) / CERTAIN
    assert read("DOUBLE", [*np.nextafter(nearest, 0), *np.nextafter(nearest, 1)]) == [
        None
    ] * 2 * len(numbers)


def test_what_is_no_number_is_no_probability() -> None:
    assert (
        read(
            "VARCHAR",
            ["half", "25%", "0,25", "0x1", "1_0", "nan", "inf", "1e400", ".", "", " ", None],
        )
        == [None] * 12
    )
    assert read("DOUBLE", [float("inf"), float("-inf"), float("nan"), 1e300, None]) == [None] * 5


ODD: list[tuple[Any, str]] = [
    (0.1234567, FINER),
    (1e-7, FINER),
    (0.1 + 0.2, FINER),
    (0, RANGE),
    (-0.25, RANGE),
    (1.000001, RANGE),
    (5000, FINER),
]


def test_a_row_with_a_finer_probability_is_refused_from_csv_with_its_reason(
    write_source: Write,
) -> None:
    store = open_store(
        write_source(
            {"inspections": visits([0.25, *(value for value, _ in ODD), "half", 0.000001, 1])}
        )
    )
    assert held(store) == [250_000, 1, CERTAIN]
    wanted = [
        (str(row), str(value), reason)
        for row, (value, reason) in enumerate([*ODD, ("half", FINER)], 2)
    ]
    for (row, chance, reason), told in zip(wanted, refused(store), strict=True):
        assert (row, reason) == (told[0], told[2])
        assert told[1] in (chance, f"{chance}.0")


def as_table(rows: list[dict[str, object]], probabilities: pa.Array) -> pa.Table:
    """Return visits as a table of texts, but for their probabilities."""
    common = {
        "row_id": range(len(rows)),
        "recorded_on": ["2015-01-01"] * len(rows),
        "retracted": [0] * len(rows),
    }
    names = [column.name for column in contract()["inspections"].columns]
    texts = {name: [row.get(name) for row in rows] for name in names} | common
    columns = {
        name: pa.array([None if value is None else str(value) for value in values], pa.string())
        for name, values in texts.items()
    }
    return pa.table(columns | {"inclusion_probability": probabilities})


@pytest.mark.parametrize(
    "kind", [pa.float64(), pa.float32(), pa.decimal128(20, 10), pa.string(), pa.int64(), pa.bool_()]
)
def test_a_parquet_column_of_any_type_is_read_exactly_or_refused(
    write_source: Write, kind: pa.DataType
) -> None:
    sound = [1, 1] if pa.types.is_integer(kind) else ["0.3", "0.000045", "1"]
    finer = [] if pa.types.is_integer(kind) else ["0.1234567", "0.0000005"]
    texts = ["true", "true"] if pa.types.is_boolean(kind) else [*sound, *finer]
    values = pa.array(
        [Decimal(text) if pa.types.is_decimal(kind) else str(text) for text in texts]
    ).cast(kind)
    source = write_source({"inspections": []})
    (source / "inspections.csv").unlink()
    pq.write_table(as_table(visits(texts), values), source / "inspections.parquet")
    store = open_store(source)
    if pa.types.is_boolean(kind):
        assert (held(store), [reason for _, _, reason in refused(store)]) == ([], [FINER, FINER])
        return
    assert held(store) == [millionths_of(float(value)) for value in sound]
    assert [reason for _, _, reason in refused(store)] == [FINER] * len(finer)


@settings(max_examples=2, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(numbers=st.lists(st.none() | st.integers(1, CERTAIN), min_size=1, max_size=40))
def test_a_history_written_from_its_store_is_the_same_history(
    hand_source: Write,
    tmp_path_factory: pytest.TempPathFactory,
    numbers: list[int | None],
) -> None:
    place = tmp_path_factory.mktemp("again")
    texts = ["" if number is None else f"{Decimal(number).scaleb(-6):f}" for number in numbers]
    store = open_store(hand_source(place / "source", {"inspections": visits(texts)}))
    again = open_store(excerpt_source(excerpt_of(store, 100), place / "excerpt"))
    assert held(again) == held(store)
    assert held(store) == [NULL if number is None else number for number in numbers]


# Conditions, values and aggregates in every engine.

MEASURES = """
measure | drawn      | inspections | enterprise | opened | inclusion_probability > 0         | 1 | count | 一 | a
measure | likely     | inspections | enterprise | opened | inclusion_probability >= 0.5      | 1 | count | 二 | b
measure | unlikely   | inspections | enterprise | opened | 0.5 > inclusion_probability       | 1 | count | 三 | c
measure | certain    | inspections | enterprise | opened | inclusion_probability == 1.0      | 1 | count | 四 | d
measure | listed     | inspections | enterprise | opened | inclusion_probability in (0.25, 0.000001) | 1 | count | 五 | e
measure | counted    | inspections | enterprise | opened | inclusion_probability > 250000    | 1 | count | 六 | f
measure | nobodys    | inspections | enterprise | opened | inclusion_probability is None     | 1 | count | 七 | g
measure | chance     | inspections | enterprise | opened |  | inclusion_probability | 1e-6 | 八 | h
measure | miss       | inspections | enterprise | opened |  | 1000000 - inclusion_probability | 1e-6 | 九 | i
"""
FEATURES = (
    "\n".join(
        [
            *(
                f"enterprise | n_{name} | count({name}, all) | count | none | t | {name} | {name} |"
                for name in (
                    "drawn",
                    "likely",
                    "unlikely",
                    "certain",
                    "listed",
                    "counted",
                    "nobodys",
                )
            ),
            *(
                f"enterprise | {how}_chance | {how}(chance, all) | 1e-6 | none | t | {how} | {how} |"
                for how in ("sum", "largest", "smallest", "median", "distinct", "newest")
            ),
            "enterprise | summed_chance | sum(chance, all) / 1000000 | 1 | none | t | summed | summed |",
            "enterprise | mean_chance | sum(chance, all) / count(chance, all) / 1000000 | 1 | none | t | mean | mean |",
            "enterprise | half_chance | 0.5 * sum(chance, all) + 0.1 | 1 | none | t | half | half |",
            "enterprise | over_half | mean_chance > 0.25 | 1 | none | t | over | over |",
            "enterprise | sum_miss | sum(miss, all) | 1e-6 | none | t | miss | miss |",
        ]
    )
    + "\n"
)
CHANCES = [0.25, 0.5, 0.000001, 1, "", 0.3, 0.499999, 0.500001, 0.999999, 0.1, "", 0.7]
OWN = (
    "n_drawn",
    "n_likely",
    "n_unlikely",
    "n_certain",
    "n_listed",
    "n_counted",
    "n_nobodys",
    "sum_chance",
    "largest_chance",
    "smallest_chance",
    "median_chance",
    "distinct_chance",
    "newest_chance",
    "summed_chance",
    "mean_chance",
    "half_chance",
    "over_half",
    "sum_miss",
)


def chances(place: Path, write: Write, probabilities: list[Any], firms: int) -> Engine:
    """Return the engine of a store of visits with some probabilities, and of a catalogue that asks of them."""
    register = [FIRM | {"enterprise": f"e{number}"} for number in range(1, firms + 1)]
    store = open_store(
        write(
            place / "source", {"enterprises": register, "inspections": visits(probabilities, firms)}
        )
    )
    (place / "more.txt").write_text(MEASURES + FEATURES, "utf-8")
    engine = engine_of(store, place / "more.txt")
    check_catalogue(engine.catalogue)
    return engine


def told(engine: Engine) -> dict[str, list[float]]:
    """Return what the evaluator says of every enterprise on the last day."""
    whole = matrix(engine, "enterprise", LAST)
    return {name: whole.column(name).tolist() for name in OWN}


def test_conditions_on_a_probability_are_exact(hand_source: Write, tmp_path: Path) -> None:
    found = told(chances(tmp_path, hand_source, CHANCES, 1))
    assert [found[name] for name in OWN[:7]] == [[10.0], [5.0], [5.0], [1.0], [2.0], [7.0], [2.0]]
    whole = sorted(round(value * CERTAIN) for value in CHANCES if isinstance(value, float | int))
    total = sum(whole)
    assert [found[name] for name in OWN[7:13]] == [
        [total],
        [CERTAIN],
        [1],
        [whole[4]],
        [10],
        [CERTAIN],
    ]
    assert found["mean_chance"] == [total / 10 / CERTAIN] and found["half_chance"] == [
        0.5 * total + 0.1
    ]
    assert found["over_half"] == [1.0] and found["sum_miss"] == [10 * CERTAIN - total]


@settings(max_examples=2, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(
    numbers=st.lists(
        st.none() | st.integers(1, CERTAIN) | st.sampled_from((1, 250_000, 500_000, CERTAIN)),
        max_size=60,
    )
)
def test_every_engine_gives_the_same_of_any_probabilities(
    hand_source: Write,
    tmp_path_factory: pytest.TempPathFactory,
    numbers: list[int | None],
) -> None:
    texts = ["" if number is None else repr(number / CERTAIN) for number in numbers]
    engine = chances(tmp_path_factory.mktemp("engines"), hand_source, texts, 4)
    assert held(engine.store) == [NULL if number is None else number for number in numbers]
    assert misread(engine, excerpt_of(engine.store, 100), LAST, 4) == {}


@pytest.mark.parametrize(
    ("condition", "reason"),
    [
        (
            "inclusion_probability >= 0.1234567",
            "0.1234567 beside a probability is finer than a millionth",
        ),
        (
            "inclusion_probability in (0.5, 1e-7)",
            "1e-07 beside a probability is finer than a millionth",
        ),
        ("inclusion_probability < 1e999", "inf beside a probability is finer than a millionth"),
        (
            "inclusion_probability == 1",
            "1 beside a probability may be certainty or one millionth; write 1.0 or 0.000001",
        ),
        (
            "kind == 'lottery' and 1 > inclusion_probability",
            "1 beside a probability may be certainty or one millionth",
        ),
    ],
)
def test_a_condition_that_no_probability_can_meet_exactly_is_refused(
    condition: str, reason: str
) -> None:
    with pytest.raises(CatalogueError, match=reason):
        parse_row(condition, "here")


def test_decimals_stand_beside_probabilities_alone() -> None:
    tree = in_millionths(
        parse_row("planned_minutes > 0.5 or inclusion_probability > 0.5", "here"), "here"
    )
    assert [node.value for node in _constants(tree)] == [0.5, 500_000]


def _constants(tree: Any) -> list[Any]:
    import ast

    return [node for node in ast.walk(tree) if isinstance(node, ast.Constant)]


def test_the_contract_tells_how_fine_a_probability_may_be() -> None:
    columns = {
        (table["table"], column["name"]): column
        for table in contract_as_json()
        for column in table["columns"]
    }
    for table in ("inspections", "claim_reviews", "draws"):
        column = columns[table, "inclusion_probability"]
        assert (column["least"], column["most"]) == (0.000001, 1)
        assert column["law_en"] == "above 0 and at most 1, to at most 6 decimals"


# Rows sent in a request.


def sent(store: Store, value: Any) -> list[int]:
    """Return the probability of a visit sent in a request as its rows hold it."""
    row = VISIT | {"inspection": "i1", "inclusion_probability": value, "recorded_on": "2015-01-01"}
    rows = Sent(store, {"inspections": [row]})
    return list(
        rows.rows("inspections", "enterprise", 0, 2**31, ("inclusion_probability",))[
            "inclusion_probability"
        ].tolist()
    )


def test_a_probability_sent_is_the_one_that_a_load_stores(write_source: Write) -> None:
    store = open_store(
        write_source({"enterprises": [FIRM | {"enterprise": "e1"}], "inspections": []})
    )
    assert [sent(store, value) for value in (0.25, 0.000045, 1, 1.0)] == [
        [250_000],
        [45],
        [CERTAIN],
        [CERTAIN],
    ]
    for value in (0.1234567, 0.1 + 0.2, 0, -0.5, 1.5, True, "0.5", float("nan")):
        with pytest.raises(
            RequestError,
            match="inclusion_probability should be above 0 and at most 1, to at most 6 decimals",
        ):
            sent(store, value)


# What versions before have written.


def journal_of(home: Path, chance: float) -> None:
    """Write a draw into the journal of the source by hand."""
    write_journal_part(
        home / "journal" / "hand",
        "draws",
        "undeclared_workers.d1",
        {
            "draw": ["d1", "d1"],
            "enterprise": ["e1", "e2"],
            "drawn_on": [LAST, LAST],
            "inclusion_probability": [chance] * 2,
            "drawn": [0, 1],
            "recorded_on": [LAST, LAST],
        },
    )


@pytest.mark.parametrize(
    ("chance", "millionths"), [(1 / 3, 333_333), (2 / 3, 666_667), (1e-9, 1), (1.0, CERTAIN)]
)
def test_a_finer_draw_of_a_version_before_is_read_to_the_nearest_millionth(
    write_source: Write,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    chance: float,
    millionths: int,
) -> None:
    monkeypatch.setenv("LSSI_HOME", str(tmp_path / "home"))
    journal_of(tmp_path / "home", chance)
    store = open_store(
        write_source({"enterprises": [FIRM | {"enterprise": name} for name in ("e1", "e2")]})
    )
    assert (store.summary["tables"]["draws"]["refused"], held(store, "draws")) == (
        0,
        [millionths] * 2,
    )


def aged(folder: Path) -> None:
    """Give a live store the form of a version before: probabilities as floats, finer ones among them."""
    summary = summary_at(folder)
    for path in files_below(folder, "*.parquet"):
        rows = read_table(path)
        if "inclusion_probability" in rows.column_names:
            place = rows.column_names.index("inclusion_probability")
            whole = rows["inclusion_probability"].to_pylist()
            floats = [None if value is None else value / CERTAIN + 1e-8 for value in whole]
            pq.write_table(
                rows.set_column(place, "inclusion_probability", pa.array(floats, pa.float64())),
                path,
            )
    for seal in files_below(folder, "*.seal"):
        seal.unlink()
    del summary[MARK], summary[FILES]
    (folder / "store.json").write_text(json.dumps(summary), "utf-8")


def test_a_live_store_of_a_version_before_is_brought_to_millionths_and_grows_on(
    write_source: Write,
) -> None:
    late = [
        row | {"recorded_on": f"2015-0{3 + place}-01"}
        for place, row in enumerate(visits([0.25, "", 0.000001, 1]))
    ]
    source = find_source(
        write_source({"enterprises": [FIRM | {"enterprise": "e1"}], "inspections": late})
    )
    for day in ("2015-03-31", "2015-04-30"):
        feed(source, day_of(day))
    folder = live_folder(source)
    assert folder is not None
    before = held(open_store(source))
    flat = open_store(source).rows(
        "inspections", by="enterprise", low=0, high=9, columns=("inclusion_probability",)
    )
    aged(folder)
    assert held(open_store(source)) == before == [250_000, NULL]
    again = open_store(source).rows(
        "inspections", by="enterprise", low=0, high=9, columns=("inclusion_probability",)
    )
    assert again["inclusion_probability"].tolist() == flat["inclusion_probability"].tolist()
    assert files_in(folder, MARK) != []
    feed(source, LAST)
    assert held(open_store(source)) == [250_000, NULL, 1, CERTAIN]
