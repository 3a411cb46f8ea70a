"""Bad input at the command line: one clear line, exit code 2, nothing half-written and nothing lost."""

from __future__ import annotations

import json
import shutil
import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from features.home import home
from features.ingest.scan import files_below, files_in
from models.bundle.bundle import Parts, load_bundle, write_bundle
from models.bundle.champions import ModelKey, Pointer
from models.bundle.generation import models_in_use, promote_model
from tests.said import Say

Write = Callable[..., Path]
FIRM = {"enterprise": "e1", "since": "2012-01-01", "registered": "2012-01-01"}
TABLES = {
    "enterprises": [FIRM, FIRM | {"enterprise": "e2"}],
    "tax_payroll": [{"enterprise": "e1", "month": "2014-10", "employees": 5, "payroll": 100}],
}


@pytest.fixture
def source(write_source: Write) -> Path:
    return write_source(TABLES)


def stores() -> list[Path]:
    return files_below(home() / "stores", "store.json")


def test_a_sound_source_is_checked_and_its_store_remains(say: Say, source: Path) -> None:
    answer = say("check", source, "--json")
    assert (answer.code, json.loads(answer.out)["accepted"]) == (0, 3)
    assert len(stores()) == 1


def drop_a_table(source: Path) -> None:
    (source / "tax_payroll.csv").unlink()


def break_the_toml(source: Path) -> None:
    (source / "source.toml").write_text("name = ", "utf-8")


def wish_for_more(source: Path) -> None:
    with (source / "source.toml").open("a", encoding="utf-8") as toml:
        toml.write("wish = 1\n")


def date_the_source_wrongly(source: Path) -> None:
    text = (source / "source.toml").read_text("utf-8")
    (source / "source.toml").write_text(text.replace("2015-06-30", '"the end of June"'), "utf-8")


def lose_a_column(source: Path) -> None:
    (source / "tax_payroll.csv").write_text(
        "row_id,recorded_on,retracted,enterprise\n1,2015-01-01,0,e1\n", "utf-8"
    )


def read_outside(source: Path) -> None:
    drop_a_table(source)
    (source / "tax_payroll.sql").write_text(
        "SELECT * FROM read_csv('/etc/passwd', header = false)", "utf-8"
    )


def write_from_a_view(source: Path) -> None:
    drop_a_table(source)
    (source / "tax_payroll.sql").write_text("COPY (SELECT 1) TO 'stolen.csv'", "utf-8")


def misspell_a_view(source: Path) -> None:
    drop_a_table(source)
    (source / "tax_payroll.sql").write_text("SELEKT 1", "utf-8")


def name_no_file(source: Path) -> None:
    drop_a_table(source)
    (source / "tax_payroll.sql").write_text("SELECT * FROM '${DATA}/nowhere.parquet'", "utf-8")


def damage_a_file(source: Path) -> None:
    drop_a_table(source)
    (source / "tax_payroll.parquet").write_bytes(b"PAR1 this is no Parquet PAR1")


def empty_a_file(source: Path) -> None:
    (source / "tax_payroll.csv").write_bytes(b"")


def keep_a_table_twice(source: Path) -> None:
    shutil.copy(source / "tax_payroll.csv", source / "tax_payroll.parquet")


def forget_the_declaration(source: Path) -> None:
    (source / "source.toml").unlink()


@pytest.mark.parametrize(
    ("harm", "says"),
    [
        (drop_a_table, "'tax_payroll' is missing"),
        (break_the_toml, "not valid TOML"),
        (wish_for_more, "wish"),
        (date_the_source_wrongly, "complete_to"),
        (lose_a_column, "lacks column"),
        (read_outside, "tax_payroll.sql"),
        (write_from_a_view, "tax_payroll.sql"),
        (misspell_a_view, "tax_payroll.sql"),
        (name_no_file, "tax_payroll.sql"),
        (damage_a_file, "tax_payroll.parquet"),
        (empty_a_file, "tax_payroll"),
        (keep_a_table_twice, "there twice"),
        (forget_the_declaration, "no source.toml"),
    ],
)
def test_a_broken_source_stops_with_one_line_and_leaves_no_store(
    say: Say,
    source: Path,
    harm: Callable[[Path], None],
    says: str,
) -> None:
    harm(source)
    answer = say("check", source)
    assert says in answer.line
    assert answer.err.startswith("error: source_unreadable: ")
    assert stores() == []
    assert not (Path.cwd() / "stolen.csv").exists()


def test_a_broken_source_leaves_the_last_good_store_alone(say: Say, source: Path) -> None:
    say("check", source)
    before = stores()
    read_outside(source)
    assert say("check", source).line
    assert stores() == before != []


@pytest.mark.parametrize("what", ["file", "nothing"])
def test_a_file_or_nothing_is_no_source(say: Say, tmp_path: Path, what: str) -> None:
    if what == "file":
        (tmp_path / what).write_text("x", "utf-8")
    assert "a source is a folder with a source.toml" in say("check", tmp_path / what).line


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"employees": "many"}, "employees should be a whole number of persons"),
        ({"employees": "nan"}, "employees should be a whole number of persons"),
        ({"employees": -1}, "employees should be 0"),
        ({"employees": ""}, "employees is missing"),
        ({"payroll": "-5"}, "payroll should not be negative"),
        ({"payroll": "1e400"}, "payroll should be"),
        ({"month": "2014-13"}, "month should be a month such as 2015-06"),
        ({"recorded_on": "2031-01-01"}, "recorded_on lies after 2015-06-30"),
        ({"recorded_on": "soon"}, "recorded_on should be a day such as 2015-06-30"),
        ({"row_id": "tax_payroll-1"}, "row_id is there twice"),
        ({"retracted": 2}, "retracted should be 0 or 1"),
        ({"retracted": 1}, "retracts a key that was never recorded before"),
    ],
)
def test_a_bad_row_is_set_aside_with_its_reason_and_the_others_stay(
    say: Say,
    write_source: Write,
    change: dict[str, object],
    says: str,
) -> None:
    bad = {"enterprise": "e2", "month": "2014-11", "employees": 5, "payroll": 100} | change
    answer = say(
        "check", write_source(TABLES | {"tax_payroll": [*TABLES["tax_payroll"], bad]}), "--json"
    )
    found = json.loads(answer.out)
    assert (answer.code, found["tables"]["tax_payroll"]["accepted"], found["refused"]) == (0, 1, 1)
    assert says in (Path(found["refused_rows"]) / "tax_payroll.csv").read_text("utf-8")


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--week", "yesterday"], "a day should look like 2015-06-30; got 'yesterday'"),
        (["--week", "2015-02-30"], "got '2015-02-30'"),
        (["--week", "2015-06-30", "--target", "nobody"], "'nobody'"),
        (["--week", "2015-06-30"], "no model of 'undeclared_workers' is promoted"),
        ([], "--week"),
        (["--week", "2015-06-30", "--minutes", "-5"], "--minutes"),
        (["--week", "2015-06-30", "--target", "../../etc/passwd"], "target"),
    ],
)
def test_a_plan_that_cannot_be_made_says_why(
    say: Say, source: Path, words: list[str], says: str
) -> None:
    answer = say("plan", source, *words)
    assert says in answer.line
    assert not (home() / "journal").exists()


DAY = ["--as-of", "2015-06-30"]


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (
            ["--entity", "dog", *DAY],
            "the entity should be one of enterprise, claim, provider; got 'dog'",
        ),
        (
            ["--entity", "enterprise", "--as-of", "30.6.2015"],
            "a day should look like 2015-06-30; got '30.6.2015'",
        ),
        (["--entity", "enterprise", "--as-of", "2015-07-01"], "complete to 2015-06-30"),
        (["--entity", "enterprise", "--as-of", "1990-01-01"], "begins on"),
        (["--entity", "enterprise"], "--as-of"),
        (DAY, "--entity"),
    ],
)
def test_features_that_cannot_be_computed_say_why_and_leave_no_file(
    say: Say,
    source: Path,
    tmp_path: Path,
    words: list[str],
    says: str,
) -> None:
    out = tmp_path / "features.parquet"
    assert says in say("features", source, *words, "--out", out).line
    assert not files_in(tmp_path, "*features.parquet*")


@pytest.mark.parametrize("place", ["file/features.parquet", "nowhere/features.parquet", "."])
def test_features_that_cannot_be_written_are_one_line(
    say: Say, source: Path, tmp_path: Path, place: str
) -> None:
    (tmp_path / "file").write_text("kept", "utf-8")
    assert say("features", source, "--entity", "enterprise", *DAY, "--out", tmp_path / place).line
    assert (tmp_path / "file").read_text("utf-8") == "kept"


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["train", "nobody"], "nobody"),
        (["promote", "undeclared_workers", "1"], "undeclared_workers"),
        (["promote", "undeclared_workers", "0"], "version"),
    ],
)
def test_a_target_or_version_that_is_not_there_is_named(
    say: Say, source: Path, words: list[str], says: str
) -> None:
    answer = say(*words, *([source] if words[0] == "train" else []))
    assert says in answer.line
    assert not models_in_use(home() / "bundles", "hand")


@pytest.mark.parametrize("place", ["nowhere/report.html", "."])
def test_a_report_that_cannot_be_written_is_refused_before_the_training(
    say: Say, source: Path, tmp_path: Path, place: str
) -> None:
    answer = say("train", "nobody", source, "--report", tmp_path / place)
    assert "--report" in answer.line and "nobody" not in answer.line


def test_a_target_with_too_few_labels_is_not_learned(say: Say, write_source: Write) -> None:
    target = """
[target.any]
zh = "任何"
en = "any"
unit = "inspection"
label = "visit"
violation = 1
[target.any.split]
train_until = 2014-12-31
test_from = 2015-01-01
test_until = 2015-06-30
"""
    visit = {
        "inspection": "v1",
        "enterprise": "e1",
        "kind": "routine",
        "opened": "2014-03-01",
        "closed_on": "2014-03-09",
    }
    visit |= {f"examined_{number}": 1 for number in range(1, 6)}
    answer = say(
        "train", "any", write_source(TABLES | {"inspections": [visit], "findings": []}, target)
    )
    assert answer.err.startswith("error: target_unusable: ")
    assert answer.line


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--enterprises", "0"], "enterprises"),
        (["--enterprises", "-3"], "enterprises"),
        (["--months", "0"], "months"),
        (["--until", "2015-6-30"], "2015-6-30"),
        (["--enterprises", "many"], "--enterprises"),
        (["--seed", "1.5"], "--seed"),
        (["--name", ""], "got ''"),
        (["--name", "Our City"], "got 'Our City'"),
        (["--name", "c" * 76], "at most 75"),
        (["--name", "../up"], "got '../up'"),
    ],
)
def test_a_city_that_cannot_be_is_refused(
    say: Say, tmp_path: Path, words: list[str], says: str
) -> None:
    assert says in say("city", tmp_path / "city", *words).line
    assert not (tmp_path / "city").exists()


def test_a_folder_that_claims_a_held_name_is_told_what_to_run(
    say: Say, write_source: Write
) -> None:
    here, there = write_source(TABLES, folder="here"), write_source(TABLES, folder="there [1]")
    assert say("load", here, "--day", "2015-06-30").code == 0
    for words in (
        ["check"],
        ["certify", "--as-of", "2015-03-31"],
        ["load", "--day", "2015-06-30"],
        ["load", "--compact"],
        ["features", "--entity", "enterprise", "--as-of", "2015-03-31", "--out", "f.parquet"],
        ["dictionary"],
        ["matches", "--as-of", "2015-03-31"],
        ["novelty", "--as-of", "2015-03-31"],
    ):
        line = say(words[0], there, *words[1:]).line
        assert (
            f"is held by {here}, and {there} claims it too" in line
            and f"run `lssi adopt '{there}'`" in line
        )
    assert say("adopt", there).out == f"hand: {there} (先前 before: {here})\n"
    assert say("check", there).code == 0
    assert f"is held by {there}, and {here} claims it too" in say("check", here).line


@pytest.mark.parametrize("words", [["day"], ["load", "--compact"], ["load"]], ids=" ".join)
def test_rows_without_a_day_to_which_they_belong_are_refused_and_not_passed_over(
    say: Say, source: Path, tmp_path: Path, words: list[str]
) -> None:
    line = say(words[0], source, *words[1:], "--rows", tmp_path).line
    assert "request_invalid" in line and "--day" in line
    assert stores() == []


def test_a_city_is_not_written_over_something_else(say: Say, tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("kept", "utf-8")
    assert "not empty" in say("city", tmp_path, "--enterprises", "50").line
    assert "is a file" in say("city", tmp_path / "mine.txt", "--enterprises", "50").line
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


@pytest.mark.parametrize(
    "words",
    [
        ["replay", "0-0000000000"],
        ["report", "0-0000000000"],
        ["replay", "../../etc/passwd"],
        ["report", ""],
        ["replay", "x" * 5000],
        ["ledger", "verify", "--checkpoint", "nowhere"],
        ["ledger", "checkpoint"],
        ["ledger", "expire"],
    ],
)
@pytest.mark.parametrize("ledger", [None, b"", b"this is no ledger at all"])
def test_a_record_that_is_not_there_is_one_line(
    say: Say, words: list[str], ledger: bytes | None
) -> None:
    if ledger is not None:
        home().mkdir(parents=True, exist_ok=True)
        (home() / "ledger.db").write_bytes(ledger)
    assert say(*words).line


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["add", "anna", "--role", "king"], "king"),
        (["add", "an na", "--role", "system"], "name"),
        (["remove", "nobody"], "nobody"),
        (["add", "anna"], "--role"),
    ],
)
def test_a_key_that_cannot_be_made_or_removed_says_why(
    say: Say, words: list[str], says: str
) -> None:
    assert says in say("key", *words).line


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--port", "99999"], "--port"),
        (["--workers", "0"], "--workers"),
        (["--host", "300.0.0.1"], "300.0.0.1"),
        ([], "no model of"),
    ],
)
def test_a_service_that_cannot_start_says_why(
    say: Say, source: Path, words: list[str], says: str
) -> None:
    assert says in say("serve", source, *words).line


def promote(parts: Parts, digest: str | None = None) -> Path:
    """Write a bundle and put it into use, as a promotion does, under its own digest or another."""
    folder = home() / "bundles"
    path = write_bundle(folder, parts)
    pointer = Pointer(bundle=path.name, digest=digest or load_bundle(path).digest)
    promote_model(folder, ModelKey("hand", "undeclared_workers"), pointer)
    return path


def test_a_damaged_bundle_is_refused_before_anything_reads_it(
    say: Say, source: Path, model_parts: Parts
) -> None:
    model = promote(model_parts) / "model_any.txt"
    model.write_bytes(model.read_bytes()[:-200])
    assert (
        "model_any.txt differs from its digest" in say("plan", source, "--week", "2015-06-29").line
    )


def test_a_pointer_to_another_bundle_is_refused(say: Say, source: Path, model_parts: Parts) -> None:
    promote(model_parts, digest="0" * 64)
    assert "has digest" in say("plan", source, "--week", "2015-06-29").line


def test_a_model_of_other_features_is_refused(say: Say, source: Path, model_parts: Parts) -> None:
    promote(model_parts)
    assert "lacks" in say("plan", source, "--week", "2015-06-29", "--retrospective").line


def test_a_week_before_the_model_was_trained_is_refused(
    say: Say, source: Path, model_parts: Parts
) -> None:
    promote(model_parts)
    assert "add --retrospective" in say("plan", source, "--week", "2015-06-29").line


@pytest.mark.parametrize(
    ("week", "says"),
    [
        ("2016-01-04", "complete to 2015-06-30"),
        ("2012-06-04", "begins on"),
        ("2011-06-06", "no rule set is in force"),
    ],
)
def test_a_week_outside_the_history_or_the_rules_is_refused(
    say: Say,
    source: Path,
    model_parts: Parts,
    week: str,
    says: str,
) -> None:
    promote(model_parts)
    assert says in say("plan", source, "--week", week, "--retrospective").line


def test_where_json_is_asked_an_error_is_json_too(say: Say, source: Path) -> None:
    drop_a_table(source)
    answer = say("check", source, "--json")
    assert json.loads(answer.line)["error"] == "source_unreadable"


def test_a_home_that_cannot_be_written_is_one_line(
    say: Say,
    source: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (tmp_path / "file").write_text("x", "utf-8")
    monkeypatch.setenv("LSSI_HOME", str(tmp_path / "file"))
    assert "check that it can be read or written" in say("check", source).line


def test_a_full_disk_is_one_line_whatever_engine_meets_it(
    say: Say,
    source: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def full(*_: object, **_options: object) -> None:
        raise RuntimeError(
            "parquet: File out of specification: underlying IO error: No space left on device (os error 28)"
        )

    monkeypatch.setattr("polars.DataFrame.write_parquet", full)
    assert "No space left on device; make room" in say("check", source).line
    assert stores() == []


def test_a_dump_that_is_a_file_is_one_line(say: Say, tmp_path: Path) -> None:
    (tmp_path / "AB01.csv").write_text("AAB001,AAE036\n", "utf-8")
    platform = Path(__file__).parents[1] / "sources" / "core_platform"
    assert (
        "is no folder; name the folder of the dump"
        in say("check", platform, "--data", tmp_path / "AB01.csv").line
    )


def test_a_port_in_use_is_one_line(say: Say, source: Path, model_parts: Parts) -> None:
    promote(model_parts)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        assert (
            "the service cannot listen on"
            in say("serve", source, "--port", taken.getsockname()[1]).line
        )
