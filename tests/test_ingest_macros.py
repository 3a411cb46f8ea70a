"""The macros of a view, `csv('…')` and `parquet('…')`, read by the same rules as a table that lies as a file."""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from features.check.load_report import check
from features.errors import SourceError
from features.ingest.macros import calls
from features.store.opening import open_store

Write = Callable[..., Path]
VIEW = (
    "SELECT who AS worker, died AS died_on, who || died AS row_id, died AS recorded_on, 0 AS retracted "
    "FROM {} AS d ORDER BY who"
)
ROWS = "who,died\n'1,2015-01-01\n#2,2015-01-02\n"


@pytest.fixture
def viewed(write_source: Write, tmp_path: Path) -> Callable[..., tuple[Path, Path]]:
    """`viewed(scan, {file: content})`: a source whose deaths are a view of a scan, and its data folder."""

    def write(
        scan: str, files: dict[str, str | bytes], view: str = VIEW, data: str = "data"
    ) -> tuple[Path, Path]:
        folder, place = write_source({"deaths": []}), tmp_path / data
        (folder / "deaths.csv").unlink()
        (folder / "deaths.sql").write_text(view.format(scan), "utf-8")
        place.mkdir(exist_ok=True)
        for name, content in files.items():
            (place / name).parent.mkdir(parents=True, exist_ok=True)
            (place / name).write_bytes(content.encode() if isinstance(content, str) else content)
        return folder, place

    return write


def counted(viewed: tuple[Path, Path]) -> tuple[int, int]:
    table = open_store(*viewed).summary["tables"]["deaths"]
    return table["accepted"], table["refused"]


def refusal(viewed: tuple[Path, Path]) -> str:
    with pytest.raises(SourceError) as caught:
        open_store(*viewed)
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize(
    ("scan", "files"),
    [
        ("csv('${DATA}/a.csv')", {"a.csv": ROWS}),
        ("CSV( '${DATA}/a.csv' )", {"a.csv": ROWS.replace(",", ";")}),
        ("csv('${DATA}/a.csv', delimiter := '|')", {"a.csv": ROWS.replace(",", "|")}),
        ("csv('${DATA}/a.csv', delimiter = '\\t')", {"a.csv": ROWS.replace(",", "\t")}),
        (
            "csv('${DATA}/a.csv', encoding := 'gb18030')",
            {"a.csv": ROWS.replace("who", "人").encode("gb18030")},
        ),
        ("csv('${DATA}/a.csv')", {"a.csv": ROWS.encode("utf-16")}),
        (
            "csv('${DATA}/*.csv')",
            {
                "a.csv": "who,died\n1,2015-01-01\n",
                "b.csv": "died;who\n2015-01-01;2\n",
                ".c.csv": "x",
            },
        ),
        (
            "csv('${DATA}/part')",
            {"part/a.csv": "who,died\n1,2015-01-01\n", "part/b.CSV": "who,died\n2,2015-01-01\n"},
        ),
        (
            "csv(['${DATA}/a.csv', '${DATA}/b.csv'])",
            {"a.csv": "who,died\n1,2015-01-01\n", "b.csv": "who,died\n2,2015-01-01\n"},
        ),
        ("csv('${DATA}/a[1].csv')", {"a[1].csv": ROWS, "a1.csv": "x"}),
        ("csv('${DATA}/month=3/a.csv')", {"month=3/a.csv": ROWS}),
        ("/* csv('no') */ csv('${DATA}/it''s.csv') -- parquet('no')\n", {"it's.csv": ROWS}),
    ],
)
def test_a_macro_reads_the_files_it_names(
    viewed: Callable[..., tuple[Path, Path]], scan: str, files: dict[str, str | bytes]
) -> None:
    view = VIEW.replace("who", '"人"') if "gb18030" in scan else VIEW
    assert counted(viewed(scan, files, view)) == (2, 0)


@pytest.mark.parametrize("data", ["数据 源 [1]", "s?", "a=b #%&", "it's"])
def test_a_data_folder_is_no_pattern_and_gives_no_value(
    viewed: Callable[..., tuple[Path, Path]], data: str
) -> None:
    rows = {"a.csv": ROWS}
    assert counted(viewed("csv('${DATA}/*.csv')", rows, data=data)) == (2, 0)


def test_parquet_is_read_by_name_and_by_pattern(
    viewed: Callable[..., tuple[Path, Path]], tmp_path: Path
) -> None:
    for scan in (
        "parquet('${DATA}/month=1/a.parquet')",
        "parquet('${DATA}/month=1/*.parquet')",
        "parquet('${DATA}/month=1')",
    ):
        given_ = viewed(scan, {"month=1/none.txt": ""})
        pl.DataFrame({"who": ["1", "2"], "died": ["2015-01-01"] * 2}).write_parquet(
            given_[1] / "month=1" / "a.parquet"
        )
        assert counted(given_) == (2, 0)


def test_a_broken_record_beneath_a_view_is_one_refused_row_that_says_where(
    viewed: Callable[..., tuple[Path, Path]],
) -> None:
    summary = check(
        *viewed("csv('${DATA}/a.csv')", {"a.csv": ROWS + "3\n4,2015-01-04,x,y\n\n5,2015-01-05\n"})
    )
    assert (summary["accepted"], summary["refused"]) == (3, 2)
    with (Path(summary["refused_rows"]) / "deaths.csv").open(encoding="utf-8", newline="") as file:
        refused = [(row["row_id"], row["reason"]) for row in csv.DictReader(file)]
    assert refused == [
        ("a.csv line 4", "a.csv: the record has too few fields: 1 of 2"),
        ("a.csv line 5", "a.csv: the record has too many fields: 4 of 2"),
    ]


@pytest.mark.parametrize(
    "died", ["CAST(died AS DATE)", "CAST(died AS TIMESTAMP)", "CAST(died AS TIMESTAMPTZ)"]
)
def test_a_broken_record_changes_no_day_of_the_others(
    viewed: Callable[..., tuple[Path, Path]], died: str
) -> None:
    view = VIEW.replace("died AS recorded_on", f"{died} AS recorded_on").replace(
        "who || died", "row_number() OVER ()"
    )
    days = []
    for rows in (ROWS, ROWS + "3\n"):
        store = open_store(*viewed("csv('${DATA}/a.csv')", {"a.csv": rows}, view))
        days.append(store.all_rows("deaths", ("known",))["known"].tolist())
    assert days[0] == days[1]


@pytest.mark.parametrize(
    ("scan", "says"),
    [
        ("csv('${DATA}/none.csv')", "names no file; a pattern may stand in the last part"),
        ("csv('${DATA}/*/a.csv')", "names no file; a pattern may stand in the last part"),
        ("csv('${DATA}/empty')", "holds no file of the form .csv"),
        ("csv('${DATA}/a.csv', header := true)", "csv('…') has no option 'header'"),
        ("parquet('${DATA}/a.csv', delimiter := ';')", "parquet('…') has no option 'delimiter'"),
        ("csv('${DATA}/a.csv', delimiter := ';;')", "should be one character"),
        ("csv('${DATA}/a.csv', encoding := 'gb')", "should be an encoding"),
        ("csv('${DATA}/tie.csv')", "csv('…', delimiter := ';')"),
        ("csv('${DATA}/gb.csv')", "csv('…', encoding := 'gb18030')"),
        ("csv(['${DATA}/a.csv', '${DATA}/b.csv'])", "differ in column"),
        ("csv('/etc/passwd')", "deaths.sql reads outside the data of its source: /etc/passwd"),
        ("csv('${DATA}/../outside.csv')", "deaths.sql reads outside the data of its source"),
        ("csv('${DATA}/link.csv')", "deaths.sql reads outside the data of its source"),
        ("parquet('/nowhere/*.parquet')", "deaths.sql reads outside the data of its source"),
    ],
)
def test_what_a_macro_cannot_read_is_refused_by_name(
    viewed: Callable[..., tuple[Path, Path]], tmp_path: Path, scan: str, says: str
) -> None:
    (tmp_path / "outside.csv").write_text("secret\n", "utf-8")
    source = viewed(
        scan,
        {
            "a.csv": ROWS,
            "b.csv": "who,gone\n",
            "tie.csv": "a;b,c\n",
            "gb.csv": "人,b\n".encode("gb18030"),
            "empty/x.txt": "",
        },
    )
    (source[1] / "link.csv").symlink_to(tmp_path / "outside.csv")
    said = refusal(source)
    assert said.startswith("deaths.sql") and says in said and "secret" not in said


def test_files_that_differ_are_read_as_one_where_the_view_says_so(
    viewed: Callable[..., tuple[Path, Path]],
) -> None:
    files = {"a.csv": "who,died,more\n1,2015-01-01,x\n", "b.csv": "who,died\n2,2015-01-01\n"}
    assert counted(viewed("csv('${DATA}/*.csv', union_by_name := true)", files)) == (2, 0)


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    path=st.text(
        st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=12
    ),
    before=st.sampled_from(
        [
            "",
            "-- csv('x')\n",
            "/* csv('x') */",
            "'csv(''x'')', ",
            '"csv", ',
            "$$csv('x')$$, ",
            "a.csv, ",
        ]
    ),
)
def test_a_macro_is_found_where_it_stands_and_nowhere_else(path: str, before: str) -> None:
    query = (
        f"SELECT {before}1 FROM csv('{path.replace(chr(39), chr(39) * 2)}', delimiter := ';') AS 表"
    )
    found = calls(query, ("csv",))
    assert [(call.paths, call.options) for call in found] == [((path,), {"delimiter": ";"})]
    assert query[found[0].begin :].startswith("csv(") and query[found[0].end :] == " AS 表"


def test_a_check_says_what_a_bare_read_guesses(viewed: Callable[..., tuple[Path, Path]]) -> None:
    rows = {"a.csv": "who,died\n1,2015-01-01\n2,2015-01-02\n"}
    bare = check(*viewed("read_csv('${DATA}/a.csv')", rows))
    assert bare["accepted"] == 2
    guesses = (
        "deaths.sql reads a.csv bare, and DuckDB guesses its delimiter ',', quote none, escape none, header true, comment none, "
        "types who BIGINT, died DATE; write csv('${DATA}/a.csv') instead"
    )
    assert bare["notes"] == [guesses]
    said = check(
        *viewed("read_csv('${DATA}/a.csv', delim = ',', header = true, all_varchar = true)", rows)
    )["notes"]
    assert (
        len(said) == 1
        and "delimiter" not in said[0]
        and "types" not in said[0]
        and "quote" in said[0]
    )
    assert "types who BIGINT" in check(*viewed("'${DATA}/a.csv'", rows))["notes"][0]
    assert check(*viewed("csv('${DATA}/a.csv')", rows))["notes"] == []


@pytest.mark.parametrize(
    "scan",
    [
        "read_parquet('${DATA}/*.parquet')",
        "parquet_scan(['${DATA}/a.parquet', '${DATA}/b.parquet'])",
        "'${DATA}/*.parquet'",
    ],
)
def test_a_bare_read_of_parquet_refuses_the_parts_that_the_macro_refuses(
    viewed: Callable[..., tuple[Path, Path]], scan: str
) -> None:
    source = viewed(scan, {})
    for who, is_refused in (("012", True), (13, False)):
        for name, value in (("a", 12), ("b", who)):
            frame = pl.DataFrame({"who": [value], "died": ["2015-01-01"]})
            frame.write_parquet(source[1] / f"{name}.parquet")
        if is_refused:
            assert refusal(source).startswith("deaths.sql: column who is VARCHAR in b.parquet")
        else:
            assert counted(source) == (2, 0)
