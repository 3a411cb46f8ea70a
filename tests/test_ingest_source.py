"""A source is a folder; everything wrong with it is one clear line."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from features.connection import MODEST
from features.errors import SourceError
from features.ingest.source import data_folder, find_source
from features.ingest.source_toml import declaration_of
from features.ingest.typed_sql import reading_connection
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


def test_all_missing_tables_are_declared_absent_by_the_one_line_that_is_printed(
    write_source: Write,
) -> None:
    folder = write_source({"complaints": [], "deaths": [], "holidays": []})
    (folder / "deaths.csv").unlink()
    (folder / "holidays.csv").unlink()
    message = refusal(folder)
    assert message.startswith("table 'deaths' is missing (and 1 more): add deaths.sql")
    line = re.search(r"absent = \[.*?\]", message)
    assert line is not None
    toml = folder / "source.toml"
    toml.write_text(re.sub(r"(?s)absent = \[.*?\]", line[0], toml.read_text()))
    assert set(find_source(folder).tables) >= {"complaints"}
    assert not {"deaths", "holidays"} & set(find_source(folder).tables)


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
            "clock: should be a time zone such as Asia/Shanghai; got 'Mars/Olympus'",
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


SPLIT = """
horizon = 1
as_of = [2014-01-01]
violation = 1
[target.x.split]
train_until = {}
test_from = {}
test_until = {}
"""
VISIT = TARGET.format(name="x", unit="enterprise-day", label="visit")
NO_DAY = "should be a day such as 2015-06-30, without a time"


def with_end(folder: Path, end: str) -> Path:
    place = folder / "source.toml"
    text = place.read_text("utf-8").replace("complete_to = 2015-06-30", f"complete_to = {end}")
    place.write_text(text, "utf-8")
    return folder


@pytest.mark.parametrize(
    ("end", "says"),
    [
        *((end, NO_DAY) for end in ("1435622400", "1435622400000", "16616", "0", "1.0", "true")),
        *((end, NO_DAY) for end in ("inf", "nan", "12:00:00", "[2015-06-30]", "{}", '"epoch"')),
        *((end, NO_DAY) for end in ('"1435622400"', '" 2015-06-30"', '"2015-02-30"', '"20150630"')),
        ("2015-06-30T00:00:00", f"{NO_DAY}; got 2015-06-30 00:00:00"),
        ("2015-06-30T00:00:00-08:00", f"{NO_DAY}; got 2015-06-30 00:00:00-08:00"),
        ('"2015-06-30T00:00:00Z"', f"{NO_DAY}; got '2015-06-30T00:00:00Z'"),
        ("0001-01-01", "should lie between 1800 and 9999; got 0001-01-01"),
        ("2015-02-30", "is not valid TOML"),
    ],
)
def test_a_declared_day_is_a_day_and_nothing_that_becomes_one(
    write_source: Write, end: str, says: str
) -> None:
    said = refusal(with_end(write_source({"complaints": []}), end))
    assert says in said and ("complete_to: " in said or "TOML" in said)


@pytest.mark.parametrize("end", ["2015-06-30", '"2015-06-30"'])
def test_a_declared_day_is_a_date_or_its_text(write_source: Write, end: str) -> None:
    source = find_source(with_end(write_source({"complaints": []}), end))
    assert source.declaration.complete_to.isoformat() == "2015-06-30"


@pytest.mark.parametrize(
    ("toml", "says"),
    [
        *(
            (f"assumed_delays = {{deaths = {delay}}}", "assumed_delays.deaths: Input should be ")
            for delay in ("true", '"3"', "3.0", "-5", "3661", "9" * 23, "inf", "2015-06-30")
        ),
        *((f"dormant_months = {months}", "dormant_months: ") for months in ("true", '"6"', "6.0")),
        *((VISIT + f"violation = {number}", "violation: ") for number in ("true", '"1"', "1.0")),
        *((VISIT + f"horizon = {days}", "horizon: ") for days in ("true", '"3"', "3.0", "-1")),
        *((VISIT + f"capacity = {share}", "capacity: ") for share in ("inf", "nan", "true", '"1"')),
        *((VISIT + f"as_of = [2015-01-01, {day}]", "as_of.1: ") for day in ("0", "true", '"now"')),
        *(
            (
                f'clock = "{name}"',
                f"clock: should be a time zone such as Asia/Shanghai; got '{name}'",
            )
            for name in (
                "localtime",
                "right/UTC",
                "posix/UTC",
                "UTC+8",
                "asia/shanghai",
                "",
                "Asia",
            )
        ),
        *(
            (
                VISIT + SPLIT.format(*days),
                "target.x.split: should have train_until before test_from",
            )
            for days in (
                ("2015-06-01", "2015-01-01", "2014-01-01"),
                ("2014-01-01", "2014-01-01", "2014-02-01"),
                ("2014-01-01", "2014-03-01", "2014-02-28"),
            )
        ),
        ("x = " + "9" * 5000, "is not valid TOML"),
        ("x = " + "[" * 5000 + "]" * 5000, "is not valid TOML"),
        ("x = " + "{a = " * 5000 + "1" + "}" * 5000, "is not valid TOML"),
    ],
)
def test_what_is_declared_is_taken_as_it_is_or_refused_by_its_key(
    write_source: Write, toml: str, says: str
) -> None:
    said = refusal(write_source({"complaints": []}, toml))
    assert says in said
    assert "TOML" in said or "got" in said


@settings(
    max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    key=st.sampled_from(["assumed_delays", "violation", "horizon", "dormant_months", "capacity"]),
    value=st.one_of(
        st.integers(-(10**24), 10**24), st.integers(-2, 4000), st.floats(), st.booleans(), st.text()
    ),
)
def test_a_number_is_stored_as_it_is_declared_or_refused(key: str, value: object) -> None:
    target: dict[str, object] = {"zh": "z", "en": "e", "unit": "claim", "label": "review"}
    said: dict[str, object] = {"name": "s", "zh": "z", "en": "e", "complete_to": "2015-06-30"}
    if key == "assumed_delays":
        said[key] = {"deaths": value}
    elif key == "dormant_months":
        said[key] = value
    else:
        said["target"] = {"t": target | {key: value}}
    try:
        declared = declaration_of(said, "source.toml")
    except SourceError as error:
        message = str(error)
    else:
        stored = {
            "assumed_delays": declared.assumed_delays.get("deaths"),
            "dormant_months": declared.dormant_months,
        }
        if declared.target:
            stored |= declared.target["t"].model_dump()
        number = stored[key]
        assert number == value and type(value) is not bool
        assert isinstance(value, int) or key == "capacity"
        assert 0 <= number < float("inf")
        return
    assert f"{key}" in message and "\n" not in message


@pytest.mark.parametrize("clock", ["UTC", "Asia/Shanghai", "EST5EDT", "PRC", "America/Chicago"])
def test_every_clock_that_is_accepted_is_one_of_the_connection(
    write_source: Write, clock: str
) -> None:
    source = find_source(write_source({"complaints": []}, f'clock = "{clock}"\n'))
    connection = reading_connection(source, MODEST)
    assert connection.sql("SELECT current_setting('TimeZone')").fetchall() == [(clock,)]


def test_the_closed_day_must_be_declared(write_source: Write) -> None:
    folder = write_source({"complaints": []})
    place = folder / "source.toml"
    place.write_text(place.read_text("utf-8").replace("complete_to = 2015-06-30", ""), "utf-8")
    assert "complete_to: Field required" in refusal(folder)
