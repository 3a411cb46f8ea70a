"""A source is a folder; everything wrong with it is one clear line."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from features.errors import SourceError
from features.ingest.source import data_folder, find_source
from features.store.opening import open_store

Write = Callable[..., Path]
ATTRIBUTE = '[[attribute]]\ntable = "enterprises"\nname = "{}"\ntype = "category"\nzh = "风险"\nen = "risk"\n'
TARGET = '[target.{name}]\nzh = "目标"\nen = "target"\nunit = "{unit}"\nlabel = "{label}"\n'


def test_a_source_knows_its_tables_its_day_and_its_attributes(write_source: Write) -> None:
    source = find_source(
        write_source({"enterprises": [], "complaints": []}, ATTRIBUTE.format("risk"))
    )
    assert set(source.tables) == {"enterprises", "complaints"} and source.name == "hand"
    assert source.complete_to == 16616
    risk = source.columns("enterprises")[-1]
    assert (risk.name, risk.kind, risk.space, risk.optional) == (
        "risk",
        "id",
        "attribute.enterprises.risk",
        True,
    )
    assert source.attributes("complaints") == ()


def test_a_target_is_read_with_its_event_population_and_split(write_source: Write) -> None:
    toml = (
        TARGET.format(name="any_claim", unit="enterprise-day", label="event")
        + """
horizon = 180
as_of = ["2014-06-30"]
[target.any_claim.event]
table = "complaints"
when = "lodged"
[target.any_claim.population]
filter = "complaints_all > 0"
[target.any_claim.split]
train_until = 2014-06-30
test_from = 2015-01-01
test_until = 2015-06-30
"""
    )
    target = find_source(write_source({"complaints": []}, toml)).targets["any_claim"]
    assert target.event is not None and target.event.table == "complaints" and target.horizon == 180
    assert (
        target.population is not None
        and target.split is not None
        and str(target.as_of[0]) == "2014-06-30"
    )


def test_data_is_what_is_given_else_the_variable_else_the_default(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("LSSI_DATA", str(tmp_path / "there"))
    assert data_folder(tmp_path / "here") == tmp_path / "here"
    assert data_folder(None) == tmp_path / "there"
    monkeypatch.delenv("LSSI_DATA")
    monkeypatch.chdir(tmp_path)
    assert data_folder(None) == tmp_path.parent / "shared" / "data"


def refusal(folder: Path) -> str:
    with pytest.raises(SourceError) as caught:
        find_source(folder)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_a_file_or_nothing_is_no_source(write_source: Write, tmp_path: Path) -> None:
    folder = write_source({"complaints": []})
    assert "is a file; a source is a folder" in refusal(folder / "source.toml")
    assert "does not exist" in refusal(tmp_path / "nowhere")
    (tmp_path / "bare").mkdir()
    assert "holds no source.toml" in refusal(tmp_path / "bare")


def test_a_table_neither_found_nor_declared_absent_is_named(write_source: Write) -> None:
    folder = write_source({"complaints": [], "deaths": []})
    (folder / "deaths.csv").unlink()
    assert refusal(folder).startswith(
        "table 'deaths' is missing: add deaths.sql, .parquet, .csv or a folder"
    )


def test_a_table_found_though_declared_absent_or_found_twice_is_named(write_source: Write) -> None:
    folder = write_source({"complaints": []})
    (folder / "deaths.csv").write_text("x\n", "utf-8")
    assert "'deaths' is declared absent but deaths.csv exists" in refusal(folder)
    (folder / "deaths.csv").unlink()
    (folder / "complaints.sql").write_text("SELECT 1", "utf-8")
    assert "'complaints' is there twice: complaints.sql, complaints.csv" in refusal(folder)


@pytest.mark.parametrize(
    "name",
    ["overrides.csv.gz", "Alerts.CSV", "plans.parquet.bak", "Complaints.csv", "deaths.xlsx"],
)
def test_a_file_named_as_a_table_that_is_not_read_is_refused(
    write_source: Write, name: str
) -> None:
    folder = write_source({"complaints": []})
    (folder / name).write_text("x", "utf-8")
    assert f"{name} is named as the table" in refusal(folder)
    (folder / name).rename(folder / f".{name}")
    find_source(folder)


def test_a_copy_beside_the_table_itself_is_left_alone(write_source: Write) -> None:
    folder = write_source({"complaints": []})
    (folder / "complaints.csv.bak").write_text("x", "utf-8")
    (folder / "prepare.py").write_text("x", "utf-8")
    assert find_source(folder).tables["complaints"].name == "complaints.csv"


def test_a_link_is_read_as_its_name_says_and_a_link_to_nothing_is_refused(
    write_source: Write, tmp_path: Path
) -> None:
    folder = write_source(
        {"deaths": [{"worker": "w1", "died_on": "2015-05-01", "recorded_on": "2015-05-02"}]}
    )
    (folder / "deaths.csv").rename(tmp_path / "blob-7f")
    (folder / "deaths.csv").symlink_to(tmp_path / "blob-7f")
    assert open_store(folder).size("deaths") == 1
    (tmp_path / "blob-7f").unlink()
    assert "deaths.csv is a link to nothing" in refusal(folder)


@pytest.mark.parametrize("name", ["source.toml", "deaths.sql"])
def test_a_text_that_is_not_utf_8_is_refused_with_its_line(write_source: Write, name: str) -> None:
    folder = write_source({"deaths": []})
    (folder / "deaths.csv").rename(folder / "rows.csv")
    query = "SELECT * FROM csv('${SOURCE}/rows.csv')"
    (folder / "deaths.sql").write_text(query, "utf-8")
    text = (folder / name).read_text("utf-8")
    comment = "#" if name.endswith("toml") else "--"
    (folder / name).write_bytes(f"{text}\n".encode() + f"{comment} 死亡\n".encode("gb18030"))
    line = text.count("\n") + 2
    with pytest.raises(SourceError, match=rf"line {line} is not UTF-8; save the file as UTF-8"):
        open_store(folder)


@pytest.mark.parametrize("toml", ["n = " + "9" * 5_000, "n = " + "[" * 5_000 + "]" * 5_000])
def test_a_declaration_that_no_parser_takes_is_one_line(write_source: Write, toml: str) -> None:
    assert "is not valid TOML" in refusal(write_source({"complaints": []}, toml))


def test_an_empty_data_folder_is_no_folder(write_source: Write) -> None:
    with pytest.raises(SourceError, match="--data is empty"):
        find_source(write_source({"complaints": []}), "")


@pytest.mark.parametrize(
    ("toml", "says"),
    [
        ("colour = 1", "colour: Extra inputs are not permitted"),
        ("complete_to = ", "is not valid TOML"),
        (
            'clock = "Mars/Olympus"',
            "clock: Value error, should be a time zone such as Asia/Shanghai",
        ),
        ("[assumed_delays]\nplanets = 3", "'planets' is no table of the contract"),
        (
            ATTRIBUTE.format("cell"),
            "attribute 'cell' of enterprises is declared twice or is a contract column",
        ),
        (ATTRIBUTE.format("a") * 2, "attribute 'a' of enterprises is declared twice"),
        (ATTRIBUTE.format("sign"), "attribute 'sign'"),
        (ATTRIBUTE.format("Weird Name"), "attribute.0.name: String should match pattern"),
        (TARGET.format(name="x", unit="inspection", label="visit"), "needs violation = 1 to 5"),
        (TARGET.format(name="x", unit="enterprise-day", label="event"), "needs [target.x.event]"),
        (
            TARGET.format(name="x", unit="enterprise-day", label="visit") + "violation = 1",
            "needs as_of days and a horizon",
        ),
        (
            TARGET.format(name="x", unit="planet", label="visit"),
            "target.x.unit: Input should be 'enterprise-day'",
        ),
        (
            TARGET.format(name="x", unit="inspection", label="visit") + "violation = 6",
            "target.x.violation",
        ),
    ],
)
def test_whatever_is_wrong_in_the_declaration_is_one_line(
    write_source: Write, toml: str, says: str
) -> None:
    assert says in refusal(write_source({"complaints": []}, toml))


def test_the_closed_day_must_be_declared(write_source: Write) -> None:
    folder = write_source({"complaints": []})
    place = folder / "source.toml"
    place.write_text(place.read_text("utf-8").replace("complete_to = 2015-06-30", ""), "utf-8")
    assert "complete_to: Field required" in refusal(folder)
